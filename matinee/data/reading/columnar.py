"""The fast reader: whole columns at once, without a look at single rows.

Whatever is not clean (a bad number, a missing id, a row with too few fields) raises
`NotClean`, and `row_by_row` reads the table a second time to name the row. So clean tables pay
nothing for good messages.
"""

import mmap
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.reading.options import Kind
from matinee.data.reading.parse import are_numbers, ends_are_numbers, parse_whole
from matinee.data.reading.sniff import Layout
from matinee.data.reading.survey import Survey, has_leading_zeros, has_quotes, survey_of
from matinee.data.vocabulary import Vocabulary


class HasComments(Exception):  # noqa: N818  a signal between two modules, never shown
    """Some lines of a large table begin like comments; read a copy without them."""


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


def frames_of_text(
    path: Path, layout: Layout, survey: Survey | None, has_comments: bool | None = False
) -> Iterator[pl.DataFrame]:
    """The columns of a text file, named by their roles: first typed, then as text.

    A typed frame is used only where the types cannot change a value.

    Args:
        path: of the file.
        layout: of its text.
        survey: of its bytes; None if there was none yet.
        has_comments: None if nobody has looked for them.

    Raises:
        NotClean: some row is bad, or may be.
        HasComments: some line begins like a comment.
    """
    if not layout.starts_at_once:
        raise NotClean
    types = dict(layout.types)
    as_text: dict[str, type[pl.DataType]] = dict.fromkeys(types, pl.String)
    ids_as_text: dict[str, type[pl.DataType]] = {**types, "user": pl.String, "item": pl.String}
    attempts = [types, as_text]
    frame = None
    if survey is None:
        with ThreadPoolExecutor(1) as pool:  # NumPy and Polars release Python's lock
            shows_flaws = ends_are_numbers(layout, types)
            surveyed = pool.submit(_survey_if_needed, path, layout.separator, shows_flaws)
            if are_numbers(types):  # in the hope that there are no leading zeros
                frame = parse_whole(path, layout, types)
                attempts = [as_text]
        survey = surveyed.result()
        if survey is None and frame is not None and not _has_nulls(frame):
            yield frame
            frame = None
        survey = survey or survey_of(path, layout.separator)
    if has_comments is None and survey.comments:
        raise HasComments
    if survey.leading_zeros:
        frame, attempts = None, [ids_as_text, as_text]
    if frame is not None:
        yield _checked(frame, survey, path, layout)
    for attempt in attempts:
        frame = parse_whole(path, layout, attempt)
        if frame is not None:
            yield _checked(frame, survey, path, layout)
    raise NotClean


def _survey_if_needed(path: Path, separator: str, shows_flaws: bool) -> Survey | None:
    """The survey of a file; None where its columns show all flaws, and no number has a leading
    zero."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        is_whole = content[-1:] == b"\n"  # else the last line may end in an empty field too many
        if shows_flaws and is_whole and not has_leading_zeros(content):
            return None
    return survey_of(path, separator)


def _has_nulls(frame: pl.DataFrame) -> bool:
    return any(column.has_nulls() for column in frame)


def _checked(frame: pl.DataFrame, survey: Survey, path: Path, layout: Layout) -> pl.DataFrame:
    """The rows of a frame that are not empty lines."""
    if all(column.has_nulls() for column in frame):
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    _check_fields(survey, path, layout, frame)
    return frame


def other_columns_of_text(path: Path, layout: Layout, positions: Sequence[int]) -> pl.DataFrame:
    """Some columns of a text file as text, named by their numbers; empty if the rows are not
    clean."""
    names = {str(position): position for position in positions}
    types: dict[str, type[pl.DataType]] = dict.fromkeys(names, pl.String)
    wanted = replace(layout, positions=names)
    frame = parse_whole(path, wanted, types)
    if frame is None:
        frame = parse_whole(path, wanted, types, may_be_ragged=True)
    return pl.DataFrame() if frame is None else frame


def _check_fields(survey: Survey, path: Path, layout: Layout, frame: pl.DataFrame) -> None:
    """Find rows with too few fields, which Polars fills with nulls, by counting the
    separators."""
    if layout.separator == "::" and (survey.triples or survey.pairs * 2 != survey.separators):
        raise NotClean
    due = (frame.height + layout.has_header) * (layout.n_fields - 1) * len(layout.separator)
    has_nulls = _has_nulls(frame)
    if survey.separators == due and not has_nulls:
        return
    is_flawed = survey.separators != due
    if layout.separator != "::" and has_quotes(path):  # separators may stand within a text
        is_flawed = has_nulls
    if is_flawed:
        raise NotClean
