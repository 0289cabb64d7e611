"""Kernels of EASE: co-occurrence counts, selection of large entries, sparse scores."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel


class Links(NamedTuple):
    """Rows of a sparse matrix: row r is at indptr[r]:indptr[r + 1]."""

    indptr: NDArray[np.int64]  # (R + 1,)
    indices: NDArray[np.int32]  # (N,) ascending within a row
    weight: NDArray[np.float32]  # (N,)


@kernel()
def count_both(
    likers: tuple[NDArray[np.int64], NDArray[np.int32]],
    likes: tuple[NDArray[np.int64], NDArray[np.int32]],
    rows: tuple[int, int],
    counts: NDArray[np.float32],
) -> None:
    """Counts the users who like both of two items, in counts[i, j] for j <= i, (I, I), zero
    before.

    Args:
        likers, likes: by item and by user: indptr, and ascending indices of the other side.
        rows: the first i and the step, which spreads long and short rows evenly.
    """
    item_starts, users = likers
    user_starts, items = likes
    for i in range(rows[0], len(item_starts) - 1, rows[1]):
        row = counts[i]
        for place in range(item_starts[i], item_starts[i + 1]):
            own, stop = user_starts[users[place]], user_starts[users[place] + 1]
            while own < stop and items[own] <= i:
                row[items[own]] += np.float32(1)
                own += 1


@kernel()
def count_large(
    matrix: NDArray[np.float32],
    scale: NDArray[np.float32],
    least: float,
    rows: tuple[int, int],
    counts: NDArray[np.int64],
) -> None:
    """Counts the off-diagonal |m_ij s_i s_j| >= least of each row first:stop, in counts,
    (R,)."""
    for i in range(rows[0], rows[1]):
        row, n = matrix[i], 0
        for j in range(len(row)):
            n += abs(row[j] * scale[i] * scale[j]) >= least
        counts[i] = n - (abs(row[i] * scale[i] * scale[i]) >= least)


@kernel()
def take_large(
    matrix: NDArray[np.float32],
    scale: NDArray[np.float32],
    least: float,
    rows: tuple[int, int],
    links: Links,
) -> None:
    """Writes the entries counted by `count_large`, negated, into the rows first:stop of links.

    The counts must be in links.indptr.
    """
    for i in range(rows[0], rows[1]):
        row, place = matrix[i], links.indptr[i]
        for j in range(len(row)):
            value = row[j] * scale[i] * scale[j]
            if abs(value) >= least and i != j:
                links.indices[place], links.weight[place] = j, -value
                place += 1


@kernel()
def spread(links: Links, vectors: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Adds the products of sparse vectors, (B, I), with a sparse matrix to `out`, (B, I)."""
    for b in range(len(vectors)):
        row = out[b]
        for i in range(vectors.shape[1]):
            value = vectors[b, i]
            if value == 0:
                continue
            index = links.indices[links.indptr[i] : links.indptr[i + 1]]
            weight = links.weight[links.indptr[i] : links.indptr[i + 1]]
            for place in range(len(index)):
                row[np.uint32(index[place])] += value * weight[place]
