"""Baseline: the global mean plus a bias for each user and each item, without interaction."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Indices
from matinee.data.ratings import Ratings
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.biases import Biases, shrunken_biases, typical_bias
from matinee.models.hyperparameters import hyper, learned
from matinee.models.interface import Capabilities


@dataclass(kw_only=True, eq=False)
class Baseline(Recommender):
    """The global mean plus shrunken user and item biases.

        stars(u, i) = mean + b_u + b_i

    Every other model has to beat it (Koren, "Factor in the neighbors", 2010, section 2.1).

    Example:
        >>> baseline = matinee.Baseline().fit(few)
        >>> round(baseline.predict(baseline.users_.id(0), 107) * 2) / 2
        4.0
    """

    name: ClassVar[str] = "baseline"
    summary: ClassVar[str] = (
        "It adds up three numbers: the mean of all ratings, how generous the person is, and "
        "how well liked the film is. It ignores personal taste."
    )
    capabilities = Capabilities(needs_stars=True)

    user_shrinkage: float = hyper(
        5.0,
        low=0,
        high=1000,
        search=(0.5, 50),
        help="pseudo-ratings at the mean added to each user",
    )
    item_shrinkage: float = hyper(
        5.0,
        low=0,
        high=1000,
        search=(0.5, 50),
        help="pseudo-ratings at the mean added to each item",
    )
    epochs: int = hyper(10, low=1, high=1000, help="alternations between users and items")

    global_mean_: NDArray[np.float64] = learned(dtype=np.float64)
    user_bias_: NDArray[np.float32] = learned("U", dtype=np.float32)
    item_bias_: NDArray[np.float32] = learned("I", dtype=np.float32)

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        del options  # a fraction of a second on one core
        self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
        residual = train.value - self.global_mean_
        user_bias, item_bias = shrunken_biases(
            train, residual, self.user_shrinkage, self.item_shrinkage, self.epochs
        )
        self.user_bias_ = user_bias.astype(np.float32)
        self.item_bias_ = item_bias.astype(np.float32)

    def _user_vectors(self, user_index: Indices) -> NDArray[np.float32]:
        return self.user_bias_[user_index, None]  # (B, 1)

    def _fold_in(
        self, item_index: NDArray[np.int32], value: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        residual = value - self.global_mean_ - self.item_bias_[item_index]  # (n,)
        return np.array([residual.sum() / max(len(value) + self.user_shrinkage, 1e-9)], np.float32)

    def _predict_all(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(
            vectors + (np.float32(self.global_mean_) + self.item_bias_)
        )  # (B, 1) + (I,)

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        nothing = np.empty(0)  # all ratings count alike, through the bias of the person alone
        mean, user_bias = float(self.global_mean_), float(profile.vector[0])
        typical = typical_bias(self.history_, self.user_bias_, user_bias)
        return [
            Attribution(
                mean, user_bias - typical, item_bias + typical, nothing, nothing, is_exact=True
            )
            for item_bias in self.item_bias_[item_index].tolist()
        ]

    def learned_biases(self) -> Biases:
        """The fitted mean and biases."""
        return Biases(float(self.global_mean_), self.user_bias_, self.item_bias_)

    def _predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        zero = np.float32(0)  # at index -1, for unknown users and items
        users, items = np.append(self.user_bias_, zero), np.append(self.item_bias_, zero)
        return np.asarray(np.float32(self.global_mean_) + users[user_index] + items[item_index])
