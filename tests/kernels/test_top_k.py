"""The first K of many users, against sorting everything."""

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.kernels import read_only
from matinee.kernels.top_k import (
    add_tile,
    heapsort,
    no_items,
    smallest_first,
    top_unseen,
    write_best,
)


def orders(n: int) -> list[NDArray[np.uint64]]:
    rng = np.random.default_rng(n)
    rising = np.arange(n)
    equal = rng.integers(0, 3, n)
    found = rising, rising[::-1], rng.permutation(n), np.roll(rising, n // 2), equal
    return [order.astype(np.uint64) for order in found]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 500])
def test_the_smallest_keys_come_first_and_the_largest_of_them_last(n: int) -> None:
    for keys in orders(n):
        for most in {1, max(1, n // 3), max(1, n - 1), n}:
            moved, expected = keys.copy(), sorted(keys.tolist())
            smallest_first(moved, most)
            assert sorted(moved[:most].tolist()) == expected[:most]
            assert moved[most - 1] == expected[most - 1]
            assert sorted(moved.tolist()) == expected


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 500])
def test_heapsort_sorts(n: int) -> None:
    for keys in orders(n):
        expected = sorted(keys.tolist())
        heapsort(keys)
        assert keys.tolist() == expected


def test_scores_of_any_sign_and_zeros_of_both_signs_are_in_order() -> None:
    rng = np.random.default_rng(0)
    values = np.array(
        [-np.inf, -1e30, -2.5, -1e-40, -0.0, 0.0, 1e-40, 2.5, 1e30, np.inf], np.float32
    )
    scores = rng.choice(values, (20, 400))
    expected = np.argsort(-scores, axis=1, kind="stable")
    nothing = np.zeros(21, np.int64), np.empty(0, np.int32)
    for k in (1, 60, 400):
        best = np.empty((20, k), np.int64)
        top_unseen(scores.copy(), np.arange(20), nothing, best)
        assert np.array_equal(best, expected[:, :k])


@pytest.mark.parametrize(
    ("n_items", "k"), [(1, 1), (7, 3), (7, 7), (300, 10), (2_000, 20), (2_000, 600)]
)
@pytest.mark.parametrize("n_values", [1, 3, 10**6], ids=lambda n: f"{n} values")
def test_the_first_k_are_those_of_a_stable_sort_without_the_seen(
    n_items: int, k: int, n_values: int
) -> None:
    rng = np.random.default_rng(n_items + k)
    scores = rng.integers(0, n_values, (5, n_items)).astype(np.float32)
    seen = [rng.choice(n_items, rng.integers(0, n_items + 1), replace=False) for _ in range(9)]
    indptr = np.cumsum([0, *map(len, seen)]).astype(np.int64)
    users = np.array([8, 0, 3, 3, 5])
    expected = scores.copy()
    for row, user in enumerate(users.tolist()):
        expected[row, seen[user]] = -np.inf
    best = np.empty((5, k), np.int64)
    top_unseen(scores, users, (indptr, read_only(np.concatenate(seen).astype(np.int32))), best)
    assert np.array_equal(best, np.argsort(-expected, axis=1, kind="stable")[:, :k])


def tiles_of(scores: NDArray[np.float32], seen: list[list[int]], k: int) -> NDArray[np.int64]:
    """The lists from tiles of 100 items, each user once."""
    indptr = np.cumsum([0, *map(len, seen)]).astype(np.int64)
    items = read_only(np.concatenate([np.array(each, np.int32) for each in seen]))
    users, best = np.arange(len(seen)), np.empty((len(seen), k), np.int64)
    found = no_items(indptr[:-1], k, 100)
    for first in range(0, scores.shape[1], 100):
        tile = scores[:, first : first + 100].copy()
        assert add_tile(tile, first, users, (indptr, items), found, k)
    write_best(found, k, best)
    return best


@pytest.mark.parametrize(("n_items", "k"), [(1, 1), (7, 7), (300, 10), (950, 20), (950, 600)])
@pytest.mark.parametrize("n_values", [1, 3, 10**6], ids=lambda n: f"{n} values")
def test_tiles_give_the_first_k_of_a_stable_sort_without_the_seen(
    n_items: int, k: int, n_values: int
) -> None:
    rng = np.random.default_rng(n_items + k)
    scores = (rng.integers(0, n_values, (5, n_items)) - n_values // 2).astype(np.float32)
    sizes = rng.integers(0, n_items + 1, 4).tolist()
    seen = [np.sort(rng.choice(n_items, size, replace=False)).tolist() for size in sizes]
    seen.append(list(range(n_items)))  # nothing is left for the last user
    expected = scores.copy()
    for row, items in enumerate(seen):
        expected[row, items] = -np.inf
    best = tiles_of(scores, seen, k)
    assert np.array_equal(best, np.argsort(-expected, axis=1, kind="stable")[:, :k])


def test_scores_that_rise_and_zeros_of_both_signs_are_in_order_in_tiles() -> None:
    rng = np.random.default_rng(0)
    values = np.array([-1e30, -2.5, -1e-40, -0.0, 0.0, 1e-40, 2.5, 1e30], np.float32)
    scores = np.concatenate([rng.choice(values, (9, 400)), [np.arange(400, dtype=np.float32)]])
    best = tiles_of(scores.astype(np.float32), [[]] * 10, 60)
    assert np.array_equal(best, np.argsort(-scores, axis=1, kind="stable")[:, :60])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [5, 40, 70, 99])
def test_a_tile_with_a_score_that_is_not_finite_is_refused(bad: float, place: int) -> None:
    scores, nothing = np.zeros((2, 100), np.float32), np.zeros(3, np.int64)
    seen, users = np.empty(0, np.int32), np.arange(2)
    assert add_tile(scores, 0, users, (nothing, seen), no_items(nothing[:2], 3, 100), 3)
    scores[1, place] = bad
    assert not add_tile(scores, 0, users, (nothing, seen), no_items(nothing[:2], 3, 100), 3)
    one = np.array([0, 0, 1]), np.array([place], np.int32)  # not even if it is of a seen item
    assert not add_tile(scores, 0, users, one, no_items(np.zeros(2, np.int64), 3, 100), 3)
