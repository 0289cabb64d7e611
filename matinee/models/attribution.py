"""What each rating of a user adds to a predicted score."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.models.base import Parts, Profile, Recommender
from matinee.models.fold_in import Crowd, Predict

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
