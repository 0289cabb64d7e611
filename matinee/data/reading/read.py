"""Any table of ratings becomes a `Dataset`: MovieLens, CSV, TSV, Parquet, JSON lines, frames,
SQL.

The fast reader (`columnar`) takes whole columns. Only a table that is not clean is read a
second time, by `row_by_row`, to name the bad row or to go on without it. `schema` finds out
which column holds what; `item_metadata` and `user_metadata` read the files beside the ratings.
"""

import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.reading.archives import RATINGS_FILES, gunzip, unzip
from matinee.data.reading.columnar import ParsedTable, last_of_each_pair, sums_of_pairs
from matinee.data.reading.item_metadata import CATALOG_FILES, Titles, titles_beside
from matinee.data.reading.options import DEFAULT_OPTIONS, ReadOptions
from matinee.data.reading.plausible import Tally, rating_notes
from matinee.data.reading.row_by_row import write_skipped
from matinee.data.reading.summarize import summary_of
from matinee.data.reading.tables import HEAD_BYTES, ReadTable, table_of_file, table_of_frame
from matinee.data.reading.user_metadata import VIEWER_FILES, viewers_beside
from matinee.errors import DataError, SettingError
from matinee.text import did_you_mean

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
        ratings = unzip(path, Path(folder), (*CATALOG_FILES, *VIEWER_FILES, "u.genre"))
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
        head = opened.read(HEAD_BYTES)
    if not head:
        raise DataError(f"{file.label} is empty: it has no ratings.")
    if head.startswith(b"\x1f\x8b"):
        return _from_gzip(file, name, options)
    read_table = table_of_file(file.path, file.label, head, options)
    table = _good_table(read_table)
    titles = titles_beside(file.metadata_folder, table.items, options.item, Path(file.label).name)
    titles = titles._replace(users=viewers_beside(file.metadata_folder, table.users))
    # The unpacked copy does not stay, so name the one in the archive
    if titles.file is not None:
        titles = titles._replace(file=Path(file.label).with_name(titles.file.name))
    bad_rows_file = file.origin.with_name(f"{file.origin.name}.skipped.csv")
    return _checked(name, read_table, options, titles, bad_rows_file)


def _from_frame(
    frame: pl.DataFrame, name: str, options: ReadOptions, bad_rows_file: Path | None
) -> Dataset:
    read_table = table_of_frame(frame, name, options, "a table")
    return _checked(name, read_table, options, Titles(Catalog()), bad_rows_file)


# -- the whole table: checked, without duplicates, bad rows listed -----------------------


def _checked(
    name: str,
    read_table: ReadTable,
    options: ReadOptions,
    titles: Titles,
    bad_rows_file: Path | None,
) -> Dataset:
    """The data set of a table: duplicates dropped or added up, bad rows written to a file."""
    table, bad, label = _good_table(read_table), read_table.bad, read_table.rules.label
    written = None
    if bad and bad_rows_file:
        written = write_skipped(bad, bad_rows_file)
    _refuse_nothing_to_learn(label, table, len(bad))
    notes = list(read_table.values.notes)
    scale = PAIRS
    tally = Tally.of(table.value)
    if table.kind == "rating":
        scale = _scale(tally.values, options)
        notes += rating_notes(tally, table.value, read_table.rules)
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
    source_rows = table.rows
    kept = last_of_each_pair(table)
    if kept is not None:
        ratings = ratings.subset(kept)
        if table.kind != "rating":
            ratings = replace(ratings, value=sums_of_pairs(table, kept))
        source_rows = kept if source_rows is None else source_rows[kept]
        tally = Tally.of(ratings.value)
    return Dataset(
        name=name,
        ratings=ratings,
        catalog=titles.catalog,
        n_duplicates=len(table.value) - len(ratings),
        n_bad_rows=len(bad),
        bad_rows_file=written,
        source_rows=source_rows,
        note=titles.note,
        titles_file=titles.file,
        summary=summary_of(read_table, ratings, tally, notes),
    )


def _good_table(read_table: ReadTable) -> ParsedTable:
    table = read_table.values.table
    if table is None:
        raise DataError(f"{read_table.rules.label} holds no ratings.")
    return table


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
