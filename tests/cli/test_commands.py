"""The command line: every command for people and as JSON, exit codes, messages, pipes, and what `--help` costs."""

import csv
import json
import os
import pty
import re
import resource
import statistics
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from matinee import __version__
from matinee.models import MODELS
from matinee.recommendation.model_file import load_model
from tests.conftest import simulated
from tests.helpers import TWICE, as_json, good, misused, refused, run

ROOT = Path(__file__).parents[2]
SIMULATED = "The films of the sample are real, its viewers are simulated.\n"
MODEL_NAMES = ", ".join(model.name for model in MODELS)
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
LINE_KEYS = {"item_id", "title", "year", "genres", "score", "stars", "n_ratings", "mean"}


def environment(**more: str) -> dict[str, str]:
    """That of a person: compiled Python files are kept, and no data set lies around."""
    hidden = {"PYTHONDONTWRITEBYTECODE", "MATINEE_DATA", "MATINEE_REQUIRE_ALL"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"PYTHONPATH": str(ROOT), **more}


def program(*words: object) -> list[str]:
    return [str(Path(sysconfig.get_path("scripts")) / "matinee"), *(str(word) for word in words)]


def real(*words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with pipes."""
    return subprocess.run(
        program(*words), cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MATINEE_DATA", raising=False)
    monkeypatch.setenv("MATINEE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The file that `matinee demo` writes, and what it says."""
    folder = tmp_path_factory.mktemp("demo")
    return folder / "demo.matinee", real("demo", folder=folder)


@pytest.fixture(scope="module")
def model_file(story: tuple[Path, subprocess.CompletedProcess[str]]) -> Path:
    return story[0]


@pytest.fixture(scope="module")
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


# -- demo --------------------------------------------------------------------------------------------------------


def test_the_demo_tells_its_story_and_what_it_claims_holds(
    story: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    path, done = story
    assert done.returncode == 0, done.stderr
    assert SIMULATED in done.stderr
    assert [int(number) for number in re.findall(r"^(\d)\. ", done.stdout, re.MULTILINE)] == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]
    errors = {
        name: float(value)
        for name, value in re.findall(
            r"^(the mean|baseline|mf).*?  +(\d\.\d{4})", done.stdout, re.MULTILINE
        )
    }
    assert errors["mf"] < errors["baseline"] < errors["the mean"]
    assert f"as demo.matinee ({path.stat().st_size:,} bytes)" in done.stdout
    assert [one.name for one in path.parent.iterdir()] == ["demo.matinee"]
    assert "The Empire Strikes Back (1980)" in done.stdout.partition("6. ")[2]


def test_the_lists_of_the_demo_come_again_from_its_file(
    story: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    path, done = story
    first = as_json("recommend", path, "--user", 1, "-k", 1)["items"][0]["title"]
    assert first in done.stdout.partition("4. ")[2].partition("5. ")[0]


def test_the_demo_says_where_it_cannot_write(tmp_path: Path) -> None:
    out = tmp_path / "none" / "demo.matinee"
    result = run("demo", "--out", out)
    assert result.exit_code == 1
    assert result.stderr.endswith(
        f"Error: Cannot write '{out}': No such file or directory. Give another place with --out.\n"
    )


# -- data --------------------------------------------------------------------------------------------------------


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


def test_data_list_says_what_is_on_this_machine(
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


def test_data_describe_says_the_figures_and_notes_what_was_put_right(table: Path) -> None:
    result = good("data", "describe", table)
    assert result.stdout.startswith(
        "ratings.csv: 500 ratings by 40 users of 30 items; 41.67% of all possible pairs.\n"
    )
    assert "Distribution of the ratings\n" in result.stdout
    assert result.stderr == TWICE
    found = as_json("data", "describe", table)
    assert (found["n_ratings"], found["n_users"], found["n_items"], found["n_duplicates"]) == (
        500,
        40,
        30,
        1,
    )


def test_data_describe_reads_columns_and_rows_as_told(tmp_path: Path) -> None:
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
    assert result.stderr == f"Skipped 2 bad rows, listed in {tmp_path / 'odd.csv.skipped.csv'}.\n"


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


def test_data_fetch_refuses_what_it_cannot_fetch() -> None:
    assert refused("data", "fetch", "ml-100") == (
        "No data set 'ml-100'. Did you mean 'ml-100k', 'ml-10m' or 'ml-1m'? Type 'matinee data list' to see them all."
    )
    assert refused("data", "fetch", "sample") == (
        "'sample' is built in: there is nothing to download."
    )


# -- train -------------------------------------------------------------------------------------------------------


def test_train_writes_a_file_and_says_what_to_type_next(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.matinee"
    result = good(
        "train",
        table,
        "--model",
        "mf",
        "--set",
        "factors=4",
        "--set",
        "epochs=3",
        "--seed",
        7,
        "--out",
        out,
    )
    assert result.stdout == ""
    assert re.search(
        rf"Trained mf on 500 ratings in \d+\.\d s; saved as {re.escape(str(out))}\.\n",
        result.stderr,
    )
    assert result.stderr.endswith(f"Next:  matinee recommend {out} --user 1\n")
    settings = load_model(out)[0].settings()
    assert (settings["factors"], settings["epochs"], settings["seed"]) == (4, 3, 7)


def test_the_number_of_threads_changes_no_number(table: Path, tmp_path: Path) -> None:
    for threads in (1, 2):
        good(
            "train",
            table,
            "--set",
            "factors=4",
            "--threads",
            threads,
            "--out",
            tmp_path / f"{threads}.matinee",
        )
    one, two = (
        as_json("recommend", tmp_path / f"{threads}.matinee", "--user", 1) for threads in (1, 2)
    )
    assert one == two


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_trains_recommends_and_is_measured(
    model: Any, table: Path, tmp_path: Path, mine: Path
) -> None:
    out = tmp_path / "m.matinee"
    good("train", table, "--model", model.name, "--out", out)
    assert len(as_json("recommend", out, "--user", 1, "-k", 3)["items"]) == 3
    mine.write_text("Film 7,5\nFilm 17,1\n")
    assert len(as_json("recommend", out, "--ratings", mine, "-k", 3)["items"]) == 3
    found = as_json("evaluate", table, "--model", model.name)
    assert found.keys() >= RATING_KEYS | RANKING_KEYS
    assert (found["rmse"] is not None) == model.capabilities.predicts_stars


def test_without_history_the_file_is_smaller_and_recommend_says_so(
    table: Path, tmp_path: Path
) -> None:
    whole, bare = tmp_path / "whole.matinee", tmp_path / "bare.matinee"
    good("train", table, "--model", "baseline", "--out", whole)
    good("train", table, "--model", "baseline", "--no-history", "--out", bare)
    assert bare.stat().st_size < whole.stat().st_size
    told = "This file was saved without histories, so films that the user has rated are not left out.\n"
    assert told not in good("recommend", whole, "--user", 1).stderr
    assert told in good("recommend", bare, "--user", 1).stderr
    result = good("recommend", bare, "--user", 1, "-k", 30, "--json")
    assert told in result.stderr
    assert len(json.loads(result.stdout)["items"]) == 30


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "epoch=8"), "mf has no setting 'epoch'. Did you mean 'epochs'"),
        (("--set", "factors=many"), "mf: factors must be a whole number, not 'many' (default 64)."),
        (
            ("--set", "factors"),
            "--set factors is not of the form KEY=VALUE, such as --set factors=32.",
        ),
        (
            ("--set", "factors="),
            "--set factors= is not of the form KEY=VALUE, such as --set factors=32.",
        ),
        (("--model", "base-line"), "There is no model 'base-line'. Did you mean 'baseline'?"),
        (("--model", "qqqq"), f"There is no model 'qqqq'. The models are: {MODEL_NAMES}."),
        (("--scale", "5:1"), "--scale 5:1 is not a range from low to high, such as 1:5."),
        (("--scale", "five"), "--scale five is not a range from low to high, such as 1:5."),
        (
            ("--query", "SELECT 1"),
            "A query needs a database URL as source, such as sqlite:///films.db.",
        ),
    ],
)
def test_wrong_settings_are_told_in_a_line(
    words: Sequence[str], told: str, table: Path, tmp_path: Path
) -> None:
    found = refused("train", table, *words, "--out", tmp_path / "m.matinee")
    assert found.startswith(told)
    assert "\n" not in found
    assert list(tmp_path.glob("*.matinee")) == []


