"""The mean and the variance of a person's ratings, over the draws and their noise."""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.models.bayes.ordered_probit import Link


def rating_moments(
    vector: Floats,
    draws: Floats,
    link: Link | None,
    spread: Floats,
    is_new: NDArray[np.bool_],
) -> tuple[Doubles, Doubles]:
    """Mean and variance of a person's standardized ratings of some items, (n,) each.

    Args:
        vector: of the person, see `BayesianMF._user_vectors`.
        draws: of the items, (n, S, F + 1) float32; the biases are overwritten.
        link: from scores to levels; None for regression.
        spread: the standard deviations of factors and bias of a new item around its draws,
            (S, F + 1).
        is_new: whether nobody has rated the item, (n,).
    """
    mean, step = vector[2:].reshape(2, draws.shape[1], -1)
    noise = np.full(len(draws), vector[1])
    if is_new.any():
        squares = np.square(mean) + np.square(step)
        squares[:, -1] = 1
        noise[is_new] += (squares * np.square(spread)).sum(axis=1).mean()
    items = draws.transpose(1, 2, 0)  # (S, F + 1, n)
    bias = items[:, -1].copy()  # (S, n)
    items[:, -1] = 1
    scores = (mean[:, None] @ items)[:, 0] + bias + vector[0]  # (S, n)
    around = (step[:, None] @ items)[:, 0]
    if link is None:
        variance = scores.var(axis=0, dtype=np.float64) + (around**2).mean(axis=0) + noise
        return scores.mean(axis=0, dtype=np.float64), variance
    both = np.concatenate([scores + around, scores - around])
    expected, variance = link.mean_and_variance(both, noise)
    return expected.astype(np.float64), variance.astype(np.float64)
