"""Metrics, one function each, on arrays; each states its definition and where it comes from.

Metrics of predicted ratings take true and predicted stars, (N,). Metrics of lists take hits,
(B, K) bool: which places of each user's list, best first, hold a relevant item; and
n_relevant, (B,): the number of relevant items of each user, at least 1. A place that could not
be filled, because there are fewer items than places, is a miss.
"""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Reals


def rmse(true: Reals, predicted: Reals) -> float:
    """Root mean squared error, in stars, at least 0. Large errors weigh more than in `mae`."""
    return float(np.sqrt(np.mean((predicted.astype(np.float64) - true) ** 2)))


def mae(true: Reals, predicted: Reals) -> float:
    """Mean absolute error, in stars, at least 0."""
    return float(np.mean(np.abs(predicted.astype(np.float64) - true)))


def per_user_mean(user_index: NDArray[np.integer], errors: Reals) -> float:
    """The mean over users of each user's mean of `errors`, (N,).

    So users with many ratings weigh no more than others.
    """
    counts = np.bincount(user_index)
    sums = np.bincount(user_index, errors)
    return float(np.mean(sums[counts > 0] / counts[counts > 0]))


def ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> Doubles:
    """Normalized discounted cumulative gain of each user, (B,), 0 to 1.

    Järvelin, Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002, with binary
    gains: a hit at place j = 1, 2, ... gains 1 / log2(j + 1), and the sum is divided by that
    of the best possible list.
    """
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))  # (K,)
    ideal = np.cumsum(discounts)[np.minimum(n_relevant, hits.shape[1]) - 1]  # (B,)
    return np.asarray(hits @ discounts / ideal)


def precision(hits: NDArray[np.bool_]) -> Doubles:
    """The share of the places of each user's list that are hits, (B,), 0 to 1.

    The divisor is K, as in trec_eval, even if some places could not be filled.
    """
    return np.asarray(hits.mean(axis=1))


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> Doubles:
    """The share of each user's relevant items that are in the list, (B,), 0 to 1.

    The divisor is at most K, so that a perfect list has 1, as in Liang et al., "Variational
    autoencoders for collaborative filtering", 2018; textbooks divide by n_relevant.
    """
    return np.asarray(hits.sum(axis=1) / np.minimum(n_relevant, hits.shape[1]))


def average_precision(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> Doubles:
    """The average precision of each user's list, (B,), 0 to 1; its mean over users is MAP.

    This is the sum, over the hits, of the precision of the list down to each hit, divided by
    the number of relevant items. The divisor is at most K, so that a perfect list has 1, as in
    McFee et al., "The Million Song Dataset challenge", 2012; trec_eval divides by n_relevant.
    """
    precisions = np.cumsum(hits, axis=1) / np.arange(
        1, hits.shape[1] + 1
    )  # (B, K) down to each place
    return np.asarray((precisions * hits).sum(axis=1) / np.minimum(n_relevant, hits.shape[1]))


def hit_rate(hits: NDArray[np.bool_]) -> Doubles:
    """1 for each user with at least one hit, 0 for the others, (B,)."""
    return np.asarray(hits.any(axis=1), np.float64)


def reciprocal_rank(hits: NDArray[np.bool_]) -> Doubles:
    """One over the place of each user's first hit, 0 without a hit, (B,); its mean is the MRR.

    Voorhees, "The TREC-8 question answering track report", 1999.
    """
    return np.asarray(hits.any(axis=1) / (hits.argmax(axis=1) + 1))


def self_information(item_counts: NDArray[np.integer], n_users: int) -> Doubles:
    """The self-information of each item in bits, (I,): -log2(item_counts / n_users).

    The mean over a list is its novelty: Zhou et al., "Solving the apparent diversity-accuracy
    dilemma of recommender systems", 2010. An item without ratings counts as having one.
    """
    return np.asarray(np.log2(max(1, n_users) / np.maximum(item_counts, 1)))


def gini(amounts: NDArray[np.integer]) -> float:
    """The Gini coefficient of amounts, (I,): 0 if all are equal, near 1 if one item has all.

    Twice the area between the Lorenz curve and the diagonal (Gini, 1912). For recommendations
    as in Fleder, Hosanagar, "Blockbuster culture's next rise or fall", 2009. 0 if all amounts
    are 0.
    """
    ascending = np.sort(amounts).astype(np.float64)
    n, total = len(ascending), ascending.sum()
    if total <= 0:
        return 0.0
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(ranks @ ascending / (n * total))
