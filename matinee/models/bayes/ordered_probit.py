"""Ratings as levels of a latent variable: the ordered probit likelihood of the Bayesian factorization.

    z = score + noise of the user, normal          rating = the level k with threshold k - 1 < z <= threshold k

Where a step from 1 star to 2 means another thing than one from 4 to 5, the thresholds between them are learned, and
what is averaged are probabilities of levels rather than stars. Latent variables after Albert and Chib, "Bayesian
analysis of binary and polychotomous response data" (1993); thresholds drawn with the latent variables integrated out
(Cowles, "Accelerating Monte Carlo Markov chain convergence for cumulative-link generalized linear models", 1996), here
from a t distribution about the mode of their likelihood.

Scores have neither an origin nor a unit of their own. So two thresholds are fixed, those nearest to a sixth and to five
sixths of the ratings, at the normal quantiles of the shares below them; with two levels there is one threshold, and the
common precision of the noise is fixed instead.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.errors import UnsupportedError
from matinee.threads import Run

MOST_LEVELS = 20
SPANS = 32
"""Pieces of work, not by the number of threads, which must not change the order of a sum."""
STEPS = 8
"""Newton's steps to the mode, at most; one or two will do after the first sweep."""
FREEDOM = 6.0
"""Degrees of freedom of the proposals: their tails are heavier than those of any likelihood."""


def rating_levels(value: Floats) -> Doubles:
    """The distinct ratings, (K,), ascending.

    Raises:
        UnsupportedError: they are fewer than 2 or more than 20.
    """
    levels = np.unique(value).astype(np.float64)
    if not 2 <= len(levels) <= MOST_LEVELS:
        found = f"here {'is' if len(levels) == 1 else 'are'} {len(levels):,}"
        raise UnsupportedError(
            f"bayes: likelihood=probit is for ratings of 2 to {MOST_LEVELS} levels, and {found}; "
            "use likelihood=regression."
        )
    return levels


