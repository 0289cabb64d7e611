"""The pages in a browser, as a newcomer meets them: by mouse, by touch and by keyboard, wide and narrow."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.web.browser.conftest import Watched, saved, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
at_both = pytest.mark.parametrize("size", SIZES)
SAID = "cards => cards.map((card) => [...card.querySelectorAll('.predicted, .why')].map((one) => one.textContent))"
FILMS = "cards => cards.map((card) => card.dataset.film)"
PAGES = ("/", "/for-you", "/films/7", "/search?q=film", "/search?q=zz", "/nope")


def give(page: "Page", card: int, stars: float) -> None:
    """Clicks on stars of a card of the grid, and waits until the server has them."""
    with page.expect_response(saved("/rate")):
        page.locator("#grid > li").nth(card).locator(f"input[value='{stars}']").click()


def films(page: "Page", of: str = "#list") -> list[str]:
    """The films of a list, in their order."""
    found: list[str] = page.eval_on_selector_all(
        f"{of} > li", "cards => cards.map((card) => card.dataset.film)"
    )
    return found


def settled(page: "Page", of: str, before: list[str]) -> list[str]:
    """A list once it differs from what it was."""
    page.wait_for_function(
        "([of, before]) => [...document.querySelectorAll(`${of} > li`)].map((c) => c.dataset.film).join() !== before",
        arg=[of, ",".join(before)],
    )
    return films(page, of)


@at_both
def test_a_newcomer_rates_ten_films_opens_one_reads_why_and_filters(
    page: "Page", watched: Watched, address: str, size: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    top = page.locator("#progress .lines li").first
    unasked = top.inner_text()
    for card in range(10):
        give(page, card, (5.0, 1.5, 4.0, 2.5, 4.5)[card % 5])
    page.get_by_text("10 films. Every rating sharpens your list.").wait_for()
    assert top.inner_text() != unasked
    assert page.locator("#grid > li").count() == 28
    page.get_by_role("link", name="See the full list").click()
    assert "Based on your 10 films" in page.locator(".lead").first.inner_text()

    before = films(page)
    with page.expect_response(saved("/rate")):
        page.locator("#list > li").nth(2).locator("input[value='5.0']").click()
    after = settled(page, "#list", before)
    assert after[2] == before[2]
    page.get_by_text("Based on your 11 films").wait_for()
    assert "Based on your 11 films" in page.locator(".lead").first.inner_text()

    page.locator(".filters summary").click()
    page.locator("input[name=genre][value='Sci-Fi']").check(force=True)
    settled(page, "#list", after)
    assert urlsplit(page.url).query == "genre=Sci-Fi"
    assert all("Sci-Fi" in text for text in page.locator("#list .facts").all_text_contents())
    page.reload()
    assert all("Sci-Fi" in text for text in page.locator("#list .facts").all_text_contents())

    page.locator("#list .poster").first.click()
    page.get_by_text(re.compile(r"^We predict that you would give it \d\.\d stars\.$")).wait_for()
    page.get_by_text("Show the sum").click()
    shown = page.locator(".bars td.number").all_inner_texts()
    amounts = [float(text.replace("\u2212", "-")) for text in shown]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=1e-9)
    assert {urlsplit(asked).netloc for asked in watched.requests} == {urlsplit(address).netloc}


@at_both
def test_axe_finds_nothing_serious_and_nothing_reaches_beyond_the_window(
    page: "Page", watched: Watched, address: str, size: str
) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(address)
    give(page, 0, 5.0)
    found = {"/ with a rating": violations(page)}
    for path in PAGES:
        page.goto(f"{address}{path}")
        if path == "/for-you":
            page.locator(".filters summary").click()
        found[path] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
    assert {path: told for path, told in found.items() if told} == {}
    watched.complaints.clear()  # the page that is not there is an error on the console


def test_stars_are_given_by_keyboard_when_enter_is_pressed(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    before = films(page)
    card = page.locator("#list > li").first
    card.locator("input[type=radio]").first.focus()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert sent == []
    assert card.locator("input:checked").get_attribute("value", timeout=5000) == "3.0"
    page.keyboard.press("Enter")
    after = settled(page, "#list", before)
    assert after[0] == before[0]
    focused = page.evaluate("document.activeElement.closest('li.card').dataset.film")
    assert focused == before[0]
    page.goto(f"{address}/films/{before[0]}")
    assert page.locator("input:checked").get_attribute("value") == "3.0"


def test_stars_chosen_by_keyboard_are_given_when_they_are_left(page: "Page", address: str) -> None:
    page.goto(address)
    page.locator("#grid > li").first.locator("input[type=radio]").first.focus()
    page.keyboard.press("ArrowRight")
    with page.expect_response(saved("/rate")):
        page.keyboard.press("Tab")
    page.get_by_text("1 of 10. 9 to go.").wait_for()


def test_cards_of_films_that_stay_on_the_list_are_not_drawn_anew(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    with page.expect_response(saved("/rate")):
        page.locator("#list > li").first.locator("input[value='5.0']").click()
    before = settled(page, "#list", [])
    mark = "document.querySelectorAll('#list > li').forEach((card) => { card.mine = true; })"
    page.evaluate(mark)
    with page.expect_response(saved("/rate")) as answer:
        page.locator("#list > li").nth(3).locator("input[value='1.0']").click()
    after = settled(page, "#list", before)
    kept = "[...document.querySelectorAll('#list > li')].filter((card) => card.mine).map((card) => card.dataset.film)"
    assert set(page.evaluate(kept)) == set(before) & set(after)
    assert len(set(before) & set(after)) >= 5
    assert page.locator("li[data-held]").count() == 0
    assert (
        page.locator("#list > li .poster").count()
        == page.locator("#list > li .predicted").count()
        == len(after)
    )
    given = page.locator("#list > li.given").evaluate_all(FILMS)
    assert len(given) == 2
    page.mouse.move(0, 0)
    said = page.locator("#list > li:not(.given)").evaluate_all(SAID)
    assert answer.value.text().count("data-held") >= len(set(before) & set(after)) - 1
    rows = page.locator(".row h2").all_text_contents()
    page.reload()
    assert films(page) == [film for film in after if film not in given]
    assert page.locator("#list > li").evaluate_all(SAID) == said
    assert page.locator(".row h2").all_text_contents() == rows


def test_the_list_is_asked_for_whole_where_a_card_that_should_be_there_is_gone(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    before = films(page)
    page.evaluate(
        """() => {
          const send = fetch;
          globalThis.fetch = (...of) => {
            const answer = send(...of); // what the page holds has been said
            if (of[1].method === "POST") document.querySelectorAll("#list > li")[5].remove();
            return answer;
          };
        }"""
    )
    with page.expect_response("**/for-you?*"):
        page.locator("#list > li").first.locator("input[value='3.0']").click()
    page.wait_for_function("() => !document.querySelector('li[data-held], [data-part][aria-busy]')")
    after = films(page)
    assert after[0] == before[0]
    page.reload()
    assert films(page) == after[1:]


def test_the_keyboard_stays_where_it_was_when_the_list_changes(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    where = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.value"
    page.locator("#list > li").nth(4).get_by_role("button", name="Not interested").focus()
    named = page.evaluate(where)
    before = films(page)
    page.evaluate(
        "document.querySelector('#list > li input[value=\"4.0\"]').click()"
    )  # moves no focus
    after = settled(page, "#list", before)
    assert before[4] in after
    assert page.evaluate(where) == named

    with page.expect_response(saved("/hide")):
        page.keyboard.press("Enter")
    page.get_by_text("is hidden from your lists").wait_for()
    last = films(page)
    assert last.index(before[4]) == after.index(before[4])
    assert page.evaluate(where).startswith("Undo: ")

    page.locator(".filters summary").press("Enter")
    page.locator("input[name=genre][value='Sci-Fi']").press("Space")
    settled(page, "#list", last)
    assert page.evaluate(where) == "Sci-Fi"
    page.keyboard.press("Escape")
    while page.locator(".filters[open]").count():
        page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.localName") == "summary"


def slide(page: "Page", name: str, value: str) -> None:
    """Moves a slider of the filters, and waits until the list has followed."""
    slider = page.locator(f".dial input[name={name}]")
    slider.evaluate("(input, value) => { input.value = value; }", value)
    with page.expect_response("**/for-you*"):
        slider.dispatch_event("change")


def test_the_taste_changes_the_list_and_stays_in_the_address(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    for card, stars in ((0, "5.0"), (3, "1.0")):
        before = films(page)
        with page.expect_response(saved("/rate")):
            page.locator("#list > li").nth(card).locator(f"input[value='{stars}']").click()
        settled(page, "#list", before)
    page.reload()
    usual = films(page)
    page.locator(".filters summary").click()
    slider = page.get_by_role(
        "slider", name="what you are likely to choose \u2013 what fits your taste"
    )
    assert slider.input_value() == "0"
    slide(page, "taste", "1")
    own = settled(page, "#list", usual)
    assert urlsplit(page.url).query == "taste=1"
    page.reload()
    assert films(page) == own
    page.locator(".filters summary").click()
    assert slider.input_value() == "1"
    slide(page, "taste", "0")
    assert settled(page, "#list", own) == usual
    assert urlsplit(page.url).query == ""


def test_a_taste_other_than_the_usual_is_kept_even_if_it_is_0(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    page.locator(".dial input[name=taste]").evaluate("input => { input.dataset.usual = '0.3'; }")
    slide(page, "taste", "0.5")
    page.wait_for_url("**/for-you?taste=0.5")
    slide(page, "taste", "0")
    page.wait_for_url("**/for-you?taste=0")
    slide(page, "taste", "0.3")
    page.wait_for_url("**/for-you")


def test_the_first_tab_leads_past_the_navigation_and_focus_can_be_seen(
    page: "Page", address: str
) -> None:
    page.goto(address)
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    box = link.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    outline = "getComputedStyle(document.activeElement.matches('input') ? document.activeElement.closest('fieldset') : "
    for _ in range(12):
        told = page.evaluate(
            f"[{outline}document.activeElement).outlineStyle, document.activeElement.outerHTML]"
        )
        assert told[0] == "solid", told[1]
        page.keyboard.press("Tab")


def test_a_film_not_seen_gives_way_and_stays_away(page: "Page", address: str) -> None:
    page.goto(address)
    before = films(page, "#grid")
    page.locator("#grid > li").nth(3).get_by_role("button", name="I haven't seen").click()
    after = settled(page, "#grid", before)
    assert len(after) == len(before)
    assert before[:3] + before[4:] == after[:3] + after[4:]
    page.reload()
    assert before[3] not in films(page, "#grid")


def test_not_interested_can_be_undone(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    before = films(page)
    page.locator("#list > li").first.get_by_role("button", name="Not interested").click()
    page.get_by_text("is hidden from your lists").wait_for()
    assert films(page)[0] == before[0]
    assert page.locator("#list > li.put-away").count() == 1
    with page.expect_response(saved("/show")):
        page.locator(".told").get_by_role("button", name="Undo").click()
    page.locator("#list > li.put-away").wait_for(state="detached")
    page.reload()
    assert films(page) == before


def test_a_rating_is_changed_and_taken_back_on_the_page_of_a_film(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/films/17")
    for stars in ("4.0", "2.5"):
        with page.expect_response("**/films/17"):
            page.locator(f"input[value='{stars}']").click()
        page.locator(f"input[value='{stars}']:checked").wait_for(state="attached")
        page.get_by_text(f"You gave {float(stars):g}.").wait_for()
    page.get_by_role("button", name="Remove your rating").click()
    page.get_by_text("Predicted for a new user").wait_for()
    assert page.locator("input:checked").count() == 0


def test_films_are_found_while_one_types(page: "Page", address: str) -> None:
    page.goto(address)
    page.get_by_role("searchbox").press_sequentially("ameli", delay=10)
    found = page.locator("#found li.card")
    found.wait_for()
    assert films(page, "#found .cards") == ["7"]
    with page.expect_response(saved("/rate")):
        found.locator("input[value='5.0']").click()
    page.get_by_text("1 of 10. 9 to go.").wait_for()
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/search?q=ameli")
    assert page.locator("input:checked").get_attribute("value") == "5.0"


def test_what_is_rated_without_a_connection_waits_for_it(
    page: "Page", watched: Watched, address: str
) -> None:
    page.goto(address)
    lost: list[Route] = []

    def lose(route: "Route") -> None:
        lost.append(route)
        route.abort()

    page.route("**/rate", lose)
    page.locator("#grid > li").first.locator("input[value='4.0']").click()
    page.get_by_text("You're offline. 1 change is waiting to be sent.").wait_for()
    assert page.get_by_text("You're offline. New ratings").is_visible()
    page.locator("#grid > li").nth(1).locator("input[value='2.0']").click()
    page.unroute("**/rate")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("2 of 10. 8 to go.").wait_for()
    assert not page.get_by_text("You're offline. New ratings").is_visible()
    assert all("ERR_FAILED" in text for text in watched.complaints)
    watched.complaints.clear()


def test_what_the_server_refuses_is_said(page: "Page", watched: Watched, address: str) -> None:
    page.goto(address)
    page.evaluate("document.querySelector('#grid input[type=radio]').value = '9'")
    page.locator("#grid input[type=radio]").first.click()
    page.get_by_text("Not saved. The rating 9 for item").or_(
        page.get_by_text("Not saved. 9 stars")
    ).wait_for()
    assert len(watched.complaints) == 1
    watched.complaints.clear()


def test_half_stars_are_where_the_halves_are(page: "Page", address: str) -> None:
    page.goto(address)
    box = page.locator("#grid fieldset").first.bounding_box()
    assert box is not None
    for part, value in ((0.3, "2.0"), (0.45, "2.5"), (0.99, "5.0"), (0.05, "1.0")):
        page.mouse.click(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        assert (
            page.locator("#grid > li").first.locator("input:checked").get_attribute("value")
            == value
        )


def test_everything_works_without_a_script(browser: "Browser", address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    card = page.locator("#grid > li").first
    film = card.get_attribute("data-film")
    card.locator("input[value='4.5']").click()
    card.get_by_role("button", name="Save").click()
    page.get_by_text("1 of 10. 9 to go.").wait_for()
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    page.locator("input[name=genre][value='Horror']").check(force=True)
    page.get_by_role("button", name="Apply").click()
    assert all("Horror" in text for text in page.locator("#list .facts").all_text_contents())
    page.goto(f"{address}/films/{film}")
    page.get_by_role("button", name="Remove your rating").click()
    assert page.locator("input:checked").count() == 0
    context.close()