def test_a_misspelt_setting_suggests_the_right_one(table: Path, tmp_path: Path) -> None:
    told = refused("train", table, "--set", "factor=8", "--out", tmp_path / "m.matinee")
    assert re.match(r"mf has no setting 'factor'\. Did you mean .*'factors'.*\?$", told)


def test_data_that_is_not_there_is_told(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "m.matinee")
    assert refused("train", "nosuch", *out) == (
        "There is neither a file nor a data set 'nosuch'. Give the path of a ratings table, or type "
        "'matinee data list' to see the data sets."
    )
    assert re.match(
        r"There is neither a file nor a data set 'smaple'\. Did you mean 'sample'.*\? Give the path",
        refused("train", "smaple", *out),
    )
    assert refused("train", "ml-100k", *out) == (
        "The data set 'ml-100k' is not on this machine. Type 'matinee data fetch ml-100k' to download about 5 MB, "
        "or set MATINEE_DATA to a folder that holds ml-100k/ or ml-100k.zip."
    )
    assert (
        refused("train", tmp_path / "none.csv", *out)
        == f"There is no file or folder {tmp_path / 'none.csv'}."
    )
    assert refused("train", "sample", "--query", "SELECT 1", *out) == (
        "The sample is built in: leave out the options that say how to read a table."
    )


