"""The careful way of a ratings table: row by row, to say which row is bad and why, or to go on without it.

Taken only when the fast way (`tables.py`) found something unclean.
"""

import csv
import io
import json
import math
import re
from array import array
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import polars as pl

from matinee.data.ratings import NO_TIME
from matinee.data.reading.columnar import EARLIEST, LATEST, Table, encode
from matinee.data.reading.options import Kind
from matinee.data.reading.schema import ROLES
from matinee.data.reading.sniff import Layout, plain_integer, plain_number, split_line
from matinee.errors import DataError
from matinee.files import write_atomically
from matinee.text import counted, printable

GO_ON = "--skip-bad-rows goes on without such rows."
_QUOTED_LINES = 100  # a quoted field may go over so many lines; beyond, its quotation mark was never closed
_LARGEST = float(np.finfo(np.float32).max)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 60
_DECIMAL_COMMA = re.compile(r"^[+-]?[0-9]+,[0-9]+$")

Cells = Sequence[str | None]  # user, item, rating or count (empty in pairs), timestamp


class Record(NamedTuple):
    """One row as it was read: its cells, or the reason why there are none."""

    line: int  # 1-based line of a file, 0-based row of a frame
    cells: Cells | None
    reason: str
    content: str


class BadRow(NamedTuple):
    """A row that was left out."""

    line: int
    reason: str
    content: str


class _BadCellError(Exception):
    """A cell cannot be used; the text says why."""


class _Gathered:
    """The good rows so far, in 28 bytes each: ids as numbers of their texts."""

    def __init__(self) -> None:
        self.users, self.items = dict[str, int](), dict[str, int]()
        self.user_code, self.item_code = array("i"), array("i")
        self.value, self.timestamp, self.rows = array("f"), array("q"), array("q")

    def add(self, row: int, user: str, item: str, value: float, time: int) -> None:
        self.user_code.append(self.users.setdefault(user, len(self.users)))
        self.item_code.append(self.items.setdefault(item, len(self.items)))
        self.value.append(value)
        self.timestamp.append(time)
        self.rows.append(row)

    def table(self, kind: Kind) -> Table:
        users, user_of_code = encode(pl.Series(list(self.users), dtype=pl.String), "user")
        items, item_of_code = encode(pl.Series(list(self.items), dtype=pl.String), "item")
        timestamp = np.array(self.timestamp, np.int64)
        return Table(
            users,
            items,
            user_of_code[np.array(self.user_code, np.int32)],
            item_of_code[np.array(self.item_code, np.int32)],
            np.array(self.value, np.float32),
            timestamp if bool((timestamp != NO_TIME).any()) else None,
            np.array(self.rows, np.int64),
            kind,
        )


class RowRules(NamedTuple):
    """What a row is judged by.

    Attributes:
        label: the table's name in messages.
        unit: "line" for files, "row" for frames.
        scale: the declared scale, or None.
        kind, time_divisor: see `Layout`.
        skip: go on without bad rows, rather than raise at the first.
    """

    label: str
    unit: str
    scale: tuple[float, float] | None
    kind: Kind
    time_divisor: int
    skip: bool


def read_carefully(records: Iterable[Record], rules: RowRules) -> tuple[Table, list[BadRow]]:
    """The table of all good rows, and the bad rows.

    Raises:
        DataError: a row is bad and bad rows are not to be skipped, or no row is good.
    """
    good, bad = _Gathered(), list[BadRow]()
    for row, record in enumerate(records):
        try:
            good.add(row, *_judge(record, rules))
        except _BadCellError as error:
            if not rules.skip:
                place = f"{rules.label}, {rules.unit} {record.line:,}"
                raise DataError(f"{place}: {error}. {GO_ON}") from None
            bad.append(BadRow(record.line, str(error), record.content))
    if not bad and not good.value:
        raise DataError(f"{rules.label} has a header but no ratings.")
    if not good.value:
        none_good = "its only row is bad" if len(bad) == 1 else f"not one of its {len(bad):,} rows is good"
        first = f"{'It' if len(bad) == 1 else 'The first'} is {rules.unit} {bad[0].line:,}: {bad[0].reason}"
        raise DataError(f"{rules.label}: {none_good}. {first}.")
    return good.table(rules.kind), bad


def _judge(record: Record, rules: RowRules) -> tuple[str, str, float, int]:
    if record.cells is None:
        raise _BadCellError(record.reason)
    user, item, rating, time = record.cells
    user, item, rating = (user or "").strip(), (item or "").strip(), (rating or "").strip()
    rating = "1" if rules.kind == "pair" else rating
    if not (user and item and rating):
        missing = "user" if not user else "item" if not item else rules.kind
        raise _BadCellError(f"the {missing} is missing")
    if not record.content.isascii():
        _refuse_broken_text(record.cells)
    seconds = _time(time.strip(), rules.time_divisor) if time else NO_TIME
    return user, item, _value(rating, rules), seconds


def _refuse_broken_text(cells: Cells) -> None:
    for cell in cells:
        if cell and any("\ud800" <= letter <= "\udfff" for letter in cell):
            raise _BadCellError(f"{_shown(cell)} is not valid UTF-8; save the file as UTF-8")


def _value(text: str, rules: RowRules) -> float:
    kind, scale = rules.kind, rules.scale
    if _DECIMAL_COMMA.match(text):
        shown = text[:_SHOWN]
        raise _BadCellError(
            f"the {kind} '{shown}' has a decimal comma; write {shown.replace(',', '.')} instead of {shown}"
        )
    value = float(text) if plain_number(text) else math.nan
    if not abs(value) <= _LARGEST:
        is_number = plain_number(text) or text.lstrip("+-").lower() in {"nan", "inf", "infinity"}
        raise _BadCellError(f"the {kind} {_shown(text)} is not a {'finite number' if is_number else 'number'}")
    if scale is not None and not scale[0] <= value <= scale[1]:
        beyond = "less than 1" if kind == "count" else f"outside the scale {scale[0]:g} to {scale[1]:g}"
        raise _BadCellError(f"the {kind} {_shown(text)} is {beyond}")
    return value


