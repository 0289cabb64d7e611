"""The layout of a text file: separator, header, unit of time; and files that are not
tables."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from matinee.data.reading.options import Kind, ReadOptions
from matinee.data.reading.schema import ROLES, Columns, column_of, find_columns
from matinee.errors import DataError

# -- sniffing: separator, header, types, times -------------------------------------------

#: An integer as a program writes it: "7" is one; "007", "+7" and "7.0" are not.
INTEGER = r"^(?:0|-?[1-9][0-9]{0,17})$"

EXCEL = "is an Excel workbook; save it as CSV and give that file."

_INTEGER = re.compile(INTEGER)
_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$")
_SEPARATORS = ("\t", ",", ";", "|", " ")
_SAMPLE_ROWS = 200
_TIMES_FROM = 10**8  # as seconds this is 1973; nobody plays a song as often
_MILLISECONDS_FROM = 10**11  # as seconds this is the year 5138, as milliseconds 1973
_MAGIC = {
    b"%PDF": "is a PDF document; a table in CSV or Parquet is needed.",
    b"SQLite format 3": "is an SQLite database; give it as sqlite:///FILE.",
    b"\xd0\xcf\x11\xe0": EXCEL,
    b"\xff\xfe": "is text in UTF-16; save it as UTF-8.",
    b"\xfe\xff": "is text in UTF-16; save it as UTF-8.",
}
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


@dataclass(frozen=True)
class Layout:
    """How the text of a table is laid out.

    Attributes:
        separator: "::" or one character; only one character comes with quotation marks.
        has_header: whether the first line names the columns.
        n_fields: number of fields in each row.
        positions, kind: see `Columns`.
        types: role -> type of its sampled cells.
        time_divisor: what a timestamp is divided by to become seconds (1, 1,000, ...).
        starts_at_once: no blank line comes before the first row.
    """

    separator: str
    has_header: bool
    n_fields: int
    positions: Mapping[str, int]
    kind: Kind
    types: Mapping[str, type[pl.DataType]]
    time_divisor: int
    starts_at_once: bool


def plain_number(text: str) -> bool:
    """Whether a text is a finite decimal number in ASCII digits."""
    return _NUMBER.match(text) is not None


def plain_integer(text: str) -> bool:
    """Whether a text is an integer as a program writes it; "007" is not."""
    return _INTEGER.match(text) is not None


def split_line(line: str, separator: str) -> list[str]:
    """The fields of one line without its line end.

    Raises:
        csv.Error: its quotation marks do not match.
    """
    if separator != "::" and '"' in line:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    return line.split(separator)


def refuse_what_is_no_table(head: bytes, label: str, is_whole: bool) -> None:
    """Raise a `DataError` for the bytes of a web page, a pickle and the like.

    Args:
        head: the start of the file, or all of it.
        label: the table's name in messages.
        is_whole: whether `head` is the whole file.
    """
    start = head.lstrip()[:200].lower()
    for magic, sentence in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{label} {sentence}")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DataError(
            f"{label} is a web page, not a table; the download went wrong. Fetch it again."
        )
    if head.startswith(_PICKLES):
        raise DataError(
            f"{label} is a pickle. matinee does not read pickles, because opening one can run "
            "any code; save the table as CSV or Parquet."
        )
    if start.startswith(b"["):
        raise DataError(f"{label} is one JSON array; save it as JSON lines, one object per line.")
    if b"\0" in head or (not is_whole and b"\n" not in head):
        raise DataError(
            f"{label} holds binary data, not a table in CSV, TSV, Parquet or JSON lines."
        )
    if b"\r" in head and b"\n" not in head:
        raise DataError(
            f"{label} has carriage returns but no line feeds; "
            "save it with Unix or Windows line endings."
        )


def layout_of(head: str, options: ReadOptions, label: str) -> Layout:
    """The layout of a text table.

    Args:
        head: the first complete lines of the table.
        options: what the caller specified about the columns.
        label: the table's name in messages.

    Raises:
        DataError: there are no rows, or a column is missing.
    """
    lines = [line.removesuffix("\r") for line in head.removeprefix("\ufeff").split("\n")]
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise DataError(f"{label} is empty: it has no ratings.")
    separator = _separator(filled[0])
    rows = [_fields(line, separator) for line in filled[: _SAMPLE_ROWS + 1]]

    def sampled(number: int) -> list[str]:
        return [row[number].strip() for row in rows[has_header:] if number < len(row)]

    columns = _headerless(rows, options)
    has_header = columns is None
    if columns is None:
        columns = find_columns(rows[0], options, label, sampled)
    if has_header and len(filled) == 1:
        raise DataError(f"{label} has a header but no ratings.")
    cells = {role: sampled(position) for role, position in columns.positions.items()}
    times = [int(cell) for cell in cells.get("timestamp", []) if plain_integer(cell)]
    return Layout(
        separator=separator,
        has_header=has_header,
        n_fields=len(rows[0]),
        positions=columns.positions,
        kind=columns.kind,
        types={role: _sampled_type(role, cells[role]) for role in columns.positions},
        time_divisor=time_divisor(times),
        starts_at_once=bool(lines[0].strip()),
    )


def _separator(line: str) -> str:
    if "::" in line:
        return "::"
    return max(_SEPARATORS, key=line.count)  # the first of equals


def _fields(line: str, separator: str) -> list[str]:
    try:
        return split_line(line, separator)
    except csv.Error:
        return line.split(separator)


def _headerless(rows: Sequence[Sequence[str]], options: ReadOptions) -> Columns | None:
    """Columns of a table of two to four whose first line is a row, not names; else None.

    A row has two numbers, or text ids and a number in the third field, where the rating
    stands. Without a third field, or with a time there and no fourth field, there are no
    ratings.
    """
    first = rows[0]
    has_usual_name = any(
        column_of(first, role) is not None
        for role in ("user", "item", "rating", "count", "timestamp")
    )
    if has_usual_name or any(options.column_names.values()) or len(first) not in (2, 3, 4):
        return None
    # "3,0" is a bad rating, but it is not a name.
    is_number = [plain_number(field.strip().replace(",", ".")) for field in first]
    ends_in_time = len(first) == 3 and _are_times([row[2].strip() for row in rows if len(row) == 3])
    has_rating = len(first) > 2 and is_number[2]
    if not (sum(is_number) >= 2 or ends_in_time or has_rating):
        return None
    if len(first) == 2 or ends_in_time or options.pairs:
        positions = {"user": 0, "item": 1}
        if len(first) == 4 or ends_in_time:
            positions["timestamp"] = len(first) - 1
        return Columns(positions, "pair")
    return Columns(dict(zip(ROLES, range(len(first)), strict=False)), "rating")


def _are_times(cells: Sequence[str]) -> bool:
    """Whether all cells are dates, or numbers too large for ratings and counts."""
    return all(
        _DATE.match(cell) or (plain_integer(cell) and int(cell) >= _TIMES_FROM) for cell in cells
    )


def _sampled_type(role: str, cells: Sequence[str]) -> type[pl.DataType]:
    if role == "rating":
        return pl.Float32
    if all(plain_integer(cell) for cell in cells if cell):
        return pl.Int64
    return pl.String


def time_divisor(times: Sequence[int]) -> int:
    """1 for seconds, 1,000 for milliseconds and so on, judged by the smallest given time."""
    smallest = min((abs(time) for time in times), default=0)
    divisor = 1
    while smallest // divisor >= _MILLISECONDS_FROM:
        divisor *= 1000
    return divisor
