"""Watchlist, films not seen, devices, history and groups in a browser."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import Watched, saved, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

SIZES = {"desktop": (1280, 800), "small": (320, 480)}


@pytest.fixture
def other(browser: "Browser") -> "Iterator[Page]":
    """A page of another browser, with its own cookies."""
    context = browser.new_context(reduced_motion="reduce")
    yield context.new_page()
    context.close()


def rate_first(page: "Page", address: str, n: int = 1) -> None:
    page.goto(address)
    for place in range(n):
        with page.expect_response(saved("/rate")):
            page.locator("#grid > li").nth(place).locator("label").nth(8).click()
        page.wait_for_selector(f"#grid .given >> nth={place}")


def test_a_film_goes_on_the_watchlist_and_off_without_a_new_page(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    card = page.locator("li.card").filter(has=page.locator(".watch-it")).first
    film = card.get_attribute("data-film")
    page.evaluate("globalThis.isSamePage = true")
    button = card.locator(".watch-it button")
    with page.expect_response(saved("/watchlist/add")):
        button.click()
    assert button.inner_text() == "On your watchlist"
    assert "Remove it" in (button.get_attribute("aria-label") or "")
    assert page.evaluate("document.activeElement.closest('.watch-it') !== null")
    assert page.evaluate("globalThis.isSamePage")
    page.goto(f"{address}/watchlist")
    assert page.locator("li.card").get_attribute("data-film") == film
    assert page.get_by_role("link", name="Watchlist").get_attribute("aria-current") == "page"
    button = page.locator(".watch-it button")
    button.focus()
    with page.expect_response(saved("/watchlist/remove")):
        page.keyboard.press("Enter")
    assert button.inner_text() == "Add to watchlist"
    page.reload()
    assert page.locator("li.card").count() == 0


def test_a_button_that_could_not_be_saved_changes_back(
    page: "Page", address: str, watched: Watched
) -> None:
    page.goto(f"{address}/films/7")
    page.route("**/watchlist/add", lambda route: route.abort())
    button = page.locator(".watch-it button").first
    button.click()
    page.wait_for_selector(".told p")
    assert page.inner_text(".told") == "Not saved. Try again."
    assert button.inner_text() == "Add to watchlist"
    watched.complaints.clear()  # the browser reports the aborted request


def test_a_film_not_seen_stays_away_after_other_pages(page: "Page", address: str) -> None:
    page.goto(address)
    film = page.locator("#grid > li").first.get_attribute("data-film")
    with page.expect_response(saved("/not-seen")):
        page.locator("#grid > li").first.locator(".unseen-it button").click()
    page.wait_for_selector(f"#grid > li[data-film='{film}']", state="detached")
    page.goto(f"{address}/for-you")
    page.goto(address)
    assert page.locator(f"#grid > li[data-film='{film}']").count() == 0


def refuse_cookies(context: "BrowserContext") -> None:
    """Makes a browser forget every cookie that it is given."""

    def handle(route: "Route") -> None:
        response = route.fetch(max_redirects=0)
        headers = {name: value for name, value in response.headers.items() if name != "set-cookie"}
        context.clear_cookies()
        route.fulfill(response=response, headers=headers)

    context.route("**/rate*", handle)


def test_ratings_are_not_said_to_be_saved_where_cookies_are_refused(
    other: "Page", address: str
) -> None:
    page = other
    refuse_cookies(page.context)
    page.goto(address)
    for place in range(2):
        page.locator("#grid > li").nth(place).locator("label").nth(8).click()
        page.wait_for_selector(".told p")
        assert "Allow cookies to keep your ratings." in page.inner_text(".told")
        assert "Saved:" not in page.inner_text(".told")
    assert page.locator("progress").get_attribute("value") == "0"


def test_a_phone_takes_the_ratings_of_a_computer_by_its_link(
    page: "Page", other: "Page", address: str
) -> None:
    rate_first(page, address, 10)
    page.get_by_role("link", name="Use on another device").click()
    page.get_by_role("button", name="Create a link").click()
    drawn = page.locator(".qr svg").bounding_box()
    assert drawn is not None
    assert drawn["width"] > 150
    assert violations(page) == []
    link = page.locator("#link").input_value()
    other.set_viewport_size({"width": 390, "height": 844})
    other.goto(link)
    other.get_by_role("button", name="Use them here").click()
    assert "You have rated 10 films." in other.inner_text("main")
    page.goto(f"{address}/you/ratings")
    assert page.locator("li[data-film]").count() == 10
    other.goto(link)
    assert "This link doesn't work" in other.inner_text("main")


@pytest.mark.parametrize("size", SIZES)
def test_the_new_pages_fit_and_have_no_barriers(page: "Page", address: str, size: str) -> None:
    rate_first(page, address)
    page.goto(f"{address}/films/17")
    page.locator(".watch-it button").first.click()
    page.goto(f"{address}/together")
    page.get_by_label("Name of the group").fill("Friday")
    page.get_by_label("Your name in the group").fill("Ada")
    page.get_by_role("button", name="Make a group").click()
    group = page.url
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    addresses = [
        group,
        f"{address}/watchlist",
        f"{address}/devices",
        f"{address}/you/ratings",
        f"{group}/ask/link",
    ]
    for one in addresses:
        page.goto(one)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) <= 0, one
        assert violations(page) == [], one


def test_members_veto_and_mark_by_keyboard(page: "Page", address: str) -> None:
    rate_first(page, address)
    page.goto(f"{address}/together")
    page.get_by_label("Your name in the group").fill("Ada")
    page.get_by_role("button", name="Make a group").click()
    assert page.locator("#link").input_value() == page.url
    card = page.locator("ol.cards > li").first
    name = card.locator(".poster .name").inner_text()
    card.get_by_role("button", name="Veto").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#vetoed")
    assert name in page.locator("section[aria-labelledby=vetoed]").inner_text()
    page.get_by_role("button", name="Allow").press("Enter")
    page.wait_for_selector("#vetoed", state="detached")
    page.locator("ol.cards > li").first.get_by_role("button", name="I have seen").press("Enter")
    page.wait_for_selector("text=Seen by Ada")
    page.get_by_role("link", name="Leave the group").click()
    assert "Leave Ada's group?" in page.inner_text("main")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_selector("ol.cards")
