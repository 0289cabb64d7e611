"""Watchlist, films not seen, devices, history and groups in a browser."""

import re
from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import expect

from tests.web.browser.conftest import Watched, follow, give, saved, steady, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

SMALL = (320, 480)


def rate_first(page: "Page", address: str, n: int = 1) -> None:
    page.goto(address)
    for place in range(n):
        give(page.locator("#grid > li").nth(place), 5.0)


def test_a_film_goes_on_the_watchlist_and_off_without_a_new_page(
    page: "Page", address: str
) -> None:
    page.goto(f"{address}/for-you")
    card = page.locator("li.card").filter(has=page.locator(".watch-it")).first
    film = card.get_attribute("data-film") or ""
    page.evaluate("globalThis.isSamePage = true")
    button = steady(card.locator(".watch-it button"))
    with page.expect_response(saved("/watchlist/add")):
        button.click()
    expect(button).to_have_text("On your watchlist")
    expect(button).to_have_attribute("aria-label", re.compile("Remove it"))
    expect(button).to_be_focused()
    assert page.evaluate("globalThis.isSamePage")
    page.goto(f"{address}/watchlist")
    expect(page.locator("li.card")).to_have_attribute("data-film", film)
    link = page.get_by_role("link", name="Watchlist")
    expect(link).to_have_attribute("aria-current", "page")
    button = page.locator(".watch-it button")
    button.focus()
    with page.expect_response(saved("/watchlist/remove")):
        page.keyboard.press("Enter")
    expect(button).to_have_text("Add to watchlist")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("li.card")).to_have_count(0)


def test_a_button_that_could_not_be_saved_changes_back(
    page: "Page", address: str, watched: Watched
) -> None:
    page.goto(f"{address}/films/7")
    page.route("**/watchlist/add", lambda route: route.abort())
    button = page.locator(".watch-it button").first
    button.click()
    expect(page.locator(".told")).to_have_text("Not saved. Try again.")
    expect(button).to_have_text("Add to watchlist")
    watched.complaints.clear()  # the browser reports the aborted request


def test_a_film_not_seen_stays_away_after_other_pages(page: "Page", address: str) -> None:
    page.goto(address)
    film = page.locator("#grid > li").first.get_attribute("data-film")
    with page.expect_response(saved("/not-seen")):
        steady(page.locator("#grid > li").first.locator(".unseen-it button")).click()
    expect(page.locator(f"#grid > li[data-film='{film}']")).to_have_count(0)
    page.goto(f"{address}/for-you")
    page.goto(address)
    expect(page.locator("#grid > li").first).to_be_visible()
    expect(page.locator(f"#grid > li[data-film='{film}']")).to_have_count(0)


def without_cookies(route: "Route") -> None:
    """Answers a request like a browser that takes no cookies: by a client of its own, which forgets them."""
    request = route.request
    response = httpx.request(
        request.method, request.url, headers=request.headers, content=request.post_data_buffer
    )
    dropped = ("set-cookie", "content-encoding", "content-length", "transfer-encoding")
    headers = {name: value for name, value in response.headers.items() if name not in dropped}
    route.fulfill(status=response.status_code, headers=headers, body=response.content)


def test_ratings_are_not_said_to_be_saved_where_cookies_are_refused(
    other: "Page", address: str
) -> None:
    page = other
    page.route("**/rate*", without_cookies)
    page.goto(address)
    for place in range(2):
        star = steady(page.locator("#grid > li").nth(place).locator("input[value='5.0']"))
        with page.expect_response(lambda response: response.status == 403):
            star.click()
        expect(page.locator(".told")).to_contain_text("Allow cookies to keep your ratings.")
        expect(page.locator(".told")).not_to_contain_text("Saved:")
    expect(page.locator("progress")).to_have_attribute("value", "0")
    assert page.context.cookies() == []


def test_a_phone_takes_the_ratings_of_a_computer_by_its_link(
    page: "Page", other: "Page", address: str
) -> None:
    rate_first(page, address, 10)
    follow(page.get_by_role("link", name="Use on another device"))
    follow(page.get_by_role("button", name="Create a link"))
    drawn = page.locator(".qr svg").bounding_box()
    assert drawn is not None
    assert drawn["width"] > 150
    assert violations(page) == []
    link = page.locator("#link").input_value()
    other.set_viewport_size({"width": 390, "height": 844})
    other.goto(link)
    follow(other.get_by_role("button", name="Use them here"))
    expect(other.locator("main")).to_contain_text("You have rated 10 films.")
    page.goto(f"{address}/you/ratings")
    expect(page.locator("li[data-film]")).to_have_count(10)
    other.goto(link)
    expect(other.locator("main")).to_contain_text("This link doesn't work")


def test_the_new_pages_fit_and_have_no_barriers(page: "Page", address: str) -> None:
    rate_first(page, address)
    page.goto(f"{address}/films/17")
    with page.expect_response(saved("/watchlist/add")):
        page.locator(".watch-it button").first.click()
    page.goto(f"{address}/together")
    page.get_by_label("Name of the group").fill("Friday")
    page.get_by_label("Your name in the group").fill("Ada")
    follow(page.get_by_role("button", name="Make a group"))
    group = page.locator("#link").input_value()
    addresses = [
        group,
        f"{address}/watchlist",
        f"{address}/devices",
        f"{address}/you/ratings",
        f"{group}/ask/link",
    ]
    for one in addresses:
        page.goto(one)
        assert violations(page, SMALL) == [], one


def test_members_veto_and_mark_by_keyboard(page: "Page", address: str) -> None:
    rate_first(page, address)
    page.goto(f"{address}/together")
    page.get_by_label("Your name in the group").fill("Ada")
    follow(page.get_by_role("button", name="Make a group"))
    expect(page).to_have_url(page.locator("#link").input_value())
    card = page.locator("ol.cards > li").first
    name = card.locator(".poster .name").inner_text()
    follow(card.get_by_role("button", name="Veto"), key="Enter")
    expect(page.locator("section[aria-labelledby=vetoed]")).to_contain_text(name)
    follow(page.get_by_role("button", name="Allow"), key="Enter")
    expect(page.locator("ol.cards > li").first).to_be_visible()
    expect(page.locator("#vetoed")).to_have_count(0)
    seen = page.locator("ol.cards > li").first.get_by_role("button", name="I have seen")
    follow(seen, key="Enter")
    expect(page.get_by_text("Seen by Ada").first).to_be_visible()
    follow(page.get_by_role("link", name="Leave the group"))
    expect(page.locator("main")).to_contain_text("Leave Ada's group?")
    follow(page.get_by_role("link", name="Cancel"))
    expect(page.locator("ol.cards")).to_be_visible()
