"""The Netflix Prize: `combined_data_1.txt` to `4`, `mv_0000001.txt`, `probe.txt`, `qualifying.txt`.

A line with a number and a colon names the film of the lines that follow.
"""

import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from matinee.data.reading.layouts.base import NamedLayout, Reading, blocks_of_lines
from matinee.data.reading.options import ReadOptions

EXAMPLE = """\
1:
1488844,3,2005-09-06
822109,5,2005-05-13
2:
1488844,4,2005-09-05
"""

_FILM = re.compile(r"^\d+:$")
_ROW = re.compile(r"^\d+(,[^,]*)?(,\d{4}-\d{2}-\d{2})?$")
_DAY = re.compile(r"^\d{4}-")
_MOST = 0.9


def _fits(lines: Sequence[str]) -> bool:
    first = next((line.strip() for line in lines if line.strip()), "")
    if not _FILM.match(first):
        return False
    filled = [line.strip() for line in lines if line.strip()]
    rows = [line for line in filled if not _FILM.match(line)]
    return len(rows) > 0 and sum(map(bool, map(_ROW.match, rows))) >= _MOST * len(rows)


def _read(path: Path, _options: ReadOptions, _label: str) -> Reading:
    frames = []
    film, line = 0, 1
    for block in blocks_of_lines(path):
        text = _block(block, film, line)
        line += text.height
        film = text["item"][-1]
        rows = text.filter(~pl.col("is_film") & pl.col("user").is_not_null())
        frames.append(_compact(rows.drop("is_film")))
    frame = _united(frames)
    note = "Layout of the Netflix Prize: a line such as '1:' names the film of the lines below."
    dated = _is_dated(frame)
    if "rating" in frame.columns and frame["rating"].null_count() == frame.height:
        return Reading(frame.drop("rating"), "pair", [f"{note} It has no ratings, only pairs."])
    if dated:
        frame = frame.with_columns(timestamp="rating").drop("rating")
        return Reading(frame, "pair", [f"{note} It has no ratings, only pairs."])
    return Reading(frame, "rating", [note])


def _block(block: bytes, film: int, line: int) -> pl.DataFrame:
    """The lines of one block as text, with the film that each belongs to."""
    text = pl.read_csv(
        b"user,rating,timestamp\n" + block.removeprefix(BOM_UTF8),
        quote_char=None,
        schema={"user": pl.String(), "rating": pl.String(), "timestamp": pl.String()},
        truncate_ragged_lines=True,
    )
    text = text.with_columns(pl.col("user").str.strip_chars())
    is_film = pl.col("user").str.ends_with(":").fill_null(value=False)
    named = pl.when(is_film).then(pl.col("user").str.strip_suffix(":"))
    item = named.otherwise(None).cast(pl.Int32, strict=False).forward_fill().fill_null(film)
    return text.with_columns(is_film=is_film, item=item).with_row_index("line", offset=line)


def _compact(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns as numbers and dates if all cells are such; 100 million rows count."""
    try:
        return rows.with_columns(
            pl.col("user").cast(pl.Int32),
            pl.col("rating").cast(pl.Float32),
            pl.col("timestamp").str.to_date("%Y-%m-%d"),
        ).drop("line")
    except pl.exceptions.PolarsError:
        return rows


def _united(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    if any("line" in frame.columns for frame in frames):  # text in one block means text in all
        texts = [frame.cast(pl.String) for frame in frames]
        return pl.concat(texts, how="diagonal").with_columns(pl.col("line").cast(pl.Int64))
    return pl.concat(frames)


def _is_dated(frame: pl.DataFrame) -> bool:
    """Whether dates stand where the ratings would, as in `qualifying.txt`."""
    rating = frame["rating"]
    if rating.dtype != pl.String or frame["timestamp"].null_count() < frame.height:
        return False
    return all(_DAY.match(cell) for cell in rating.drop_nulls().head(100).to_list())


LAYOUT = NamedLayout("Netflix Prize", EXAMPLE, _fits, _read)