# -- evaluate ----------------------------------------------------------------------------------------------------


def test_evaluate_says_the_error_in_stars(table: Path) -> None:
    result = good("evaluate", table, "--model", "baseline")
    assert result.stdout.startswith("baseline on ratings.csv, random:0.2\n")
    assert re.search(
        r"^RMSE +\d\.\d{4} stars \(95% interval \d\.\d{4} to \d\.\d{4}\)$",
        result.stdout,
        re.MULTILINE,
    )


@pytest.mark.parametrize("spec", ["random:0.1", "kfold:3"])
def test_evaluate_as_json_holds_what_scripts_depend_on(table: Path, spec: str) -> None:
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


def test_evaluate_takes_a_test_table_of_its_own(table: Path, tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("user,item,rating\n1,7,3\n2,17,4\n")
    assert as_json("evaluate", table, "--test", test, "--model", "baseline")["n_test"] == 2
    assert misused("evaluate", table, "--test", test, "--split", "kfold:5") == (
        "Use either --test or --split, not both."
    )


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
                f"No split '{spec}'. Give one of random:0.2, kfold:5, leave-last-out, time:0.1 or rows:FILE.npy.",
            )
            for spec in ("kfold:x", "nonsense")
        ),
    ],
)
def test_a_wrong_split_is_told_in_a_line(spec: str, told: str, table: Path) -> None:
    assert refused("evaluate", table, "--model", "baseline", "--split", spec) == told


# -- predict, recommend, similar ---------------------------------------------------------------------------------


def test_predict_says_stars_by_id_or_title(model_file: Path, mine: Path) -> None:
    by_title = good("predict", model_file, "--user", 1, "--item", "Alien")
    assert re.fullmatch(
        r"\d\.\d\d stars for Alien \(1979\), on the scale 0\.5 to 5 in steps of 0\.5\n",
        by_title.stdout,
    )
    found = as_json("predict", model_file, "--user", 1, "--item", "Alien")
    assert set(found) == {"user", "item_id", "title", "stars"}
    assert as_json("predict", model_file, "--user", 1, "--item", found["item_id"]) == found
    assert (
        f"{found['stars']:.2f} stars" in by_title.stdout
        or abs(found["stars"] * 100 % 1 - 0.5) < 0.11
    )
    assert as_json("predict", model_file, "--ratings", mine, "--item", "Aliens")["user"] is None


@pytest.mark.parametrize("text", ["Amelie", "amelie", "Amélie", "Amélie (2001)", "AMELIE (2001)"])
def test_a_title_is_found_with_and_without_its_accents(model_file: Path, text: str) -> None:
    assert as_json("predict", model_file, "--user", 1, "--item", text)["title"] == "Amélie (2001)"


def test_recommend_shows_a_table_and_the_same_as_json(model_file: Path) -> None:
    result = good("recommend", model_file, "--user", 1, "-k", 3)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["stars", "film", "genres", "ratings", "mean", "id"]
    assert result.stderr == SIMULATED
    found = as_json("recommend", model_file, "--user", 1, "-k", 3)
    assert set(found) == {"user", "k", "items", "note"}
    assert [set(line) for line in found["items"]] == [LINE_KEYS] * 3
    for place, (line, one) in enumerate(zip(lines[1:], found["items"], strict=True), 1):
        assert line.split()[0] == str(place)
        assert one["title"] in line
        assert line.split()[-1] == str(one["item_id"])


