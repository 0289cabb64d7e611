"""What `evaluate` and `compare` measure on: splits, or ratings in any form."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.split import Split, random_split, splits
from matinee.errors import DataError
from matinee.evaluation.parts import parts_of
from tests.helpers import error_message, small_table, write_table


def same(one: Split, other: Split) -> bool:
    return one.protocol == other.protocol and np.array_equal(one.test.value, other.test.value)


def test_splits_are_taken_as_they_are_one_or_several() -> None:
    part = random_split(small_table(), 0.3)
    single = parts_of(part, None, "evaluate")
    assert [*single.splits] == [part]
    assert single.dataset == "unnamed"
    folds = list(splits(small_table(), "kfold:3"))
    for given in (folds, tuple(folds), iter(folds)):
        assert [*parts_of(given, "mine", "evaluate").splits] == folds


def test_a_lazy_split_is_made_when_its_turn_comes() -> None:
    made: list[int] = []

    def parts() -> Iterator[Split]:
        for number in range(3):
            made.append(number)
            yield random_split(small_table(), 0.3, number)

    taken = iter(parts_of(parts(), None, "evaluate").splits)
    assert made == []
    next(taken)
    assert made == [0]


def test_ratings_in_any_form_are_split_and_named(tmp_path: Path) -> None:
    path = write_table(tmp_path / "films.csv", small_table())
    expected = random_split(small_table(), 0.2)
    tables: list[tuple[Any, str]] = [
        (small_table(), "unnamed"),
        (Dataset("my films", small_table(), Catalog()), "my films"),
        (path, "films.csv"),
        (str(path), "films.csv"),
    ]
    for table, name in tables:
        parts = parts_of(table, None, "evaluate")
        (part,) = parts.splits
        assert (parts.dataset, same(part, expected)) == (name, True)
    assert parts_of(path, "other", "evaluate").dataset == "other"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (5, "'5'"),
        (None, "None"),
        (np.ones((2, 3)), "a value of type ndarray"),
        ([], "an empty list"),
        ([small_table()], "a list with a value of type Ratings"),
        (["random:0.2"], "a list with 'random:0.2'"),
    ],
)
def test_anything_else_is_refused(given: Any, told: str) -> None:
    assert error_message(DataError, lambda: [*parts_of(given, None, "compare").splits]) == (
        "compare takes splits, such as matinee.splits(ratings, 'random:0.2'), or Ratings, a "
        f"Dataset, a frame or a path, not {told}."
    )


def test_a_pair_that_a_table_holds_twice_is_never_on_both_sides() -> None:
    """`from_ids` leaves earlier ratings of a pair out; a table may have been made without it."""
    table = small_table()
    twice = table.subset(np.repeat(np.arange(len(table)), 2))
    (part,) = parts_of(twice, None, "evaluate").splits
    trained, tested = (
        set(zip(side.user_index.tolist(), side.item_index.tolist(), strict=True))
        for side in (part.train, part.test)
    )
    assert not trained & tested
    assert "are in the training part as well; they are left out." in part.note
