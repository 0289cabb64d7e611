"""Biases of users and items: how they are learned and described."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.block_sums import BLOCK, sums_by
from matinee.data.ratings import Ratings
from matinee.models.history import History


@dataclass(frozen=True, eq=False)
class Biases:
    """The learned mean, user biases and item biases.

    Without the interaction of tastes, a prediction is mean + user + item, before any sigmoid.

    Attributes:
        mean: the mean of all ratings; 0 for a model without a mean.
        user, item: (U,) and (I,).
        sigmoid: the range of a sigmoid that turns sums into stars; both ends are equal without
            one.
        factors: with a sigmoid, the factors of users, (U, F), and items, (I, F), because the
            mean of their products is not zero.
    """

    mean: float
    user: NDArray[np.float32]
    item: NDArray[np.float32]
    sigmoid: tuple[float, float] = (0.0, 0.0)
    factors: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    @property
    def is_in_stars(self) -> bool:
        """Whether the biases are in stars, not in the argument of a sigmoid."""
        return self.sigmoid[0] == self.sigmoid[1]


def shrunken_biases(
    train: Ratings,
    residual: NDArray[np.floating],
    user_shrinkage: float,
    item_shrinkage: float,
    epochs: int,
    weight: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """User and item biases, (U,) and (I,), that minimize

        sum (residual - b_u - b_i)^2 + user_shrinkage * sum b_u^2 + item_shrinkage * sum b_i^2

    Each epoch solves for the item biases with the user biases fixed, then the reverse. The
    shrinkage acts like that many additional ratings with a residual of 0.

    Args:
        weight: the weight of each squared error, (N,); None if all weigh 1.
    """
    users, items = train.user_index, train.item_index
    user_sums: NDArray[np.number] = train.user_counts
    item_sums: NDArray[np.number] = train.item_counts
    if weight is not None:
        user_sums = sums_by(users, weight, train.n_users)
        item_sums = sums_by(items, weight, train.n_items)
    user_bias, item_bias = np.zeros(train.n_users), np.zeros(train.n_items)
    user_weight = 1 / np.maximum(user_sums + user_shrinkage, 1e-9)
    item_weight = 1 / np.maximum(item_sums + item_shrinkage, 1e-9)
    for _ in range(epochs):
        item_bias = _sums_left(residual, users, user_bias, items, weight, train.n_items)
        item_bias *= item_weight
        user_bias = _sums_left(residual, items, item_bias, users, weight, train.n_users)
        user_bias *= user_weight
    return user_bias, item_bias


def _sums_left(
    residual: NDArray[np.floating],
    others: NDArray[np.int32],
    bias: NDArray[np.float64],
    index: NDArray[np.int32],
    weight: NDArray[np.float32] | None,
    n: int,
) -> NDArray[np.float64]:
    """The sums by index, (n,), of what the biases of the other side leave of the residuals."""
    sums = np.zeros(n)
    for start in range(0, len(residual), BLOCK):
        at = slice(start, start + BLOCK)
        left = residual[at] - bias[others[at]]
        if weight is not None:
            left = weight[at] * left
        sums += np.bincount(index[at], left, minlength=n)
    return sums


def typical_bias(history: History, user_bias: NDArray[np.float32], own: float) -> float:
    """The median bias (see `median_bias`), to compare a person's own bias with, in stars.

    It is 0 for a person without ratings, whose own bias is exactly 0: nothing is known about
    how they differ from others.
    """
    if not own:
        return 0.0
    return median_bias(history, user_bias)


def median_bias(history: History, user_bias: NDArray[np.float32]) -> float:
    """The median bias of the users with training ratings; of all users without a history, and 0
    without users.

    It differs from 0 because users with many ratings dominate the mean of all ratings.
    """
    if len(user_bias) == 0:
        return 0.0
    if history.is_empty:
        return float(np.median(user_bias))
    return float(np.median(user_bias[history.counts > 0]))
