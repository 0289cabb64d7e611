"""How `blend` weighs its models: a ridge regression without negative weights, and what it regresses on for lists."""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats

HARDEST = 500
"""With how many items a liked one is compared."""


def nonnegative_ridge(gram: Doubles, towards: Doubles, pull: float) -> Doubles:
    """The w >= 0, (M,), that minimise w'Gw - 2 b'w + c |w - 1/M|^2, where c is `pull` times the mean of G's diagonal.

    One weight after the other is set to its best value until none changes (coordinate descent).

    Args:
        gram: G, (M, M), inputs times inputs, summed over what is regressed; towards: b, (M,), inputs times targets.
    """
    n = len(towards)
    strength = max(pull * gram.trace() / n, 1e-12)  # never 0: where nothing is known, weights are equal
    gram, towards = gram + strength * np.eye(n), towards + strength / n
    weights = np.full(n, 1 / n)
    for _ in range(10_000):
        before = weights.copy()
        for one in range(n):
            weights[one] = max(0.0, weights[one] + (towards[one] - gram[one] @ weights) / gram[one, one])
        if np.abs(weights - before).max() < 1e-12:
            break
    return weights


def standardised(scores: Floats) -> Floats:
    """For each person, scores of all items less their mean, divided by their deviation, (B, I); 0 if all are equal."""
    exact = scores.astype(np.float64)
    deviation = exact.std(axis=1, keepdims=True)
    exact -= exact.mean(axis=1, keepdims=True)
    np.divide(exact, deviation, out=exact, where=deviation > 0)
    return exact.astype(np.float32)


def pairs_of(scores: Floats, liked: NDArray[np.int32], rated: NDArray[np.int32]) -> tuple[Doubles, Doubles]:
    """The means of d d', (M, M), and of d, (M,), over all pairs of a liked item and one of the hardest others, where d
    are the differences of their scores, (M, I), of one person."""
    is_other = np.ones(scores.shape[1], bool)
    is_other[rated] = is_other[liked] = False
    others = np.flatnonzero(is_other)
    if len(others) > HARDEST:
        others = others[np.argpartition(-scores.mean(axis=0)[others], HARDEST)[:HARDEST]]
    if len(others) == 0:
        return np.zeros((len(scores),) * 2), np.zeros(len(scores))
    ahead, behind = scores[:, liked].astype(np.float64), scores[:, others].astype(np.float64)
    first, second = ahead.mean(axis=1), behind.mean(axis=1)
    squares = np.cov(ahead, bias=True) + np.cov(behind, bias=True) + np.outer(first - second, first - second)
    return squares, first - second
