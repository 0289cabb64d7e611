"""Any table of ratings becomes a `Dataset`: MovieLens, CSV, TSV, Parquet, JSON lines, frames,
SQL.

The fast reader (`columnar`) takes whole columns. Only a table that is not clean is read a
second time, by `row_by_row`, to name the bad row or to go on without it. `schema` finds out
which column holds what; `item_metadata` and `user_metadata` read the files beside the ratings.
"""

import json
import math
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.dataset import Dataset
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.reading.archives import RATINGS_FILES, gunzip, unzip
from matinee.data.reading.columnar import (
    NotClean,
    ParsedTable,
    last_of_each_pair,
    sums_of_pairs,
    table_of_frame,
    table_of_text,
)
from matinee.data.reading.item_metadata import (
    CATALOG_FILES,
    OTHER_CATALOG_FILES,
    Titles,
    titles_beside,
)
from matinee.data.reading.links_and_tags import LINKS_AND_TAGS_FILES
from matinee.data.reading.options import DEFAULT_OPTIONS, ReadOptions
from matinee.data.reading.row_by_row import (
    BadRow,
    RowRules,
    cell_text,
    frame_records,
    json_records,
    read_carefully,
    text_records,
    write_skipped,
)
from matinee.data.reading.schema import Columns, find_columns
from matinee.data.reading.sniff import Layout, layout_of, refuse_what_is_no_table, time_divisor
from matinee.data.reading.titles_in_table import (
    NO_TITLES,
    OwnTitles,
    catalog_of_ids,
    filled_from,
    title_columns,
    titles_of_frame,
    titles_of_text,
)
from matinee.data.reading.user_metadata import VIEWER_FILES, viewers_beside
from matinee.errors import DataError, SettingError
from matinee.text import did_you_mean

_COMPANIONS = (
    *CATALOG_FILES,
    *OTHER_CATALOG_FILES,
    *LINKS_AND_TAGS_FILES,
    *VIEWER_FILES,
    "u.genre",
)
_HEAD_BYTES = 1 << 16
_SAMPLED = 200


# -- sources: a path, a folder, an archive, a frame, a database --------------------------


@dataclass(frozen=True)
class _File:
    """A file to read.

    Attributes:
        path: where it is now; for an archive, its unpacked copy.
        label: what messages call it.
        origin: the file that the person gave.
        metadata_folder: where the files with titles and users lie.
    """

    path: Path
    label: str
    origin: Path
    metadata_folder: Path


