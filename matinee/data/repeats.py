"""Pairs of a user and an item that occur in several rows of a table."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matinee.data.vocabulary import Vocabulary

_BITMAP_CELLS = 1 << 27
_CELLS_PER_ROW = 64  # to be cleared and counted in less time than a row is sorted
_LONG_BLOCK = 1 << 20
_BLOCK = 1 << 16  # rows whose columns stay in the processor's cache


class _Pairs(Protocol):
    """What is needed of a table: `Ratings`, or a table that was just read."""

    @property
    def users(self) -> Vocabulary: ...
    @property
    def items(self) -> Vocabulary: ...
    @property
    def user_index(self) -> NDArray[np.int32]: ...
    @property
    def item_index(self) -> NDArray[np.int32]: ...
    @property
    def value(self) -> NDArray[np.float32]: ...
    @property
    def timestamp(self) -> NDArray[np.int64] | None: ...


def last_of_each_pair(table: _Pairs) -> NDArray[np.int64] | None:
    """The positions of the last rating of each (user, item), ascending; None if no pair occurs
    twice.

    The last by time wins; without times, or at the same time, the last by row.
    """
    if not _has_repeats(table):
        return None
    return _without_earlier(_pairs(table), table.timestamp)


def _has_repeats(table: _Pairs) -> bool:
    """Whether a pair occurs in several rows."""
    if _is_sorted(table):  # as large MovieLens files are
        return False
    user = table.user_index
    if all((block[1:] >= block[:-1]).all() for block in _overlapping(user)):
        return any(_has_repeats_in(table, rows) for rows in _rows_of_users(user))
    n_cells = len(table.users) * len(table.items)
    if n_cells <= _BITMAP_CELLS:  # 6,040 users and 3,706 items take 22 million
        starts = range(0, len(user), _BLOCK)
        blocks = (_pairs(table, slice(start, start + _BLOCK)) for start in starts)
        return _n_distinct(blocks, n_cells) < len(user)
    return _occurs_twice(_pairs(table))


def _overlapping(column: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """The blocks of a column, each with the first element of the next."""
    for start in range(0, len(column), _BLOCK):
        yield column[start : start + _BLOCK + 1]


def _rows_of_users(user: NDArray[np.int32]) -> Iterator[slice]:
    """The rows of some users at a time, in a column that ascends."""
    start = 0
    while start < len(user):
        last = user[min(start + _BLOCK, len(user)) - 1]
        stop = int(np.searchsorted(user, last, "right"))
        yield slice(start, stop)
        start = stop


def _has_repeats_in(table: _Pairs, rows: slice) -> bool:
    """Whether a pair occurs twice in some rows, which have all ratings of their users."""
    pair = _pairs(table, rows)
    pair -= pair.min()
    n_cells = int(pair.max()) + 1
    if n_cells <= _CELLS_PER_ROW * len(pair):  # a small bitmap beats sorting
        return _n_distinct([pair], n_cells) < len(pair)
    if n_cells <= 2**31:  # sorted twice as fast
        return _occurs_twice(pair.astype(np.int32))
    return _occurs_twice(pair)


def _occurs_twice(pair: NDArray[np.integer]) -> bool:
    """Whether a number occurs twice; sorts them."""
    pair.sort()
    blocks = (pair[start : start + _BLOCK + 1] for start in range(0, len(pair), _BLOCK))
    return any((block[1:] == block[:-1]).any() for block in blocks)


def _is_sorted(table: _Pairs) -> bool:
    """Whether the rows are sorted by user, then by item, without repeats."""
    for start in range(0, len(table.user_index), _BLOCK):
        rows = slice(start, start + _BLOCK + 1)  # with the first row of the next block
        user, item = table.user_index[rows], table.item_index[rows]
        rises = (user[1:] == user[:-1]) & (item[1:] > item[:-1])
        rises |= user[1:] > user[:-1]
        if not rises.all():
            return False
    return True


def _n_distinct(blocks: Iterable[NDArray[np.int64]], n_cells: int) -> int:
    """The number of distinct numbers from 0 to n_cells - 1, by a bitmap."""
    seen = np.zeros(n_cells, bool)
    for block in blocks:
        seen[block] = True
    return int(np.count_nonzero(seen))


def _pairs(table: _Pairs, rows: slice = slice(None)) -> NDArray[np.int64]:
    """A number for each pair of a user and an item, (N,)."""
    pair = np.multiply(table.user_index[rows], len(table.items), dtype=np.int64)
    pair += table.item_index[rows]
    return pair


def sums_of_pairs(table: _Pairs, kept: NDArray[np.int64]) -> NDArray[np.float32]:
    """The sum of the values of each pair, at the rows in `kept`, which has one row of each
    pair."""
    _, number = np.unique(_pairs(table), return_inverse=True)
    return np.bincount(number, table.value)[number[kept]].astype(np.float32)


def _without_earlier(
    pair: NDArray[np.int64], timestamp: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    in_order = np.sort(pair)
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    del in_order
    blocks = (pair[start : start + _LONG_BLOCK] for start in range(0, len(pair), _LONG_BLOCK))
    is_repeated = np.concatenate([np.isin(block, repeated) for block in blocks])
    rows = np.flatnonzero(is_repeated)  # usually few, and only these are sorted
    pair_of_row = pair[rows]
    keys = [pair_of_row]
    if timestamp is not None:
        keys = [timestamp[rows], pair_of_row]
    order = np.lexsort(keys)  # stable: of equals, the later row comes last
    has_successor = pair_of_row[order[1:]] == pair_of_row[order[:-1]]
    kept = np.ones(len(pair), bool)
    kept[rows[order[:-1][has_successor]]] = False
    return np.flatnonzero(kept)
