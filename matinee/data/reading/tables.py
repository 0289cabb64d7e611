"""Tables of every kind of source: text, JSON lines, Parquet and frames.

The fast way comes first; the careful one reads only tables with a flaw.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from matinee.data.reading.cells import ValueRules, cell_text
from matinee.data.reading.columnar import NotClean, frames_of_text, other_columns_of_text
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.row_by_row import (
    BadRow,
    frame_row,
    json_records,
    nothing_good,
    read_carefully,
    refuse_bad,
    text_records,
)
from matinee.data.reading.schema import Columns, find_columns
from matinee.data.reading.sniff import Layout, layout_of, refuse_what_is_no_table
from matinee.data.reading.unnamed_words import refuse_words
from matinee.data.reading.values import ValuesRead, read_columns
from matinee.errors import DataError

#: Bytes at the start of a file that show how it is laid out.
HEAD_BYTES = 1 << 16
_SAMPLED = 200


class ReadTable(NamedTuple):
    """A table as it was read.

    Attributes:
        values: what its cells hold.
        bad: the rows that were left out.
        rules: by which the cells were read.
        columns: which column is what.
        layout: how the source is laid out, for people.
    """

    values: ValuesRead
    bad: list[BadRow]
    rules: ValueRules
    columns: Columns
    layout: str


def _rules(label: str, unit: str, columns: Columns, options: ReadOptions) -> ValueRules:
    names = {role: columns.name(role) for role in columns.positions}
    limits = options.limits(columns.kind)
    return ValueRules(label, unit, columns.kind, limits, options, names)


def _asks(columns: Columns, options: ReadOptions) -> bool:
    """Whether words in a column that nobody named may be ratings."""
    return columns.kind == "pair" and not options.pairs


def table_of_file(path: Path, label: str, head: bytes, options: ReadOptions) -> ReadTable:
    """The table in a file.

    Args:
        path: of the file.
        label: its name in messages.
        head: its first `HEAD_BYTES`.
        options: what the person said of the table.

    Raises:
        DataError: it is no table of ratings, or a row is bad.
    """
    if head.startswith(b"PAR1"):
        frame, others = _parquet(path, label, options)
        return table_of_frame(frame, label, options, "Parquet", others)
    is_whole = len(head) < HEAD_BYTES
    refuse_what_is_no_table(head, label, is_whole)
    if not is_whole:
        head = head[: head.rfind(b"\n") + 1]
    text = head.decode("utf-8", "surrogateescape")
    if text.removeprefix("\ufeff").lstrip().startswith("{"):
        return _table_of_json(path, label, text, options)
    layout = layout_of(text, options, label)
    columns = layout.columns
    rules = _rules(label, "line", columns, options)
    if _asks(columns, options) and columns.unused():
        unused = other_columns_of_text(path, layout, columns.unused())
        if unused.width:
            refuse_words(columns, lambda position: unused[str(position)], label)
    values, bad = _values_of_text(path, layout, rules), list[BadRow]()
    if values is None:
        values, bad = read_carefully(lambda: text_records(path, layout), rules)
    return ReadTable(values, bad, rules, columns, _layout_words(layout))


def _layout_words(layout: Layout) -> str:
    names = {",": "CSV", "\t": "tab-separated text", " ": "space-separated text"}
    words = names.get(layout.separator, f"text separated by {layout.separator}")
    return f"{words} {'with' if layout.has_header else 'without'} a header"


def _values_of_text(path: Path, layout: Layout, rules: ValueRules) -> ValuesRead | None:
    """The values of a text file by whole columns; None if a row is bad."""
    try:
        for frame in frames_of_text(path, layout):
            if _hides_thousands(frame, rules):
                continue
            values = read_columns(frame, rules)
            if values.table is not None and not values.bad:
                return values
            break
    except NotClean:
        pass
    return None


def _hides_thousands(frame: pl.DataFrame, rules: ValueRules) -> bool:
    """Whether counts were read as numbers with fractions, which may be thousands: 1.234."""
    if rules.kind != "count" or frame["rating"].dtype == pl.String:
        return False
    count = frame["rating"]
    return bool((count != count.floor()).any())


def _parquet(path: Path, label: str, options: ReadOptions) -> tuple[pl.DataFrame, Columns]:
    """The columns that matter of a Parquet file, in their places among all."""
    try:
        names = list(pl.read_parquet_schema(path))

        def sampled(position: int) -> list[str]:
            return _texts(column(position, _SAMPLED))

        def column(position: int, n_rows: int | None = None) -> pl.Series:
            frame = pl.read_parquet(path, columns=[names[position]], n_rows=n_rows, glob=False)
            return frame.to_series()

        found = find_columns(names, options, label, sampled)
        if _asks(found, options):
            refuse_words(found, column, label)
        wanted = [names[position] for position in found.positions.values()]
        return pl.read_parquet(path, columns=wanted, glob=False), found
    except DataError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on a damaged file
        raise DataError(
            f"{label} is not a valid Parquet file, or it is damaged; write it again."
        ) from error


def _table_of_json(path: Path, label: str, head: str, options: ReadOptions) -> ReadTable:
    rows = [_json_object(line) for line in head.splitlines()[:_SAMPLED]]
    names = list(dict.fromkeys(name for row in rows for name in row))

    def sampled(position: int) -> list[str]:
        return [cell_text(row.get(names[position])) or "" for row in rows]

    columns = find_columns(names, options, label, sampled)
    name_of_role = {role: names[position] for role, position in columns.positions.items()}
    rules = _rules(label, "line", columns, options)
    frame = _json_frame(path)
    if _asks(columns, options):
        cells = frame if frame is not None else _sampled_frame(names, sampled)
        refuse_words(columns, lambda position: cells[names[position]], label)
    values, bad = None, list[BadRow]()
    if frame is not None and set(name_of_role.values()) <= set(frame.columns):
        named = frame.select(pl.col(name).alias(role) for role, name in name_of_role.items())
        values = read_columns(named, rules)
    if values is None or values.bad or values.table is None:
        values, bad = read_carefully(lambda: json_records(path, name_of_role), rules)
    return ReadTable(values, bad, rules, columns, "JSON lines")


def _json_frame(path: Path) -> pl.DataFrame | None:
    try:
        return pl.read_ndjson(path, infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None


def _sampled_frame(names: list[str], sampled: Callable[[int], list[str]]) -> pl.DataFrame:
    return pl.DataFrame({name: sampled(position) for position, name in enumerate(names)})


def _json_object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if isinstance(row, dict):
        return row
    return {}


def table_of_frame(
    frame: pl.DataFrame,
    label: str,
    options: ReadOptions,
    layout: str,
    columns: Columns | None = None,
) -> ReadTable:
    """The table in a frame.

    Args:
        frame: all columns; or, with `columns`, those with a role, in the order of the roles.
        label: its name in messages.
        options: what the person said.
        layout: for people.
        columns: which column is what, if that is known.
    """
    if columns is None:

        def sampled(position: int) -> list[str]:
            return _texts(frame.to_series(position).head(_SAMPLED))

        columns = find_columns(frame.columns, options, label, sampled)
        if _asks(columns, options):
            refuse_words(columns, frame.to_series, label)
        series = {role: frame.to_series(at) for role, at in columns.positions.items()}
        named = pl.DataFrame(series)
    else:
        roles = zip(frame.columns, columns.positions, strict=True)
        named = frame.select(pl.col(name).alias(role) for name, role in roles)
    if frame.height == 0:
        raise DataError(f"{label} has columns but no ratings.")
    rules = _rules(label, "row", columns, options)
    values = read_columns(named, rules)
    refuse_bad(dict(values.bad), rules)
    bad = [BadRow(row, reason, frame_row(named, row)) for row, reason in values.bad]
    if values.table is None:
        raise DataError(f"{label}{nothing_good(bad, 'row')}")
    return ReadTable(values, bad, rules, columns, layout)


def _texts(column: pl.Series) -> list[str]:
    return [cell_text(cell) or "" for cell in column.to_list()]
