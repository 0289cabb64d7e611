"""Items that nobody has rated: what is expected of them from their features, such as genres.

The prior of `gibbs.py` combines the features of an item with the set of users who rated it. For an
item without ratings this set is missing, so the features alone must stand for both. Therefore, in
each stored draw, the factors and biases of all rated items are regressed on their features once
more, without the sets: a ridge regression for each column, whose penalty is the ratio of the
variances of residuals and weights (MacKay, "Bayesian interpolation", 1992). The draws of the
sampler do not change.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Halves
from matinee.data.features import Features
from matinee.errors import UnsupportedError
from matinee.models.bayes.ordered_probit import Link
from matinee.models.bayes.rating_moments import rating_moments
from matinee.models.bayes.side_information import Block

ITERATIONS = 20
ITEMS_AT_ONCE = 4096


class ItemRegression(NamedTuple):
    """The features of the rated items, rotated so that their covariances are diagonal."""

    is_rated: NDArray[np.bool_]  # (I,)
    rows: Doubles  # (R, K), centered
    squares: Doubles  # (K,), the squared lengths of the columns of rows
    axes: Doubles  # (C, K)
    center: Doubles  # (K,)

    @classmethod
    def of(cls, block: Block, counts: NDArray[np.int64]) -> "ItemRegression":
        """The regression on a block of features, (I, K).

        Args:
            counts: the number of ratings of each item, (I,).
        """
        is_rated = counts > 0
        table = (block.rows * block.lengths).astype(np.float64)  # (I, K)
        center = table[is_rated].mean(axis=0)
        rows = table[is_rated] - center
        squares, rotation = np.linalg.eigh(rows.T @ rows)
        axes = block.right.astype(np.float64) @ rotation
        return cls(is_rated, rows @ rotation, np.maximum(squares, 0), axes, center @ rotation)

    def draw(self, table: Floats) -> Doubles:
        """The regression of a draw of the items, (I, F + 1).

        Returns:
            The weights of the labels, then the mean of an item without labels, then the
            standard deviation of the residuals: (C + 2, F + 1).
        """
        rated = table[self.is_rated].astype(np.float64)  # (R, F + 1)
        mean = rated.mean(axis=0)
        total = np.square(rated - mean).sum(axis=0)
        products = self.rows.T @ (rated - mean)  # (K, F + 1)
        squares, n = self.squares[:, None], len(rated)
        ratio = np.full(len(mean), 1.0)
        for _ in range(ITERATIONS):
            weights = products / (squares + ratio)
            n_fitted = (squares / (squares + ratio)).sum(axis=0)
            fitted = (2 * products - squares * weights) * weights
            residual = np.maximum(total - fitted.sum(axis=0), 1e-12) / np.maximum(n - n_fitted, 1)
            spread = np.square(weights).sum(axis=0) / np.maximum(n_fitted, 1e-9)
            ratio = residual / np.maximum(spread, 1e-9 * residual + 1e-12)
        return np.vstack([self.axes @ weights, mean - self.center @ weights, np.sqrt(residual)])


def new_item_moments(
    vector: Floats,
    features: Features | None,
    draws: Halves,
    labels: Sequence[Sequence[str]],
    link: Link | None,
) -> tuple[Doubles, Doubles]:
    """Mean and variance of a person's standardized ratings of new items, (n,) each.

    Args:
        vector: of the person, see `BayesianMF._user_vectors`.
        features: of the items of the training data.
        draws: from `ItemRegression.draw`, (C + 2, S, F + 1).
        labels: of each new item.
        link: from scores to levels; None for regression.

    Raises:
        UnsupportedError: the model knows no features.
    """
    if len(draws) == 0 or features is None:
        raise UnsupportedError(
            "bayes predicts items without ratings from features such as genres, and this model "
            "has none; train it on data with genres, and save its histories."
        )
    draws = draws.astype(np.float32)
    means, variances = [np.empty(0)], [np.empty(0)]
    for first in range(0, len(labels), ITEMS_AT_ONCE):
        block = labels[first : first + ITEMS_AT_ONCE]
        rows = np.stack([features.row_of(names) for names in block])  # (n, C)
        items = np.tensordot(rows, draws[:-2], axes=1) + draws[-2]  # (n, S, F + 1)
        is_new = np.ones(len(items), bool)
        mean, variance = rating_moments(vector, items, link, draws[-1], is_new)
        means.append(mean)
        variances.append(variance)
    return np.concatenate(means), np.concatenate(variances)
