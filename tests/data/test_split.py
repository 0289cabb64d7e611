"""Splits: disjoint, complete, repeatable, and nobody dropped."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matinee.data import split
from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import NO_TIME, Ratings, Scale
from matinee.data.split import (
    Split,
    by_mask,
    given_parts,
    given_rows,
    k_fold,
    leave_last_out,
    random_split,
    splits,
    time_split,
)
from matinee.errors import DataError, MatineeError, SettingError
from tests.conftest import simulated
from tests.helpers import error_message

TABLE = simulated(40, 30, 300)
SMALL = Ratings.from_ids(
    [1, 1, 1, 2, 3, 3], list("abcaab"), [1, 2, 3, 4, 5, 1], [30, 10, 20, 40, 50, 50]
)
Row = tuple[Any, Any, float, int | None]


def rows_of(ratings: Ratings) -> list[Row]:
    times = [None] * len(ratings) if ratings.timestamp is None else ratings.timestamp.tolist()
    users, items = ratings.users.ids[ratings.user_index], ratings.items.ids[ratings.item_index]
    return list(zip(users.tolist(), items.tolist(), ratings.value.tolist(), times, strict=True))


def assert_cuts(part: Split, whole: Ratings) -> None:
    """Each row is in one part, and both parts keep vocabularies and scale."""
    assert sorted(rows_of(part.train) + rows_of(part.test)) == sorted(rows_of(whole))
    for one in (part.train, part.test):
        assert (one.users, one.items, one.scale) == (whole.users, whole.items, whole.scale)


@pytest.mark.parametrize(
    "spec", ["random:0.2", "random:0.5", "kfold:5", "kfold:2", "leave-last-out", "time:0.1"]
)
def test_every_split_is_disjoint_complete_and_named_as_asked(spec: str) -> None:
    for part in splits(TABLE, spec):
        assert_cuts(part, TABLE)
        assert part.protocol == spec


@pytest.mark.parametrize("spec", ["users:0.1", "users:0.5"])
def test_held_out_users_are_in_no_training_part_and_a_fifth_of_theirs_is_to_be_found(
    spec: str,
) -> None:
    (part,) = splits(TABLE, spec)
    assert part.folded_in is not None
    assert part.protocol == spec
    pieces = (part.train, part.folded_in, part.test)
    assert sorted(row for piece in pieces for row in rows_of(piece)) == sorted(rows_of(TABLE))
    held_out = part.test.user_counts > 0
    assert held_out.sum() == round(float(spec[6:]) * 40)
    assert not part.train.user_counts[held_out].any()
    assert not part.folded_in.user_counts[~held_out].any()
    counts = TABLE.user_counts[held_out]
    found = part.test.user_counts[held_out]
    assert found.tolist() == np.maximum(1, np.round(counts / 5)).tolist()
    again, other = next(splits(TABLE, spec)), next(splits(TABLE, spec, seed=1))
    assert rows_of(again.test) == rows_of(part.test) != rows_of(other.test)


def test_users_with_a_single_rating_are_never_held_out() -> None:
    (part,) = splits(SMALL, "users:0.9")
    assert part.train.users.ids[np.unique(part.train.user_index)].tolist() == [2]
    with pytest.raises(DataError, match="leaves no ratings in the train part"):
        list(splits(SMALL.subset(SMALL.user_index != 1), "users:0.9"))


def test_test_ratings_that_are_in_the_training_part_too_are_left_out_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = simulated()
    train, test = table.subset(np.arange(100)), table.subset(np.arange(60, 140))
    part = given_parts(train, test)
    assert part.note == (
        "40 of the 80 test ratings are in the training part as well; they are left out."
    )
    assert rows_of(part.test) == rows_of(table.subset(np.arange(100, 140)))
    monkeypatch.setattr(split, "_BITMAP_CELLS", 0)
    assert rows_of(given_parts(train, test).test) == rows_of(part.test)
    assert error_message(DataError, given_parts, train, train) == (
        "All 100 test ratings are in the training part as well, so nothing is left to test on; "
        "give others, or use a split such as random:0.2."
    )


@given(st.floats(0.05, 0.95), st.integers(0, 2**31 - 1))
def test_a_random_split_has_the_size_asked_for(fraction: float, seed: int) -> None:
    part = random_split(TABLE, fraction, seed)
    assert len(part.test) == round(300 * fraction)
    assert_cuts(part, TABLE)


@pytest.mark.parametrize("spec", ["random:0.2", "kfold:3"])
def test_the_same_seed_makes_the_same_cut_and_another_seed_another(spec: str) -> None:
    first, again, other = (
        [rows_of(part.test) for part in splits(TABLE, spec, seed)] for seed in (5, 5, 6)
    )  # fmt: skip
    assert first == again
    assert first != other


@given(st.integers(2, 20))
def test_each_row_is_in_the_test_part_of_exactly_one_fold(k: int) -> None:
    parts = list(k_fold(TABLE, k))
    assert len(parts) == k
    assert sorted(row for part in parts for row in rows_of(part.test)) == sorted(rows_of(TABLE))
    sizes = [len(part.test) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_the_last_rating_of_each_user_with_two_is_left_out() -> None:
    part = leave_last_out(SMALL)
    assert rows_of(part.test) == [
        (1, "a", 1, 30),
        (3, "b", 1, 50),
    ]  # ben's only rating stays; of a tie the later row
    assert_cuts(part, SMALL)


def test_without_times_the_last_row_of_each_user_is_left_out() -> None:
    untimed = Ratings.from_ids([1, 2, 1, 2], list("abcd"), [1, 2, 3, 4])
    assert [row[1] for row in rows_of(leave_last_out(untimed).test)] == ["c", "d"]


def test_a_rating_without_time_counts_as_the_oldest() -> None:
    mixed = Ratings.from_ids([1, 1, 1], list("abc"), [1, 2, 3], [5, 6, NO_TIME])
    assert [row[1] for row in rows_of(leave_last_out(mixed).test)] == ["b"]
    assert [row[1] for row in rows_of(time_split(mixed, 0.6).test)] == ["a", "b"]


def test_the_past_predicts_the_future() -> None:
    part = time_split(TABLE, 0.1)
    assert part.train.timestamp is not None
    assert part.test.timestamp is not None
    assert part.train.timestamp.max() <= part.test.timestamp.min()
    assert len(part.test) == 30


def test_new_users_and_items_are_counted_and_not_dropped() -> None:
    is_test = np.isin(TABLE.user_index, [0, 1, 2]) | np.isin(TABLE.item_index, [4, 5])
    part = by_mask(TABLE, is_test, "mine")
    assert (part.n_new_users, part.n_new_items) == (3, 2)
    assert_cuts(part, TABLE)
    whole = by_mask(SMALL, np.array([False, True, False, False, True, False]), "mine")
    assert (whole.n_new_users, whole.n_new_items) == (0, 0)


def test_given_rows_are_the_test_part() -> None:
    part = given_rows(SMALL, np.array([4, 0]))
    assert rows_of(part.test) == [rows_of(SMALL)[0], rows_of(SMALL)[4]]
    assert part.protocol == "rows"
    assert_cuts(part, SMALL)


def test_rows_are_those_of_the_file_where_it_held_bad_ones() -> None:
    source_rows = np.array([0, 2, 3, 5, 6, 7])
    part = given_rows(SMALL, np.array([1, 2, 7]), source_rows)  # row 1 of the file was no rating
    assert rows_of(part.test) == [rows_of(SMALL)[1], rows_of(SMALL)[5]]


def test_rows_are_read_from_a_numpy_file(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.array([1, 2]))
    (part,) = splits(SMALL, f"rows:{tmp_path / 'rows.npy'}")
    assert rows_of(part.test) == rows_of(SMALL)[1:3]


def test_two_tables_become_a_split_in_common_vocabularies() -> None:
    train = Ratings.from_ids([1, 2], [10, 20], [1, 4])
    test = Ratings.from_ids([2, 3], [10, 30], [5, 2])
    part = given_parts(train, test)
    assert part.train.users.ids.tolist() == part.test.users.ids.tolist() == [1, 2, 3]
    assert part.train.items is part.test.items
    assert rows_of(part.train) == rows_of(train)
    assert rows_of(part.test) == rows_of(test)
    assert (part.n_new_users, part.n_new_items) == (1, 1)


def test_the_scale_of_two_tables_is_that_of_both_together() -> None:
    train = Ratings.from_ids([1, 2], [10, 20], [1, 4], scale=Scale(0, 4, 1))
    test = Ratings.from_ids([2, 3], [20, 30], [5, 1.5])
    part = given_parts(train, test)
    assert part.train.scale == part.test.scale == Scale(0, 5, 0.5)


def test_numbers_and_text_as_ids_meet_as_text() -> None:
    part = given_parts(
        Ratings.from_ids([1, 2], [1, 2], [1, 2]), Ratings.from_ids(["2", "x"], [1, 2], [1, 2])
    )
    assert part.train.users.ids[part.train.user_index].tolist() == ["1", "2"]
    assert part.test.users.ids[part.test.user_index].tolist() == ["2", "x"]


PROTOCOLS = "random:0.2, kfold:5, leave-last-out, time:0.1, users:0.1 or rows:FILE.npy"


@pytest.mark.parametrize(
    ("spec", "error", "expected"),
    [
        ("", SettingError, f"No split ''. Give one of {PROTOCOLS}."),
        ("randon:0.2", SettingError, f"No split 'randon:0.2'. Give one of {PROTOCOLS}."),
        ("random", SettingError, f"No split 'random'. Give one of {PROTOCOLS}."),
        ("random:half", SettingError, f"No split 'random:half'. Give one of {PROTOCOLS}."),
        ("kfold:-1", SettingError, f"No split 'kfold:-1'. Give one of {PROTOCOLS}."),
        ("kfold:²", SettingError, f"No split 'kfold:²'. Give one of {PROTOCOLS}."),
        (
            "leave-last-out:1",
            SettingError,
            f"No split 'leave-last-out:1'. Give one of {PROTOCOLS}.",
        ),
        ("rows:", SettingError, f"No split 'rows:'. Give one of {PROTOCOLS}."),
        (
            "random:0",
            SettingError,
            "The split random:0 is impossible: the fraction must be between 0 and 1, as in random:0.2.",
        ),
        (
            "random:nan",
            SettingError,
            "The split random:nan is impossible: the fraction must be between 0 and 1, as in random:0.2.",
        ),
        (
            "time:1.5",
            SettingError,
            "The split time:1.5 is impossible: the fraction must be between 0 and 1, as in time:0.2.",
        ),
        (
            "kfold:1",
            SettingError,
            "The split kfold:1 is impossible: k must be from 2 to the number of ratings, 6.",
        ),
        (
            "kfold:7",
            SettingError,
            "The split kfold:7 is impossible: k must be from 2 to the number of ratings, 6.",
        ),
        ("random:0.01", DataError, "The split random:0.01 leaves no ratings in the test part."),
        ("random:0.99", DataError, "The split random:0.99 leaves no ratings in the train part."),
        ("rows:no.npy", DataError, "There is no file 'no.npy' with the test rows."),
    ],
)
def test_an_impossible_split_is_refused_with_the_possible_ones(
    spec: str, error: type[MatineeError], expected: str
) -> None:
    assert error_message(error, lambda: list(splits(SMALL, spec))) == expected


def test_a_split_by_time_needs_times() -> None:
    untimed = Ratings.from_ids([1, 2], [1, 2], [1, 2])
    expected = "The split by time needs timestamps, and this table has none; random:0.1 needs none."
    assert error_message(DataError, lambda: time_split(untimed, 0.5)) == expected


def test_one_rating_for_each_user_cannot_be_left_out() -> None:
    single = Ratings.from_ids([1, 2], [1, 2], [1, 2])
    expected = "The split leave-last-out leaves no ratings in the test part."
    assert error_message(DataError, lambda: leave_last_out(single)) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (np.array([2, 6]), "Test row 6 does not exist: the rows of this table are 0 to 5."),
        (np.array([-1]), "Test row -1 does not exist: the rows of this table are 0 to 5."),
        (
            np.array([0.5]),
            "The test rows must be a list of whole numbers, not float64 of shape (1,).",
        ),
        (
            np.array([[1]]),
            "The test rows must be a list of whole numbers, not int64 of shape (1, 1).",
        ),
        (
            np.ones(6, bool),
            "The test rows must be a list of whole numbers, not bool of shape (6,).",
        ),
        (np.array([], int), "The split rows leaves no ratings in the test part."),
    ],
)
def test_impossible_rows_are_refused(rows: NDArray[Any], expected: str) -> None:
    assert error_message(DataError, lambda: given_rows(SMALL, rows)) == expected


def test_a_file_that_holds_no_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("1\n2\n")
    (tmp_path / "empty.npy").write_bytes(b"")
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "many.npy.npz", rows=np.array([1]))
    for name in ("text.npy", "empty.npy", "objects.npy", "many.npy.npz"):
        path = tmp_path / name
        with pytest.raises(DataError) as caught:
            list(splits(SMALL, f"rows:{path}"))
        assert (
            str(caught.value)
            == f"'{path}' is not a NumPy file of row numbers; make one with numpy.save."
        )


def test_a_split_has_notes_for_its_interpretation() -> None:
    table = simulated()
    bare = replace(table, timestamp=None)
    assert leave_last_out(table).note == time_split(table, 0.1).note == ""
    assert leave_last_out(bare).note == (
        "9,000 of 9,000 ratings have no timestamp; the last row of a user stands for the last rating in time."
    )
    half = table.subset(np.arange(100))
    strangers = Ratings.from_ids(["a", "b"], ["x", "y"], [1.0, 5.0])
    assert given_parts(half, strangers).note == (
        "The two parts have no user in common, so nothing is known about the tastes of the test users."
    )


# -- any table ---------------------------------------------------------------------------


def test_a_data_set_is_split_by_the_rows_of_its_file(tmp_path: Path) -> None:
    rows = tmp_path / "rows.npy"
    np.save(rows, np.array([1, 3]))
    source_rows = np.arange(len(TABLE)) + 1
    dataset = Dataset("d", TABLE, Catalog(), source_rows=source_rows)
    (part,) = splits(dataset, f"rows:{rows}")
    (expected,) = splits(TABLE, f"rows:{rows}", source_rows=source_rows)
    assert part.test.value.tolist() == expected.test.value.tolist() == TABLE.value[[0, 2]].tolist()
    (random,) = splits(dataset, "random:0.2")
    (of_ratings,) = splits(TABLE, "random:0.2")
    assert random.test.value.tolist() == of_ratings.test.value.tolist()


def test_what_is_no_table_or_no_split_is_refused() -> None:
    table: Any = [1, 2]
    assert error_message(DataError, lambda: next(splits(table, "random:0.2"))).startswith(
        "splits takes Ratings, a Dataset, a frame or a path, not a value of type list."
    )
    fraction: Any = 0.2
    assert error_message(SettingError, lambda: next(splits(TABLE, fraction))) == (
        "No split '0.2'. Give one of random:0.2, kfold:5, leave-last-out, time:0.1, users:0.1 or rows:FILE.npy."
    )
