"""Popularity: the number of ratings, and nothing else."""

import numpy as np

from matinee.data.ratings import Ratings
from matinee.models.popularity import Popularity

USERS = ["ann", "ann", "ben", "ben", "eve", "eve", "eve"]
ITEMS = ["x", "y", "y", "z", "y", "z", "w"]
TABLE = Ratings.from_ids(USERS, ITEMS, [5, 1, 1, 2, 1, 3, 5])


def test_items_are_ranked_by_their_number_of_ratings_and_ties_by_id() -> None:
    best = Popularity().fit(TABLE).recommend({}, 4)
    assert [(one.item_id, one.score, one.stars) for one in best] == [
        ("y", 3.0, None),
        ("z", 2.0, None),
        ("w", 1.0, None),
        ("x", 1.0, None),
    ]


def test_everybody_gets_the_same_list_less_what_they_have_seen() -> None:
    one = Popularity().fit(TABLE)
    assert [best.item_id for best in one.recommend("ann")] == ["z", "w"]
    assert [best.item_id for best in one.recommend("eve")] == ["x"]
    assert [best.item_id for best in one.recommend({"y": 1.0}, 2)] == ["z", "w"]


def test_the_counts_and_means_are_those_of_the_table() -> None:
    one = Popularity().fit(TABLE.subset(np.arange(6)))
    assert one.item_counts_.tolist() == [0, 1, 3, 2]
    np.testing.assert_allclose(one.item_means_, [np.nan, 5, 1, 2.5])
