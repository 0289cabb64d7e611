"""The values stage: what the cells of the columns of a table mean, for every source.

The columns come as a frame, of any types, with the roles as names. Bad cells are found by
column and reported by row.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.reading.cells import Flaws, ValueRules
from matinee.data.reading.columnar import ParsedTable
from matinee.data.reading.ids import IdColumn, read_ids
from matinee.data.reading.rating_forms import ValueColumn, read_values
from matinee.data.reading.times import TimeColumn, read_times
from matinee.text import counted


class BadCell(NamedTuple):
    """A row of the frame, from 0, and what is wrong in it."""

    row: int
    reason: str


@dataclass(frozen=True, eq=False)
class ValuesRead:
    """The values of a table.

    Attributes:
        table: of all good rows; None if there are none, or if a row is bad and the options do
            not skip it.
        bad: the bad rows, ascending; only the first if the options do not skip them.
        notes: sentences about guesses.
        time_unit: how the times were read; empty without times.
    """

    table: ParsedTable | None
    bad: list[BadCell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    time_unit: str = ""


def read_columns(frame: pl.DataFrame, rules: ValueRules) -> ValuesRead:
    """The values of a frame with the columns `user`, `item` and perhaps `rating` and
    `timestamp`.

    Without its bad rows and those that `--missing` leaves out, a table is read again: these
    rows have no say in the form of a column.

    Raises:
        DataError: a column as a whole cannot be read, or in two ways.
    """
    bad: list[BadCell] = []
    rows: NDArray[np.int64] | None = None
    n_left_out = 0
    while frame.height:
        columns = _columns(frame, rules)
        flawed = columns.flawed_rows()
        left_out = columns.left_out()
        if len(flawed) == 0 and left_out is None:
            notes = columns.notes()
            if n_left_out:
                notes.append(_about_left_out(n_left_out, rules))
            table = columns.table(rows, rules)
            return ValuesRead(table, sorted(bad), notes, columns.times.unit)
        if len(flawed) and not rules.options.skip_bad_rows:
            return ValuesRead(None, [columns.bad_cell(int(flawed[0]), rows)])
        bad += [columns.bad_cell(row, rows) for row in flawed.tolist()]
        is_kept = np.ones(frame.height, bool)
        is_kept[flawed] = False
        if left_out is not None:
            n_left_out += int(np.count_nonzero(left_out & is_kept))
            is_kept &= ~left_out
        rows = np.flatnonzero(is_kept) if rows is None else rows[is_kept]
        frame = frame.filter(pl.Series(is_kept))
    return ValuesRead(None, sorted(bad))


def _about_left_out(n: int, rules: ValueRules) -> str:
    words = ", ".join(
        word if isinstance(word, str) else f"{word:g}" for word in rules.options.missing
    )
    return f"Left out: {counted(n, 'row')} with a value that --missing names ({words})."


@dataclass(frozen=True, eq=False)
class _Columns:
    """The columns of a frame, read one by one."""

    users: IdColumn
    items: IdColumn
    values: ValueColumn | None
    times: TimeColumn
    n_rows: int

    def _flaws(self) -> list[Flaws]:
        flaws = [self.users.flaws, self.items.flaws]
        if self.values is not None:
            flaws.append(self.values.flaws)
        return [*flaws, self.times.flaws]

    def flawed_rows(self) -> NDArray[np.int64]:
        """The rows with a bad cell, ascending."""
        return np.unique(np.concatenate([flaws.rows for flaws in self._flaws()]))

    def bad_cell(self, row: int, rows: NDArray[np.int64] | None) -> BadCell:
        """The first bad cell of a row; `rows` maps the rows of the frame to those of the
        first."""
        for flaws in self._flaws():
            position = int(np.searchsorted(flaws.rows, row))
            if position < len(flaws.rows) and flaws.rows[position] == row:
                return BadCell(row if rows is None else int(rows[row]), flaws.reason(row))
        raise AssertionError(row)

    def left_out(self) -> NDArray[np.bool_] | None:
        """The rows that `--missing` leaves out; None if there are none."""
        masks = [self.users.left_out, self.items.left_out]
        if self.values is not None:
            masks.append(self.values.left_out)
        found = [mask for mask in masks if mask is not None and mask.any()]
        return np.logical_or.reduce(found) if found else None

    def notes(self) -> list[str]:
        """What the columns say about guesses."""
        notes = [*self.users.notes, *self.items.notes]
        if self.values is not None:
            notes += self.values.notes
        return notes + self.times.notes

    def table(self, rows: NDArray[np.int64] | None, rules: ValueRules) -> ParsedTable:
        """The table, whose columns have no flaws."""
        value = self.values.value if self.values else np.ones(self.n_rows, np.float32)
        return ParsedTable(
            users=self.users.vocabulary,
            items=self.items.vocabulary,
            user_index=self.users.index,
            item_index=self.items.index,
            value=value,
            timestamp=self.times.seconds,
            rows=rows,
            kind=rules.kind,
        )


def _columns(frame: pl.DataFrame, rules: ValueRules) -> _Columns:
    values, times = None, TimeColumn(None)
    with ThreadPoolExecutor(2) as pool:  # NumPy and Polars release Python's lock
        users = pool.submit(read_ids, frame["user"], "user", rules)
        items = pool.submit(read_ids, frame["item"], "item", rules)
        if rules.kind != "pair":
            values = read_values(frame["rating"], rules)
        if "timestamp" in frame.columns:
            times = read_times(frame["timestamp"], rules)
    return _Columns(
        users=users.result(),
        items=items.result(),
        values=values,
        times=times,
        n_rows=frame.height,
    )
