"""Ids and indices, the scale, and the table of ratings."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matinee.data.ratings import PAIRS, Ratings, Scale, order_of_pairs
from matinee.data.reading.read import read
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError, UnknownNameError

RATINGS = Ratings.from_ids([7, 3, 7, 5], [20, 10, 10, 30], [4, 2, 5, 1], [40, 30, 20, 10])


@given(
    st.one_of(
        st.lists(st.integers(-(2**63), 2**63 - 1)),
        st.lists(st.integers(0, 50)),
        st.lists(st.text()),
    )
)
def test_encoding_sorts_the_ids_and_can_be_undone(ids: list[int] | list[str]) -> None:
    vocabulary, index = Vocabulary.encode(ids, "user")
    assert vocabulary.ids.tolist() == sorted(set(ids))  # type: ignore[type-var]
    assert vocabulary.ids[index].tolist() == ids
    assert index.dtype == np.int32


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16])
@pytest.mark.parametrize("offset", [0, 1, 30_000])
def test_small_integers_are_encoded_as_sorting_would(dtype: type, offset: int) -> None:
    raw: NDArray[Any] = (np.random.default_rng(0).integers(0, 300, 1000) * 3 + offset).astype(dtype)
    vocabulary, index = Vocabulary.encode(raw, "item")
    distinct, inverse = np.unique(raw, return_inverse=True)
    assert np.array_equal(vocabulary.ids, distinct)
    assert np.array_equal(index, inverse)


PARTS: dict[str, list[list[int]]] = {
    "no part has a row": [[], []],
    "one row": [[7]],
    "an empty part between others": [[5, 3], [], [3, 9]],
    "negative ids": [[4, -1], [4, -(2**63)]],
    "near 2**31": [[2**31 - 1, 2**31], [2**31 + 1, 0]],
    "near 2**53": [[2**53, 2**53 + 1], [2**53 - 1]],
    "near 2**63": [[2**63 - 1], [0, 2**63 - 1]],
    "the largest ids that a table holds": [[2**20 - 1, 0], [2**20 - 2]],
    "one id beyond": [[2**20, 0], [2**20 - 1]],
}


@pytest.mark.parametrize("kind", PARTS)
def test_ids_in_parts_are_encoded_as_in_one(kind: str) -> None:
    parts = [np.array(part, np.int64) for part in PARTS[kind]]
    distinct, inverse = np.unique(np.concatenate(parts), return_inverse=True)
    vocabulary, index = Vocabulary.encode_parts(parts, "user")
    assert np.array_equal(vocabulary.ids, distinct)
    assert np.array_equal(index, inverse)
    assert index.dtype == np.int32


def test_sparse_integers_take_no_table_of_their_size() -> None:
    vocabulary, index = Vocabulary.encode([10**15, 5, 10**15], "user")
    assert (vocabulary.ids.tolist(), index.tolist()) == ([5, 10**15], [1, 0, 1])


def test_a_vocabulary_must_be_sorted_and_distinct() -> None:
    for ids in ([2, 1], [1, 1], ["b", "a"]):
        with pytest.raises(
            DataError,
            match=r"^The user ids of a vocabulary must be distinct and in ascending order\.$",
        ):
            Vocabulary(ids, "user")


def test_the_text_of_an_integer_finds_it_and_other_spellings_do_not() -> None:
    users = Vocabulary([3, 7], "user")
    assert (users.find("7"), users.find(7), users.find(" 7 ")) == (1, 1, 1)
    odd: list[Any] = [7.0, "7.0", "7e0", "7.000000000000000000e+00", np.float64(7), np.int32(7)]
    assert [users.find(given_id) for given_id in odd] == [1] * 6
    for given_id in ("07", "+7", "7.5", True, "seven", "", 8, 2**70):
        assert users.find(given_id) is None
    texts = Vocabulary(["007", "7", "None"], "user")
    assert [texts.find(given_id) for given_id in (7, "7.0", "007", "x")] == [1, 1, 0, None]


def test_an_unknown_id_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        Vocabulary(["alice", "bob"], "user").index("alise")
    assert (
        str(caught.value)
        == "No user 'alise' among the 2 this model was trained on. Did you mean 'alice'?"
    )


def test_lookup_gives_minus_one_for_unknown_ids() -> None:
    assert Vocabulary([3, 7], "user").lookup([7, 8, 3, -1]).tolist() == [1, -1, 0, -1]
    assert Vocabulary(["3", "x"], "user").lookup([3, 4]).tolist() == [0, -1]
    assert Vocabulary(["3", "x"], "user").lookup(["3", "x", "y"]).tolist() == [0, 1, -1]
    assert Vocabulary([], "user").lookup([1, 2]).tolist() == [-1, -1]


def test_the_indices_of_several_ids_or_the_first_that_is_unknown() -> None:
    numbers = Vocabulary([3, 7, 11], "item")
    assert numbers.indices([11, "3", 11]).tolist() == [2, 0, 2]
    assert numbers.indices([]).tolist() == []
    assert Vocabulary(["a", "b"], "item").indices({"b": 1.0, "a": 2.0}).tolist() == [1, 0]
    several: list[Any] = [11, 7.5]
    with pytest.raises(UnknownNameError, match=re.escape("No item '7.5' among the 3")):
        numbers.indices(several)
    with pytest.raises(UnknownNameError, match=f"No item '{2**63}'"):
        numbers.indices([3, 2**63])
    assert Vocabulary(["a\0", "b"], "item").indices(["a\0"]).tolist() == [0]
    unknown: tuple[list[int] | list[str], ...] = ([3, 8, 9], ["3", "8", "9"])
    for ids in unknown:
        with pytest.raises(
            UnknownNameError, match="No item '8' among the 3 this model was trained on"
        ):
            numbers.indices(ids)


def test_merging_keeps_all_ids_and_turns_to_text_if_one_side_is() -> None:
    merged = Vocabulary([3, 7], "item").merge(Vocabulary([5, 7], "item"))
    assert merged.ids.tolist() == [3, 5, 7]
    assert Vocabulary([3, 10], "item").merge(Vocabulary(["a"], "item")).ids.tolist() == [
        "10",
        "3",
        "a",
    ]


def test_vocabularies_are_equal_by_their_ids() -> None:
    assert Vocabulary([1, 2], "user") == Vocabulary(np.array([1, 2], np.int32), "user")
    assert Vocabulary([1, 2], "user") != Vocabulary(["1", "2"], "user")
    assert hash(Vocabulary([1, 2], "user")) == hash(Vocabulary([1, 2], "user"))


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1, 5, 3], Scale(1, 5, 1)),
        ([0.5, 5, 3], Scale(0.5, 5, 0.5)),
        ([1, 2.25], Scale(1, 2.25, 0.25)),
        ([0, 0.2, 0.8], Scale(0, np.float64(np.float32(0.8)), 0.2)),
        ([3.6, 3.7, 9.9], Scale(float(np.float32(3.6)), float(np.float32(9.9)), 0.1)),
        ([1, 2.123, 3], Scale(1, 3, 0)),
        ([-10, 10, 0], Scale(-10, 10, 1)),
        ([-10, -5, 0, 5, 10], Scale(-10, 10, 5)),
        ([0, 25, 50, 100], Scale(0, 100, 25)),
        ([1, 3, 5], Scale(1, 5, 1)),
        ([1, 5], Scale(1, 5, 1)),
        ([1, 3, 5, 9], Scale(1, 9, 2)),
        ([0, 12_345, 50_000, 99_999], Scale(0, 99_999, 1)),
        ([0, 0.001, 0.002, 0.003, 0.005], Scale(0, float(np.float32(0.005)), 0)),
        ([5, 5.00001], Scale(5, float(np.float32(5.00001)), 0)),
    ],
)
def test_the_scale_is_the_range_and_the_largest_step(values: list[float], scale: Scale) -> None:
    assert Scale.of(np.array(values, np.float32)) == scale


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200))
def test_the_scale_covers_all_values_whatever_they_are(values: list[float]) -> None:
    scale = Scale.of(np.array(values, np.float32))
    assert (scale.lowest, scale.highest) == (min(values), max(values))


def test_the_scale_of_many_values_does_not_miss_the_rare_ones() -> None:
    value = np.full(300_000, 3, np.float32)
    value[1], value[-2] = 0.5, 10
    assert Scale.of(value) == Scale(0.5, 10, 0.5)
    assert Scale.of(np.linspace(0, 1, 100_000, dtype=np.float32)) == Scale(0, 1, 0)


def test_a_scale_is_printed_in_words() -> None:
    assert str(Scale(0.5, 5, 0.5)) == "0.5 to 5 in steps of 0.5"
    assert str(Scale(1, 5, 0)) == "1 to 5 without a fixed step"


def test_ratings_from_ids_are_indexed_in_the_order_of_the_ids() -> None:
    assert RATINGS.user_index.tolist() == [2, 0, 2, 1]
    assert RATINGS.item_index.tolist() == [1, 0, 0, 2]
    assert (len(RATINGS), RATINGS.n_users, RATINGS.n_items) == (4, 3, 3)
    assert repr(RATINGS) == "Ratings(4 ratings by 3 users of 3 items, 1 to 5 in steps of 1)"


def test_one_of_a_thing_is_written_without_an_s() -> None:
    assert (
        repr(Ratings.from_ids([1], [1], [1]))
        == "Ratings(1 pair by 1 user of 1 item, without ratings)"
    )
    assert repr(Vocabulary([1], "user")) == "Vocabulary(1 user id)"


def test_ratings_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        RATINGS.value[0] = 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            ([1], [1], [1, 2]),
            "The columns of users, items, values and timestamps differ in length.",
        ),
        (
            ([1], [1], [1], [1, 2]),
            "The columns of users, items, values and timestamps differ in length.",
        ),
        (([], [], []), "There are no ratings."),
        (([1, 2], [1, 2], [1, float("nan")]), "Rating 1 is nan, which is not a finite number."),
    ],
)
def test_columns_that_are_no_ratings_are_refused(columns: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError) as caught:
        Ratings.from_ids(*columns)
    assert str(caught.value) == message


def test_a_subset_keeps_vocabularies_scale_and_times() -> None:
    part = RATINGS.subset(np.array([3, 0]))
    assert (part.users, part.items, part.scale) == (RATINGS.users, RATINGS.items, RATINGS.scale)
    assert part.value.tolist() == [1, 4]
    assert part.timestamp is not None
    assert part.timestamp.tolist() == [10, 40]
    assert len(RATINGS.subset(RATINGS.value > 3)) == 2
    assert Ratings.from_ids([1], [1], [1]).subset(np.array([0])).timestamp is None


def test_wider_vocabularies_keep_each_rating_with_its_ids() -> None:
    wide = RATINGS.with_vocabularies(
        Vocabulary([1, 3, 5, 7, 9], "user"), Vocabulary([5, 10, 20, 30], "item")
    )
    assert wide.users.ids[wide.user_index].tolist() == [7, 3, 7, 5]
    assert wide.items.ids[wide.item_index].tolist() == [20, 10, 10, 30]


def test_grouping_gives_each_users_items_in_ascending_order() -> None:
    by_user, by_item = RATINGS.by_user, RATINGS.by_item
    assert by_user.indptr.tolist() == [0, 1, 2, 4]
    assert by_user.indices.tolist() == [0, 2, 0, 1]
    assert by_user.value.tolist() == [2, 1, 5, 4]
    assert by_user.row.tolist() == [1, 3, 2, 0]
    assert by_item.indptr.tolist() == [0, 2, 3, 4]
    assert by_item.indices.tolist() == [0, 2, 2, 1]
    assert RATINGS.user_counts.tolist() == [1, 1, 2]
    assert RATINGS.item_counts.tolist() == [2, 1, 1]
    assert RATINGS.subset(np.array([0])).user_counts.tolist() == [0, 0, 1]


@pytest.mark.parametrize("offset", [0, 2**30])
def test_pairs_of_small_indices_and_of_large_ones_are_sorted_alike(offset: int) -> None:
    """Two numbers of 31 bits and the row do not fit into one."""
    rng = np.random.default_rng(0)
    group, other = (rng.integers(50, size=3_000, dtype=np.int32) for _ in range(2))
    found = order_of_pairs(group + np.int32(offset), other + np.int32(offset))
    assert np.array_equal(found, np.lexsort((np.arange(3_000), other, group)))


# -- columns that a program hands over ---------------------------------------------------------

THREE: list[int] = [1, 2, 3]


@pytest.mark.parametrize("missing", [None, np.nan, "nan", ""])
def test_a_missing_id_is_named_with_its_row(missing: Any) -> None:
    ids = [1, missing, 2]
    with pytest.raises(DataError, match=r"^Row 1 of the ids, counted from 0: the user is missing"):
        Ratings.from_ids(ids, THREE, THREE)
    with pytest.raises(DataError, match=r"^Row 1 of the ids, counted from 0: the item is missing"):
        Ratings.from_ids(THREE, ids, THREE)


def test_whole_floats_are_integers_and_bytes_are_text() -> None:
    assert Ratings.from_ids(np.array([1.0, 2.0, 3.0]), THREE, THREE).users.is_integer
    assert Ratings.from_ids(["1.0", "2", "3"], THREE, THREE).users.ids.tolist() == [1, 2, 3]
    odd: Any = [b"a", b"b", b"a"]
    assert Ratings.from_ids(odd, THREE, THREE).users.ids.tolist() == ["a", "b"]
    one, two = UUID(int=1), UUID(int=2)
    uuids: Any = [two, one, two]
    assert Ratings.from_ids(uuids, THREE, THREE).users.ids.tolist() == [str(one), str(two)]
    nested: Any = [[1], {}, 3]
    with pytest.raises(
        DataError, match=r"^Row 0 of the user ids, counted from 0: a value of type list"
    ):
        Ratings.from_ids(nested, THREE, THREE)


@pytest.mark.parametrize(
    "times",
    [
        np.array(["2020-01-01T00:00:01"] * 3, "datetime64[ns]"),
        [datetime(2020, 1, 1, 0, 0, 1)] * 3,
        [datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)] * 3,
        ["2020-01-01 00:00:01"] * 3,
        [1577836801] * 3,
        [1577836801.5] * 3,
        [1577836801000] * 3,
    ],
)
def test_times_of_any_type_become_seconds(times: Any) -> None:
    timestamp = Ratings.from_ids(THREE, THREE, THREE, times).timestamp
    assert timestamp is not None
    assert timestamp.tolist() == [1577836801] * 3


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1]])
def test_of_repeated_pairs_the_latest_by_time_counts_in_any_order_of_rows(order: list[int]) -> None:
    """The row without a time never counts; rows of the same time count by their order."""
    stars, times = np.array([5.0, 3.0, 1.0])[order], np.array([2e9, 1e9, np.nan])[order]
    whole = np.where(
        np.isnan(times),
        np.datetime64("NaT"),
        times.astype("datetime64[s]").astype("datetime64[ms]"),
    )
    with pytest.warns(UserWarning, match="the last rating counts"):
        found = Ratings.from_ids(["ann"] * 3, [7] * 3, stars, whole, scale=Scale(1, 5, 1))
    assert found.value.tolist() == [5.0]
    frame = pl.DataFrame({"user": ["ann"] * 3, "item": [7] * 3, "rating": stars, "time": whole})
    table = pl.concat([frame, frame.with_columns(user=pl.lit("bob"), item=pl.col("item") + 1)])
    assert read(table).ratings.value.tolist() == [5.0, 5.0]


def test_repeated_pairs_are_dropped_with_a_warning_and_counts_are_added() -> None:
    pairs: tuple[list[int], list[int], list[int]] = ([1, 2, 1], [5, 5, 5], [1, 2, 3])
    with pytest.warns(UserWarning, match=r"^Repeated pairs of user and item: 1 row; the last"):
        found = Ratings.from_ids(*pairs)
    assert found.value.tolist() == [2, 3]
    with pytest.warns(UserWarning, match="the last rating counts"):
        assert Ratings.from_ids(*pairs, [9, 9, 8]).value.tolist() == [1, 2]
    with pytest.warns(UserWarning, match="their counts are added"):
        assert Ratings.from_ids(*pairs, scale=PAIRS).value.tolist() == [2, 4]
