"""Measures as ratios of sums over users, the form in which intervals and tests need them."""

from typing import NamedTuple

import numpy as np

from matinee._types import Doubles, Reals
from matinee.data.ratings import Ratings
from matinee.evaluation.ranking import PER_USER, Ranked
from matinee.evaluation.significance import DRAWS, bootstrap, interval


class PerUserSums(NamedTuple):
    """M measures as ratio statistics: the sum of the totals divided by the sum of the counts.

    The measure called "rmse" is the square root of this ratio.

    Attributes:
        totals, counts: (U, M).
    """

    names: tuple[str, ...]
    totals: Doubles
    counts: Doubles

    def only(self, name: str) -> "PerUserSums":
        """The sums of one measure."""
        column = [self.names.index(name)]
        return PerUserSums((name,), self.totals[:, column], self.counts[:, column])

    def values(self) -> Doubles:
        """The value of each measure, (M,); NaN if it applies to no user."""
        totals, counts = self.totals.sum(axis=0), self.counts.sum(axis=0)
        return self._rooted(
            np.divide(totals, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        )

    def samples(self) -> Doubles:
        """Each measure on bootstrap samples of the users, (draws, M); see `significance.bootstrap`.

        With a single user there are no samples, (0, M).
        """
        draws = DRAWS if len(self.totals) > 1 else 0
        return self._rooted(bootstrap(self.totals, self.counts, draws))

    def intervals(self) -> dict[str, tuple[float, float]]:
        """The 95% interval of each measure by name, without measures that have none."""
        intervals = {}
        for name, samples in zip(self.names, self.samples().T, strict=True):
            low, high = interval(samples)
            if np.isfinite(low) and np.isfinite(high):
                intervals[name] = (low, high)
        return intervals

    def _rooted(self, ratios: Doubles) -> Doubles:
        is_root = np.array([name == "rmse" for name in self.names])
        return np.where(is_root, np.sqrt(np.abs(ratios)), ratios)


def error_sums(test: Ratings, predicted: Reals) -> PerUserSums:
    """RMSE and MAE of predicted stars, (N,), as sums over the ratings of each user, (U, 2)."""
    errors = np.abs(predicted.astype(np.float64) - test.value)
    squares = np.bincount(test.user_index, errors**2, minlength=test.n_users)
    absolutes = np.bincount(test.user_index, errors, minlength=test.n_users)
    counts = np.repeat(test.user_counts[:, None].astype(np.float64), 2, axis=1)
    return PerUserSums(("rmse", "mae"), np.stack([squares, absolutes], axis=1), counts)


def list_sums(ranked: Ranked, n_users: int) -> PerUserSums:
    """All measures of lists, (U, M); users without a judged list have zeros."""
    is_known = np.isfinite(ranked.values)
    totals = np.zeros((n_users, len(PER_USER)))
    counts = np.zeros((n_users, len(PER_USER)))
    totals[ranked.users] = np.where(is_known, ranked.values, 0)
    counts[ranked.users] = is_known
    return PerUserSums(PER_USER, totals, counts)


def pooled(folds: list[PerUserSums]) -> PerUserSums:
    """The sums over all folds, without users who were in no test part."""
    totals = np.asarray(sum(fold.totals for fold in folds))
    counts = np.asarray(sum(fold.counts for fold in folds))
    is_tested = np.any(counts > 0, axis=1)
    return PerUserSums(folds[0].names, totals[is_tested], counts[is_tested])
