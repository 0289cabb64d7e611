"""Significance: bootstrap intervals and paired tests over users.

The ratings of one user are correlated, so users are resampled, not single ratings: whoever is
drawn comes with all their ratings. Every measure is a ratio of sums over users, totals (U,) by
counts (U,). For the RMSE, before the root, these are squared errors and numbers of ratings;
for the mean NDCG they are the NDCG of each user and 1. All results depend on the seed alone.
"""

from collections.abc import Iterator

import numpy as np

from matinee._types import Doubles

#: Bootstrap samples. The ends of a 95% interval then vary by about 3% of its width with the seed.
DRAWS = 1_000
#: Flips of a permutation test. The smallest p-value is 1 in 10,001, small enough for Holm's
#: correction over 500 pairs.
FLIPS = 10_000
#: Random numbers at a time, which bounds the memory.
CELLS = 2**21
#: The part of the mean total below which a difference between two models is rounding: predictions
#: are float32.
ROUNDING = 1e-5
#: If there are more users, they are put into this many random groups, and groups are resampled.
#: This changes the width of an interval by about one percent.
GROUPS = 10_000


def bootstrap(totals: Doubles, counts: Doubles, draws: int = DRAWS, seed: int = 0) -> Doubles:
    """Each measure on `draws` samples of U users, drawn with replacement, (draws, M).

    Efron, "Bootstrap methods: another look at the jackknife", 1979. The samples depend on the
    number of users and the seed alone, so two models with the same users in the same order
    get the same samples, and can be compared sample by sample.

    Args:
        totals, counts: (U, M); 0 in both if a measure does not apply to a user.
    Returns: the ratios; NaN if a measure applies to no user of a sample.
    """
    totals, counts = _grouped(totals), _grouped(counts)
    samples = [np.empty((0, totals.shape[1]))]
    for weights in _weights(len(totals), draws, np.random.default_rng(seed)):
        above, below = weights @ totals, weights @ counts  # (d, M)
        samples.append(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))
    return np.concatenate(samples)


def _grouped(per_user: Doubles) -> Doubles:
    """Sums over random groups of users, (min(U, GROUPS), M)."""
    n_users = len(per_user)
    if n_users <= GROUPS:
        return per_user
    order = np.random.default_rng(n_users).permutation(n_users)
    starts = np.arange(GROUPS) * n_users // GROUPS
    return np.asarray(np.add.reduceat(per_user[order], starts, axis=0))


def _weights(n_users: int, draws: int, rng: np.random.Generator) -> Iterator[Doubles]:
    """The number of times each user is drawn, (d, U), a block of samples at a time."""
    if n_users == 0:
        return
    at_once = max(1, CELLS // n_users)
    for first in range(0, draws, at_once):
        d = min(at_once, draws - first)
        drawn = (
            rng.integers(0, n_users, (d, n_users), dtype=np.int32) + n_users * np.arange(d)[:, None]
        )
        yield (
            np.bincount(drawn.ravel(), minlength=d * n_users).reshape(d, n_users).astype(np.float64)
        )


def interval(samples: Doubles, confidence: float = 0.95) -> tuple[float, float]:
    """The percentile interval of bootstrap samples, (draws,); NaN if there are no samples."""
    samples = samples[np.isfinite(samples)]
    if len(samples) == 0:
        return np.nan, np.nan
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def differences_of(first: Doubles, second: Doubles) -> Doubles:
    """The totals of one model less those of another, (U, P); 0 where only rounding differs.

    Two ways to the same predictions, such as `mf` without factors and the baseline, differ by
    rounding; its signs would be tested as if they meant something.

    Args:
        first, second: (U, P)
    """
    found, sizes = first - second, np.abs(first) + np.abs(second)
    n_counted = np.maximum(np.count_nonzero(sizes, axis=0), 1)
    found[np.abs(found) <= ROUNDING * sizes.sum(axis=0) / n_counted] = 0
    return found


def sign_flip_test(differences: Doubles, flips: int = FLIPS, seed: int = 0) -> Doubles:
    """The p-value of each of P pairs of models, (P,): a two-sided paired randomization test.

    If two models were equally good, the difference of each user might as well have the other
    sign. So the signs are flipped at random, and the p-value is the share of flips with a sum
    at least as large as the observed one, in absolute value (Fisher's randomization test;
    Smucker, Allan, Carterette, "A comparison of statistical significance tests for information
    retrieval evaluation", 2007). Nothing is assumed about the distribution.

    Args:
        differences: (U, P) the total of one model less that of the other, for each user.
    """
    differences = _grouped(differences)
    sums = np.abs(differences.sum(axis=0))  # (P,)
    reached = np.zeros(differences.shape[1])
    for flipped in _flipped_sums(differences, flips, seed):
        reached += np.sum(np.abs(flipped) >= sums - _tolerance(differences), axis=0)
    return np.asarray((1 + reached) / (1 + flips))


def best_of_many_test(differences: Doubles, flips: int = FLIPS, seed: int = 0) -> Doubles:
    """The p-values of T candidates against the same one, corrected for their number, (T,).

    The best of many candidates looks better than it is. So in each flip, the signs of a user
    are the same for all candidates, which keeps their correlation, and the observed sum of a
    candidate is compared with the largest of all flipped sums, each divided by the root of its
    sum of squares (the single-step maxT of Westfall, Young, "Resampling-based multiple testing",
    1993). The chance that any p-value is below 5% is then 5% if no candidate differs; it does
    not matter which one is looked at, or why.

    Args:
        differences: (U, T) the total of each candidate less that of the common one, for each
            user.
    """
    differences = _grouped(differences)
    norms = np.sqrt((differences**2).sum(axis=0))
    differences = differences / np.where(norms > 0, norms, 1)
    sums = np.abs(differences.sum(axis=0)) - _tolerance(differences)  # (T,)
    reached = np.zeros(differences.shape[1])
    for flipped in _flipped_sums(differences, flips, seed):
        largest = np.sort(np.abs(flipped).max(axis=1))  # (d,)
        reached += len(largest) - np.searchsorted(largest, sums)
    return np.asarray((1 + reached) / (1 + flips))


def _tolerance(differences: Doubles) -> Doubles:
    """Sums of the same numbers in another order count as equal, (P,)."""
    return np.asarray(1e-12 * np.abs(differences).sum(axis=0))


def _flipped_sums(differences: Doubles, flips: int, seed: int) -> Iterator[Doubles]:
    """Sums over users with random signs, (d, P), a block of flips at a time."""
    rng = np.random.default_rng(seed)
    n_users = len(differences)
    at_once = max(1, CELLS // max(1, n_users))
    for first in range(0, flips, at_once):
        d = min(at_once, flips - first)
        bits = np.unpackbits(
            np.frombuffer(rng.bytes(-(-d * n_users // 8)), np.uint8), count=d * n_users
        )
        yield 2.0 * (bits.reshape(d, n_users) @ differences) - differences.sum(axis=0)


def holm(p_values: Doubles) -> Doubles:
    """P-values corrected for their number, (P,): the family-wise error rate is that of one test.

    Holm, "A simple sequentially rejective multiple test procedure", 1979. The smallest is
    multiplied by P, the next one by P - 1, and so on; none becomes smaller than the one
    before.
    """
    order = np.argsort(p_values, kind="stable")
    n = len(p_values)
    corrected = np.empty(n)
    corrected[order] = np.maximum.accumulate(np.minimum(1, p_values[order] * np.arange(n, 0, -1)))
    return corrected
