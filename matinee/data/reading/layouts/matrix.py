"""A matrix of users by items, one row for each user: Jester, or a pivot table of a notebook.

    userId,Film 1,Film 2,Film 3,Film 4
    1,4,,5,2
    2,,3,,4

An empty cell is no rating; so is 99 in Jester, and 0 where many cells are 0 and no value is below,
unless the scale that a person gave includes it.
Without a header, as in Jester, items and users are numbered from 1.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from matinee.data.reading.header import is_missing, is_number, is_time
from matinee.data.reading.layouts.base import Reading, blocks_of_lines
from matinee.data.reading.options import ReadOptions, ValueRange
from matinee.data.reading.schema import column_of

_NARROWEST, _NARROWEST_WITHOUT_HEADER = 4, 8
_LARGEST_RATING = 100
_ROLES = ("user", "item", "rating", "count", "timestamp")
_MOST = 0.95
_SHARE_OF_COLUMNS = 0.8
_NONE_IN_JESTER = 99
_MANY_ZEROS = 0.3
_SOME_ZEROS = 0.05  # where no cell is empty: nobody has rated all items
_TITLE = re.compile(r"\([12][0-9]{3}\)$")
_WORDS = ["", "na", "nan", "null", "none", "-"]


class MatrixShape(NamedTuple):
    """How a table is a matrix.

    Attributes:
        names: of the columns.
        id_column: the number of the column that names the rows; None if they are numbered.
        unused: columns that hold neither ids nor ratings, such as the number of ratings.
        has_header: whether the first line names the columns.
        rows_are_items: whether the first column names items, and the others are users.
    """

    names: list[str]
    id_column: int | None
    unused: frozenset[int]
    has_header: bool
    rows_are_items: bool


def matrix_shape(
    rows: Sequence[Sequence[str]], options: ReadOptions, has_header: bool | None = None
) -> MatrixShape | None:
    """How rows are a matrix of ratings; None if they are not, or the options say so.

    Args:
        rows: the first rows, with the header if there is one.
        options: a column of ratings or counts, or one of items that is not the first, is in no
            matrix; if the first one holds items, the others are users.
        has_header: whether the first line holds names; None finds out.
    """
    names = [cell.strip() for cell in rows[0]]
    may_have_header = has_header is not False and not any(_has(names[1:], role) for role in _ROLES)
    may_lack_header = has_header is not True and len(names) >= _NARROWEST_WITHOUT_HEADER
    if not (may_have_header or may_lack_header):
        return None
    whole = [[cell.strip() for cell in row] for row in rows if len(row) == len(names)]
    if len(names) < _NARROWEST or len(whole) < _MOST * len(rows):
        return None
    first = (names[0], "1")
    if options.rating or options.count or options.pairs or options.item not in (None, *first):
        return None
    if options.user not in (None, *first):
        return None
    shape = None
    if may_have_header and len(whole) > 1:
        is_told = options.header is True or bool(options.user or options.item)
        shape = _with_header(names, whole[1:], is_told)
    if shape is None and may_lack_header:
        shape = _without_header(whole)
    if shape is not None and (options.item or options.user):
        shape = shape._replace(rows_are_items=options.item is not None)
    return shape


def _with_header(
    names: list[str], body: Sequence[Sequence[str]], is_told: bool
) -> MatrixShape | None:
    others = names[1:]
    if len(set(others)) < len(others) or not all(others):
        return None
    first = [row[0] for row in body]
    if len(set(first)) < len(first):
        return None
    if not _are_ratings([cell for row in body for cell in row[1:]]):
        return None
    if not is_told and not (_are_names(names, first) and _may_be_items(names, body)):
        return None
    rows_are_items = _has(names[:1], "item") or (not names[0] and _are_titles(first, others))
    if _has(names[:1], "user"):
        rows_are_items = False
    return MatrixShape(names, 0, frozenset(), True, rows_are_items)


def _without_header(body: Sequence[Sequence[str]]) -> MatrixShape | None:
    width = len(body[0])
    names = [str(number) for number in range(width + 1)]
    cells = [cell for row in body for cell in row[1:]]
    if not _are_ratings(cells) or not _have_one_scale(body):
        return None
    first = [row[0] for row in body]
    counts = [sum(not _is_none(cell) for cell in row[1:]) for row in body]
    if all(is_number(cell) for cell in first) and [_float(cell) for cell in first] == counts:
        return MatrixShape(names[:width], None, frozenset({0}), False, False)
    is_id = len(set(first)) == len(first) and len(first) > 2
    in_scale = _are_ratings(first) and any(not cell.isdigit() for cell in first)
    if is_id and not in_scale:
        return MatrixShape(names[:width], 0, frozenset(), False, False)
    return MatrixShape(names[1:], None, frozenset(), False, False)


def _may_be_items(names: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether columns hold ratings of items, not ids and ratings under unusual names."""
    is_usual = any(_has(names[:1], role) for role in ("user", "item"))
    return is_usual or len(names) >= _NARROWEST_WITHOUT_HEADER or _have_one_scale(body)


