"""Stochastic gradient descent for biased matrix factorization, block by block.

Users and items are divided into G groups each, and so the ratings into G x G blocks. Blocks
that share neither a user group nor an item group update different rows of the factors, so
several threads can process them at the same time with the result of one thread (Gemulla,
Nijkamp, Haas, Sismanis, "Large-scale matrix factorization with distributed stochastic gradient
descent", 2011). Ratings are stored in the order in which they are visited.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel
from matinee.kernels.prefetch import prefetch_row

F32 = np.float32
AHEAD = 4  # ratings to prefetch ahead; any number from 3 to 8 is equally fast


class Blocks(NamedTuple):
    """Ratings sorted by block; block b has the rows starts[b]:starts[b + 1] of the arrays."""

    users: NDArray[np.int32]  # (N,)
    items: NDArray[np.int32]  # (N,)
    values: NDArray[np.float32]  # (N,), standardized: mean 0, deviation 1
    starts: NDArray[np.int64]  # (G * G + 1,)


@kernel()
def arrange(
    user_index: NDArray[np.int32],
    item_index: NDArray[np.int32],
    value: NDArray[np.float32],
    user_group: NDArray[np.int32],
    item_group: NDArray[np.int32],
    n_groups: int,
    out: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]],
) -> Blocks:
    """The ratings sorted by block, user_group * G + item_group, in `out`; the sort is stable."""
    n = len(value)
    starts = np.zeros(n_groups * n_groups + 1, np.int64)
    for row in range(n):
        starts[user_group[user_index[row]] * n_groups + item_group[item_index[row]] + 1] += 1
    starts = np.cumsum(starts)
    next_row = starts.copy()
    users, items, values = out
    for row in range(n):
        block = user_group[user_index[row]] * n_groups + item_group[item_index[row]]
        target = next_row[block]
        next_row[block] = target + 1
        users[target], items[target], values[target] = user_index[row], item_index[row], value[row]
    return Blocks(users, items, values, starts)


@kernel()
def shuffle(ratings: Blocks, blocks: NDArray[np.int64], seed: int) -> None:
    """Shuffles the given blocks in place (Fisher-Yates), depending on seed and block only."""
    users, items, values, starts = ratings
    for block in blocks:
        state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + (
            np.uint64(block + 1) << np.uint64(32)
        )
        first = starts[block]
        for row in range(starts[block + 1] - 1, first, -1):
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


@kernel(fastmath=True)
def sweep(
    ratings: Blocks,
    blocks: NDArray[np.int64],
    stops: NDArray[np.int64],
    weights: tuple[
        NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]
    ],
    learning_rate: np.float32,
    losses: NDArray[np.float64],
    importance: NDArray[np.float32] | None = None,
) -> None:
    """Takes one gradient step per rating of the given blocks, up to the row stops[block].

    For the residual e = r - (b_u + b_i + p . q), a step is p += learning_rate * (e q - decay_u
    p), and likewise for q and the biases; all updates use the values before the step.
    losses[block] is set to the sum of e^2.

    Args:
        weights: user factors, (U, F), item factors, (I, F), and for users, (U, 3), and items,
            (I, 3), the bias, the decay of the factors and that of the bias.
        importance: (N,), by which each step on an error is multiplied, in the order of the
            ratings; None, for which separate code without it is compiled, means 1.
    """
    users, items, values, starts = ratings
    user_factors, item_factors, user_side, item_side = weights
    n_factors = user_factors.shape[1]
    for block in blocks:
        loss, stop = F32(0), stops[block]
        for row in range(starts[block], stop):
            ahead = min(row + AHEAD, stop - 1)
            prefetch_row(user_factors, np.intp(users[ahead]))
            prefetch_row(item_factors, np.intp(items[ahead]))
            user, item = users[row], items[row]
            p, q = user_factors[user], item_factors[item]  # (F,)
            bias_u, bias_i = user_side[user, 0], item_side[item, 0]
            dot = F32(0)
            for f in range(n_factors):
                dot += p[f] * q[f]
            error = values[row] - bias_u - bias_i - dot
            loss += error * error
            if importance is None:
                step = learning_rate * error
            else:
                step = learning_rate * error * importance[row]
            user_side[user, 0] = bias_u + step - learning_rate * user_side[user, 2] * bias_u
            item_side[item, 0] = bias_i + step - learning_rate * item_side[item, 2] * bias_i
            keep_p = F32(1) - learning_rate * user_side[user, 1]
            keep_q = F32(1) - learning_rate * item_side[item, 1]
            for f in range(n_factors):
                p_f, q_f = p[f], q[f]
                p[f] = keep_p * p_f + step * q_f
                q[f] = keep_q * q_f + step * p_f
        losses[block] = loss
