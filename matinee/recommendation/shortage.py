"""Why a list is shorter than asked for, in words."""

import numpy as np
from numpy.typing import NDArray

from matinee.recommendation.filters import Filters
from matinee.text import counted


def shortage(
    filters: Filters,
    allowed: NDArray[np.bool_],
    n_seen: int,
    n_without_year: int,
    has_ratings: bool,
) -> str:
    """Why a list is short, and what would make it longer.

    Args:
        n_without_year: items that a filter by years leaves out because theirs is unknown.
    """
    reason = f"there are {counted(len(allowed), 'film')}"
    if str(filters):
        n_allowed = int(allowed.sum())
        unknown = ""
        if n_without_year:
            unknown = f"; the year of {counted(n_without_year, 'film')} is unknown"
        reason = (
            f"{n_allowed:,} of the {len(allowed):,} films match the filters ({filters}{unknown})"
        )
    if n_seen:
        where = "rated" if has_ratings else "in the history"
        reason += f", and {n_seen:,} of them {is_or_are(n_seen)} already {where}"
    advice = []
    too_strict = _set_filters(filters, has_ratings)
    if too_strict:
        advice.append(f"loosen the {' or '.join(too_strict)}")
    if n_seen:
        advice.append("include seen films")
    if advice:
        reason += f"; for more, {', or '.join(advice)}"
    return f"{reason}."


def _set_filters(filters: Filters, has_ratings: bool) -> list[str]:
    """The names of the filters that leave items out."""
    names = []
    if filters.genres or filters.not_genres:
        names.append("genre")
    if any(filters.years):
        names.append("years")
    if filters.items is not None or filters.not_items:
        names.append("list of items")
    if filters.min_ratings and has_ratings:
        names.append("number of ratings")
    elif filters.min_ratings:
        names.append("number of people")
    return names


def is_or_are(n: int) -> str:
    """The verb for a number of films."""
    if n == 1:
        return "is"
    return "are"
