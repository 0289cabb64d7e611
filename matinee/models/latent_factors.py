"""Scores and predictions from tables of factors and biases, shared by the factor models."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats

PAIRS_PER_BLOCK = 20_000


class FactorTables(NamedTuple):
    """The learned tables; a prediction before any link is mean + b_u + b_i + p_u . q_i."""

    mean: float
    user_bias: Floats  # (U,)
    item_bias: Floats  # (I,)
    user_factors: Floats  # p, (U, F)
    item_factors: Floats  # q, (I, F)


def user_vectors(tables: FactorTables, user_index: NDArray[np.integer]) -> Floats:
    """Bias and factors of each user, (B, 1 + F)."""
    return np.column_stack([tables.user_bias[user_index], tables.user_factors[user_index]])


def scores(tables: FactorTables, vectors: Floats) -> Floats:
    """Scores of all items for each vector of bias and factors, (B, 1 + F) -> (B, I)."""
    fixed = np.float32(tables.mean) + tables.item_bias  # (I,)
    return vectors[:, 1:] @ tables.item_factors.T + vectors[:, :1] + fixed


def predictions(
    tables: FactorTables,
    user_index: NDArray[np.int32],
    item_index: NDArray[np.int32],
    unknown_user: Floats,
    unknown_item: Floats,
) -> Floats:
    """One prediction for each pair, (N,).

    Args:
        user_index, item_index: (N,); -1 for an unknown user or item.
        unknown_user, unknown_item: the vectors for index -1, bias and factors, (1 + F,).
    """
    out = np.empty(len(user_index), np.float32)
    n_blocks = len(user_index) // PAIRS_PER_BLOCK + 1
    for rows in np.array_split(np.arange(len(user_index)), n_blocks):
        users, items = user_index[rows], item_index[rows]
        bias_u, p = tables.user_bias[users], tables.user_factors[users]  # (n,), (n, F)
        bias_i, q = tables.item_bias[items], tables.item_factors[items]
        bias_u[users < 0], p[users < 0] = unknown_user[0], unknown_user[1:]
        bias_i[items < 0], q[items < 0] = unknown_item[0], unknown_item[1:]
        out[rows] = np.float32(tables.mean) + bias_u + bias_i + np.einsum("nf,nf->n", p, q)
    return out
