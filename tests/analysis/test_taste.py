"""Taste: a person's ratings compared with everyone's, against sums done by hand."""

import numpy as np
import pytest

from matinee.analysis.taste import Preference, StarCount, shares_beyond_everyone, taste_of
from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.models.baseline import Baseline
from matinee.models.popularity import Popularity
from matinee.recommendation.guide import Guide


@pytest.fixture(scope="module")
def guide() -> Guide:
    """Items 0 to 3 with means 4, 2, 3 and 3 from six ratings each."""
    stars = {0: [5, 3] * 3, 1: [2, 2] * 3, 2: [3, 3] * 3, 3: [2, 4] * 3}
    users = [user for _ in stars for user in range(6)]
    items = [item for item in stars for _ in range(6)]
    values = [float(value) for given in stars.values() for value in given]
    ratings = Ratings.from_ids(users, items, values, scale=Scale(1, 5, 1))
    films: dict[Id, Film] = {
        0: Film("A (1994)", 1994, ("Drama",)),
        1: Film("B (1999)", 1999, ("Drama", "War")),
        2: Film("C", None, ("Comedy",)),
        3: Film("D (1971)", 1971, ()),
    }
    return Guide(Baseline().fit(ratings), Catalog(films))


def test_preferences_are_what_lies_beyond_the_means_and_ones_own_generosity(guide: Guide) -> None:
    taste = taste_of(guide, {0: 5.0, 1: 2.0, 2: 5.0})
    # Beyond the means: 1, 0, 2; generosity 1; so A 0, B -1, C 1, each group as if with five more of 0.
    assert (taste.n_ratings, taste.mean, taste.generosity) == (3, 4.0, 1.0)
    assert taste.genres == [
        ("Comedy", 1, round(1 / 6, 3)),
        ("Drama", 2, -0.143),
        ("War", 1, round(-1 / 6, 3)),
    ]
    assert taste.decades == [Preference("1990s", 2, -0.143)]
    assert taste.histogram == [StarCount(2.0, 1), StarCount(5.0, 2)]
    assert taste.everyone == [
        StarCount(2.0, 9),
        StarCount(3.0, 9),
        StarCount(4.0, 3),
        StarCount(5.0, 3),
    ]


def test_disagreements_are_the_ratings_farthest_from_the_means(guide: Guide) -> None:
    taste = taste_of(guide, {0: 5.0, 1: 2.0, 2: 5.0, 3: 1.0})
    assert [(line.item_index, line.beyond) for line in taste.disagreements] == [
        (2, 2.0),
        (3, -2.0),
        (0, 1.0),
        (1, 0.0),
    ]


def test_without_ratings_there_is_nothing_to_say(guide: Guide) -> None:
    taste = taste_of(guide, {})
    assert (taste.n_ratings, taste.mean, taste.generosity) == (0, None, None)
    assert (taste.genres, taste.decades, taste.disagreements, taste.histogram) == ([], [], [], [])


def test_implicit_feedback_is_compared_by_shares() -> None:
    users, items = [1, 2, 3, 1], [0, 0, 0, 1]
    ratings = Ratings.from_ids(users, items, [1.0] * 4, scale=PAIRS)
    films: dict[Id, Film] = {
        0: Film("A (1994)", 1994, ("Drama",)),
        1: Film("B (1971)", 1971, ("War",)),
    }
    guide = Guide(Popularity().fit(ratings), Catalog(films))
    genres, decades = shares_beyond_everyone(guide, taste_of(guide, {0: 1.0, 1: 1.0}))
    assert genres == [Preference("War", 1, 25.0), Preference("Drama", 1, -25.0)]
    assert decades == [Preference("1970s", 1, 25.0), Preference("1990s", 1, -25.0)]


def test_a_fine_scale_has_no_histogram_of_everyone() -> None:
    values = np.arange(1, 202) / 2.01
    ratings = Ratings.from_ids([1] * 201, list(range(201)), values.tolist())
    assert taste_of(Guide(Baseline().fit(ratings)), {0: 1.0}).everyone is None
