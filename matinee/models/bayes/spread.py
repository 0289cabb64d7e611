"""The spread of users and items: what is uncertain about those that have no ratings."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Halves

MOST_ROWS = 10_000
"""The number of rows from which the spread of a table is estimated."""


def spread_of(table: Halves) -> Floats:
    """The standard deviations of rows around their average, (S, F + 1).

    Args:
        table: (R + 1, S, F + 1); the last row is the average, and so are rows without ratings.
    """
    n, average = len(table) - 1, table[-1].astype(np.float32)
    rows = table[0 : n : max(1, -(-n // MOST_ROWS))].astype(np.float32)
    rows = rows[(rows != average).any(axis=(1, 2))]
    if len(rows) == 0:
        return np.zeros_like(average)
    return np.asarray(np.sqrt(np.square(rows - average).mean(axis=0)), np.float32)


class Unknown(NamedTuple):
    """One side of some pairs, and the other side's draws."""

    others: Floats  # (N, S, F + 1)
    spread: Floats  # (S, F + 1), of this side
    is_unknown: NDArray[np.bool_]  # (N,), whether this side has no ratings


def variance_of_unknown(items: Unknown, users: Unknown) -> Doubles:
    """The variance of the scores of pairs with an unknown item, user or both, (N,)."""
    variance = np.zeros(len(items.is_unknown))
    for others, spread, which in (items, users):
        squares = np.square(others[which])
        squares[..., -1] = 1
        variance[which] += (squares * np.square(spread)).sum(axis=2).mean(axis=1)
    both = np.square(users.spread[:, :-1] * items.spread[:, :-1]).sum(axis=1).mean()
    variance[items.is_unknown & users.is_unknown] += both
    return variance
