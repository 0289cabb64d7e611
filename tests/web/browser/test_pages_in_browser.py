"""The pages in a browser, as a newcomer meets them: by mouse, by touch and by keyboard, wide and narrow."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import (
    Watched,
    films,
    follow,
    give,
    saved,
    saving,
    searching,
    settle,
    steady,
    until,
    violations,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
at_both = pytest.mark.parametrize("size", SIZES)
SAID = "cards => cards.map((card) => [...card.querySelectorAll('.predicted, .why')].map((one) => one.textContent))"
LISTED = "#list > li"
GRID = "#grid > li"
NO_RETRIES = """() => {
  const later = setTimeout;
  globalThis.setTimeout = (task, milliseconds) => milliseconds === 5000 ? 0 : later(task, milliseconds);
}"""
"""Changes that are waiting are sent again by a click alone, not by the clock as well."""
PAGES = ("/", "/for-you", "/films/7", "/search?q=film", "/search?q=zz", "/nope")


def changed(page: "Page", of: str, before: list[str]) -> list[str]:
    """A list once it differs from what it was, and stands still."""
    page.wait_for_function(
        "([of, before]) => [...document.querySelectorAll(of)].map((c) => c.dataset.film).join() !== before",
        arg=[of, ",".join(before)],
    )
    settle(page)
    return films(page, of)


def rated(page: "Page", place: int, stars: float) -> list[str]:
    """The list, after a film of it was rated."""
    before = films(page)
    give(page.locator(LISTED).nth(place), stars)
    return changed(page, LISTED, before)


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
        give(page.locator(GRID).nth(card), (5.0, 1.5, 4.0, 2.5, 4.5)[card % 5])
    page.get_by_text("10 films. Every rating sharpens your list.").wait_for()
    expect(top).not_to_have_text(unasked)
    expect(page.locator(GRID)).to_have_count(28)
    follow(page.get_by_role("link", name="See the full list"))
    expect(page.locator(".lead").first).to_contain_text("Based on your 10 films")

    before = films(page)
    after = rated(page, 2, 5.0)
    assert after[2] == before[2]
    expect(page.locator(".lead").first).to_contain_text("Based on your 11 films")

    page.locator(".filters summary").click()
    page.locator("input[name=genre][value='Sci-Fi']").check(force=True)
    changed(page, LISTED, after)
    expect(page).to_have_url(f"{address}/for-you?genre=Sci-Fi")
    for _ in range(2):
        expect(page.locator("#list .facts").first).to_be_visible()
        expect(page.locator("#list .facts").filter(has_not_text="Sci-Fi")).to_have_count(0)
        page.reload()

    follow(page.locator("#list .poster").first)
    said = re.compile(r"^We predict that you would give it \d\.\d stars\.$")
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_text("Show the sum").click()
    expect(page.locator(".bars")).to_be_visible()
    shown = page.locator(".bars td.number").all_inner_texts()
    amounts = [float(text.replace("\u2212", "-")) for text in shown]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=1e-9)
    assert {urlsplit(asked).netloc for asked in watched.requests} == {urlsplit(address).netloc}


def test_axe_finds_nothing_serious_and_nothing_reaches_beyond_the_window(
    page: "Page", watched: Watched, address: str
) -> None:
    page.goto(address)
    give(page.locator(GRID).first, 5.0)
    found = {"/ with a rating": violations(page, SIZES["phone"])}
    for path in PAGES:
        page.goto(f"{address}{path}")
        if path == "/for-you":
            page.locator(".filters summary").click()
        found[path] = violations(page, SIZES["phone"])
    assert {path: told for path, told in found.items() if told} == {}
    watched.complaints.clear()  # the page that is not there is an error on the console


def test_stars_are_given_by_keyboard_when_enter_is_pressed(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    before = films(page)
    card = page.locator(LISTED).first
    card.locator("input[type=radio]").first.focus()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(card.locator("input:checked")).to_have_value("3.0")
    assert sent == []
    with saving(page):
        page.keyboard.press("Enter")
    after = changed(page, LISTED, before)
    assert after[0] == before[0]
    focused = "document.activeElement.closest('li.card')?.dataset.film"
    until(page, lambda: page.evaluate(focused), before[0])
    page.goto(f"{address}/films/{before[0]}")
    expect(page.locator("input:checked")).to_have_value("3.0")


def test_stars_chosen_by_keyboard_are_given_when_they_are_left(page: "Page", address: str) -> None:
    page.goto(address)
    page.locator(GRID).first.locator("input[type=radio]").first.focus()
    page.keyboard.press("ArrowRight")
    with saving(page):
        page.keyboard.press("Tab")
    page.get_by_text("1 of 10. 9 to go.").wait_for()


def test_cards_of_films_that_stay_on_the_list_are_not_drawn_anew(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    give(page.locator(LISTED).first, 5.0)
    before = films(page)
    mark = "document.querySelectorAll('#list > li').forEach((card) => { card.mine = true; })"
    page.evaluate(mark)
    star = steady(page.locator(LISTED).nth(3).locator("input[value='1.0']"))
    with page.expect_response(saved("/rate")) as answer:
        star.click()
    after = changed(page, LISTED, before)
    kept = "[...document.querySelectorAll('#list > li')].filter((card) => card.mine).map((card) => card.dataset.film)"
    assert set(page.evaluate(kept)) == set(before) & set(after)
    assert len(set(before) & set(after)) >= 5
    expect(page.locator("li[data-held]")).to_have_count(0)
    for part in (".poster", ".predicted"):
        expect(page.locator(f"{LISTED} {part}")).to_have_count(len(after))
    given = films(page, f"{LISTED}.given")
    assert len(given) == 2
    page.mouse.move(0, 0)
    said = page.locator(f"{LISTED}:not(.given)").evaluate_all(SAID)
    assert answer.value.text().count("data-held") >= len(set(before) & set(after)) - 1
    rows = page.locator(".row h2").all_text_contents()
    page.reload()
    assert films(page) == [film for film in after if film not in given]
    assert page.locator(LISTED).evaluate_all(SAID) == said
    expect(page.locator(".row h2")).to_have_text(rows)


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
            if (of[1].method === "POST")
              document.querySelectorAll("#list > li:nth-child(n + 4)").forEach(card => card.remove());
            return answer;
          };
        }"""
    )
    star = steady(page.locator(LISTED).first.locator("input[value='3.0']"))
    with page.expect_response("**/for-you?*"):
        star.click()
    page.wait_for_function("() => !document.querySelector('li[data-held], [aria-busy=true]')")
    after = films(page)
    assert after[0] == before[0]
    page.reload()
    assert films(page) == after[1:]


