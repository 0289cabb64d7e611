"""Preference elicitation: which items to ask a person about, to learn most from each
answer."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.linalg import top

MAX_CANDIDATES = 400
"""Only the most rated items are asked about; few people can say anything about the others."""
_LABEL_WEIGHT = 0.6
"""Weight of genres and decade relative to the item vectors; rows of both have length 1."""
_NOISE = 0.5
"""The smaller it is, the less a second item of the same kind tells after the first."""
_MAX_DIRECTIONS = 48


class Elicitation:
    """The candidates of one model, ready to choose from."""

    def __init__(self, item_vectors: Floats, labels: Floats, counts: NDArray[np.int64]) -> None:
        """Selects the candidates.

        Args:
            item_vectors: (I, F) float32, rows of length 1 or 0: what the model learned about
                them.
            labels: (I, L) float32, rows of length 1 or 0: genres and decade.
            counts: (I,), ratings of each item.
        """
        n_candidates = min(MAX_CANDIDATES, int((counts > 0).sum()))
        self.candidates = top(np.asarray(counts, np.float32), n_candidates)  # (M,)
        known_vectors = item_vectors[self.candidates]
        known_labels = _LABEL_WEIGHT * labels[self.candidates]
        self._x = _reduced(np.hstack([known_vectors, known_labels]).astype(np.float64))  # (M, D)
        self._popularity = np.sqrt(counts[self.candidates] / max(1, counts.max()))  # (M,)
        self._row = {index: row for row, index in enumerate(self.candidates.tolist())}

    def next_items(self, n: int, rated: Iterable[int], skipped: Iterable[int]) -> list[int]:
        """The n items to ask about next, by index: well known, and unlike those answered so
        far.

        Greedy D-optimal design (Wynn, "The sequential generation of D-optimum experimental
        designs", 1970): each step takes the item with the largest x' A^-1 x, the variance of
        its score in a ridge regression on the items answered so far, A = c I + sum x x'.
        Unlike Wynn, the variance is weighted by the square root of the number of ratings.
        Answers are not needed, only which items were answered, so the first questions follow
        the same rule.

        Args:
            rated: indices of the items that the person rated.
            skipped: indices of items not to ask about: already on the screen, or not seen.
                They count as answered, or the next question would resemble them.
        """
        inverse = np.eye(self._x.shape[1]) / _NOISE  # A^-1, (D, D)
        used = np.zeros(len(self._x), bool)
        for index in {*rated, *skipped}:
            row = self._row.get(index)
            if row is not None:
                used[row] = True
                inverse = _updated(inverse, self._x[row])
        chosen: list[int] = []
        while len(chosen) < n and not used.all():
            variance = np.einsum("md,md->m", self._x @ inverse, self._x)  # (M,)
            row = int(np.where(used, -np.inf, self._popularity * variance).argmax())
            used[row] = True
            inverse = _updated(inverse, self._x[row])
            chosen.append(int(self.candidates[row]))
        return chosen


def _reduced(vectors: Doubles) -> Doubles:
    """The rows in at most `_MAX_DIRECTIONS` columns, with nearly the same inner products."""
    if vectors.shape[1] <= _MAX_DIRECTIONS or len(vectors) == 0:
        return vectors
    left, singular_values, _ = np.linalg.svd(vectors, full_matrices=False)
    return np.asarray(left[:, :_MAX_DIRECTIONS] * singular_values[:_MAX_DIRECTIONS])


def _updated(inverse: Doubles, x: Doubles) -> Doubles:
    """(A + x x')^-1 from A^-1 (Sherman and Morrison, 1950)."""
    direction = inverse @ x
    return np.asarray(inverse - np.outer(direction, direction) / (1 + x @ direction))
