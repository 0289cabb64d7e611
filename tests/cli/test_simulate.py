"""matinee data simulate: what it writes and says, and what it refuses."""

from pathlib import Path

import polars as pl
import pytest

from tests.helpers import as_json, good, misused, refused

SIZES = ("--ratings", 2_000, "--users", 50, "--items", 200)


def test_it_writes_a_table_and_says_that_it_is_simulated(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = good("data", "simulate", "--like", "ml-25m", *SIZES, path).stdout.splitlines()
    assert lines[:2] == [
        f"Wrote 2,000 ratings of 200 items by 50 users to {path}.",
        "Simulated by matinee, like ml-25m (seed 0): these are not the ratings of people.",
    ]
    assert lines[2].startswith("RMSE of the mean of all ratings: 1.")
    assert pl.read_csv(path).shape == (2_000, 4)


def test_as_json_it_gives_the_sizes_and_the_floor(tmp_path: Path) -> None:
    path = tmp_path / "parts"
    words = ("data", "simulate", "--like", "ml-1m", *SIZES, "--parts", 2, "--seed", 3, path)
    found = as_json(*words)
    assert {name: found[name] for name in found if not name.startswith("rmse")} == {
        "simulated": True,
        "like": "ml-1m",
        "seed": 3,
        "path": str(path),
        "n_ratings": 2_000,
        "n_users": 50,
        "n_items": 200,
    }
    assert 0.6 < found["rmse_floor"] < 0.95 < found["rmse_of_mean"] < 1.3
    assert len(list(path.iterdir())) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--like", "ml-1m", "a.xlsx"), "'a.xlsx' must end in .csv or .parquet, which chooses"),
        (("--like", "ml-1m", "--users", 60_000, "--ratings", 9, "a.csv"), "9 ratings are too few"),
        (("--like", "ml-1k", "a.csv"), "There is no shape 'ml-1k'. Did you mean"),
        (("--like", "ml-1m", "--parts", 0, "a"), "The number of parts must be from 1 to"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    words: tuple[object, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused("data", "simulate", *words).startswith(told)
    assert not list(tmp_path.iterdir())


def test_a_shape_must_be_chosen() -> None:
    assert misused("data", "simulate", "a.csv") == "Missing option '--like'."
