"""MIND, the news data set of Microsoft: `behaviors.tsv`, one visit to the page in each row.

The last column lists the news that were shown, with -1 for a click and -0 for none.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from matinee.data.reading.layouts.base import NamedLayout, Reading
from matinee.data.reading.options import ReadOptions

EXAMPLE = """\
1\tU13\t11/11/2019 9:05:58 AM\tN55 N42\tN10-0 N35-1
2\tU91\t11/12/2019 6:11:30 PM\tN60\tN47-1 N10-0
"""

_SHOWN = re.compile(r"^[^\s-]+-[01](?: +[^\s-]+-[01])*$")
_TIME = "%m/%d/%Y %I:%M:%S %p"
_MOST = 0.9


def _fits(lines: Sequence[str]) -> bool:
    if not lines or lines[0].count("\t") not in (3, 4):
        return False
    rows = [line.rstrip("\r").split("\t") for line in lines if line.strip()]
    shown = sum(
        len(row) == len(rows[0]) and _SHOWN.match(row[-1].strip()) is not None for row in rows
    )
    return shown >= _MOST * len(rows)


def _read(path: Path, _options: ReadOptions, _label: str) -> Reading:
    with path.open("rb") as file:
        n_fields = file.readline().count(b"\t") + 1
    names = ["visit", "user", "time", "history", "shown"][-n_fields:]
    table = pl.scan_csv(
        path,
        has_header=False,
        separator="\t",
        quote_char=None,
        schema={name: pl.String() for name in names},
        glob=False,
    )
    clicked = pl.col("shown").str.strip_chars().str.split(" ").alias("item")
    rows = table.select(
        pl.col("user").str.strip_chars(),
        clicked,
        pl.col("time").str.strip_chars().alias("timestamp"),
    ).explode("item")
    clicks = rows.filter(pl.col("item").str.ends_with("-1")).with_columns(
        pl.col("item").str.strip_suffix("-1")
    )
    frame = clicks.collect()
    moment = frame["timestamp"].str.to_datetime(_TIME, time_unit="us", strict=False)
    if moment.null_count() == frame["timestamp"].null_count():
        frame = frame.with_columns(timestamp=moment)
    return Reading(
        frame,
        "pair",
        [
            "Layout of MIND: each click (N1-1) is a pair of a user and a news item; news shown "
            "without a click (N2-0) and the column of earlier clicks are not used."
        ],
    )


LAYOUT = NamedLayout("MIND", EXAMPLE, _fits, _read)
