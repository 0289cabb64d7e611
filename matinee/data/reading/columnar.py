"""The fast reader: it converts whole columns at once and does not examine single rows.

A table that is not clean (a bad number, a missing id, a row with too few fields) raises
`NotClean`, and `row_by_row` reads it a second time to name the row. So clean tables pay
nothing for good messages.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.ratings import NO_TIME
from matinee.data.reading.options import Kind, ValueRange
from matinee.data.reading.schema import ROLES
from matinee.data.reading.sniff import INTEGER, Layout
from matinee.data.vocabulary import Vocabulary

# The years 1 and 9999, in seconds since 1970
EARLIEST, LATEST = -62_135_596_800, 253_402_300_799
_SURVEY_BYTES = 1 << 18  # stays in the processor's cache
_BITMAP_CELLS = 1 << 27
_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2})?$"


class NotClean(Exception):  # noqa: N818  a signal between two modules, never shown
    """The table has a flaw that only the row-by-row reader can name."""


@dataclass(frozen=True, eq=False)
class ParsedTable:
    """The columns of a table.

    Attributes:
        users, items: the vocabularies of its ids.
        user_index, item_index: (N,) int32.
        value: (N,) float32, stars or counts.
        timestamp: (N,) int64, seconds since 1970; None without times.
        rows: (N,) the data row of each rating; None when rating i is row i.
        kind: what the values are.
    """

    users: Vocabulary
    items: Vocabulary
    user_index: NDArray[np.int32]
    item_index: NDArray[np.int32]
    value: NDArray[np.float32]
    timestamp: NDArray[np.int64] | None
    rows: NDArray[np.int64] | None = None
    kind: Kind = "rating"


def table_of_text(path: Path, layout: Layout, scale: ValueRange | None) -> ParsedTable:
    """The table in a text file.

    Args:
        path: of the file.
        layout: of its text.
        scale: the lowest and the highest value allowed; None for any.

    Raises:
        NotClean: some row is bad, or may be.
    """
    if not layout.starts_at_once:
        raise NotClean
    survey = _survey(path, layout.separator)
    types = dict(layout.types)
    as_text: dict[str, type[pl.DataType]] = {**types, "user": pl.String, "item": pl.String}
    attempts = [types, as_text]
    if survey.leading_zeros or types == as_text:
        attempts = [as_text]
    for attempt in attempts:
        frame = _read_csv(path, layout, attempt)
        if frame is None:
            continue
        blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        if blank.any():
            frame = frame.filter(~blank)
        _check_fields(survey, layout, frame)
        return table_of_frame(frame, scale, layout.time_divisor, layout.kind)
    raise NotClean


class _Survey(NamedTuple):
    """What one pass over the bytes of a text table counts.

    Attributes:
        separators: bytes that separate fields; for "::" its single colons.
        pairs, triples: where "::" separates, two and three colons in a row.
        quotes: quotation marks.
        leading_zeros: numbers such as 007, at most: a date such as 2020-01-02 counts as well.
    """

    separators: int
    pairs: int
    triples: int
    quotes: int
    leading_zeros: int


def _survey(path: Path, separator: str) -> _Survey:
    content = np.asarray(
        np.memmap(path, np.uint8, "r")
    )  # a plain array: the subclass slows each operation
    starts = range(0, len(content), _SURVEY_BYTES)
    with ThreadPoolExecutor(2) as pool:  # NumPy releases Python's lock
        parts = list(pool.map(lambda start: _survey_part(content[start:], separator), starts))
    starts_with_zero = int(content[0] == ord("0"))
    return _Survey(
        separators=sum(part.separators for part in parts),
        pairs=sum(part.pairs for part in parts),
        triples=sum(part.triples for part in parts),
        quotes=sum(part.quotes for part in parts),
        leading_zeros=sum(part.leading_zeros for part in parts) + starts_with_zero,
    )


def _survey_part(content: NDArray[np.uint8], separator: str) -> _Survey:
    part = content[: _SURVEY_BYTES + 2]  # with two bytes of the next one
    is_mark = part == ord(separator[0])
    n_marks = int(np.count_nonzero(is_mark[:_SURVEY_BYTES]))
    is_digit = (part - np.uint8(ord("0"))) < 10  # bytes below "0" wrap around to large ones
    starts_number = ~is_digit[:-2] & (part[:-2] != ord("."))
    leading_zero = starts_number & (part[1:-1] == ord("0")) & is_digit[2:]
    n_leading_zeros = int(np.count_nonzero(leading_zero))
    n_pairs = n_triples = n_quotes = 0
    if separator == "::":
        is_pair = is_mark[:-1] & is_mark[1:]
        n_pairs = int(np.count_nonzero(is_pair[:_SURVEY_BYTES]))
        n_triples = int(np.count_nonzero(is_pair[:-1] & is_pair[1:]))
    else:
        n_quotes = int(np.count_nonzero(part == ord('"')))
    return _Survey(
        separators=n_marks,
        pairs=n_pairs,
        triples=n_triples,
        quotes=n_quotes,
        leading_zeros=n_leading_zeros,
    )


def _check_fields(survey: _Survey, layout: Layout, frame: pl.DataFrame) -> None:
    """Find rows with too few fields, which Polars fills with nulls, by counting the
    separators."""
    if layout.separator == "::" and (survey.triples or survey.pairs * 2 != survey.separators):
        raise NotClean
    due = (frame.height + layout.has_header) * (layout.n_fields - 1) * len(layout.separator)
    if survey.separators != due and not survey.quotes:
        raise NotClean
    if survey.quotes and sum(frame.null_count().row(0)):
        raise NotClean


def _read_csv(
    path: Path, layout: Layout, types: dict[str, type[pl.DataType]]
) -> pl.DataFrame | None:
    """The columns that matter, named by their roles; None if a cell does not fit its type."""
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
            path,
            has_header=False,
            skip_rows=int(layout.has_header),
            separator=layout.separator[0],
            quote_char=quote,
            schema={name: types.get(name, pl.String)() for name in names},
            columns=sorted(columns),
            glob=False,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame.select(role for role in ROLES if role in types)


def table_of_frame(
    frame: pl.DataFrame, scale: ValueRange | None, time_divisor: int, kind: Kind = "rating"
) -> ParsedTable:
    """The table in a frame.

    Args:
        frame: with the columns `user`, `item`, except for pairs `rating`, and perhaps
            `timestamp`.
        scale: the lowest and the highest value allowed; None for any.
        time_divisor: see `Layout`.
        kind: what the values are.

    Raises:
        NotClean: some row is bad, or may be.
    """
    if frame.height == 0:
        raise NotClean
    value = np.ones(frame.height, np.float32)
    if kind != "pair":
        value = _values(frame["rating"], scale)
    timestamp = None
    if "timestamp" in frame.columns:
        timestamp = _times(frame["timestamp"], time_divisor)
    users, user_index = encode(frame["user"], "user")
    items, item_index = encode(frame["item"], "item")
    return ParsedTable(
        users=users,
        items=items,
        user_index=user_index,
        item_index=item_index,
        value=value,
        timestamp=timestamp,
        kind=kind,
    )


def _cast(column: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    try:
        return column.cast(dtype())
    except pl.exceptions.PolarsError:
        raise NotClean from None


def _values(column: pl.Series, scale: ValueRange | None) -> NDArray[np.float32]:
    if not (column.dtype.is_numeric() or column.dtype == pl.String) or column.null_count():
        raise NotClean
    value = _cast(column, pl.Float32).to_numpy()
    lowest, highest = float(value.min()), float(value.max())  # both are NaN if any value is
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise NotClean
    if scale is not None and not scale[0] <= lowest <= highest <= scale[1]:
        raise NotClean
    return value


def _times(column: pl.Series, divisor: int) -> NDArray[np.int64] | None:
    """Seconds since 1970, (N,) int64, `NO_TIME` where null; None if all are null."""
    if column.null_count() == len(column):
        return None
    if column.dtype == pl.String:
        column, divisor = _dates(column), 1
    if column.dtype in (pl.Date, pl.Datetime):
        column = _cast(column, pl.Datetime).dt.epoch("s")
    elif column.dtype.is_float():
        column = _cast(column.fill_nan(None), pl.Int64) // divisor
    elif column.dtype.is_integer():
        column = _cast(column, pl.Int64)
        if divisor > 1:
            column = column // divisor
    else:
        raise NotClean
    lowest, highest = column.min(), column.max()
    if not (isinstance(lowest, int) and isinstance(highest, int)):
        raise NotClean
    if not EARLIEST <= lowest <= highest <= LATEST:
        raise NotClean
    if column.null_count():
        column = column.fill_null(NO_TIME)
    return column.to_numpy()


def _dates(column: pl.Series) -> pl.Series:
    """ISO dates from text; other orders of day, month and year are ambiguous."""
    if not column.str.contains(_ISO_DATE).all():
        raise NotClean
    try:
        return column.str.to_datetime(time_unit="us", strict=True)
    except pl.exceptions.PolarsError:
        raise NotClean from None


def encode(column: pl.Series, kind: str) -> tuple[Vocabulary, NDArray[np.int32]]:
    """The vocabulary of a column of ids and the column as indices, (N,) int32.

    Text becomes integers if every id is one.

    Raises:
        NotClean: an id is missing, or is neither text nor a whole number.
    """
    if column.null_count():
        raise NotClean
    if column.dtype.is_float():
        if not bool((column == column.round(0)).all()):
            raise NotClean
        column = _cast(column, pl.Int64)
    if column.dtype.is_integer():
        return Vocabulary.encode(_cast(column, pl.Int64).to_numpy(), kind)
    if not isinstance(column.dtype, (pl.String, pl.Categorical, pl.Enum)):
        raise NotClean
    text = _cast(column, pl.String).str.strip_chars()
    distinct = text.unique()
    if (distinct == "").any():
        raise NotClean
    if distinct.str.contains(r"^-?[0-9]+\.0$").all():  # so pandas writes integers with gaps
        text, distinct = text.str.strip_suffix(".0"), distinct.str.strip_suffix(".0")
    if distinct.str.contains(INTEGER).all():
        return Vocabulary.encode(_cast(text, pl.Int64).to_numpy(), kind)
    distinct = distinct.sort()  # by code point, as Python sorts
    index = text.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int32)
    return Vocabulary(np.array(distinct.to_list(), object), kind), index


def last_of_each_pair(table: ParsedTable) -> NDArray[np.int64] | None:
    """The positions of the last rating of each (user, item), ascending; None if no pair occurs
    twice.

    The last by time wins; without times, or at the same time, the last by row.
    """
    # A small bitmap beats sorting; 6,040 users and 3,706 items take 22 million cells.
    n_cells = len(table.users) * len(table.items)
    pair = _pairs(table)
    if n_cells <= _BITMAP_CELLS:
        seen = np.zeros(n_cells, bool)
        seen[pair] = True
        if np.count_nonzero(seen) == len(pair):
            return None
    elif bool((pair[1:] > pair[:-1]).all()):  # sorted, as large MovieLens files are
        return None
    else:
        in_order = np.sort(pair)
        if bool((in_order[1:] != in_order[:-1]).all()):
            return None
    return _without_earlier(pair, table.timestamp)


def _pairs(table: ParsedTable) -> NDArray[np.int64]:
    """A number for each pair of a user and an item, (N,)."""
    pair = np.multiply(table.user_index, len(table.items), dtype=np.int64)
    pair += table.item_index
    return pair


def sums_of_pairs(table: ParsedTable, kept: NDArray[np.int64]) -> NDArray[np.float32]:
    """The sum of the values of each pair, at the rows in `kept`, which has one row of each
    pair."""
    _, number = np.unique(_pairs(table), return_inverse=True)
    return np.bincount(number, table.value)[number[kept]].astype(np.float32)


def _without_earlier(
    pair: NDArray[np.int64], timestamp: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    in_order = np.sort(pair)
    repeated = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    rows = np.flatnonzero(np.isin(pair, repeated))  # usually few, and only these are sorted
    pair_of_row = pair[rows]
    keys = [pair_of_row]
    if timestamp is not None:
        keys = [timestamp[rows], pair_of_row]
    order = np.lexsort(keys)  # stable: of equals, the later row comes last
    has_successor = pair_of_row[order[1:]] == pair_of_row[order[:-1]]
    kept = np.ones(len(pair), bool)
    kept[rows[order[:-1][has_successor]]] = False
    return np.flatnonzero(kept)
