"""What a fitted model predicts and recommends for the users of a test part.

Users who were held out whole (`data.split.users_split`) are new to the model: it gets their
other ratings by `fold_in`, as it would get those of a person who joins today. For such small
problems, a second thread of BLAS costs more than it gains.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.ratings import Ratings
from matinee.data.split import Split
from matinee.evaluation.ranking import LONGEST, Lists, Task, top_lists
from matinee.models.base import Recommender
from matinee.models.interface import UserState
from matinee.progress import Progress, Step
from matinee.threads import one_blas_thread

Profiles = Mapping[int, UserState]
"""The profiles of the users who were held out, by user index."""


@runtime_checkable
class _PredictsDeviations(Protocol):
    """A model that estimates deviations of many ratings at once, at their times."""

    def predict_deviations(self, ratings: Ratings) -> Doubles: ...


class PredictedStars(NamedTuple):
    """Predicted stars of the test ratings, and how certain they are.

    Attributes:
        stars: (N,), clipped to the scale.
        deviations: (N,), the standard deviation of the rating about the prediction, in stars;
            None if the model cannot estimate it.
    """

    stars: Floats
    deviations: Doubles | None = None


@one_blas_thread()
def fold_in_all(model: Recommender, part: Split) -> Profiles | None:
    """The profiles of all users who were held out; None if the split holds out none."""
    if part.folded_in is None:
        return None
    given, profiles = part.folded_in, {}
    for user in np.flatnonzero(part.test.user_counts).tolist():
        rows, items = _of_user(given, user)
        values, ids = given.value[rows].tolist(), given.items.ids[items].tolist()
        profiles[user] = model.fold_in(dict(zip(ids, values, strict=True)))
    return profiles


@one_blas_thread()
def predict_new(model: Recommender, test: Ratings, profiles: Profiles) -> PredictedStars:
    """The predictions for users who were held out, by a model that predicts stars."""
    stars, deviations = np.empty(len(test), np.float32), np.full(len(test), np.nan)
    for user, profile in profiles.items():
        rows, items = _of_user(test, user)
        allowed = np.zeros(test.n_items, bool)
        allowed[items] = True
        found = model.recommend(profile, test.n_items, allowed=allowed, include_seen=True)
        by_id = {line.item_id: line for line in found}
        lines = [by_id[item] for item in test.items.ids[items].tolist()]
        stars[rows] = [line.stars for line in lines if line.stars is not None]
        deviations[rows] = [np.nan if line.deviation is None else line.deviation for line in lines]
    return PredictedStars(stars, deviations if np.isfinite(deviations).all() else None)


@one_blas_thread()
def deviations_of(model: Recommender, test: Ratings) -> Doubles | None:
    """The deviations of the test ratings of known users, (N,), see `PredictedStars`."""
    if isinstance(model, _PredictsDeviations):
        return model.predict_deviations(test)
    deviations = np.empty(len(test))
    for user in np.flatnonzero(test.user_counts).tolist():
        rows, items = _of_user(test, user)
        of_user = model.deviations(test.users.id(user), items)
        if of_user is None:
            return None
        deviations[rows] = of_user
    return deviations


def _of_user(ratings: Ratings, user: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The rows and items of the ratings of a user, (n,) each."""
    by_user = ratings.by_user
    at = slice(by_user.indptr[user], by_user.indptr[user + 1])
    rows = np.arange(at.start, at.stop)
    if by_user.order is not None:
        rows = by_user.order[at].astype(np.int64, copy=False)
    return rows, by_user.indices[at]


@one_blas_thread()
def lists_for(
    model: Recommender, task: Task, profiles: Profiles | None, progress: Progress | None = None
) -> Lists:
    """The lists of the users of a task.

    Args:
        profiles: as made by `fold_in_all`.
    """
    if profiles is None:
        return top_lists(model, task.users, progress)
    n_items = len(model.items_)
    items = np.zeros((len(task.users), min(LONGEST, n_items)), np.int32)
    is_shown = np.zeros(items.shape, bool)
    for row, user in enumerate(task.users.tolist()):
        best = model.recommend(profiles[user], items.shape[1])
        items[row, : len(best)] = model.items_.indices([line.item_id for line in best])
        is_shown[row, : len(best)] = True
        if progress:
            progress(Step(row + 1, len(task.users), "lists for all users"))
    return Lists(items, is_shown)
