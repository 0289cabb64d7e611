"""Groups a table by user and by item, in constant memory.

Two passes: one counts the rows of each user, and so knows where those of each bucket of users
begin; the other copies the rows to their buckets. A bucket fits into memory, where it is sorted.
The result is then grouped by item in the same way.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Longs
from matinee.data.ratings import order_of_pairs
from matinee.scratch import BLOCK, Scratch, random_access

BUCKET = 1 << 21
"""TableRows of a bucket, unless a single user or item has more."""

Report = Callable[[int], None]
"""Called with the number of rows done since the last call."""
Place = Callable[[str, int, Any], NDArray[Any]]
"""Makes an array by its name, its length and the type of its elements."""


class TableRows(NamedTuple):
    """The rows of a table, (N,) each, in any order."""

    user: NDArray[np.int32]
    item: NDArray[np.int32]
    value: NDArray[np.float32]
    time: Longs | None

    def columns(self) -> list[NDArray[Any]]:
        """The columns that there are."""
        return [column for column in self if column is not None]


class ByUser(NamedTuple):
    """TableRows sorted by user and then by item, each pair once; the arrays may be longer.

    Attributes:
        rows: the sorted rows.
        indptr: (U + 1,) where users begin.
    """

    rows: TableRows
    indptr: Longs

    def __len__(self) -> int:
        return int(self.indptr[-1])


class ByItem(NamedTuple):
    """The same ratings sorted by item and then by user."""

    indptr: Longs  # (I + 1,)
    user: NDArray[np.int32]
    value: NDArray[np.float32]
    order: NDArray[np.integer]  # the place of each rating in `ByUser`


def group_by_user(
    rows: TableRows, n_users: int, *, adds: bool, place: Place, scratch: Scratch, report: Report
) -> ByUser:
    """Sorts rows by user and item.

    Args:
        adds: of several rows of one pair, the values are added; else the last one counts, the
            last by time.
        place: makes the arrays of the result.
        scratch: for the buckets.
    """
    counts, is_sorted = _counts(rows.user, n_users)
    indptr = np.append(0, np.cumsum(counts))
    edges = _edges(indptr)
    columns = rows.columns()
    if not is_sorted and len(edges) > 2:
        columns = _scattered(columns, indptr, edges, scratch)
    names = ("user_index", "user_items", "user_values", "user_times")
    written = [
        place(name, len(rows.user), column.dtype)
        for name, column in zip(names, columns, strict=False)
    ]
    ends, n_written = np.zeros(n_users + 1, np.int64), 0
    for first, stop in _spans(edges):
        start, end = int(indptr[first]), int(indptr[stop])
        part = [np.array(column[start:end]) for column in columns]
        ordered = _sorted(part, adds=adds)
        n_kept = len(ordered[0])
        for target, column in zip(written, ordered, strict=True):
            target[n_written : n_written + n_kept] = column
        ends[first + 1 : stop + 1] = np.bincount(ordered[0] - first, minlength=stop - first)
        n_written += n_kept
        report(end - start)
    time = written[3] if len(written) > 3 else None
    return ByUser(TableRows(written[0], written[1], written[2], time), np.cumsum(ends))


def group_by_item(
    by_user: ByUser, n_items: int, *, place: Place, scratch: Scratch, report: Report
) -> ByItem:
    """Sorts the same ratings by item and user."""
    n = len(by_user)
    item = by_user.rows.item[:n]
    counts, _ = _counts(item, n_items)
    indptr = np.append(0, np.cumsum(counts))
    edges = _edges(indptr)
    position = np.int32 if n < 2**31 else np.int64
    columns: list[NDArray[Any]] = [item, by_user.rows.user[:n], by_user.rows.value[:n]]
    if len(edges) > 2:
        columns = _scattered(columns, indptr, edges, scratch, position)
    else:
        columns.append(np.arange(n, dtype=position))
    names = ("item_users", "item_values", "item_order")
    written = [
        place(name, n, column.dtype) for name, column in zip(names, columns[1:], strict=True)
    ]
    for first, stop in _spans(edges):
        at = slice(int(indptr[first]), int(indptr[stop]))
        part = [np.array(column[at]) for column in columns]
        order = order_of_pairs(part[0], part[1])
        for target, column in zip(written, part[1:], strict=True):
            target[at] = column[order]
        report(len(order))
    return ByItem(indptr, *written)


def _counts(index: NDArray[np.int32], n: int) -> tuple[Longs, bool]:
    """How many rows have each index, (n,), and whether these ascend."""
    counts, is_sorted, last = np.zeros(n, np.int64), True, 0
    for block in _blocks(index):
        lowest = int(block.min())  # in a sorted table, a block has few of the groups
        of_block = np.bincount(block - lowest)
        counts[lowest : lowest + len(of_block)] += of_block
        is_sorted = is_sorted and bool(block[0] >= last and (block[1:] >= block[:-1]).all())
        last = int(block[-1])
    return counts, is_sorted


def _blocks(index: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, len(index), BLOCK):
        yield index[start : start + BLOCK]


def _edges(indptr: Longs) -> Longs:
    """The groups at which buckets begin, and the end of the last."""
    wanted = np.arange(0, indptr[-1], BUCKET)
    return np.unique(np.append(np.searchsorted(indptr, wanted), len(indptr) - 1))


def _spans(edges: Longs) -> list[tuple[int, int]]:
    ends = edges.tolist()
    return list(pairwise(ends))


def _scattered(
    columns: list[NDArray[Any]],
    indptr: Longs,
    edges: Longs,
    scratch: Scratch,
    position: Any = None,
) -> list[NDArray[Any]]:
    """The rows in the order of their buckets, and in their own order within each.

    Args:
        columns: the first one decides on the bucket.
        indptr: where its groups begin.
        position: the type of one more column, with the number of each row; None: without.
    """
    bucket_of = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    next_row = indptr[edges[:-1]].copy()
    types = [column.dtype for column in columns]
    if position is not None:
        types.append(np.dtype(position))
    targets = [scratch.empty(len(columns[0]), dtype) for dtype in types]
    with random_access(targets):
        for start in range(0, len(columns[0]), BLOCK):
            part = [column[start : start + BLOCK] for column in columns]
            if position is not None:
                part.append(np.arange(start, start + len(part[0]), dtype=position))
            _scatter(part, bucket_of, next_row, targets)
    return targets


def _scatter(
    part: list[NDArray[Any]], bucket_of: Longs, next_row: Longs, targets: list[NDArray[Any]]
) -> None:
    """Writes some rows to their buckets.

    Args:
        bucket_of: of each group.
        next_row: where the next row of each bucket goes, (B,); moved on in place.
    """
    n_buckets = len(next_row)
    bucket = bucket_of[part[0]].astype(np.uint16 if n_buckets < 2**16 else np.int64)
    order = np.argsort(bucket, kind="stable")
    part = [column[order] for column in part]
    starts = np.searchsorted(bucket[order], np.arange(n_buckets + 1))
    for number in np.flatnonzero(np.diff(starts)).tolist():
        first, stop = int(starts[number]), int(starts[number + 1])
        row = int(next_row[number])
        for target, column in zip(targets, part, strict=True):
            target[row : row + stop - first] = column[first:stop]
        next_row[number] += stop - first


def _sorted(part: list[NDArray[Any]], *, adds: bool) -> list[NDArray[Any]]:
    """The rows of a bucket, sorted by user and item, each pair once."""
    order = order_of_pairs(part[0], part[1])
    part = [column[order] for column in part]
    is_first = (part[0][1:] != part[0][:-1]) | (part[1][1:] != part[1][:-1])
    if is_first.all():
        return part
    pair = np.append(0, np.cumsum(is_first))
    if adds:
        sums = np.bincount(pair, part[2]).astype(np.float32)
        if len(part) > 3:
            part = [column[np.lexsort((part[3], pair))] for column in part]
        part[2] = sums[pair]
    elif len(part) > 3:  # stable: at the same time, the later row comes last
        part = [column[np.lexsort((part[3], pair))] for column in part]
    is_last = np.append(np.diff(pair) > 0, True)
    return [column[is_last] for column in part]
