"""What the closed form of EASE needs besides BLAS: who likes both, the large numbers, sparse scores."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel


class Links(NamedTuple):
    """Rows of a sparse matrix: row r owns the places indptr[r]:indptr[r + 1]."""

    indptr: NDArray[np.int64]  # (R + 1,)
    index: NDArray[np.int32]  # type: ignore[assignment]  # (N,) ascending within a row
    weight: NDArray[np.float32]  # (N,)


@kernel()
def count_both(
    likers: tuple[NDArray[np.int64], NDArray[np.int32]],
    likes: tuple[NDArray[np.int64], NDArray[np.int32]],
    rows: tuple[int, int],
    counts: NDArray[np.float32],
) -> None:
    """How many people like both of two items, into counts[i, j] for j <= i, (I, I), which was zero there.

    Args:
        likers, likes: by item and by user, indptr and the other side's index, ascending.
        rows: the first i and the step, so that long and short rows are shared out alike.
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
    """How many numbers |m_ij s_i s_j| of each row in the span are at least so large, beside the diagonal, (R,)."""
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
    """Writes those numbers, negated, into the rows of the span; links.indptr is what they were counted for."""
    for i in range(rows[0], rows[1]):
        row, place = matrix[i], links.indptr[i]
        for j in range(len(row)):
            value = row[j] * scale[i] * scale[j]
            if abs(value) >= least and i != j:
                links.index[place], links.weight[place] = j, -value
                place += 1


@kernel()
def spread(links: Links, vectors: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Products of vectors, (B, I), most of whose numbers are 0, with a sparse matrix, added to `out`, (B, I)."""
    for b in range(len(vectors)):
        row = out[b]
        for i in range(vectors.shape[1]):
            value = vectors[b, i]
            if value == 0:
                continue
            index = links.index[links.indptr[i] : links.indptr[i + 1]]
            weight = links.weight[links.indptr[i] : links.indptr[i + 1]]
            for place in range(len(index)):
                row[np.uint32(index[place])] += value * weight[place]
