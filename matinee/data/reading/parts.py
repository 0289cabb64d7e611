"""Several files that are parts of one table, written to one file."""

import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import polars as pl

from matinee.data.reading.header import first_line
from matinee.data.reading.heads import head_of, is_json_lines, layout_of_lines, text_of_head
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.preparation import plan_of
from matinee.data.reading.separator import split_lines
from matinee.errors import DataError
from matinee.text import printable

_BLOCK = 1 << 22
_SAMPLE_LINES = 1000


@dataclass(frozen=True)
class Part:
    """Where the lines of one file begin in the text that is read.

    Attributes:
        first: its first line or row there.
        shift: what to add to a line number to have that of the file.
        label: the file's name in messages.
    """

    first: int
    shift: int
    label: str


def join_parquet(paths: Sequence[Path], labels: Sequence[str], target: Path) -> list[Part]:
    """Write the rows of Parquet files to one file.

    Raises:
        DataError: they have different columns, or one is damaged.
    """
    _check_schemas(paths, labels)
    try:
        tables = [pl.scan_parquet(path, glob=False) for path in paths]
        heights = [int(table.select(pl.len()).collect().item()) for table in tables]
        pl.concat(tables, how="vertical_relaxed").sink_parquet(target)
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on damaged files
        reason = str(error).split("\n")[0]
        raise DataError(
            f"{labels[0]} and the other files cannot be joined, or one is damaged: {reason}"
        ) from error
    parts, row = [], 0
    for label, height in zip(labels, heights, strict=True):
        parts.append(Part(row, -row, label))
        row += height
    return parts


def _check_schemas(paths: Sequence[Path], labels: Sequence[str]) -> None:
    """Raises DataError for the first damaged file, and the first with other columns."""
    first: set[str] | None = None
    for path, label in zip(paths, labels, strict=True):
        try:
            names = set(pl.read_parquet_schema(path))
        except (Exception, pl.exceptions.PanicException) as error:
            raise DataError(
                f"{label} is not a valid Parquet file, or it is damaged; write it again."
            ) from error
        first = first or names
        if names != first:
            raise _other_columns(label, labels[0], sorted(names))


def _other_columns(label: str, first: str, names: Sequence[str]) -> DataError:
    shown = ", ".join(f"'{printable(name[:40])}'" for name in names[:12])
    return DataError(
        f"{label} has other columns than {first}: {shown}. Give files whose columns are the "
        "same, or read them one by one."
    )


def note_on_gaps(names: Sequence[str]) -> str:
    """A sentence if the numbers in the names of parts have a gap; empty otherwise."""
    digits = [re.findall(r"[0-9]+", name) for name in names]
    if len(names) < 2 or len({len(each) for each in digits}) > 1:
        return ""
    varying = [place for place, each in enumerate(zip(*digits, strict=True)) if len(set(each)) > 1]
    if len(varying) != 1:
        return ""
    numbers = {int(each[varying[0]]) for each in digits}
    n_missing = max(numbers) - min(numbers) + 1 - len(numbers)
    if not 0 < n_missing < len(numbers):
        return ""
    missing = next(number for number in range(min(numbers), max(numbers)) if number not in numbers)
    others = f" (and {n_missing - 1:,} more)" if n_missing > 1 else ""
    return (
        f"The parts are numbered {min(numbers)} to {max(numbers)}, but there is no part {missing}"
        f"{others}: if a file is missing, its ratings are, too."
    )


def join_text(
    paths: Sequence[Path], labels: Sequence[str], target: Path, options: ReadOptions
) -> list[Part]:
    """Write the lines of text files to one file, with the header of the first alone.

    Raises:
        DataError: they have different columns.
    """
    parts, line = [], 1
    header: _FirstLine | None = None
    with target.open("wb") as written:
        for path, label in zip(paths, labels, strict=True):
            start = _first_line(text_of_head(head_of(path)), options)
            header = header or start
            n_dropped = 0
            if line > 1:
                n_dropped = _n_repeated(header, start, labels[0], label)
            parts.append(Part(line, n_dropped - line + 1, label))
            line += _append_lines(path, written, n_dropped)
    return parts


class _FirstLine(NamedTuple):
    """How a table of text begins.

    Attributes:
        n_before: comments and the like before it.
        cells: its fields, in lower case.
        is_header: whether they name columns.
    """

    n_before: int
    cells: list[str]
    is_header: bool


def _first_line(text: str, options: ReadOptions) -> _FirstLine:
    if is_json_lines(text) or layout_of_lines(text):
        return _FirstLine(0, [], False)
    plan = plan_of(text, options)
    lines = text.removeprefix("\ufeff").splitlines()[plan.n_dropped :]
    rows = split_lines([line for line in lines if line.strip()][:_SAMPLE_LINES], plan.separator)
    if plan.header is not None or not rows:
        return _FirstLine(plan.n_dropped, [], False)
    cells = [cell.strip().casefold() for cell in rows[0]]
    return _FirstLine(plan.n_dropped, cells, first_line(rows, options) == "names")


def _n_repeated(header: _FirstLine, start: _FirstLine, label: str, other: str) -> int:
    """How many lines at the start of a further part repeat those of the first part."""
    if start.is_header and start.cells != header.cells:
        raise _other_columns(other, label, start.cells)
    return start.n_before + (header.is_header and start.cells == header.cells)


def _append_lines(path: Path, written: BinaryIO, n_dropped: int) -> int:
    """Append the lines of a file but the first ones; returns how many."""
    n_lines, last = 0, b"\n"
    with path.open("rb") as source:
        mark = source.read(len(BOM_UTF8))
        if mark != BOM_UTF8:
            source.seek(0)
        for _ in range(n_dropped):
            source.readline()
        while block := source.read(_BLOCK):
            written.write(block)
            n_lines += block.count(b"\n")
            last = block[-1:]
    if last != b"\n":
        written.write(b"\n")
        n_lines += 1
    return n_lines
