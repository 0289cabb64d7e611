"""Groups: one list for several people, from the scores of each of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from matinee._types import Doubles
from matinee.errors import SettingError
from matinee.models.base import Recommender, UserState

AGGREGATIONS = ("mean", "least-misery")
#: Weight of the scores beyond the scale in a tie; too small to show in a printed score.
_TIE_BREAK = 1e-6


class GroupScores(NamedTuple):
    """The scores of a group and of its M members, for all I items."""

    ranked_by: Doubles
    """(I,), `group` with ties broken."""
    group: Doubles
    """(I,), the mean or the lowest of the members' scores."""
    members: Doubles
    """(M, I), one row per person: stars inside the scale. For a model without stars, each
    person's scores in standard deviations above the mean of their scores of all items."""


def group_scores(
    model: Recommender, profiles: Sequence[UserState], how: str = "mean"
) -> GroupScores:
    """The scores of a group, in units that can be compared between people.

    Args:
        how: "mean": everyone counts the same. "least-misery": the lowest score of any member
            counts (O'Connor, Cosley, Konstan, Riedl, "PolyLens: a recommender system for
            groups of users", 2001). For both see Masthoff, "Group modeling", 2004.

    Raises:
        SettingError: the group is empty, or there is no such aggregation.
    """
    if how not in AGGREGATIONS:
        raise SettingError(
            f"The scores of a group are combined by {' or '.join(AGGREGATIONS)}, not by '{how}'."
        )
    if not profiles:
        raise SettingError("A group needs at least one person.")
    scores = np.stack([model.scores(profile) for profile in profiles]).astype(np.float64)  # (M, I)
    if model.has_stars:
        members = np.clip(scores, model.scale_.lowest, model.scale_.highest)
    else:
        scores -= scores.mean(axis=1, keepdims=True)
        spread = scores.std(axis=1, keepdims=True)
        members = scores = np.where(spread > 0, scores / np.where(spread > 0, spread, 1), 0)
    group = _aggregate(members, how)
    # Where several items reach the end of the scale, the scores beyond it decide.
    ranked_by = group + _TIE_BREAK * _aggregate(scores, how)
    return GroupScores(ranked_by, group, members)


def _aggregate(scores: Doubles, how: str) -> Doubles:
    if how == "mean":
        return np.asarray(scores.mean(axis=0))
    return np.asarray(scores.min(axis=0))
