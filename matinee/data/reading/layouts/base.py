"""What a module of this package offers: how to know a layout, and how to read it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from matinee.data.reading.options import Kind, ReadOptions

_BLOCK = 1 << 24


class Reading(NamedTuple):
    """A table in columns named by roles.

    Attributes:
        frame: `user`, `item` and perhaps `rating` and `timestamp`; with `line`, the line of the
            file that a row comes from.
        kind: what `rating` holds.
        notes: what was taken for what, in sentences.
    """

    frame: pl.DataFrame
    kind: Kind
    notes: list[str]


class NamedLayout(NamedTuple):
    """A layout with a name.

    Attributes:
        name: of the data set or format.
        example: its first lines, as small as can be.
        fits: whether the first lines of a file are of this layout.
        read: the table in a file, given what messages call it.
    """

    name: str
    example: str
    fits: Callable[[Sequence[str]], bool]
    read: Callable[[Path, ReadOptions, str], Reading]


def blocks_of_lines(path: Path) -> Iterator[bytes]:
    """The bytes of a file in blocks that end where lines end."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block + file.readline()


def lines_of(path: Path) -> pl.LazyFrame:
    """The lines of a text file: `line`, its number from 1, and `text` without spaces around."""
    scanned = pl.scan_csv(
        path,
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema={"text": pl.String()},
        truncate_ragged_lines=True,
        glob=False,
    )
    text = pl.col("text").str.strip_chars().str.strip_prefix("\ufeff")
    numbered = scanned.with_row_index("line", offset=1)
    return numbered.with_columns(pl.col("line").cast(pl.Int64), text).filter(
        pl.col("text").is_not_null() & (pl.col("text") != "")
    )
