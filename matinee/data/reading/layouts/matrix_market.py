"""MatrixMarket coordinates, as SciPy writes them: row, column, value, counted from 1."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from matinee.data.reading.layouts.base import NamedLayout, Reading, lines_of
from matinee.data.reading.options import Kind, ReadOptions
from matinee.errors import DataError

EXAMPLE = """\
%%MatrixMarket matrix coordinate real general
% rows columns values
2 3 3
1 1 5
1 3 2.5
2 2 4
"""

_MARK = "%%matrixmarket"


def _fits(lines: Sequence[str]) -> bool:
    return len(lines) > 0 and lines[0].lower().startswith(_MARK)


def _read(path: Path, options: ReadOptions, label: str) -> Reading:
    with path.open(encoding="utf-8", errors="replace") as file:
        words = file.readline().lower().split()
    if len(words) < 5 or words[2] != "coordinate" or words[3] == "complex":
        raise DataError(
            f"{label} is a MatrixMarket file, but not of coordinates ('{' '.join(words[1:])}'). "
            "Write it again with scipy.io.mmwrite(file, scipy.sparse.coo_matrix(matrix))."
        )
    lines = lines_of(path).filter(~pl.col("text").str.starts_with("%"))
    text = pl.col("text").str.replace_all(r"\s+", " ").str.split_exact(" ", 3)
    fields = ["user", "item", "rating", "more"]
    parts = text.struct.rename_fields(fields).alias("fields")
    table = lines.select("line", parts).unnest("fields").collect()
    if table.height == 0:
        raise DataError(f"{label} has a header but no ratings.")
    n_due = table["rating"][0]
    frame = table.slice(1).drop("more")
    if not (n_due or "").isdigit() or int(n_due) != frame.height:
        raise DataError(
            f"{label} has {frame.height:,} values, and its first line says {n_due}; it is damaged "
            "or truncated. Download or copy it again."
        )
    notes = ["Layout MatrixMarket: the rows are read as users, the columns as items."]
    if words[4] != "general":
        frame, note = _mirrored(frame, words[4])
        notes.append(note)
    kind: Kind = "rating"
    if options.count is not None:
        kind = "count"
    if options.pairs or words[3] == "pattern":
        return Reading(frame.drop("rating"), "pair", notes)
    return Reading(frame, kind, notes)


def _mirrored(frame: pl.DataFrame, symmetry: str) -> tuple[pl.DataFrame, str]:
    """A symmetric matrix with both of its halves, of which the file has one."""
    other = frame.filter(pl.col("user") != pl.col("item"))
    other = other.with_columns(user=pl.col("item"), item=pl.col("user"))
    if symmetry == "skew-symmetric":
        other = other.with_columns(rating=(-pl.col("rating").cast(pl.Float64)).cast(pl.String))
    return pl.concat([frame, other]), f"The matrix is {symmetry}; both halves are read."


LAYOUT = NamedLayout("MatrixMarket", EXAMPLE, _fits, _read)
