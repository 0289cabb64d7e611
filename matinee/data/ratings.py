"""Ratings: a table of who gave what to which item, and the scale of the values."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee.data.features import Features
from matinee.data.vocabulary import Ids, Vocabulary
from matinee.errors import DataError
from matinee.text import counted

NO_TIME: int = int(np.iinfo(np.int64).min)
"""The timestamp of a rating whose row had none, in a table where other rows have one."""


_LARGE_STEPS = (100.0, 50.0, 25.0, 20.0, 10.0, 5.0, 2.0)
_STEPS = (1.0, 0.5, 0.25, 0.2, 0.1)
_ENOUGH_VALUES = 4  # of {1, 3, 5}, the 2 and the 4 may just have been given by nobody


class Scale(NamedTuple):
    """The lowest and highest rating and the step between two neighbouring ones (0 when there is no regular step).

    If both ends are the same there are no stars, only who has what, and perhaps how often (`PAIRS`).
    """

    lowest: float
    highest: float
    step: float

    @classmethod
    def of(cls, value: NDArray[np.float32]) -> "Scale":
        """The scale that the ratings themselves show: their range, and the greatest step that all are multiples of.

        A step above 1 takes four distinct values: fewer may be far apart by chance.
        """
        distinct = _distinct(value).astype(np.float64)
        lowest, highest = float(distinct[0]), float(distinct[-1])
        for step in _LARGE_STEPS * (len(distinct) >= _ENOUGH_VALUES) + _STEPS:
            units = (distinct - lowest) / step
            # 0.1 is not exact in binary: large values are off by some of their own last bits.
            rounding = 2.0**-23 * max(abs(lowest), abs(highest)) / step
            if np.allclose(units, np.round(units), rtol=0, atol=1e-4 + rounding):
                return cls(lowest, highest, step)
        return cls(lowest, highest, 0.0)

    @property
    def has_stars(self) -> bool:
        """Whether values are stars, and not all alike or counts."""
        return self.highest > self.lowest

    def allows(self, value: float) -> bool:
        """Whether somebody may give this value; a count may be any from the lowest on."""
        return self.lowest <= value and (value <= self.highest or not self.has_stars)

    def __str__(self) -> str:
        if not self.has_stars:
            return "without ratings"
        steps = f"in steps of {self.step:g}" if self.step else "without a fixed step"
        return f"{self.lowest:g} to {self.highest:g} {steps}"


PAIRS = Scale(1.0, 1.0, 1.0)
"""Of a table without ratings; its values are counts: how often somebody clicked, bought or played, 1 or more."""


def _distinct(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distinct values, ascending; without sorting all of them in the usual case of a few round ones."""
    sample = np.unique(value[:: max(1, len(value) // 2**16)])
    if len(sample) <= 64 and sum(np.count_nonzero(value == one) for one in sample) == len(value):
        return sample
    return np.unique(value)


class Grouped(NamedTuple):
    """Ratings grouped by user or by item (CSR): group g owns the positions indptr[g]:indptr[g+1] of the arrays."""

    indptr: NDArray[np.int64]  # (groups + 1,)
    index: NDArray[np.int32]  # type: ignore[assignment]  # (N,) the other side's index, ascending within a group
    value: NDArray[np.float32]  # (N,)
    row: NDArray[np.int64]  # (N,) the row of `Ratings` it came from


@dataclass(frozen=True, eq=False)
class Ratings:
    """An immutable table of ratings.

    Attributes:
        users, items: the vocabularies; an id may have no rating here (it may occur in another part of a split).
        user_index, item_index: (N,) int32.
        value: (N,) float32, on the data's own scale; counts where that has no stars.
        timestamp: (N,) int64, seconds since 1970, `NO_TIME` where a row had none; or None for a table without times.
        scale: lowest, highest, step.
        user_features, item_features: what else the data tells of all users and items; None if nothing.
    """

    users: Vocabulary
    items: Vocabulary
    user_index: NDArray[np.int32]
    item_index: NDArray[np.int32]
    value: NDArray[np.float32]
    timestamp: NDArray[np.int64] | None
    scale: Scale
    user_features: Features | None = None
    item_features: Features | None = None

    def __post_init__(self) -> None:
        for array in (self.user_index, self.item_index, self.value, self.timestamp):
            if array is not None:
                array.setflags(write=False)

    @classmethod
    def from_ids(
        cls,
        user_ids: Ids,
        item_ids: Ids,
        values: ArrayLike,
        timestamps: ArrayLike | None = None,
        scale: Scale | None = None,
    ) -> "Ratings":
        """Ratings from columns of ids: integers or strings, values in stars, timestamps in seconds since 1970."""
        users, user_index = Vocabulary.encode(user_ids, "user")
        items, item_index = Vocabulary.encode(item_ids, "item")
        value = np.array(values, np.float32)
        timestamp = None if timestamps is None else np.array(timestamps, np.int64)
        if not len(user_index) == len(item_index) == len(value) == len(value if timestamp is None else timestamp):
            raise DataError("The columns of users, items, values and timestamps differ in length.")
        if len(value) == 0:
            raise DataError("There are no ratings.")
        if not bool(np.isfinite(value).all()):
            bad = int(np.flatnonzero(~np.isfinite(value))[0])
            raise DataError(f"Rating {bad} is {value[bad]}, which is not a finite number.")
        return cls(users, items, user_index, item_index, value, timestamp, scale or Scale.of(value))

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        users, items = counted(self.n_users, "user"), counted(self.n_items, "item")
        return f"Ratings({counted(len(self), self.unit)} by {users} of {items}, {self.scale})"

    @property
    def unit(self) -> str:
        """What a row is: a rating, or a pair of a user and an item."""
        return "rating" if self.scale.has_stars else "pair"

    @property
    def n_users(self) -> int:
        """U, counting users that have no rating in this part."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """I, counting items that have no rating in this part."""
        return len(self.items)

    def subset(self, rows: NDArray[Any]) -> "Ratings":
        """The given rows (numbers or a mask), with the same vocabularies and scale."""
        timestamp = None if self.timestamp is None else self.timestamp[rows]
        return replace(
            self,
            user_index=self.user_index[rows],
            item_index=self.item_index[rows],
            value=self.value[rows],
            timestamp=timestamp,
        )

    def with_vocabularies(self, users: Vocabulary, items: Vocabulary) -> "Ratings":
        """The same ratings in wider vocabularies, which hold every id of this one."""
        user_map = users.lookup(self.users.ids)
        item_map = items.lookup(self.items.ids)
        return replace(
            self,
            users=users,
            items=items,
            user_index=user_map[self.user_index],
            item_index=item_map[self.item_index],
            user_features=self.user_features and self.user_features.take(self.users.lookup(users.ids)),
            item_features=self.item_features and self.item_features.take(self.items.lookup(items.ids)),
        )

    @cached_property
    def by_user(self) -> Grouped:
        """Grouped by user, items ascending; made once, when first asked for."""
        return _group(self.user_index, self.item_index, self.value, self.n_users)

    @cached_property
    def by_item(self) -> Grouped:
        """Grouped by item, users ascending; made once, when first asked for."""
        return _group(self.item_index, self.user_index, self.value, self.n_items)

    @cached_property
    def user_counts(self) -> NDArray[np.int64]:
        """Number of ratings of each user, (U,)."""
        return np.bincount(self.user_index, minlength=self.n_users)

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """Number of ratings of each item, (I,)."""
        return np.bincount(self.item_index, minlength=self.n_items)


def _group(group: NDArray[np.int32], other: NDArray[np.int32], value: NDArray[np.float32], n_groups: int) -> Grouped:
    order = _stable_order(other, np.arange(len(other)))
    order = _stable_order(group, order)
    indptr = np.zeros(n_groups + 1, np.int64)
    np.cumsum(np.bincount(group, minlength=n_groups), out=indptr[1:])
    return Grouped(indptr, other[order], value[order], order)


def _stable_order(index: NDArray[np.int32], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """`order` sorted by index[order], ties kept: a radix sort by 16 bits at a time, which NumPy does in linear time."""
    shift = 0
    while shift == 0 or (len(index) and int(index.max()) >> shift):
        digit = ((index[order] >> shift) & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(digit, kind="stable")]
        shift += 16
    return order
