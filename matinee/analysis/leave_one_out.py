"""Leave-one-out evaluation: predicting a rating from the same person's other ratings.

Both functions fold the person in without the rating to be predicted, and compare the error
with that of the item means. Ratings may be older than the model, so they are clipped to its
scale.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple

import numpy as np

from matinee.data.vocabulary import Id
from matinee.models.base import Recommender

MIN_RATINGS = 5
"""A person with fewer ratings is not measured; nor are fewer people than this."""


class StarErrors(NamedTuple):
    """Error of the model and, for comparison, of the item means; in stars."""

    model: float
    item_means: float


class LastRatingErrors(NamedTuple):
    """Root-mean-square errors over people; `errors` is None if too few people could be
    measured."""

    n_people: int
    errors: StarErrors | None


def mean_absolute_errors(
    model: Recommender, stars: Mapping[int, float], max_ratings: int
) -> StarErrors | None:
    """Mean absolute errors over one person's first ratings, each predicted from all the
    others.

    None if the model predicts no stars, or for fewer than `MIN_RATINGS` ratings.

    Args:
        stars: item index -> stars.
        max_ratings: predict only the first ones; each takes one fold-in.
    """
    if not model.has_stars or len(stars) < MIN_RATINGS:
        return None
    of_model, of_means = [], []
    for index, given in islice(stars.items(), max_ratings):
        of_model.append(abs(given - _predicted_from_others(model, stars, index)))
        of_means.append(abs(given - float(model.item_means_[index])))
    return StarErrors(float(np.mean(of_model)), float(np.nanmean(of_means)))


def last_rating_errors(
    model: Recommender, people: Iterable[Mapping[int, float]]
) -> LastRatingErrors:
    """StarErrors on the latest rating of each person, predicted from their earlier ones.

    Args:
        people: item index -> stars of each person, latest rating first.
    """
    of_model, of_means = [], []
    if model.has_stars:
        for stars in people:
            latest = next(iter(stars), None)
            if latest is None or len(stars) < MIN_RATINGS or not model.item_counts_[latest]:
                continue
            of_model.append(stars[latest] - _predicted_from_others(model, stars, latest))
            of_means.append(stars[latest] - float(model.item_means_[latest]))
    if len(of_model) < MIN_RATINGS:
        return LastRatingErrors(len(of_model), None)
    errors = StarErrors(_root_mean_square(of_model), _root_mean_square(of_means))
    return LastRatingErrors(len(of_model), errors)


def _predicted_from_others(model: Recommender, stars: Mapping[int, float], index: int) -> float:
    """Stars of one item for a person, predicted without their own rating of it."""
    lowest, highest = model.scale_[:2]
    others: dict[Id, float] = {}
    for other, given in stars.items():
        if other != index:
            others[model.items_.id(other)] = min(max(given, lowest), highest)
    predicted = model.all_stars(model.fold_in(others))
    return float(np.clip(predicted[index], lowest, highest))


def _root_mean_square(errors: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))
