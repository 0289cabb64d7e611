"""The ratings that count as liked, grouped by user and by item, for `ials`.

They are found block by block: those of a table on a disk lie on the disk, too.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Reals
from matinee.block_sums import BLOCK, row_sums
from matinee.data.ratings import Grouped
from matinee.scratch import Scratch

if TYPE_CHECKING:
    from matinee.kernels.als import Positives


class LikeRule(NamedTuple):
    """Which ratings count as liked, and what they weigh."""

    threshold: float
    weights_of: Callable[[Floats], Floats]

    def positives(self, group: Grouped, recency: Floats | None, scratch: Scratch) -> "Positives":
        """The ratings of a group that count as liked, with their weights.

        Args:
            recency: the weight of each rating by its age, (N,), by which it is multiplied.
            scratch: where they are put.
        """
        from matinee.kernels.als import Positives

        counts = row_sums(group.value, group.indptr, self._are_liked)
        indptr = np.append(0, np.cumsum(counts.astype(np.int64)))
        n_likes = int(indptr[-1])
        positives = Positives(
            indptr, scratch.empty(n_likes, np.int32), scratch.empty(n_likes, np.float32)
        )
        place = 0
        for start in range(0, len(group.value), BLOCK):
            at = slice(start, start + BLOCK)
            are_liked = self._are_liked(group.value[at])
            weight = self.weights_of(group.value[at][are_liked])
            if recency is not None and group.order is None:
                weight = weight * recency[at][are_liked]
            elif recency is not None and group.order is not None:
                weight = weight * recency[group.order[at][are_liked]]
            to = slice(place, place + len(weight))
            positives.indices[to], positives.weight[to] = group.indices[at][are_liked], weight
            place = to.stop
        return positives

    def mean_weight(self, value: Floats) -> float:
        """The mean weight of the likes among some ratings."""
        total, n_likes, mean = 0.0, 0, 1.0
        for start in range(0, len(value), BLOCK):
            block = value[start : start + BLOCK]
            weight = self.weights_of(block[self._are_liked(block)])
            if len(weight):
                mean = float(weight.mean(dtype=np.float64))
            total, n_likes = total + mean * len(weight), n_likes + len(weight)
        if len(value) <= BLOCK:  # with the bits of one mean
            return mean
        return total / max(n_likes, 1)

    def _are_liked(self, value: Reals) -> NDArray[np.bool_]:
        return np.asarray(value >= self.threshold)


def n_active(positives: "Positives") -> int:
    """The number of rows with positives."""
    return int(np.count_nonzero(np.diff(positives.indptr)))


def weight_sums(positives: "Positives") -> Doubles:
    """The sum of the weights of each row, (R,)."""
    return row_sums(positives.weight, positives.indptr)
