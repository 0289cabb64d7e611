"""What is known of users and items beside the ratings, as features that a hierarchical prior regresses on.

The set of items that a user has rated tells of their taste, whatever the ratings are, and so does the set of users who
rated an item: rows x of a matrix X with 1 / sqrt(n) for each of the n members. In SVD++ (Koren, "Factorization meets
the neighborhood", 2008) each member has factors y of its own and x Y is added to those of the user. Here X is replaced
by its largest singular vectors, so that the prior has some hundreds of features rather than one for each item or user:
faster, more so the larger the table, and no less accurate on MovieLens.
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
    """Features of all rows of one side, turned so that they are orthogonal: X = rows * lengths * right'."""

    rows: Floats  # (R, K), orthonormal columns
    lengths: Doubles  # (K,), singular values, largest first
    right: Floats  # (C, K), orthonormal columns


def set_block(run: Run, group: Grouped, other: Grouped, rank: int, rng: np.random.Generator) -> Block:
    """The sets of a group as features, the `rank` largest (Halko, Martinsson, Tropp, "Finding structure with
    randomness", 2011: subspace iteration).

    Args:
        group, other: the ratings by the side that gets features, and by the other side.
    """
    counts = np.diff(group.indptr)
    scale = (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)[:, None]  # (R, 1)
    n_rows, n_columns = len(counts), len(other.indptr) - 1
    found = min(rank + OVERSAMPLED, n_rows, n_columns)
    right = rng.standard_normal((n_columns, found), np.float32)
    for _ in range(ITERATIONS):
        left = np.linalg.qr(scale * _sum_rows(run, group, right))[0]  # (R, found)
        right = _sum_rows(run, other, np.ascontiguousarray(scale * left))  # (C, found), X' left
    lengths, axes = _lengths(right, rank)
    rows, columns = left @ axes, right @ axes / lengths
    return Block(np.ascontiguousarray(rows, np.float32), lengths, np.ascontiguousarray(columns, np.float32))


def feature_block(features: Floats) -> Block:
    """Any features, (R, C), such as genres."""
    lengths, axes = _lengths(features, features.shape[1])
    rows = np.ascontiguousarray(features @ axes / lengths, np.float32)
    return Block(rows, lengths, axes.astype(np.float32))


def _lengths(table: Floats, rank: int) -> tuple[Doubles, Doubles]:
    """The largest singular values of a table, (R, C), at most so many, and its right singular vectors, (C, K)."""
    values, axes = np.linalg.eigh(table.T.astype(np.float64) @ table)
    keep = np.flatnonzero(values > 1e-7 * max(values[-1], 1e-12))[::-1][:rank]
    return np.sqrt(values[keep]), axes[:, keep]


def _sum_rows(run: Run, group: Grouped, table: Floats) -> Floats:
    """For each row of the group the sum of the table's rows that belong to it, (R, K)."""
    from matinee.kernels.gibbs import sum_rows

    out = np.empty((len(group.indptr) - 1, table.shape[1]), np.float32)
    ends = np.searchsorted(group.indptr, np.linspace(0, len(group.index), 17)).tolist()
    ends[0], ends[-1] = 0, len(out)
    run(sum_rows, [(group.indptr, group.index, span, table, out) for span in pairwise(ends)])
    return out