def test_recommend_keeps_to_the_filters(model_file: Path) -> None:
    words = (
        "--genre",
        "horror",
        "--genre",
        "war",
        "--not-genre",
        "Comedy",
        "--years",
        "1970:",
        "--min-ratings",
        100,
    )
    items = as_json("recommend", model_file, "--user", 1, "-k", 4, *words)["items"]
    assert len(items) == 4
    for one in items:
        assert {"Horror", "War"} & set(one["genres"])
        assert "Comedy" not in one["genres"]
        assert one["year"] >= 1970
        assert one["n_ratings"] >= 100


def test_too_few_films_are_explained(model_file: Path) -> None:
    result = good("recommend", model_file, "--user", 1, "--years", ":1925", "--include-seen")
    n_lines = len(result.stdout.splitlines()) - 1
    told = (
        f"{n_lines} instead of 10: {n_lines} of the 340 films match the filters (up to 1925); "
        "for more, loosen the years.\n"
    )
    assert result.stderr == told + SIMULATED
    assert (
        as_json("recommend", model_file, "--user", 1, "--years", ":1925", "--include-seen")["note"]
        == told.strip()
    )


def test_what_the_person_has_rated_comes_back_only_if_asked_for(
    model_file: Path, mine: Path
) -> None:
    words = ("recommend", model_file, "--ratings", mine, "-k", 340)
    assert len(as_json(*words)["items"]) == 338
    assert len(as_json(*words, "--include-seen")["items"]) == 340


def test_a_new_person_gets_a_list_and_hears_of_unknown_films(model_file: Path, mine: Path) -> None:
    result = good("recommend", model_file, "--ratings", mine, "--json")
    assert result.stderr.startswith(
        f"Skipped 1 row in {mine}: row 4, 'No Such Film': No item or title 'No Such Film' among the 340 items."
    )
    found = json.loads(result.stdout)
    assert (found["user"], len(found["items"])) == (None, 10)
    mine.write_text("No Such Film,3\n")
    assert refused("recommend", model_file, "--ratings", mine).startswith(
        f"In {mine}, row 1: The model does not know the only rated item: No item or title 'No Such Film'"
    )
    mine.write_text("title,rating\nNo Such Film,3\nNor This,4\n")
    assert refused("recommend", model_file, "--ratings", mine).startswith(
        f"In {mine}, rows 2 to 3: The model knows none of the 2 rated items. The first: No item or title"
    )


def test_a_rating_out_of_scale_is_told_with_its_film_and_row(model_file: Path, mine: Path) -> None:
    mine.write_text("title,rating\nAlien,4\nthe matrix (1999),9\n")
    assert refused("recommend", model_file, "--ratings", mine) == (
        f"In {mine}, row 3: the rating 9 for 'the matrix (1999)' is outside the scale 0.5 to 5 in steps of 0.5. "
        "If the ratings are out of 10, call their column rating10 or give --ratings-scale 1:10; "
        "--skip-bad-rows leaves out such rows."
    )


def test_of_a_film_rated_twice_the_last_rating_counts_and_that_is_said(
    model_file: Path, mine: Path
) -> None:
    words = ("predict", model_file, "--ratings", mine, "--item", "Aliens", "--json")
    mine.write_text("Heat,4\nAlien,1\n")
    once = good(*words)
    mine.write_text("Alien,1\nHeat,4\nAlien (1979),5\nAlien,1\n")
    again = good(*words)
    assert again.stdout == once.stdout
    told = f"Repeated ratings in {mine}: 2 rows; the last rating counts.\n"
    assert told in again.stderr
    assert "Repeated" not in once.stderr


def test_an_unknown_user_is_told_what_to_type(model_file: Path) -> None:
    told = refused("recommend", model_file, "--user", 999_999)
    assert told.startswith("No user '999999' among the 2,000 this model was trained on.")
    assert told.endswith(
        f"\nGive their ratings instead:  matinee recommend {model_file} --ratings mine.csv"
    )
    assert told.count("\n") == 1


