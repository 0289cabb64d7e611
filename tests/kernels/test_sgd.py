"""The kernels of gradient descent against their slow twins."""

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.kernels import sgd
from matinee.kernels.vectors import aligned, padded
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


def groups() -> tuple[sgd.RowGroups, sgd.RowGroups]:
    users, items = make_groups()
    return sgd.groups_of(users, N_GROUPS), sgd.groups_of(items, N_GROUPS)


def arranged(rows: list[reference.Row]) -> sgd.Blocks:
    users, items, values = (np.array(column) for column in zip(*rows, strict=True))
    columns = users.astype(np.int32), items.astype(np.int32), values.astype(np.float32)
    n = len(columns[0])
    out = np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.float32)
    return sgd.Blocks(*sgd.arrange(*columns, *groups(), out))


def rows_of(blocks: sgd.Blocks, block: int) -> list[reference.Row]:
    mine = slice(blocks.starts[block], blocks.ends[block])
    by_user, by_item = groups()
    user = by_user.order[by_user.starts[block // N_GROUPS] + blocks.users[mine]]
    item = by_item.order[by_item.starts[block % N_GROUPS] + blocks.items[mine]]
    return list(zip(user.tolist(), item.tolist(), blocks.values[mine].tolist(), strict=True))


def all_rows(blocks: sgd.Blocks) -> list[reference.Row]:
    return [row for block in range(N_GROUPS**2) for row in rows_of(blocks, block)]


def make_weights() -> reference.Weights:
    rng = np.random.default_rng(9)
    factors = (rng.normal(0, 0.3, (size, N_FACTORS)) for size in (N_USERS, N_ITEMS))
    sides = (rng.uniform(0, 0.5, (size, 3)) for size in (N_USERS, N_ITEMS))
    return reference.Weights(*factors, *sides)


Sides = tuple[sgd.LearnedRows, sgd.LearnedRows]


def taken(weights: reference.Weights) -> Sides:
    """The weights by position."""
    found = []
    for by, factors, side in zip(groups(), weights[:2], weights[2:], strict=True):
        n = len(factors)
        table = sgd.LearnedRows(aligned(n, padded(factors.shape[1])), aligned(n, 4), by.starts)
        rows = factors.astype(np.float32), side.astype(np.float32)
        sgd.take_rows(by.order, (0, n), *rows, RATE, table)
        found.append(table)
    return found[0], found[1]


def returned(sides: Sides) -> reference.Weights:
    """The weights by row, without the decays."""
    factors, biases = [], []
    for by, table in zip(groups(), sides, strict=True):
        n = len(by.order)
        factors.append(np.zeros((n, N_FACTORS), np.float32))
        biases.append(np.zeros((n, 3), np.float32))
        sgd.return_rows(by.order, (0, n), factors[-1], biases[-1], table)
    return reference.Weights(*factors, *biases)


def assert_close(sides: Sides, twin: reference.Weights) -> None:
    for mine, expected in zip(returned(sides)[:2], twin[:2], strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)
    for mine, expected in zip(returned(sides)[2:], twin[2:], strict=True):
        np.testing.assert_allclose(mine[:, 0], expected[:, 0], rtol=1e-4, atol=1e-5)


def test_groups_say_where_each_row_is() -> None:
    group = make_groups()[0]
    by = sgd.groups_of(group, N_GROUPS)
    assert sorted(by.order.tolist()) == list(range(N_USERS))
    position = by.starts[group] + by.place
    assert np.array_equal(by.order[position], np.arange(N_USERS))
    assert np.array_equal(np.diff(by.starts), np.bincount(group, minlength=N_GROUPS))


def test_rows_that_are_taken_and_returned_are_the_same() -> None:
    weights = make_weights()
    assert_close(taken(weights), weights)


def test_arranging_agrees_with_the_twin() -> None:
    rows = make_rows()
    user_group, item_group = make_groups()
    blocks = arranged(rows)
    twin = reference.arrange(rows, user_group.tolist(), item_group.tolist(), N_GROUPS)
    assert [rows_of(blocks, block) for block in range(N_GROUPS**2)] == twin


def test_arranging_by_user_group_first_gives_the_same_blocks() -> None:
    rows = make_rows()
    users, items, values = (np.array(column) for column in zip(*rows, strict=True))
    columns = users.astype(np.int32), items.astype(np.int32), values.astype(np.float32)
    by_user, by_item = groups()
    counts = sgd.count_blocks(*columns[:2], by_user, by_item)
    starts, n = sgd.starts_of(counts, N_GROUPS), len(rows)
    sizes = counts.reshape(N_GROUPS, N_GROUPS).sum(axis=1)
    firsts = np.cumsum(sizes) - sizes
    dealt = np.empty(n, np.uint16), np.empty(n, np.int32), np.empty(n, np.float32)
    sgd.deal(*columns, by_user, firsts.copy(), dealt)
    out = np.empty(n, np.uint16), np.empty(n, np.uint16), np.empty(n, np.float32)
    for group, (first, size) in enumerate(zip(firsts.tolist(), sizes.tolist(), strict=True)):
        own = slice(first, first + size)
        next_row = starts[group * N_GROUPS : (group + 1) * N_GROUPS].copy()
        part = dealt[1][own], dealt[0][own], dealt[2][own]
        sgd.deal(*part, by_item, next_row, (out[1], out[0], out[2]))
    blocks = arranged(rows)
    assert np.array_equal(starts, blocks.starts)
    assert np.array_equal(starts + counts, blocks.ends)
    assert np.array_equal(out[0], blocks.users)
    assert np.array_equal(out[1], blocks.items)
    assert np.array_equal(out[2], blocks.values)


def test_every_rating_is_in_exactly_one_block() -> None:
    rows = make_rows()
    blocks = arranged(rows)
    group = np.arange(N_GROUPS)
    visited = [g * N_GROUPS + (g + shift) % N_GROUPS for shift in group for g in group]
    assert (blocks.starts[visited[0]], blocks.ends[visited[-1]]) == (0, len(rows))
    assert np.array_equal(blocks.starts[visited[1:]], blocks.ends[visited[:-1]])
    assert sorted(all_rows(blocks)) == sorted(rows)


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
    fast, losses = taken(weights), np.zeros(N_GROUPS**2)
    sgd.sweep(blocks, np.arange(N_GROUPS**2), blocks.ends, fast, RATE, losses)
    for block in range(N_GROUPS**2):
        loss = reference.sweep(rows_of(blocks, block), weights, float(RATE))
        assert losses[block] == pytest.approx(loss, rel=1e-4)
    assert_close(fast, weights)


def test_sweeping_leaves_out_the_rows_from_the_stop_on() -> None:
    blocks, weights = arranged(make_rows()), make_weights()
    fast, losses = taken(weights), np.zeros(N_GROUPS**2)
    stops = blocks.ends.copy()
    stops[3], stops[6] = stops[3] - 5, blocks.starts[6]
    sgd.sweep(blocks, np.array([3, 6]), stops, fast, RATE, losses)
    assert losses[3] == pytest.approx(
        reference.sweep(rows_of(blocks, 3)[:-5], weights, float(RATE)), rel=1e-4
    )
    assert losses[6] == 0
    assert_close(fast, weights)


def test_sweeping_leaves_decays_and_unused_columns_as_they_are() -> None:
    blocks, sides = arranged(make_rows()), taken(make_weights())
    before = [side.biases[:, 1:].copy() for side in sides]
    every = np.arange(N_GROUPS**2)
    sgd.sweep(blocks, every, blocks.ends, sides, RATE, np.zeros(N_GROUPS**2))
    for side, decays in zip(sides, before, strict=True):
        assert np.array_equal(side.biases[:, 1:], decays)
        assert not side.factors[:, N_FACTORS:].any()


@pytest.mark.parametrize("n_factors", [32, 40])
def test_rows_of_several_vectors_agree_with_the_twin(n_factors: int) -> None:
    rng = np.random.default_rng(10)
    shapes = (N_USERS, n_factors), (N_ITEMS, n_factors), (N_USERS, 3), (N_ITEMS, 3)
    weights = reference.Weights(*(rng.uniform(0, 0.2, shape) for shape in shapes))
    blocks, sides, losses = arranged(make_rows()), taken(weights), np.zeros(N_GROUPS**2)
    sgd.sweep(blocks, np.arange(N_GROUPS**2), blocks.ends, sides, RATE, losses)
    for block in range(N_GROUPS**2):
        loss = reference.sweep(rows_of(blocks, block), weights, float(RATE))
        assert losses[block] == pytest.approx(loss, rel=1e-3)
    for by, side, factors in zip(groups(), sides, weights[:2], strict=True):
        found = side.factors[:, :n_factors]
        np.testing.assert_allclose(found, factors[by.order], rtol=1e-3, atol=1e-4)


def swept_with(n_threads: int) -> tuple[Sides, NDArray[np.float64]]:
    """Three epochs, stratum by stratum: the blocks of a stratum share neither a user group nor an item group."""
    blocks, sides, losses = (
        arranged(make_rows(20_000)),
        taken(make_weights()),
        np.zeros(N_GROUPS**2),
    )
    group = np.arange(N_GROUPS)
    with workers(n_threads) as run:
        for shift in [*group, *group, *group]:
            stratum = group * N_GROUPS + (group + shift) % N_GROUPS
            calls = [
                (blocks, stratum[thread::n_threads], blocks.ends, sides, RATE, losses)
                for thread in range(n_threads)
            ]
            run(sgd.sweep, calls)
    return sides, losses


@pytest.mark.parametrize("n_threads", [2, 3, 4])
def test_any_number_of_threads_gives_the_same_bits(n_threads: int) -> None:
    one, many = swept_with(1), swept_with(n_threads)
    assert np.array_equal(one[1], many[1])
    for mine, other in zip(one[0], many[0], strict=True):
        assert np.array_equal(mine.factors, other.factors)
        assert np.array_equal(mine.biases, other.biases)
