"""Columns that a program hands over as arrays or lists, with the checks of tables."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from matinee.data.ratings import NO_TIME
from matinee.data.reading.cells import ValueRules, cell_text
from matinee.data.reading.ids import IdColumn, read_ids
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.times import read_times
from matinee.data.vocabulary import Ids, Vocabulary
from matinee.errors import DataError

_RULES = ValueRules("Ratings.from_ids", "row", "rating", None, ReadOptions())
_SECONDS_TO = 10**11  # larger numbers are milliseconds, microseconds or nanoseconds


def ids_of_array(ids: Ids, kind: str) -> tuple[Vocabulary, NDArray[np.int32]]:
    """The vocabulary of a column of ids, and the column as indices, (N,).

    Raises:
        DataError: an id is missing, or is no id; the message names its row, from 0.
    """
    try:
        array = np.asarray(ids)
    except ValueError:  # lists of several lengths
        array = np.array([*ids, None], object)[:-1]
    if array.ndim != 1:
        raise DataError(f"The {kind} ids have {array.ndim} dimensions instead of one.")
    if array.dtype.kind in "iu" or len(array) == 0:
        return Vocabulary.encode(ids, kind)
    column = pl.Series(array) if array.dtype.kind == "f" else _objects(ids, kind)
    found: IdColumn = read_ids(column, kind, _RULES)
    if len(found.flaws.rows):
        row = int(found.flaws.rows[0])
        raise DataError(f"Row {row} of the ids, counted from 0: {found.flaws.reason(row)}.")
    return found.vocabulary, found.index


def _objects(ids: Iterable[object], kind: str) -> pl.Series:
    """Ids in a list or an array of objects: text, numbers, bytes, or nothing."""
    cells = [_plain(cell) for cell in ids]
    try:
        return pl.Series(cells, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        pass
    for row, cell in enumerate(cells):
        if cell is not None and not isinstance(cell, int | float | str | bytes):
            raise DataError(
                f"Row {row} of the {kind} ids, counted from 0: a value of type "
                f"{type(cell).__name__} is not an id; give integers or strings."
            )
    return pl.Series([cell_text(cell) for cell in cells], dtype=pl.String)


def _plain(cell: object) -> object:
    """A cell as Python's own type; None for a missing one."""
    if cell is None or cell != cell or str(cell) in ("<NA>", "NaT"):  # NaN differs from itself
        return None
    if isinstance(cell, UUID):
        return str(cell)
    return cell.item() if isinstance(cell, np.generic) else cell


def seconds_of_array(timestamps: ArrayLike) -> NDArray[np.int64]:
    """Times as seconds since 1970, (N,): datetimes, seconds, or larger units since 1970.

    Raises:
        DataError: a value is none of these; the message names its row, from 0.
    """
    array = np.asarray(timestamps)
    if array.dtype.kind in "iub" and not _are_large(array):
        return array.astype(np.int64)
    if array.dtype.kind == "M":
        column = pl.Series(array.astype("datetime64[us]"))
    elif array.dtype.kind in "iuf":
        column = pl.Series(array)
        if not _are_large(array):
            return column.fill_nan(None).cast(pl.Int64).fill_null(NO_TIME).to_numpy()
    else:
        column = _moments(timestamps)
    times = read_times(column, _RULES)
    if len(times.flaws.rows):
        row = int(times.flaws.rows[0])
        raise DataError(f"Row {row} of the timestamps, counted from 0: {times.flaws.reason(row)}.")
    if times.seconds is None:
        return np.full(len(array), NO_TIME)
    return times.seconds


def _are_large(array: NDArray[np.number]) -> bool:
    finite = array[np.isfinite(array)]
    return len(finite) > 0 and float(np.median(np.abs(finite.astype(np.float64)))) >= _SECONDS_TO


def _moments(timestamps: Any) -> pl.Series:
    """Objects such as datetimes, dates or texts."""
    cells = [_plain(cell) for cell in timestamps]
    try:
        return pl.Series(cells, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series([cell_text(cell) for cell in cells], dtype=pl.String)
