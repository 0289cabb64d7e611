"""The training of `mf` on sparse tables and on strong tastes, by expectation-maximization.

The factors of a user with few ratings are uncertain. Items whose factors fit the best ones of the
users fit noise; therefore, they fit those of all users that the ratings allow, by the variance of
each. Both sides are found by coordinate descent (`kernels/coordinate_descent.py`).

Where tastes are strong, the penalties are learned as well, from the variance of the factors and of
the ratings that they leave: variational Bayes with a prior for each factor, so that those which are
not needed vanish (Lim, Teh, "Variational Bayesian approach to movie rating prediction", 2007).
"""

from collections.abc import Iterator

import numpy as np

from matinee._types import Floats
from matinee.models.descent import (
    LEAST_PENALTY,
    Descent,
    DescentWeights,
    FactorPlan,
    TrainingTable,
)
from matinee.models.item_priors import biases_of
from matinee.models.spectral_start import FIRST_FACTOR, leading_directions
from matinee.scratch import BLOCK, random_access
from matinee.threads import Run

NOISE = np.float32(0.6)
"""The variance of ratings that factors leave, about; in units of all variance."""
FIRST_PRIORS, LEAST_VARIANCE = 30, 1e-6
"""The epoch after which priors are first learned, and the least variance of a factor, and of a
rating, in units of all variance: a factor that ratings do not support vanishes."""


