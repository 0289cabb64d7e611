"""History: who rated what in training, by user, and what else the data told of it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.features import Features
from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Vocabulary
from matinee.errors import UnsupportedError


class Rows(NamedTuple):
    """The ratings of several users, one user after the other, (n,) each."""

    row: NDArray[np.int64]
    """The place of the user among those asked for."""
    item_index: NDArray[np.int32]
    value: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class History:
    """The training ratings of all users; empty in a file that was saved without them.

    Attributes:
        users, items, scale: vocabularies and scale of the training data.
        indptr: (U + 1,) int64; the ratings of user u are those at indptr[u]:indptr[u + 1].
        item_index, value: (N,) int32 and float32.
        timestamp: (N,) int64, seconds since 1970; None where there are none, or no model needs them.
        user_features, item_features: what else the data told; None as for the timestamps.
        is_complete: whether timestamps and features are here if the data had them. Files of earlier
            versions held neither.
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

    @classmethod
    def from_ratings(cls, train: Ratings, *, times: bool, features: bool) -> "History":
        """Of a training table, with its timestamps and features if a model uses them."""
        by_user, timestamp = train.by_user, None
        if times and train.timestamp is not None:
            timestamp = train.timestamp[by_user.row]
        return cls(
            train.users,
            train.items,
            train.scale,
            by_user.indptr,
            by_user.index,
            by_user.value,
            timestamp,
            train.user_features if features else None,
            train.item_features if features else None,
        )

    def __len__(self) -> int:
        """The number of ratings."""
        return len(self.value)

    @property
    def is_empty(self) -> bool:
        """Whether the file was saved without who rated what; no model learns from no ratings."""
        return len(self) == 0

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """The number of ratings of each user, (U,)."""
        return np.diff(self.indptr)

    @property
    def user_index(self) -> NDArray[np.int32]:
        """The user of each rating, (N,)."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)

    def of(self, user_index: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """What one user rated and their ratings, (n,) each."""
        mine = slice(self.indptr[user_index], self.indptr[user_index + 1])
        return self.item_index[mine], self.value[mine]

    def rows(self, user_index: NDArray[Any]) -> Rows:
        """The ratings of several users."""
        counts = self.counts[user_index]
        row = np.repeat(np.arange(len(user_index)), counts)
        places = places_of(self.indptr[user_index], counts)
        return Rows(row, self.item_index[places], self.value[places])

    def without_ratings(self) -> "History":
        """As a file holds it that does not tell who rated what."""
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
            UnsupportedError: the model's file was saved without them.
        """
        if self.is_empty:
            raise UnsupportedError(
                "This model was saved without histories, so it does not know who rated what; "
                "train it without --no-history."
            )
        columns = self.user_index, self.item_index, self.value
        return Ratings(self.users, self.items, *columns, None, self.scale)

    def to_training_ratings(self) -> Ratings:
        """The same with the timestamps and features: what the model was trained on."""
        return replace(
            self.to_ratings(),
            timestamp=self.timestamp,
            user_features=self.user_features,
            item_features=self.item_features,
        )


def places_of(first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of some runs, each from its first place on, one run after the other."""
    return np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)


def few_ratings(item_counts: NDArray[np.int64]) -> int:
    """What counts as few ratings of an item: one in 5,000 of all, at least 5 and at most 50."""
    return min(max(int(item_counts.sum()) // 5_000, 5), 50)
