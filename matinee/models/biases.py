"""Biases: what users give and what items get beyond the mean, and how models learn and describe it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import Ratings
from matinee.models.history import History


@dataclass(frozen=True, eq=False)
class Biases:
    """What a model learned of users and items by themselves.

    Without what tells tastes apart, a prediction is mean + user + item, before any sigmoid.

    Attributes:
        mean: of all ratings; 0 for a model that has none.
        user, item: (U,) and (I,).
        sigmoid: the range of a sigmoid that turns sums into stars; both ends are equal without one.
        factors: with a sigmoid, the factors of users, (U, F), and items, (I, F): training does not
            keep their products about zero.
    """

    mean: float
    user: NDArray[np.float32]
    item: NDArray[np.float32]
    sigmoid: tuple[float, float] = (0.0, 0.0)
    factors: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    @property
    def is_in_stars(self) -> bool:
        """Whether they are in stars, and not before a sigmoid."""
        return self.sigmoid[0] == self.sigmoid[1]


def shrunken_biases(
    train: Ratings, residual: NDArray[np.float64], user_shrinkage: float, item_shrinkage: float, epochs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """User and item biases, (U,) and (I,), that minimise

        sum (residual - b_u - b_i)^2 + user_shrinkage * sum b_u^2 + item_shrinkage * sum b_i^2

    by solving for one side with the other fixed, in turn. A side with few ratings is pulled towards 0, as if that
    many ratings at the mean had been given besides.
    """
    user_bias, item_bias = np.zeros(train.n_users), np.zeros(train.n_items)
    user_weight = 1 / np.maximum(train.user_counts + user_shrinkage, 1e-9)
    item_weight = 1 / np.maximum(train.item_counts + item_shrinkage, 1e-9)
    for _ in range(epochs):
        left = residual - user_bias[train.user_index]
        item_bias = np.bincount(train.item_index, left, minlength=train.n_items) * item_weight
        left = residual - item_bias[train.item_index]
        user_bias = np.bincount(train.user_index, left, minlength=train.n_users) * user_weight
    return user_bias, item_bias


def typical_bias(history: History, user_bias: NDArray[np.float32], own: float) -> float:
    """How generous most people are, in stars (see `median_bias`). For somebody of whom nothing is known, whose own bias
    is exactly 0, it is 0: nothing can be said of them beyond others."""
    return median_bias(history, user_bias) if own else 0.0


def median_bias(history: History, user_bias: NDArray[np.float32]) -> float:
    """The median bias of the users with training ratings, or of all users in a file without histories.

    It is not 0, since those who rate much draw the mean of all ratings to theirs.
    """
    known = history.counts > 0 if not history.is_empty else slice(None)
    return float(np.median(user_bias[known]))
