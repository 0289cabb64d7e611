"""What is saved stays where it is, marked, and can be undone there: by mouse, by touch and by keyboard."""

from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import Watched, saved

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


def settle(page: "Page") -> None:
    """Waits until no change is on its way."""
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")


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
    star(card, "4.0").scroll_into_view_if_needed()
    box = star(card, "4.0").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.wait_for_timeout(250)
    page.mouse.move(x + 20, y)
    page.mouse.click(x + 20, y)
    settle(page)
    page.wait_for_timeout(100)
    settle(page)
    assert film_of(page.locator(CARDS[path]).nth(1)) == film
    ratings = stored(page)
    assert set(ratings) == {film}
    assert ratings[film] != 4
    assert "given" in (card.get_attribute("class") or "")


def test_a_slow_answer_moves_no_card_from_under_the_pointer(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")

    page.evaluate(
        """() => {
          const send = fetch;
          globalThis.fetch = async (...of) => {
            const answer = await send(...of);
            await new Promise((done) => setTimeout(done, 700));
            return answer;
          };
        }"""
    )
    star(page.locator("#list > li").first, "1.0").click()
    other = page.locator("#list > li").nth(3)
    film = film_of(other)
    star(other, "5.0").hover()
    settle(page)
    page.wait_for_timeout(500)
    under = "document.querySelector('.card:hover').dataset.film"
    assert page.evaluate(under) == film


@pytest.mark.parametrize("path", [*CARDS, "/films/37"])
def test_a_rating_is_cleared_by_the_same_star_and_by_undo_where_it_was_given(
    page: "Page", address: str, path: str
) -> None:
    page.goto(f"{address}{path}")
    card = page.locator(CARDS.get(path, "article.film")).first
    for clear in ("star", "undo", "message", "keys"):
        with page.expect_response(saved("/rate")):
            star(card, "3.0").click()
        settle(page)
        assert list(stored(page).values()) == [3.0]
        if clear == "star":
            star(card, "3.0").click()
        elif clear == "undo":
            card.get_by_role("button", name="Undo").click()
        elif clear == "message":
            page.locator(".told").get_by_role("button", name="Undo").click()
        else:
            page.keyboard.press("Control+z")
        page.get_by_text("Rating removed").wait_for()
        settle(page)
        assert stored(page) == {}
        assert card.locator("input:checked").count() == 0


def test_undo_restores_the_rating_that_was_there_before(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    card = page.locator("#list > li").first
    for stars in ("2.0", "4.5"):
        with page.expect_response(saved("/rate")):
            star(card, stars).click()
        settle(page)
    with page.expect_response(saved("/rate")):
        card.get_by_role("button", name="Undo").click()
    settle(page)
    assert list(stored(page).values()) == [2.0]
    assert card.locator("input:checked").get_attribute("value") == "2.0"


@pytest.mark.parametrize("key", ["Delete", "Backspace", "0"])
def test_the_keyboard_clears_and_undoes_next_to_the_stars_and_never_loses_its_place(
    page: "Page", address: str, key: str
) -> None:
    page.goto(address)
    card = page.locator("#grid > li").first
    star(card, "1.0").focus()
    page.keyboard.press("ArrowRight")
    with page.expect_response(saved("/rate")):
        page.keyboard.press("Tab")
    settle(page)
    assert page.evaluate(FOCUS).startswith("Undo: ")
    assert card.get_by_role("button", name="I haven't seen").is_visible()
    page.keyboard.press("Shift+Tab")
    with page.expect_response(saved("/unrate")):
        page.keyboard.press(key)
    settle(page)
    assert stored(page) == {}
    assert page.evaluate("document.activeElement.type") == "radio"
    page.keyboard.press("Tab")
    with page.expect_response(saved("/rate")):
        page.keyboard.press("Enter")
    settle(page)
    assert list(stored(page).values()) == [1.5]
    assert page.evaluate("document.activeElement.type") == "radio"


def test_not_interested_is_undone_by_the_same_button(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    card = page.locator("#list > li").nth(2)
    film = film_of(card)
    card.get_by_role("button", name="Not interested").focus()
    for _ in range(2):
        with page.expect_response(saved("/hide")):
            page.keyboard.press("Enter")
        settle(page)
        assert film_of(card) == film
        assert page.evaluate(FOCUS).startswith("Undo: ")
        with page.expect_response(saved("/show")):
            page.keyboard.press("Enter")
        settle(page)
        assert page.evaluate(FOCUS).startswith("Not interested in ")
    with page.expect_response(saved("/hide")):
        card.get_by_role("button", name="Not interested").dblclick()
    settle(page)
    assert "put-away" in (card.get_attribute("class") or "")
    page.reload()
    assert film_of(page.locator("#list > li").nth(2)) != film


def test_a_film_not_seen_comes_back_by_undo(page: "Page", address: str) -> None:
    page.goto(address)
    card = page.locator("#grid > li").nth(2)
    film = film_of(card)
    card.get_by_role("button", name="I haven't seen").click()
    page.wait_for_url("**/?skip=*")
    assert film_of(card) != film
    assert page.evaluate(FOCUS).startswith("I haven't seen")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS).startswith("Undo: ")
    page.keyboard.press("Enter")
    assert film_of(card) == film
    assert page.url == f"{address}/"
    assert page.evaluate(FOCUS).startswith("I haven't seen")


def test_a_removed_rating_shows_empty_stars_and_undo_on_the_page_of_all_ratings(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/films/47")
    with page.expect_response(saved("/rate")):
        star(page.locator("article.film"), "4.0").click()
    settle(page)
    page.goto(f"{address}/you/ratings")
    row = page.locator("li[data-film='47']")
    row.get_by_role("button", name="Remove your rating").focus()
    with page.expect_response(saved("/unrate")):
        page.keyboard.press("Enter")
    settle(page)
    assert row.locator("input:checked").count() == 0
    assert not row.get_by_role("button", name="Remove your rating").is_visible()
    assert page.evaluate(FOCUS).startswith("Undo: ")
    with page.expect_response(saved("/rate")):
        page.keyboard.press("Enter")
    settle(page)
    assert stored(page) == {"47": 4.0}
    assert row.locator("input:checked").get_attribute("value") == "4.0"


def test_a_film_shown_again_can_be_hidden_again_in_its_place(page: "Page", address: str) -> None:
    page.goto(f"{address}/for-you")
    with page.expect_response(saved("/hide")):
        page.locator("#list > li").first.get_by_role("button", name="Not interested").click()
    settle(page)
    page.goto(f"{address}/you/ratings")
    button = page.get_by_role("button", name="Show ")
    button.focus()
    for called in ("**/show", "**/hide"):
        with page.expect_response(called):
            page.keyboard.press("Enter")
        settle(page)
        assert page.evaluate("document.activeElement.localName") == "button"


def test_a_refused_rating_leaves_the_stars_as_they_were(
    page: "Page", watched: Watched, address: str
) -> None:
    page.goto(address)
    card = page.locator("#grid > li").first
    page.route("**/rate", lambda route: route.fulfill(status=500, body="{}"))
    star(card, "4.0").click()
    page.get_by_text("Not saved.").wait_for()
    assert card.locator("input:checked").count() == 0
    assert "given" not in (card.get_attribute("class") or "")
    watched.complaints.clear()


def test_the_message_stays_until_it_is_closed(page: "Page", address: str) -> None:
    page.goto(address)
    star(page.locator("#grid > li").first, "4.0").click()
    undo = page.locator(".told").get_by_role("button", name="Undo")
    undo.wait_for()
    page.clock.install()
    page.clock.fast_forward(60_000)
    assert undo.is_visible()
    page.keyboard.press("Escape")
    undo.wait_for(state="detached")


def test_stars_are_cleared_by_touch(browser: "Browser", address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{address}/for-you")
    card = page.locator("#list > li").first
    for called in ("**/rate", "**/unrate"):
        with page.expect_response(called):
            star(card, "4.0").tap()
        settle(page)
        page.wait_for_timeout(600)  # not a double tap
    assert stored(page) == {}
    context.close()
