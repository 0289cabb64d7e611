"""Biases of users and items: how they are learned and described."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    residual: NDArray[np.float64],
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
    if weight is not None:
        return _weighted_biases(train, residual, user_shrinkage, item_shrinkage, epochs, weight)
    user_bias, item_bias = np.zeros(train.n_users), np.zeros(train.n_items)
    user_weight = 1 / np.maximum(train.user_counts + user_shrinkage, 1e-9)
    item_weight = 1 / np.maximum(train.item_counts + item_shrinkage, 1e-9)
    for _ in range(epochs):
        left = residual - user_bias[train.user_index]
        item_bias = np.bincount(train.item_index, left, minlength=train.n_items) * item_weight
        left = residual - item_bias[train.item_index]
        user_bias = np.bincount(train.user_index, left, minlength=train.n_users) * user_weight
    return user_bias, item_bias


def _weighted_biases(
    train: Ratings,
    residual: NDArray[np.float64],
    user_shrinkage: float,
    item_shrinkage: float,
    epochs: int,
    weight: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`shrunken_biases` with a weight for each rating, (N,)."""
    n_users, n_items = train.n_users, train.n_items
    user_bias, item_bias = np.zeros(n_users), np.zeros(n_items)
    user_sums = np.bincount(train.user_index, weight, minlength=n_users)
    item_sums = np.bincount(train.item_index, weight, minlength=n_items)
    user_weight = 1 / np.maximum(user_sums + user_shrinkage, 1e-9)
    item_weight = 1 / np.maximum(item_sums + item_shrinkage, 1e-9)
    for _ in range(epochs):
        left = weight * (residual - user_bias[train.user_index])
        item_bias = np.bincount(train.item_index, left, minlength=n_items) * item_weight
        left = weight * (residual - item_bias[train.item_index])
        user_bias = np.bincount(train.user_index, left, minlength=n_users) * user_weight
    return user_bias, item_bias


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
