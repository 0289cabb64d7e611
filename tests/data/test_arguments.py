"""Arguments: tables and numbers in any form are taken, and the rest is refused in one sentence."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from matinee.data.arguments import (
    id_list,
    list_length,
    person_of,
    ratings_of,
    rows_to_predict,
    whole_number,
)
from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings
from matinee.data.split import splits
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError, MatineeError, SettingError
from tests.helpers import error_message, small_table

COLUMNS = ["userId", "movieId", "rating"]


def frame() -> pd.DataFrame:
    """24 ratings by 4 users of 8 items, each pair once."""
    rows = [
        (user, item, 1 + (user * item) % 5)
        for user in range(1, 5)
        for item in range(101, 109)
        if (user + item) % 4
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


# -- ratings -----------------------------------------------------------------------------


def test_ratings_are_returned_as_they_are_and_those_of_a_dataset_too() -> None:
    ratings = small_table()
    assert ratings_of(ratings, "fit") is ratings
    assert ratings_of(Dataset("d", ratings, Catalog()), "fit") is ratings


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "text", "path", "PathLike"])
def test_every_kind_of_table_gives_the_same_ratings(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    frame().to_csv(path, index=False)
    tables: dict[str, Any] = {
        "pandas": frame(),
        "polars": pl.from_pandas(frame()),
        "arrow": pl.from_pandas(frame()).to_arrow(),
        "text": str(path),
        "path": path,
        "PathLike": OtherPath(path),
    }
    ratings = ratings_of(tables[kind], "fit")
    assert ratings.users.ids[ratings.user_index].tolist() == frame()["userId"].tolist()
    assert ratings.items.ids[ratings.item_index].tolist() == frame()["movieId"].tolist()
    assert ratings.value.tolist() == frame()["rating"].tolist()


class OtherPath:
    """A path of another library."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


THREE_COLUMNS = " Ratings.from_ids(user_ids, item_ids, values) makes Ratings from three columns."


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "None."),
        (3, "'3'."),
        ([(1, 2, 3.0)], f"a value of type list.{THREE_COLUMNS}"),
        ({1: {2: 3.0}}, f"a value of type dict.{THREE_COLUMNS}"),
        (np.ones((3, 3)), f"a value of type ndarray.{THREE_COLUMNS}"),
        (pd.Series([1.0]), f"a value of type Series.{THREE_COLUMNS}"),
        (pl.Series([1.0]), f"a value of type Series.{THREE_COLUMNS}"),
        (pl.LazyFrame({"a": [1]}), "a value of type LazyFrame. Call collect() first."),
        (Ratings, f"the class Ratings.{THREE_COLUMNS}"),
        (
            next(splits(small_table(), "random:0.2")),
            "a value of type Split. Give split.train or split.test.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_holds_no_ratings_is_refused_with_what_to_give(value: Any, told: str) -> None:
    expected = f"fit takes Ratings, a Dataset, a frame or a path, not {told}"
    assert error_message(DataError, ratings_of, value, "fit") == expected


def test_rows_to_predict_are_those_of_the_table_and_no_pair_may_be_repeated() -> None:
    assert len(rows_to_predict(frame())) == len(frame())
    advice = "Guide.predict_pairs(user_ids, item_ids) predicts any pairs."
    twice = pd.concat([frame(), frame()[:2]])
    assert error_message(DataError, rows_to_predict, twice) == (
        f"predict_ratings needs each pair of user and item once, but 2 rows repeat one. {advice}"
    )
    one = frame()[:1]
    assert error_message(MatineeError, rows_to_predict, one).endswith(advice)


def test_rows_that_reading_leaves_out_are_not_predicted_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ratings = small_table()
    shorter = Dataset("d", ratings, Catalog(), source_rows=np.arange(len(ratings)) + 1)
    monkeypatch.setattr("matinee.data.reading.read.read", lambda _: shorter)
    assert error_message(DataError, rows_to_predict, frame()) == (
        "predict_ratings needs a user, an item and a rating in each row, but only 900 rows have "
        "them. Guide.predict_pairs(user_ids, item_ids) predicts any pairs."
    )


# -- people ------------------------------------------------------------------------------


def test_a_person_is_an_id_a_mapping_or_a_series_of_stars() -> None:
    for person in (7, "ann", np.int64(7), {101: 5.0}):
        assert person_of(person) is person
    assert person_of(pd.Series({101: 5.0, 102: 3.0})) == {101: 5.0, 102: 3.0}
    assert person_of(pd.Series({"a": 5.0, "b": 3.0})) == {"a": 5.0, "b": 3.0}


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), np.nan, [1, 2], (1,), {1, 2}, np.array([1, 2]), frame(), small_table()],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_person_is_refused(value: Any) -> None:
    told = error_message(DataError, person_of, value)
    assert told.startswith(
        "A person is a user id, or a new person's ratings as {item id: stars}, not "
    )