def _have_one_scale(body: Sequence[Sequence[str]]) -> bool:
    """Whether nearly all columns reach as high as the others, as columns of ids do not."""
    columns = [
        [_float(cell) for cell in column if not _is_none(cell)]
        for column in zip(*body, strict=True)
    ]
    highest = [max(column) for column in columns[1:] if len(column) > 2]
    if not highest:
        return True
    return sum(value >= max(highest) / 2 for value in highest) >= _SHARE_OF_COLUMNS * len(highest)


def _are_titles(first: Sequence[str], others: Sequence[str]) -> bool:
    """Whether the rows have names like titles, and the columns do not."""
    n_titles = sum(_TITLE.search(name) is not None for name in first)
    return 2 * n_titles > len(first) and not any(_TITLE.search(name) for name in others)


def _are_names(names: Sequence[str], first: Sequence[str]) -> bool:
    """Whether a line holds names or ids of items rather than ratings of one user.

    Args:
        names: the cells of the line.
        first: the cells below the first one.
    """
    if not is_missing(names[0]) and not is_number(names[0]) and all(map(is_number, first)):
        return True
    if not names[0] or any(_has(names[:1], role) for role in ("user", "item")):
        return True
    return not any(is_number(name) or is_missing(name) for name in names)


def _has(names: Sequence[str], role: str) -> bool:
    return column_of(names, role) is not None


def _is_none(cell: str) -> bool:
    return is_missing(cell) or (is_number(cell) and _float(cell) == _NONE_IN_JESTER)


def _are_ratings(cells: Sequence[str]) -> bool:
    """Whether cells are empty or numbers of one scale."""
    filled = [cell for cell in cells if not is_missing(cell)]
    numbers = [cell for cell in filled if is_number(cell) and not is_time(cell)]
    small = [cell for cell in numbers if len(cell) < 12 and abs(_float(cell)) <= _LARGEST_RATING]
    return len(filled) > 0 and len(small) >= _MOST * len(filled)


def _float(cell: str) -> float:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return float("inf")


def read_matrix(
    path: Path, shape: MatrixShape, separator: str, scale: ValueRange | None = None
) -> Reading:
    """The ratings in a text file that is a matrix, block by block."""
    schema = {str(number): pl.String() for number in range(len(shape.names))}
    frames, line = [], 1
    for number, block in enumerate(blocks_of_lines(path)):
        skipped = int(shape.has_header and number == 0)
        table = pl.read_csv(
            block, has_header=False, skip_rows=skipped, separator=separator, schema=schema
        )
        table = table.with_row_index("line", offset=line + skipped)
        line += table.height + skipped
        frames.append(_long(table, shape))
    return _reading(pl.concat(frames), shape, scale)


