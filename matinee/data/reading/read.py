"""Any table of ratings becomes a `Dataset`: MovieLens, CSV, TSV, Parquet, JSON lines, frames,
SQL.

The fast reader (`columnar`) takes whole columns. Only a table that is not clean is read a
second time, by `row_by_row`, to name the bad row or to go on without it. `schema` finds out
which column holds what; `item_metadata` and `user_metadata` read the files beside the ratings.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.reading.columnar import (
    NotClean,
    ParsedTable,
    last_of_each_pair,
    sums_of_pairs,
    table_of_frame,
    table_of_text,
)
from matinee.data.reading.item_metadata import Titles, titles_beside
from matinee.data.reading.layouts import Reading
from matinee.data.reading.layouts.matrix import (
    MatrixShape,
    matrix_shape,
    read_matrix,
    read_matrix_frame,
)
from matinee.data.reading.options import DEFAULT_OPTIONS, Kind, ReadOptions
from matinee.data.reading.row_by_row import (
    BadRow,
    PlaceOf,
    RowRules,
    cell_text,
    frame_records,
    json_records,
    read_carefully,
    text_records,
    write_skipped,
)
from matinee.data.reading.schema import find_columns
from matinee.data.reading.separator import split_lines
from matinee.data.reading.sniff import layout_of, time_divisor
from matinee.data.reading.source import SourceFile, in_utf_8, opened, text_of_head
from matinee.data.reading.user_metadata import viewers_beside
from matinee.errors import DataError, SettingError

_SAMPLED = 200


# -- sources: a path, a folder, an archive, a frame, a database --------------------------


def read(source: str | Path | Any, options: ReadOptions = DEFAULT_OPTIONS) -> Dataset:
    """The data set in a file, folder, zip, frame or database.

    Args:
        source: a path, or several paths of files that are parts of one table; or a database
            URL such as sqlite:///films.db; or an object with the Arrow interface (a frame of
            Polars or pandas, a table of PyArrow).
        options: names of columns, scale, what to do with bad rows.

    Raises:
        DataError: nothing usable is there; the message names the file, the row and the value.
    """
    if isinstance(source, str) and "://" in source:
        from matinee.data.reading.sql import frame_of_query  # SQLAlchemy is slow to import

        name, frame = frame_of_query(source, options.query)
        return _from_frame(frame, name, options, Path.cwd() / f"{name}.skipped.csv")
    if options.query is not None:
        raise SettingError("A query needs a database URL as source, such as sqlite:///films.db.")
    if isinstance(source, (str, Path)):
        return _from_paths([Path(source)], options)
    if isinstance(source, (list, tuple)) and source and all(map(_is_path, source)):
        return _from_paths([Path(part) for part in source], options)
    if not hasattr(source, "__arrow_c_stream__"):
        raise DataError(
            f"Ratings cannot be read from a value of type {type(source).__name__}. "
            "Give a path, a database URL, or a frame of Polars, pandas or PyArrow."
        )
    name = type(source).__name__
    try:
        frame = pl.DataFrame(source)
    except Exception as error:  # foreign code: pandas raises PyArrow's errors, PyArrow its own
        reason = str(error).split("\n")[0]
        raise DataError(f"{name} cannot be read through the Arrow interface: {reason}") from error
    return _from_frame(frame, name, options, None)


def _is_path(value: object) -> bool:
    return isinstance(value, (str, Path))


def _from_paths(paths: Sequence[Path], options: ReadOptions) -> Dataset:
    with opened(paths, options) as file:
        read_table = _table_of_file(file, options)
        titles = titles_beside(
            file.metadata_folder, read_table.table.items, options.item, Path(file.label).name
        )
        titles = titles._replace(users=viewers_beside(file.metadata_folder, read_table.table.users))
        # The unpacked copy does not stay, so name the one in the archive
        if titles.file is not None:
            titles = titles._replace(file=Path(file.label).with_name(titles.file.name))
        bad_rows_file = file.origin.with_name(f"{file.origin.name}.skipped.csv")
        return _checked(file.name, read_table, options, titles, bad_rows_file)


def _from_frame(
    frame: pl.DataFrame, name: str, options: ReadOptions, bad_rows_file: Path | None
) -> Dataset:
    read_table = _table_of_frame(frame, name, options)
    return _checked(name, read_table, options, Titles(Catalog()), bad_rows_file)


# -- tables: the fast reader first, then the careful one ---------------------------------


class _ReadTable(NamedTuple):
    """A table and how it was read.

    Attributes:
        table: the good rows.
        bad: the rows that were left out.
        label: its name in messages.
        notes: what was guessed, in sentences.
    """

    table: ParsedTable
    bad: list[BadRow]
    label: str
    notes: tuple[str, ...] = ()


def _table_of_file(file: SourceFile, options: ReadOptions) -> _ReadTable:
    head = file.head()
    if head.startswith(b"PAR1"):
        found = _table_of_frame(_parquet(file, options), file.label, options, file.place_of)
    elif file.layout is not None:
        reading = file.layout.read(file.path, options, file.label)
        found = _table_of_reading(reading, file.label, options, file.place_of)
    elif file.separator is None:
        found = _table_of_json(file, text_of_head(head), options)
    else:
        found = _table_of_text(file, text_of_head(head), file.separator, options)
    return found._replace(notes=(*file.notes, *found.notes))


def _table_of_text(file: SourceFile, text: str, separator: str, options: ReadOptions) -> _ReadTable:
    shape = _matrix_of_text(text, separator, options)
    if shape is not None:
        reading = read_matrix(file.path, shape, separator, options.scale)
        return _table_of_reading(reading, file.label, options, file.place_of)
    layout = layout_of(text, options, file.label, separator)
    limits = options.limits(layout.kind)
    notes = tuple(layout.notes)
    try:
        return _ReadTable(table_of_text(file.path, layout, limits), [], file.label, notes)
    except NotClean:
        rules = RowRules(
            label=file.label,
            unit="line",
            scale=limits,
            kind=layout.kind,
            time_divisor=layout.time_divisor,
            skip=options.skip_bad_rows,
            place_of=file.place_of,
        )
        with in_utf_8(file, options) as (readable, more_notes):
            table, bad = read_carefully(text_records(readable, layout), rules)
        return _ReadTable(table, bad, file.label, (*notes, *more_notes))


def _matrix_of_text(text: str, separator: str, options: ReadOptions) -> MatrixShape | None:
    """How a table of text is a matrix; None if it is not, or the options name a column in it."""
    names_columns = options.item or options.rating or options.count or options.pairs
    if names_columns or len(separator) > 1:
        return None
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    rows = split_lines(lines[: _SAMPLED + 1], separator)
    if not rows:
        return None
    return matrix_shape(rows, options.header)


def _matrix_of_frame(frame: pl.DataFrame, options: ReadOptions) -> MatrixShape | None:
    """How a frame is a matrix of ratings."""
    if options.item or options.rating or options.count or options.pairs:
        return None
    rows = [[_shown(cell) for cell in row] for row in frame.head(_SAMPLED).iter_rows()]
    return matrix_shape([frame.columns, *rows], has_header=True)


def _shown(cell: Any) -> str:
    return cell_text(cell) or ""


def _table_of_reading(
    reading: Reading, label: str, options: ReadOptions, place_of: PlaceOf
) -> _ReadTable:
    """The table of a well-known layout."""
    if reading.frame.height == 0:
        raise DataError(f"{label} has no ratings. {' '.join(reading.notes)}")
    found = _table_of_roles(reading.frame, reading.kind, label, options, place_of)
    return found._replace(notes=tuple(reading.notes))


def _parquet(file: SourceFile, options: ReadOptions) -> pl.DataFrame:
    try:
        names = list(pl.read_parquet_schema(file.path))

        def sampled(position: int) -> list[str]:
            column = pl.read_parquet(
                file.path, columns=[names[position]], n_rows=_SAMPLED, glob=False
            )
            return _texts(column.to_series())

        found = find_columns(names, options, file.label, sampled)
        wanted = [names[position] for position in found.positions.values()]
        return pl.read_parquet(file.path, columns=wanted, glob=False)
    except DataError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on a damaged file
        raise DataError(
            f"{file.label} is not a valid Parquet file, or it is damaged; write it again."
        ) from error


def _table_of_json(file: SourceFile, head: str, options: ReadOptions) -> _ReadTable:
    rows = [_json_object(line) for line in head.splitlines()[:_SAMPLED]]
    names = list(dict.fromkeys(name for row in rows for name in row))

    def sampled(position: int) -> list[str]:
        return [cell_text(row.get(names[position])) or "" for row in rows]

    columns = find_columns(names, options, file.label, sampled)
    name_of_role = {role: names[position] for role, position in columns.positions.items()}
    limits = options.limits(columns.kind)
    times = [row.get(name_of_role.get("timestamp", "")) for row in rows]
    divisor = time_divisor([time for time in times if isinstance(time, int)])
    try:
        frame = pl.read_ndjson(file.path, infer_schema_length=None)
        frame = frame.select(pl.col(name).alias(role) for role, name in name_of_role.items())
        table = table_of_frame(frame, limits, divisor, columns.kind)
        return _ReadTable(table, [], file.label)
    except (NotClean, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        rules = RowRules(
            label=file.label,
            unit="line",
            scale=limits,
            kind=columns.kind,
            time_divisor=divisor,
            skip=options.skip_bad_rows,
            place_of=file.place_of,
        )
        table, bad = read_carefully(json_records(file.path, name_of_role), rules)
        return _ReadTable(table, bad, file.label)


def _json_object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if isinstance(row, dict):
        return row
    return {}


def _table_of_frame(
    frame: pl.DataFrame, label: str, options: ReadOptions, place_of: PlaceOf = None
) -> _ReadTable:
    def sampled(position: int) -> list[str]:
        return _texts(frame.to_series(position).head(_SAMPLED))

    shape = _matrix_of_frame(frame, options)
    if shape is not None:
        return _table_of_reading(
            read_matrix_frame(frame, shape, options.scale), label, options, place_of
        )
    columns = find_columns(frame.columns, options, label, sampled)
    if frame.height == 0:
        raise DataError(f"{label} has columns but no ratings.")
    series = {role: frame.to_series(position) for role, position in columns.positions.items()}
    return _table_of_roles(pl.DataFrame(series), columns.kind, label, options, place_of)


def _table_of_roles(
    named: pl.DataFrame, kind: Kind, label: str, options: ReadOptions, place_of: PlaceOf
) -> _ReadTable:
    """The table of a frame whose columns are named by their roles, and perhaps `line`."""
    limits = options.limits(kind)
    divisor = 1
    if "timestamp" in named.columns and named["timestamp"].dtype.is_numeric():
        times = named["timestamp"].drop_nulls().head(_SAMPLED).to_list()
        divisor = time_divisor([int(time) for time in times if math.isfinite(time)])
    try:
        return _ReadTable(table_of_frame(named, limits, divisor, kind), [], label)
    except NotClean:
        rules = RowRules(
            label=label,
            unit="line" if "line" in named.columns else "row",
            scale=limits,
            kind=kind,
            time_divisor=divisor,
            skip=options.skip_bad_rows,
            place_of=place_of,
        )
        table, bad = read_carefully(frame_records(named), rules)
        return _ReadTable(table, bad, label)


def _texts(column: pl.Series) -> list[str]:
    return [cell_text(cell) or "" for cell in column.to_list()]


# -- the whole table: checked, without duplicates, bad rows listed -----------------------


def _checked(
    name: str,
    read_table: _ReadTable,
    options: ReadOptions,
    titles: Titles,
    bad_rows_file: Path | None,
) -> Dataset:
    """The data set of a table: duplicates dropped or added up, bad rows written to a file."""
    table, bad, label, notes = read_table
    written = None
    if bad and bad_rows_file:
        written = write_skipped(bad, bad_rows_file)
    _refuse_nothing_to_learn(label, table, len(bad))
    scale = PAIRS
    if table.kind == "rating":
        scale = _scale(table.value, options)
    ratings = Ratings(
        users=table.users,
        items=table.items,
        user_index=table.user_index,
        item_index=table.item_index,
        value=table.value,
        timestamp=table.timestamp,
        scale=scale,
        user_features=titles.users,
        item_features=titles.catalog.features(table.items),
    )
    source_rows = table.rows if bad else None
    kept = last_of_each_pair(table)
    if kept is not None:
        ratings = ratings.subset(kept)
        if table.kind != "rating":
            ratings = replace(ratings, value=sums_of_pairs(table, kept))
        source_rows = kept if source_rows is None else source_rows[kept]
    return Dataset(
        name=name,
        ratings=ratings,
        catalog=titles.catalog,
        n_duplicates=len(table.value) - len(ratings),
        n_bad_rows=len(bad),
        bad_rows_file=written,
        source_rows=source_rows,
        note=titles.note,
        notes=notes,
        titles_file=titles.file,
    )


def _refuse_nothing_to_learn(label: str, table: ParsedTable, n_bad_rows: int) -> None:
    left_out = ""
    if n_bad_rows:
        left_out = f" Bad rows left out before: {n_bad_rows:,}."
    for vocabulary in (table.users, table.items):
        if len(vocabulary) == 1:
            raise DataError(
                f"{label} has {table.kind}s of only one {vocabulary.kind}, '{vocabulary.ids[0]}'; "
                f"at least two are needed to learn from.{left_out}"
            )
    if table.kind == "rating" and bool((table.value == table.value[0]).all()):
        raise DataError(
            f"{label}: every rating is {table.value[0]:g}; at least two values are needed to "
            f"learn from. If a row only means that a user has an item, give --pairs.{left_out}"
        )


def _scale(value: NDArray[np.float32], options: ReadOptions) -> Scale:
    if options.scale is None:
        return Scale.of(value)
    return Scale.of(np.append(value, np.array(options.scale, np.float32)))
