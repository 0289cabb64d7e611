"""The docs site: every page is in its navigation, and no page loads anything from another server."""

import importlib
import re
import sys
from pathlib import Path

import pytest

import matinee

ROOT = Path(matinee.__file__).parent.parent
DOCS = ROOT / "docs"
CONFIG = (ROOT / "mkdocs.yml").read_text("utf-8")


def test_every_page_is_in_the_navigation_once() -> None:
    shown = re.findall(r"([\w/-]+\.md)$", CONFIG.partition("\nnav:\n")[2], re.MULTILINE)
    there = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert sorted(shown) == sorted(there)


def test_the_site_is_strict_about_links_and_needs_no_other_server() -> None:
    assert "\nstrict: true\n" in CONFIG
    assert (
        len(re.findall(r"^  (?:absolute_links|unrecognized_links|anchors): warn$", CONFIG, re.M))
        == 3
    )
    assert "\n  font: false\n" in CONFIG
    assert "//" not in CONFIG


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<script src="https://a.example/x.js"></script>', ["https://a.example/x.js"]),
        ('<img alt="x" src=//a.example/x.png>', ["//a.example/x.png"]),
        ('<link href="https://a.example/x.css" rel="stylesheet">', ["https://a.example/x.css"]),
        ('<a href="https://a.example">a</a><script src="a.js"></script><img src="b.svg">', []),
        ('<link rel="canonical" href="https://a.example/">', []),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(
    html: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(DOCS), *sys.path])
    find = importlib.import_module("make_site").loaded_from_elsewhere
    (tmp_path / "page.html").write_text(html, "utf-8")
    assert find(tmp_path) == [f"page.html: {address}" for address in found]
