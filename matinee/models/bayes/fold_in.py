"""What one person's ratings say of their factors and bias: a normal distribution for each draw of everything else."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.models.bayes.ordered_probit import Link

STEPS = 12
CLOSE = 1e-3
"""Of a score, in deviations: steps to the mode end when no score changes by more."""


class Posterior(NamedTuple):
    """The normal equations of a person, for each draw: form x = right."""

    items: Doubles  # (S, n, F + 1), the rows of what they rated, with 1 for the bias
    target: Doubles  # (S, n), what the items' biases leave of their ratings
    sets: Doubles  # (S, n, F + 1), what having rated each item adds to the prior's mean
    prior: Doubles  # (S, F + 1), precision
    noise: Doubles  # (S, 1) or (S, n), precision
    mean: Doubles  # (S, F + 1), of the prior
    form: Doubles  # (S, F + 1, F + 1)
    right: Doubles  # (S, F + 1)

    @classmethod
    def of(
        cls,
        items: Doubles,
        target: Doubles,
        sets: Doubles,
        prior: tuple[Doubles, Doubles],
        noise: Doubles,
    ) -> Self:
        """Args: prior: mean, with what the sets add, and precision, (S, F + 1) each; the rest as above."""
        mean, precision = prior
        turned = items.transpose(0, 2, 1)
        size = np.arange(mean.shape[1])
        is_common = noise.shape[1] == 1
        form = noise[..., None] * (turned @ items) if is_common else turned @ (noise[..., None] * items)
        form[:, size, size] += precision
        right = precision * mean + (turned @ (noise * target)[..., None])[..., 0]
        return cls(items, target, sets, precision, noise, mean, form, right)

    def solve(self) -> Doubles:
        """The mean, (S, F + 1)."""
        return np.asarray(np.linalg.solve(self.form, self.right[..., None])[..., 0])

    def step(self, rng: np.random.Generator) -> Doubles:
        """A step at random from the mean to a draw, (S, F + 1)."""
        random = rng.standard_normal((*self.right.shape, 1))
        root = np.linalg.cholesky(self.form).transpose(0, 2, 1)
        return np.asarray(np.linalg.solve(root, random)[..., 0])

    def shares(self, solved: Doubles, other: Doubles, mean: Doubles) -> Doubles:
        """What each rating adds to how the person's mean differs from another's, along some directions, (n, k); mean
        over the draws.

        Args:
            solved: form^-1 times each direction, (S, F + 1, k).
            other: factors and bias to compare with, (S, F + 1). mean: of the prior, without the sets, (S, F + 1).
        """
        n = self.items.shape[1]
        left = self.noise * (self.target - (self.items @ other[..., None])[..., 0])  # (S, n)
        weighted = self.prior[..., None] * solved  # (S, F + 1, k)
        found = left[..., None] * (self.items @ solved) + self.sets @ weighted  # (S, n, k)
        found += ((mean - other)[:, None] @ weighted) / n
        return np.asarray(found.mean(axis=0))

    def changes(self, inverse: Doubles, solved: Doubles) -> Doubles:
        """How the scores of K items change, in deviations, when one rating is left out, (n, K); mean over the draws.

        To leave one out takes one square from the form (Sherman and Morrison, 1950), its own part from the right-hand
        side, and makes the sets of the others weigh more there.

        Args:
            inverse: of the form, (S, F + 1, F + 1).
            solved: that times each item's row with 1 for the bias, (S, F + 1, K).
        """
        n = self.items.shape[1]
        more = np.sqrt(n / (n - 1))
        turned = self.items @ inverse  # (S, n, F + 1), form^-1 y_j
        leverage = np.einsum("snf,snf->sn", turned, self.items)
        gone = self.noise * self.target  # (S, n)
        heavier = (more - 1) * self.prior * self.sets.sum(axis=1)  # (S, F + 1)
        along = (turned @ (self.right + heavier)[..., None])[..., 0] - gone * leverage
        turned *= self.prior[:, None]
        along -= more * np.einsum("snf,snf->sn", turned, self.sets)
        change = heavier[:, None] @ solved - more * (self.sets @ (self.prior[..., None] * solved))  # (S, n, K)
        change += (self.noise * along / (1 - self.noise * leverage) - gone)[..., None] * (self.items @ solved)
        return np.asarray(change.mean(axis=0))


def ordinal_posterior(
    items: Doubles,
    sets: Doubles,
    prior: tuple[Doubles, Doubles],
    noise: Doubles,
    answers: "Answers",
) -> Posterior:
    """The normal distribution with the mode and the curvature of a person's posterior under an ordered probit, known as
    Laplace's approximation: that of a regression on the scores, and with the precisions, at which Newton's steps end.
    """
    mean = prior[0]
    scores = (items @ mean[..., None])[..., 0]  # (S, n), but for the items' biases
    weights = np.broadcast_to(noise, scores.shape)  # the first step is one of EM, which is never too long
    for step in range(STEPS):
        slopes, curvatures = answers.link.respond(answers.level, scores + answers.biases, noise[:, 0])
        weights = weights if step == 0 else curvatures
        found = Posterior.of(items, scores + slopes / weights, sets, prior, weights)
        before, scores = scores, (items @ found.solve()[..., None])[..., 0]
        if np.abs(scores - before).max() < CLOSE:
            break
    return found


class Answers(NamedTuple):
    """A person's ratings as levels."""

    link: Link
    level: NDArray[np.int64]  # (n,)
    biases: Doubles  # (S, n), of the items


class Scores(NamedTuple):
    """What the scores of K items are made of, in deviations."""

    item_index: NDArray[np.int32]
    middle: Doubles
    """(K,), those of the average person."""
    total: Doubles  # (K,)
    taste: Doubles  # (K, n), what each rating adds
    changes: Doubles  # (K, n), what it would change to leave a rating out
