"""How good the models are for the people here, and how much their lists differ."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.analysis.leave_one_out import LastRatingErrors, last_rating_errors
from matinee.models.history import few_ratings
from matinee.recommendation.suggestions import Suggestion
from matinee.web.db.people import PersonData
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

LIST_LENGTH = 15
MAX_PEOPLE = 200
"""Accuracy is measured on the latest ratings of this many people."""
MAX_LISTS = 30
"""Lists are compared for this many of them."""
N_DIFFERENCES = 8


class Accuracy(NamedTuple):
    """How well a model predicts the last ratings of people here from their earlier ones."""

    model: str
    n_people: int
    rmse: float | None
    """In stars; None with too few people."""
    rmse_means: float | None
    """The RMSE of the films' mean ratings."""


class SharedFilms(NamedTuple):
    """How many films the lists of two models share."""

    n_people: int
    mean: float
    """Mean over the people, of `LIST_LENGTH` films."""


class PredictionGap(NamedTuple):
    """A film for which the models' predictions differ."""

    film: FilmSummary
    left: float
    right: float


def accuracy(snapshot: ModelSnapshot, people: Sequence[PersonData]) -> Accuracy:
    """The errors of a model on the last ratings of people."""
    measured = snapshot.run(_measure, snapshot, people)
    if measured.errors is None:
        return Accuracy(snapshot.name, measured.n_people, None, None)
    errors = measured.errors
    return Accuracy(
        snapshot.name, measured.n_people, round(errors.model, 3), round(errors.item_means, 3)
    )


def _measure(snapshot: ModelSnapshot, people: Sequence[PersonData]) -> LastRatingErrors:
    stars = [snapshot.indices(data.stars()) for data in people]
    return last_rating_errors(snapshot.guide.model, stars)


def list_for(snapshot: ModelSnapshot, data: PersonData) -> list[Suggestion]:
    """A model's first films for a person."""
    return snapshot.run(_recommend, snapshot, data)


def _recommend(snapshot: ModelSnapshot, data: PersonData) -> list[Suggestion]:
    profile = snapshot.fold_in(data.stars(), strict=False).profile
    exclude = snapshot.known_ids(data.not_interested)
    return snapshot.guide.recommend(profile, LIST_LENGTH, exclude=exclude).items


def shared_films(
    left: ModelSnapshot, right: ModelSnapshot, people: Sequence[PersonData]
) -> SharedFilms | None:
    """How many films of their lists two models share, on average; None without people."""
    shared = []
    for data in people[:MAX_LISTS]:
        lists = [
            {str(item.item_id) for item in list_for(snapshot, data)} for snapshot in (left, right)
        ]
        shared.append(len(lists[0] & lists[1]))
    if not shared:
        return None
    return SharedFilms(len(shared), round(float(np.mean(shared)), 1))


def differences(left: ModelSnapshot, right: ModelSnapshot, data: PersonData) -> list[PredictionGap]:
    """The well-known films whose predictions differ most; empty unless both models predict
    stars."""
    if not (left.guide.model.has_stars and right.guide.model.has_stars):
        return []
    left_stars = left.run(_predictions, left, data)
    right_stars = right.run(_predictions, right, data)
    rated = set(data.stars())
    min_ratings = few_ratings(left.guide.model.item_counts_)
    common = []
    for index, item_id in enumerate(left.guide.model.items_.ids.tolist()):
        other_index = right.find(item_id)
        is_known = left.guide.model.item_counts_[index] >= min_ratings
        if other_index is not None and is_known and str(item_id) not in rated:
            common.append((index, float(left_stars[index]), float(right_stars[other_index])))
    common.sort(key=lambda film: -abs(film[1] - film[2]))
    return [
        PredictionGap(left.films.summary(index), one, other)
        for index, one, other in common[:N_DIFFERENCES]
    ]


def _predictions(snapshot: ModelSnapshot, data: PersonData) -> NDArray[np.float32]:
    """The person's predicted stars for all items, (I,)."""
    model = snapshot.guide.model
    profile = snapshot.fold_in(data.stars(), strict=False).profile
    lowest, highest = model.scale_[:2]
    return np.clip(model.all_stars(profile), lowest, highest)
