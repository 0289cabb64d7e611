"""Polars' parser of CSV for the columns of a table: a whole file at once, or blocks of lines."""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import polars as pl

from matinee.data.reading.sniff import Layout
from matinee.data.reading.survey import Survey, has_leading_zeros, survey_of_lines

_NUMBERS = {pl.Int32, pl.Int64, pl.Float32}
_BLOCK = 8 << 20  # smaller ones cost time, as Python is in the way of one another
_AHEAD = 4  # blocks; while Polars parses some, in all its threads, others are read

#: Role -> type of its column.
Types = Mapping[str, type[pl.DataType]]


def parse_whole(
    path: Path, layout: Layout, types: Types, may_be_ragged: bool = False
) -> pl.DataFrame | None:
    """The columns that matter, named by their roles; None if a cell does not fit its type."""
    return _parse(path, layout, types, int(layout.has_header), may_be_ragged)


def are_numbers(types: Types) -> bool:
    """Whether all columns that matter are numbers."""
    return set(types.values()) <= _NUMBERS


class ParsedLines(NamedTuple):
    """Some lines of a file.

    Attributes:
        frame: their columns; None as `parse_whole`, and if they have quotation marks.
        survey: of their bytes; None where the columns show whatever is wrong with a line, and
            nothing is to be read as text.
    """

    frame: pl.DataFrame | None
    survey: Survey | None


def blocks_of_lines(path: Path, layout: Layout, types: Types) -> Iterator[ParsedLines]:
    """A file, block by block; its header stands in a block of its own, without rows."""
    shows_flaws = ends_are_numbers(layout, types)

    def parsed(start: int, end: int) -> ParsedLines:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            lines = file.read(end - start)
        is_header = start == 0 and layout.has_header
        if not lines.endswith(b"\n"):
            lines += b"\n"  # the last line may end in an empty field too many
        found = None
        if not shows_flaws or is_header or has_leading_zeros(lines):
            found = survey_of_lines(lines, layout.separator, start == 0)
        frame = None
        if is_header:
            frame = pl.DataFrame()
        elif b'"' not in lines:
            frame = _parse(lines, layout, types, skipped=0)
        return ParsedLines(frame, found)

    waiting: deque[Future[ParsedLines]] = deque()
    with ThreadPoolExecutor(_AHEAD) as pool:
        for start, end in pairwise(_ends_of_blocks(path, layout.has_header)):
            waiting.append(pool.submit(parsed, start, end))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def ends_are_numbers(layout: Layout, types: Types) -> bool:
    """Whether the first and the last field of a line are numbers that are read: a comment stops
    the parser then, and so does a field too many, while one too few leaves a gap."""
    types_of_fields = {position: types[role] for role, position in layout.positions.items()}
    ends = {types_of_fields.get(0), types_of_fields.get(layout.n_fields - 1)}
    return len(layout.separator) == 1 and ends <= _NUMBERS


def _ends_of_blocks(path: Path, has_header: bool) -> Iterator[int]:
    """Where the blocks of a file begin, and where the last one ends."""
    size = path.stat().st_size
    end = 0
    with path.open("rb") as file:
        if has_header:
            yield 0
            end = len(file.readline())
        while end < size:
            yield end
            file.seek(end + _BLOCK)
            end = min(end + _BLOCK + len(file.readline()), size)
    yield size


def _parse(
    source: Path | bytes, layout: Layout, types: Types, skipped: int, may_be_ragged: bool = False
) -> pl.DataFrame | None:
    # Polars splits at one byte, so "::" makes an empty column between every two; it is not
    # read.
    step = len(layout.separator)
    columns = {position * step: role for role, position in layout.positions.items()}
    n_columns = (layout.n_fields - 1) * step + 1
    names = [columns.get(number, f"-{number}") for number in range(n_columns)]
    quote: str | None = '"'
    if layout.separator == "::":
        quote = None
    try:
        frame = pl.read_csv(
            source,
            has_header=False,
            skip_rows=skipped,
            separator=layout.separator[0],
            quote_char=quote,
            schema={name: types.get(name, pl.String)() for name in names},
            columns=sorted(columns),
            glob=False,
            truncate_ragged_lines=may_be_ragged,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):  # it may panic on odd text
        return None
    return frame.select(list(layout.positions))
