"""Search and browse in a browser: the panel below the search box, keys, announcements, the map."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Watched, follow, give, searching, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

LIKE = "Amélie"


def type_text(page: "Page", text: str) -> None:
    """Types into the search box of the header, after "/", and waits until the films are found."""
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    with searching(page, text):
        page.keyboard.type(text)


@pytest.mark.parametrize("path", ["/", "/for-you", "/films/17", "/you", "/together", "/browse"])
def test_the_same_search_opens_over_every_page_and_moves_nothing(
    page: "Page", watched: Watched, address: str, path: str
) -> None:
    page.goto(f"{address}{path}")
    before = page.locator("main").bounding_box()
    type_text(page, "amelei")
    card = page.locator("#found li.card[data-film='7']")
    card.wait_for()
    expect(page.locator("#found")).to_contain_text("Did you mean:")
    assert page.locator("main").bounding_box() == before
    page.keyboard.press("Escape")
    expect(card).not_to_be_visible()
    expect(page.locator("#q")).to_be_focused()
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
    page.wait_for_function("() => Boolean(document.activeElement.closest('#found'))")
    page.mouse.click(5, 700)
    expect(page.locator("#found")).not_to_be_visible()


def test_a_slash_is_typed_where_text_is_typed(page: "Page", address: str) -> None:
    page.goto(f"{address}/together")
    page.get_by_label("Your name in the group").press_sequentially("a/b")
    expect(page.get_by_label("Your name in the group")).to_have_value("a/b")


def test_a_film_found_in_the_panel_can_be_rated(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    type_text(page, "amel")
    give(page.locator("#found li.card").first, 5.0)
    page.get_by_text("Saved: Amélie (2001).").wait_for()
    expect(page.locator("#found li.card").first).to_be_visible()


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
    expect(page.locator("ol.cards > li")).to_have_count(24)
    expect(page.get_by_text("116 films, showing 1 to 24")).to_be_visible()
    first = page.locator("li.card").first.get_attribute("data-film") or ""
    follow(page.get_by_role("link", name="Next"))
    expect(page.get_by_text("116 films, showing 25 to 48")).to_be_visible()
    expect(page.locator("li.card").first).not_to_have_attribute("data-film", first)
    page.get_by_label("Genre").select_option("Horror")
    page.get_by_label("Sort by").select_option("newest")
    follow(page.get_by_role("button", name="Apply"))
    expect(page).to_have_url(re.compile("genre=Horror"))
    years = [int(text) for text in page.locator(".poster .year").all_text_contents()]
    assert years == sorted(years, reverse=True)
    facts = page.locator("li.card .facts a")
    expect(facts.first).to_be_visible()
    expect(facts.filter(has_not_text=re.compile(r"^\s*Horror\s*$"))).to_have_count(0)


def test_genres_and_years_lead_to_pages_that_list_them(page: "Page", address: str) -> None:
    page.goto(f"{address}/films/7")
    follow(page.locator(".kicker").get_by_role("link", name="Romance"))
    expect(page.locator("h1")).to_have_text("Romance")
    expect(page.locator("li.card").first).to_have_attribute("data-film", "7")
    page.goto(f"{address}/films/17")
    follow(page.locator(".kicker").get_by_role("link", name="1977"))
    expect(page.locator("h1")).to_have_text("1970s")
    follow(page.get_by_role("link", name="Pick one for tonight"))
    expect(page).to_have_url(re.compile(f"^{address}/films/[^/]+$"))
    expect(page.locator(".kicker")).to_have_text(re.compile(r"^\s*197"))


def test_axe_finds_nothing_on_search_and_browse(page: "Page", address: str) -> None:
    small = (320, 450)
    found = {}
    for path in (
        "/search?q=film",
        "/search?q=amelei",
        "/browse",
        "/browse?genre=Comedy",
        "/search",
    ):
        page.goto(f"{address}{path}")
        found[path] = violations(page, small)
    page.goto(address)
    type_text(page, "film")
    page.locator("#found li.card").first.wait_for()
    found["panel"] = violations(page, small)
    assert {path: told for path, told in found.items() if told} == {}


def test_search_and_browse_work_without_a_script(scriptless: "Page", address: str) -> None:
    page = scriptless
    page.goto(address)
    page.get_by_role("searchbox").fill("star war")
    follow(page.get_by_role("button", name="Search"))
    expect(page.locator("li.card").first).to_have_attribute("data-film", "17")
    page.goto(f"{address}/browse")
    page.get_by_label("Decade").select_option("1970s")
    follow(page.get_by_role("button", name="Apply"))
    years = {text[:3] for text in page.locator(".poster .year").all_text_contents()}
    assert years == {"197"}
