"""The layout of a text file: separator, header, unit of time; and files that are not
tables."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from matinee.data.reading.header import first_line
from matinee.data.reading.options import Kind, ReadOptions
from matinee.data.reading.positions import columns_without_header, one_column
from matinee.data.reading.schema import Columns, find_columns
from matinee.data.reading.separator import split_lines
from matinee.data.reading.unnamed_times import unnamed_times
from matinee.errors import DataError
from matinee.text import in_bytes, printable

# -- sniffing: separator, header, types, times -------------------------------------------

#: An integer as a program writes it: "7" is one; "007", "+7" and "7.0" are not.
INTEGER = r"^(?:0|-?[1-9][0-9]{0,17})$"

EXCEL = "is an Excel workbook; save it as CSV and give that file."

_INTEGER = re.compile(INTEGER)
_NUMBER = re.compile(r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$")
_MOVIELENS = re.compile(r"\bu(?:\.data|[1-5ab]\.(?:base|test))(?:\.\w+)?$")
_SAMPLE_ROWS = 200
_LONGEST_LINE = 1 << 16  # of a file of one line
_MAGIC = {
    b"%PDF": "is a PDF document; a table in CSV or Parquet is needed.",
    b"SQLite format 3": "is an SQLite database; give it as sqlite:///FILE.",
    b"\xd0\xcf\x11\xe0": EXCEL,
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
        starts_at_once: no blank line comes before the first row.
        notes: what was guessed, in sentences.
        columns: which column is what, and the names of all.
    """

    separator: str
    has_header: bool
    n_fields: int
    positions: Mapping[str, int]
    kind: Kind
    types: Mapping[str, type[pl.DataType]]
    starts_at_once: bool
    columns: Columns
    notes: Sequence[str] = ()


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


def refuse_other_files(head: bytes, label: str) -> None:
    """Raise a `DataError` for the first bytes of a workbook, a pickle and the like."""
    for magic, sentence in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{label} {sentence}")
    if head.startswith(_PICKLES):
        raise DataError(
            f"{label} is a pickle. matinee does not read pickles, because opening one can run "
            "any code; save the table as CSV or Parquet."
        )


def refuse_what_is_no_table(head: bytes, label: str, is_whole: bool) -> None:
    """Raise a `DataError` for a web page and for bytes that are not text.

    Args:
        head: the start of the file, or all of it.
        label: the table's name in messages.
        is_whole: whether `head` is the whole file.
    """
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DataError(
            f"{label} is a web page, not a table; the download went wrong. Fetch it again."
        )
    is_short = is_whole and len(head) < _LONGEST_LINE
    has_lines = is_short or b"\n" in head or b"\r" in head or start.startswith((b"{", b"["))
    if b"\0" not in head and not has_lines and _is_text(head):
        size = f"is {in_bytes(len(head))} long" if is_whole else "has no end"
        raise DataError(
            f"{label} is no table: its first line {size}. A table has a line for each row."
        )
    if b"\0" in head or not has_lines:
        raise DataError(
            f"{label} holds binary data, not a table in CSV, TSV, Parquet, Arrow or JSON lines."
        )


def _is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text in UTF-8."""
    try:
        head[:_LONGEST_LINE].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head[:_LONGEST_LINE]) - 4  # cut within a letter
    return True


def layout_of(head: str, options: ReadOptions, label: str, separator: str) -> Layout:
    """The layout of a text table.

    Args:
        head: the first complete lines of the table.
        options: what the caller specified about the columns.
        label: the table's name in messages.
        separator: of its fields, "::" or one character.

    Raises:
        DataError: there are no rows, or a column is missing.
    """
    lines = [line.removesuffix("\r") for line in head.removeprefix("\ufeff").split("\n")]
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise DataError(f"{label} is empty: it has no ratings.")
    rows = split_lines(filled[: _SAMPLE_ROWS + 1], separator)
    has_header = _has_header(rows, options, label)

    def sampled(number: int) -> list[str]:
        return [row[number].strip() for row in rows[has_header:] if number < len(row)]

    notes: list[str] = []
    if has_header and len(rows[0]) == 1:
        raise DataError(one_column(label, rows[0][0]))
    if has_header:
        columns = find_columns(rows[0], options, label, sampled)
        notes = unnamed_times(columns, options, sampled)
    else:
        columns, notes = columns_without_header(rows, options, label)
        if separator == "::" or _MOVIELENS.search(label):
            notes = []  # as everybody knows them
    if has_header and len(filled) == 1:
        raise DataError(f"{label} has a header but no ratings.")
    cells = {role: sampled(position) for role, position in columns.positions.items()}
    return Layout(
        separator=separator,
        has_header=has_header,
        n_fields=len(rows[0]),
        positions=columns.positions,
        kind=columns.kind,
        types={role: _sampled_type(role, cells[role], options) for role in columns.positions},
        starts_at_once=bool(lines[0].strip()),
        notes=notes,
        columns=columns,
    )


def _has_header(rows: Sequence[Sequence[str]], options: ReadOptions, label: str) -> bool:
    """Whether the first line names the columns.

    Raises:
        DataError: there is no telling, and the options name no column.
    """
    kind = first_line(rows, options)
    if kind != "unknown":
        return kind == "names"
    if any(not name.strip().isdigit() for name in options.given_names):
        return True
    if len(rows[0]) == 1:
        raise DataError(one_column(label, rows[0][0]))
    shown = ", ".join(f"'{printable(cell.strip()[:40])}'" for cell in rows[0][:8])
    raise DataError(
        f"{label}: the first line may be a row or names of columns: {shown}. Give --no-header if "
        "it is a row; if it holds names, give --user-column NAME and --item-column NAME."
    )


def _sampled_type(role: str, cells: Sequence[str], options: ReadOptions) -> type[pl.DataType]:
    if role == "rating":
        has_words = any(isinstance(word, str) for word in options.missing)
        if options.value_map or options.decimal or has_words:
            return pl.String
        return pl.Float32
    if role in ("user", "item") and options.text_ids:
        return pl.String
    if all(plain_integer(cell) for cell in cells if cell):
        return pl.Int64
    return pl.String