def read(source: str | Path | Any, options: ReadOptions = DEFAULT_OPTIONS) -> Dataset:
    """The data set in a file, folder, zip, frame or database.

    Args:
        source: a path; or a database URL such as sqlite:///films.db; or an object with the
            Arrow interface (a frame of Polars or pandas, a table of PyArrow).
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
        return _from_path(Path(source), options)
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


def _from_path(path: Path, options: ReadOptions) -> Dataset:
    with _file_errors(str(path)):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):
            raise DataError(_not_there(path)) from None
        if stat.S_ISDIR(mode):
            return _from_folder(path, options)
        if not stat.S_ISREG(mode):
            raise DataError(f"{path} is neither a file nor a folder.")
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == b"PK\x03\x04" or path.suffix.lower() == ".zip":
            return _from_zip(path, options)
        return _from_file(_File(path, str(path), path, path.parent), path.name, options)


def _not_there(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return f"There is no file {path}, and no folder {path.parent}."
    return f"There is no file or folder {path}.{did_you_mean(path.name, names)}"


@contextmanager
def _file_errors(label: str) -> Iterator[None]:
    """Errors of the operating system or of an archive become a `DataError`."""
    try:
        yield
    except PermissionError:
        raise DataError(f"Permission to read {label} is denied.") from None
    except OSError as error:
        raise DataError(f"{label} cannot be read: {error.strerror or error}.") from error


def _from_folder(folder: Path, options: ReadOptions) -> Dataset:
    name = folder.resolve().name
    entries = sorted(folder.iterdir())
    candidates = [folder]
    subfolders = [entry for entry in entries if entry.is_dir()]
    if len(subfolders) == 1:  # an unpacked zip is often a folder in a folder of the same name
        candidates += subfolders
    for candidate in candidates:
        for file_name in RATINGS_FILES:
            path = candidate / file_name
            if path.is_file():
                return _from_file(_File(path, str(path), path, candidate), name, options)
    found = ", ".join(entry.name for entry in entries[:8]) or "nothing"
    raise DataError(
        f"The folder {folder} holds no ratings: looked for {', '.join(RATINGS_FILES)}, "
        f"found {found}. Give the file itself if it has another name."
    )


def _from_zip(path: Path, options: ReadOptions) -> Dataset:
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder:
        ratings = unzip(path, Path(folder), _COMPANIONS)
        unpacked = Path(folder) / PurePosixPath(ratings).name
        file = _File(unpacked, f"{path}/{ratings}", path, Path(folder))
        return _from_file(file, path.stem, options)


def _from_gzip(file: _File, name: str, options: ReadOptions) -> Dataset:
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder:
        unpacked = Path(folder) / "unpacked"
        gunzip(file.path, unpacked, file.label)
        return _from_file(replace(file, path=unpacked), name, options)


def _from_file(file: _File, name: str, options: ReadOptions) -> Dataset:
    with file.path.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    if not head:
        raise DataError(f"{file.label} is empty: it has no ratings.")
    if head.startswith(b"\x1f\x8b"):
        return _from_gzip(file, name, options)
    read_table = _table_of_file(file, head, options)
    item_column = options.item or read_table.own.item_column
    titles = titles_beside(
        file.metadata_folder, read_table.table.items, item_column, Path(file.label).name
    )
    users = viewers_beside(file.metadata_folder, read_table.table.users)
    # The unpacked copy does not stay, so name the one in the archive
    if titles.file is not None:
        titles = replace(titles, file=Path(file.label).with_name(titles.file.name))
    own = replace(read_table.own.titles, file=Path(file.label))
    titles = replace(filled_from(titles, own, read_table.table.items), users=users)
    bad_rows_file = file.origin.with_name(f"{file.origin.name}.skipped.csv")
    return _checked(name, read_table, options, titles, bad_rows_file)


def _from_frame(
    frame: pl.DataFrame, name: str, options: ReadOptions, bad_rows_file: Path | None
) -> Dataset:
    read_table = _table_of_frame(frame, name, options)
    return _checked(name, read_table, options, read_table.own.titles, bad_rows_file)


# -- tables: the fast reader first, then the careful one ---------------------------------


class _ReadTable(NamedTuple):
    """A table, the rows that were left out of it, its name in messages, and its own titles."""

    table: ParsedTable
    bad: list[BadRow]
    label: str
    own: OwnTitles = NO_TITLES


def _table_of_file(file: _File, head: bytes, options: ReadOptions) -> _ReadTable:
    if head.startswith(b"PAR1"):
        return _table_of_frame(_parquet(file, options), file.label, options)
    is_whole = len(head) < _HEAD_BYTES
    refuse_what_is_no_table(head, file.label, is_whole)
    if not is_whole:
        head = head[: head.rfind(b"\n") + 1]
    text = head.decode("utf-8", "surrogateescape")
    if text.removeprefix("\ufeff").lstrip().startswith("{"):
        return _table_of_json(file, text, options)
    layout = layout_of(text, options, file.label)
    read_table = _table_of_text(file, layout, options)
    own = titles_of_text(file.path, layout, text, read_table.table.items)
    return read_table._replace(own=own)


def _table_of_text(file: _File, layout: Layout, options: ReadOptions) -> _ReadTable:
    limits = options.limits(layout.kind)
    try:
        return _ReadTable(table_of_text(file.path, layout, limits), [], file.label)
    except NotClean:
        rules = RowRules(
            label=file.label,
            unit="line",
            scale=limits,
            kind=layout.kind,
            time_divisor=layout.time_divisor,
            skip=options.skip_bad_rows,
        )
        table, bad = read_carefully(text_records(file.path, layout), rules)
        return _ReadTable(table, bad, file.label)


def _parquet(file: _File, options: ReadOptions) -> pl.DataFrame:
    try:
        names = list(pl.read_parquet_schema(file.path))

        def sampled(position: int) -> list[str]:
            column = pl.read_parquet(
                file.path, columns=[names[position]], n_rows=_SAMPLED, glob=False
            )
            return _texts(column.to_series())

        found = find_columns(names, options, file.label, sampled)
        described = title_columns(names, found.positions)
        numbers = sorted({*found.positions.values(), *described.values()})
        wanted = [names[position] for position in numbers]
        return pl.read_parquet(file.path, columns=wanted, glob=False)
    except DataError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on a damaged file
        raise DataError(
            f"{file.label} is not a valid Parquet file, or it is damaged; write it again."
        ) from error


def _table_of_json(file: _File, head: str, options: ReadOptions) -> _ReadTable:
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
        whole = pl.read_ndjson(file.path, infer_schema_length=None)
        frame = whole.select(pl.col(name).alias(role) for role, name in name_of_role.items())
        table = table_of_frame(frame, limits, divisor, columns.kind)
        positions = {role: whole.columns.index(name) for role, name in name_of_role.items()}
        own = titles_of_frame(whole, positions, table.items)
        return _ReadTable(table, [], file.label, own)
    except (NotClean, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        rules = RowRules(
            label=file.label,
            unit="line",
            scale=limits,
            kind=columns.kind,
            time_divisor=divisor,
            skip=options.skip_bad_rows,
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


def _table_of_frame(frame: pl.DataFrame, label: str, options: ReadOptions) -> _ReadTable:
    def sampled(position: int) -> list[str]:
        return _texts(frame.to_series(position).head(_SAMPLED))

    columns = find_columns(frame.columns, options, label, sampled)
    if frame.height == 0:
        raise DataError(f"{label} has columns but no ratings.")
    read_table = _table_of_columns(frame, columns, label, options)
    own = titles_of_frame(frame, columns.positions, read_table.table.items)
    return read_table._replace(own=own)


def _table_of_columns(
    frame: pl.DataFrame, columns: Columns, label: str, options: ReadOptions
) -> _ReadTable:
    series = {role: frame.to_series(position) for role, position in columns.positions.items()}
    named = pl.DataFrame(series)
    limits = options.limits(columns.kind)
    divisor = 1
    if "timestamp" in named.columns and named["timestamp"].dtype.is_numeric():
        times = named["timestamp"].drop_nulls().head(_SAMPLED).to_list()
        divisor = time_divisor([int(time) for time in times if math.isfinite(time)])
    try:
        return _ReadTable(table_of_frame(named, limits, divisor, columns.kind), [], label)
    except NotClean:
        rules = RowRules(
            label=label,
            unit="row",
            scale=limits,
            kind=columns.kind,
            time_divisor=divisor,
            skip=options.skip_bad_rows,
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
    table, bad, label = read_table[:3]
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
    catalog = titles.catalog or catalog_of_ids(table.items, read_table.own.item_column)
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
        catalog=catalog,
        n_duplicates=len(table.value) - len(ratings),
        n_bad_rows=len(bad),
        bad_rows_file=written,
        source_rows=source_rows,
        note=" ".join(titles.notes),
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
