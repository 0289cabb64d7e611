"""The kernel of ridge regressions against one solution at a time."""

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.kernels import read_only, ridge
from matinee.models.fold_in import ridge as one_ridge

N_USERS, N_ITEMS, N_FACTORS, BIAS_PENALTY = 40, 60, 7, 2.5
STOP = (100, 1e-10)


def item_factors() -> NDArray[np.float32]:
    return np.random.default_rng(3).normal(0, 0.4, (N_ITEMS, N_FACTORS)).astype(np.float32)


def rated(*, is_weighted: bool) -> ridge.RatedByUser:
    """Users with 0, 1, 2 ... ratings; the first has none."""
    rng, counts = np.random.default_rng(4), np.arange(N_USERS)
    indptr = np.append(0, np.cumsum(counts)).astype(np.int64)
    items = [np.sort(rng.choice(N_ITEMS, n, replace=False)) for n in counts.tolist()]
    n = int(indptr[-1])
    weight = rng.uniform(0.1, 1, n) if is_weighted else np.ones(n)
    index = np.concatenate(items).astype(np.int32)
    return ridge.RatedByUser(
        indptr, read_only(index), rng.normal(size=n).astype(np.float32), weight.astype(np.float32)
    )


def solved(given: ridge.RatedByUser, spans: list[tuple[int, int]]) -> NDArray[np.float32]:
    rng = np.random.default_rng(5)
    out = rng.normal(size=(N_USERS, N_FACTORS + 1)).astype(np.float32)  # any start will do
    sums = np.add.reduceat(np.append(given.weight, 0), given.indptr[:-1])
    sums = np.where(np.diff(given.indptr) > 0, sums, 0).astype(np.float32)
    penalty = (0.1 * sums + 1).astype(np.float32), sums, np.float32(BIAS_PENALTY)
    spectrum = np.square(item_factors()).mean(axis=0)
    for span in spans:
        ridge.solve_users(given, span, item_factors(), spectrum, penalty, out, STOP)
    return out


@pytest.mark.parametrize("is_weighted", [False, True])
def test_each_user_gets_the_solution_of_their_regression(is_weighted: bool) -> None:
    given = rated(is_weighted=is_weighted)
    found = solved(given, [(0, N_USERS)])
    assert not found[0].any()
    for user in range(1, N_USERS):
        mine = slice(given.indptr[user], given.indptr[user + 1])
        factors, weight = item_factors()[given.indices[mine]], given.weight[mine].astype(float)
        slopes = np.column_stack([factors, np.ones(len(weight))]).astype(np.float64)
        pulls = np.append(np.full(N_FACTORS, 0.1 * weight.sum() + 1), BIAS_PENALTY)
        form = slopes.T * weight @ slopes + np.diag(pulls)
        expected = np.linalg.solve(form, slopes.T @ (weight * given.residual[mine]))
        np.testing.assert_allclose(found[user], expected, atol=1e-4)
        if not is_weighted:
            same = one_ridge(factors, given.residual[mine], float(pulls[0]), BIAS_PENALTY)
            np.testing.assert_allclose(found[user], np.roll(same, -1), atol=1e-4)


def test_any_division_of_the_users_gives_the_same_bits() -> None:
    given = rated(is_weighted=True)
    whole = solved(given, [(0, N_USERS)])
    parts = solved(given, [(30, N_USERS), (0, 7), (7, 8), (8, 30)])
    assert np.array_equal(whole, parts)


def test_the_result_does_not_depend_on_where_the_memory_lies() -> None:
    rng = np.random.default_rng(0)
    n_users, n_items, n_factors = 60, 100, 8
    counts = rng.integers(5, 90, n_users)
    indptr = np.append(0, np.cumsum(counts))
    index = rng.integers(0, n_items, indptr[-1]).astype(np.int32)
    value, weight = rng.standard_normal(len(index), np.float32), np.ones(len(index), np.float32)
    rated = ridge.RatedByUser(indptr, index, value, weight)
    items = rng.standard_normal((n_items, n_factors), np.float32)
    squares = np.square(items).mean(axis=0)
    penalty = np.full(n_users, 3, np.float32), counts.astype(np.float32), np.float32(5)
    found, others = set(), []
    for _ in range(60):
        out = np.zeros((n_users, n_factors + 1), np.float32)
        for user in range(n_users):
            others.append(np.empty(rng.integers(1, 60), np.float32))  # moves the kernel's memory
            others = others[-50:]
            ridge.solve_users(rated, (user, user + 1), items, squares, penalty, out, (100, 1e-9))
        found.add(out.tobytes())
    assert len(found) == 1
