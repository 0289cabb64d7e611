"""What the tests in a browser assert: nothing that is read at once from a page that may still be changing."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
FILES = sorted(
    path for part in ("web", "report") for path in (TESTS / part / "browser").glob("test_*.py")
)
AT_ONCE = {
    *("is_visible", "is_hidden", "is_checked", "is_enabled", "is_disabled", "is_editable"),
    *("count", "inner_text", "text_content", "inner_html", "input_value", "get_attribute"),
    *("all_inner_texts", "all_text_contents", "title", "url"),
}
"""What a page is asked for without waiting for it to be so; `expect` has an assertion that waits for each."""
ALLOWED = {"answer.value.text().count"}
"""Of a text, not of a page."""
SLEEPS = {"wait_for_timeout", "sleep"}


def asked_at_once(path: Path) -> list[str]:
    """The assertions of a file that do not wait, and its sleeps."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Assert):
            asked = [one for one in ast.walk(node.test) if isinstance(one, ast.Attribute)]
            found += [one for one in asked if one.attr in AT_ONCE]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found += [node.func] if node.func.attr in SLEEPS else []
    texts = {ast.unparse(one): one.lineno for one in found}
    return [f"{path.name}:{line}: {text}" for text, line in texts.items() if text not in ALLOWED]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_assertions_about_a_page_wait_until_they_hold(path: Path) -> None:
    assert asked_at_once(path) == []


def test_an_assertion_that_does_not_wait_is_found(tmp_path: Path) -> None:
    file = tmp_path / "test_own.py"
    file.write_text(
        "assert page.get_by_role('link').is_visible()\nassert 2 == len(page.locator('b').all_inner_texts())\n"
        "assert page.url.endswith('/you')\nexpect(page).to_have_url('/you')\npage.wait_for_timeout(5)\n"
    )
    assert asked_at_once(file) == [
        "test_own.py:1: page.get_by_role('link').is_visible",
        "test_own.py:2: page.locator('b').all_inner_texts",
        "test_own.py:3: page.url",
        "test_own.py:5: page.wait_for_timeout",
    ]
