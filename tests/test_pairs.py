"""Implicit feedback: tables without ratings, from the reader through every command to a person's own file."""

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from matinee.data.dataset import Dataset
from matinee.data.datasets.load import load
from matinee.data.datasets.sample import sample_ratings
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.errors import MatineeError
from matinee.evaluation import NO_STARS
from matinee.models import MODELS, default_model
from matinee.models.base import Person, Recommender
from matinee.recommendation.model_file import load_model
from tests.conftest import real_data
from tests.helpers import as_json, compare_here, good, reading_error, refused, without_reading

PAIR_ROWS = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "z")]
COUNTED = ReadOptions(count="plays")
NO_RATINGS = "There are no ratings, only pairs of a user and an item: "
NAMED = "; its columns are {}. Name it with --rating-column NAME, or with --count-column NAME if it holds counts; "
NAMED += "or give --pairs if there is none."


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def rows(dataset: Dataset) -> list[tuple[Any, Any, float]]:
    ratings = dataset.ratings
    users, items = (
        ratings.users.ids[ratings.user_index].tolist(),
        ratings.items.ids[ratings.item_index].tolist(),
    )
    return list(zip(users, items, ratings.value.tolist(), strict=True))


@pytest.fixture(autouse=True)
def plain_surroundings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "real" not in request.node.name:
        monkeypatch.delenv("MATINEE_DATA", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of 400 viewers of the sample with what they gave 4 stars or more, plays of the same, and titles."""
    ratings, catalog = sample_ratings()
    liked = (ratings.value >= 4) & (ratings.user_index < 400)
    users, items = (
        ratings.users.ids[ratings.user_index[liked]],
        ratings.items.ids[ratings.item_index[liked]],
    )
    plays = (10_000 ** np.random.default_rng(0).random(len(users))).astype(int)
    place = tmp_path_factory.mktemp("pairs")
    frame = pl.DataFrame({"user_id": users, "item_id": items, "plays": plays})
    frame.select("user_id", "item_id").write_csv(place / "pairs.csv")
    frame.write_csv(place / "plays.csv")
    films = [
        (key, film.title, film.year, "|".join(film.genres)) for key, film in catalog.films.items()
    ]
    pl.DataFrame(films, schema=["item_id", "title", "year", "genres"], orient="row").write_csv(
        place / "items.csv"
    )
    return place


@pytest.fixture(scope="module")
def model_file(folder: Path) -> Path:
    good("train", folder / "pairs.csv", "--set", "factors=16", "--out", folder / "ials.matinee")
    return folder / "ials.matinee"


# -- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "user_id,item_id\na,x\na,y\nb,x\nc,z\n",
        "user_id\titem_id\na\tx\na\ty\nb\tx\nc\tz\n",
        "device,customer,product\nphone,a,x\nweb,a,y\nweb,b,x\n,c,z\n",  # text is no rating
        "user,item,when\na,x,never\na,y,later\nb,x,\nc,z,\n",
    ],
)
def test_a_table_without_a_rating_column_is_one_of_pairs(content: str, tmp_path: Path) -> None:
    found = read(write(tmp_path / "clicks.csv", content))
    assert rows(found) == [(*pair, 1) for pair in PAIR_ROWS]
    assert found.ratings.scale == PAIRS
    assert repr(found.ratings) == "Ratings(4 pairs by 3 users of 3 items, without ratings)"


def test_pairs_read_from_parquet_json_lines_frames_and_databases(tmp_path: Path) -> None:
    frame = pl.DataFrame(PAIR_ROWS, schema=["user", "item"], orient="row")
    frame.write_parquet(tmp_path / "p.parquet")
    frame.write_ndjson(tmp_path / "p.jsonl")
    with sqlite3.connect(tmp_path / "p.db") as database:
        database.execute("create table ratings (user text, item text)")
        database.executemany("insert into ratings values (?, ?)", PAIR_ROWS)
    database.close()
    pandas = pd.DataFrame(PAIR_ROWS, columns=["user", "item"])
    for source in (
        tmp_path / "p.parquet",
        tmp_path / "p.jsonl",
        frame,
        pandas,
        f"sqlite:///{tmp_path}/p.db",
    ):
        assert rows(read(source)) == [(*pair, 1) for pair in PAIR_ROWS]


def test_pairs_have_times_by_name_or_in_the_third_column_of_three(tmp_path: Path) -> None:
    named = read(write(tmp_path / "n.csv", "user,item,timestamp\n1,10,881250949\n2,20,881250950\n"))
    for third in ("881250949", "881250949000", "1997-12-04"):
        plain = read(write(tmp_path / "p.csv", f"1,10,{third}\n2,20,{third}\n"))
        assert rows(plain) == rows(named) == [(1, 10, 1), (2, 20, 1)]
        assert plain.ratings.timestamp is not None
        assert plain.ratings.timestamp[0] // 86_400 == 881_250_949 // 86_400
    assert read(write(tmp_path / "r.csv", "1,10,3\n2,20,4\n")).ratings.scale == Scale(3, 4, 1)


def test_two_columns_of_numbers_need_no_header(tmp_path: Path) -> None:
    assert rows(read(write(tmp_path / "p.csv", "1,10\n2,20\n"))) == [(1, 10, 1), (2, 20, 1)]


@pytest.mark.parametrize("cell", ["5", "3,5", ".5", "4/5", "4 stars", "★★★"])
def test_a_column_that_may_be_a_misnamed_rating_is_not_passed_over(
    cell: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "p.csv", f"user;item;opinion\na;x;{cell}\nb;y;{cell}\n")
    columns = "'user', 'item', 'opinion'"
    assert (
        reading_error(path) == f"No rating column was recognized in {path}{NAMED.format(columns)}"
    )
    assert rows(read(path, ReadOptions(pairs=True))) == [("a", "x", 1), ("b", "y", 1)]


def test_a_misnamed_rating_of_a_frame_json_or_parquet_file_is_not_passed_over(
    tmp_path: Path,
) -> None:
    frame = pl.DataFrame({"user": [1, 2], "item": [1, 2], "opinion": [4.5, None]})
    frame.write_parquet(tmp_path / "p.parquet")
    frame.write_ndjson(tmp_path / "p.jsonl")
    for source in (frame, tmp_path / "p.parquet", tmp_path / "p.jsonl"):
        assert "No rating column was recognized in" in reading_error(source)
        assert rows(read(source, ReadOptions(pairs=True))) == [(1, 1, 1), (2, 2, 1)]


def test_ratings_become_pairs_on_request(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "user,item,rating,timestamp\n1,10,5,7\n2,20,5,8\n")
    assert reading_error(path) == (
        f"{path}: every rating is 5; at least two values are needed to learn from. "
        "If a row only means that a user has an item, give --pairs."
    )
    assert rows(read(path, ReadOptions(pairs=True))) == [(1, 10, 1), (2, 20, 1)]
    data = read(
        write(tmp_path / "u.data", "1\t10\t5\t881250949\n2\t20\t3\t881250950\n"),
        ReadOptions(pairs=True),
    )
    assert rows(data) == [(1, 10, 1), (2, 20, 1)]
    assert data.ratings.timestamp is not None
    assert data.ratings.timestamp.tolist() == [881250949, 881250950]


def test_rows_of_the_same_pair_are_added_up_and_keep_the_last_time(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", "user,item,time\na,x,5\nb,x,1\na,x,3\na,y,2\na,x,4\n")
    found = read(path)
    assert rows(found) == [("a", "x", 3), ("b", "x", 1), ("a", "y", 1)]
    assert found.ratings.timestamp is not None
    assert found.ratings.timestamp.tolist() == [5, 1, 2]
    assert found.n_duplicates == 2
    assert found.ratings.scale == PAIRS


def test_counts_are_found_by_name_or_named_and_are_no_ratings(tmp_path: Path) -> None:
    usual = read(write(tmp_path / "p.csv", "user,item,plays\na,x,10000\nb,y,1\na,x,5\n"))
    named = read(
        write(tmp_path / "n.csv", "user,item,n\na,x,10000\nb,y,1\na,x,5\n"), ReadOptions(count="n")
    )
    assert rows(usual) == rows(named) == [("b", "y", 1), ("a", "x", 10_005)]
    assert usual.ratings.scale == named.ratings.scale == PAIRS
    both = read(write(tmp_path / "b.csv", "user,item,plays,rating\na,x,9,1\nb,y,8,5\n"))
    assert rows(both) == [("a", "x", 1), ("b", "y", 5)]
    assert rows(read(tmp_path / "b.csv", COUNTED)) == [("a", "x", 9), ("b", "y", 8)]


@pytest.mark.parametrize("step", [1, 7])
def test_counts_named_as_ratings_get_a_scale_of_stars(step: int, tmp_path: Path) -> None:
    numbers = "".join(f"{n % 50},{n},{n * step}\n" for n in range(1, 1430))
    path = write(tmp_path / "p.csv", f"user,item,plays\n{numbers}")
    assert read(path, ReadOptions(rating="plays")).ratings.scale == Scale(
        step, 1429 * step, step if step == 1 else 1
    )


def test_a_bad_count_is_named_and_can_be_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "user,item,plays\na,x,3\nb,y,0\nb,z,2\n")
    assert (
        reading_error(path)
        == f"{path}, line 3: the count '0' is not above 0. Use --skip-bad-rows to leave out such rows."
    )
    found = read(path, ReadOptions(skip_bad_rows=True))
    assert (rows(found), found.n_bad_rows) == ([("a", "x", 3), ("b", "z", 2)], 1)
    for cell, told in (("", "the count is missing"), ("x", "the count 'x' is not a number")):
        write(path, f"user,item,plays\na,x,3\nb,y,{cell}\n")
        assert reading_error(path).startswith(f"{path}, line 3: {told}. ")
    write(path, "user,item\na,x\n,y\nb,y\n")
    assert reading_error(path).startswith(f"{path}, line 3: the user is missing. ")
    assert rows(read(path, ReadOptions(skip_bad_rows=True))) == [("a", "x", 1), ("b", "y", 1)]


def test_options_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "user,item\na,x\nb,y\n")
    assert (
        reading_error(path, ReadOptions(scale=(1, 5)))
        == "--scale is for ratings, and this table has none; leave it out."
    )
    with pytest.raises(MatineeError) as error:
        ReadOptions(rating="stars", pairs=True)
    assert str(error.value) == (
        "--rating-column and --pairs cannot be combined: a row holds a rating, a count or neither."
    )
    assert reading_error(write(path, "user,item\na,x\na,y\n")) == (
        f"{path} has pairs of only one user, 'a'; at least two are needed to learn from. It was "
        "read as CSV with a header; if that is wrong, give --user-column or --separator."
    )


# -- the commands --------------------------------------------------------------------------------------------------


def test_pairs_are_described(folder: Path) -> None:
    told = good("data", "describe", folder / "pairs.csv").stdout
    found = as_json("data", "describe", folder / "pairs.csv")
    n = f"{found['n_ratings']:,}"
    assert told.startswith(
        f"pairs.csv: {n} pairs by {found['n_users']:,} users of {found['n_items']} items; "
    )
    assert "\nThere are no ratings, only pairs of a user and an item.\n" in told
    assert "stars" not in told
    assert found["unit"] == "pair"
    counts = good("data", "describe", folder / "plays.csv").stdout
    assert "Distribution of the counts\n" in counts
    assert [line.split()[0] for line in counts.splitlines() if "%" in line][1:6] == [
        "1",
        "2",
        "5",
        "10",
        "20",
    ]


@pytest.mark.parametrize(("name", "column"), [("pairs", None), ("plays", "count")])
def test_pairs_are_converted_and_come_back(
    name: str, column: str | None, folder: Path, tmp_path: Path
) -> None:
    before = read(folder / f"{name}.csv")
    for suffix in ("csv", "tsv", "parquet", "jsonl"):
        target = tmp_path / f"{name}.{suffix}"
        told = good("data", "convert", folder / f"{name}.csv", target).stdout
        assert told.startswith(f"Wrote {len(before.ratings):,} pairs to {target}.\n")
        assert rows(read(target)) == rows(before)
    header = (tmp_path / f"{name}.csv").read_text("utf-8").partition("\n")[0]
    assert header.split(",") == ["user_id", "item_id", *([column] if column else [])]


def test_training_without_a_named_model_picks_a_suitable_one_and_names_it(
    folder: Path, tmp_path: Path
) -> None:
    told = good(
        "train", folder / "pairs.csv", "--set", "factors=4", "--out", tmp_path / "m.matinee"
    ).stderr
    n = len(read(folder / "pairs.csv").ratings)
    assert without_reading(told).startswith(
        f"{NO_RATINGS}{n:,} pairs.\nThe model is ials, which needs no ratings; --model selects another.\n"
    )
    assert f"\nTrained ials on {n:,} pairs in " in told
    assert load_model(tmp_path / "m.matinee")[0].name == "ials"
    assert (default_model(PAIRS), default_model(Scale(1, 5, 1))) == ("ials", "hybrid")


def test_play_counts_train_with_weights_and_duplicates_are_reported(
    folder: Path, tmp_path: Path
) -> None:
    text = (folder / "plays.csv").read_text("utf-8")
    plays = write(tmp_path / "plays.csv", f"{text}{text.splitlines()[1]}\n")
    words = ("--model", "ials", "--set", "factors=8", "--set", "weights=log")
    told = good("train", plays, *words, "--out", tmp_path / "m.matinee").stderr
    assert f"{NO_RATINGS}{len(read(plays).ratings):,} pairs, with counts up to " in told
    assert "Repeated pairs: 1 row; their counts are added.\n" in told
    weighted = as_json("recommend", tmp_path / "m.matinee", "--user", 1)
    good("train", folder / "pairs.csv", *words, "--out", tmp_path / "p.matinee")
    assert weighted["items"] != as_json("recommend", tmp_path / "p.matinee", "--user", 1)["items"]


@pytest.mark.parametrize(
    "model", [one for one in MODELS if one.capabilities.needs_stars], ids=lambda one: one.name
)
def test_a_model_that_needs_stars_suggests_one_that_does_not(
    model: type[Recommender], folder: Path, tmp_path: Path
) -> None:
    told = refused(
        "train",
        folder / "pairs.csv",
        "--model",
        model.name,
        "--out",
        tmp_path / "m.matinee",
        has_notes=True,
    )
    assert told == f"{model.name} needs ratings, but this table holds implicit feedback; use ials."
    assert not (tmp_path / "m.matinee").exists()


@pytest.mark.parametrize("name", ["popularity", "user-knn", "item-knn", "ials", "ease"])
def test_how_often_changes_nothing_for_models_of_who_has_what(name: str, folder: Path) -> None:
    model = next(one for one in MODELS if one.name == name)
    pairs, plays = (read(folder / f"{one}.csv").ratings for one in ("pairs", "plays"))
    settings = {"factors": 8} if name == "ials" else {}
    one, other = (model.from_settings(settings).fit(table, n_threads=1) for table in (pairs, plays))
    people: tuple[Person, ...] = (1, {107: 1.0, 206: 1.0})
    for person in people:
        best, same = one.recommend(person), other.recommend(person)
        assert [line.item_id for line in best] == [line.item_id for line in same]
        assert [line.score for line in best] == pytest.approx([line.score for line in same])
    assert one.recommend({107: 1.0}) == other.recommend({107: 500.0})
    assert not one.has_stars


def test_evaluation_has_lists_and_no_stars(folder: Path) -> None:
    words = ("evaluate", folder / "pairs.csv", "--set", "factors=8")
    found, told = as_json(*words), good(*words)
    assert (found["model"], found["unit"], found["note"]) == ("ials", "pair", NO_STARS)
    assert [found[name] for name in ("rmse", "mae", "rmse_per_user", "mae_per_user")] == [None] * 4
    assert found["n_without_relevant"] == 0
    assert 0 < found["ndcg_at_10"] < 1
    assert "RMSE" not in told.stdout
    assert f"{found['n_test']:,} pairs" in told.stdout
    assert told.stderr.endswith(f"{NO_STARS}\n")
    popular = as_json("evaluate", folder / "pairs.csv", "--model", "popularity")
    assert (
        popular["ndcg_at_10"]
        < as_json("evaluate", folder / "pairs.csv", "--model", "item-knn")["ndcg_at_10"]
    )


def test_a_test_part_without_ratings_does_not_fit_ratings(folder: Path) -> None:
    told = refused("evaluate", "sample", "--test", folder / "pairs.csv", "--model", "popularity")
    assert (
        told
        == "One of the two tables has ratings and the other has none; --pairs reads both without ratings."
    )


def test_recommending_to_a_user_and_to_files_of_films(model_file: Path, tmp_path: Path) -> None:
    known = good("recommend", model_file, "--user", 1, "-k", 3)
    assert known.stdout.split("\n")[0].split() == ["score", "film", "genres", "people", "id"]
    line = as_json("recommend", model_file, "--user", 1, "-k", 3)["items"][0]
    assert (line["stars"], line["mean"]) == (None, None)
    films = write(
        tmp_path / "mine.csv", "title\nAlien\nGood, the Bad and the Ugly, The\nThe Matrix (1999)\n"
    )
    stars = write(
        tmp_path / "stars.csv",
        'title,rating\nAlien,0.5\n"Good, the Bad and the Ugly, The",5\nThe Matrix,3\n',
    )
    plain = write(tmp_path / "plain.csv", "Alien\nThe Good; the Bad and the Ugly\nThe Matrix\n")
    often = write(
        tmp_path / "often.csv",
        "title,plays\nAlien,7\nThe Good the Bad and the Ugly,1\nThe Matrix,2\n",
    )
    expected = as_json("recommend", model_file, "--ratings", films)["items"]
    told = (
        f"{stars}: This model does not use stars: every film in the file counts as one that the "
        "person has.\n"
    )
    for path, note in ((films, ""), (stars, told), (plain, ""), (often, "")):
        assert as_json("recommend", model_file, "--ratings", path)["items"] == expected
        assert good("recommend", model_file, "--ratings", path).stderr.startswith(note)


def test_missing_parts_of_a_file_of_films_are_reported(model_file: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", "title,plays\nAlien,0\n")
    assert refused("recommend", model_file, "--ratings", path) == (
        f"{path}, row 2: the count '0' must be at least 1. --skip-bad-rows leaves out such rows."
    )
    write(path, "title\n")
    assert refused("recommend", model_file, "--ratings", path) == (
        f"'{path}' holds no ratings. It needs a film in each line, such as:  Toy Story (1995)"
    )


def test_a_model_of_stars_still_wants_stars(tmp_path: Path) -> None:
    good("train", "sample", "--model", "baseline", "--out", tmp_path / "m.matinee")
    path = write(tmp_path / "mine.csv", "title\nAlien\n")
    assert refused("recommend", tmp_path / "m.matinee", "--ratings", path) == (
        f"In {path}: The first row has no number, so it is a header, and it has no column of ratings "
        "(rating); its columns are 'title'. It needs lines such as:  Toy Story (1995),4.5"
    )


def test_explanations_speak_of_films_and_not_of_stars(model_file: Path, tmp_path: Path) -> None:
    mine = write(
        tmp_path / "mine.csv",
        "title,count\nAlien,1200\nThe Matrix (1999),1\nBlade Runner,1\nAliens,1\n",
    )
    told = good(
        "explain", model_file, "--ratings", mine, "--item", "The Terminator", "-k", 2
    ).stdout
    assert "star" not in told
    assert "rating" not in told
    assert "1,200 times Alien (1979)" in told
    assert "Without it: the score if you did not have it." in told
    assert "\n2 others " in told
    found = as_json("explain", model_file, "--user", 1, "--item", "Alien")
    assert found["stars"] is None
    assert sum(found["parts"].values()) == pytest.approx(found["score"], abs=1e-5)
    assert "star" not in found["sentence"]


def test_what_is_similar_by_factors_and_by_who_has_both(model_file: Path, folder: Path) -> None:
    near = as_json("similar", model_file, "Alien", "-k", 3)["items"]
    assert len(near) == 3
    pairs = read(folder / "pairs.csv").ratings
    raters: dict[int, set[int]] = {}
    for user, item in zip(
        pairs.user_index.tolist(), pairs.items.ids[pairs.item_index].tolist(), strict=True
    ):
        raters.setdefault(item, set()).add(user)
    mine = raters[107]
    likeness = Counter(
        {item: len(mine & them) / np.sqrt(len(mine) * len(them)) * len(them) / (len(them) + 5)
         for item, them in raters.items() if item != 107 and len(them) >= 5}
    )  # fmt: skip
    both = as_json("similar", model_file, "id:107", "-k", 3, "--by", "co-rating")["items"]
    assert [line["item_id"] for line in both] == [item for item, _ in likeness.most_common(3)]
    assert both[0]["score"] == pytest.approx(likeness.most_common(1)[0][1], abs=1e-4)


def test_neighbors_have_films_but_no_stars(model_file: Path) -> None:
    told = good("neighbors", model_file, "--user", 1, "-k", 3).stdout
    assert told.splitlines()[1].split() == ["similarity", "both", "have", "films", "user"]
    assert "You and user " in told
    assert "Films that they have and you do not\n" in told
    assert "star" not in told.lower().replace("star wars", "")
    assert all(
        one["difference"] is None for one in as_json("neighbors", model_file, "--user", 1)["people"]
    )


def test_the_other_commands_work_or_explain_why_they_cannot(
    model_file: Path, folder: Path, tmp_path: Path
) -> None:
    no_stars = "ials was trained on a table without ratings, so "
    assert (
        refused("predict", model_file, "--user", 1, "--item", "Alien")
        == f"{no_stars}it ranks items and does not predict stars."
    )
    assert refused("biases", model_file) == (
        f"{no_stars}there are no biases; films differ only in how many people have them."
    )
    assert " films. Those that the " in good("map", model_file, "--out", tmp_path / "m.html").stdout
    good("train", folder / "pairs.csv", "--model", "popularity", "--out", tmp_path / "p.matinee")
    for words in (
        ("explain", "--user", 1, "--item", "Alien"),
        ("neighbors", "--user", 1),
        ("similar", "Alien"),
    ):
        assert "; use ials" in refused(words[0], tmp_path / "p.matinee", *words[1:])


def test_the_report_speaks_of_pairs(model_file: Path, tmp_path: Path) -> None:
    found = as_json("report", model_file, "--out", tmp_path / "r.html")
    assert "It learned from 9,156 pairs of a person and a film" in found["summary"]
    assert found["data"]["sentences"][0].startswith(
        "There are no ratings, only which films people have: "
    )
    assert [one["name"] for one in found["quality"]["ranking"]] == ["popularity", "ials"]
    assert found["quality"]["ranking_sentence"].startswith(
        "Every pair of the test part counts as liked. "
    )
    assert "Rating, stars" not in found["glossary"]
    assert "The films that most people have" in (tmp_path / "r.html").read_text("utf-8")


def test_comparing_reports_the_models_that_need_stars(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare_here(monkeypatch)
    rows_ = (folder / "pairs.csv").read_text("utf-8").splitlines()[:1500]
    path = write(tmp_path / "few.csv", "\n".join(rows_) + "\n")
    words = ("compare", path, "--models", "baseline,popularity,item-knn")
    found = as_json(*words)
    by_name = {one["name"]: one for one in found["models"]}
    assert by_name["baseline"]["problem"] == (
        "baseline needs ratings, but this table holds implicit feedback; use ials."
    )
    assert by_name["item-knn"]["rmse"] is None
    assert list(found["contests"]) == ["ndcg_at_10"]
    assert (found["unit"], found["note"]) == ("pair", NO_STARS)


def test_tuning_takes_the_model_and_the_measure_that_fit(folder: Path) -> None:
    pytest.importorskip("optuna")
    words = ("--trials", 1, "--set", "epochs=1", "--validation", "random:0.2")
    found = as_json("tune", folder / "plays.csv", "--count-column", "plays", *words)
    assert found["metric"] == "ndcg_at_10"
    assert f"matinee train {folder}/plays.csv --model ials " in found["command"]
    assert "--count-column plays" in found["command"]


def test_a_model_of_pairs_keeps_them_in_its_file(model_file: Path) -> None:
    model = load_model(model_file)[0]
    assert model.scale_ == PAIRS
    assert not model.has_stars
    with pytest.raises(MatineeError) as error:
        model.fold_in({107: 0.5})
    assert str(error.value) == "The rating 0.5 for item '107' is a count of less than 1."


def test_ratings_in_memory_that_are_all_one_are_pairs() -> None:
    ones = Ratings.from_ids([1, 1, 2], [1, 2, 2], [1, 1, 1])
    assert (ones.scale, ones.unit) == (PAIRS, "pair")


def test_real_ratings_of_four_stars_and_more_as_pairs(tmp_path: Path) -> None:
    ratings = load(str(real_data("ml-100k"))).ratings
    liked = ratings.subset(ratings.value >= 4)
    users, items = liked.users.ids[liked.user_index], liked.items.ids[liked.item_index]
    pl.DataFrame({"user": users, "item": items}).write_csv(tmp_path / "likes.csv")
    found = as_json("evaluate", tmp_path / "likes.csv", "--set", "factors=64")
    assert (found["n_train"] + found["n_test"], found["unit"]) == (55_375, "pair")
    assert (
        found["ndcg_at_10"]
        > 1.3 * as_json("evaluate", tmp_path / "likes.csv", "--model", "popularity")["ndcg_at_10"]
    )
