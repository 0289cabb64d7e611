"""The careful reader: row by row, to say which row is bad and why, or to leave it out.

It reads only tables in which the fast reader (`columnar`) found a flaw.
"""

import csv
import io
import json
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import polars as pl

from matinee.data.reading.cells import ValueRules, cell_text, shown
from matinee.data.reading.schema import ROLES
from matinee.data.reading.sniff import Layout, split_line
from matinee.data.reading.values import ValuesRead, read_columns
from matinee.errors import DataError
from matinee.files import write_atomically
from matinee.text import counted

GO_ON = "Use --skip-bad-rows to leave out such rows."
_QUOTED_LINES = 100  # of a quoted field; one that seems longer has an unclosed quotation mark
_CHUNK_ROWS = 1 << 16
_SKIPPED = ".skipped.csv"
_MOST_LISTS = 100

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


class CarefulRead(NamedTuple):
    """A table that was read row by row.

    Attributes:
        values: of its good rows.
        bad: the bad rows, ascending.
    """

    values: ValuesRead
    bad: list[BadRow]


def read_carefully(records: Callable[[], Iterable[Record]], rules: ValueRules) -> CarefulRead:
    """The values of all good rows, and the bad rows.

    Args:
        records: gives the rows; called a second time for the content of bad rows.
        rules: what cells may hold, and whether bad rows are skipped.

    Raises:
        DataError: a row is bad and `rules` do not skip it, or no row is good.
    """
    frame, bad = _split(records(), rules)
    line, row = frame["line"], frame["row"].to_numpy()
    if bad and not rules.options.skip_bad_rows:
        _refuse_first(frame, bad[0], rules)
    values = read_columns(frame.drop("line", "row"), rules)
    reasons = {int(line[cell.row]): cell.reason for cell in values.bad}
    refuse_bad(reasons, rules)
    if reasons:
        contents = {record.line: record.content for record in records() if record.line in reasons}
        bad += [BadRow(number, reason, contents[number]) for number, reason in reasons.items()]
        bad.sort(key=lambda row: row.line)
    bad = in_files(bad, rules)
    if values.table is None:
        raise DataError(f"{rules.label}{nothing_good(bad, rules.unit)}")
    table = values.table
    if table.rows is not None:
        row = row[table.rows]
    if bad or table.rows is not None:
        values = replace(values, table=replace(table, rows=row))
    return CarefulRead(values, bad)


def _refuse_first(frame: pl.DataFrame, broken: BadRow, rules: ValueRules) -> None:
    """Raise a `DataError` for a row that cannot be split, or for a bad one before it."""
    reasons = {broken.line: broken.reason}
    with suppress(DataError):  # what the rows before it are as a whole does not count yet
        before = read_columns(frame.drop("line", "row"), rules)
        reasons |= {int(frame["line"][cell.row]): cell.reason for cell in before.bad}
    refuse_bad(reasons, rules)


def refuse_bad(reasons: Mapping[int, str], rules: ValueRules) -> None:
    """Raise a `DataError` for the first bad row, by line, unless `rules` skip bad rows."""
    if reasons and not rules.options.skip_bad_rows:
        first = min(reasons)
        label, line = rules.place(first)
        raise DataError(f"{label}, {rules.unit} {line:,}: {reasons[first]}. {GO_ON}")


def in_files(bad: Sequence[BadRow], rules: ValueRules) -> list[BadRow]:
    """Bad rows with their lines in the files that they come from."""
    found = []
    for row in bad:
        label, line = rules.place(row.line)
        reason = row.reason if label == rules.label else f"{label}: {row.reason}"
        found.append(BadRow(line, reason, row.content))
    return found


def _split(records: Iterable[Record], rules: ValueRules) -> tuple[pl.DataFrame, list[BadRow]]:
    """The rows that can be split into cells, with their lines and numbers, and the others."""
    chunks, bad = [_empty_chunk().frame()], list[BadRow]()
    chunk = _empty_chunk()
    for row, record in enumerate(records):
        reason = record.reason
        if record.cells is not None:
            reason = _broken_text(record)
        if reason or record.cells is None:
            bad.append(BadRow(record.line, reason, record.content))
            if rules.options.skip_bad_rows:
                continue
            break
        chunk.line.append(record.line)
        chunk.row.append(row)
        chunk.cells.append(record.cells)
        if len(chunk.cells) == _CHUNK_ROWS:
            chunks.append(chunk.frame())
            chunk = _empty_chunk()
    chunks.append(chunk.frame())
    return pl.concat(chunks), bad


class _Chunk(NamedTuple):
    """Some rows on their way into a frame."""

    line: list[int]
    row: list[int]
    cells: list[Cells]

    def frame(self) -> pl.DataFrame:
        texts = {role: pl.String() for role in ROLES}
        columns = list(zip(*self.cells, strict=True)) or [()] * len(ROLES)
        data = dict(zip(ROLES, columns, strict=True))
        frame = pl.DataFrame(data, schema=texts)
        return frame.with_columns(
            line=pl.Series(self.line, dtype=pl.Int64), row=pl.Series(self.row, dtype=pl.Int64)
        )


def _empty_chunk() -> _Chunk:
    return _Chunk([], [], [])


def _broken_text(record: Record) -> str:
    """What is wrong with a row that holds bytes which are not UTF-8; empty for others."""
    if not record.content.isascii():
        for cell in record.cells or ():
            if cell and any("\ud800" <= letter <= "\udfff" for letter in cell):
                return f"{shown(cell)} is not valid UTF-8; save the file as UTF-8"
    return ""


def nothing_good(bad: Sequence[BadRow], unit: str) -> str:
    """What to say of a table without any good row."""
    if not bad:
        return " has a header but no ratings."
    first = bad[0]
    if len(bad) == 1:
        return f": its only row is bad. It is {unit} {first.line:,}: {first.reason}."
    return (
        f": none of its {len(bad):,} rows is good. "
        f"The first is {unit} {first.line:,}: {first.reason}."
    )


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
                yield Record(line, None, f"{reason}: {shown(text)}", text)
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
                yield Record(number, None, f"it is not a JSON object: {shown(text)}", text)


def frame_row(frame: pl.DataFrame, row: int) -> str:
    """A row of a frame as in a CSV file."""
    cells = (cell_text(cell) for cell in frame.select(_in_order(frame)).row(row))
    return ",".join("" if cell in (None, "nan") else str(cell) for cell in cells)


def _in_order(frame: pl.DataFrame) -> list[str]:
    return [role for role in ROLES if role in frame.columns]


def write_skipped(bad: Sequence[BadRow], path: Path) -> Path | None:
    """Write the rows that were left out, to the current folder if `path` cannot be written.

    An earlier list is replaced. Any other file of that name is not: the list gets a number.

    Returns: the file, or None if neither folder could be written to.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(BadRow._fields)
    writer.writerows(bad)
    payload = text.getvalue().encode("utf-8", "backslashreplace")
    for target in (path, Path.cwd() / path.name):
        try:
            free = _free_name(target)
            write_atomically(free, payload)
        except OSError:
            continue
        return free
    return None


def _free_name(path: Path) -> Path:
    """The path, or with a number the first one where no file stands but a list of bad rows."""
    stem = path.name.removesuffix(_SKIPPED)
    for number in range(2, _MOST_LISTS):
        if not path.exists() or _is_list(path):
            break
        path = path.with_name(f"{stem}.{number}{_SKIPPED}")
    return path


def _is_list(path: Path) -> bool:
    beginning = ",".join(BadRow._fields).encode()
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(beginning)) == beginning