@pytest.mark.parametrize("series", [pd.Series([5.0, 3.0]), pl.Series([5.0, 3.0])])
def test_a_series_without_item_ids_is_refused(series: Any) -> None:
    assert error_message(DataError, person_of, series) == (
        "A series of stars needs the item ids as its index, such as "
        "frame.set_index('item_id')['rating']; or give a person's ratings as {item id: stars}."
    )


def test_a_series_with_an_item_twice_is_refused() -> None:
    told = error_message(DataError, person_of, pd.Series([5.0, 3.0], index=[101, 101]))
    assert told == "The series of stars has item '101' twice."


# -- numbers and lists -------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [3, 3.0, np.int8(3), np.uint64(3), np.float32(3), np.float64(3), np.array(3)]
)
def test_a_whole_number_may_be_of_any_type(value: Any) -> None:
    number = whole_number(value, "k")
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2.5, "'2.5'"),
        (None, "None"),
        ("3", "'3'"),
        (True, "'True'"),
        (np.True_, "'True'"),
        (float("nan"), "'nan'"),
        (float("inf"), "'inf'"),
        ([3], "a value of type list"),
        (np.array([3]), "a value of type ndarray"),
        (pd.Series([3]), "a value of type Series"),
    ],
)
def test_what_is_no_whole_number_is_refused(value: Any, shown: str) -> None:
    told = error_message(SettingError, whole_number, value, "k")
    assert told == f"k must be a whole number, not {shown}."


def test_a_list_has_at_least_one_item() -> None:
    assert list_length(1.0) == 1
    assert error_message(SettingError, list_length, 0) == "k must be at least 1, not 0."
    assert error_message(SettingError, list_length, -2.0, "n") == "n must be at least 1, not -2."


@pytest.mark.parametrize(
    "value",
    [[1, 2], (1, 2), np.array([1, 2]), pd.Series([1, 2]), pl.Series([1, 2]), {1: 0, 2: 0}.keys()],
    ids=lambda value: type(value).__name__,
)
def test_ids_may_come_in_any_list(value: Any) -> None:
    ids = id_list(value, "exclude")
    assert ids == [1, 2]
    assert {type(one) for one in ids} == {int}


@pytest.mark.parametrize(
    "value",
    [5, "abc", None, np.ones((2, 2)), frame(), pl.from_pandas(frame())],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_list_of_ids_is_refused(value: Any) -> None:
    assert error_message(DataError, id_list, value, "exclude").startswith(
        "exclude must be a list, not "
    )


# -- ids ---------------------------------------------------------------------------------


def test_whole_floats_are_ids_and_other_values_are_unknown() -> None:
    numbers, texts = Vocabulary([3, 7], "user"), Vocabulary(["3", "x"], "user")
    assert [numbers.find(given) for given in (7.0, np.float64(7), np.int16(7))] == [1, 1, 1]  # type: ignore[arg-type]
    assert texts.find(3.0) == 0  # type: ignore[arg-type]
    strangers: list[Any] = [7.5, np.nan, np.inf, None, True, [7], SimpleNamespace()]
    assert [numbers.find(given) for given in strangers] == [None] * len(strangers)
    assert numbers.lookup(np.array([3.0, np.nan, 7.0])).tolist() == [0, -1, 1]


@pytest.mark.parametrize("value", [None, [3], np.array([3, 7]), (3,), {3}])
def test_one_id_is_not_none_or_several(value: Any) -> None:
    told = error_message(DataError, Vocabulary([3, 7], "user").index, value)
    assert told == f"Give one user id, not a value of type {type(value).__name__}."


@pytest.mark.parametrize("value", [3, "3", None, [[1], [2, 3]], np.ones((2, 2)), frame()])
def test_a_lookup_needs_one_column_of_ids(value: Any) -> None:
    told = error_message(DataError, Vocabulary([3, 7], "user").lookup, value)
    assert told == f"Give a list of user ids, not a value of type {type(value).__name__}."
