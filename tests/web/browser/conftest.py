"""A server for tests in a browser; the browser and its pages are those of `tests/browser`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from matinee.web.settings import Settings
from tests.report.browser import conftest as shared
from tests.web.conftest import OPERATOR, UNLIMITED, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

browser, watched, page = shared.browser, shared.watched, shared.page
Watched = shared.Watched


@pytest.fixture(scope="module")
def address(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of the small model."""
    database = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'people.db'}"
    with serving(Settings((model_file,), database, OPERATOR, UNLIMITED, log_requests=False)) as url:
        yield url


def saved(path: str) -> "Callable[[Response], bool]":
    """Whether a response says that a form was taken, rather than to send it again with a cookie."""
    return lambda response: (
        urlsplit(response.url).path == path and response.status in (200, 204, 303)
    )


WIDE = 1280
"""The width of the windows in which all rules run."""
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
LAYOUT_RULES = {"type": "rule", "values": ["color-contrast", "scrollable-region-focusable"]}
COLOR_RULES = {"type": "rule", "values": ["color-contrast"]}
RUN = """rules => axe.run({runOnly: rules, resultTypes: ["violations"]}).then(found => found.violations
  .filter(one => ["serious", "critical"].includes(one.impact))
  .map(one => [one.id, one.nodes.slice(0, 3).map(node => node.target), one.nodes[0].any[0]?.message ?? ""]))"""


def violations(page: "Page") -> list[Any]:
    """What axe finds against WCAG 2.1 A and AA in a page as it stands, serious or worse.

    All rules run in wide windows, in light colors; in dark ones, where nothing but colors changes, the contrast.
    In narrow windows, only the rules that depend on the layout run: names and roles are the same.
    """
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs: pip install axe-playwright-python"
    )
    page.evaluate(axe.Axe().axe_script)
    assert page.viewport_size is not None
    is_wide = page.viewport_size["width"] >= WIDE
    page.emulate_media(color_scheme="light")
    found: list[Any] = page.evaluate(RUN, ALL_RULES if is_wide else LAYOUT_RULES)
    if is_wide:
        page.emulate_media(color_scheme="dark")
        found += page.evaluate(RUN, COLOR_RULES)
    return found
