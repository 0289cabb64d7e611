"""Lists of items, as LightGCN and its successors keep them: a user, then all items of that user."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from matinee.data.reading.layouts.base import NamedLayout, Reading, lines_of
from matinee.data.reading.options import ReadOptions

EXAMPLE = """\
0 4 7 9 12
1 4
2 7 30 31
"""

_WIDEST = 0.7  # of lists, no length is as common as in a table


def _fits(lines: Sequence[str]) -> bool:
    if any(sign in line for line in lines for sign in '\t,;|":{'):
        return False
    rows = [line.split() for line in lines if line.strip()]
    if len(rows) < 3:
        return False
    lengths = Counter(map(len, rows))
    first = [row[0] for row in rows]
    are_ids = all(cell.isascii() and cell.isdigit() for row in rows for cell in row)
    return (
        are_ids
        and len(lengths) > 1
        and max(lengths) > 2
        and lengths.most_common(1)[0][1] <= _WIDEST * len(rows)
        and len(set(first)) == len(first)
    )


def _read(path: Path, _options: ReadOptions, _label: str) -> Reading:
    cells = pl.col("text").str.replace_all(r"\s+", " ").str.split(" ")
    lists = lines_of(path).with_columns(cells.alias("cells"))
    frame = (
        lists.select("line", user=pl.col("cells").list.first(), item=pl.col("cells").list.slice(1))
        .explode("item")
        .drop_nulls("item")
        .collect()
    )
    return Reading(
        frame,
        "pair",
        ["Layout of lists (LightGCN): each line is a user and then the items of that user."],
    )


LAYOUT = NamedLayout("LightGCN lists", EXAMPLE, _fits, _read)
