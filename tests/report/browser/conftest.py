"""A browser for the tests of pages, and pages that remember what went wrong and what they asked for."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, ViewportSize

SECONDS = 90
"""How long a page may take to show what a test waits for; on a busy machine, everything takes long."""
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser")
"""Its names; the first has no windows at all, and takes half the time."""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """The Chromium of this machine, without a window; skips the test, with a sentence, where there is none.

    Not for the whole session: while Playwright is there, its event loop runs, and other tests cannot run their own.
    """
    found = filter(None, map(shutil.which, CHROMIUM))
    chromium = next(found, None)
    needed = f"needs Chromium: apt-get install {CHROMIUM[0]}"
    if chromium is None and os.environ.get("MATINEE_REQUIRE_ALL"):
        pytest.fail(f"MATINEE_REQUIRE_ALL is set; {needed}")
    if chromium is None:
        pytest.skip(needed)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=1000 * SECONDS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


class Watched:
    """What a page has complained of, and the addresses it has asked for."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def watch(self, page: "Page") -> None:
        """Listens to a page."""
        page.on(
            "console",
            lambda message: self.complaints.extend(
                [message.text] if message.type == "error" else []
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture
def watched() -> Watched:
    """What the page of this test has done so far."""
    return Watched()


@contextmanager
def new_page(
    browser: "Browser", watched: Watched | None = None, **options: Any
) -> "Iterator[Page]":
    """A page of a browser of its own, with its own cookies, without animation."""
    context = browser.new_context(reduced_motion="reduce", **options)
    context.set_default_timeout(1000 * SECONDS)
    made = context.new_page()
    if watched is not None:
        watched.watch(made)
    yield made
    context.unroute_all(behavior="wait")  # a handler must not outlive its page
    context.close()


@pytest.fixture
def page(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    """A new page, 1280 by 800, light and without animation. An error on its console fails the test."""
    size: ViewportSize = {"width": 1280, "height": 800}
    with new_page(browser, watched, viewport=size, has_touch=True) as made:
        yield made
    assert watched.complaints == []


@pytest.fixture
def other(browser: "Browser") -> "Iterator[Page]":
    """A page of another browser than that of `page`, with its own cookies."""
    with new_page(browser) as made:
        yield made


@pytest.fixture
def scriptless(browser: "Browser") -> "Iterator[Page]":
    """A page of a browser that runs no scripts."""
    with new_page(browser, java_script_enabled=False) as made:
        yield made


def until(page: "Page", read: Callable[[], object], wanted: object) -> None:
    """Waits until what is read from a page is as wanted. For all that `expect` has no words for."""
    from playwright.sync_api import Error

    deadline = time.monotonic() + SECONDS
    while True:
        try:
            found = read()
        except Error:  # another page has just come
            if time.monotonic() > deadline:
                raise
        else:
            if found == wanted or time.monotonic() > deadline:
                break
        page.wait_for_timeout(20)
    assert found == wanted


def drawn(page: "Page") -> None:
    """Waits until what has been asked for is drawn."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def steady(spot: "Locator") -> "Locator":
    """An element in the window, at rest: cards get their true height when they come into sight, and move what is
    below them. A click that was aimed before that would miss."""
    before, now = None, spot.bounding_box()
    while now != before:
        spot.scroll_into_view_if_needed()
        spot.page.wait_for_timeout(20)
        before, now = now, spot.bounding_box()
    return spot


def follow(spot: "Locator", key: str | None = None) -> None:
    """Clicks on what leads to another page, or to the same one from the server, or presses a key on it; waits until
    that page is loaded."""
    steady(spot)
    with spot.page.expect_event("load"):
        if key:
            spot.press(key)
        else:
            spot.click()
