"""What is published: every file of the package is in the wheel, and the files around it agree with each other."""

import os
import re
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import matinee
from matinee import __version__

ROOT = Path(matinee.__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
DATA = PROJECT["tool"]["setuptools"]["package-data"]
CODE = {".py", ".pyc"}


def is_in_wheel(path: Path) -> bool:
    """Whether a pattern of `package-data` names a file of the package, as setuptools reads them."""
    for package, patterns in DATA.items():
        folder = path.parent if package == "*" else ROOT / package.replace(".", "/")
        if path.is_relative_to(folder):
            name = path.relative_to(folder).as_posix()
            if any(fnmatch(name, pattern) for pattern in patterns):
                return True
    return False


def test_every_file_of_the_package_that_is_no_code_is_in_the_wheel() -> None:
    files = [path for path in (ROOT / "matinee").rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix not in CODE and "__pycache__" not in path.parts]
    assert len(data) > 50
    data = [path for path in data if path.suffix not in {".nbi", ".nbc"}]
    assert [path.name for path in data if not is_in_wheel(path)] == []
    assert not is_in_wheel(ROOT / "matinee" / "other.txt")


def test_the_smoke_test_of_the_wheel_asks_for_one_file_of_each_kind() -> None:
    text = (ROOT / ".ci" / "wheel_test.py").read_text("utf-8")
    needed = re.findall(r'^    "(matinee/[^"]+)",$', text, re.MULTILINE)
    assert len(needed) >= 8
    for name in needed:
        assert (ROOT / name).is_file(), name
    kinds = {Path(name).suffix or Path(name).name for name in needed}
    assert kinds >= {".html", ".csv", ".pyi", ".typed", ".js", ".css"}


def test_the_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [__version__]
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.*)$", changes, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", headings[1])


def test_the_hooks_before_a_commit_are_the_checks_of_make_lint() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    lint = (ROOT / "Makefile").read_text("utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    tools = re.findall(r"entry: \.venv/bin/(\w+)", hooks)
    assert set(tools) == {"ruff", "mypy"}
    assert all(f"$(BIN)/{tool}" in lint for tool in tools)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the repository")
def test_issue_templates_ask_for_the_output_of_doctor_and_are_published() -> None:
    templates = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.md"))
    for path in templates:
        assert re.match(r"---\nname: .+\nabout: .+\n---\n", path.read_text("utf-8")), path
    assert any("`matinee doctor`" in path.read_text("utf-8") for path in templates)
    ignored = subprocess.run(
        ["git", "check-ignore", *map(os.fspath, templates)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ignored.stdout == ""