def test_the_keyboard_stays_where_it_was_when_the_list_changes(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    where = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.value"
    page.locator(LISTED).nth(4).get_by_role("button", name="Not interested").focus()
    named = page.evaluate(where)
    before = films(page)
    with saving(page):  # without a click, which would move the focus
        page.evaluate("document.querySelector('#list > li input[value=\"4.0\"]').click()")
    after = changed(page, LISTED, before)
    assert before[4] in after
    until(page, lambda: page.evaluate(where), named)

    with saving(page, "/hide"):
        page.keyboard.press("Enter")
    page.get_by_text("is hidden from your lists").wait_for()
    last = films(page)
    assert last.index(before[4]) == after.index(before[4])
    until(page, lambda: page.evaluate(where).startswith("Undo: "), True)

    page.locator(".filters summary").press("Enter")
    page.locator("input[name=genre][value='Sci-Fi']").press("Space")
    changed(page, LISTED, last)
    until(page, lambda: page.evaluate(where), "Sci-Fi")
    page.keyboard.press("Escape")  # the message
    expect(page.locator(".told")).to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator(".filters[open]")).to_have_count(0)
    expect(page.locator(".filters summary")).to_be_focused()


def slide(page: "Page", name: str, value: str) -> None:
    """Moves a slider of the filters, and waits until the list has followed."""
    slider = page.locator(f".dial input[name={name}]")
    slider.evaluate("(input, value) => { input.value = value; }", value)
    with page.expect_response("**/for-you*"):
        slider.dispatch_event("change")
    settle(page)