def test_similar_shows_a_table_and_the_same_as_json(model_file: Path) -> None:
    result = good("similar", model_file, "Star Wars (1977)", "-k", 3)
    assert result.stdout.splitlines()[2].split() == [
        "similarity",
        "film",
        "genres",
        "ratings",
        "mean",
        "id",
    ]
    found = as_json("similar", model_file, "Star Wars (1977)", "-k", 3)
    assert set(found) == {"item_id", "title", "items", "note"}
    assert found["title"] == "Star Wars (1977)"
    for line, one in zip(result.stdout.splitlines()[3:], found["items"], strict=True):
        assert one["title"] in line
        assert one["stars"] is None
    assert as_json("similar", model_file, found["item_id"], "-k", 3) == found
    assert (
        as_json("similar", model_file, "Star Wars (1977)", "--min-ratings", 100_000)["items"] == []
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("predict", "--user", 1, "--item", "qqqq"),
            "No item or title 'qqqq' among the 340 items.",
        ),
        (("similar", "qqqq"), "No item or title 'qqqq' among the 340 items."),
        (
            ("recommend", "--user", 1, "--genre", "qqqq"),
            "No genre 'qqqq'. The genres are: Action, Adventure,",
        ),
        (
            ("recommend", "--user", 1, "--years", "1999:1980"),
            "--years 1999:1980 is not a range from low to high, such as 1980:1999, 2000:, :1960 or 1994.",
        ),
        (
            ("recommend", "--ratings", "none.csv"),
            "Cannot read the ratings in 'none.csv': No such file or directory. "
            "It needs lines such as:  Toy Story (1995),4.5",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_in_a_line(
    words: Sequence[str], told: str, model_file: Path
) -> None:
    found = refused(words[0], model_file, *words[1:])
    assert found.startswith(told)
    assert "\n" not in found


@pytest.mark.parametrize(
    "command", [("predict", "--user", 1, "--item", 1), ("recommend", "--user", 1), ("similar", 1)]
)
def test_a_file_that_is_no_model_is_told(command: Sequence[str], tmp_path: Path) -> None:
    path = tmp_path / "none.matinee"
    assert refused(command[0], path, *command[1:]) == (
        f"There is no model file '{path}'. Make one:  matinee train DATA --model mf --out {path}"
    )
    path.write_text("title,rating\n")
    assert refused(command[0], path, *command[1:]) == (
        f"'{path}' is not a complete model file (it is truncated, damaged, or of another kind); train the model again."
    )


def test_a_model_that_only_ranks_shows_scores_and_names_another(
    table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.matinee"
    good("train", table, "--model", "popularity", "--out", out)
    assert good("recommend", out, "--user", 1).stdout.split()[0] == "score"
    assert refused("predict", out, "--user", 1, "--item", 7) == (
        "popularity only ranks and predicts no stars; use baseline or mf."
    )


# -- doctor ------------------------------------------------------------------------------------------------------


def test_doctor_says_what_this_machine_is_like() -> None:
    found = as_json("doctor")
    assert set(found) == {
        *(
            "matinee",
            "python",
            "system",
            "numpy",
            "numba",
            "polars",
            "safetensors",
            "torch",
            "cores",
            "blas",
        ),
        *("devices", "kernels", "data_cache", "matinee_data"),
    }
    assert (found["matinee"], found["matinee_data"]) == (__version__, "not set")
    assert found["cores"] >= 1
    assert found["devices"].startswith("cpu")
    lines = [line for line in good("doctor").stdout.splitlines() if line]
    assert [line.split("  ")[0] for line in lines] == [name.replace("_", " ") for name in found]


# -- usage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nonsense",), "No such command 'nonsense'."),
        (("train",), "Missing argument 'DATA'."),
        (("train", "sample"), "Missing option '--out'."),
        (
            ("train", "sample", "--out", "x", "--threads", 0),
            "Invalid value for '--threads': 0 is not in the range x>=1.",
        ),
        (("recommend", "m"), "Missing person: use --user ID, or --ratings FILE for a new person."),
        (
            ("predict", "m", "--user", 1, "--ratings", "f", "--item", 1),
            "Use either --user or --ratings, not both.",
        ),
        (
            ("recommend", "m", "--user", 1, "-k", 0),
            "Invalid value for '-k': 0 is not in the range x>=1.",
        ),
        (("predict", "m", "--user", 1), "Missing option '--item'."),
    ],
)
def test_a_wrong_usage_is_told_and_exits_with_2(
    words: Sequence[str], told: str, model_file: Path
) -> None:
    assert misused(*(model_file if word == "m" else word for word in words)) == told


