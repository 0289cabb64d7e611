"""The first K of many users, against sorting everything."""

import numpy as np
import pytest

from matinee.kernels.top import top_unseen


@pytest.mark.parametrize(("n_items", "k"), [(1, 1), (7, 3), (7, 7), (300, 10), (2_000, 20), (2_000, 600)])
@pytest.mark.parametrize("n_values", [1, 3, 10**6], ids=lambda n: f"{n} values")
def test_the_first_k_are_those_of_a_stable_sort_without_the_seen(n_items: int, k: int, n_values: int) -> None:
    rng = np.random.default_rng(n_items + k)
    scores = rng.integers(0, n_values, (5, n_items)).astype(np.float32)
    seen = [rng.choice(n_items, rng.integers(0, n_items + 1), replace=False) for _ in range(9)]
    indptr = np.cumsum([0, *map(len, seen)]).astype(np.int64)
    users = np.array([8, 0, 3, 3, 5])
    expected = scores.copy()
    for row, user in enumerate(users.tolist()):
        expected[row, seen[user]] = -np.inf
    best = np.empty((5, k), np.int64)
    top_unseen(scores, users, (indptr, np.concatenate(seen).astype(np.int32)), best)
    assert np.array_equal(best, np.argsort(-expected, axis=1, kind="stable")[:, :k])
