"""What is saved stays where it is, marked, and can be undone there: by mouse, by touch and by keyboard."""

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import (
    Watched,
    drawn,
    give,
    new_page,
    saved,
    saving,
    settle,
    steady,
    until,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

FOCUS = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.value ?? document.activeElement.localName"


def star(card: "Locator", stars: str) -> "Locator":
    return card.locator(f"form.rating input[value='{stars}']")


def stored(page: "Page") -> dict[str, float]:
    """The ratings that the server has."""
    answer = page.request.get(
        f"{page.url.split('/', 3)[0]}//{page.url.split('/')[2]}/api/v1/me/ratings"
    )
    if answer.status == 401:
        return {}
    return {str(one["item_id"]): one["stars"] for one in answer.json()["ratings"]}


def film_of(card: "Locator") -> str:
    return card.get_attribute("data-film") or ""


def focus_is(page: "Page", wanted: str) -> None:
    """Waits until the name or the value of the focused element starts as given."""
    until(page, lambda: str(page.evaluate(FOCUS))[: len(wanted)], wanted)


STARS_FOCUSED = "() => document.activeElement.type === 'radio'"
GIVEN = re.compile(r"\bgiven\b")
CARDS = {
    "/": "#grid > li",
    "/for-you": "#list > li",
    "/for-you?k=30": "#picks > li",
    "/search?q=film": "#found li.card",
}


@pytest.mark.parametrize("path", CARDS)
def test_a_rated_card_stays_under_the_pointer_and_a_second_click_rates_no_other_film(
    page: "Page", address: str, path: str
) -> None:
    page.goto(f"{address}{path}")
    card = page.locator(CARDS[path]).nth(1)
    film = film_of(card)
    box = steady(star(card, "4.0")).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2
    with saving(page):
        page.mouse.click(x, y)
    with saving(page):
        page.mouse.move(x + 20, y)
        page.mouse.click(x + 20, y)
    drawn(page)
    assert film_of(page.locator(CARDS[path]).nth(1)) == film
    ratings = stored(page)
    assert set(ratings) == {film}
    assert ratings[film] != 4
    expect(card).to_have_class(GIVEN)


def test_a_slow_answer_moves_no_card_from_under_the_pointer(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    page.evaluate(
        """() => {
          const send = fetch;
          globalThis.fetch = async (...of) => {
            const answer = await send(...of);
            if (of[1]?.method === "POST") await new Promise((done) => { globalThis.letThrough = done; });
            return answer;
          };
        }"""
    )
    with page.expect_response(saved("/rate")):
        steady(star(page.locator("#list > li").first, "1.0")).click()
    other = page.locator("#list > li").nth(3)
    film = film_of(other)
    steady(star(other, "5.0")).hover()
    under = "() => document.querySelector('.card:hover')?.dataset.film"
    until(page, lambda: page.evaluate(under), film)
    page.wait_for_function("() => globalThis.letThrough")
    page.evaluate("letThrough()")
    settle(page)
    drawn(page)
    assert page.evaluate(under) == film


@pytest.mark.parametrize("path", [*CARDS, "/films/37"])
def test_a_rating_is_cleared_by_the_same_star_and_by_undo_where_it_was_given(
    page: "Page", address: str, path: str
) -> None:
    page.goto(f"{address}{path}")
    card = page.locator(CARDS.get(path, "article.film")).first
    for clear in ("star", "undo", "message", "keys"):
        give(card, 3.0)
        assert list(stored(page).values()) == [3.0]
        with saving(page, "/unrate"):
            if clear == "star":
                steady(star(card, "3.0")).click()
            elif clear == "undo":
                card.get_by_role("button", name="Undo").click()
            elif clear == "message":
                page.locator(".told").get_by_role("button", name="Undo").click()
            else:
                page.keyboard.press("Control+z")
        page.get_by_text("Rating removed").wait_for()
        assert stored(page) == {}
        expect(card.locator("input:checked")).to_have_count(0)


def test_undo_restores_the_rating_that_was_there_before(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    card = page.locator("#list > li").first
    for stars in (2.0, 4.5):
        give(card, stars)
    with saving(page):
        card.get_by_role("button", name="Undo").click()
    assert list(stored(page).values()) == [2.0]
    expect(card.locator("input:checked")).to_have_value("2.0")


@pytest.mark.parametrize("key", ["Delete", "Backspace", "0"])
def test_the_keyboard_clears_and_undoes_next_to_the_stars_and_never_loses_its_place(
    page: "Page", address: str, key: str
) -> None:
    page.goto(address)
    card = page.locator("#grid > li").first
    star(card, "1.0").focus()
    page.keyboard.press("ArrowRight")
    with saving(page):
        page.keyboard.press("Tab")
    focus_is(page, "Undo: ")
    expect(card.get_by_role("button", name="I haven't seen")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    with saving(page, "/unrate"):
        page.keyboard.press(key)
    assert stored(page) == {}
    page.wait_for_function(STARS_FOCUSED)
    page.keyboard.press("Tab")
    with saving(page):
        page.keyboard.press("Enter")
    assert list(stored(page).values()) == [1.5]
    page.wait_for_function(STARS_FOCUSED)


def test_not_interested_is_undone_by_the_same_button(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    card = page.locator("#list > li").nth(2)
    film = film_of(card)
    card.get_by_role("button", name="Not interested").focus()
    for _ in range(2):
        with saving(page, "/hide"):
            page.keyboard.press("Enter")
        assert film_of(card) == film
        focus_is(page, "Undo: ")
        with saving(page, "/show"):
            page.keyboard.press("Enter")
        focus_is(page, "Not interested in ")
    with saving(page, "/hide"):
        steady(card.get_by_role("button", name="Not interested")).dblclick()
    expect(card).to_have_class(re.compile(r"\bput-away\b"))
    page.reload()
    assert film_of(page.locator("#list > li").nth(2)) != film


def test_a_film_not_seen_comes_back_by_undo(page: "Page", address: str) -> None:
    page.goto(address)
    card = page.locator("#grid > li").nth(2)
    film = film_of(card)
    steady(card.get_by_role("button", name="I haven't seen")).click()
    page.wait_for_url("**/?skip=*")
    expect(card).not_to_have_attribute("data-film", film)
    focus_is(page, "I haven't seen")
    page.keyboard.press("Tab")
    focus_is(page, "Undo: ")
    page.keyboard.press("Enter")
    expect(card).to_have_attribute("data-film", film)
    expect(page).to_have_url(f"{address}/")
    focus_is(page, "I haven't seen")


def test_a_removed_rating_shows_empty_stars_and_undo_on_the_page_of_all_ratings(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/films/47")
    give(page.locator("article.film"), 4.0)
    page.goto(f"{address}/you/ratings")
    row = page.locator("li[data-film='47']")
    row.get_by_role("button", name="Remove your rating").focus()
    with saving(page, "/unrate"):
        page.keyboard.press("Enter")
    expect(row.locator("input:checked")).to_have_count(0)
    expect(row.get_by_role("button", name="Remove your rating")).not_to_be_visible()
    focus_is(page, "Undo: ")
    with saving(page):
        page.keyboard.press("Enter")
    assert stored(page) == {"47": 4.0}
    expect(row.locator("input:checked")).to_have_value("4.0")


def test_a_film_shown_again_can_be_hidden_again_in_its_place(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    with saving(page, "/hide"):
        steady(page.locator("#list > li").first.get_by_role("button", name="Not inter")).click()
    page.goto(f"{address}/you/ratings")
    page.get_by_role("button", name="Show ").focus()
    for called in ("/show", "/hide"):
        with saving(page, called):
            page.keyboard.press("Enter")
        until(page, lambda: page.evaluate("document.activeElement.localName"), "button")


def test_a_refused_rating_leaves_the_stars_as_they_were(
    page: "Page", watched: Watched, address: str
) -> None:
    page.goto(address)
    card = page.locator("#grid > li").first
    page.route("**/rate", lambda route: route.fulfill(status=500, body="{}"))
    steady(star(card, "4.0")).click()
    page.get_by_text("Not saved.").wait_for()
    expect(card.locator("input:checked")).to_have_count(0)
    expect(card).not_to_have_class(GIVEN)
    watched.complaints.clear()


def test_the_message_stays_until_it_is_closed(page: "Page", address: str) -> None:
    page.goto(address)
    give(page.locator("#grid > li").first, 4.0)
    undo = page.locator(".told").get_by_role("button", name="Undo")
    undo.wait_for()
    page.clock.install()
    page.clock.fast_forward(60_000)
    expect(undo).to_be_visible()
    page.keyboard.press("Escape")
    undo.wait_for(state="detached")


def test_stars_are_cleared_by_touch(browser: "Browser", address: str) -> None:
    with new_page(browser, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        page.goto(f"{address}/for-you")
        card = page.locator("#list > li").first
        for called in ("/rate", "/unrate"):
            with saving(page, called):
                steady(star(card, "4.0")).tap()
            page.locator("h1").tap()  # so that the next tap is not the second of two
        assert stored(page) == {}
