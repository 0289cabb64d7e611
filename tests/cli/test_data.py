"""matinee data: list, describe, convert and fetch."""

import json
from pathlib import Path

import pytest

from tests.helpers import TWICE, as_json, good, refused, without_reading


def test_data_list_names_every_data_set() -> None:
    lines = good("data", "list").stdout.splitlines()
    assert lines[0].split() == ["name", "ratings", "users", "films", "scale", "download"]
    assert lines[1].split()[0] == "sample"
    assert lines[1].endswith("here")
    found = as_json("data", "list")["datasets"]
    assert [line.split()[0] for line in lines[1:]] == [one["name"] for one in found]
    keys = {
        "name",
        "url",
        "megabytes",
        "n_ratings",
        "n_users",
        "n_items",
        "licence",
        "citation",
        "path",
    }
    assert all(set(one) == keys for one in found)


def test_data_list_shows_which_data_sets_are_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ml-100k").mkdir()
    monkeypatch.setenv("MATINEE_DATA", str(tmp_path))
    line = next(
        line for line in good("data", "list").stdout.splitlines() if line.startswith("ml-100k")
    )
    assert line.endswith("here")
    found = {one["name"]: one["path"] for one in as_json("data", "list")["datasets"]}
    assert (found["ml-100k"], found["ml-1m"]) == (str(tmp_path / "ml-100k"), None)


def test_data_describe_prints_statistics_and_notes_repaired_rows(table: Path) -> None:
    result = good("data", "describe", table)
    assert result.stdout.startswith(
        "ratings.csv: 500 ratings by 40 users of 30 items; 41.67% of all possible pairs.\n"
    )
    assert "Distribution of the ratings\n" in result.stdout
    assert without_reading(result.stderr) == TWICE
    found = as_json("data", "describe", table)
    assert (found["n_ratings"], found["n_users"], found["n_items"], found["n_duplicates"]) == (
        500,
        40,
        30,
        1,
    )


def test_data_describe_follows_the_options_for_columns_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("who,what,how\na,x,1\nb,x,9\nb,y,5\na,y,nonsense\na,z,2\n")
    words = (
        "data",
        "describe",
        path,
        "--user-column",
        "who",
        "--item-column",
        "what",
        "--rating-column",
        "how",
    )
    assert "'nonsense'" in refused(*words)
    result = good(*words, "--skip-bad-rows", "--scale", "1:5", "--json")
    assert json.loads(result.stdout)["n_ratings"] == 3
    skipped = f"Skipped 2 bad rows, listed in {tmp_path / 'odd.csv.skipped.csv'}.\n"
    assert without_reading(result.stderr) == skipped


def test_data_convert_writes_the_table_and_its_titles(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "ratings.parquet"
    assert good("data", "convert", table, out).stdout == (
        f"Wrote 500 ratings to {out}.\nWrote 30 titles to {tmp_path / 'items.csv'}.\n"
    )
    assert as_json("data", "describe", out)["n_ratings"] == 500
    assert (
        refused("data", "convert", table, out)
        == f"'{out}' exists already; remove it or give another path."
    )


def test_data_fetch_rejects_unknown_and_built_in_data_sets() -> None:
    assert refused("data", "fetch", "ml-100") == (
        "There is no data set 'ml-100'. Did you mean 'ml-100k', 'ml-10m' or 'ml-1m'? Type 'matinee data list' to see them all."
    )
    assert refused("data", "fetch", "sample") == (
        "'sample' is built in: there is nothing to download."
    )


def test_data_describe_reads_several_files_of_an_odd_layout_as_told(tmp_path: Path) -> None:
    for number in (1, 2):
        rows = [f"{number}{user}@{item}@{user + item}" for user in (1, 2) for item in (1, 2)]
        (tmp_path / f"{number}.txt").write_bytes("\n".join(rows).encode("utf-16"))
    files = [tmp_path / "1.txt", tmp_path / "2.txt"]
    words = ("data", "describe", *files, "--separator", "@", "--no-header", "--encoding", "utf-16")
    result = good(*words, "--item-column", "2", "--json")
    assert json.loads(result.stdout)["n_ratings"] == 8
    assert "No header: columns read as user, item, rating" in result.stderr
    assert "Read 2 files as one table." in result.stderr
    assert "There is no encoding 'x'." in refused(*words[:-1], "x")