class Link(NamedTuple):
    """From latent scores to levels, for each draw."""

    thresholds: Floats  # (S, K - 1)
    levels: Doubles  # (K,), standardized

    def moments(self, latents: Floats, variance: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of ratings, standardized, (N,) each.

        Args:
            latents: what each draw says, (S', N); S' is S or a multiple of it.
            variance: of the noise, (N,).
        """
        from matinee.kernels.probit import add_stars

        out = np.zeros((2, latents.shape[1]), np.float32)
        roots = (1 / np.sqrt(variance)).astype(np.float32)
        for part in np.split(np.ascontiguousarray(latents, np.float32), len(latents) // len(self.thresholds)):
            add_stars(part, roots, self.thresholds, self.gaps, out)
        out /= len(latents)
        lowest = np.float32(self.levels[0])
        # the square of the level is that of the lowest, and what was added
        return out[0] + lowest, np.maximum(out[1] + lowest**2 - (out[0] + lowest) ** 2, np.float32(1e-9))

    def respond(self, level: NDArray[np.int64], scores: Doubles, precision: Doubles) -> tuple[Doubles, Doubles]:
        """Slope and curvature, with the sign turned, of the logarithm of each rating's likelihood by its score.

        Args:
            level: of each rating, (n,). scores: (S, n). precision: of the noise, (S,).
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
        """Between neighboring levels, and between their squares, (2, K - 1)."""
        return np.stack([np.diff(self.levels), np.diff(self.levels**2)]).astype(np.float32)

    def level(self, value: Doubles) -> NDArray[np.int64]:
        """The nearest level of standardized ratings, (N,)."""
        return np.searchsorted((self.levels[1:] + self.levels[:-1]) / 2, value)


class Ordinal:
    """The part of a Gibbs sampler's state that the ordered probit adds: levels, thresholds, latent variables."""

    def __init__(self, value: Floats, levels: Doubles, mean: float, unit: float) -> None:
        """Args: value: ratings in the users' order, (N,). levels: the distinct ones. mean, unit: of the ratings."""
        from matinee.kernels.probit import quantile

        self.level = np.searchsorted(levels.astype(np.float32), value).astype(np.uint8)
        self.levels = (levels - mean) / unit
        self.value = self.levels[self.level]
        shares = np.cumsum(np.bincount(self.level, minlength=len(levels)))[:-1] / len(value)
        self.thresholds = np.array([quantile(float(share)) for share in shares])
        low, high = (int(np.argmin(np.abs(shares - part))) for part in (1 / 6, 5 / 6))
        if low == high:
            low, high = (low, low + 1) if low + 2 < len(levels) else (max(low - 1, 0), low)
        self.fixes_noise = low == high
        self.free = np.setdiff1d(np.arange(len(shares)), [low, high])
        self.mode = self.thresholds.copy()
        self.error = float("nan")
        """The RMSE of the present scores, standardized."""
        self.accepted = 0

    def start(self) -> Floats:
        """Latent variables to start from: their means before anything is known of scores, (N,)."""
        density = np.exp(-(self.thresholds**2) / 2) / np.sqrt(2 * np.pi)
        means = -np.diff(np.concatenate([[0], density, [0]])) / (np.bincount(self.level) / len(self.level))
        return np.asarray(means[self.level], np.float32)

    def draw(self, rng: np.random.Generator, run: Run, scores: Floats, precision: Doubles) -> Floats:
        """New thresholds, then new latent variables, (N,), given the scores and the precision of each rating."""
        from matinee.kernels.probit import add_stars, draw_latents

        roots = np.sqrt(precision).astype(np.float32)
        rated = self.level, scores, roots
        self._draw_thresholds(rng, run, rated)
        latents = np.empty(len(scores), np.float32)
        uniforms = rng.random(len(scores))
        spans = _spans(len(scores))
        run(draw_latents, [(rated, span, self.thresholds, uniforms, latents) for span in spans])
        sums = np.zeros((2, len(scores)), np.float32)
        link = self.link()
        calls = [(scores[None, a:b], roots[a:b], link.thresholds, link.gaps, sums[:, a:b]) for a, b in spans]
        run(add_stars, calls)
        self.error = float(np.sqrt(np.mean((sums[0] + self.levels[0] - self.value) ** 2)))
        return latents

    def link(self) -> Link:
        """That of the present thresholds."""
        return Link(self.thresholds[None].astype(np.float32), self.levels)

    def _draw_thresholds(
        self, rng: np.random.Generator, run: Run, rated: tuple[NDArray[np.uint8], Floats, Floats]
    ) -> None:
        """A step of Metropolis and Hastings. What is proposed hangs on the scores, not on the thresholds before: the
        mode is looked for from that of the last sweep, until what is left to it is small beside its width."""
        if len(self.free) == 0:
            return
        for _ in range(STEPS):
            _, slopes, form = self._likelihood(run, rated, self.mode)
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
        gains = self._likelihood(run, rated, proposed)[0] - self._likelihood(run, rated, self.thresholds)[0]
        back = root.T @ (self.thresholds - self.mode)[self.free]
        gains += (FREEDOM + len(form)) / 2 * (np.log1p(away @ away / FREEDOM) - np.log1p(back @ back / FREEDOM))
        if np.log(max(chance, 1e-300)) < gains:
            self.thresholds, self.accepted = proposed, self.accepted + 1

    def _with(self, free: Doubles) -> Doubles:
        thresholds = self.thresholds.copy()
        thresholds[self.free] = free
        return thresholds

    def _likelihood(
        self, run: Run, rated: tuple[NDArray[np.uint8], Floats, Floats], thresholds: Doubles
    ) -> tuple[float, Doubles, Doubles]:
        """Of the levels given the scores: its logarithm, and slopes, (d,), and curvatures, (d, d), of the free
        thresholds, the latter with the sign turned."""
        from matinee.kernels.probit import add_likelihood

        n_levels = len(self.levels)
        out = np.empty((SPANS, 3 * n_levels))
        spans = _spans(len(self.level))
        run(
            add_likelihood,
            [(rated, span, thresholds, one) for span, one in zip(spans, out, strict=True)],
        )
        total = out.sum(axis=0)
        beside = np.diag(total[2 * n_levels + 1 : -1], 1)
        form = np.diag(total[n_levels + 1 : 2 * n_levels] + 1e-9) + beside + beside.T
        return float(total[0]), total[1:n_levels][self.free], form[np.ix_(self.free, self.free)]


def _ascending(thresholds: Doubles) -> bool:
    return bool((np.diff(thresholds) > 0).all())


def _spans(n: int) -> list[tuple[int, int]]:
    """Consecutive ratings, in equal parts."""
    return list(pairwise((np.arange(SPANS + 1) * n // SPANS).tolist()))
