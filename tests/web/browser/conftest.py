"""A server for tests in a browser; the browser and its pages are those of `tests/report/browser`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from matinee.web.settings import Settings
from tests.report.browser import conftest as shared
from tests.web.conftest import OPERATOR, UNLIMITED, serving

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Response

browser, watched, page = shared.browser, shared.watched, shared.page
other, scriptless = shared.other, shared.scriptless
Watched = shared.Watched
new_page, until = shared.new_page, shared.until
steady, follow, drawn = shared.steady, shared.follow, shared.drawn


@pytest.fixture(scope="session")
def address(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of the small model; each test is another person, or several."""
    database = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'people.db'}"
    with serving(Settings((model_file,), database, OPERATOR, UNLIMITED, log_requests=False)) as url:
        yield url


def saved(path: str) -> "Callable[[Response], bool]":
    """Whether a response says that a form was taken, rather than to send it again with a cookie."""
    return lambda response: (
        urlsplit(response.url).path == path and response.status in (200, 204, 303)
    )


def settle(page: "Page") -> None:
    """Waits until no change is on its way: the script marks what it has sent, and shows the answer as it takes off
    the mark."""
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")


@contextmanager
def saving(page: "Page", path: str = "/rate") -> Iterator[None]:
    """Waits until the server has taken what is done inside, and the page shows it."""
    with page.expect_response(saved(path)):
        yield
    settle(page)


def give(card: "Locator", stars: float) -> None:
    """Clicks on stars of a film, and waits until the server has them and the page shows it."""
    star = steady(card.locator(f"form.rating input[value='{stars}']"))
    with saving(star.page):
        star.click()


@contextmanager
def searching(page: "Page", text: str) -> Iterator[None]:
    """Waits until what is typed inside has been searched for as a whole: no other search follows."""

    def is_answer(response: "Response") -> bool:
        address = urlsplit(response.url)
        return address.path == "/search" and parse_qs(address.query).get("q") == [text]

    with page.expect_response(is_answer):
        yield


def films(page: "Page", of: str = "#list > li") -> list[str]:
    """The films on a page that stands still, in their order."""
    found: list[str] = page.eval_on_selector_all(
        of, "cards => cards.map((card) => card.dataset.film)"
    )
    return found


WIDE = 1280
"""The width of the windows in which all rules run."""
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
LAYOUT_RULES = {"type": "rule", "values": ["color-contrast", "scrollable-region-focusable"]}
COLOR_RULES = {"type": "rule", "values": ["color-contrast"]}
RUN = """rules => axe.run({runOnly: rules, resultTypes: ["violations"]}).then(found => found.violations
  .filter(one => ["serious", "critical"].includes(one.impact))
  .map(one => [one.id, one.nodes.slice(0, 3).map(node => node.target), one.nodes[0].any[0]?.message ?? ""]))"""


Size = tuple[int, int]


def beyond(page: "Page") -> list[str]:
    """Says so if a page is wider than its window."""
    width: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{width} pixels beyond a window of {page.viewport_size}"] if width > 0 else []


def violations(page: "Page", narrow: Size | None = None) -> list[Any]:
    """What axe finds against WCAG 2.1 A and AA in a page as it stands, serious or worse, and
    whether the page is wider than its window.

    All rules run in a wide window, in light colors; in dark ones, where nothing but colors changes, the contrast.
    In a narrow window, if its size is given, only the rules that depend on the layout run: names and roles are
    the same.
    """
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs: pip install axe-playwright-python"
    )
    page.evaluate(axe.Axe().axe_script)
    wide = page.viewport_size
    assert wide is not None
    assert wide["width"] >= WIDE
    found: list[Any] = beyond(page)
    found += page.evaluate(RUN, ALL_RULES)
    page.emulate_media(color_scheme="dark")
    found += page.evaluate(RUN, COLOR_RULES)
    page.emulate_media(color_scheme="light")
    if narrow is not None:
        page.set_viewport_size({"width": narrow[0], "height": narrow[1]})
        drawn(page)
        found += beyond(page) + page.evaluate(RUN, LAYOUT_RULES)
        page.set_viewport_size(wide)
    return found
