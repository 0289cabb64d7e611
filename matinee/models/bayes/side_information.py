"""Side information: features of users and items on which a hierarchical prior regresses.

The set of items that a user has rated tells about their taste, whatever the ratings, and so
does the set of users who rated an item. These sets are rows x of a matrix X with 1 / sqrt(n)
for each of the n members. In SVD++ (Koren, "Factorization meets the neighborhood", 2008) each
member has factors y, and x Y is added to the factors of the user. Here X is replaced by its
largest singular vectors, so that the prior has some hundreds of features rather than one for
each item or user. This is faster, above all for large tables, and as accurate on MovieLens.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from matinee._types import Doubles, Floats
from matinee.data.ratings import Grouped
from matinee.threads import Run

ITERATIONS = 4
OVERSAMPLED = 16


class Block(NamedTuple):
    """Features of all users, or items, rotated to be orthogonal: X = rows * lengths *
    right'."""

    rows: Floats  # (R, K), orthonormal columns
    lengths: Doubles  # (K,), singular values, largest first
    right: Floats  # (C, K), orthonormal columns


def set_block(
    run: Run, group: Grouped, other: Grouped, rank: int, rng: np.random.Generator
) -> Block:
    """The sets of a group as `rank` features, by subspace iteration.

    (Halko, Martinsson, Tropp, "Finding structure with randomness", 2011.)

    Args:
        group, other: the ratings by the side that gets features, and by the other side.
    """
    counts = np.diff(group.indptr)
    scale = (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)[:, None]  # (R, 1)
    n_rows, n_columns = len(counts), len(other.indptr) - 1
    width = min(rank + OVERSAMPLED, n_rows, n_columns)
    right = rng.standard_normal((n_columns, width), np.float32)
    for _ in range(ITERATIONS):
        left = np.linalg.qr(scale * _sum_rows(run, group, right))[0]  # (R, width)
        right = _sum_rows(run, other, np.ascontiguousarray(scale * left))  # (C, width), X' left
    lengths, axes = _lengths(right, rank)
    rows, columns = left @ axes, right @ axes / lengths
    return Block(
        np.ascontiguousarray(rows, np.float32), lengths, np.ascontiguousarray(columns, np.float32)
    )


def feature_block(features: Floats) -> Block:
    """A block of given features, (R, C), such as genres."""
    lengths, axes = _lengths(features, features.shape[1])
    rows = np.ascontiguousarray(features @ axes / lengths, np.float32)
    return Block(rows, lengths, axes.astype(np.float32))


def _lengths(table: Floats, rank: int) -> tuple[Doubles, Doubles]:
    """At most `rank` singular values of a table, (R, C), and its right singular vectors, (C,
    K)."""
    values, axes = np.linalg.eigh(table.T.astype(np.float64) @ table)
    keep = np.flatnonzero(values > 1e-7 * max(values[-1], 1e-12))[::-1][:rank]
    return np.sqrt(values[keep]), axes[:, keep]


def _sum_rows(run: Run, group: Grouped, table: Floats) -> Floats:
    """The sums of the table rows that belong to each row of the group, (R, K)."""
    from matinee.kernels.gibbs import sum_rows

    out = np.empty((len(group.indptr) - 1, table.shape[1]), np.float32)
    ends = np.searchsorted(group.indptr, np.linspace(0, len(group.indices), 17)).tolist()
    ends[0], ends[-1] = 0, len(out)
    run(sum_rows, [(group.indptr, group.indices, span, table, out) for span in pairwise(ends)])
    return out
