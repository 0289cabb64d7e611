"""The notebooks of the course: they run from top to bottom, hold no outputs, and their pages show what they hold."""

import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest

import matinee
from tests.conftest import real_data
from tests.helpers import compare_here

ROOT = Path(matinee.__file__).parent.parent
PAGES = ROOT / "docs" / "course"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHOICE = 'NAME = "sample"'
REAL = "ml-100k"

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
    return found


def code(path: Path, name: str) -> str:
    """All cells as one program, which reads the named data set."""
    parts = ["".join(one["source"]) for one in cells(path) if one["cell_type"] == "code"]
    program = "\n\n".join(parts)
    assert program.count(CHOICE) == 1
    return program.replace(CHOICE, f"NAME = {name!r}")


def run(path: Path, name: str) -> None:
    """The notebooks check their own results by assert."""
    mpl.use("agg")
    exec(compile(code(path, name), path.name, "exec"), {"__name__": "__main__"})


def test_the_course_has_its_notebooks_in_order() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{n + 1}-" for n in range(len(NOTEBOOKS))]
    assert len(NOTEBOOKS) == 5


@every_notebook
@pytest.mark.usefixtures("one_torch_thread")
def test_a_notebook_runs_on_the_sample(
    path: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    compare_here(monkeypatch)
    run(path, "sample")
    assert capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@every_notebook
@pytest.mark.usefixtures("one_torch_thread")
def test_a_notebook_runs_on_real_ratings(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_data(REAL)
    monkeypatch.chdir(tmp_path)
    compare_here(monkeypatch)
    run(path, REAL)


@every_notebook
def test_a_notebook_holds_no_outputs_and_has_tested_solutions(path: Path) -> None:
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    texts = ["".join(one["source"]) for one in cells(path)]
    first = next(n for n, text in enumerate(texts) if "## Exercises\n" in text)
    last = texts[first:]
    assert "\n## Solutions" in last[0]
    n_exercises = len(re.findall(r"^\d\. ", last[0], re.MULTILINE))
    solved = [text for text in last[1:] if re.match(rf"# [1-{n_exercises}]\. ", text)]
    assert len(solved) == n_exercises >= 2
    assert sum("\nassert " in text for text in solved) >= n_exercises - 1


@every_notebook
def test_the_page_of_a_notebook_shows_its_cells(path: Path) -> None:
    page = (PAGES / f"{path.stem}.md").read_text("utf-8")
    shown = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    program = ["".join(one["source"]) for one in cells(path) if one["cell_type"] == "code"]
    assert [text.strip() for text in shown] == [text.strip() for text in program], "type: make docs"
    assert "Warning" not in page
    assert "Traceback" not in page


@every_notebook
def test_links_of_notebooks_and_their_pages_lead_somewhere(path: Path) -> None:
    texts = "\n".join("".join(one["source"]) for one in cells(path))
    for page, text in (
        (path, texts),
        (PAGES / path.stem, (PAGES / f"{path.stem}.md").read_text("utf-8")),
    ):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            assert "://" in target or (page.parent / target).exists(), target
