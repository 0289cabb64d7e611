"""One function per metric, on arrays; each says what it measures and where its definition comes from.

Rating metrics take true and predicted stars, (N,). Ranking metrics take, for each user, which places of their list
hold a relevant item, hits (B, K) bool, best place first, and how many relevant items there are, n_relevant (B,), at
least 1. Places that could not be filled, where there are fewer items than places, are misses.
"""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Reals


def rmse(true: Reals, predicted: Reals) -> float:
    """Root mean squared error, in stars; 0 is perfect. Large errors weigh more than in `mae`."""
    return float(np.sqrt(np.mean((predicted.astype(np.float64) - true) ** 2)))


def mae(true: Reals, predicted: Reals) -> float:
    """Mean absolute error, in stars; 0 is perfect."""
    return float(np.mean(np.abs(predicted.astype(np.float64) - true)))


def per_user_mean(user_index: NDArray[np.integer], errors: NDArray[np.floating]) -> float:
    """The mean over users of each user's mean of `errors`, (N,), so that busy users count no more than others."""
    counts = np.bincount(user_index)
    sums = np.bincount(user_index, errors)
    return float(np.mean(sums[counts > 0] / counts[counts > 0]))


def ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """Normalised discounted cumulative gain of each user, (B,), 0 to 1 (Järvelin, Kekäläinen 2002, binary gains).

    A hit at place j = 1, 2, ... gains 1 / log2(j + 1); divided by the gain of the best list possible.
    """
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))  # (K,)
    ideal = np.cumsum(discounts)[np.minimum(n_relevant, hits.shape[1]) - 1]  # (B,)
    return np.asarray(hits @ discounts / ideal)


def precision(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The part of each user's list that is relevant, (B,); the divisor is K, as in trec_eval, filled or not."""
    return np.asarray(hits.mean(axis=1))


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """The part of each user's relevant items that is in the list, (B,).

    The divisor is at most K, so that a perfect list has 1 (as in Liang et al., "Variational autoencoders for
    collaborative filtering", 2018); textbooks divide by n_relevant.
    """
    return np.asarray(hits.sum(axis=1) / np.minimum(n_relevant, hits.shape[1]))


def average_precision(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer]) -> NDArray[np.float64]:
    """The mean, over the relevant items, of the precision of the list down to each, (B,); its mean over users is MAP.

    An item that is not in the list adds 0. The divisor is at most K, so that a perfect list has 1 (as in McFee et al.,
    "The Million Song Dataset challenge", 2012); trec_eval divides by n_relevant.
    """
    so_far = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)  # (B, K) precision down to each place
    return np.asarray((so_far * hits).sum(axis=1) / np.minimum(n_relevant, hits.shape[1]))


def hit_rate(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1 for each user with at least one relevant item in the list, else 0, (B,)."""
    return np.asarray(hits.any(axis=1), np.float64)


def reciprocal_rank(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """One over the place of each user's first relevant item, 0 without one, (B,); its mean over users is the MRR
    (Voorhees, "The TREC-8 question answering track report", 1999).
    """
    return np.asarray(hits.any(axis=1) / (hits.argmax(axis=1) + 1))


def self_information(item_counts: NDArray[np.integer], n_users: int) -> NDArray[np.float64]:
    """How surprising it is that somebody knows each item, in bits, (I,): 0 if all of `n_users` do, 1 if half do.

    The mean over a list is its novelty (Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender
    systems", 2010). An item that nobody knows, which would be infinitely surprising, counts as if one user did.
    """
    return np.asarray(np.log2(max(1, n_users) / np.maximum(item_counts, 1)))


def gini(amounts: NDArray[np.integer]) -> float:
    """How unequally something is spread over (I,) items: 0 if all have the same, towards 1 if one has everything.

    Twice the area between the Lorenz curve and the diagonal (Gini, 1912); for what recommenders show as in Fleder,
    Hosanagar, "Blockbuster culture's next rise or fall", 2009. 0 where there is nothing to spread.
    """
    ascending = np.sort(amounts).astype(np.float64)
    n, total = len(ascending), ascending.sum()
    ranks = 2 * np.arange(1, n + 1) - n - 1
    return float(ranks @ ascending / (n * total)) if total > 0 else 0.0
