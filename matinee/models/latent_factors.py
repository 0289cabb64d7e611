"""What factor models share: scores and predictions from tables of factors and biases, and folding in a new person."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats


class Sides(NamedTuple):
    """The learnt tables; a prediction before any link is mean + b_u + b_i + p_u . q_i."""

    mean: float
    user_bias: Floats  # (U,)
    item_bias: Floats  # (I,)
    user_factors: Floats  # p, (U, F)
    item_factors: Floats  # q, (I, F)


def user_vectors(sides: Sides, user_index: NDArray[np.integer]) -> Floats:
    """Bias and factors of each user, (B, 1 + F)."""
    return np.column_stack([sides.user_bias[user_index], sides.user_factors[user_index]])


def scores(sides: Sides, vectors: Floats) -> Floats:
    """All items for each vector of bias and factors, (B, 1 + F) -> (B, I)."""
    fixed = np.float32(sides.mean) + sides.item_bias  # (I,)
    return vectors[:, 1:] @ sides.item_factors.T + vectors[:, :1] + fixed


def predictions(
    sides: Sides, user_index: NDArray[np.int32], item_index: NDArray[np.int32], unknown: tuple[Floats, Floats]
) -> Floats:
    """One number for each pair, (N,).

    Args:
        unknown: the vectors, (1 + F,), that stand for a user and for an item with index -1.
    """
    out = np.empty(len(user_index), np.float32)
    for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
        users, items = user_index[rows], item_index[rows]
        bias_u, p = sides.user_bias[users], sides.user_factors[users]  # (n,), (n, F)
        bias_i, q = sides.item_bias[items], sides.item_factors[items]
        bias_u[users < 0], p[users < 0] = unknown[0][0], unknown[0][1:]
        bias_i[items < 0], q[items < 0] = unknown[1][0], unknown[1][1:]
        out[rows] = np.float32(sides.mean) + bias_u + bias_i + np.einsum("nf,nf->n", p, q)
    return out
