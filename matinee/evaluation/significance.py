"""What is more than chance: intervals and paired tests over users, whose ratings belong together.

One person's errors resemble each other, so users are drawn and not single ratings: whoever is drawn comes with all
they have. Every measure is a sum over users divided by another one, totals (U,) by counts (U,): squared errors by
ratings for the RMSE (before the root), a user's NDCG by 1 for the mean NDCG. All numbers depend on the seed alone.
"""

from collections.abc import Iterator

import numpy as np

from matinee._types import Doubles

DRAWS = 1_000
"""Of a bootstrap. An end of a 95% interval then moves by about 3% of the width from one seed to another."""
FLIPS = 10_000
"""Of a permutation test: no p-value is below 1 in 10,001, little enough for Holm's correction over 500 pairs."""
CELLS = 2**21
"""Random numbers made at a time, to bound the memory."""
GROUPS = 10_000
"""More users than this are put into as many groups at random, and groups are drawn instead. That changes the width of
an interval by about one in a hundred, and nothing else."""


def bootstrap(totals: Doubles, counts: Doubles, draws: int = DRAWS, seed: int = 0) -> Doubles:
    """Each measure for `draws` samples of as many users, drawn with replacement, (draws, M).

    Efron, "Bootstrap methods: another look at the jackknife", 1979. Two models that are given the same users in the
    same order get the same samples, so their difference may be taken draw by draw.

    Args:
        totals, counts: (U, M); a user to whom a measure does not apply has 0 in both.
    Returns: NaN where a sample holds nobody to whom the measure applies.
    """
    totals, counts = _grouped(totals), _grouped(counts)
    out = [np.empty((0, totals.shape[1]))]
    for weights in _weights(len(totals), draws, np.random.default_rng(seed)):
        above, below = weights @ totals, weights @ counts  # (d, M)
        out.append(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))
    return np.concatenate(out)


def _grouped(per_user: Doubles) -> Doubles:
    """Sums over groups of users, (min(U, GROUPS), M)."""
    n_users, n_groups = len(per_user), GROUPS
    if n_users <= n_groups:
        return per_user
    order = np.random.default_rng(n_users).permutation(n_users)
    starts = np.arange(n_groups) * n_users // n_groups
    return np.asarray(np.add.reduceat(per_user[order], starts, axis=0))


def _weights(n_users: int, draws: int, rng: np.random.Generator) -> Iterator[Doubles]:
    """How often each user is drawn, (d, U), a block of draws at a time."""
    at_once = max(1, CELLS // max(1, n_users))
    for first in range(0, draws if n_users else 0, at_once):
        d = min(at_once, draws - first)
        drawn = rng.integers(0, n_users, (d, n_users), dtype=np.int32) + n_users * np.arange(d)[:, None]
        yield np.bincount(drawn.ravel(), minlength=d * n_users).reshape(d, n_users).astype(np.float64)


def interval(samples: Doubles, confidence: float = 0.95) -> tuple[float, float]:
    """The middle part of bootstrap samples, (draws,): the percentile interval. NaN if there are none."""
    samples = samples[np.isfinite(samples)]
    if len(samples) == 0:
        return np.nan, np.nan
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def sign_flip_test(differences: Doubles, flips: int = FLIPS, seed: int = 0) -> Doubles:
    """The p-value of each pair of models, (P,): how often chance alone makes the sum of differences as large.

    If two models were equally good, each user's difference might as well have the other sign. So signs are flipped
    at random and the sums compared, both ways (Fisher's randomisation test; Smucker, Allan, Carterette, "A comparison
    of statistical significance tests for information retrieval evaluation", 2007). Nothing is assumed of the
    distribution.

    Args:
        differences: (U, P), of each user: what one model has in total, less what the other has.
    """
    differences = _grouped(differences)
    sums = np.abs(differences.sum(axis=0))  # (P,)
    room = 1e-12 * np.abs(differences).sum(axis=0)  # sums of the same numbers in another order are equal
    rng = np.random.default_rng(seed)
    n_users, reached = len(differences), np.zeros(differences.shape[1])
    at_once = max(1, CELLS // max(1, n_users))
    for first in range(0, flips, at_once):
        d = min(at_once, flips - first)
        bits = np.unpackbits(np.frombuffer(rng.bytes(-(-d * n_users // 8)), np.uint8), count=d * n_users)
        flipped = 2.0 * (bits.reshape(d, n_users) @ differences) - differences.sum(axis=0)  # (d, P)
        reached += np.sum(np.abs(flipped) >= sums - room, axis=0)
    return np.asarray((1 + reached) / (1 + flips))


def holm(p_values: Doubles) -> Doubles:
    """p-values corrected for their number, (P,): calling those below 5% different errs at all in at most 5% of cases.

    Holm, "A simple sequentially rejective multiple test procedure", 1979: the smallest is multiplied by P, the next
    by P - 1, and so on; none becomes smaller than the one before it.
    """
    order = np.argsort(p_values, kind="stable")
    n = len(p_values)
    corrected = np.empty(n)
    corrected[order] = np.maximum.accumulate(np.minimum(1, p_values[order] * np.arange(n, 0, -1)))
    return corrected
