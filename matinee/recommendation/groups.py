"""Groups: one list for several people, from the scores of each of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from matinee._types import Doubles
from matinee.data.arguments import described
from matinee.errors import SettingError
from matinee.models.base import Recommender, UserState

AGGREGATIONS = ("mean", "least-misery")
#: Weight of the scores beyond the scale in a tie; too small to show in a printed score.
_TIE_BREAK = 1e-6


class GroupScores(NamedTuple):
    """The scores of a group and of its M members, for all I items."""

    ranked_by: Doubles
    """(I,), the mean or the lowest of the members' scores."""
    group: Doubles
    """(I,), the mean or the lowest of `members`."""
    members: Doubles
    """(M, I), one row per person: stars inside the scale. For a model without stars, each
    person's scores in standard deviations above the mean of their scores of all items."""


def group_scores(
    model: Recommender,
    profiles: Sequence[UserState],
    how: str = "mean",
    taste: float | None = None,
) -> GroupScores:
    """The scores of a group, in units that can be compared between people.

    Args:
        how: "mean": everyone counts the same. "least-misery": the lowest score of any member
            counts (O'Connor, Cosley, Konstan, Riedl, "PolyLens: a recommender system for
            groups of users", 2001). For both see Masthoff, "Group modeling", 2004.
        taste: as for `Recommender.scores`.

    Raises:
        SettingError: the group is empty, or there is no such aggregation.
    """
    if not isinstance(how, str) or how not in AGGREGATIONS:
        raise SettingError(
            f"The scores of a group are combined by {' or '.join(AGGREGATIONS)}, "
            f"not by {described(how)}."
        )
    if not profiles:
        raise SettingError("A group needs at least one person.")
    each = [model.ranking(profile, taste) for profile in profiles]
    scores = np.stack([ranking.scores for ranking in each]).astype(np.float64)  # (M, I)
    if not model.has_stars:
        members = _standardized(scores)
        ranked_by = _aggregate(members, how)
        return GroupScores(ranked_by, ranked_by, members)
    lowest, highest = model.scale_.lowest, model.scale_.highest
    predicted = [ranking.stars for ranking in each if ranking.stars is not None]
    stars = np.stack(predicted).astype(np.float64)
    members = np.clip(stars, lowest, highest)
    if model.ranks_by_stars and taste in (None, model.usual_taste):
        # Nobody's prediction counts for more than the best rating; beyond it, it breaks ties
        within = np.minimum(scores, highest)
        ranked_by = _aggregate(within, how) + _TIE_BREAK * _aggregate(scores, how)
    else:
        ranked_by = _aggregate(_standardized(scores), how)
    return GroupScores(ranked_by, _aggregate(members, how), members)


def _standardized(scores: Doubles) -> Doubles:
    scores = scores - scores.mean(axis=1, keepdims=True)
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray(scores / np.where(spread > 0, spread, 1))


def _aggregate(scores: Doubles, how: str) -> Doubles:
    if how == "mean":
        return np.asarray(scores.mean(axis=0))
    return np.asarray(scores.min(axis=0))
