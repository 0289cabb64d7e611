"""The ordered probit likelihood: ratings are levels of a latent variable.

    z = score + normal noise of the user      rating = level k if threshold k - 1 < z <=
    threshold k

The thresholds are learned, since the step from 1 star to 2 may differ from that from 4 to 5,
and predictions average probabilities of levels rather than stars. Latent variables follow
Albert and Chib, "Bayesian analysis of binary and polychotomous response data" (1993).
Thresholds are drawn with the latent variables integrated out (Cowles, "Accelerating Monte
Carlo Markov chain convergence for cumulative-link generalized linear models", 1996), here from
a t distribution about the mode of their likelihood.

Scores have neither an origin nor a unit of their own. So two thresholds are fixed, those
closest to one sixth and to five sixths of the ratings, at the normal quantiles of the shares
below them. With two levels there is one threshold, and the common precision of the noise is
fixed instead.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Reals
from matinee.errors import UnsupportedError
from matinee.threads import Run

MOST_LEVELS = 20
SPANS = 32
"""Parts of the work; fixed, so that threads do not change the order of a sum."""
STEPS = 8
"""The maximum number of Newton steps to the mode; one or two suffice after the first sweep."""
FREEDOM = 6.0
"""Degrees of freedom of the proposals, whose tails are heavier than those of any
likelihood."""


def rating_levels(value: Floats) -> Doubles:
    """The distinct ratings, (K,), ascending.

    Raises:
        UnsupportedError: there are fewer than 2 or more than 20.
    """
    levels = np.unique(value).astype(np.float64)
    if not 2 <= len(levels) <= MOST_LEVELS:
        raise UnsupportedError(
            f"bayes: likelihood=probit needs ratings with 2 to {MOST_LEVELS} levels, but these "
            f"have {len(levels):,}; use likelihood=regression."
        )
    return levels


class Link(NamedTuple):
    """The link from latent scores to levels, for each draw."""

    thresholds: Floats  # (S, K - 1)
    levels: Doubles  # (K,), standardized

    def mean_and_variance(self, latents: Floats, variance: Reals) -> tuple[Floats, Floats]:
        """Mean and variance of standardized ratings, (N,) each.

        Args:
            latents: the score in each draw, (S', N); S' is S or a multiple of it.
            variance: of the noise, (N,).
        """
        from matinee.kernels.probit import add_stars

        out = np.zeros((2, latents.shape[1]), np.float32)
        roots = (1 / np.sqrt(variance)).astype(np.float32)
        for part in np.split(
            np.ascontiguousarray(latents, np.float32), len(latents) // len(self.thresholds)
        ):
            add_stars(part, roots, self.thresholds, self.gaps, out)
        out /= len(latents)
        lowest = np.float32(self.levels[0])
        # the mean square of the level is that of the lowest, plus the sum
        return out[0] + lowest, np.maximum(
            out[1] + lowest**2 - (out[0] + lowest) ** 2, np.float32(1e-9)
        )

    def respond(
        self, level: NDArray[np.int64], scores: Doubles, precision: Doubles
    ) -> tuple[Doubles, Doubles]:
        """Slope and negative curvature of each rating's log likelihood by its score, (S, n).

        Args:
            level: (n,).
            scores: (S, n).
            precision: of the noise, (S,).
        """
        from matinee.kernels.probit import respond

        out = np.empty_like(scores), np.empty_like(scores)
        respond(
            level,
            np.ascontiguousarray(scores),
            np.sqrt(precision),
            self.thresholds.astype(np.float64),
            out,
        )
        return out

    @property
    def gaps(self) -> Floats:
        """The differences of adjacent levels, and of their squares, (2, K - 1)."""
        return np.stack([np.diff(self.levels), np.diff(self.levels**2)]).astype(np.float32)

    def level(self, value: Doubles) -> NDArray[np.int64]:
        """The closest level of standardized ratings, (N,)."""
        return np.searchsorted((self.levels[1:] + self.levels[:-1]) / 2, value)


class Ordinal:
    """The state that the ordered probit adds to a Gibbs sampler: levels and thresholds."""

    def __init__(self, value: Floats, levels: Doubles, mean: float, unit: float) -> None:
        """Args:
        value: ratings in the order of users, (N,).
        levels: the distinct ratings.
        mean, unit: the mean and standard deviation of the ratings.
        """
        from matinee.kernels.probit import quantile

        self.level = np.searchsorted(levels.astype(np.float32), value).astype(np.uint8)
        self.levels = (levels - mean) / unit
        self.value = self.levels[self.level]
        shares = np.cumsum(np.bincount(self.level, minlength=len(levels)))[:-1] / len(value)
        self.thresholds = np.array([quantile(float(share)) for share in shares])
        low, high = int(np.argmin(np.abs(shares - 1 / 6))), int(np.argmin(np.abs(shares - 5 / 6)))
        if low == high and low + 2 < len(levels):
            high = low + 1
        elif low == high:
            low = max(low - 1, 0)
        self.fixes_noise = low == high
        self.free = np.setdiff1d(np.arange(len(shares)), [low, high])
        self.mode = self.thresholds.copy()
        self.error = float("nan")
        """The RMSE of the present scores, in standard deviations."""
        self.accepted = 0

    def start(self) -> Floats:
        """The initial latent variables, (N,): their means given the levels alone."""
        density = np.exp(-(self.thresholds**2) / 2) / np.sqrt(2 * np.pi)
        shares = np.bincount(self.level) / len(self.level)
        means = -np.diff(np.concatenate([[0], density, [0]])) / shares
        return np.asarray(means[self.level], np.float32)

    def draw(
        self, rng: np.random.Generator, run: Run, scores: Floats, precision: Doubles
    ) -> Floats:
        """Draws thresholds, then latent variables, (N,), given scores and precisions, (N,)."""
        from matinee.kernels.probit import add_stars, draw_latents

        roots = np.sqrt(precision).astype(np.float32)
        self._draw_thresholds(rng, run, scores, roots)
        rated = self.level, scores, roots
        latents = np.empty(len(scores), np.float32)
        uniforms = rng.random(len(scores))
        spans = _spans(len(scores))
        run(draw_latents, [(rated, span, self.thresholds, uniforms, latents) for span in spans])
        sums = np.zeros((2, len(scores)), np.float32)
        link = self.link()
        calls = [
            (scores[None, a:b], roots[a:b], link.thresholds, link.gaps, sums[:, a:b])
            for a, b in spans
        ]
        run(add_stars, calls)
        self.error = float(np.sqrt(np.mean((sums[0] + self.levels[0] - self.value) ** 2)))
        return latents

    def link(self) -> Link:
        """The link with the present thresholds."""
        return Link(self.thresholds[None].astype(np.float32), self.levels)

    def _draw_thresholds(
        self, rng: np.random.Generator, run: Run, scores: Floats, roots: Floats
    ) -> None:
        """A step of Metropolis and Hastings.

        The proposal depends on the scores but not on the present thresholds: Newton's method
        starts at the mode of the last sweep, and ends when the distance is small compared with
        the width.

        Args:
            roots: of the precision of each rating, (N,).
        """
        if len(self.free) == 0:
            return
        for _ in range(STEPS):
            _, slopes, form = self._likelihood(run, scores, roots, self.mode)
            step = np.linalg.solve(form, slopes)
            while not _ascending(mode := self._with(self.mode[self.free] + step)):
                step /= 2
            self.mode = mode
            if step @ slopes < 0.1:
                break
        root = np.linalg.cholesky(form)
        away = rng.standard_normal(len(form)) / np.sqrt(rng.chisquare(FREEDOM) / FREEDOM)
        proposed = self._with(self.mode[self.free] + np.linalg.solve(root.T, away))
        chance = rng.random()
        if not _ascending(proposed):
            return
        new, _, _ = self._likelihood(run, scores, roots, proposed)
        old, _, _ = self._likelihood(run, scores, roots, self.thresholds)
        gains = new - old
        back = root.T @ (self.thresholds - self.mode)[self.free]
        tails = np.log1p(away @ away / FREEDOM) - np.log1p(back @ back / FREEDOM)
        gains += (FREEDOM + len(form)) / 2 * tails
        if np.log(max(chance, 1e-300)) < gains:
            self.thresholds, self.accepted = proposed, self.accepted + 1

    def _with(self, free: Doubles) -> Doubles:
        thresholds = self.thresholds.copy()
        thresholds[self.free] = free
        return thresholds

    def _likelihood(
        self, run: Run, scores: Floats, roots: Floats, thresholds: Doubles
    ) -> tuple[float, Doubles, Doubles]:
        """The log likelihood of the levels given the scores, and its derivatives.

        Returns:
            The logarithm; its slopes, (d,), and negative curvatures, (d, d), by free
            thresholds.
        """
        from matinee.kernels.probit import add_likelihood

        n_levels = len(self.levels)
        out = np.empty((SPANS, 3 * n_levels))
        rated = self.level, scores, roots
        spans = zip(_spans(len(self.level)), out, strict=True)
        run(add_likelihood, [(rated, span, thresholds, sums) for span, sums in spans])
        total = out.sum(axis=0)
        adjacent = np.diag(total[2 * n_levels + 1 : -1], 1)
        form = np.diag(total[n_levels + 1 : 2 * n_levels] + 1e-9) + adjacent + adjacent.T
        return float(total[0]), total[1:n_levels][self.free], form[np.ix_(self.free, self.free)]


def _ascending(thresholds: Doubles) -> bool:
    return bool((np.diff(thresholds) > 0).all())


def _spans(n: int) -> list[tuple[int, int]]:
    """Equal spans of consecutive ratings."""
    return list(pairwise((np.arange(SPANS + 1) * n // SPANS).tolist()))
