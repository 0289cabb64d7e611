"""The kernels of gradient descent against their slow twins."""

from types import FunctionType

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from matinee.kernels import sgd
from matinee.threads import workers
from tests import reference

N_USERS, N_ITEMS, N_FACTORS, N_GROUPS = 40, 25, 5, 4
RATE = np.float32(0.05)


def make_rows(n: int = 500) -> list[reference.Row]:
    rng = np.random.default_rng(7)
    columns = (
        rng.integers(N_USERS, size=n),
        rng.integers(N_ITEMS, size=n),
        rng.normal(size=n).astype(np.float32),
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def make_groups() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    rng = np.random.default_rng(8)
    return rng.integers(N_GROUPS, size=N_USERS, dtype=np.int32), rng.integers(
        N_GROUPS, size=N_ITEMS, dtype=np.int32
    )


def arranged(rows: list[reference.Row]) -> sgd.Blocks:
    users, items, values = (np.array(column) for column in zip(*rows, strict=True))
    columns = users.astype(np.int32), items.astype(np.int32), values.astype(np.float32)
    out = tuple(np.empty_like(column) for column in columns)
    return sgd.Blocks(*sgd.arrange(*columns, *make_groups(), N_GROUPS, out))


def rows_of(blocks: sgd.Blocks, block: int) -> list[reference.Row]:
    mine = slice(blocks.starts[block], blocks.starts[block + 1])
    return list(zip(*(column[mine].tolist() for column in blocks[:3]), strict=True))


def make_weights() -> reference.Weights:
    rng = np.random.default_rng(9)
    factors = (rng.normal(0, 0.3, (size, N_FACTORS)) for size in (N_USERS, N_ITEMS))
    sides = (rng.uniform(0, 0.5, (size, 3)) for size in (N_USERS, N_ITEMS))
    return reference.Weights(*factors, *sides)


Float32Weights = tuple[
    NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]
]


def as_float32(weights: reference.Weights) -> Float32Weights:
    users, items, user_side, item_side = (array.astype(np.float32) for array in weights)
    return users, items, user_side, item_side


def test_arranging_agrees_with_the_twin() -> None:
    rows = make_rows()
    user_group, item_group = make_groups()
    blocks = arranged(rows)
    twin = reference.arrange(rows, user_group.tolist(), item_group.tolist(), N_GROUPS)
    assert [rows_of(blocks, block) for block in range(N_GROUPS**2)] == twin


def test_every_rating_is_in_exactly_one_block() -> None:
    rows = make_rows()
    blocks = arranged(rows)
    assert (blocks.starts[0], blocks.starts[-1]) == (0, len(rows))
    assert np.all(np.diff(blocks.starts) >= 0)
    assert sorted(zip(*(column.tolist() for column in blocks[:3]), strict=True)) == sorted(rows)


def test_a_block_holds_one_group_of_users_and_one_of_items() -> None:
    user_group, item_group = make_groups()
    blocks = arranged(make_rows())
    for block in range(N_GROUPS**2):
        for user, item, _ in rows_of(blocks, block):
            assert (user_group[user], item_group[item]) == divmod(block, N_GROUPS)


def test_the_twin_of_the_random_numbers_is_splitmix64() -> None:
    random = reference.SplitMix64(1234567)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [random.next() for _ in published] == published


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_shuffling_agrees_with_the_twin(seed: int) -> None:
    blocks, before = arranged(make_rows()), arranged(make_rows())
    sgd.shuffle(blocks, np.arange(N_GROUPS**2), seed)
    for block in range(N_GROUPS**2):
        assert rows_of(blocks, block) == reference.shuffle(rows_of(before, block), block, seed)


def test_shuffling_touches_only_the_given_blocks_and_moves_most_of_their_rows() -> None:
    blocks, before = arranged(make_rows()), arranged(make_rows())
    sgd.shuffle(blocks, np.array([2, 5]), 3)
    for block in range(N_GROUPS**2):
        moved = [
            a != b for a, b in zip(rows_of(blocks, block), rows_of(before, block), strict=True)
        ]
        assert sum(moved) > 0.7 * len(moved) if block in (2, 5) else not any(moved)


