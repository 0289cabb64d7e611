"""What a new user on a phone does, from the first star to the last: all by touch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import Watched, saved

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTH, HEIGHT = 390, 844


def phone(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    """A page of a phone of its own."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        has_touch=True,
        is_mobile=True,
        reduced_motion="reduce",
    )
    made = context.new_page()
    watched.watch(made)
    yield made
    context.close()


@pytest.fixture
def first(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    yield from phone(browser, watched)
    assert watched.complaints == []


@pytest.fixture
def second(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    yield from phone(browser, watched)


def go_to(page: "Page", name: str) -> None:
    link = page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
    link.scroll_into_view_if_needed()
    link.tap()
    page.locator("h1").wait_for()


def test_ten_films_one_for_tonight_a_watchlist_a_new_phone_and_goodbye(
    first: "Page", second: "Page", address: str
) -> None:
    page = first
    page.goto(address)
    for place in range(10):
        card = page.locator("#grid > li").nth(place)
        card.scroll_into_view_if_needed()
        with page.expect_response(saved("/rate")):
            card.locator("label").nth(6 + place % 3).tap()
        card.get_by_role("button", name="Undo").wait_for()
    page.get_by_text("Use on another device").wait_for()

    go_to(page, "For you")
    assert page.get_by_text("Based on your 10 films.").is_visible()
    tonight = page.get_by_role("region", name="Three for tonight").locator("li.card")
    assert tonight.count() == 3
    chosen = tonight.first.get_attribute("data-film")
    title = tonight.first.locator(".poster .name").inner_text()
    tonight.first.locator(".poster").tap()
    page.get_by_role("heading", level=1, name=title).wait_for()
    with page.expect_response(saved("/watchlist/add")):
        page.get_by_role("button", name="watchlist").first.tap()
    go_to(page, "Watchlist")
    assert page.locator("li.card").get_attribute("data-film") == chosen

    go_to(page, "You")
    page.get_by_role("link", name="another device").first.tap()
    page.get_by_role("button", name="Create a link").tap()
    second.goto(page.locator("#link").input_value())
    second.get_by_role("button", name="Use them here").tap()
    second.get_by_text("You have rated 10 films.").wait_for()
    go_to(second, "Watchlist")
    assert second.locator("li.card").get_attribute("data-film") == chosen

    go_to(second, "You")
    second.get_by_role("link", name="Delete my data").tap()
    second.get_by_role("checkbox").tap()
    second.get_by_role("button", name="Delete my data").tap()
    second.get_by_role("heading", name="Your data has been deleted").wait_for()
    go_to(page, "You")
    assert page.get_by_text("Rate a few films to see your taste profile.").is_visible()
    go_to(page, "Watchlist")
    assert page.locator("li.card").count() == 0
