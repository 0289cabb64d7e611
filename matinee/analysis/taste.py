"""A person's taste: their ratings compared with everyone's ratings of the same items."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from matinee.models.base import Recommender
from matinee.models.history import few_ratings
from matinee.recommendation.guide import Guide

_PRIOR_RATINGS = 5
"""A group of items is compared as if it had this many more ratings that agree with
everyone's."""
_MAX_DISAGREEMENTS = 8
_MAX_STEPS = 100
"""A scale with more steps has no histogram of everyone's ratings."""


class StarCount(NamedTuple):
    """One bar of a histogram: how often a number of stars was given."""

    stars: float
    n: int


class Preference(NamedTuple):
    """How much more a person likes the items of one genre or decade than other people do."""

    name: str
    n_ratings: int
    beyond: float
    """Above 0 for more, below 0 for less; equal ones, after rounding, are sorted by name."""


class Disagreement(NamedTuple):
    """A rating that is far from the item's mean."""

    item_index: int
    stars: float
    beyond: float
    """Stars above the item's mean."""


@dataclass(frozen=True)
class Taste:
    """What a person's ratings say about them; amounts of stars are rounded to thousandths.

    Attributes:
        mean: of their stars; None without ratings.
        generosity: stars that they give above the item means, on average; None without
            ratings.
        histogram: of their own ratings, ascending.
        everyone: the same for the training data; None if the model was saved without
            histories.
        genres, decades: what they like more, best first. `beyond` is in stars above the item
            means and their own generosity, shrunk towards 0 for groups with few ratings.
        disagreements: the ratings farthest from the item means, among items with enough
            ratings.
    """

    n_ratings: int
    mean: float | None
    generosity: float | None
    histogram: list[StarCount]
    everyone: list[StarCount] | None
    genres: list[Preference]
    decades: list[Preference]
    disagreements: list[Disagreement]


def taste_of(guide: Guide, stars: Mapping[int, float]) -> Taste:
    """The taste behind a person's ratings.

    Args:
        stars: item index -> stars.
    """
    model = guide.model
    beyond: dict[int, float] = {}
    for index, given in stars.items():
        if model.item_counts_[index]:
            beyond[index] = given - float(model.item_means_[index])
    mean = generosity = None
    if stars:
        mean = sum(stars.values()) / len(stars)
    if beyond:
        generosity = sum(beyond.values()) / len(beyond)
    genres: dict[str, list[float]] = defaultdict(list)
    decades: dict[str, list[float]] = defaultdict(list)
    for index, amount in beyond.items():
        item = guide.catalog[model.items_.id(index)]
        for genre in item.genres:
            genres[genre].append(amount - (generosity or 0.0))
        if item.decade:
            decades[item.decade].append(amount - (generosity or 0.0))
    return Taste(
        n_ratings=len(stars),
        mean=_rounded(mean),
        generosity=_rounded(generosity),
        histogram=[StarCount(star, n) for star, n in sorted(Counter(stars.values()).items())],
        everyone=histogram_of_training_data(model),
        genres=_preferences(genres),
        decades=_preferences(decades),
        disagreements=_disagreements(model, stars, beyond),
    )


def histogram_of_training_data(model: Recommender) -> list[StarCount] | None:
    """How often each number of stars was given; None without histories, or on a fine scale."""
    values = model.history_.value
    if len(values) == 0:
        return None
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) > _MAX_STEPS:
        return None
    return [StarCount(*bar) for bar in zip(distinct.tolist(), counts.tolist(), strict=True)]


def shares_beyond_everyone(guide: Guide, taste: Taste) -> tuple[list[Preference], list[Preference]]:
    """Genres and decades for implicit feedback, where there are no stars to compare.

    `beyond` is in percentage points: the share of the person's items minus the share of
    everyone's.
    """
    model = guide.model
    everyone: dict[str, int] = defaultdict(int)
    for item_id, count in zip(model.items_.ids.tolist(), model.item_counts_.tolist(), strict=True):
        item = guide.catalog[item_id]
        for name in item.genres:
            everyone[name] += count
        if item.decade:
            everyone[item.decade] += count
    n_all = max(1, int(model.item_counts_.sum()))
    n_own = max(1, taste.n_ratings)

    def compared(preferences: list[Preference]) -> list[Preference]:
        shares = []
        for name, n, _ in preferences:
            points = 100 * (n / n_own - everyone.get(name, 0) / n_all)
            shares.append(Preference(name, n, round(points, 1)))
        return sorted(shares, key=lambda preference: -preference.beyond)

    return compared(taste.genres), compared(taste.decades)


def _preferences(groups: Mapping[str, list[float]]) -> list[Preference]:
    """Best liked first."""
    preferences = []
    for name, amounts in groups.items():
        shrunken = sum(amounts) / (len(amounts) + _PRIOR_RATINGS)
        preferences.append(Preference(name, len(amounts), round(shrunken, 3)))
    return sorted(preferences, key=lambda preference: (-preference.beyond, preference.name))


def _disagreements(
    model: Recommender, stars: Mapping[int, float], beyond: Mapping[int, float]
) -> list[Disagreement]:
    enough = few_ratings(model.item_counts_)
    known = [index for index in beyond if model.item_counts_[index] >= enough]
    known.sort(key=lambda index: -abs(beyond[index]))
    return [
        Disagreement(index, stars[index], round(beyond[index], 3))
        for index in known[:_MAX_DISAGREEMENTS]
    ]


def _rounded(value: float | None) -> float | None:
    if value is None:
        return None
    return round(value, 3)
