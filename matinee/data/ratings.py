"""Ratings: a table of who gave what to which item, and the scale of the values."""

import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee._types import Indices, Reals
from matinee.block_sums import counts_by
from matinee.data.features import Features
from matinee.data.repeats import last_of_each_pair, sums_of_pairs
from matinee.data.vocabulary import Ids, Vocabulary
from matinee.errors import DataError
from matinee.scratch import BLOCK, Scratch, folder_for
from matinee.text import counted, html_table, share

#: The timestamp of a rating whose row had none, in a table where other rows have one.
NO_TIME: int = int(np.iinfo(np.int64).min)

_LARGE_STEPS = (100.0, 50.0, 25.0, 20.0, 10.0, 5.0, 2.0)
_STEPS = (1.0, 0.5, 0.25, 0.2, 0.1)
_ENOUGH_VALUES = 4  # with {1, 3, 5} alone, the 2 and the 4 may be missing by chance


class Scale(NamedTuple):
    """The lowest and the highest rating, and the step between neighbors; 0 if it is not
    regular.

    If both ends are the same, there are no stars but implicit feedback: pairs of users and
    items, perhaps with counts (`PAIRS`).
    """

    lowest: float
    highest: float
    step: float

    @classmethod
    def of(cls, value: NDArray[np.float32]) -> "Scale":
        """The range of the ratings, and the largest step of which all are multiples.

        A step above 1 needs four distinct values: fewer may be far apart by chance. No step is
        larger than the range.
        """
        distinct = _distinct(value).astype(np.float64)
        lowest, highest = float(distinct[0]), float(distinct[-1])
        steps: tuple[float, ...] = _STEPS
        if len(distinct) >= _ENOUGH_VALUES:
            steps = (*_LARGE_STEPS, *_STEPS)
        for step in steps:
            units = (distinct - lowest) / step
            # 0.1 is not exact in binary: large values are off by a few of their last bits.
            rounding = 2.0**-23 * max(abs(lowest), abs(highest)) / step
            if 0 < units[-1] < 1 - 1e-4 - rounding:
                continue
            if np.allclose(units, np.round(units), rtol=0, atol=1e-4 + rounding):
                return cls(lowest, highest, step)
        return cls(lowest, highest, 0.0)

    @property
    def has_stars(self) -> bool:
        """Whether values are stars, not counts."""
        return self.highest > self.lowest

    def allows(self, value: float) -> bool:
        """Whether a value is on the scale; counts have no upper limit."""
        if not self.has_stars:
            return self.lowest <= value
        return self.lowest <= value <= self.highest

    def __str__(self) -> str:
        if not self.has_stars:
            return "without ratings"
        if self.step:
            return f"{self.lowest:g} to {self.highest:g} in steps of {self.step:g}"
        return f"{self.lowest:g} to {self.highest:g} without a fixed step"


#: The scale of a table without ratings; its values are counts, such as clicks: 1 or more.
PAIRS = Scale(1.0, 1.0, 1.0)


