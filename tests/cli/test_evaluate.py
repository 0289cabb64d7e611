"""matinee evaluate: measures, splits and test tables."""

import re
from pathlib import Path

import pytest

from matinee import __version__
from tests.cli.conftest import RANKING_KEYS, RATING_KEYS
from tests.helpers import as_json, good, misused, refused


def test_evaluate_prints_the_error_in_stars(table: Path) -> None:
    result = good("evaluate", table, "--model", "baseline")
    assert result.stdout.startswith("baseline on ratings.csv, random:0.2\n")
    assert re.search(
        r"^RMSE +\d\.\d{4} stars \(95% interval \d\.\d{4} to \d\.\d{4}\)$",
        result.stdout,
        re.MULTILINE,
    )


@pytest.mark.parametrize("spec", ["random:0.1", "kfold:3"])
def test_the_json_of_evaluate_has_the_documented_keys(table: Path, spec: str) -> None:
    found = as_json("evaluate", table, "--model", "baseline", "--split", spec, "--seed", 3)
    assert found.keys() >= RATING_KEYS | RANKING_KEYS
    assert (found["model"], found["dataset"], found["protocol"], found["seed"], found["version"]) == (
        "baseline", "ratings.csv", spec, 3, __version__,
    )  # fmt: skip
    assert 0 < found["mae"] <= found["rmse"] < 2
    assert "seed" not in found["hyperparameters"]
    assert found["peak_rss_mb"] > 10


def test_a_ranking_model_reports_ranking_measures(table: Path) -> None:
    found = as_json("evaluate", table, "--model", "popularity")
    assert all(0 <= found[key] <= 1 for key in RANKING_KEYS)
    assert found["rmse"] is None
    assert "NDCG@10" in good("evaluate", table, "--model", "popularity").stdout


def test_evaluate_accepts_a_separate_test_table(table: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("user,item,rating\n1,7,3\n2,17,4\n")
    assert as_json("evaluate", table, "--test", test, "--model", "baseline")["n_test"] == 2
    assert misused("evaluate", table, "--test", test, "--split", "kfold:5") == (
        "Use either --test or --split, not both."
    )


def test_users_held_out_whole_are_measured(table: Path) -> None:
    found = as_json("evaluate", table, "--model", "baseline", "--split", "users:0.2")
    assert found.keys() >= RATING_KEYS | RANKING_KEYS | {"ndcg_at_100", "recall_at_50"}
    assert found["n_folded_in"] > found["n_test"] > 0
    assert found["interval_coverage"] == {}
    told = good("evaluate", table, "--model", "baseline", "--split", "users:0.2").stdout
    assert re.search(r"^folded in +[\d,]+ ratings of held-out users$", told, re.MULTILINE)


def test_test_ratings_that_were_trained_on_are_named(table: Path, tmp_path: Path) -> None:
    assert refused("evaluate", table, "--test", table, "--model", "baseline").startswith(
        "All 500 test ratings are in the training part as well, so nothing is left to test on;"
    )
    lines = table.read_text().splitlines()
    half = tmp_path / "half.csv"
    half.write_text("\n".join(lines[:301]) + "\n")
    result = good("evaluate", half, "--test", table, "--model", "baseline")
    assert "300 of the 500 test ratings are in the training part as well" in result.stderr
    assert re.search(r"^tested on +200 ratings$", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            "random:2",
            "The split random:2 is impossible: the fraction must be between 0 and 1, as in random:0.2.",
        ),
        ("rows:none.npy", "There is no file 'none.npy' with the test rows."),
        *(
            (
                spec,
                f"No split '{spec}'. Give one of random:0.2, kfold:5, leave-last-out, time:0.1, users:0.1 or "
                "rows:FILE.npy.",
            )
            for spec in ("kfold:x", "nonsense")
        ),
    ],
)
def test_a_wrong_split_is_reported_in_one_line(spec: str, told: str, table: Path) -> None:
    assert refused("evaluate", table, "--model", "baseline", "--split", spec) == told
