"""The fast reader: whole columns at once, without a look at single rows.

Whatever is not clean (a bad number, a missing id, a row with too few fields) raises
`NotClean`, and `row_by_row` reads the table a second time to name the row. So clean tables pay
nothing for good messages.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.reading.options import Kind
from matinee.data.reading.sniff import Layout
from matinee.data.vocabulary import Vocabulary

_SURVEY_BYTES = 1 << 18  # stays in the processor's cache


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


def frames_of_text(path: Path, layout: Layout) -> Iterator[pl.DataFrame]:
    """The columns of a text file, named by their roles: first typed, then as text.

    A typed frame is made only where the types cannot change a value.

    Raises:
        NotClean: some row is bad, or may be.
    """
    if not layout.starts_at_once:
        raise NotClean
    survey = _survey(path, layout.separator)
    types = dict(layout.types)
    as_text: dict[str, type[pl.DataType]] = dict.fromkeys(types, pl.String)
    ids_as_text: dict[str, type[pl.DataType]] = {**types, "user": pl.String, "item": pl.String}
    attempts = [types, as_text]
    if survey.leading_zeros:
        attempts[0] = ids_as_text
    for attempt in attempts:
        frame = _read_csv(path, layout, attempt)
        if frame is None:
            continue
        blank = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        if blank.any():
            frame = frame.filter(~blank)
        _check_fields(survey, layout, frame)
        yield frame
    raise NotClean


def other_columns_of_text(path: Path, layout: Layout, positions: Sequence[int]) -> pl.DataFrame:
    """Some columns of a text file as text, named by their numbers; empty if the rows are not
    clean."""
    names = {str(position): position for position in positions}
    types: dict[str, type[pl.DataType]] = dict.fromkeys(names, pl.String)
    wanted = replace(layout, positions=names)
    frame = _read_csv(path, wanted, types)
    if frame is None:
        frame = _read_csv(path, wanted, types, may_be_ragged=True)
    return pl.DataFrame() if frame is None else frame


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
    path: Path,
    layout: Layout,
    types: dict[str, type[pl.DataType]],
    may_be_ragged: bool = False,
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
            truncate_ragged_lines=may_be_ragged,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):  # it may panic on odd text
        return None
    return frame.select(list(layout.positions))
