"""What the workers compute for users: a function of the ratings of some users at a time.

A partition holds all ratings of its users. They come as Arrow tables, are grouped by user, and go
to functions on NumPy arrays, the same kernels that run on one machine. Large arguments are sent to
each worker once.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs, Reals
from matinee.spark.encoding import ClusterRatings, partitions_for

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, eq=False)
class UserBlock:
    """The ratings of some users: those of users[k] are at indptr[k]:indptr[k + 1].

    Attributes:
        users: (B,) ascending.
        indptr: (B + 1,).
        item, value: (n,); the items of a user ascend.
        extra: a further column, (n,); None without one.
    """

    users: NDArray[np.int32]
    indptr: Longs
    item: NDArray[np.int32]
    value: Floats
    extra: NDArray[Any] | None = None

    @classmethod
    def of(cls, table: pa.Table) -> "UserBlock":
        """The block of a table with the columns `user`, `item`, `value` and perhaps one more."""
        columns = [column.to_numpy() for column in table.columns]
        user, item = columns[:2]
        rises = (user[1:] == user[:-1]) & (item[1:] > item[:-1])
        if not (rises | (user[1:] > user[:-1])).all():  # usually Spark has sorted them
            order = np.lexsort((item, user))
            columns = [column[order] for column in columns]
        user, item, value, *more = columns
        first = np.append(0, np.flatnonzero(user[1:] != user[:-1]) + 1)
        indptr = np.append(first, len(user))
        return cls(user[first], indptr, item, value, more[0] if more else None)

    @property
    def row(self) -> Longs:
        """The place of the user of each rating, (n,)."""
        return np.repeat(np.arange(len(self.users)), np.diff(self.indptr))

    def of_user(self, place: int) -> slice:
        """Where the ratings of a user are."""
        return slice(self.indptr[place], self.indptr[place + 1])


def over_users(
    frame: "DataFrame", function: Callable[[UserBlock], Iterable[pa.Table]], schema: str
) -> "DataFrame":
    """The rows that a function gives for the ratings of each partition.

    Args:
        frame: `user`, `item`, `value` and perhaps one more column, in partitions by user.
        function: from a block to tables with the columns of `schema`.
    """

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = [batch for batch in batches if batch.num_rows]
        if found:
            for table in function(UserBlock.of(pa.Table.from_batches(found))):
                yield from table.to_batches()

    return frame.mapInArrow(run, schema)


def item_sums(
    table: ClusterRatings, sums: Callable[[UserBlock], Reals], n_rows: int, width: int
) -> Doubles:
    """The sums over all users of a matrix with a row for each item and perhaps more, (R, D).

    Args:
        sums: of the ratings of some users, (R, D).
    """

    def parts(block: UserBlock) -> Iterator[pa.Table]:
        rows = np.asarray(sums(block), np.float64)
        index = np.flatnonzero(rows.any(axis=1)).astype(np.int32)
        yield pa.table({"item": index, "sums": _lists(rows[index])})

    def added(group: pa.Table) -> pa.Table:
        index = group.column("item").to_numpy()
        rows = group.column("sums").combine_chunks().flatten().to_numpy().reshape(-1, width)
        distinct, place = np.unique(index, return_inverse=True)
        total = np.zeros((len(distinct), width))
        np.add.at(total, place, rows)
        return pa.table({"item": distinct, "sums": _lists(total)})

    schema = "item int, sums array<double>"
    partial = over_users(table.frame.select("user", "item", "value"), parts, schema)
    n_parts = partitions_for(table.cluster, table.n_ratings)
    if n_parts > 2:  # the workers add up what the driver would have to hold
        n_blocks = min(n_parts, table.cluster.n_cores * 4)
        blocked = partial.selectExpr(f"item % {n_blocks} as block", "item", "sums")
        partial = blocked.groupBy("block").applyInArrow(
            lambda group: added(group.drop_columns(["block"])), schema
        )
    found = added(partial.toArrow())
    total = np.zeros((n_rows, width))
    flat = found.column("sums").combine_chunks().flatten().to_numpy()
    total[found.column("item").to_numpy()] = flat.reshape(-1, width)
    return total


def _lists(rows: NDArray[Any]) -> pa.Array:
    """The rows of a matrix as lists."""
    ends = np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1]
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(rows.reshape(-1)))


def matrix_rows(index: NDArray[np.int32], rows: Floats) -> pa.Table:
    """A table of indices and the rows of a matrix in single precision."""
    return pa.table({"index": index, "row": _lists(rows.astype(np.float32))})


MATRIX = "index int, row array<float>"
"""The schema of `matrix_rows`."""


def matrix_of(frame: "DataFrame", n_rows: int, width: int) -> Floats:
    """The matrix, (n_rows, width), whose rows a frame of `MATRIX` holds; zeros elsewhere."""
    out = np.zeros((n_rows, width), np.float32)
    for batch in frame.toArrow().to_batches():
        if batch.num_rows:
            index = batch.column(0).to_numpy()
            out[index] = batch.column(1).flatten().to_numpy().reshape(len(index), width)
    return out
