"""The start of coordinate descent: singular vectors of a sparse matrix, and what they are good for."""

import numpy as np
import pytest

from matinee.data.ratings import Ratings
from matinee.models.adaptation import FEW_DEVIATION, FEW_EPOCHS
from matinee.models.coordinate_descent import CoordinateDescent
from matinee.models.descent import (
    DescentWeights,
    FactorPlan,
    TrainingTable,
    solve_users,
)
from matinee.models.item_priors import biases_of
from matinee.models.spectral_start import leading_directions
from matinee.threads import one_blas_thread, workers

PLAN = FactorPlan(2, FEW_EPOCHS, 0.04, 0.05, 0.0, 2.0, 5.0, 5.0, FEW_DEVIATION, by_coordinates=True)


def found_in(matrix: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    start = np.random.default_rng(seed).standard_normal((matrix.shape[1],), np.float32)
    return leading_directions(lambda v: matrix @ v, lambda v: matrix.T @ v, start)


def test_the_largest_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((300, 200)).astype(np.float32)
    strong = rng.standard_normal((300, 3)) * [3, 2, 1.5] @ rng.standard_normal((3, 200))
    matrix = (noise + strong).astype(np.float32)
    values, vectors = found_in(matrix)
    _, true_values, true_vectors = np.linalg.svd(matrix)
    np.testing.assert_allclose(values[:3], true_values[:3], rtol=1e-4)
    cosines = np.abs(np.sum(vectors[:, :3] * true_vectors[:3].T, axis=0))
    assert cosines.min() > 0.9999
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(vectors.shape[1]), atol=1e-4)


@pytest.mark.parametrize("rank", [0, 1, 4])
def test_a_matrix_of_low_rank_has_no_more_directions(rank: int) -> None:
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((60, rank)) @ rng.standard_normal((rank, 30))
    values, vectors = found_in(matrix.astype(np.float32))
    assert rank <= len(values) <= rank + 1
    assert np.count_nonzero(values > 1e-3) == rank
    assert vectors.shape == (30, len(values))
    assert np.isfinite(vectors).all()


def sparse_tastes(n_users: int, n_items: int, n: int) -> TrainingTable:
    """Ratings in standard deviations: two tastes, and about four ratings of each user."""
    rng = np.random.default_rng(2)
    pairs = np.sort(rng.choice(n_users * n_items, n, replace=False))
    user, item = pairs // n_items, pairs % n_items
    tastes = [rng.standard_normal((size, 2)) for size in (n_users, n_items)]
    value = np.sum(tastes[0][user] * tastes[1][item], axis=1) + rng.standard_normal(n)
    table = Ratings.from_ids(user + 1, item + 1, value / value.std())
    return TrainingTable(table, None)


def test_thirty_epochs_find_tastes_that_each_user_shows_only_four_times() -> None:
    table = sparse_tastes(12_000, 1_000, 48_000)
    is_test = np.random.default_rng(3).random(len(table)) < 0.1
    train, test = table.part(~is_test), table.part(is_test)
    user, item = test.ratings.user_index, test.ratings.item_index
    rng = np.random.default_rng(0)
    weights = DescentWeights.start(train, PLAN, rng)
    descent = CoordinateDescent(train, weights, PLAN, rng)
    for rate in PLAN.rates():
        descent.epoch(rate)
    with one_blas_thread(), workers(1) as run:
        weights = solve_users(train, weights, PLAN, run, 1)
    user_bias, item_bias = biases_of(train, PLAN)
    without = np.square(test.ratings.value - user_bias[user] - item_bias[item]).mean()
    found = np.square(test.ratings.value - weights.predictions(user, item)).mean()
    assert found < 0.85 * without
