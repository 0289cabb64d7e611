"""Where the parts of a table come from, one after the other: Parquet, text, a query."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from matinee.data.reading.columnar import NotClean
from matinee.data.reading.parse import Types, parse_lines, whole_lines
from matinee.data.reading.sniff import Layout
from matinee.data.reading.streaming import StreamedRows
from matinee.data.reading.survey import Survey, has_quotes, survey_of
from matinee.errors import DataError

_ROWS = 1 << 20


def damaged_parquet(label: str) -> DataError:
    """What to say of a Parquet file that cannot be read."""
    return DataError(f"{label} is not a valid Parquet file, or it is damaged; write it again.")


def rows_of_parquet(path: Path, name_of_role: Mapping[str, str], label: str) -> StreamedRows:
    """The rows of a Parquet file.

    Args:
        name_of_role: the columns that matter.
        label: the name of the file in messages.

    Raises:
        DataError: it is damaged; also raised while the frames are made.
    """
    try:
        table = pl.scan_parquet(path, glob=False)
        n_rows = int(table.select(pl.len()).collect().item())
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on damaged files
        raise damaged_parquet(label) from error
    wanted = table.select(pl.col(name).alias(role) for role, name in name_of_role.items())

    def frames() -> Iterator[pl.DataFrame]:
        for start in range(0, n_rows, _ROWS):
            try:
                frame = wanted.slice(start, _ROWS).collect()
            except (Exception, pl.exceptions.PanicException) as error:
                raise damaged_parquet(label) from error
            yield frame

    return StreamedRows(frames(), n_rows)


def rows_of_text(path: Path, layout: Layout, survey: Survey | None) -> StreamedRows:
    """The rows of a text file whose first lines show the types of its columns.

    Raises:
        NotClean: a row is bad, or may be; also raised while the frames are made.
    """
    if not layout.starts_at_once:
        raise NotClean
    survey = survey or survey_of(path, layout.separator)
    types = dict(layout.types)
    if survey.leading_zeros:
        types |= {"user": pl.String, "item": pl.String}
    n_fields = (layout.n_fields - 1) * len(layout.separator)
    n_expected = survey.separators // max(n_fields, 1)
    return StreamedRows(_frames_of_text(path, layout, survey, types), n_expected)


def _frames_of_text(
    path: Path, layout: Layout, survey: Survey, types: Types
) -> Iterator[pl.DataFrame]:
    if layout.separator == "::" and (survey.triples or survey.pairs * 2 != survey.separators):
        raise NotClean
    may_quote = layout.separator != "::" and has_quotes(path)
    n_rows = int(layout.has_header)
    for block in whole_lines(path, layout.has_header):
        if may_quote and b'"' in block:  # a text may go on in the next block
            raise NotClean
        frame = parse_lines(block, layout, types)
        if frame is None:
            raise NotClean
        n_rows += frame.height
        is_hidden = layout.kind == "count" and frame["rating"].dtype.is_float()
        if is_hidden and bool((frame["rating"] != frame["rating"].floor()).any()):
            raise NotClean  # fractions may be thousands
        yield frame
    if survey.separators != n_rows * (layout.n_fields - 1) * len(layout.separator):
        raise NotClean  # Polars fills rows with too few fields
