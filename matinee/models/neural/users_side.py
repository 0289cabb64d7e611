"""The most likely vectors of all known users at once, given the items: the fold-in of everybody.

The same minimum that `fold_in.most_likely` finds for a new person, by the same Gauss-Newton steps
from the same start. A step is a ridge regression for each user, which `kernels/ridge.py` solves.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.ratings import Ratings
from matinee.models.fold_in import UserPrior
from matinee.models.history import History
from matinee.models.neural.common import to_stars
from matinee.threads import one_blas_thread, workers

STEPS, ENOUGH = 20, 1e-9
"""The most steps, and the part of the objective below which a user's gain ends them."""
ENOUGH_RATINGS, ASKED, HELD_OUT = 200_000, 1_000, 0.1
"""From how many ratings on the noise of the prior is measured, on how many users, and on which part
of their ratings."""
LEAST_NOISE = 1 / 16
"""The least noise, as a part of the trained model's. With less, people with few ratings are folded
in too far from the mean."""
FIXED = 1e12
"""The penalty of a bias that the model does not have."""
LEAST_SLOPE = 1e-4
"""Of the sigmoid, as a part of its range: beyond it, predictions do not change any more."""


class ItemTables(NamedTuple):
    """What the predictions of a dot product depend on, apart from the users."""

    bias: Floats  # (I,)
    factors: Floats  # (I, F)
    low: float
    high: float
    has_biases: bool