def test_a_misspelt_option_suggests_the_right_one(model_file: Path) -> None:
    told = misused("recommend", model_file, "--user", 1, "--gnre", "War")
    assert "--gnre" in told
    assert "--genre" in told


def test_help_and_version_are_there_for_every_command() -> None:
    assert good("--version").stdout == f"matinee, version {__version__}\n"
    text = good("--help").stdout
    commands = re.findall(r"^  (\w+) {2,}", text.partition("Commands:")[2], re.MULTILINE)
    asking = ["predict", "recommend", "similar", "neighbors", "explain", "biases", "map", "report"]
    assert commands == [
        "demo",
        "data",
        "train",
        "evaluate",
        "compare",
        "tune",
        *asking,
        "serve",
        "reproduce",
        "doctor",
    ]
    # In a process of its own: click remembers the help options of a command from its first use, be it without `main`.
    code = (
        "from click.testing import CliRunner\n"
        "from matinee.cli import main\n"
        "for name in main.commands:\n"
        "    print(CliRunner().invoke(main, [name, '-h'], prog_name='matinee').stdout.splitlines()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    for command, usage in zip(commands, done.stdout.splitlines(), strict=True):
        assert usage.startswith(f"Usage: matinee {command} ")


# -- a process of its own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [("data", "list"), ("recommend", "MODEL", "--user", "1")])
def test_piped_output_has_no_escape_codes(words: Sequence[str], model_file: Path) -> None:
    done = real(*(model_file if word == "MODEL" else word for word in words))
    assert done.returncode == 0
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_an_error_is_one_line_without_a_traceback() -> None:
    done = real("recommend", "none.matinee", "--user", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: There is no model file 'none.matinee'. Make one:  matinee train DATA --model mf --out none.matinee\n"
    )
    done = real("recommend", "none.matinee")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_reader_that_stops_early_gets_no_traceback(model_file: Path) -> None:
    command = program("recommend", model_file, "--user", "1", "-k", "300", "--include-seen")
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()  # as `head -1` does
        assert running.stderr.read().decode() in ("", SIMULATED)
    assert running.returncode == 0


def test_a_reader_that_is_gone_from_the_start_gets_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        program("data", "list"),
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def on_a_terminal(*words: object) -> str:
    """What a person sees who types a command."""
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
            pass  # that is how Linux says that the other end is closed
    os.close(terminal)
    assert running.returncode == 0, seen.decode()
    return seen.decode()


def test_on_a_terminal_a_table_is_drawn() -> None:
    assert "───" in on_a_terminal("data", "list")


def test_on_a_terminal_training_shows_its_progress(table: Path, tmp_path: Path) -> None:
    assert "Training mf" in on_a_terminal("train", table, "--out", tmp_path / "m.matinee")


HEAVY = [
    "torch",
    "numba",
    "fastapi",
    "polars",
    "numpy",
    "sqlalchemy",
    "pooch",
    "rich",
    "safetensors",
    "matplotlib",
]


@pytest.mark.parametrize(
    "code", ["import matinee", "import matinee.cli; matinee.cli.main(['--help'])"]
)
def test_neither_importing_nor_help_loads_what_is_heavy(code: str) -> None:
    told = f"import atexit, sys; atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr))"
    done = subprocess.run(
        [sys.executable, "-c", f"{told}\n{code}"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")


@pytest.mark.parametrize(
    "command", [[sys.executable, "-c", "import matinee"], program("--help")], ids=["import", "help"]
)
def test_importing_and_help_take_less_than_a_quarter_of_a_second(command: list[str]) -> None:
    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment(), capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    cpu_seconds()  # compiles the Python files, once
    assert statistics.median(cpu_seconds() for _ in range(3)) < 0.25


def test_training_never_replaces_a_file_that_is_not_a_model(tmp_path: Path) -> None:
    table = tmp_path / "precious.csv"
    table.write_text("user,item,rating\n1,1,5\n1,2,4\n2,1,3\n")
    before = table.read_text()
    result = run("train", table, "--out", table)
    assert (result.exit_code, result.stdout) == (1, "")
    assert (
        result.stderr
        == f"Error: '{table}' exists and is not a model file; give another name with --out.\n"
    )
    assert table.read_text() == before
