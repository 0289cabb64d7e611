"""Where the parts of a table come from, one after the other: Parquet, text, a query."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from matinee.data.reading.columnar import HasComments, NotClean
from matinee.data.reading.parse import Types, blocks_of_lines
from matinee.data.reading.sniff import Layout
from matinee.data.reading.streaming import StreamedRows
from matinee.data.reading.survey import Survey
from matinee.errors import DataError

_ROWS = 1 << 20
_SAMPLE = 1 << 22  # bytes of a text, which tell the number of rows
_SPARE = 1.05


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
        try:
            # Polars calls this unstable. Slices are stable, but decode a row group for each of them
            yield from wanted.collect_batches(chunk_size=_ROWS)
        except (Exception, pl.exceptions.PanicException) as error:
            raise damaged_parquet(label) from error

    return StreamedRows(frames(), n_rows)


def rows_of_text(path: Path, layout: Layout, has_comments: bool | None) -> list[StreamedRows]:
    """The rows of a text file, with short numbers for ids, then with long ones and with texts,
    which are read if the ones before are not clean.

    Args:
        has_comments: as for `columnar.frames_of_text`.

    Raises:
        NotClean: a row is bad, or may be; while the frames are made.
        HasComments: some line begins like a comment; while the frames are made.
    """
    ids: list[type[pl.DataType]] = [pl.Int32, pl.Int64, pl.String]
    if layout.types["user"] == pl.String or layout.types["item"] == pl.String:
        ids = [pl.String]
    with path.open("rb") as file:
        block = file.read(_SAMPLE)
    size = path.stat().st_size
    n_expected = int(_SPARE * block.count(b"\n") * size / max(len(block), 1))
    attempts = []
    for id_type in ids:
        types = {
            role: id_type if role in ("user", "item") else type_
            for role, type_ in layout.types.items()
        }
        frames = _frames_of_text(path, layout, has_comments, types)
        attempts.append(StreamedRows(frames, n_expected))
    return attempts


def _frames_of_text(
    path: Path, layout: Layout, has_comments: bool | None, types: Types
) -> Iterator[pl.DataFrame]:
    if not layout.starts_at_once:
        raise NotClean
    for frame, survey in blocks_of_lines(path, layout, types):
        if frame is None or any(column.has_nulls() for column in frame):
            raise NotClean
        is_header = frame.width == 0
        if survey is not None:
            if has_comments is None and survey.comments:
                raise HasComments
            if survey.leading_zeros and types["user"] != pl.String:
                raise NotClean
            _check_fields(survey, layout, frame.height + is_header)
        if is_header:
            continue
        if layout.kind == "count" and frame["rating"].dtype.is_float():
            _refuse_fractions(frame["rating"])
        yield frame


def _check_fields(survey: Survey, layout: Layout, n_lines: int) -> None:
    """Raises NotClean for lines with too few fields, which Polars fills."""
    if layout.separator == "::" and (survey.triples or survey.pairs * 2 != survey.separators):
        raise NotClean
    if survey.separators != n_lines * (layout.n_fields - 1) * len(layout.separator):
        raise NotClean


def _refuse_fractions(counts: pl.Series) -> None:
    """Raises NotClean for counts with fractions, which may be thousands: 1.234."""
    if bool((counts != counts.floor()).any()):
        raise NotClean
