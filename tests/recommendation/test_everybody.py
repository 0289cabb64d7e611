"""The lists of all users at once: the same as one by one, for every kind of model, filter and dial."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.ratings import Ratings
from matinee.errors import SettingError
from matinee.models import top_lists
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.recommendation.reranking import AS_RANKED, Dials
from tests.helpers import Model, each_kind_of_model, error_message, guide, misused, refused, run


@each_kind_of_model
@pytest.mark.parametrize("dials", [AS_RANKED, Dials(popularity=-0.5), Dials(taste=1)])
def test_each_list_is_the_one_that_its_user_gets_alone(model: Model, dials: Dials) -> None:
    one = guide(model)
    filters = Filters(min_ratings=20, not_items=(7, 17))
    lists = pl.concat(list(one.recommend_everybody(5, filters, dials=dials)))
    assert lists["user_id"].n_unique() == len(one.model.users_)
    for user in (1, 44, 250):
        alone = one.recommend(user, 5, filters, dials=dials)
        mine = lists.filter(pl.col("user_id") == user)
        assert mine["rank"].to_list() == list(range(1, len(alone.items) + 1))
        score = "stars" if one.model.has_stars else "score"
        got = dict(zip(mine["item_id"].to_list(), mine[score].to_list(), strict=True))
        expected = {
            line.item_id: line.score if line.stars is None else line.stars for line in alone.items
        }
        assert got == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_list_is_as_long_as_the_items_that_are_left(small: Guide) -> None:
    lists = pl.concat(list(small.recommend_everybody(10, Filters(items=(7, 17, 27)))))
    for user in (1, 44, 250):
        rated = small.model.items_.ids[small.model.profile(user).item_index].tolist()
        listed = lists.filter(pl.col("user_id") == user)["item_id"].to_list()
        assert set(listed) == {7, 17, 27} - set(rated)
    with_seen = pl.concat(
        list(small.recommend_everybody(10, Filters(items=(7, 17, 27)), include_seen=True))
    )
    assert with_seen.height == 3 * len(small.model.users_)
    assert (
        error_message(SettingError, small.recommend_everybody, 0) == "k must be at least 1, not 0."
    )


@pytest.fixture(scope="module")
def small() -> Guide:
    return guide(MatrixFactorization)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "jsonl"])
def test_the_command_writes_a_row_for_each_film_of_each_user(
    small: Guide, tmp_path: Path, suffix: str
) -> None:
    file, out = tmp_path / "m.matinee", tmp_path / f"lists.{suffix}"
    small.save(file)
    told = json.loads(run("recommend", file, "--everybody", "-k", 3, "--out", out, "--json").stdout)
    assert told == {"users": 250, "rows": 750, "out": str(out)}
    match suffix:
        case "parquet":
            lists = pl.read_parquet(out)
        case "jsonl":
            lists = pl.read_ndjson(out)
        case _:
            lists = pl.read_csv(out, separator="," if suffix == "csv" else "\t")
    assert lists.columns == ["user_id", "rank", "item_id", "title", "stars"]
    alone = small.recommend(44, 3)
    mine = lists.filter(pl.col("user_id") == 44)
    assert mine["item_id"].to_list() == [line.item_id for line in alone.items]


def test_the_command_says_what_goes_together(small: Guide, tmp_path: Path) -> None:
    file = tmp_path / "m.matinee"
    small.save(file)
    assert "go together" in misused("recommend", file, "--everybody")
    assert "not both" in misused("recommend", file, "--everybody", "--user", 1, "--out", "x.csv")
    assert "must end in one of .csv" in refused(
        "recommend", file, "--everybody", "--out", tmp_path / "x.txt"
    )


def test_only_the_films_of_a_file_are_recommended(small: Guide, tmp_path: Path) -> None:
    file, only, without = tmp_path / "m.matinee", tmp_path / "only.txt", tmp_path / "without.csv"
    small.save(file)
    only.write_text("27\n37\n47\n57\n999999\n")
    without.write_text("item_id,stock\n47,0\n")
    done = run("recommend", file, "--user", 1, "--only", only, "--without", without,
               "--include-seen", "--json")  # fmt: skip
    told = json.loads(done.stdout)
    assert sorted(line["item_id"] for line in told["items"]) == [27, 37, 57]
    assert "999999" in done.stderr
    assert "in the given list" in told["note"]


def test_exactly_k_of_the_given_items_and_unknown_ones_are_counted(small: Guide) -> None:
    found = small.recommend({7: 5.0}, 2, Filters(items=(27, 37, 47, 5, 6)))
    assert len(found.items) == 2
    assert {line.item_id for line in found.items} <= {27, 37, 47}
    assert found.note == "The model does not know 2 of the 5 given items."


def test_blocks_of_users_are_smaller_where_items_are_many(
    ratings: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [top_lists.users_per_block(n) for n in (59_047, 10**6, 10**8)] == [128, 16, 1]
    model = MatrixFactorization(factors=4, epochs=2).fit(ratings)
    users = np.arange(ratings.n_users)
    usual = model.top_items(users, 5)
    monkeypatch.setattr(top_lists, "CELLS_PER_BLOCK", 7 * ratings.n_items)
    assert np.array_equal(model.top_items(users, 5), usual)
