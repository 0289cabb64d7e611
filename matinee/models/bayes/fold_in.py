"""Fold-in: the normal posterior of a person's factors and bias, given each draw."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.models.bayes.ordered_probit import Link

STEPS = 12
CLOSE = 1e-3
"""Steps to the mode end when no score changes by more than this, in standard deviations."""


FEW = 15
"""The number of ratings of a new person at which the set of rated items counts by half."""


class Prior(NamedTuple):
    """The prior of a person for each draw, without what the sets add, (S, F + 1) each."""

    mean: Doubles
    precision: Doubles


def prior_of(n: int, mean: Floats, average: Doubles, precision: Floats, spread: Floats) -> Prior:
    """The prior of a person with n ratings.

    What the set of rated items adds is learned from users most of whom have rated dozens, and is
    an extrapolation for one, two or three ratings. Therefore the prior mean is n / (n + FEW)
    times that with the set, plus the rest times the average person, and the prior variance is
    mixed in the same way with that of all users.

    Args:
        mean, precision: of users with known sets, (S, F + 1).
        average: the average person, (S, F + 1).
        spread: the standard deviations of all users around the average, (S, F + 1).
    """
    trust = n / (n + FEW)
    variance = 1 / precision.astype(np.float64)
    around = np.maximum(np.square(spread.astype(np.float64)), variance)
    mixed = trust * mean.astype(np.float64) + (1 - trust) * average
    return Prior(mixed, 1 / (trust * variance + (1 - trust) * around))


class Posterior(NamedTuple):
    """The normal equations of a person for each draw: form x = right."""

    items: Doubles  # (S, n, F + 1), the rows of the rated items, with 1 for the bias
    target: Doubles  # (S, n), the ratings less the item biases
    sets: Doubles  # (S, n, F + 1), what having rated each item adds to the prior mean
    prior_precision: Doubles  # (S, F + 1)
    noise: Doubles  # (S, 1) or (S, n), precision
    prior_mean: Doubles  # (S, F + 1)
    form: Doubles  # (S, F + 1, F + 1)
    right: Doubles  # (S, F + 1)

    @classmethod
    def from_ratings(
        cls,
        items: Doubles,
        target: Doubles,
        sets: Doubles,
        prior_mean: Doubles,
        prior_precision: Doubles,
        noise: Doubles,
    ) -> Self:
        """The normal equations.

        Args:
            prior_mean: with the contribution of the sets; the other arguments are the
                attributes.
        """
        transposed = items.transpose(0, 2, 1)
        size = np.arange(prior_mean.shape[1])
        if noise.shape[1] == 1:
            form = noise[..., None] * (transposed @ items)
        else:
            form = transposed @ (noise[..., None] * items)
        form[:, size, size] += prior_precision
        right = prior_precision * prior_mean + (transposed @ (noise * target)[..., None])[..., 0]
        return cls(items, target, sets, prior_precision, noise, prior_mean, form, right)

    def solve(self) -> Doubles:
        """The mean, (S, F + 1)."""
        return np.asarray(np.linalg.solve(self.form, self.right[..., None])[..., 0])

    def step(self, random: Doubles) -> Doubles:
        """The steps from the mean to draws, (S, F + 1), from standard normal numbers."""
        root = np.linalg.cholesky(self.form).transpose(0, 2, 1)
        return np.asarray(np.linalg.solve(root, random[..., None])[..., 0])

    def shares(self, solved: Doubles, other: Doubles, mean: Doubles) -> Doubles:
        """The contribution of each rating to the person's deviation from another, (n, k).

        The deviation is that of the posterior mean along k directions, averaged over the
        draws.

        Args:
            solved: form^-1 times each direction, (S, F + 1, k).
            other: the factors and bias to compare with, (S, F + 1).
            mean: the prior mean without the sets, (S, F + 1).
        """
        n = self.items.shape[1]
        residual = self.noise * (self.target - (self.items @ other[..., None])[..., 0])  # (S, n)
        weighted = self.prior_precision[..., None] * solved  # (S, F + 1, k)
        shares = residual[..., None] * (self.items @ solved) + self.sets @ weighted  # (S, n, k)
        shares += ((mean - other)[:, None] @ weighted) / n
        return np.asarray(shares.mean(axis=0))

    def changes(self, inverse: Doubles, solved: Doubles) -> Doubles:
        """The change of the scores of K items without each rating, in deviations, (n, K).

        Averaged over the draws. Leaving a rating out subtracts a rank-one matrix from the form
        (Sherman and Morrison, 1950), and from the right-hand side one term and what the item
        adds to the prior mean.

        Args:
            inverse: of the form, (S, F + 1, F + 1).
            solved: the inverse times each item's row with 1 for the bias, (S, F + 1, K).
        """
        turned = self.items @ inverse  # (S, n, F + 1), form^-1 y_j
        leverage = np.einsum("snf,snf->sn", turned, self.items)
        gone = self.noise * self.target  # (S, n)
        along = (turned @ self.right[..., None])[..., 0] - gone * leverage
        turned *= self.prior_precision[:, None]
        along -= np.einsum("snf,snf->sn", turned, self.sets)
        change = -(self.sets @ (self.prior_precision[..., None] * solved))  # (S, n, K)
        change += (self.noise * along / (1 - self.noise * leverage) - gone)[..., None] * (
            self.items @ solved
        )
        return np.asarray(change.mean(axis=0))


def ordinal_posterior(
    items: Doubles,
    sets: Doubles,
    prior_mean: Doubles,
    prior_precision: Doubles,
    noise: Doubles,
    answers: "RatedLevels",
) -> Posterior:
    """Laplace's approximation of a person's posterior under an ordered probit.

    The normal distribution has the mode and the curvature of the posterior. It is that of a
    regression on the scores, with the precisions, at which Newton's steps end.
    """
    scores = (items @ prior_mean[..., None])[..., 0]  # (S, n), without the item biases
    # The first step is one of expectation maximization, which never overshoots.
    weights = np.broadcast_to(noise, scores.shape)
    for step in range(STEPS):
        slopes, curvatures = answers.link.respond(
            answers.level, scores + answers.biases, noise[:, 0]
        )
        if step > 0:
            weights = curvatures
        target = scores + slopes / weights
        posterior = Posterior.from_ratings(
            items, target, sets, prior_mean, prior_precision, weights
        )
        before, scores = scores, (items @ posterior.solve()[..., None])[..., 0]
        if np.abs(scores - before).max() < CLOSE:
            break
    return posterior


class RatedLevels(NamedTuple):
    """A person's ratings as levels."""

    link: Link
    level: NDArray[np.int64]  # (n,)
    biases: Doubles  # (S, n), of the items


class ScoreParts(NamedTuple):
    """The attribution of the scores of K items, in standard deviations."""

    item_index: NDArray[np.int32]
    average: Doubles
    """The scores of the average person, (K,)."""
    total: Doubles  # (K,)
    taste: Doubles  # (K, n), the contribution of each rating
    changes: Doubles  # (K, n), the change without each rating