def test_the_taste_changes_the_list_and_stays_in_the_address(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    rated(page, 0, 5.0)
    rated(page, 3, 1.0)
    page.reload()
    usual = films(page)
    page.locator(".filters summary").click()
    slider = page.get_by_role(
        "slider", name="what you are likely to choose \u2013 what fits your taste"
    )
    expect(slider).to_have_value("0")
    slide(page, "taste", "1")
    own = changed(page, LISTED, usual)
    expect(page).to_have_url(f"{address}/for-you?taste=1")
    page.reload()
    assert films(page) == own
    page.locator(".filters summary").click()
    expect(slider).to_have_value("1")
    slide(page, "taste", "0")
    assert changed(page, LISTED, own) == usual
    expect(page).to_have_url(f"{address}/for-you")


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
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash === '#main'")
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.activeElement.closest('main') !== null")
    outline = "getComputedStyle(document.activeElement.matches('input') ? document.activeElement.closest('fieldset') : "
    for _ in range(12):
        told = page.evaluate(
            f"[{outline}document.activeElement).outlineStyle, document.activeElement.outerHTML]"
        )
        assert told[0] == "solid", told[1]
        page.keyboard.press("Tab")


def test_a_film_not_seen_gives_way_and_stays_away(page: "Page", address: str) -> None:
    page.goto(address)
    before = films(page, GRID)
    button = page.locator(GRID).nth(3).get_by_role("button", name="I haven't seen")
    with page.expect_response(saved("/not-seen")):
        steady(button).click()
    after = changed(page, GRID, before)
    assert len(after) == len(before)
    assert before[:3] + before[4:] == after[:3] + after[4:]
    page.reload()
    assert before[3] not in films(page, GRID)


def test_not_interested_can_be_undone(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    before = films(page)
    with saving(page, "/hide"):
        steady(page.locator(LISTED).first.get_by_role("button", name="Not interested")).click()
    page.get_by_text("is hidden from your lists").wait_for()
    assert films(page)[0] == before[0]
    expect(page.locator(f"{LISTED}.put-away")).to_have_count(1)
    with saving(page, "/show"):
        page.locator(".told").get_by_role("button", name="Undo").click()
    expect(page.locator(f"{LISTED}.put-away")).to_have_count(0)
    page.reload()
    assert films(page) == before


def test_a_rating_is_changed_and_taken_back_on_the_page_of_a_film(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/films/17")
    for stars in (4.0, 2.5):
        give(page.locator("article"), stars)
        expect(page.locator(f"input[value='{stars}']")).to_be_checked()
        expect(page.get_by_text(f"You gave {stars:g}.")).to_be_visible()
    with saving(page, "/unrate"):
        page.get_by_role("button", name="Remove your rating").click()
    expect(page.get_by_text("Predicted for a new user").first).to_be_visible()
    expect(page.locator("input:checked")).to_have_count(0)


def test_films_are_found_while_one_types(page: "Page", address: str) -> None:
    page.goto(address)
    with searching(page, "ameli"):
        page.get_by_role("searchbox").press_sequentially("ameli")
    found = page.locator("#found li.card")
    expect(found).to_have_count(1)
    expect(found).to_have_attribute("data-film", "7")
    give(found, 5.0)
    page.get_by_text("1 of 10. 9 to go.").wait_for()
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/search?q=ameli")
    expect(page.locator("input:checked")).to_have_value("5.0")


def test_what_is_rated_without_a_connection_waits_for_it(
    page: "Page", watched: Watched, address: str
) -> None:
    page.goto(address)
    page.evaluate(NO_RETRIES)
    lost: list[Route] = []

    def lose(route: "Route") -> None:
        lost.append(route)
        route.abort()

    page.route("**/rate", lose)
    steady(page.locator(GRID).first.locator("input[value='4.0']")).click()
    page.get_by_text("You're offline. 1 change is waiting to be sent.").wait_for()
    note = page.get_by_text("You're offline. New ratings")
    expect(note).to_be_visible()
    steady(page.locator(GRID).nth(1).locator("input[value='2.0']")).click()
    page.unroute("**/rate")
    page.get_by_role("button", name="Try again").click()
    page.get_by_text("2 of 10. 8 to go.").wait_for()
    expect(note).not_to_be_visible()
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
    box = steady(page.locator("#grid fieldset").first).bounding_box()
    assert box is not None
    for part, value in ((0.3, "2.0"), (0.45, "2.5"), (0.99, "5.0"), (0.05, "1.0")):
        with saving(page):
            page.mouse.click(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        expect(page.locator(GRID).first.locator("input:checked")).to_have_value(value)


def test_everything_works_without_a_script(scriptless: "Page", address: str) -> None:
    page = scriptless
    page.goto(address)
    card = page.locator(GRID).first
    film = card.get_attribute("data-film")
    card.locator("input[value='4.5']").click()
    follow(card.get_by_role("button", name="Save"))
    page.get_by_text("1 of 10. 9 to go.").wait_for()
    page.goto(f"{address}/for-you")
    page.locator(".filters summary").click()
    page.locator("input[name=genre][value='Horror']").check(force=True)
    follow(page.get_by_role("button", name="Apply"))
    expect(page.locator("#list .facts").first).to_be_visible()
    expect(page.locator("#list .facts").filter(has_not_text="Horror")).to_have_count(0)
    page.goto(f"{address}/films/{film}")
    follow(page.get_by_role("button", name="Remove your rating"))
    expect(page.locator("input:checked")).to_have_count(0)
