"""Fold-in: the vector of a new user from their ratings, by ridge regression or as a mode."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from matinee._types import Doubles, Floats

Predict = Callable[[Doubles], tuple[Doubles, Doubles]]
"""A person's vector, (D,) -> the stars of some items, (n,), and their derivatives, (n, D)."""


def ridge(item_factors: Floats, residuals: Floats, penalty: float, bias_penalty: float) -> Floats:
    """Bias and factors of one new user by ridge regression on the items they rated.

    Minimizes |r - b - Q p|^2 + bias_penalty * b^2 + penalty * |p|^2, the objective of `fit`
    for a known user.

    Args:
        item_factors: Q, (n, F), the rows of the rated items only.
        residuals: r, (n,), in stars: the ratings less the mean and the item biases.
        penalty, bias_penalty: for all n ratings together.
    Returns: (1 + F,) float32, b first. With n = 0 this is zeros, the vector of the average
        person.
    """
    n, n_factors = item_factors.shape
    inputs = np.column_stack([np.ones(n), item_factors.astype(np.float64)])  # (n, 1 + F)
    weights = _regression(inputs, residuals, penalties(n_factors, penalty, bias_penalty))
    return weights.astype(np.float32)


def penalties(n_factors: int, penalty: float, bias_penalty: float) -> Doubles:
    """The penalty of each element of a vector of bias and factors, (1 + F,)."""
    # Slightly above zero, so that the equations have a solution when both penalties are zero.
    each = np.array([bias_penalty] + [penalty] * n_factors)
    return np.asarray(np.maximum(each, 1e-6))


def _regression(inputs: Doubles, values: Doubles | Floats, penalty: Doubles) -> Doubles:
    """The x, (D,), that minimizes |values - inputs x|^2 + sum penalty x^2."""
    n, width = inputs.shape
    if n > width:
        gram = inputs.T @ inputs + np.diag(penalty)
        return np.asarray(np.linalg.solve(gram, inputs.T @ values), np.float64)
    # With fewer ratings than dimensions, the dual problem is smaller:
    # x = P A' (A P A' + 1)^-1 r with P = 1 / penalty.
    scaled = inputs / penalty  # (n, D)
    solution: Doubles = scaled.T @ np.linalg.solve(scaled @ inputs.T + np.eye(n), values)
    return solution


class UserPrior(NamedTuple):
    """The distribution of the vectors of known users, the prior of a new user's vector."""

    mean: Floats  # (D,)
    variance: Floats  # (D,)
    noise: float  # variance of a rating about its prediction

    @classmethod
    def from_vectors(cls, vectors: Floats, noise: float) -> "UserPrior":
        """The prior from the vectors of the users with ratings, (U, D)."""
        return cls(vectors.mean(axis=0), np.maximum(vectors.var(axis=0), 1e-6), max(noise, 1e-6))

    @property
    def penalties(self) -> Doubles:
        """The penalty of a squared step away from the mean, in squared stars, (D,)."""
        return self.noise / self.variance.astype(np.float64)


def most_likely(predict: Predict, value: Floats, prior: UserPrior) -> Floats:
    """The most likely vector of a new user, (D,), for predictions that are not linear in it.

    Minimizes |value - predict(x)|^2 / noise + sum (x - mean)^2 / variance by Gauss-Newton
    steps with the damping of Levenberg and Marquardt.
    """
    mean, precision = prior.mean.astype(np.float64), prior.penalties
    if len(value) == 0:
        return mean.astype(np.float32)

    def cost(x: Doubles) -> tuple[float, Doubles, Doubles]:
        stars, slopes = predict(x)
        error = value - stars
        return float(error @ error + precision @ (x - mean) ** 2), error, slopes

    x, damping = mean, 0.0
    now, error, slopes = cost(x)
    for _ in range(30):
        curvature = slopes.T @ slopes + np.diag(precision * (1 + damping))  # (D, D)
        step = np.linalg.solve(curvature, slopes.T @ error - precision * (x - mean))
        there, error_there, slopes_there = cost(x + step)
        if there > now:
            damping = max(4 * damping, 1.0)
            continue
        gained, x, now, error, slopes = now - there, x + step, there, error_there, slopes_there
        damping /= 4
        if gained < 1e-7 * now:
            break
    return x.astype(np.float32)