def most_likely_users(
    history: History, items: ItemTables, prior: UserPrior, n_threads: int | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """The most likely vectors of all users.

    Returns:
        Bias and factors, (U, 1 + F), and for which users the steps have reached the minimum,
        (U,).
    """
    n_users, mean = len(history.counts), prior.mean.astype(np.float64)
    vectors = np.tile(prior.mean, (n_users, 1)).astype(np.float32)
    search = _Search(history, items, prior)
    is_open, is_done = history.counts > 0, history.counts == 0
    with one_blas_thread(), workers(n_threads) as run:
        now, error, slope = search.costs(vectors)
        for _ in range(STEPS):
            calls = search.calls(vectors - mean.astype(np.float32), error, slope)
            run(search.solve, calls)
            there = np.where(is_open[:, None], search.solution(), vectors).astype(np.float32)
            cost, error_there, slope_there = search.costs(there)
            is_better = cost <= now * (1 + 1e-6)  # about the precision of single numbers
            gained = now - cost
            vectors = np.where((is_open & is_better)[:, None], there, vectors)
            is_done |= is_open & is_better & (gained < ENOUGH * now)
            is_open &= is_better & ~is_done
            if not is_open.any():
                break
            now, error, slope = np.where(is_better, cost, now), error_there, slope_there
    return vectors, is_done


def held_out_rows(train: Ratings, seed: int) -> NDArray[np.bool_]:
    """Which ratings measure the noise of the prior; the items are not trained on them, (N,).

    These are a tenth of the ratings of some users; none in a table with few ratings, in which they
    would be missed, and too few to measure anything. The order of the rows does not matter.
    """
    found = np.zeros(len(train), bool)
    if len(train) >= ENOUGH_RATINGS:
        rng = np.random.default_rng([seed, 1])
        is_asked = np.isin(train.user_index, rng.permutation(train.n_users)[:ASKED])
        found[train.by_user.row] = rng.random(len(train)) < HELD_OUT
        found &= is_asked
    return found


def with_measured_noise(
    known: Ratings, held_out: Ratings, items: ItemTables, prior: UserPrior, n_threads: int | None
) -> UserPrior:
    """The prior, or the same with its noise halved as long as that folds people in better.

    Weight decay shrinks the trained vectors, and with them the variance of the prior, which then
    pulls too strongly towards the mean. The more ratings, the larger is the effect. Users are
    folded in with the known ratings, and the errors are those of the ratings held out, on which
    neither users nor items have been trained. The noise is halved if the mean squared error falls
    by more than its standard error (the rule of one standard error: Breiman et al.,
    "Classification and regression trees", 1984), and not below `LEAST_NOISE`.
    """
    if len(held_out) == 0:
        return prior
    is_asked = np.isin(known.user_index, np.flatnonzero(held_out.user_counts))
    history = History.from_ratings(known.subset(is_asked), times=False, features=False)
    item, best, least = held_out.item_index, prior, None
    noise = prior.noise
    while noise >= LEAST_NOISE * prior.noise:
        one = prior._replace(noise=noise)
        x = most_likely_users(history, items, one, n_threads)[0][held_out.user_index]
        raw = np.einsum("nf,nf->n", x[:, 1:], items.factors[item]) + x[:, 0] + items.bias[item]
        squares = np.square(held_out.value - to_stars(raw, items.low, items.high))
        if least is not None:
            gains = least - squares
            if gains.mean() <= gains.std() / np.sqrt(len(gains)):
                break
        best, least, noise = one, squares, noise / 2
    return best


class _Search:
    """The ratings and the regressions of a step.

    The factors are divided by their deviations, so that all have the same penalty, and rotated
    so that their Gram matrix is diagonal.
    """

    def __init__(self, history: History, items: ItemTables, prior: UserPrior) -> None:
        from matinee.kernels import ridge

        self.solve, self.rated_type = ridge.solve_users, ridge.RatedByUser
        self.history, self.items, self.prior = history, items, prior
        self.user = history.user_index
        deviation = np.sqrt(prior.variance[1:].astype(np.float64))  # (F,)
        self.deviation = deviation.astype(np.float32)
        counts = np.bincount(history.item_index, minlength=len(items.bias))
        scaled = items.factors * self.deviation
        gram = (scaled.T * (counts / max(1, len(history)))) @ scaled
        spectrum, axes = np.linalg.eigh(gram.astype(np.float64))
        self.axes = axes.astype(np.float32)
        self.spectrum = np.maximum(spectrum, 0).astype(np.float32)
        self.rotated = np.ascontiguousarray(scaled @ self.axes)
        self.out = np.zeros((len(history.counts), len(deviation) + 1), np.float32)
        bias_penalty = FIXED
        if items.has_biases:
            bias_penalty = float(prior.penalties[0])
        self.bias_penalty = np.float32(bias_penalty)

    def costs(self, vectors: Floats) -> tuple[Doubles, Floats, Floats]:
        """The objective of each user, (U,), and error and slope of each rating, (N,)."""
        history, items = self.history, self.items
        raw = np.empty(len(history), np.float32)
        for first in range(0, len(raw), 20_000):
            rows = slice(first, first + 20_000)
            x, item = vectors[self.user[rows]], history.item_index[rows]
            raw[rows] = np.einsum("nf,nf->n", x[:, 1:], items.factors[item])
            raw[rows] += x[:, 0] + items.bias[item]
        stars: Floats = to_stars(raw, items.low, items.high)
        error = np.subtract(history.value, stars, dtype=np.float32)
        slope: Floats = np.ones_like(raw)
        span = items.high - items.low
        if span:
            slope = np.multiply(stars - items.low, items.high - stars, dtype=np.float32)
            slope /= np.float32(span)
        squares = np.bincount(self.user, error.astype(np.float64) ** 2, len(vectors))
        steps = vectors.astype(np.float64) - self.prior.mean
        return squares + steps**2 @ self.prior.penalties, error, slope

    def calls(self, steps: Floats, error: Floats, slope: Floats) -> list[tuple[object, ...]]:
        """The arguments of `solve` for a Gauss-Newton step from the present vectors.

        Args:
            steps: the vectors less the prior mean, (U, 1 + F).
            error, slope: (N,).
        """
        history, span = self.history, self.items.high - self.items.low
        steep = np.maximum(slope, np.float32(LEAST_SLOPE * span))
        self.out[:, -1] = steps[:, 0]
        self.out[:, :-1] = (steps[:, 1:] / self.deviation) @ self.axes
        target = np.add(error / steep, self._products(), dtype=np.float32)
        weight: Floats = np.square(steep)
        sums = np.bincount(self.user, weight, len(steps)).astype(np.float32)
        rated = self.rated_type(history.indptr, history.item_index, target, weight)
        noise = np.full(len(steps), self.prior.noise, np.float32)
        penalty = noise, sums, self.bias_penalty
        ends = np.searchsorted(history.indptr, np.linspace(0, len(history), 17))
        ends[0], ends[-1] = 0, len(steps)
        return [
            (rated, users, self.rotated, self.spectrum, penalty, self.out, (100, 1e-9))
            for users in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        ]

    def _products(self) -> Floats:
        """What the present steps add to each raw prediction, (N,)."""
        found = np.empty(len(self.history), np.float32)
        for first in range(0, len(found), 20_000):
            rows = slice(first, first + 20_000)
            x, item = self.out[self.user[rows]], self.history.item_index[rows]
            found[rows] = np.einsum("nf,nf->n", x[:, :-1], self.rotated[item]) + x[:, -1]
        return found

    def solution(self) -> Floats:
        """The vectors that the step has led to, (U, 1 + F)."""
        factors = (self.out[:, :-1] @ self.axes.T) * self.deviation
        return np.column_stack([self.out[:, -1], factors]) + self.prior.mean
