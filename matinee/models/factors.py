"""What factor models share: scores and predictions from tables of factors and biases, and folding in a new person."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Sides(NamedTuple):
    """The learnt tables; a prediction before any link is mean + b_u + b_i + p_u . q_i."""

    mean: float
    user_bias: Floats  # (U,)
    item_bias: Floats  # (I,)
    user_factors: Floats  # p, (U, F)
    item_factors: Floats  # q, (I, F)


def user_vectors(sides: Sides, user_index: NDArray[np.integer]) -> Floats:
    """Bias and factors of each user, (B, 1 + F)."""
    return np.column_stack([sides.user_bias[user_index], sides.user_factors[user_index]])


def scores(sides: Sides, vectors: Floats) -> Floats:
    """All items for each vector of bias and factors, (B, 1 + F) -> (B, I)."""
    fixed = np.float32(sides.mean) + sides.item_bias  # (I,)
    return vectors[:, 1:] @ sides.item_factors.T + vectors[:, :1] + fixed


def predictions(
    sides: Sides, user_index: NDArray[np.int32], item_index: NDArray[np.int32], unknown: tuple[Floats, Floats]
) -> Floats:
    """One number for each pair, (N,).

    Args:
        unknown: the vectors, (1 + F,), that stand for a user and for an item with index -1.
    """
    out = np.empty(len(user_index), np.float32)
    for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
        users, items = user_index[rows], item_index[rows]
        bias_u, p = sides.user_bias[users], sides.user_factors[users]  # (n,), (n, F)
        bias_i, q = sides.item_bias[items], sides.item_factors[items]
        bias_u[users < 0], p[users < 0] = unknown[0][0], unknown[0][1:]
        bias_i[items < 0], q[items < 0] = unknown[1][0], unknown[1][1:]
        out[rows] = np.float32(sides.mean) + bias_u + bias_i + np.einsum("nf,nf->n", p, q)
    return out


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
    # A hair above zero, so that the equations have a solution when both penalties are switched off.
    weights = np.maximum(np.repeat([bias_penalty, penalty], [1, n_factors]), 1e-6)  # (1 + F,)
    if n > n_factors:
        return np.linalg.solve(inputs.T @ inputs + np.diag(weights), inputs.T @ residuals).astype(np.float32)
    # With fewer ratings than factors the dual problem is smaller: x = D A' (A D A' + 1)^-1 r with D = 1 / weights.
    scaled = inputs / weights  # (n, 1 + F)
    solution: NDArray[np.float64] = scaled.T @ np.linalg.solve(scaled @ inputs.T + np.eye(n), residuals)
    return solution.astype(np.float32)


class Crowd(NamedTuple):
    """The known users as a cloud: where a newcomer is before any rating, and how far from there they may be."""

    mean: Floats  # (D,)
    variance: Floats  # (D,)
    noise: float  # variance of a rating about its prediction

    @classmethod
    def of(cls, vectors: Floats, noise: float) -> "Crowd":
        """From the vectors of the users with ratings, (U, D)."""
        return cls(vectors.mean(axis=0), np.maximum(vectors.var(axis=0), 1e-6), max(noise, 1e-6))


def most_likely(
    predict: Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]],
    value: Floats,
    crowd: Crowd,
) -> Floats:
    """The most likely vector of a newcomer, (D,), where predictions are not linear in it: Gauss-Newton steps.

    Minimises |value - predict(x)|^2 / noise + sum (x - mean)^2 / variance, damped as by Levenberg and Marquardt.

    Args:
        predict: vector (D,) -> the stars of the rated items, (n,), and their derivatives, (n, D).
    """
    mean, precision = crowd.mean.astype(np.float64), crowd.noise / crowd.variance.astype(np.float64)

    def cost(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
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
