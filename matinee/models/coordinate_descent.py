"""The training of `mf` with few factors on sparse tables, by expectation-maximization.

The factors of a user with few ratings are uncertain. Items whose factors fit the best ones of the
users fit noise; therefore, they fit those of all users that the ratings allow, by the variance of
each. Both sides are found by coordinate descent (`kernels/coordinate_descent.py`).
"""

import numpy as np

from matinee.models.descent import (
    LEAST_PENALTY,
    Descent,
    DescentWeights,
    FactorPlan,
    TrainingTable,
)
from matinee.threads import Run

NOISE = np.float32(0.6)
"""The variance of ratings that factors leave, about; in units of all variance."""


class CoordinateDescent:
    """The state of one training; the weights are changed in place."""

    def __init__(self, table: TrainingTable, weights: DescentWeights, plan: FactorPlan) -> None:
        ratings = table.ratings
        self.weights = weights
        self.errors = ratings.value - weights.predictions(ratings)
        self.user_variances = np.zeros_like(weights.user_factors)
        self.item_variances = np.zeros_like(weights.item_factors)
        importance = table.importance
        if importance is None:
            importance = np.ones(len(table), np.float32)
        indptr = np.zeros(ratings.n_users + 1, np.int64)
        np.cumsum(ratings.user_counts, out=indptr[1:])
        self.by_user = indptr, ratings.item_index, importance
        by_item = ratings.by_item
        self.rows = by_item.row
        self.by_item = by_item.indptr, by_item.indices, importance[by_item.row]
        self.penalties = [
            (
                np.maximum(
                    plan.regularization * sums + plan.factor_shrinkage, LEAST_PENALTY
                ).astype(np.float32),
                np.float32(max(shrinkage, LEAST_PENALTY)),
            )
            for sums, shrinkage in zip(
                table.weight_sums(), (plan.bias_shrinkage, plan.item_bias_shrinkage), strict=True
            )
        ]

    def epoch(self, _rate: float) -> float:
        """Finds the users' factors and biases and then those of the items.

        Args:
            _rate: not used; there are no steps whose size could be chosen.

        Returns:
            The RMSE after it, in standard deviations.
        """
        from matinee.kernels.coordinate_descent import descend

        user_bias, item_bias = (side[:, 0].copy() for side in self.weights[2:])
        users = self.weights.user_factors, self.user_variances
        items = self.weights.item_factors, self.item_variances
        descend(self.by_user, (*users, user_bias), items, self.penalties[0], NOISE, self.errors)
        errors, nothing = self.errors[self.rows], np.float32(0)
        descend(self.by_item, (*items, item_bias), users, self.penalties[1], nothing, errors)
        self.errors[self.rows] = errors
        self.weights.user_side[:, 0], self.weights.item_side[:, 0] = user_bias, item_bias
        weight = self.by_item[2]
        squares = np.square(errors, dtype=np.float64)
        return float(np.sqrt((weight @ squares) / max(weight.sum(dtype=np.float64), 1e-30)))


def descent_of(
    plan: FactorPlan,
    table: TrainingTable,
    weights: DescentWeights,
    rng: np.random.Generator,
    run: Run,
    n_threads: int,
) -> Descent | CoordinateDescent:
    """The training that a plan asks for."""
    if plan.by_coordinates:
        return CoordinateDescent(table, weights, plan)
    return Descent(table, weights, rng, run, n_threads)