def test_sweeping_agrees_with_the_twin() -> None:
    blocks, weights = arranged(make_rows()), make_weights()
    fast, losses = as_float32(weights), np.zeros(N_GROUPS**2)
    sgd.sweep(blocks, np.arange(N_GROUPS**2), blocks.starts[1:], fast, RATE, losses)
    for block in range(N_GROUPS**2):
        loss = reference.sweep(rows_of(blocks, block), weights, float(RATE))
        assert losses[block] == pytest.approx(loss, rel=1e-4)
    for mine, twin in zip(fast, weights, strict=True):
        np.testing.assert_allclose(mine, twin, rtol=1e-4, atol=1e-5)


def test_sweeping_leaves_out_the_rows_from_the_stop_on() -> None:
    blocks, weights = arranged(make_rows()), make_weights()
    fast, losses = as_float32(weights), np.zeros(N_GROUPS**2)
    stops = blocks.starts[1:].copy()
    stops[3], stops[6] = stops[3] - 5, blocks.starts[6]
    sgd.sweep(blocks, np.array([3, 6]), stops, fast, RATE, losses)
    assert losses[3] == pytest.approx(
        reference.sweep(rows_of(blocks, 3)[:-5], weights, float(RATE)), rel=1e-4
    )
    assert losses[6] == 0
    np.testing.assert_allclose(fast[0], weights.user_factors, rtol=1e-4, atol=1e-5)


def test_sweeping_changes_no_decay() -> None:
    blocks, weights = arranged(make_rows()), as_float32(make_weights())
    decays = [side[:, 1:].copy() for side in weights[2:]]
    sgd.sweep(
        blocks, np.arange(N_GROUPS**2), blocks.starts[1:], weights, RATE, np.zeros(N_GROUPS**2)
    )
    assert all(
        np.array_equal(side[:, 1:], before)
        for side, before in zip(weights[2:], decays, strict=True)
    )


def swept_with(n_threads: int) -> tuple[Float32Weights, NDArray[np.float64]]:
    """Three epochs, stratum by stratum: the blocks of a stratum share neither a user group nor an item group."""
    blocks, weights, losses = (
        arranged(make_rows(20_000)),
        as_float32(make_weights()),
        np.zeros(N_GROUPS**2),
    )
    group = np.arange(N_GROUPS)
    with workers(n_threads) as run:
        for shift in [*group, *group, *group]:
            stratum = group * N_GROUPS + (group + shift) % N_GROUPS
            calls = [
                (blocks, stratum[thread::n_threads], blocks.starts[1:], weights, RATE, losses)
                for thread in range(n_threads)
            ]
            run(sgd.sweep, calls)
    return weights, losses


@pytest.mark.parametrize("n_threads", [2, 3, 4])
def test_any_number_of_threads_gives_the_same_bits(n_threads: int) -> None:
    one, many = swept_with(1), swept_with(n_threads)
    assert np.array_equal(one[1], many[1])
    assert all(np.array_equal(a, b) for a, b in zip(one[0], many[0], strict=True))


def test_loading_rows_ahead_changes_no_number() -> None:
    @njit
    def load_nothing(matrix: object, row: object) -> None:
        pass

    python = getattr(sgd.sweep, "py_func")  # noqa: B009, which mypy does not see
    names = {**vars(sgd), "prefetch_row": load_nothing}
    plain = FunctionType(python.__code__, names, argdefs=python.__defaults__)
    without = njit(fastmath=True)(plain)
    blocks, results = arranged(make_rows()), []
    for function in (sgd.sweep, without):
        weights, losses = as_float32(make_weights()), np.zeros(N_GROUPS**2)
        function(blocks, np.arange(N_GROUPS**2), blocks.starts[1:], weights, RATE, losses)
        results.append((*weights, losses))
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))
