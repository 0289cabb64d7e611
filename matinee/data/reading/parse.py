"""Polars' parser of CSV for the columns of a table: a whole file at once, or blocks of lines."""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import polars as pl

from matinee.data.reading.sniff import Layout

_BLOCK = 4 << 20  # a block and its columns stay in the processor's cache
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
    return set(types.values()) <= {pl.Int64, pl.Float32}


def frames_of_blocks(
    path: Path, layout: Layout, types: Types
) -> Iterator[pl.DataFrame | None]:
    """The frames of blocks of lines, in order; None as `_parse`, and for a block with quotation
    marks."""

    def parsed(block: bytes) -> pl.DataFrame | None:
        if b'"' in block:
            return None
        return _parse(block, layout, types, skipped=0)

    waiting: deque[Future[pl.DataFrame | None]] = deque()
    with ThreadPoolExecutor(_AHEAD) as pool:
        for block in _blocks(path, layout.has_header):
            waiting.append(pool.submit(parsed, block))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _blocks(path: Path, has_header: bool) -> Iterator[bytes]:
    """Whole lines of a file, without its header."""
    with path.open("rb") as file:
        if has_header:
            file.readline()
        while block := file.read(_BLOCK):
            yield block + file.readline()


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
