"""The careful reader: row by row, to say which row is bad and why, or to leave it out.

It reads only tables in which the fast reader (`columnar`) found a flaw.
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
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.ratings import NO_TIME
from matinee.data.reading.columnar import EARLIEST, LATEST, ParsedTable, encode
from matinee.data.reading.options import Kind, ValueRange
from matinee.data.reading.schema import ROLES
from matinee.data.reading.sniff import Layout, plain_integer, plain_number, split_line
from matinee.errors import DataError
from matinee.files import write_atomically
from matinee.text import counted, printable

GO_ON = "Use --skip-bad-rows to leave out such rows."
_QUOTED_LINES = 100  # of a quoted field; one that seems longer has an unclosed quotation mark
_LARGEST = float(np.finfo(np.float32).max)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 60
_DECIMAL_COMMA = re.compile(r"^[+-]?[0-9]+,[0-9]+$")

#: User, item, rating or count (empty in pairs), timestamp.
Cells = Sequence[str | None]


class Record(NamedTuple):
    """One row as it was read.

    Attributes:
        line: line of a file, from 1, or row of a frame, from 0.
        cells: None if the row cannot be split into cells.
        reason: why it cannot.
        content: the whole row.
    """

    line: int
    cells: Cells | None
    reason: str
    content: str


class BadRow(NamedTuple):
    """A row that was left out; the names of the fields head the file of bad rows."""

    line: int
    reason: str
    content: str


class _BadCellError(Exception):
    """A cell cannot be used; the text says why."""


class _GoodRows:
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

    def table(self, kind: Kind) -> ParsedTable:
        users, user_of_code = encode(pl.Series(list(self.users), dtype=pl.String), "user")
        items, item_of_code = encode(pl.Series(list(self.items), dtype=pl.String), "item")
        times = np.array(self.timestamp, np.int64)
        timestamp: NDArray[np.int64] | None = times
        if bool(np.all(times == NO_TIME)):
            timestamp = None
        return ParsedTable(
            users=users,
            items=items,
            user_index=user_of_code[np.array(self.user_code, np.int32)],
            item_index=item_of_code[np.array(self.item_code, np.int32)],
            value=np.array(self.value, np.float32),
            timestamp=timestamp,
            rows=np.array(self.rows, np.int64),
            kind=kind,
        )


class RowRules(NamedTuple):
    """When a row is bad, and what happens then.

    Attributes:
        label: the table's name in messages.
        unit: "line" for files, "row" for frames.
        scale: the lowest and the highest value allowed; None for any.
        kind, time_divisor: see `Layout`.
        skip: leave out bad rows instead of raising at the first.
    """

    label: str
    unit: str
    scale: ValueRange | None
    kind: Kind
    time_divisor: int
    skip: bool


def read_carefully(records: Iterable[Record], rules: RowRules) -> tuple[ParsedTable, list[BadRow]]:
    """The table of all good rows, and the bad rows.

    Raises:
        DataError: a row is bad and `rules` do not skip it, or no row is good.
    """
    good, bad = _GoodRows(), list[BadRow]()
    for row, record in enumerate(records):
        try:
            _add(good, row, record, rules)
        except _BadCellError as error:
            if not rules.skip:
                where = f"{rules.label}, {rules.unit} {record.line:,}"
                raise DataError(f"{where}: {error}. {GO_ON}") from None
            bad.append(BadRow(record.line, str(error), record.content))
    if not good.value:
        raise DataError(f"{rules.label}{_nothing_good(bad, rules.unit)}")
    return good.table(rules.kind), bad


def _nothing_good(bad: Sequence[BadRow], unit: str) -> str:
    if not bad:
        return " has a header but no ratings."
    first = bad[0]
    if len(bad) == 1:
        return f": its only row is bad. It is {unit} {first.line:,}: {first.reason}."
    return (
        f": none of its {len(bad):,} rows is good. "
        f"The first is {unit} {first.line:,}: {first.reason}."
    )


def _add(good: _GoodRows, row: int, record: Record, rules: RowRules) -> None:
    """Add a row to the good ones.

    Raises:
        _BadCellError: it is bad.
    """
    if record.cells is None:
        raise _BadCellError(record.reason)
    user, item, rating, time = [(cell or "").strip() for cell in record.cells]
    if rules.kind == "pair":
        rating = "1"
    for name, cell in (("user", user), ("item", item), (rules.kind, rating)):
        if not cell:
            raise _BadCellError(f"the {name} is missing")
    if not record.content.isascii():
        _refuse_broken_text(record.cells)
    seconds = _time(time, rules.time_divisor)
    good.add(row, user, item, _value(rating, rules), seconds)


def _refuse_broken_text(cells: Cells) -> None:
    for cell in cells:
        if cell and any("\ud800" <= letter <= "\udfff" for letter in cell):
            raise _BadCellError(f"{_shown(cell)} is not valid UTF-8; save the file as UTF-8")


def _value(text: str, rules: RowRules) -> float:
    kind, scale = rules.kind, rules.scale
    if _DECIMAL_COMMA.match(text):
        shown = text[:_SHOWN]
        raise _BadCellError(
            f"the {kind} '{shown}' has a decimal comma; "
            f"write {shown.replace(',', '.')} instead of {shown}"
        )
    is_number = plain_number(text)
    value = math.nan
    if is_number:
        value = float(text)
    if not abs(value) <= _LARGEST:
        is_infinite = is_number or text.lstrip("+-").lower() in {"nan", "inf", "infinity"}
        expected = "a finite number" if is_infinite else "a number"
        raise _BadCellError(f"the {kind} {_shown(text)} is not {expected}")
    if scale is not None and not scale[0] <= value <= scale[1]:
        problem = f"outside the scale {scale[0]:g} to {scale[1]:g}"
        if kind == "count":
            problem = "less than 1"
        raise _BadCellError(f"the {kind} {_shown(text)} is {problem}")
    return value


def _time(text: str, divisor: int) -> int:
    """Seconds since 1970, `NO_TIME` for an empty text."""
    if not text:
        return NO_TIME
    try:
        seconds = _seconds(text, divisor)
    except (ValueError, OverflowError):
        seconds = LATEST + 1
    if not EARLIEST <= seconds <= LATEST:
        raise _BadCellError(
            f"the timestamp {_shown(text)} is neither a date such as 2001-12-31 "
            "nor seconds since 1970"
        )
    return seconds


def _seconds(text: str, divisor: int) -> int:
    if plain_integer(text):
        return int(text) // divisor
    if plain_number(text):
        return int(float(text)) // divisor
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(seconds=1)


def _shown(text: str) -> str:
    """A value for a message, in quotation marks and not too long."""
    if len(text) > _SHOWN:
        return f"'{printable(text[:_SHOWN])}...'"
    return f"'{printable(text)}'"


def text_records(path: Path, layout: Layout) -> Iterator[Record]:
    """The rows of a text file, without blank lines and the header."""
    with path.open("rb") as file:
        if file.read(len(BOM_UTF8)) != BOM_UTF8:
            file.seek(0)
        lines = _numbered_rows(file, layout)
        if layout.has_header:
            next(lines, None)
        positions = [layout.positions.get(role, -1) for role in ROLES]
        for line, text, is_closed in lines:
            fields = None
            with suppress(csv.Error):
                fields = split_line(text, layout.separator)
            if fields is None or not is_closed:
                yield Record(line, None, "a quotation mark is not closed or out of place", text)
            elif len(fields) != layout.n_fields:
                reason = f"it has {counted(len(fields), 'field')} instead of {layout.n_fields}"
                yield Record(line, None, f"{reason}: {_shown(text)}", text)
            else:
                fields.append("")  # at -1: an empty cell for a column that the table lacks
                yield Record(line, [fields[position] for position in positions], "", text)


def _numbered_rows(file: BinaryIO, layout: Layout) -> Iterator[tuple[int, str, bool]]:
    """(line number, text, whether its quotation marks are closed) of each row that is not
    blank.

    A row with an open quotation mark includes the lines that follow, up to the one that closes
    the mark. If none does, only the first line is lost.
    """
    has_quotes = layout.separator != "::"
    waiting: deque[str] = deque()  # lines read ahead for a row that then stayed open
    number = 0
    while (text := _next_line(waiting, file)) is not None:
        number += 1
        is_closed, n_more = True, 0
        if has_quotes and text.count('"') % 2:
            more = _lines_to_quote(waiting, file)
            is_closed, n_more = len(more) > 0, len(more)
            text = "\n".join([text, *more])
        if text.strip():
            yield number, text, is_closed
        number += n_more


def _lines_to_quote(waiting: deque[str], file: BinaryIO) -> list[str]:
    """The next lines up to the one that closes an open quotation mark.

    The list is empty if none does; the lines read ahead then stay in `waiting`.
    """
    lines: list[str] = []
    while len(lines) < _QUOTED_LINES:
        line = _next_line(waiting, file)
        if line is None:
            break
        lines.append(line)
        if line.count('"') % 2:
            return lines
    waiting.extendleft(reversed(lines))
    return []


def _next_line(waiting: deque[str], file: BinaryIO) -> str | None:
    """The next line without its end, first those that wait; None at the end of the file."""
    if waiting:
        return waiting.popleft()
    line = file.readline()
    if not line:
        return None
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")


def json_records(path: Path, names: dict[str, str]) -> Iterator[Record]:
    """The rows of a JSON lines file; `names` maps roles to keys."""
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
    """The rows of a frame with the columns `user`, `item` and perhaps `rating` and
    `timestamp`."""
    missing = [pl.lit(None).alias(role) for role in ROLES if role not in frame.columns]
    for number, row in enumerate(frame.with_columns(missing).select(ROLES).iter_rows()):
        user, item, rating, time = row
        # NaN is a missing value, except for a rating, where it is a bad one.
        user, item, time = _without_nan(user), _without_nan(item), _without_nan(time)
        cells = [cell_text(cell) for cell in (user, item, rating, time)]
        yield Record(number, cells, "", ",".join(cell or "" for cell in cells))


def _without_nan(cell: Any) -> Any:
    if isinstance(cell, float) and math.isnan(cell):
        return None
    return cell


def cell_text(cell: Any) -> str | None:
    """A cell of any type as in a CSV file; whole numbers have no decimal point."""
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def write_skipped(bad: Sequence[BadRow], path: Path) -> Path | None:
    """Write the rows that were left out, to the current folder if `path` cannot be written.

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
