"""Projection: principal components against NumPy's SVD, nearest rows against a search one by one."""

import numpy as np
import pytest

from matinee import linalg
from matinee.linalg import (
    centered,
    nearest_rows,
    principal_components,
    principal_factors,
    shrinkage_weights,
)


def rows(n: int, width: int, seed: int = 0) -> np.ndarray:
    """Vectors whose directions have quite different variances, and whose mean is not zero."""
    rng = np.random.default_rng(seed)
    scale = 2.0 ** -np.arange(width)
    return (
        rng.standard_normal((n, width)) * scale @ rng.standard_normal((width, width)) + 3
    ).astype(np.float32)


# -- about the mean ----------------------------------------------------------------------------------------------


def test_rows_that_count_are_about_their_mean_and_the_others_are_zeros() -> None:
    vectors = np.array([[1, 2], [3, 6], [100, 100]], np.float32)
    about = centered(vectors, np.array([True, True, False]))
    assert about.tolist() == [[-1, -2], [1, 2], [0, 0]]
    assert about.dtype == np.float32
    assert vectors[2].tolist() == [100, 100]


def test_without_rows_that_count_everything_is_zero() -> None:
    assert not centered(np.ones((3, 2), np.float32), np.zeros(3, bool)).any()
    assert not centered(np.ones((3, 2), np.float32), np.array([False, True, False])).any()


# -- principal components ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_rows", "width", "n"), [(50, 6, 3), (400, 16, 16), (5, 12, 4), (2, 3, 1)]
)
def test_components_are_those_of_the_singular_value_decomposition(
    n_rows: int, width: int, n: int
) -> None:
    vectors = rows(n_rows, width)
    left, singular, _ = np.linalg.svd(
        vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    )
    expected = left[:, :n] * singular[:n]
    positions, explained = principal_components(vectors, n)
    assert positions.shape == (n_rows, n)
    np.testing.assert_allclose(np.abs(positions), np.abs(expected), atol=1e-9 * singular[0] + 1e-6)
    np.testing.assert_allclose(explained, (singular**2 / np.sum(singular**2))[:n], atol=1e-12)


def test_the_row_farthest_out_lies_on_the_positive_side() -> None:
    for seed in range(5):
        vectors = rows(60, 5, seed)
        for part in (vectors, -vectors):
            positions, _ = principal_components(part, 5)
            farthest = np.abs(positions).argmax(axis=0)
            assert (positions[farthest, np.arange(5)] > 0).all()
    np.testing.assert_allclose(positions.mean(axis=0), 0, atol=1e-6)


def test_components_that_are_not_there_are_zeros() -> None:
    positions, explained = principal_components(rows(20, 2), 4)
    assert not positions[:, 2:].any()
    assert explained[2:].tolist() == [0, 0]
    assert explained[:2].sum() == pytest.approx(1)


@pytest.mark.parametrize("vectors", [np.ones((4, 3), np.float32), np.ones((1, 3), np.float32)])
def test_rows_without_differences_have_positions_of_zero(vectors: np.ndarray) -> None:
    positions, explained = principal_components(vectors, 2)
    assert positions.tolist() == [[0, 0]] * len(vectors)
    assert explained.tolist() == [0, 0]


# -- nearest rows ------------------------------------------------------------------------------------------------


def one_by_one(
    vectors: np.ndarray, k: int, weights: np.ndarray | None
) -> tuple[list[list[int]], list[list[float]]]:
    index, cosines = [], []
    for row, one in enumerate(vectors.astype(np.float64)):
        found = []
        for other, two in enumerate(vectors.astype(np.float64)):
            weight = 1.0 if weights is None else float(weights[other])
            if other != row:
                found.append(
                    (-weight * (one @ two) / np.linalg.norm(one) / np.linalg.norm(two), other)
                )
        index.append([other for _, other in sorted(found)[:k]])
        cosines.append([-cosine for cosine, _ in sorted(found)[:k]])
    return index, cosines


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("rows_at_once", [7, 1_024])
def test_nearest_rows_are_those_found_one_by_one(
    weighted: bool, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linalg, "ROWS_AT_ONCE", rows_at_once)
    vectors = rows(40, 5) - 3
    weights = np.random.default_rng(1).uniform(0.1, 1, 40).astype(np.float32) if weighted else None
    index, cosines = nearest_rows(vectors, 6, weights)
    expected_index, expected = one_by_one(vectors, 6, weights)
    assert index.dtype == np.int32
    assert cosines.dtype == np.float32
    assert index.tolist() == expected_index
    np.testing.assert_allclose(cosines, expected, atol=1e-5)


def test_equal_cosines_are_in_the_order_of_the_rows() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 2], [0, 3], [1, 0]], np.float32)
    index, cosines = nearest_rows(vectors, 4)
    assert index.tolist() == [[4, 1, 2, 3], [2, 3, 0, 4], [1, 3, 0, 4], [1, 2, 0, 4], [0, 1, 2, 3]]
    assert cosines[0].tolist() == [1, 0, 0, 0]
    alike = np.ones((300, 2), np.float32)  # more equals than places
    alike[5:, 1] = 0
    index, _ = nearest_rows(alike, 3)
    assert index[:2].tolist() == [[1, 2, 3], [0, 2, 3]]
    assert index[[5, 6, 299]].tolist() == [[6, 7, 8], [5, 7, 8], [5, 6, 7]]


def test_there_are_at_most_as_many_neighbors_as_other_rows() -> None:
    for n in (1, 2, 3):
        index, cosines = nearest_rows(rows(n, 4), 10)
        assert index.shape == cosines.shape == (n, n - 1)
        assert all(row not in nearest for row, nearest in enumerate(index.tolist()))
    assert nearest_rows(rows(3, 4), 0)[0].shape == (3, 0)


def test_a_row_of_zeros_is_like_nothing() -> None:
    vectors = np.array([[0, 0], [1, 1], [1, 2]], np.float32)
    _, cosines = nearest_rows(vectors, 2)
    assert cosines[0].tolist() == [0, 0]
    assert np.isfinite(cosines).all()


def test_what_is_learned_from_few_ratings_counts_for_less() -> None:
    weights = shrinkage_weights(np.array([0, 5, 20, 180]), 20)
    np.testing.assert_allclose(weights, [0, 0.2, 0.5, 0.9])
    np.testing.assert_array_equal(shrinkage_weights(np.array([0, 3]), 0), [0, 1])


# -- factors in principal axes -----------------------------------------------------------------------------------


def test_factors_in_principal_axes_have_the_same_products_strongest_first() -> None:
    rng = np.random.default_rng(1)
    users, items = (rng.standard_normal((n, 5)).astype(np.float32) for n in (300, 40))
    users[:, 3] = users[:, 2]  # one direction less
    mine, theirs = principal_factors(users, items)
    np.testing.assert_allclose(mine @ theirs.T, users @ items.T, atol=1e-4)
    squares = [np.square(each).mean(axis=0) for each in (mine, theirs)]
    np.testing.assert_allclose(squares[0], squares[1], rtol=1e-4, atol=1e-9)
    assert (np.diff(squares[0]) <= 0).all()
    lengths = np.linalg.svd(users.astype(float) @ items.T, compute_uv=False)[:5]
    np.testing.assert_allclose(squares[0], lengths / np.sqrt(300 * 40), atol=1e-4)


def test_factors_without_length_stay_zero() -> None:
    nothing, some = np.zeros((4, 2), np.float32), np.ones((3, 2), np.float32)
    assert not any(each.any() for each in principal_factors(nothing, some))
    assert [each.shape for each in principal_factors(some[:0], some)] == [(0, 2), (3, 2)]
