"""What a new user on a phone does, from the first star to the last: all by touch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Watched, new_page, saving, steady

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, ViewportSize

SIZE: "ViewportSize" = {"width": 390, "height": 844}


@pytest.fixture
def first(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    with new_page(browser, watched, viewport=SIZE, has_touch=True, is_mobile=True) as made:
        yield made
    assert watched.complaints == []


@pytest.fixture
def second(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    with new_page(browser, watched, viewport=SIZE, has_touch=True, is_mobile=True) as made:
        yield made


def tap(spot: "Locator") -> None:
    """Taps on what leads to another page, and waits until it is loaded."""
    steady(spot)
    with spot.page.expect_event("load"):
        spot.tap()


def go_to(page: "Page", name: str) -> None:
    tap(page.get_by_role("navigation").get_by_role("link", name=name, exact=True))
    expect(page.locator("h1")).to_be_visible()


def test_ten_films_one_for_tonight_a_watchlist_a_new_phone_and_goodbye(
    first: "Page", second: "Page", address: str
) -> None:
    page = first
    page.goto(address)
    for place in range(10):
        card = page.locator("#grid > li").nth(place)
        star = steady(card.locator("label").nth(6 + place % 3))
        with saving(page):
            star.tap()
        expect(card.get_by_role("button", name="Undo")).to_be_visible()
    page.get_by_text("Use on another device").wait_for()

    go_to(page, "For you")
    expect(page.get_by_text("Based on your 10 films.")).to_be_visible()
    tonight = page.get_by_role("region", name="Three for tonight").locator("li.card")
    expect(tonight).to_have_count(3)
    chosen = tonight.first.get_attribute("data-film") or ""
    title = tonight.first.locator(".poster .name").inner_text()
    tap(tonight.first.locator(".poster"))
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    with saving(page, "/watchlist/add"):
        page.get_by_role("button", name="watchlist").first.tap()
    go_to(page, "Watchlist")
    expect(page.locator("li.card")).to_have_attribute("data-film", chosen)

    go_to(page, "You")
    tap(page.get_by_role("link", name="another device").first)
    tap(page.get_by_role("button", name="Create a link"))
    second.goto(page.locator("#link").input_value())
    tap(second.get_by_role("button", name="Use them here"))
    expect(second.get_by_text("You have rated 10 films.")).to_be_visible()
    go_to(second, "Watchlist")
    expect(second.locator("li.card")).to_have_attribute("data-film", chosen)

    go_to(second, "You")
    tap(second.get_by_role("link", name="Delete my data"))
    second.get_by_role("checkbox").tap()
    tap(second.get_by_role("button", name="Delete my data"))
    expect(second.get_by_role("heading", name="Your data has been deleted")).to_be_visible()
    go_to(page, "You")
    expect(page.get_by_text("Rate a few films to see your taste profile.")).to_be_visible()
    go_to(page, "Watchlist")
    expect(page.locator("li.card")).to_have_count(0)
