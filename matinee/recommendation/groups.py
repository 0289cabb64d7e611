"""Groups: one list for several people, from what each of them would give every item."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.errors import SettingError
from matinee.models.base import Profile, Recommender

AGGREGATIONS = ("mean", "least-misery")


class GroupScores(NamedTuple):
    """What a group and its members think of all I items."""

    ranked_by: NDArray[np.float64]
    """(I,), `group`, with equal ones told apart."""
    group: NDArray[np.float64]
    """(I,), the mean or the least of the members' scores."""
    members: NDArray[np.float64]
    """(M, I), one row for each person: stars inside the scale, or where there are no stars, the person's scores in
    standard deviations above the mean of their scores of all items."""


def group_scores(model: Recommender, profiles: Sequence[Profile], how: str = "mean") -> GroupScores:
    """The scores of a group, in units that can be compared between people.

    Args:
        how: "mean", by which everybody counts the same, or "least-misery", by which an item is as good as the member
            who likes it least finds it (O'Connor, Cosley, Konstan, Riedl, "PolyLens: a recommender system for groups
            of users", 2001; both in Masthoff, "Group modeling", 2004).

    Raises:
        SettingError: there is nobody in the group, or no such aggregation.
    """
    if how not in AGGREGATIONS:
        raise SettingError(f"A group's scores are put together by {' or '.join(AGGREGATIONS)}, not by '{how}'.")
    if not profiles:
        raise SettingError("A group needs at least one person.")
    scores = np.stack([model.scores(profile) for profile in profiles]).astype(np.float64)  # (M, I)
    if model.has_stars:
        members = np.clip(scores, *model.scale_[:2])
    else:
        scores -= scores.mean(axis=1, keepdims=True)
        spread = scores.std(axis=1, keepdims=True)
        members = scores = np.where(spread > 0, scores / np.where(spread > 0, spread, 1), 0)
    together = np.mean if how == "mean" else np.min
    group = together(members, axis=0)
    # Where several items reach the end of the scale, what lies beyond it decides; not enough to show in what is said.
    return GroupScores(group + 1e-6 * together(scores, axis=0), group, members)
