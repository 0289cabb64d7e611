"""The vector of a new user from their ratings: ridge regression, and the most likely vector."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from matinee._types import Doubles, Floats

Predict = Callable[[Doubles], tuple[Doubles, Doubles]]
"""A person's vector, (D,) -> the stars of some items, (n,), and their derivatives, (n, D)."""


def ridge(item_factors: Floats, residuals: Floats, penalty: float, bias_penalty: float) -> Floats:
    """Bias and factors of one new user from the ratings they just gave: a ridge regression on what they rated.

    Minimises |r - b - Q p|^2 + bias_penalty * b^2 + penalty * |p|^2, the objective of `fit` for a known user.

    Args:
        item_factors: Q, (n, F), rows of the rated items only.
        residuals: r, (n,), in stars, what the mean and the item biases leave over.
        penalty, bias_penalty: for all n ratings together.
    Returns: (1 + F,) float32, b first. With n = 0 this is zeros: the newcomer gets the average person's list.
    """
    n, n_factors = item_factors.shape
    inputs = np.column_stack([np.ones(n), item_factors.astype(np.float64)])  # (n, 1 + F)
    return _regression(inputs, residuals, pulls(n_factors, penalty, bias_penalty)).astype(np.float32)


def pulls(n_factors: int, penalty: float, bias_penalty: float) -> Doubles:
    """What each number of a vector of bias and factors is penalised by, (1 + F,)."""
    # A hair above zero, so that the equations have a solution when both penalties are switched off.
    each = np.array([bias_penalty] + [penalty] * n_factors)
    return np.asarray(np.maximum(each, 1e-6))


def _regression(inputs: Doubles, values: Doubles | Floats, pull: Doubles) -> Doubles:
    """The x, (D,), that minimises |values - inputs x|^2 + sum pull x^2."""
    n, width = inputs.shape
    if n > width:
        return np.asarray(np.linalg.solve(inputs.T @ inputs + np.diag(pull), inputs.T @ values), np.float64)
    # With fewer ratings than numbers the dual problem is smaller: x = P A' (A P A' + 1)^-1 r with P = 1 / pull.
    scaled = inputs / pull  # (n, D)
    solution: Doubles = scaled.T @ np.linalg.solve(scaled @ inputs.T + np.eye(n), values)
    return solution


class Crowd(NamedTuple):
    """The known users as a cloud: where a newcomer is before any rating, and how far from there they may be."""

    mean: Floats  # (D,)
    variance: Floats  # (D,)
    noise: float  # variance of a rating about its prediction

    @classmethod
    def of(cls, vectors: Floats, noise: float) -> "Crowd":
        """From the vectors of the users with ratings, (U, D)."""
        return cls(vectors.mean(axis=0), np.maximum(vectors.var(axis=0), 1e-6), max(noise, 1e-6))

    @property
    def pull(self) -> Doubles:
        """What a step away from the mean costs, in squared stars, (D,)."""
        return self.noise / self.variance.astype(np.float64)


def most_likely(predict: Predict, value: Floats, crowd: Crowd) -> Floats:
    """The most likely vector of a newcomer, (D,), where predictions are not linear in it: Gauss-Newton steps.

    Minimises |value - predict(x)|^2 / noise + sum (x - mean)^2 / variance, damped as by Levenberg and Marquardt.
    """
    mean, precision = crowd.mean.astype(np.float64), crowd.pull

    def cost(x: Doubles) -> tuple[float, Doubles, Doubles]:
        stars, slopes = predict(x)
        error = value - stars
        return float(error @ error + precision @ (x - mean) ** 2), error, slopes

    x, damping = mean, 0.0
    now, error, slopes = cost(x)
    for _ in range(30 if len(value) else 0):
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
