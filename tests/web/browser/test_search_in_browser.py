"""Search and browse in a browser: the panel below the search box, keys, announcements, the map."""

from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import Watched, saved, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LIKE = "Amélie"


def type_text(page: "Page", text: str) -> None:
    """Types into the search box of the header, after "/"."""
    page.keyboard.press("/")
    page.wait_for_function("document.activeElement.id === 'q'")
    page.keyboard.type(text, delay=5)


@pytest.mark.parametrize("path", ["/", "/for-you", "/films/17", "/you", "/together", "/browse"])
def test_the_same_search_opens_over_every_page_and_moves_nothing(
    page: "Page", watched: Watched, address: str, path: str
) -> None:
    page.goto(f"{address}{path}")
    before = page.locator("main").bounding_box()
    type_text(page, "amelei")
    card = page.locator("#found li.card[data-film='7']")
    card.wait_for()
    assert "Did you mean:" in page.locator("#found").inner_text()
    assert page.locator("main").bounding_box() == before
    page.keyboard.press("Escape")
    assert not card.is_visible()
    assert page.evaluate("document.activeElement.id") == "q"
    assert watched.complaints == []


def test_only_the_number_of_films_is_announced(page: "Page", address: str) -> None:
    for path in ("/", "/search"):
        page.goto(f"{address}{path}")
        type_text(page, "film")
        page.locator("#n-found", has_text="116 films found").wait_for(state="attached")
        live = page.eval_on_selector_all(
            "[aria-live], [role=status], [role=alert]",
            "all => all.filter((one) => one.closest('#found') || one.querySelector('li.card')).length",
        )
        assert live == 0


def test_the_arrow_key_leads_into_the_panel_and_a_click_elsewhere_closes_it(
    page: "Page", address: str
) -> None:
    page.goto(address)
    type_text(page, "star wars")
    page.locator("#found li.card").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("Boolean(document.activeElement.closest('#found'))")
    page.mouse.click(5, 700)
    assert not page.locator("#found").is_visible()


def test_a_slash_is_typed_where_text_is_typed(page: "Page", address: str) -> None:
    page.goto(f"{address}/together")
    page.get_by_label("Your name in the group").press_sequentially("a/b")
    assert page.get_by_label("Your name in the group").input_value() == "a/b"


def test_a_film_found_in_the_panel_can_be_rated(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    type_text(page, "amel")
    page.locator("#found li.card").first.wait_for()
    with page.expect_response(saved("/rate")):
        page.locator("#found input[value='5.0']").first.click()
    page.get_by_text("Saved: Amélie (2001).").wait_for()
    assert page.locator("#found li.card").first.is_visible()


def test_the_map_finds_misspelled_titles_as_all_pages_do(page: "Page", address: str) -> None:
    page.goto(f"{address}/map")
    box = page.locator("#film-map-search")
    box.wait_for()
    box.press_sequentially("amelei")
    page.locator("#film-map-found li", has_text=LIKE).first.wait_for()
    box.press("Enter")
    page.locator(".film h2", has_text=LIKE).wait_for()


def test_search_results_have_pages_filters_and_an_order(page: "Page", address: str) -> None:
    page.goto(f"{address}/search?q=film")
    assert page.locator("ol.cards > li").count() == 24
    assert page.get_by_text("116 films, showing 1 to 24").is_visible()
    first = page.locator("li.card").first.get_attribute("data-film")
    page.get_by_role("link", name="Next").press("Enter")  # a click may miss while pictures load
    page.get_by_text("116 films, showing 25 to 48").wait_for()
    assert page.locator("li.card").first.get_attribute("data-film") != first
    page.get_by_label("Genre").select_option("Horror")
    page.get_by_label("Sort by").select_option("newest")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**genre=Horror**")
    years = [int(text) for text in page.locator(".poster .year").all_text_contents()]
    assert years == sorted(years, reverse=True)
    assert {"Horror"} == {
        text.strip() for text in page.locator("li.card .facts a").all_text_contents()
    }


def test_genres_and_years_lead_to_pages_that_list_them(page: "Page", address: str) -> None:
    page.goto(f"{address}/films/7")
    page.locator(".kicker").get_by_role("link", name="Romance").click()
    assert page.locator("h1").inner_text() == "Romance"
    assert page.locator("li.card").first.get_attribute("data-film") == "7"
    page.goto(f"{address}/films/17")
    page.locator(".kicker").get_by_role("link", name="1977").click()
    assert page.locator("h1").inner_text() == "1970s"
    page.get_by_role("link", name="Pick one for tonight").click()
    page.wait_for_url("**/films/*")
    assert page.locator(".kicker").inner_text().startswith("197")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 450)])
def test_axe_finds_nothing_on_search_and_browse(
    page: "Page", address: str, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    found = {}
    for path in (
        "/search?q=film",
        "/search?q=amelei",
        "/browse",
        "/browse?genre=Comedy",
        "/search",
    ):
        page.goto(f"{address}{path}")
        found[path] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(address)
    type_text(page, "film")
    page.locator("#found li.card").first.wait_for()
    found["panel"] = violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert {path: told for path, told in found.items() if told} == {}


def test_search_and_browse_work_without_a_script(browser: "Browser", address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.get_by_role("searchbox").fill("star war")
    page.get_by_role("button", name="Search").click()
    assert page.locator("li.card").first.get_attribute("data-film") == "17"
    page.goto(f"{address}/browse")
    page.get_by_label("Decade").select_option("1970s")
    page.get_by_role("button", name="Apply").click()
    years = {text[:3] for text in page.locator(".poster .year").all_text_contents()}
    assert years == {"197"}
    context.close()