def _time(text: str, divisor: int) -> int:
    """Seconds since 1970, `NO_TIME` for an empty text."""
    if not text:
        return NO_TIME
    try:
        seconds = _seconds(text) if not plain_number(text) else _whole(text) // divisor
    except (ValueError, OverflowError):
        seconds = LATEST + 1
    if not EARLIEST <= seconds <= LATEST:
        raise _BadCellError(f"the timestamp {_shown(text)} is neither a date such as 2001-12-31 nor seconds since 1970")
    return seconds


def _whole(text: str) -> int:
    return int(text) if plain_integer(text) else int(float(text))


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - _EPOCH) // timedelta(seconds=1)


def _shown(text: str) -> str:
    """A value for a message, in quotation marks and not too long."""
    return f"'{printable(text[:_SHOWN])}...'" if len(text) > _SHOWN else f"'{printable(text)}'"


def text_records(path: Path, layout: Layout) -> Iterator[Record]:
    """The rows of a text file; blank lines and the header are no rows."""
    with path.open("rb") as file:
        if file.read(len(BOM_UTF8)) != BOM_UTF8:
            file.seek(0)
        lines = _numbered_rows(file, layout)
        if layout.has_header:
            next(lines, None)
        # A table without times has no such column: its rows get an empty field at the end.
        cells_of = itemgetter(*(layout.positions.get(role, -1) for role in ROLES))
        for line, text, closed in lines:
            try:
                fields = split_line(text, layout.separator) if closed else None
            except csv.Error:
                fields = None
            if fields is None:
                yield Record(line, None, "a quotation mark is not closed or out of place", text)
            elif len(fields) != layout.n_fields:
                yield Record(line, None, _wrong_count(len(fields), layout.n_fields, text), text)
            else:
                fields.append("")
                yield Record(line, cells_of(fields), "", text)


def _wrong_count(found: int, due: int, text: str) -> str:
    return f"it has {counted(found, 'field')} instead of {due}: {_shown(text)}"


def _numbered_rows(file: BinaryIO, layout: Layout) -> Iterator[tuple[int, str, bool]]:
    """(line number, text, whether its quotation marks are closed) of each row that is not blank.

    A row whose quotation marks are open takes in the lines that follow, up to the one that closes them. If
    none does, only the first line is given up.
    """
    quoting = layout.separator != "::"
    waiting: deque[str] = deque()  # lines that were taken in by a row which then stayed open
    number = 0
    while (text := waiting.popleft() if waiting else _next_line(file)) is not None:
        number += 1
        closed, taken = True, 0
        if quoting and text.count('"') % 2:
            whole, taken = _closed_row(text, waiting, file)
            closed, text = whole is not None, whole or text
        if text.strip():
            yield number, text, closed
        number += taken


def _closed_row(text: str, waiting: deque[str], file: BinaryIO) -> tuple[str | None, int]:
    """The row that begins with a line whose quotation marks are open, and how many lines it takes in.

    None and 0 if nothing closes it; the lines that were looked at then stay in `waiting`.
    """
    taken: list[str] = []
    while len(taken) < _QUOTED_LINES:
        line = waiting.popleft() if waiting else _next_line(file)
        if line is None:
            break
        taken.append(line)
        if line.count('"') % 2:
            return "\n".join([text, *taken]), len(taken)
    waiting.extendleft(reversed(taken))
    return None, 0


def _next_line(file: BinaryIO) -> str | None:
    """The next line without its end; None at the end of the file."""
    line = file.readline()
    if not line:
        return None
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")


def json_records(path: Path, names: dict[str, str]) -> Iterator[Record]:
    """The rows of a JSON lines file; `names` are the keys of the roles."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            text = raw.decode("utf-8", "surrogateescape").strip().removeprefix("\ufeff")
            if not text:
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                cells = [cell_text(row.get(names.get(role, ""))) for role in ROLES]
                yield Record(number, cells, "", text)
            else:
                yield Record(number, None, f"it is not a JSON object: {_shown(text)}", text)


def frame_records(frame: pl.DataFrame) -> Iterator[Record]:
    """The rows of a frame with the columns `user`, `item` and perhaps `rating` and `timestamp`."""
    missing = [pl.lit(None).alias(role) for role in ROLES if role not in frame.columns]
    for number, row in enumerate(frame.with_columns(missing).select(ROLES).iter_rows()):
        user, item, rating, time = row
        user, item, time = (None if _is_nan(cell) else cell for cell in (user, item, time))  # NaN: missing
        cells = [cell_text(cell) for cell in (user, item, rating, time)]
        yield Record(number, cells, "", ",".join(cell or "" for cell in cells))


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and cell != cell


def cell_text(cell: Any) -> str | None:
    """A cell of any type as the text that a CSV file would hold; whole numbers have no decimal point."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def write_skipped(bad: Sequence[BadRow], path: Path) -> Path | None:
    """Write the rows that were left out; in the current folder if that of `path` cannot be written to.

    Returns: the file, or None if neither folder could be written to.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(BadRow._fields)
    writer.writerows(bad)
    payload = text.getvalue().encode("utf-8", "backslashreplace")
    for target in (path, Path.cwd() / path.name):
        try:
            write_atomically(target, payload)
        except OSError:
            continue
        return target
    return None