def _distinct(value: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distinct values, ascending; usually they are few, and counting them beats
    sorting."""
    sample = np.unique(value[:: max(1, len(value) // 2**16)])
    if len(sample) <= 64:
        n_sampled = sum(np.count_nonzero(value == sampled) for sampled in sample)
        if n_sampled == len(value):
            return sample
    return np.unique(value)


class Grouped(NamedTuple):
    """Ratings grouped by user or by item (CSR): group g owns the positions indptr[g]:indptr[g
    + 1].

    Attributes:
        indptr: (groups + 1,) where groups begin.
        indices: (N,) the indices of the other side, ascending within a group.
        value: (N,) as in `Ratings`.
        order: (N,) the row of `Ratings`; None if rating i is row i.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    value: NDArray[np.float32]
    order: NDArray[np.integer] | None

    @property
    def row(self) -> NDArray[np.integer]:
        """The row of `Ratings` of each rating, (N,)."""
        if self.order is None:
            return np.arange(len(self.indices))
        return self.order

    def take(self, column: NDArray[Any]) -> NDArray[Any]:
        """A column of `Ratings`, (N,), in this order."""
        if self.order is None:
            return column
        return np.asarray(column[self.order])


class Stored(NamedTuple):
    """A table on a disk, sorted by user and then by item.

    Attributes:
        folder: the ratings folder.
        by_user, by_item: its groups, in the files of the folder.
    """

    folder: Path
    by_user: Grouped
    by_item: Grouped


@dataclass(frozen=True, eq=False)
class Ratings:
    """An immutable table of ratings.

    Attributes:
        users, items: the vocabularies; an id may have no rating here, but in another part of a
            split.
        user_index, item_index: (N,) int32.
        value: (N,) float32, on the scale of the data; counts if there are no stars.
        timestamp: (N,) int64, seconds since 1970, `NO_TIME` for a row without; None for a
            table without times.
        scale: lowest, highest, step.
        user_features, item_features: what else is known of all users and items; None if
            nothing.
        stored: the ratings folder whose files the arrays are; None: they are in memory.

    Example:
        >>> ratings = matinee.Ratings.from_ids(["ann", "ann", "bob"], [1, 2, 1], [5, 3, 4])
        >>> ratings
        Ratings(3 ratings by 2 users of 2 items, 3 to 5 in steps of 1)
        >>> ratings.user_index
        array([0, 0, 1], dtype=int32)
        >>> ratings.items.ids[ratings.item_index]
        array([1, 2, 1])
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
    stored: Stored | None = field(default=None, repr=False)

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
        """Ratings from columns, with the checks of `read`.

        Of several ratings of one item by one user only the last one counts, the last by time;
        a warning says how many there were. Counts are added up.

        Args:
            user_ids, item_ids: (N,) integers or strings; whole floats become integers.
            values: (N,) stars, or counts.
            timestamps: (N,) datetimes, or seconds since 1970; milliseconds and smaller units are
                recognized by their size. None: no times.
            scale: None for the one that the values show.

        Raises:
            DataError: the columns differ in length or are empty, an id is missing, or a value
                is not finite.
        """
        from matinee.data.reading.arrays import ids_of_array, seconds_of_array

        users, user_index = ids_of_array(user_ids, "user")
        items, item_index = ids_of_array(item_ids, "item")
        value = _finite(values)
        columns: list[Indices | Reals] = [user_index, item_index, value]
        timestamp = None
        if timestamps is not None:
            timestamp = seconds_of_array(timestamps).copy()
            columns.append(timestamp)
        if len({len(column) for column in columns}) > 1:
            raise DataError("The columns of users, items, values and timestamps differ in length.")
        if len(value) == 0:
            raise DataError("There are no ratings.")
        return _without_repeats(
            cls(
                users=users,
                items=items,
                user_index=user_index,
                item_index=item_index,
                value=value,
                timestamp=timestamp,
                scale=scale or Scale.of(value),
            )
        )

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        users, items = counted(self.n_users, "user"), counted(self.n_items, "item")
        return f"Ratings({counted(len(self), self.unit)} by {users} of {items}, {self.scale})"

    def facts(self) -> list[tuple[str, str]]:
        """Names and values of what can be said in a line each: sizes, scale, mean, days."""
        cells = max(1, self.n_users * self.n_items)
        rows = [
            (f"{self.unit}s", f"{len(self):,}"),
            ("users", f"{self.n_users:,}"),
            ("items", f"{self.n_items:,}"),
            ("share of all pairs", share(len(self) / cells)),
            ("scale", str(self.scale)),
        ]
        if self.scale.has_stars and len(self):
            rows.append(("mean", f"{self.value.mean(dtype=np.float64):.2f}"))
        ends = self._first_and_last_day()
        if ends:
            rows.append(("from, to", ", ".join(ends)))
        return rows

    def _first_and_last_day(self) -> list[str]:
        """In blocks, as the column may be larger than the memory; empty without times."""
        lows: list[int] = []
        highs: list[int] = []
        if self.timestamp is None:
            return []
        for start in range(0, len(self), BLOCK):
            block = self.timestamp[start : start + BLOCK]
            known = block[block != NO_TIME]
            if len(known):
                lows.append(int(known.min()))
                highs.append(int(known.max()))
        if not lows:
            return []
        return [str(np.datetime64(end, "s")).partition("T")[0] for end in (min(lows), max(highs))]

    def _repr_html_(self) -> str:
        """The `facts` as notebooks show them."""
        return html_table(("Ratings", ""), self.facts())

    @property
    def unit(self) -> str:
        """What a row is: a rating, or a pair of a user and an item."""
        if self.scale.has_stars:
            return "rating"
        return "pair"

    @property
    def n_users(self) -> int:
        """U, including users without a rating in this part."""
        return len(self.users)

    @property
    def n_items(self) -> int:
        """I, including items without a rating in this part."""
        return len(self.items)

    def subset(self, rows: Indices | NDArray[np.bool_]) -> "Ratings":
        """The given rows (numbers or a mask), with the same vocabularies and scale.

        Args:
            rows: (n,) numbers of rows, or an (N,) mask.
        """
        part = replace(
            self,
            user_index=self.user_index[rows],
            item_index=self.item_index[rows],
            value=self.value[rows],
            stored=None,
        )
        if self.timestamp is None:
            return part
        return replace(part, timestamp=self.timestamp[rows])

    def of_some_users(self, most: int, seed: int) -> "Ratings":
        """All ratings of random users, in memory, sorted by user and item: up to `most` ratings,
        of at least one user.

        Args:
            most: the number of ratings that the users may have together.
            seed: of the random choice.
        """
        order = np.random.default_rng(seed).permutation(self.n_users)
        sums = np.cumsum(self.user_counts[order])
        n_users = max(1, int(np.searchsorted(sums, most, "right")))
        return self.of_users(np.sort(order[:n_users]))

    def sample_of_users(self, most: int, most_users: int, seed: int) -> "Ratings":
        """All ratings of random users, in memory, without the other users.

        Args:
            most: how many ratings the users may have together; at least one user is taken.
            most_users: how many users there may be.
            seed: of the random choice.
        Returns: a table whose users are those alone, sorted by user and item; the whole table, in
            the order of its rows, if it is small enough.

        Example:
            >>> data.ratings.sample_of_users(5_000, 10, seed=0).n_users
            10
        """
        if len(self) <= most and self.n_users <= most_users:
            return self if self.stored is None else self.of_users(np.arange(self.n_users))
        order = np.random.default_rng(seed).permutation(np.flatnonzero(self.user_counts))
        sums = np.cumsum(self.user_counts[order])
        n_users = min(max(1, int(np.searchsorted(sums, most, "right"))), most_users)
        chosen = np.sort(order[:n_users])
        some = self.of_users(chosen)
        features = self.user_features
        return replace(
            some,
            users=Vocabulary(self.users.ids[chosen], "user"),
            user_index=np.searchsorted(chosen, some.user_index).astype(np.int32),
            user_features=None if features is None else features.take(chosen),
        )

    def of_users(self, users: Indices) -> "Ratings":
        """All ratings of some users, in ascending order, in memory, sorted by user and item.

        Args:
            users: (n,) indices of users, ascending.
        """
        counts, by_user = self.user_counts[users], self.by_user
        ends = np.cumsum(counts)
        places = np.arange(ends[-1]) + np.repeat(by_user.indptr[users] - ends + counts, counts)
        return self.subset(places if by_user.order is None else by_user.order[places])

    def with_vocabularies(self, users: Vocabulary, items: Vocabulary) -> "Ratings":
        """The same ratings in larger vocabularies, which hold every id of these ones.

        Args:
            users, items: the larger vocabularies.
        """
        if users == self.users and items == self.items:
            return self
        user_map = users.lookup(self.users.ids)
        item_map = items.lookup(self.items.ids)
        user_features, item_features = self.user_features, self.item_features
        if user_features is not None:
            user_features = user_features.take(self.users.lookup(users.ids))
        if item_features is not None:
            item_features = item_features.take(self.items.lookup(items.ids))
        return replace(
            self,
            users=users,
            items=items,
            user_index=user_map[self.user_index],
            item_index=item_map[self.item_index],
            user_features=user_features,
            item_features=item_features,
            stored=None,
        )

    def scratch(self) -> Scratch:
        """Where to put arrays that are as long as the table."""
        return Scratch(None if self.stored is None else folder_for(self.stored.folder))

    def check_indices(self) -> None:
        """Checks all indices and values of a table on a disk, once, before compiled code uses
        them.

        Raises:
            DataError: the files were damaged or altered.
        """
        if self.stored is not None and not self._is_sound:
            raise DataError(
                f"The ratings folder {self.stored.folder} is damaged: its files hold numbers of "
                "users, items or ratings that cannot be. Convert the ratings again."
            )

    @cached_property
    def _is_sound(self) -> bool:
        groups = (self.by_user, self.n_items), (self.by_item, self.n_users)
        columns: list[tuple[NDArray[np.integer], int]] = [
            (self.user_index, self.n_users),
            (self.item_index, self.n_items),
        ]
        for group, n_others in groups:
            columns.append((group.indices, n_others))
            if group.order is not None:
                columns.append((group.order, len(self)))
        return all(_is_below(index, n) for index, n in columns) and all(
            _is_on(self.scale, value) for value in (self.value, self.by_item.value)
        )

    @cached_property
    def by_user(self) -> Grouped:
        """The ratings grouped by user, items ascending; computed at first use."""
        if self.stored is not None:
            return self.stored.by_user
        return _group(self.user_index, self.item_index, self.value, self.n_users)

    @cached_property
    def by_item(self) -> Grouped:
        """The ratings grouped by item, users ascending; computed at first use."""
        if self.stored is not None:
            return self.stored.by_item
        return _group(self.item_index, self.user_index, self.value, self.n_items)

    @cached_property
    def user_counts(self) -> NDArray[np.int64]:
        """Number of ratings of each user, (U,)."""
        if self.stored is not None:
            return np.diff(self.stored.by_user.indptr)
        return counts_by(self.user_index, self.n_users)

    @cached_property
    def item_counts(self) -> NDArray[np.int64]:
        """Number of ratings of each item, (I,)."""
        if self.stored is not None:
            return np.diff(self.stored.by_item.indptr)
        return counts_by(self.item_index, self.n_items)


def _finite(values: ArrayLike) -> NDArray[np.float32]:
    """The values of ratings, (N,).

    Raises:
        DataError: one is no finite number; the message names its row.
    """
    try:
        value = np.array(values, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"The values are not numbers: {error}.") from None
    if not bool(np.isfinite(value).all()):
        bad = int(np.flatnonzero(~np.isfinite(value))[0])
        raise DataError(f"Rating {bad} is {value[bad]}, which is not a finite number.")
    return value


def _without_repeats(ratings: Ratings) -> Ratings:
    """The last rating of each user and item, or the sum of their counts."""
    kept = last_of_each_pair(ratings)
    if kept is None:
        return ratings
    told = "the last rating counts"
    distinct = ratings.subset(kept)
    if not ratings.scale.has_stars:
        told = "their counts are added"
        distinct = replace(distinct, value=sums_of_pairs(ratings, kept))
    rows = counted(len(ratings) - len(kept), "row")
    warnings.warn(f"Repeated pairs of user and item: {rows}; {told}.", stacklevel=3)
    return distinct


def _group(
    group: NDArray[np.int32], other: NDArray[np.int32], value: NDArray[np.float32], n_groups: int
) -> Grouped:
    order = order_of_pairs(group, other)
    indptr = np.zeros(n_groups + 1, np.int64)
    np.cumsum(np.bincount(group, minlength=n_groups), out=indptr[1:])
    grouped = Grouped(indptr, other[order], value[order], order)
    for array in (grouped.indices, grouped.value, order):
        array.setflags(write=False)
    return grouped


def _is_below(index: NDArray[np.integer], n: int) -> bool:
    """Whether all indices are from 0 to n - 1."""
    blocks = (index[start : start + BLOCK] for start in range(0, len(index), BLOCK))
    return all(block.min() >= 0 and block.max() < n for block in blocks)


def _is_on(scale: Scale, value: NDArray[np.float32]) -> bool:
    """Whether all values are ratings on a scale, or counts."""
    lowest, highest = np.float32(scale.lowest), np.float32(scale.highest)
    if not scale.has_stars:
        lowest, highest = np.float32(0), np.finfo(np.float32).max
    blocks = (value[start : start + BLOCK] for start in range(0, len(value), BLOCK))
    return all(lowest <= block.min() and block.max() <= highest for block in blocks)


def order_of_pairs(group: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int64]:
    """The rows sorted by group, then by `other`, ties in place.

    Group, other and row are sorted as one number, which takes half the time of two sorts that
    move rows, where they fit into 63 bits.
    """
    n = len(group)
    if n == 0:
        return np.arange(0)
    bits = [int(highest).bit_length() for highest in (group.max(), other.max(), n - 1)]
    if sum(bits) > 63:
        return _stable_order(group, _stable_order(other, np.arange(n)))
    key = group.astype(np.int64)
    key <<= bits[1]
    key |= other
    key <<= bits[2]
    key |= np.arange(n)
    key.sort()
    key &= (1 << bits[2]) - 1
    return key


def _stable_order(index: NDArray[np.int32], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """`order` sorted by index[order], ties in place.

    This is a radix sort, 16 bits at a time, which NumPy does in linear time.
    """
    shift = 0
    while shift == 0 or (len(index) and int(index.max()) >> shift):
        digit = ((index[order] >> shift) & 0xFFFF).astype(np.uint16)
        order = order[np.argsort(digit, kind="stable")]
        shift += 16
    return order
