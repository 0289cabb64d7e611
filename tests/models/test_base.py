"""What `fit`, `recommend` and the like take: any table, any number, a person's ratings in a series, ids as a list."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.vocabulary import Id
from matinee.errors import DataError, SettingError, UnknownNameError
from matinee.models.baseline import Baseline
from matinee.models.hybrid import Hybrid
from matinee.models.ials import ImplicitALS
from matinee.models.matrix_factorization import MatrixFactorization
from tests.conftest import simulated
from tests.helpers import arrays, assert_same, error_message, fitted, small_table


def frame() -> pd.DataFrame:
    ratings = small_table()
    return pd.DataFrame(
        {
            "user_id": ratings.users.ids[ratings.user_index],
            "item_id": ratings.items.ids[ratings.item_index],
            "rating": ratings.value,
        }
    )


# -- tables ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dataset", "pandas", "polars", "path"])
def test_a_fit_on_any_table_gives_the_same_numbers(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    frame().to_csv(path, index=False)
    tables: dict[str, Any] = {
        "dataset": Dataset("d", small_table(), Catalog()),
        "pandas": frame(),
        "polars": pl.from_pandas(frame()),
        "path": path,
    }
    table = tables[kind]
    expected = MatrixFactorization(epochs=3).fit(small_table(), valid=small_table())
    model = MatrixFactorization(epochs=3).fit(table, valid=table)
    assert_same(arrays(model), arrays(expected))
    stars = model.predict_ratings(table)
    assert np.array_equal(stars, expected.predict_ratings(small_table()))


def test_what_is_no_table_is_refused_before_anything_changes() -> None:
    model = Baseline().fit(small_table())
    before = arrays(model)
    refusals = [
        error_message(DataError, model.fit, [1, 2]),
        error_message(DataError, lambda: model.fit(small_table(), valid=[1, 2])),  # type: ignore[arg-type]
    ]
    for told in refusals:
        assert told.startswith("fit takes Ratings, a Dataset, a frame or a path, not a value of ")
    assert_same(arrays(model), before)
    assert error_message(DataError, model.predict_ratings, None) == (
        "predict_ratings takes Ratings, a Dataset, a frame or a path, not None."
    )


# -- people and numbers ------------------------------------------------------------------


@pytest.mark.parametrize("person", [4, "4", 4.0, np.int32(4), np.float64(4)])
@pytest.mark.parametrize("k", [3, 3.0, np.int64(3), np.float32(3)])
def test_ids_and_lengths_may_be_numbers_of_any_type(person: Any, k: Any) -> None:
    expected = fitted().recommend(4, 3)
    assert fitted().recommend(person, k) == expected
    assert fitted().predict(person, 17.0) == fitted().predict(4, 17)  # type: ignore[arg-type]
    assert fitted().similar(17.0, k) == fitted().similar(17, 3)  # type: ignore[arg-type]


def test_a_series_of_stars_is_a_new_person() -> None:
    series: Any = pd.Series({7: 5.0, 27: 2.0})
    assert fitted().recommend(series, 5) == fitted().recommend({7: 5.0, 27: 2.0}, 5)
    assert fitted().fold_in(series).vector.tolist() == fitted().profile(series).vector.tolist()


@pytest.mark.parametrize("person", [None, [4], float("nan"), frame(), np.array([4, 5])])
def test_what_is_no_person_is_refused(person: Any) -> None:
    expected = "A person is a user id, or a new person's ratings as {item id: stars}, not "
    for method in (fitted().recommend, fitted().scores, fitted().fold_in):
        assert error_message(DataError, method, person).startswith(expected)
    assert error_message(DataError, fitted().fold_in, 4) == (
        "Give the ratings of a new person as {item id: stars}."
    )


@pytest.mark.parametrize("k", [2.5, None, "3", True, [3]])
def test_what_is_no_length_is_refused(k: Any) -> None:
    for method in (fitted().recommend, fitted().similar):
        told = error_message(SettingError, method, 17, k)
        assert told.startswith("k must be a whole number, not ")


@pytest.mark.parametrize("item", [None, [17], (17,), np.array([17])])
def test_what_is_no_item_is_refused(item: Any) -> None:
    told = error_message(DataError, fitted().predict, 4, item)
    assert told == f"Give one item id, not a value of type {type(item).__name__}."


def test_stars_that_are_lists_are_refused() -> None:
    ratings: Any = {7: [5.0]}
    assert error_message(DataError, fitted().fold_in, ratings) == (
        "The ratings of a new person must be numbers, one for each item."
    )


# -- the items to choose from ------------------------------------------------------------

SOME = [17, 27, 37, 47]


@pytest.mark.parametrize(
    "allowed",
    [
        SOME,
        tuple(SOME),
        set(SOME),
        np.array(SOME),
        np.array(SOME, float),
        pd.Series(SOME),
        pl.Series(SOME),
        [str(item) for item in SOME],
        np.isin(fitted().items_.ids, SOME),
        np.isin(fitted().items_.ids, SOME).tolist(),
        pd.Series(np.isin(fitted().items_.ids, SOME)),
    ],
    ids=lambda allowed: type(allowed).__name__,
)
def test_allowed_is_a_list_of_ids_or_a_mask(allowed: Any) -> None:
    listed = fitted().recommend(4, 10, allowed=allowed, include_seen=True)
    assert {line.item_id for line in listed} == set(SOME)
    assert {line.item_id for line in fitted().similar(7, 10, allowed=allowed)} == set(SOME)


def test_an_empty_list_allows_nothing() -> None:
    assert fitted().recommend(4, 10, allowed=[]) == []


def test_a_mask_is_not_changed() -> None:
    mask = np.ones(120, bool)
    fitted().recommend(4, 10, allowed=mask)
    assert mask.all()


def test_what_is_neither_a_list_of_ids_nor_a_mask_is_refused() -> None:
    def told(allowed: Any) -> str:
        return error_message(DataError, lambda: fitted().recommend(4, 10, allowed=allowed))

    assert told("17") == "allowed must be a list, not '17'."
    assert told(17) == "allowed must be a list, not '17'."
    for mask in (np.ones(3, bool), [True] * 3):
        assert told(mask) == (
            "The mask of allowed items has shape (3,), but must have shape (120,)."
        )
    assert error_message(
        UnknownNameError, lambda: fitted().recommend(4, allowed=[17, 18])
    ).startswith("No item '18' among the 120")


def test_a_new_training_forgets_what_was_computed_from_the_last() -> None:
    first, second = (simulated(60, 40, 900, seed=seed) for seed in (1, 2))
    person: dict[Id, float] = {7: 5.0, 17: 1.0, 27: 4.0}
    for model, fresh in ((Hybrid(), Hybrid()), (ImplicitALS(), ImplicitALS())):
        model.fit(first, n_threads=1).recommend(person, 5)
        model.fit(second, n_threads=1)
        fresh.fit(second, n_threads=1)
        asked = model.fold_in(person), fresh.fold_in(person)
        np.testing.assert_array_equal(model.scores(asked[0]), fresh.scores(asked[1]))