def read_matrix_frame(
    frame: pl.DataFrame, shape: MatrixShape, scale: ValueRange | None = None
) -> Reading:
    """The ratings in a frame that is a matrix."""
    numbered = [pl.col(name).alias(str(number)) for number, name in enumerate(frame.columns)]
    table = frame.select(numbered).cast(pl.String).with_row_index("line")
    return _reading(_long(table, shape), shape, scale)


def _long(table: pl.DataFrame, shape: MatrixShape) -> pl.DataFrame:
    """One row for each cell that holds something."""
    values = [
        str(number)
        for number in range(len(shape.names))
        if number != shape.id_column and number not in shape.unused
    ]
    row = pl.col("line").cast(pl.String)
    if shape.id_column is not None:
        row = pl.col(str(shape.id_column))
    table = table.with_columns(row.alias("row"), pl.col("line").cast(pl.Int64))
    long = table.unpivot(values, index=["line", "row"], variable_name="column", value_name="rating")
    cell = pl.col("rating").str.strip_chars()
    is_filled = ~cell.str.to_lowercase().is_in(_WORDS)
    long = long.with_columns(cell).filter(pl.col("rating").is_not_null() & is_filled)
    return long.with_columns(pl.col("column").cast(pl.Enum(schema_of(shape))))


def schema_of(shape: MatrixShape) -> list[str]:
    """The numbers of all columns, as text."""
    return [str(number) for number in range(len(shape.names))]


def _reading(long: pl.DataFrame, shape: MatrixShape, scale: ValueRange | None) -> Reading:
    names = pl.Series(shape.names, dtype=pl.String)
    column = names.gather(long["column"].to_physical())
    row, across = ("item", "user") if shape.rows_are_items else ("user", "item")
    frame = pl.DataFrame(
        {row: long["row"], across: column, "rating": long["rating"], "line": long["line"]}
    )
    note = (
        f"A matrix: each row is read as one {row}, each other column as one {across}; empty "
        f"cells are not ratings. --{across}-column 1 transposes it."
    )
    if len(shape.names) < _NARROWEST_WITHOUT_HEADER:
        note += " If it is not a matrix, give --user-column, --item-column and --rating-column."
    notes = [note]
    return _without_sentinels(frame, notes, scale)


def _without_sentinels(frame: pl.DataFrame, notes: list[str], scale: ValueRange | None) -> Reading:
    value = frame["rating"].str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    if value.null_count():
        return Reading(frame, "rating", notes)  # such as words: for the reader of values
    if not frame["rating"].str.contains(",", literal=True).any():
        frame = frame.with_columns(rating=value)
    others = value.filter(value != _NONE_IN_JESTER)
    if len(others) < len(value) and others.abs().max() is not None and _below(others, 11):
        notes.append("Cells with 99 are read as missing, as in Jester.")
        frame = frame.filter(value != _NONE_IN_JESTER)
        value = others
    n_zeros = int((value == 0).sum())
    lowest, highest = value.min(), value.max()
    keeps_zeros = scale is not None and scale.lowest <= 0
    n_cells = frame["user"].n_unique() * frame["item"].n_unique()
    many = _MANY_ZEROS if len(value) < n_cells else _SOME_ZEROS
    is_none = n_zeros >= many * max(len(value), 1) and not keeps_zeros
    if is_none and isinstance(lowest, float) and lowest >= 0 and isinstance(highest, float):
        notes.append(
            f"The {n_zeros:,} cells with 0 are read as missing; --scale 0:{highest:g} makes them "
            "ratings."
        )
        frame = frame.filter(value != 0)
        if frame["rating"].n_unique() == 1:
            return Reading(frame.drop("rating"), "pair", notes)
    return Reading(frame, "rating", notes)


def _below(values: pl.Series, limit: float) -> bool:
    largest = values.abs().max()
    return isinstance(largest, float) and largest < limit
