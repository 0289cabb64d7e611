"""Fixtures and helpers of the command-line tests: a trained model, a small table, and processes with pipes."""

import csv
import os
import pty
import subprocess
import sysconfig
from pathlib import Path

import pytest
from click.testing import Result

from tests.conftest import simulated
from tests.helpers import run

ROOT = Path(__file__).parents[2]
SIMULATED = "The films of the sample are real, its viewers are simulated.\n"
RATING_KEYS = {
    *(
        "model",
        "dataset",
        "protocol",
        "n_train",
        "n_test",
        "rmse",
        "mae",
        "fit_seconds",
        "predict_seconds",
    ),
    *("peak_rss_mb", "seed", "hyperparameters", "version"),
}
RANKING_KEYS = {"ndcg_at_10", "recall_at_20", "hit_rate_at_10", "mrr", "coverage"}


def environment(**more: str) -> dict[str, str]:
    """The environment of a user: compiled Python files are stored, and there are no data sets."""
    hidden = {"PYTHONDONTWRITEBYTECODE", "MATINEE_DATA", "MATINEE_REQUIRE_ALL"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"PYTHONPATH": str(ROOT), **more}


def program(*words: object) -> list[str]:
    """The command line of the installed program."""
    return [str(Path(sysconfig.get_path("scripts")) / "matinee"), *(str(word) for word in words)]


def real(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command in a separate process, with pipes."""
    return subprocess.run(
        program(*words), cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MATINEE_DATA", raising=False)
    monkeypatch.setenv("MATINEE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """The file that `matinee demo` writes, and what it tells."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MATINEE_CACHE", str(folder.parent / "cache of the demo"))
        return folder / "demo.matinee", run("demo")


@pytest.fixture(scope="session")
def model_file(story: tuple[Path, Result]) -> Path:
    return story[0]


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small CSV of ratings with one pair twice, and its titles beside it."""
    folder = tmp_path_factory.mktemp("table")
    ratings = simulated(40, 30, 500)
    users, items = (
        ratings.users.ids[ratings.user_index].tolist(),
        ratings.items.ids[ratings.item_index].tolist(),
    )
    rows = [*zip(users, items, ratings.value.tolist(), strict=True), (users[0], items[0], 5.0)]
    with (folder / "ratings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("user", "item", "rating"), *rows])
    titles = "".join(f"{item},Film {item} (1999),Drama\n" for item in ratings.items.ids.tolist())
    (folder / "items.csv").write_text(f"item,title,genres\n{titles}")
    return folder / "ratings.csv"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("title,rating\nThe Matrix (1999),5\nAlien,4.5\nNo Such Film,3\n")
    return path


def on_a_terminal(*words: object) -> str:
    """The output of a command that runs on a terminal."""
    terminal, end = pty.openpty()
    with subprocess.Popen(
        program(*words), env=environment(TERM="xterm"), stdout=end, stderr=end
    ) as running:
        os.close(end)
        seen = b""
        try:
            while part := os.read(terminal, 4096):
                seen += part
        except OSError:
            pass  # Linux raises this when the other end is closed
    os.close(terminal)
    assert running.returncode == 0, seen.decode()
    return seen.decode()
