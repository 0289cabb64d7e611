"""Polars' parser of CSV for the columns of a table: a whole file at once, or blocks of lines."""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.reading.sniff import Layout
from matinee.scratch import empty_in_small_pages

_LARGE = 64 << 20  # bytes of a file whose memory matters
_BLOCK = 4 << 20  # a block and its columns stay in the processor's cache
_AHEAD = 4  # blocks; while Polars parses some, in all its threads, others are read
_SPARE = 1.02  # rows to expect, in rows by the length of the first block

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


def parse_numbers(path: Path, layout: Layout, types: Types) -> pl.DataFrame | None:
    """`parse_whole` for columns of numbers.

    A large file without gaps and quotation marks is parsed in blocks of lines that fill the
    columns, which takes little more than half the memory of a whole file, and no more time.
    """
    frame = None
    if os.path.getsize(path) >= _LARGE:
        frame = _parse_blocks(path, layout, types)
    return parse_whole(path, layout, types) if frame is None else frame


def _parse_blocks(path: Path, layout: Layout, types: Types) -> pl.DataFrame | None:
    """Ids are read as integers of 32 bits; None if one is too large."""
    short: Types = {**types, "user": pl.Int32, "item": pl.Int32}
    columns = _Columns(short)
    for frame, share in frames_of_blocks(path, layout, short):
        if frame is None or any(column.has_nulls() for column in frame):
            return None
        columns.append(frame, 1 / share)
    return columns.frame()


class _Columns:
    """Columns that grow frame by frame, each one array."""

    def __init__(self, types: Types) -> None:
        self._n_rows = 0
        self._arrays: dict[str, NDArray[np.generic]] = {}
        for role, type_ in types.items():
            self._arrays[role] = pl.Series(dtype=type_).to_numpy()

    def append(self, frame: pl.DataFrame, n_blocks: float) -> None:
        """Adds rows.

        Args:
            n_blocks: frames of this length to expect, for the first.
        """
        start, end = self._n_rows, self._n_rows + frame.height
        for role, array in self._arrays.items():
            if end > len(array):
                capacity = int(_SPARE * max(n_blocks * frame.height, 1.25 * end))
                # Pages that are never filled cost nothing.
                larger = empty_in_small_pages(capacity, array.dtype)
                larger[:start] = array[:start]
                self._arrays[role] = array = larger
            place = start
            for chunk in frame[role].get_chunks():
                array[place : place + len(chunk)] = chunk.to_numpy()
                place += len(chunk)
        self._n_rows = end

    def frame(self) -> pl.DataFrame:
        """All rows, without a copy."""
        return pl.DataFrame({role: array[: self._n_rows] for role, array in self._arrays.items()})


def frames_of_blocks(
    path: Path, layout: Layout, types: Types
) -> Iterator[tuple[pl.DataFrame | None, float]]:
    """The frames of blocks of lines, in order, with their share of the file; None as `_parse`, and
    for a block with quotation marks."""

    def parsed(block: bytes) -> tuple[pl.DataFrame | None, float]:
        frame = None
        if b'"' not in block:
            frame = _parse(block, layout, types, skipped=0)
        return frame, len(block) / size

    size = os.path.getsize(path)
    waiting: deque[Future[tuple[pl.DataFrame | None, float]]] = deque()
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
