"""Linear algebra on tables of vectors: centering, principal components, cosines and the top k."""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs

ROWS_AT_ONCE, CHUNK = 256, 64
ROWS_OF_GRAM = 65_536


def centered(vectors: Floats, is_counted: NDArray[np.bool_]) -> Floats:
    """The counted rows less their mean, (I, F); other rows, and a single counted row, are zeros.

    Item factors are compared in this form. What all of them share is not taste: it says how
    high people rate in general, and makes all items look alike. It is close to zero in mf, and
    a quarter of the length of the factors in dot-product.
    """
    mean = np.zeros(vectors.shape[1])
    if is_counted.any():
        mean = vectors[is_counted].mean(axis=0, dtype=np.float64)
    return np.where(is_counted[:, None], vectors - mean, 0).astype(np.float32)


def principal_components(vectors: Floats, n: int) -> tuple[Doubles, Doubles]:
    """Positions along the n directions of largest variance, (I, n), and their shares of it, (n,).

    Exact, from the eigenvectors of the covariance matrix. The signs are fixed: the row
    farthest out along a direction is on its positive side. If there are fewer than n
    directions, the remaining columns are zeros.
    """
    centered_rows = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)  # (I, F)
    # (F,) ascending, and (F, F)
    variances, directions = np.linalg.eigh(centered_rows.T @ centered_rows)
    n_found = min(n, len(variances))
    positions = np.zeros((len(vectors), n))
    positions[:, :n_found] = centered_rows @ directions[:, ::-1][:, :n_found]
    farthest = np.abs(positions).argmax(axis=0)  # (n,)
    positions *= np.where(positions[farthest, np.arange(n)] < 0, -1, 1)
    explained = np.zeros(n)
    largest = np.maximum(variances[::-1][:n_found], 0)
    explained[:n_found] = largest / max(float(variances.sum()), 1e-30)
    return positions, explained


def principal_factors(users: Floats, items: Floats) -> tuple[Floats, Floats]:
    """Factors with the same products in their principal axes, (U, F) and (I, F), strongest first.

    They are the singular vectors of the product of the tables. In each of them, the mean squares
    of users and of items are equal.

    Args:
        users, items: the factors, (U, F) and (I, F).
    """
    bases = [_orthonormal(table) for table in (users, items)]
    (user_basis, from_users), (item_basis, from_items) = bases
    left, lengths, right = np.linalg.svd(from_users @ from_items.T)
    root = np.sqrt(lengths)
    balance = (max(1, len(users)) / max(1, len(items))) ** 0.25
    to_users = (user_basis @ left * (root * balance)).astype(np.float32)
    to_items = (item_basis @ right.T * (root / balance)).astype(np.float32)
    return users @ to_users, items @ to_items


def _orthonormal(table: Floats) -> tuple[Doubles, Doubles]:
    """What maps a table to orthonormal columns, and what maps these back to it, (F, F) each;
    directions without length map to zeros."""
    gram = np.zeros((table.shape[1],) * 2)
    for start in range(0, len(table), ROWS_OF_GRAM):
        rows = table[start : start + ROWS_OF_GRAM].astype(np.float64)
        gram += rows.T @ rows
    squares, axes = np.linalg.eigh(gram)
    lengths = np.sqrt(np.maximum(squares, 0))
    is_used = lengths > 1e-6 * max(float(lengths.max(initial=0)), 1e-30)
    inverse = np.where(is_used, 1 / np.where(is_used, lengths, 1), 0)
    return axes * inverse, np.asarray((axes * (lengths * is_used)).T)


def shrinkage_weights(counts: NDArray[np.integer], shrinkage: float) -> Doubles:
    """counts / (counts + shrinkage), (I,): the weight of what is learned from so many ratings."""
    return np.asarray(counts / np.maximum(counts + shrinkage, 1), np.float64)


def cosines_with(vectors: Floats, row: int) -> Floats:
    """The cosine of one row with every row, (I,); NaN where either of them is zero."""
    lengths = np.linalg.norm(vectors, axis=1)  # (I,)
    cosines = vectors @ vectors[row] / np.maximum(lengths * lengths[row], 1e-30)
    return np.where((lengths > 0) & (lengths[row] > 0), cosines, np.float32(np.nan))


def nearest_rows(
    vectors: Floats,
    k: int,
    weights: Floats | None = None,
) -> tuple[NDArray[np.int32], Floats]:
    """The k other rows with the highest cosine to each row, best first, and the cosines, (I, k).

    Ties are in the order of the rows. The rows are processed in blocks, so that no I x I
    matrix is made. If there are fewer than k other rows, the results have fewer columns.

    Args:
        weights: (I,) factors that the cosines with each row are multiplied by.
    """
    k = min(k, len(vectors) - 1)
    if k < 1:
        return np.empty((len(vectors), 0), np.int32), np.empty((len(vectors), 0), np.float32)
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    units = (vectors / lengths).astype(np.float32)
    n = len(units)
    n_padded = -(-n // CHUNK) * CHUNK  # whole chunks
    others = np.zeros((n_padded, units.shape[1]), np.float32)
    others[:n] = units
    if weights is not None:
        others[:n] *= weights[:, None]
    buffer = np.empty((min(ROWS_AT_ONCE, n), len(others)), np.float32)  # reused: new memory is slow
    index = np.empty((n, k), np.int32)
    cosines = np.empty((n, k), np.float32)
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, n))
        # (B, I) and the padding
        block = np.matmul(units[rows], others.T, out=buffer[: rows.stop - start])
        block[:, n:] = -np.inf
        block[np.arange(len(block)), np.arange(start, rows.stop)] = -np.inf
        index[rows], cosines[rows] = _largest(block, k)
    return index, cosines


def _largest(block: Floats, k: int) -> tuple[Longs, Floats]:
    """The columns of the k largest values of each row, best first, and these values, (B, k) each.

    Ties are in the order of the columns. The k-th highest of the maxima of the chunks is at
    most the k-th largest value, so only the few chunks that reach it are searched. This is
    five times faster than partitioning whole rows.
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
    best = order[first[:, None] + np.arange(k)]  # (B, k)
    return column[best], value[best]


def top(scores: Floats, k: int) -> Longs:
    """The positions of the k largest scores, best first; ties are in the order of positions."""
    if k <= 0:
        return np.empty(0, np.int64)
    threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores >= threshold)
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]
