"""Stochastic gradient descent for biased matrix factorization, block by block.

Users and items are divided into G groups each, and so the ratings into G x G blocks. Blocks
that share neither a user group nor an item group update different rows of the factors, so
several threads can process them at the same time with the result of one thread (Gemulla,
Nijkamp, Haas, Sismanis, "Large-scale matrix factorization with distributed stochastic gradient
descent", 2011). The rows of a group are adjacent, so that those of a block stay in the cache,
and a rating refers to them by two numbers of 16 bits. Ratings are stored in the order in which
they are visited.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel
from matinee.kernels.vectors import (
    LANES,
    Floats,
    add_product,
    broadcast,
    load,
    prefetch,
    store,
    times,
    total,
)

F32 = np.float32
AHEAD = np.uint64(8)
"""Ratings to prefetch ahead; 8 take a fifth less time than 4 on 25 million ratings, 16 no less."""
MOST_IN_GROUP = 2**16
"""Rows of a group, which 16 bits count."""
BIAS, KEEP, KEEP_BIAS = 0, 1, 2
"""Columns of `LearnedRows.biases`. A step multiplies the factors by the second and the bias by
the third."""


class RowGroups(NamedTuple):
    """The groups of users, or items. Position p of the tables of `LearnedRows` is row order[p]."""

    group: NDArray[np.int32]  # (R,)
    place: NDArray[np.uint16]  # (R,), within the group
    order: NDArray[np.int64]  # (R,)
    starts: NDArray[np.int64]  # (G + 1,), the first position of each group


class Blocks(NamedTuple):
    """Ratings sorted by block; block b has the rows starts[b]:ends[b] of the arrays.

    Blocks that are visited one after the other are adjacent: a disk is then read in order.
    """

    users: NDArray[np.uint16]  # (N,), places within the groups
    items: NDArray[np.uint16]  # (N,)
    values: NDArray[np.float32]  # (N,), standardized: mean 0, deviation 1
    starts: NDArray[np.int64]  # (G * G,); the number of a block is user group * G + item group
    ends: NDArray[np.int64]  # (G * G,)


class LearnedRows(NamedTuple):
    """What is learned about users, or items, by position."""

    factors: Floats  # (R, P): the F columns, and zeros
    biases: Floats  # (R, 4)
    starts: NDArray[np.int64]  # (G + 1,), of the groups


def groups_of(group: NDArray[np.int32], n_groups: int) -> RowGroups:
    """Groups whose rows are adjacent, in their old order."""
    order = np.argsort(group, kind="stable")
    starts = np.append(0, np.cumsum(np.bincount(group, minlength=n_groups)))
    place = np.empty(len(group), np.int64)
    place[order] = np.arange(len(group)) - starts[group[order]]
    return RowGroups(group, place.astype(np.uint16), order, starts)


@kernel()
def count_blocks(
    user_index: NDArray[np.int32],
    item_index: NDArray[np.int32],
    by_user: RowGroups,
    by_item: RowGroups,
) -> NDArray[np.int64]:
    """The number of ratings of each block, (G * G,)."""
    n_groups = len(by_user.starts) - 1
    counts = np.zeros(n_groups * n_groups, np.int64)
    for row in range(len(user_index)):
        group = by_user.group[user_index[row]], by_item.group[item_index[row]]
        counts[group[0] * n_groups + group[1]] += 1
    return counts


@kernel()
def starts_of(counts: NDArray[np.int64], n_groups: int) -> NDArray[np.int64]:
    """Where blocks of these sizes begin, (G * G,): in the order in which they are visited."""
    starts, total = np.empty(len(counts), np.int64), np.int64(0)
    for shift in range(n_groups):
        for group in range(n_groups):
            block = group * n_groups + (group + shift) % n_groups
            starts[block] = total
            total += counts[block]
    return starts


@kernel()
def arrange(
    user_index: NDArray[np.int32],
    item_index: NDArray[np.int32],
    value: NDArray[np.float32],
    by_user: RowGroups,
    by_item: RowGroups,
    out: tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.float32]],
) -> Blocks:
    """The ratings sorted by block in `out`; the sort is stable."""
    n_groups = len(by_user.starts) - 1
    starts = starts_of(count_blocks(user_index, item_index, by_user, by_item), n_groups)
    next_row = starts.copy()
    users, items, values = out
    for row in range(len(value)):
        user, item = user_index[row], item_index[row]
        block = by_user.group[user] * n_groups + by_item.group[item]
        target = next_row[block]
        next_row[block] = target + 1
        users[target], items[target] = by_user.place[user], by_item.place[item]
        values[target] = value[row]
    return Blocks(users, items, values, starts, next_row)


@kernel()
def deal(
    index: NDArray[np.int32],
    other: NDArray[np.integer],
    value: NDArray[np.float32],
    by: RowGroups,
    next_row: NDArray[np.int64],
    out: tuple[NDArray[np.uint16], NDArray[np.integer], NDArray[np.float32]],
) -> None:
    """Sorts ratings by the groups of one side into `out`; the sort is stable.

    For tables on a disk: first by user group, then the ratings of each by item group, so that only
    G places are written in turn, and not G * G.

    Args:
        index: the users, or items, (n,), which become places within their groups.
        other: what goes along: the other side, (n,).
        next_row: where each group begins in `out`, (G,); changed in place.
        out: the places, the other side and the values, at least (n,) each.
    """
    places, others, values = out
    for row in range(len(value)):
        group = by.group[index[row]]
        target = next_row[group]
        next_row[group] = target + 1
        places[target], others[target] = by.place[index[row]], other[row]
        values[target] = value[row]


@kernel()
def shuffle(ratings: Blocks, blocks: NDArray[np.int64], seed: int) -> None:
    """Shuffles the given blocks in place (Fisher-Yates), depending on seed and block only."""
    users, items, values, starts, ends = ratings
    for block in blocks:
        state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + (
            np.uint64(block + 1) << np.uint64(32)
        )
        first = starts[block]
        for row in range(ends[block] - 1, first, -1):
            # SplitMix64 (Steele, Lea, Flood, 2014): one 64-bit number per step from a counter.
            state += np.uint64(0x9E3779B97F4A7C15)
            mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            other = first + np.int64(
                (mixed ^ (mixed >> np.uint64(31))) % np.uint64(row - first + 1)
            )
            users[row], users[other] = users[other], users[row]
            items[row], items[other] = items[other], items[row]
            values[row], values[other] = values[other], values[row]


@kernel()
def take_rows(
    order: NDArray[np.int64],
    span: tuple[int, int],
    factors: Floats,
    side: Floats,
    learning_rate: np.float32,
    out: LearnedRows,
) -> None:
    """Fills the positions first:stop of the tables from the rows of the weights.

    Args:
        factors: (R, F).
        side: the bias, the decay of the factors and that of the bias, (R, 3).
    """
    n_factors = factors.shape[1]
    for position in range(span[0], span[1]):
        row = order[position]
        for f in range(n_factors):
            out.factors[position, f] = factors[row, f]
        out.biases[position, BIAS] = side[row, 0]
        out.biases[position, KEEP] = F32(1) - learning_rate * side[row, 1]
        out.biases[position, KEEP_BIAS] = F32(1) - learning_rate * side[row, 2]


@kernel()
def return_rows(
    order: NDArray[np.int64],
    span: tuple[int, int],
    factors: Floats,
    side: Floats,
    learned: LearnedRows,
) -> None:
    """Writes the positions first:stop back to the rows of the weights; see `take_rows`."""
    n_factors = factors.shape[1]
    for position in range(span[0], span[1]):
        row = order[position]
        for f in range(n_factors):
            factors[row, f] = learned.factors[position, f]
        side[row, 0] = learned.biases[position, BIAS]


@kernel(fastmath=True, is_inlined=True)
def _sweep_block(
    ratings: Blocks,
    rows: tuple[int, int],
    sides: tuple[LearnedRows, LearnedRows],
    firsts: tuple[np.uint64, np.uint64],
    width: int,
    rate: np.float32,
    importance: NDArray[np.float32] | None,
) -> np.float32:
    """See `sweep`; indices without a sign need no check for numbers below zero.

    Args:
        firsts: the first user and the first item of the block.
    """
    users, items, values = ratings.users, ratings.items, ratings.values
    user_factors, user_biases, _ = sides[0]
    item_factors, item_biases, _ = sides[1]
    first_user, first_item = firsts
    loss, last = F32(0), np.uint64(rows[1] - 1)
    for row in range(np.uint64(rows[0]), np.uint64(rows[1])):
        ahead = min(row + AHEAD, last)
        user, item = first_user + users[ahead], first_item + items[ahead]
        for f in range(0, width, LANES):
            prefetch(user_factors, user, f)
            prefetch(item_factors, item, f)
        user, item = first_user + users[row], first_item + items[row]
        products = broadcast(F32(0))
        for f in range(0, width, LANES):
            q = load(item_factors, item, f)
            products = add_product(products, load(user_factors, user, f), q)
        bias_u, bias_i = user_biases[user, BIAS], item_biases[item, BIAS]
        error = values[row] - bias_u - bias_i - total(products)
        loss += error * error
        step = rate * error
        if importance is not None:
            step *= importance[row]
        user_biases[user, BIAS] = user_biases[user, KEEP_BIAS] * bias_u + step
        item_biases[item, BIAS] = item_biases[item, KEEP_BIAS] * bias_i + step
        keep_p, keep_q = broadcast(user_biases[user, KEEP]), broadcast(item_biases[item, KEEP])
        by = broadcast(step)
        for f in range(0, width, LANES):
            p, q = load(user_factors, user, f), load(item_factors, item, f)
            store(user_factors, user, f, add_product(times(keep_p, p), by, q))
            store(item_factors, item, f, add_product(times(keep_q, q), by, p))
    return loss


@kernel(fastmath=True)
def sweep(
    ratings: Blocks,
    blocks: NDArray[np.int64],
    stops: NDArray[np.int64],
    sides: tuple[LearnedRows, LearnedRows],
    learning_rate: np.float32,
    losses: NDArray[np.float64],
    importance: NDArray[np.float32] | None = None,
) -> None:
    """Takes one gradient step per rating of the given blocks, up to the row stops[block].

    For the residual e = r - (b_u + b_i + p . q), a step is p += learning_rate * (e q - decay_u
    p), and likewise for q and the biases; all updates use the values before the step.
    losses[block] is set to the sum of e^2.

    Args:
        sides: of users and of items.
        importance: (N,), by which each step on an error is multiplied, in the order of the
            ratings; None, for which separate code without it is compiled, means 1.
    """
    n_groups, width = len(sides[0].starts) - 1, sides[0].factors.shape[1]
    for block in blocks:
        rows = ratings.starts[block], stops[block]
        firsts = (
            np.uint64(sides[0].starts[block // n_groups]),
            np.uint64(sides[1].starts[block % n_groups]),
        )
        # A known width keeps the factors in registers.
        if width == 2 * LANES:
            loss = _sweep_block(ratings, rows, sides, firsts, 2 * LANES, learning_rate, importance)
        else:
            loss = _sweep_block(ratings, rows, sides, firsts, width, learning_rate, importance)
        losses[block] = loss
