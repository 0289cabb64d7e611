"""History: the training ratings of each user, with their timestamps and features."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Indices
from matinee.block_sums import sums_by
from matinee.data.features import Features
from matinee.data.ratings import Grouped, Ratings, Scale
from matinee.data.vocabulary import Vocabulary
from matinee.errors import UnsupportedError
from matinee.models.recency import TrainingTimes


class UserRows(NamedTuple):
    """The ratings of several users, one user after the other, (n,) each."""

    row: NDArray[np.int64]
    """The position of the user among the requested users."""
    item_index: NDArray[np.int32]
    value: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class History:
    """The training ratings of all users; empty if the model was saved without them.

    Attributes:
        users, items, scale: vocabularies and scale of the training data.
        indptr: (U + 1,) int64; the ratings of user u are at indptr[u]:indptr[u + 1].
        item_index, value: (N,) int32 and float32.
        timestamp: (N,) int64, seconds since 1970; None if the data has none or the model needs
            none.
        user_features, item_features: the features of the data; None as for the timestamps.
        is_complete: whether timestamps and features were kept if the data had them. Files of
            earlier versions contain neither.
    """

    users: Vocabulary
    items: Vocabulary
    scale: Scale
    indptr: NDArray[np.int64]
    item_index: NDArray[np.int32]
    value: NDArray[np.float32]
    timestamp: NDArray[np.int64] | None = None
    user_features: Features | None = None
    item_features: Features | None = None
    is_complete: bool = True

    def __post_init__(self) -> None:
        for array in (self.item_index, self.value):
            array.setflags(write=False)

    @classmethod
    def from_ratings(cls, train: Ratings, *, times: bool, features: bool) -> "History":
        """The history of a training table.

        Args:
            times, features: whether the model uses timestamps, or features, which are then
                kept.
        """
        by_user = train.by_user
        history = cls(
            train.users, train.items, train.scale, by_user.indptr, by_user.indices, by_user.value
        )
        if times and train.timestamp is not None:
            history = replace(history, timestamp=by_user.take(train.timestamp))
        if features:
            history = replace(
                history, user_features=train.user_features, item_features=train.item_features
            )
        return history

    def __len__(self) -> int:
        """The number of ratings."""
        return len(self.value)

    @property
    def is_empty(self) -> bool:
        """Whether the model was saved without its training ratings: no model has none."""
        return len(self) == 0

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The number of ratings of each user, (U,)."""
        return np.diff(self.indptr)

    @property
    def by_user(self) -> Grouped:
        """The ratings as those of `Ratings.by_user`."""
        return Grouped(self.indptr, self.item_index, self.value, None)

    @property
    def user_index(self) -> NDArray[np.int32]:
        """The user of each rating, (N,)."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)

    def of(self, user_index: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items and ratings of one user, (n,) each."""
        positions = slice(self.indptr[user_index], self.indptr[user_index + 1])
        return self.item_index[positions], self.value[positions]

    def rows(self, user_index: Indices) -> UserRows:
        """The ratings of several users."""
        counts = self.counts[user_index]
        row = np.repeat(np.arange(len(user_index)), counts)
        positions = run_positions(self.indptr[user_index], counts)
        return UserRows(row, self.item_index[positions], self.value[positions])

    def weights(self, user_index: Indices, half_life: float) -> NDArray[np.float32] | None:
        """The weights of the ratings of several users, in the order of `rows`.

        None if the half-life is 0, or the times were not saved.
        """
        if half_life == 0 or self.timestamp is None or self.is_empty:
            return None
        positions = run_positions(self.indptr[user_index], self.counts[user_index])
        return self._training_times.weights(self.timestamp[positions], half_life)

    @cached_property
    def _training_times(self) -> TrainingTimes:
        assert self.timestamp is not None
        return TrainingTimes.of(self.timestamp)

    def without_ratings(self) -> "History":
        """The history for a file that must not contain ratings."""
        return History(
            self.users,
            self.items,
            self.scale,
            np.zeros_like(self.indptr),
            self.item_index[:0],
            self.value[:0],
        )

    def to_ratings(self) -> Ratings:
        """The ratings as a table by user, without timestamps and features.

        Raises:
            UnsupportedError: the model was saved without them.
        """
        if self.is_empty:
            raise UnsupportedError(
                "This model was saved without histories, so it does not know who rated what; "
                "train it without --no-history."
            )
        return Ratings(
            self.users, self.items, self.user_index, self.item_index, self.value, None, self.scale
        )

    def to_training_ratings(self) -> Ratings:
        """The table that the model was trained on, with timestamps and features."""
        return replace(
            self.to_ratings(),
            timestamp=self.timestamp,
            user_features=self.user_features,
            item_features=self.item_features,
        )


def item_means(
    counts: NDArray[np.int64], item_index: Indices, value: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The mean rating of each item, (I,); NaN for an item without ratings.

    Args:
        counts: the number of ratings of each item, (I,).
    """
    sums = sums_by(item_index, value, len(counts))
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means.astype(np.float32)


def run_positions(first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions of several runs of consecutive elements, one run after the other.

    Args:
        first, counts: the first position and the length of each run.
    """
    return np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)


def few_ratings(item_counts: NDArray[np.int64]) -> int:
    """The number of ratings below which an item has few: 1/5,000 of all ratings, from 5 to
    50."""
    return min(max(int(item_counts.sum()) // 5_000, 5), 50)
