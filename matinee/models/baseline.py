"""Baseline: what everybody gives, how generous you are, and how well liked the film is. No interaction.

    stars(u, i) = mean + b_u + b_i

The bar that every other model has to clear (Koren, "Factor in the neighbors", 2010, section 2.1).
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.settings import hyper
from matinee.ratings import Ratings


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


def typical_bias(model: Recommender, user_bias: NDArray[np.float32], own: float) -> float:
    """How generous most people are, in stars (see `median_bias`). For somebody of whom nothing is known, whose own bias
    is exactly 0, it is 0: nothing can be said of them beyond others."""
    return median_bias(model, user_bias) if own else 0.0


def median_bias(model: Recommender, user_bias: NDArray[np.float32]) -> float:
    """The median bias of the users with training ratings, or of all users in a file without histories.

    It is not 0, since those who rate much draw the mean of all ratings to theirs.
    """
    known = np.diff(model.history_indptr_) > 0 if len(model.history_values_) else slice(None)
    return float(np.median(user_bias[known]))


@dataclass(kw_only=True, eq=False)
class Baseline(Recommender):
    """Global mean plus shrunken user and item biases."""

    name: ClassVar[str] = "baseline"
    needs_stars: ClassVar[bool] = True
    learned: ClassVar[tuple[str, ...]] = ("global_mean_", "user_bias_", "item_bias_")

    user_shrinkage: float = hyper(
        5.0, low=0, high=1000, search=(0.5, 50), help="ratings at the mean that each user is given besides"
    )
    item_shrinkage: float = hyper(
        5.0, low=0, high=1000, search=(0.5, 50), help="ratings at the mean that each item is given besides"
    )
    epochs: int = hyper(10, low=1, high=1000, help="alternations between users and items")

    global_mean_: NDArray[np.float64] = field(init=False, repr=False)
    user_bias_: NDArray[np.float32] = field(init=False, repr=False)
    item_bias_: NDArray[np.float32] = field(init=False, repr=False)

    def _fit(self, train: Ratings, how: Fitting) -> None:
        del how  # a fraction of a second on one core
        self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
        residual = train.value - self.global_mean_
        user_bias, item_bias = shrunken_biases(train, residual, self.user_shrinkage, self.item_shrinkage, self.epochs)
        self.user_bias_, self.item_bias_ = user_bias.astype(np.float32), item_bias.astype(np.float32)

    def _user_vectors(self, user_index: NDArray[Any]) -> NDArray[np.float32]:
        return self.user_bias_[user_index, None]  # (B, 1)

    def _fold_in(self, item_index: NDArray[np.int32], value: NDArray[np.float32]) -> NDArray[np.float32]:
        residual = value - self.global_mean_ - self.item_bias_[item_index]  # (n,)
        return np.array([residual.sum() / max(len(value) + self.user_shrinkage, 1e-9)], np.float32)

    def _scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(vectors + (np.float32(self.global_mean_) + self.item_bias_))  # (B, 1) + (I,)

    def _parts(self, profile: Profile, item_index: int) -> Parts:
        nothing = np.empty(0)  # all ratings count alike, and only through how generous the person is
        user_bias, item_bias = float(profile.vector[0]), float(self.item_bias_[item_index])
        typical = typical_bias(self, self.user_bias_, user_bias)
        fixed = float(self.global_mean_), user_bias - typical, item_bias + typical
        return Parts(*fixed, nothing, nothing, is_exact=True)

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> NDArray[np.float32]:
        zero = np.float32(0)  # what an index of -1 finds
        users, items = np.append(self.user_bias_, zero), np.append(self.item_bias_, zero)
        return np.asarray(np.float32(self.global_mean_) + users[user_index] + items[item_index])
