"""Bad rows: counted by file, named with their reasons, and refused or listed."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlparse

import polars as pl

from matinee.data.reading.cells import shown
from matinee.data.reading.row_by_row import GO_ON, BadRow, write_skipped
from matinee.data.reading.schema import ROLES
from matinee.data.reading.sniff import split_line
from matinee.data.reading.values import read_columns
from matinee.errors import DataError
from matinee.spark.cells import CheckedTable
from matinee.text import counted

if TYPE_CHECKING:
    from pyspark.sql import Row

MOST_LISTED = 1_000
"""Bad rows whose content comes to the driver; all are counted."""
MOST_FILES = 5
"""Files that a note names."""


class BadRows(NamedTuple):
    """What was left out.

    Attributes:
        by_file: the number of bad rows of each file with some, most first.
        written: the list of bad rows; None if there are none, or no place for it.
        n_good: the number of the other rows.
    """

    by_file: tuple[tuple[str, int], ...] = ()
    written: Path | None = None
    n_good: int = 0

    @property
    def total(self) -> int:
        """The number of all bad rows."""
        return sum(count for _, count in self.by_file)

    def note(self) -> str:
        """A sentence for people; empty without bad rows."""
        if not self.by_file:
            return ""
        parts = [f"{count:,} in {base_name(path)}" for path, count in self.by_file[:MOST_FILES]]
        if len(self.by_file) > MOST_FILES:
            rest = sum(count for _, count in self.by_file[MOST_FILES:])
            parts.append(f"{rest:,} in {counted(len(self.by_file) - MOST_FILES, 'other file')}")
        listed = ""
        if self.written is not None:
            first = f"the first {MOST_LISTED:,} are " if self.total > MOST_LISTED else ""
            listed = f"; {first}listed in {self.written}"
        return f"Skipped {counted(self.total, 'bad row')}: {', '.join(parts)}{listed}."


NO_BAD_ROWS = BadRows()


def bad_rows(table: CheckedTable) -> BadRows:
    """The bad rows of a table, written to a file in the current folder.

    Raises:
        DataError: there is one, and the options do not skip it; or no row is good.
    """
    from pyspark.sql import functions as f

    rules = table.rules
    totals = table.rows.groupBy("file").agg(
        f.count("*").alias("rows"), f.sum(f.col("is_bad").cast("bigint")).alias("bad")
    )
    found = [(row.file, int(row.rows), int(row.bad or 0)) for row in totals.collect()]
    n_rows, n_bad = sum(rows for _, rows, _ in found), sum(bad for _, _, bad in found)
    if n_bad == 0 and n_rows:
        return BadRows(n_good=n_rows)
    if n_rows == 0:
        raise DataError(f"{rules.label} holds no ratings.")
    columns = [f"raw_{role}" for role in ROLES if role in table.raw.columns.positions]
    kept = table.frame.filter("is_bad").orderBy("file", "block", "number")
    limit = MOST_LISTED if rules.options.skip_bad_rows else 1
    first = kept.select("file", "block", "number", "content", "is_split", *columns).limit(limit)
    rows = first.collect()
    reasons = _reasons(table, rows)
    lines = _lines(table, rows)
    if not rules.options.skip_bad_rows:
        place = f"{base_name(rows[0].file)}, {rules.unit} {lines[0]:,}"
        if lines[0] < 0:
            place = f"{rules.label}, a row ({shown(rows[0].content)})"
        more = f" There are {n_bad:,} bad rows in all." if n_bad > 1 else ""
        raise DataError(f"{place}: {reasons[0]}.{more} {GO_ON}")
    if n_bad == n_rows:
        raise DataError(
            f"{rules.label}: none of its {n_rows:,} rows is good. The first is in "
            f"{base_name(rows[0].file)}: {reasons[0]}."
        )
    listed = [
        BadRow(line, f"{base_name(row.file)}: {reason}", row.content)
        for line, reason, row in zip(lines, reasons, rows, strict=True)
    ]
    by_file = sorted(((path, bad) for path, _, bad in found if bad), key=lambda one: -one[1])
    written = write_skipped(listed, Path.cwd() / f"{table.raw.name}.skipped.csv")
    return BadRows(tuple(by_file), written, n_rows - n_bad)


def base_name(path: str) -> str:
    """The last part of a path or URI, as people read it."""
    return unquote(urlparse(path).path).rstrip("/").rpartition("/")[2] or path


def _reasons(table: CheckedTable, rows: "Sequence[Row]") -> list[str]:
    """What is wrong with each row, by the code that reads tables on one machine.

    It sees the bad rows below good ones, which show the form of the columns.
    """
    names = [role for role in ROLES if role in table.raw.columns.positions]
    rules = replace(table.rules, options=replace(table.rules.options, skip_bad_rows=True))
    sample = table.sample.head(10 * len(rows) + 100).select(names)
    cells = {name: [row[f"raw_{name}"] for row in rows] for name in names}
    bad = pl.DataFrame(cells, schema=dict(sample.schema), strict=False)
    told = dict[int, str]()
    for cell in read_columns(pl.concat([sample, bad]), rules).bad:
        told[cell.row - sample.height] = cell.reason
    reasons = []
    for number, row in enumerate(rows):
        reason = "" if row.is_split else _about_fields(table, row.content)
        reasons.append(reason or told.get(number, f"it cannot be read: {shown(row.content)}"))
    return reasons


def _about_fields(table: CheckedTable, content: str) -> str:
    """What is wrong with a line that has no fields, or too few or many."""
    layout = table.raw.text
    assert layout is not None
    if "\ufffd" in content:
        return f"{shown(content)} is not valid UTF-8; save the file as UTF-8"
    try:
        fields = split_line(content, layout.separator)
    except csv.Error:
        return "a quotation mark is not closed or out of place"
    if len(fields) == layout.n_fields:
        return "a quotation mark is not closed or out of place"
    return f"it has {counted(len(fields), 'field')} instead of {layout.n_fields}: {shown(content)}"


def _lines(table: CheckedTable, rows: "Sequence[Row]") -> list[int]:
    """The line of each row in its file, from 1, or the row of a Parquet file, from 0; -1 where
    Spark does not know it."""
    from pyspark.sql import functions as f

    if table.raw.text is None:
        return [int(row.number) if row.file != table.raw.label else -1 for row in rows]
    assert table.raw.lines is not None
    blocks = table.raw.lines.groupBy("file", "block").agg(
        f.min("number").alias("first"), f.count("*").alias("n")
    )
    before: dict[tuple[str, int], int] = {}
    n_lines: dict[str, int] = {}
    for block in blocks.orderBy("file", "block").collect():
        above = n_lines.get(block.file, 0)
        before[block.file, block.block] = above - int(block["first"]) + 1
        n_lines[block.file] = above + int(block.n)
    return [int(row.number) + before[row.file, row.block] for row in rows]
