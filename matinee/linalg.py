"""From factors to positions: principal components, and the nearest rows of a table of vectors."""

import numpy as np
from numpy.typing import NDArray

ROWS_AT_ONCE, CHUNK = 256, 64


def about_mean(vectors: NDArray[np.float32], counted: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The rows that count, about their mean; the others, and a row alone, are zeros, (I, F).

    Item factors are compared so, for the part that all of them share is no taste: it tells how generous people are, and
    makes all items look alike. It is next to nothing in mf, and a quarter of the factors' length in dot-product.
    """
    mean = vectors[counted].mean(axis=0, dtype=np.float64) if counted.any() else 0.0
    return np.where(counted[:, None], vectors - mean, 0).astype(np.float32)


def principal_components(vectors: NDArray[np.float32], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions of the rows along the n directions in which they differ most, (I, n), and the part of all variance
    that each direction explains, (n,).

    Exact, from the eigenvectors of the covariance; the sign is fixed: the row that lies farthest out along a direction
    lies on its positive side. With fewer than n directions the others are zeros.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)  # (I, F)
    variances, directions = np.linalg.eigh(centred.T @ centred)  # (F,) ascending, (F, F)
    n_found = min(n, len(variances))
    positions = np.zeros((len(vectors), n))
    positions[:, :n_found] = centred @ directions[:, ::-1][:, :n_found]
    farthest = np.abs(positions).argmax(axis=0)  # (n,)
    positions *= np.where(positions[farthest, np.arange(n)] < 0, -1, 1)
    explained = np.zeros(n)
    explained[:n_found] = np.maximum(variances[::-1][:n_found], 0) / max(float(variances.sum()), 1e-30)
    return positions, explained


def cosines_with(vectors: NDArray[np.float32], row: int) -> NDArray[np.float32]:
    """The cosine of one row with each, (I,); NaN for rows of zeros, and for all if it is one."""
    lengths = np.linalg.norm(vectors, axis=1)  # (I,)
    cosines = vectors @ vectors[row] / np.maximum(lengths * lengths[row], 1e-30)
    return np.where((lengths > 0) & (lengths[row] > 0), cosines, np.float32(np.nan))


def nearest_rows(
    vectors: NDArray[np.float32], k: int, weights: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """For each row the k others of the highest cosine, best first, and these cosines, both (I, k).

    Equal cosines are in the order of the rows. A block of rows at a time, so that no I x I matrix is made. With fewer
    than k others there are as many columns.

    Args:
        weights: (I,), by which the cosine with a row is multiplied.
    """
    k = min(k, len(vectors) - 1)
    if k < 1:
        return np.empty((len(vectors), 0), np.int32), np.empty((len(vectors), 0), np.float32)
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    units = (vectors / lengths).astype(np.float32)
    n = len(units)
    others = np.zeros((-(-n // CHUNK) * CHUNK, units.shape[1]), np.float32)  # whole chunks
    others[:n] = units if weights is None else units * weights[:, None]
    room = np.empty((min(ROWS_AT_ONCE, n), len(others)), np.float32)  # used again and again: new memory is slow
    index = np.empty((n, k), np.int32)
    cosines = np.empty((n, k), np.float32)
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, n))
        block = np.matmul(units[rows], others.T, out=room[: rows.stop - start])  # (B, I) and the rest of a chunk
        block[:, n:] = -np.inf
        block[np.arange(len(block)), np.arange(start, rows.stop)] = -np.inf
        index[rows], cosines[rows] = _largest(block, k)
    return index, cosines


def _largest(block: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Positions of the k largest of each row, best first, equal ones in their order, and them, both (B, K).

    The k-th highest of the chunks' maxima is no larger than the k-th largest number, so that only the few chunks that
    reach it need be looked at: five times faster than to partition whole rows.
    """
    chunks = block.reshape(len(block), -1, CHUNK)
    highest = chunks.max(axis=2)  # (B, C)
    least = np.full(len(block), -np.inf, np.float32)
    if k <= highest.shape[1]:
        least = np.partition(highest, -k, axis=1)[:, -k]
    row, chunk = np.nonzero(highest >= least[:, None])
    found, place = np.nonzero(chunks[row, chunk] >= least[row, None])
    row, column = row[found], chunk[found] * CHUNK + place
    value = block[row, column]
    order = np.lexsort((column, -value, row))
    first = np.searchsorted(row[order], np.arange(len(block)))
    best = order[first[:, None] + np.arange(k)]  # (B, K)
    return column[best], value[best]


def top(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The positions of the k largest scores, best first; equal scores in the order of their positions."""
    if k <= 0:
        return np.empty(0, np.int64)
    threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores >= threshold)
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]
