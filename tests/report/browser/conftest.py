"""A browser for the tests of pages, and pages that remember what went wrong and what they asked for."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
    from playwright.sync_api import sync_playwright

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


@pytest.fixture
def page(browser: "Browser", watched: Watched) -> "Iterator[Page]":
    """A new page, 1280 by 800, light and without animation. An error on its console fails the test."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, reduced_motion="reduce", has_touch=True
    )
    made = context.new_page()
    watched.watch(made)
    yield made
    context.close()
    assert watched.complaints == []
