"""What factor models share: scores and predictions from tables of factors and biases, and folding in a new person."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.models.base import Parts, Profile, Recommender

Predict = Callable[[Doubles], tuple[Doubles, Doubles]]
"""A person's vector, (D,) -> the stars of some items, (n,), and their derivatives, (n, D)."""


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


# -- what a prediction is made of ----------------------------------------------------------------------------------


def rating_parts(
    slopes: Doubles,
    surprises: Doubles,
    way: Doubles,
    pull: tuple[Doubles, Doubles],
    gradient: tuple[Doubles, Doubles],
    n_biases: int,
) -> tuple[Doubles, Doubles]:
    """What each rating adds to K predictions by way of the person's taste, and by how much each changes without it,
    both (K, n).

    The taste is a ridge regression, (S'S + diag(pull))^-1 S'z: a sum over the ratings, each with what it says beyond
    the person's bias (its surprise z, in stars) times how alike the two items are in the eyes of this person (Hu,
    Koren, Volinsky, "Collaborative filtering for implicit feedback datasets", 2008, section 5). Leaving one out is
    exact too, and nothing is solved again (the leave-one-out residuals of a regression; Allen, "The relationship
    between variable selection and data augmentation and a method for prediction", 1974).

    Args:
        slopes: S, (n, D); surprises: (n,), of which biases explain a part; way: (D,), from the average person to this.
        pull: (D,) with all n ratings, and with n - 1.
        gradient: (K, D), of the predictions: along the whole way for the parts, at its end for the changes.
        n_biases: how many of the first numbers of the D are biases, 0 or 1.
    """
    bias, taste = slice(n_biases), slice(n_biases, None)
    errors, along = surprises - slopes @ way, slopes[:, taste] @ way[taste]  # (n,), (n,)
    # A newcomer's vector is the solution itself. A training that stops early, or learns with another penalty, leaves
    # people nearer to the average or farther; with this much of the pull they would stay where they are.
    resisted = float(pull[0][taste] @ way[taste] ** 2)
    strength = np.ones(len(way))
    strength[taste] = np.clip(errors @ along / resisted, 0.1, 10) if resisted > 0 else 1
    now, then = (strength * one for one in pull)
    weights, _, _ = _weights(slopes[:, taste], now[taste], gradient[0][:, taste], surprises)
    weights_now, _, _ = _weights(slopes, now, gradient[1], surprises)
    weights_then, errors_then, freedoms = _weights(slopes, then, gradient[1], surprises)  # all, pulled as n - 1 are
    moved = (weights_then - weights_now) @ surprises  # (K,)
    changes = moved[:, None] - weights_then * (errors_then / freedoms)
    return weights * (surprises - slopes[:, bias] @ way[bias]), changes


def _weights(slopes: Doubles, pull: Doubles, gradient: Doubles, values: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Of a ridge regression x of values on slopes: how far gradient . x follows each value, (K, n) for gradients of
    (K, D); its errors, (n,); and which part of each value it leaves unexplained, (n,)."""
    n, width = slopes.shape
    if n > width:
        solved = slopes @ np.linalg.inv(slopes.T @ slopes + np.diag(pull))  # (n, D)
        return gradient @ solved.T, values - solved @ (slopes.T @ values), 1 - np.einsum("nd,nd->n", solved, slopes)
    scaled = slopes / pull
    inverse = np.linalg.inv(scaled @ slopes.T + np.eye(n))  # (n, n)
    return gradient @ scaled.T @ inverse.T, inverse @ values, np.diag(inverse)


def path_parts(
    model: Recommender,
    predictor: Callable[[NDArray[np.int32]], Predict],
    crowd: Crowd,
    asked: tuple[Profile, int],
    n_biases: int,
) -> Parts:
    """The parts of a prediction that is not linear in a person's vector: approximate, but they add up.

    The change of the prediction along the straight way from the average person to this one is split by its
    derivatives, averaged over the way (Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", 2017), and
    the way among the ratings as in `rating_parts`, with the derivatives at its end as slopes: where the vector is most
    likely, it solves that regression.

    Args:
        predictor: of the stars of given items.
        asked: who, and the index of the item.
    """
    profile, item_index = asked
    rated = model.item_counts_ > 0  # from these the mean is to be had without histories too
    mean = float(np.average(model.item_means_[rated], weights=model.item_counts_[rated]))
    start, end = crowd.mean.astype(np.float64), profile.vector.astype(np.float64)
    way = end - start
    item = predictor(np.array([item_index], np.int32))
    (first, _), (last, slope) = item(start), item(end)
    gradient = _average_slope(item, start, way, last[0] - first[0])
    stars, slopes = predictor(profile.item_index)(end)  # (n,), (n, D)
    surprises = profile.value - stars + slopes @ way
    pull = crowd.pull, crowd.pull
    (ratings,), (changes,) = rating_parts(slopes, surprises, way, pull, (gradient[None], slope), n_biases)
    user = float(gradient[:n_biases] @ way[:n_biases])
    return Parts(mean, user, float(first[0]) - mean, ratings, last[0] + changes, is_exact=False)


def _average_slope(item: Predict, start: Doubles, way: Doubles, change: float) -> Doubles:
    """The derivatives of an item's stars averaged along a straight way, (D,); times the way they are the change."""
    places, weights = np.polynomial.legendre.leggauss(16)
    slopes = [item(start + (1 + place) / 2 * way)[1][0] for place in places]  # Gauss's places are on -1 to 1
    gradient = weights / 2 @ np.array(slopes)
    # What the sixteen places miss, at kinks above all, is spread along the way (Gonzalez, "Time integration and
    # discrete Hamiltonian systems", 1996).
    return np.asarray(gradient + (change - gradient @ way) * way / max(float(way @ way), 1e-30))
