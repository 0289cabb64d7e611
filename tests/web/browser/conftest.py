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
        urlsplit(response.url).path == path
        and response.status
        in (
            200,
            204,
            303,
        )
    )


RULES: dict[str, Any] = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "dark": {"type": "rule", "values": ["color-contrast"]},  # a scheme changes nothing but colors
}


def violations(page: "Page") -> list[Any]:
    """What axe finds against WCAG 2.1 A and AA in a page as it stands, in both color schemes, serious or worse."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs: pip install axe-playwright-python"
    )
    found = []
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        options = {"runOnly": rules, "resultTypes": ["violations"]}
        found += axe.Axe().run(page, options=options).response["violations"]
    return [
        (
            one["id"],
            [node["target"] for node in one["nodes"]][:3],
            one["nodes"][0]["any"][0]["message"],
        )
        if one["nodes"][0]["any"]
        else (one["id"], [node["target"] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
