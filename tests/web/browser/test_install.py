"""The site as an app and the API reference, in a browser."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.web.browser.conftest import Watched, follow, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_without_a_connection_a_page_says_so_and_later_works_again(
    page: "Page", watched: Watched, address: str
) -> None:
    page.goto(address)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.goto(f"{address}/for-you")
    expect(page.get_by_role("heading", name="You're offline")).to_be_visible()
    expect(page.locator("main")).not_to_have_css("max-width", "none")
    page.context.set_offline(False)
    follow(page.get_by_role("link", name="Try again"))
    expect(page).to_have_url(f"{address}/for-you")
    page.get_by_role("heading", level=1).wait_for()
    expect(page.get_by_role("heading", name="You're offline")).not_to_be_visible()
    watched.complaints.clear()  # what could not be loaded without a connection


@pytest.mark.parametrize("path", ["/about", "/help", "/offline"])
def test_axe_finds_nothing_serious(page: "Page", address: str, path: str) -> None:
    page.goto(f"{address}{path}")
    assert violations(page) == []


@pytest.mark.parametrize(
    ("path", "shown"), [("/docs", "/api/v1/recommend/batch"), ("/redoc", "Recommend films")]
)
def test_the_reference_is_drawn_from_this_server_alone(
    page: "Page", watched: Watched, address: str, path: str, shown: str
) -> None:
    page.goto(f"{address}{path}")
    page.get_by_text(shown, exact=True).locator("visible=true").first.wait_for()
    # ReDoc links a picture of its maker, which the policy of the page does not let through
    refused = [text for text in watched.complaints if "Content Security Policy" in text]
    assert refused == watched.complaints
    watched.complaints.clear()
    elsewhere = {url for url in watched.requests if urlsplit(url).netloc not in address}
    assert all("redoc.ly" in url for url in elsewhere)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    assert all(url.startswith(address) for url in loaded if "redoc.ly" not in url)


def test_an_address_is_tried_out_in_the_reference(page: "Page", address: str) -> None:
    page.goto(f"{address}/docs")
    page.locator("#operations-films-genres button.opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
    page.get_by_text('"Horror"').first.wait_for()
