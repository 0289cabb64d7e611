"""Recency: newer ratings count more, by a half-life in days.

A rating that is D days older than the newest rating of the training table weighs

    w = 2^(-D / half_life)

but at least 2^-20, so that a user with old ratings alone still has a taste. A rating without a
time, in a table where others have one, is taken to be of the median age. The ratings of a new
person weigh 1, as if they were given today. (Ding and Li, "Time weight collaborative
filtering", 2005, who weigh the ratings of a user in item-based prediction.)
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs
from matinee.block_sums import BLOCK, sums_by
from matinee.data.ratings import NO_TIME, Ratings
from matinee.errors import SettingError
from matinee.models.hyperparameters import hyper

DAY = 86_400
LEAST = 2.0**-20
"""The lowest weight of a rating."""


def half_life_setting() -> Any:
    """The hyperparameter `half_life`; 0 means that all ratings weigh the same."""
    return hyper(
        0.0,
        low=0,
        high=1e6,
        search=(30, 3650),
        needs_times=True,
        help="age in days at which a rating weighs half as much as the newest; 0: ages are ignored",
    )


class TrainingTimes(NamedTuple):
    """The newest and the median of the known times of a table, in seconds since 1970."""

    newest: int
    middle: int

    @classmethod
    def of(cls, timestamp: Longs) -> "TrainingTimes":
        """The span of some times, (N,); at least one must be known."""
        known = timestamp[timestamp != NO_TIME]
        middle = 0
        if len(known) < len(timestamp):
            middle = int(np.median(known))
        return cls(int(known.max()), middle)

    def weights(self, timestamp: Longs, half_life: float) -> Floats:
        """The weights of ratings with these times, (N,)."""
        time = np.where(timestamp == NO_TIME, self.middle, timestamp)
        days = (self.newest - time) / DAY
        return np.maximum(np.exp2(-days / half_life), LEAST).astype(np.float32)


def recency_weights(train: Ratings, half_life: float, model: str) -> Floats | None:
    """The weight of each training rating, (N,); None if the half-life is 0.

    Raises:
        SettingError: there is a half-life, but no rating has a time.
    """
    if half_life == 0:
        return None
    if train.timestamp is None or not (train.timestamp != NO_TIME).any():
        raise SettingError(
            f"{model}: half_life needs the times of the ratings, and this table has none; read "
            "them with --timestamp-column NAME, or leave half_life at 0."
        )
    times, timestamp = TrainingTimes.of(train.timestamp), train.timestamp
    weights = train.scratch().empty(len(train), np.float32)
    for start in range(0, len(train), BLOCK):
        at = slice(start, start + BLOCK)
        weights[at] = times.weights(timestamp[at], half_life)
    return weights


def sums_of(weight: Floats | None, index: NDArray[np.integer], n: int) -> Doubles:
    """The sum of the weights of each user, or item, (n,); the number of ratings if None."""
    if weight is None:
        return np.bincount(index, minlength=n).astype(np.float64)
    return sums_by(index, weight, n)


def mean_of(value: Floats, weight: Floats | None) -> NDArray[np.float64]:
    """The weighted mean of the ratings, as an array without dimensions."""
    if weight is None:
        return np.array(value.mean(dtype=np.float64))
    return np.array(np.average(value.astype(np.float64), weights=weight.astype(np.float64)))
