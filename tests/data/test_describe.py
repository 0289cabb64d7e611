"""The figures of a description against figures computed by hand, and their words."""

import json
from dataclasses import replace

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.dataset import Dataset
from matinee.data.describe import Spread, describe
from matinee.data.ratings import NO_TIME, Ratings, Scale

DAY = 86_400


def small(**more: object) -> Dataset:
    """Eight ratings by four users of three items: 4, 3 and 1 ratings of the items 1, 2 and 3."""
    ratings = Ratings.from_ids(
        ["a", "b", "c", "d", "a", "b", "c", "a"],
        [1, 1, 1, 1, 2, 2, 2, 3],
        [1, 2, 4, 5, 4, 4, 1, 3],
        [5 * DAY, 10 * DAY + 1, 7 * DAY, NO_TIME, 6 * DAY, 6 * DAY, 6 * DAY, 8 * DAY],
    )
    catalog = Catalog({1: Film("One (1991)", 1991, ("Drama",)), 3: Film("Three")})
    return Dataset("small", ratings, catalog, **more)  # type: ignore[arg-type]


def test_the_figures_are_those_computed_by_hand() -> None:
    found = describe(small())
    assert (found.name, found.n_ratings, found.n_users, found.n_items, found.n_titles) == (
        "small",
        8,
        4,
        3,
        2,
    )
    assert found.density == pytest.approx(8 / 12)
    assert found.mean == pytest.approx(3.0)
    assert found.deviation == pytest.approx(np.sqrt((4 + 1 + 1 + 4 + 1 + 1 + 4 + 0) / 8))
    assert found.scale == Scale(1, 5, 1)
    assert found.histogram == [(1.0, 2), (2.0, 1), (3.0, 1), (4.0, 3), (5.0, 1)]
    assert found.most_rated == [(1, "One (1991)", 4, 3.0), (2, "2", 3, 3.0), (3, "Three", 1, 3.0)]
    # Ratings per user, sorted: 1, 2, 2, 3; per item: 1, 3, 4. The busiest tenth is at least one.
    assert found.per_user == Spread(1, 1.75, 2.0, 2.25, 3, 3 / 8)
    assert found.per_item == Spread(1, 2.0, 3.0, 3.5, 4, 4 / 8)
    assert (found.first_day, found.last_day, found.n_without_time) == (
        "1970-01-06",
        "1970-01-11",
        1,
    )


def test_the_sentences_contain_the_figures() -> None:
    assert describe(small(n_duplicates=1234, n_bad_rows=5, note="Simulated.")).sentences() == [
        "small: 8 ratings by 4 users of 3 items; 66.67% of all possible pairs.",
        "Scale 1 to 5 in steps of 1; mean 3.00, standard deviation 1.41.",
        "From 1970-01-06 to 1970-01-11.",
        "Items without a title: 1.",
        "Rows without a timestamp: 1.",
        "Repeated ratings by the same user: 1,234 rows; the last rating counts.",
        "Bad rows left out: 5.",
        "Simulated.",
    ]


def test_a_clean_table_without_times_has_three_sentences() -> None:
    ratings = Ratings.from_ids([1, 2], [1, 1], [1.0, 2.0])
    assert describe(Dataset("bare", ratings, Catalog({1: Film("One")}))).sentences() == [
        "bare: 2 ratings by 2 users of 1 item; 100.00% of all possible pairs.",
        "Scale 1 to 2 in steps of 1; mean 1.50, standard deviation 0.50.",
        "No timestamps.",
    ]


def test_the_rows_of_the_tables_contain_the_figures() -> None:
    found = describe(small())
    assert found.histogram_rows() == [
        ("1", "2", "#" * 20, "25.0%"),
        ("2", "1", "#" * 10, "12.5%"),
        ("3", "1", "#" * 10, "12.5%"),
        ("4", "3", "#" * 30, "37.5%"),
        ("5", "1", "#" * 10, "12.5%"),
    ]
    assert found.most_rated_rows() == [
        ("One (1991)", "4", "3.00"),
        ("2", "3", "3.00"),
        ("Three", "1", "3.00"),
    ]
    assert found.spread_rows() == [
        ("ratings per user", "1", "2", "2", "2", "3", "38%"),
        ("ratings per item", "1", "2", "3", "4", "4", "50%"),
    ]


def test_the_busiest_tenth_of_many_users_is_a_tenth() -> None:
    # Users 1 to 20; the two busiest have 20 and 19 of the 210 ratings.
    user = np.repeat(np.arange(1, 21), np.arange(1, 21))
    item = np.concatenate([np.arange(n) for n in range(1, 21)])
    ratings = Ratings.from_ids(user, item, 1.0 + item % 5)
    assert describe(
        Dataset("many", ratings, Catalog())
    ).per_user.share_of_busiest_tenth == pytest.approx(39 / 210)


def test_a_fine_scale_is_drawn_in_ten_steps() -> None:
    value = np.arange(100) / 10
    ratings = Ratings.from_ids(np.arange(100), np.arange(100), value)
    found = describe(Dataset("fine", ratings, Catalog()))
    assert [count for _, count in found.histogram] == [10] * 10
    assert [lower for lower, _ in found.histogram] == pytest.approx(
        [0.99 * step for step in range(10)], abs=1e-6
    )


def test_the_list_of_the_most_rated_is_as_long_as_asked_for_and_holds_no_item_without_ratings() -> (
    None
):
    assert len(describe(small(), n_most_rated=2).most_rated) == 2
    whole = small()
    part = Dataset("part", whole.ratings.subset(whole.ratings.item_index != 2), whole.catalog)
    assert [item_id for item_id, *_ in describe(part).most_rated] == [1, 2]


def test_times_outside_the_calendar_have_no_day() -> None:
    ratings = Ratings.from_ids([1, 2], [1, 1], [1.0, 2.0])
    ratings = replace(ratings, timestamp=np.full(2, 2**62))
    assert describe(Dataset("far", ratings, Catalog())).first_day is None


def test_it_can_be_written_as_json_and_holds_every_figure() -> None:
    found = json.loads(json.dumps(describe(small()).to_dict()))
    assert found["histogram"][0] == [1.0, 2]
    assert found["per_item"]["most"] == 4
    assert found["scale"] == [1.0, 5.0, 1.0]
