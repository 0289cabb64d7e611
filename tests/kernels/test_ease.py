"""The kernels of EASE against NumPy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.kernels import ease

N_USERS, N_ITEMS = 40, 17


def make_table() -> NDArray[np.float32]:
    """Who likes what, (U, I): user 5 likes nothing, and item 6 nobody."""
    table = (np.random.default_rng(0).random((N_USERS, N_ITEMS)) < 0.3).astype(np.float32)
    table[5], table[:, 6] = 0, 0
    return table


def sparse(table: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    counts = (table != 0).sum(axis=1)
    return np.append(0, np.cumsum(counts)), np.nonzero(table)[1].astype(np.int32)


def make_matrix() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(3)
    half = rng.normal(size=(N_ITEMS, N_ITEMS)).astype(np.float32)
    return half + half.T, rng.uniform(0.5, 2, N_ITEMS).astype(np.float32)


@pytest.mark.parametrize("step", [1, 4])
def test_the_counts_are_those_of_the_product(step: int) -> None:
    table, counts = make_table(), np.zeros((N_ITEMS, N_ITEMS), np.float32)
    for first in range(step):
        ease.count_both(sparse(table.T), sparse(table), (first, step), counts)
    assert np.array_equal(counts, np.tril(table.T @ table))


@pytest.mark.parametrize("least", [0.0, 1.5, 100.0])
def test_the_large_numbers_are_those_of_the_whole_matrix_but_for_the_diagonal(least: float) -> None:
    matrix, scale = make_matrix()
    scaled = matrix * scale[:, None] * scale
    expected = np.where((abs(scaled) >= least) & ~np.eye(N_ITEMS, dtype=bool), -scaled, 0)
    counts = np.empty(N_ITEMS, np.int64)
    spans = [(0, 3), (3, N_ITEMS)]
    for span in spans:
        ease.count_large(matrix, scale, least, span, counts)
    indptr = np.append(0, np.cumsum(counts))
    links = ease.Links(indptr, np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32))
    for span in spans:
        ease.take_large(matrix, scale, least, span, links)
    found = np.zeros_like(expected)
    found[np.repeat(np.arange(N_ITEMS), counts), links.indices] = links.weight
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert all(
        (np.diff(links.indices[indptr[row] : indptr[row + 1]]) > 0).all() for row in range(N_ITEMS)
    )


def test_sparse_scores_are_those_of_the_product() -> None:
    matrix, _ = make_matrix()
    matrix[abs(matrix) < 1] = 0
    vectors = make_table() * np.random.default_rng(4).normal(size=(N_USERS, N_ITEMS)).astype(
        np.float32
    )
    out = np.ones_like(vectors)
    ease.spread(ease.Links(*sparse(matrix), matrix[matrix != 0]), vectors, out)
    np.testing.assert_allclose(out, 1 + vectors @ matrix, atol=1e-5)