class CoordinateDescent:
    """The state of one training; the weights are changed in place.

    Attributes:
        noise: the variance of a rating, (1,).
        n_epochs: how many are done.
        item_sums: the sum of the weights of each item's ratings, (I,).
        penalties: of the factors of users and of items, (2, F).
    """

    def __init__(
        self,
        table: TrainingTable,
        weights: DescentWeights,
        plan: FactorPlan,
        rng: np.random.Generator,
    ) -> None:
        ratings, scratch = table.ratings, table.ratings.scratch()
        self.weights, self.learns_priors = weights, plan.learns_priors
        self.user_variances = np.zeros_like(weights.user_factors)
        self.item_variances = np.zeros_like(weights.item_factors)
        by_item, self.rows = ratings.by_item, ratings.by_item.row
        self.errors, self.item_errors, importance, by_item_importance = (
            scratch.empty(len(table), np.float32) for _ in range(4)
        )
        importance[:] = 1 if table.importance is None else table.importance
        for at in self._blocks():
            by_item_importance[at] = importance[self.rows[at]]
        indptr = np.zeros(ratings.n_users + 1, np.int64)
        np.cumsum(ratings.user_counts, out=indptr[1:])
        self.by_user = indptr, ratings.item_index, importance
        self.by_item = by_item.indptr, by_item.indices, by_item_importance
        self.item_sums = table.weight_sums()[1]
        self._start(table, plan, rng)
        for at in self._blocks():
            part = ratings.user_index[at], ratings.item_index[at]
            self.errors[at] = ratings.value[at] - weights.predictions(*part)
        self.noise, self.n_epochs = np.array([NOISE]), 0
        first = np.float32(max(plan.factor_shrinkage, LEAST_PENALTY))
        self.penalties = np.full((2, weights.user_factors.shape[1]), first)
        shrinkages = plan.bias_shrinkage, plan.item_bias_shrinkage
        self.bias_penalties = [np.float32(max(each, LEAST_PENALTY)) for each in shrinkages]

    def _start(self, table: TrainingTable, plan: FactorPlan, rng: np.random.Generator) -> None:
        """Sets the biases, the factors of items (see `spectral_start.py`), and those of users to
        zero. Factors of items beyond the directions that there are stay random."""
        from matinee.kernels.coordinate_descent import multiply

        ratings, (indptr, users, _) = table.ratings, self.by_item
        biases = biases_of(table, plan)
        counts = ratings.user_counts, ratings.item_counts
        roots = [np.sqrt(count + count.mean()).astype(np.float32) for count in counts]
        for at in self._blocks():
            user, item = ratings.user_index[at], ratings.item_index[at]
            residual = ratings.value[at] - biases[0][user] - biases[1][item]
            self.errors[at] = self.by_user[2][at] * residual / (roots[0][user] * roots[1][item])
        self._gather_errors()

        def times(vector: Floats) -> Floats:
            out = np.empty(ratings.n_users, np.float32)
            multiply((*self.by_user[:2], self.errors), vector, out)
            return out

        def transposed(vector: Floats) -> Floats:
            out = np.empty(ratings.n_items, np.float32)
            multiply((indptr, users, self.item_errors), vector, out)
            return out

        is_rated = counts[1] > 0
        start = rng.standard_normal(ratings.n_items, np.float32) * is_rated
        _, directions = leading_directions(times, transposed, start)
        directions = directions[:, : plan.factors] / roots[1][:, None]
        lengths = np.sqrt(counts[1] @ directions.astype(np.float64) ** 2 / max(len(ratings), 1))
        n_found = directions.shape[1]
        self.weights.item_factors[:, :n_found] = (
            directions * np.float32(FIRST_FACTOR) / np.maximum(lengths, 1e-30).astype(np.float32)
        )
        self.weights.user_factors[:] = 0
        self.weights.user_side[:, 0], self.weights.item_side[:, 0] = biases

    def _gather_errors(self) -> None:
        """Sets `item_errors` to the errors in the order of the items."""
        with random_access([self.errors]):
            for rows in self._blocks():
                self.item_errors[rows] = self.errors[self.rows[rows]]

    def _blocks(self) -> Iterator[slice]:
        """The rows of each block: all arrays as long as the table may be on a disk."""
        for start in range(0, len(self.errors), BLOCK):
            yield slice(start, start + BLOCK)

    def epoch(self, _rate: float) -> float:
        """Finds the users' factors and biases and then those of the items.

        Args:
            _rate: not used; there are no steps whose size could be chosen.

        Returns:
            The RMSE after it, in standard deviations.
        """
        from matinee.kernels.coordinate_descent import descend

        noise = self.noise[0]
        item_noise = noise if self.learns_priors else np.float32(0)
        user_bias, item_bias = (side[:, 0].copy() for side in self.weights[2:])
        users = self.weights.user_factors, self.user_variances
        items = self.weights.item_factors, self.item_variances
        penalties = list(zip(self.penalties, self.bias_penalties, strict=True))
        descend(self.by_user, (*users, user_bias), items, penalties[0], noise, self.errors)
        self._gather_errors()
        by_item = (*items, item_bias)
        descend(self.by_item, by_item, users, penalties[1], item_noise, self.item_errors)
        square, total = 0.0, 0.0
        with random_access([self.errors]):
            for rows in self._blocks():
                errors, weight = self.item_errors[rows], self.by_item[2][rows]
                self.errors[self.rows[rows]] = errors
                square += float(weight @ np.square(errors, dtype=np.float64))
                total += float(weight.sum(dtype=np.float64))
        self.weights.user_side[:, 0], self.weights.item_side[:, 0] = user_bias, item_bias
        self.n_epochs += 1
        total = max(total, 1e-30)
        if self.learns_priors and self.n_epochs >= FIRST_PRIORS:
            self._learn_priors(square, total)
        return float(np.sqrt(square / total))

    def _learn_priors(self, square: float, total: float) -> None:
        """Sets the noise, and the penalties to the ratio of the noise to each factor's variance.

        Args:
            square, total: the weighted sum of the squared errors, and the sum of the weights.
        """
        from matinee.kernels.coordinate_descent import doubt

        users = self.weights.user_factors, self.user_variances
        items = self.weights.item_factors, self.item_variances
        self.noise[0] = max((square + doubt(self.by_user, users, items)) / total, LEAST_VARIANCE)
        rated = np.diff(self.by_user[0]) > 0, np.diff(self.by_item[0]) > 0
        for penalties, side, is_rated in zip(self.penalties, (users, items), rated, strict=True):
            factors, variances = side[0][is_rated], side[1][is_rated]
            squares = np.mean(np.square(factors, dtype=np.float64) + variances, axis=0)
            penalties[:] = self.noise[0] / np.maximum(squares, LEAST_VARIANCE)

    def settled(self, plan: FactorPlan, weights: DescentWeights) -> FactorPlan:
        """The plan with one penalty for all factors that gives users about the same solution.

        Its `factor_shrinkage` replaces the learned penalties; its `regularization`, the mean
        variance of the items' factors, replaces what is unknown about each item.

        Args:
            plan: that of the training.
            weights: those of one of its epochs. Each factor is scaled in place: then all have the
                same penalty for users, and strong ones about the same for items.
        """
        if not self.learns_priors:
            return plan
        sums, factors, variances = self.item_sums, weights.item_factors, self.item_variances
        squares = sums @ np.square(factors, dtype=np.float64)  # (F,)
        weight = squares / self.penalties[0]
        if weight.sum() < LEAST_VARIANCE:  # all have vanished
            return plan
        both = self.penalties.prod(axis=0, dtype=np.float64)
        shrinkage = float(np.sqrt(weight @ both / weight.sum()))
        scale = np.sqrt(shrinkage / self.penalties[0])
        factors[:] *= scale
        weights.user_factors[:] /= scale
        doubts = (sums @ variances) / sums.sum() * scale**2
        regularization = float(doubts @ weight / weight.sum())
        return plan._replace(regularization=regularization, factor_shrinkage=shrinkage)


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
        return CoordinateDescent(table, weights, plan, rng)
    return Descent(table, weights, rng, run, n_threads)
