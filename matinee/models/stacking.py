"""Stacking: the regression that weighs the models of `blend`, and its inputs for ranking."""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats

HARDEST = 500
"""The number of items that a liked item is compared with."""


def nonnegative_ridge(gram: Doubles, right: Doubles, penalty: float) -> Doubles:
    """The weights w >= 0, (M,), that minimize w'Gw - 2 b'w + c |w - 1/M|^2, by coordinate
    descent.

    Args:
        gram: G, (M, M), the sum of products of inputs.
        right: b, (M,), the sum of products of inputs and targets.
        penalty: c, in units of the mean of the diagonal of G.
    """
    n = len(right)
    # Above 0: without data, weights are equal
    strength = max(penalty * gram.trace() / n, 1e-12)
    gram, right = gram + strength * np.eye(n), right + strength / n
    weights = np.full(n, 1 / n)
    for _ in range(10_000):
        before = weights.copy()
        for model in range(n):
            step = (right[model] - gram[model] @ weights) / gram[model, model]
            weights[model] = max(0.0, weights[model] + step)
        if np.abs(weights - before).max() < 1e-12:
            break
    return weights


def standardized(scores: Floats) -> Floats:
    """The scores of each person with mean 0 and deviation 1 over the items, (B, I); 0 if
    equal."""
    exact = scores.astype(np.float64)
    deviation = exact.std(axis=1, keepdims=True)
    exact -= exact.mean(axis=1, keepdims=True)
    np.divide(exact, deviation, out=exact, where=deviation > 0)
    return exact.astype(np.float32)


def ndcg(scores: Doubles, liked: NDArray[np.int32], k: int = 10) -> Doubles:
    """The NDCG of the first k items by each of C scores, (C,).

    Args:
        scores: (C, I).
        liked: the indices of the relevant items.
    """
    k = min(k, scores.shape[1])
    first = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, first, axis=1), axis=1, kind="stable")
    hits = np.isin(np.take_along_axis(first, order, axis=1), liked)  # (C, k)
    gains = 1 / np.log2(np.arange(2, k + 2))
    return np.asarray(hits @ gains / gains[: min(k, len(liked))].sum())


def pairs_of(
    scores: Floats, liked: NDArray[np.int32], rated: NDArray[np.int32]
) -> tuple[Doubles, Doubles]:
    """Moments of the score differences d between a liked item and one of the hardest others.

    Args:
        scores: the scores of one person, (M, I).
        liked, rated: item indices.
    Returns: the means over all such pairs of d d', (M, M), and of d, (M,).
    """
    is_other = np.ones(scores.shape[1], bool)
    is_other[rated] = is_other[liked] = False
    others = np.flatnonzero(is_other)
    if len(others) > HARDEST:
        others = others[np.argpartition(-scores.mean(axis=0)[others], HARDEST)[:HARDEST]]
    if len(others) == 0:
        return np.zeros((len(scores),) * 2), np.zeros(len(scores))
    ahead, behind = scores[:, liked].astype(np.float64), scores[:, others].astype(np.float64)
    first, second = ahead.mean(axis=1), behind.mean(axis=1)
    squares = (
        np.cov(ahead, bias=True)
        + np.cov(behind, bias=True)
        + np.outer(first - second, first - second)
    )
    return squares, first - second
