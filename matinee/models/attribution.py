"""Attribution: how much each rating of a user adds to a predicted score."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.models.base import Attribution, Recommender, UserState
from matinee.models.fold_in import Predict, UserPrior


def rating_parts(
    slopes: Doubles,
    surprises: Doubles,
    offset: Doubles,
    penalty: Doubles,
    penalty_without: Doubles,
    part_gradient: Doubles,
    change_gradient: Doubles,
    n_biases: int,
) -> tuple[Doubles, Doubles]:
    """The contribution of each rating to K predictions, and how each changes without it, (K,
    n).

    The taste is a ridge regression, (S'S + diag(penalty))^-1 S'z, which is a sum over the
    ratings. Each term is the surprise z of a rating (in stars, beyond the person's bias) times
    the similarity of the two items for this person (Hu, Koren, Volinsky, "Collaborative
    filtering for implicit feedback datasets", 2008, section 5). Leaving one rating out is
    exact, too, and needs no new solution (the leave-one-out residuals of a regression; Allen,
    "The relationship between variable selection and data augmentation and a method for
    prediction", 1974).

    Args:
        slopes: S, (n, D).
        surprises: z, (n,), partly explained by the biases.
        offset: the person's vector less that of the average person, (D,).
        penalty, penalty_without: (D,), with all n ratings, and with n - 1.
        part_gradient: (K, D), of the predictions, averaged from the average person to this
            one.
        change_gradient: (K, D), of the predictions at this person's vector.
        n_biases: how many of the first elements of a vector are biases, 0 or 1.
    """
    bias, taste = slice(n_biases), slice(n_biases, None)
    errors, along = surprises - slopes @ offset, slopes[:, taste] @ offset[taste]  # (n,), (n,)
    # The vector of a new user is the solution itself. Training that stops early, or that uses
    # another penalty, leaves known users closer to the average or farther away; with the
    # penalty
    # scaled by this strength, they are at the solution, too.
    resistance = float(penalty[taste] @ offset[taste] ** 2)
    strength = np.ones(len(offset))
    if resistance > 0:
        strength[taste] = np.clip(errors @ along / resistance, 0.1, 10)
    now, then = strength * penalty, strength * penalty_without
    weights, _, _ = _weights(slopes[:, taste], now[taste], part_gradient[:, taste], surprises)
    weights_now, _, _ = _weights(slopes, now, change_gradient, surprises)
    # All n ratings, with the penalty for n - 1 of them:
    weights_then, errors_then, freedoms = _weights(slopes, then, change_gradient, surprises)
    moved = (weights_then - weights_now) @ surprises  # (K,)
    changes = moved[:, None] - weights_then * (errors_then / freedoms)
    return weights * (surprises - slopes[:, bias] @ offset[bias]), changes


def _weights(
    slopes: Doubles, penalty: Doubles, gradient: Doubles, values: Doubles
) -> tuple[Doubles, Doubles, Doubles]:
    """The influence of each value on a ridge regression x of values on slopes.

    Returns:
        The derivative of gradient . x by each value, (K, n), for gradients of (K, D); the
        errors, (n,); and the part of each value that the regression leaves unexplained, (n,).
    """
    n, width = slopes.shape
    if n > width:
        solved = slopes @ np.linalg.inv(slopes.T @ slopes + np.diag(penalty))  # (n, D)
        errors = values - solved @ (slopes.T @ values)
        return gradient @ solved.T, errors, 1 - np.einsum("nd,nd->n", solved, slopes)
    scaled = slopes / penalty
    inverse = np.linalg.inv(scaled @ slopes.T + np.eye(n))  # (n, n)
    return gradient @ scaled.T @ inverse.T, inverse @ values, np.diag(inverse)


def path_parts(
    model: Recommender,
    predictor: Callable[[NDArray[np.int32]], Predict],
    prior: UserPrior,
    profile: UserState,
    item_index: int,
    n_biases: int,
) -> Attribution:
    """The attribution of a prediction that is not linear in the person's vector.

    The parts are approximate but add up to the prediction. The change of the prediction along
    the straight path from the average person to this one is split by its derivatives, averaged
    over the path (Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", 2017).
    The path is split among the ratings as in `rating_parts`, with the derivatives at its end
    as slopes, since the most likely vector solves that regression.

    Args:
        predictor: returns the function that predicts the stars of given items.
        n_biases: as for `rating_parts`.
    """
    rated = model.item_counts_ > 0  # these give the mean in a file without a history, too
    mean = float(np.average(model.item_means_[rated], weights=model.item_counts_[rated]))
    start, end = prior.mean.astype(np.float64), profile.vector.astype(np.float64)
    offset = end - start
    item = predictor(np.array([item_index], np.int32))
    first, _ = item(start)
    last, slope = item(end)
    gradient = _average_slope(item, start, offset, last[0] - first[0])
    stars, slopes = predictor(profile.item_index)(end)  # (n,), (n, D)
    surprises = profile.value - stars + slopes @ offset
    (ratings,), (changes,) = rating_parts(
        slopes,
        surprises,
        offset,
        prior.penalties,
        prior.penalties,
        gradient[None],
        slope,
        n_biases,
    )
    user = float(gradient[:n_biases] @ offset[:n_biases])
    return Attribution(
        mean, user, float(first[0]) - mean, ratings, last[0] + changes, is_exact=False
    )


def _average_slope(item: Predict, start: Doubles, offset: Doubles, change: float) -> Doubles:
    """The derivatives of an item's stars, averaged along a straight path, (D,).

    Their product with the offset is the change of the stars.
    """
    nodes, weights = np.polynomial.legendre.leggauss(16)
    # Nodes in (-1, 1)
    slopes = [item(start + (1 + node) / 2 * offset)[1][0] for node in nodes]
    gradient = weights / 2 @ np.array(slopes)
    # The error of the quadrature, above all at kinks, is spread along the path (Gonzalez,
    # "Time
    # integration and discrete Hamiltonian systems", 1996).
    correction = (change - gradient @ offset) * offset / max(float(offset @ offset), 1e-30)
    return np.asarray(gradient + correction)
