"""Any table of ratings becomes a `Dataset`: MovieLens, CSV, TSV, Parquet, JSON lines, frames, SQL.

The fast way (`tables.py`) reads whole columns. Only a table that is not clean is read again, row by row
(`bad_rows.py`), to name the bad row or to go on without it. `layouts.py` finds out which column holds what,
`titles.py` reads the catalogue that lies beside the ratings.
"""

import json
import math
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

from matinee.archives import RATINGS_FILES, gunzip, unzip
from matinee.bad_rows import (
    BadRow,
    RowRules,
    cell_text,
    frame_records,
    json_records,
    read_carefully,
    text_records,
    write_skipped,
)
from matinee.catalogue import Catalogue
from matinee.errors import DataError, SettingError
from matinee.layouts import Kind, Wanted, find_columns, layout_of, refuse_what_is_no_table, time_divisor
from matinee.ratings import PAIRS, Ratings, Scale
from matinee.tables import NotClean, Table, last_of_each_pair, sums_of_pairs, table_of_frame, table_of_text
from matinee.text import did_you_mean
from matinee.titles import CATALOGUE_FILES, Titles, titles_beside
from matinee.viewers import VIEWER_FILES, viewers_beside

_HEAD_BYTES = 1 << 16
_SAMPLED = 200
_COUNTS = 1.0, float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class ReadOptions:
    """How to read a table that does not say it itself.

    Attributes:
        user, item, rating, count, timestamp: names of the columns; None goes by the usual names. A count says how
            often, such as plays; then, as with pairs, there are no ratings.
        pairs: there are no ratings: each row says that a user has an item, whatever other columns hold.
        scale: lowest and highest rating; a value outside makes a bad row. None takes their range.
        skip_bad_rows: go on without bad rows and write them to a file, rather than raise at the first.
        query: an SQL query, with a database URL as source.
    """

    user: str | None = None
    item: str | None = None
    rating: str | None = None
    count: str | None = None
    timestamp: str | None = None
    pairs: bool = False
    scale: tuple[float, float] | None = None
    skip_bad_rows: bool = False
    query: str | None = None

    def __post_init__(self) -> None:
        given = {"--rating-column": self.rating, "--count-column": self.count, "--pairs": self.pairs or None}
        named = [name for name, value in given.items() if value is not None]
        if len(named) > 1:
            raise SettingError(f"{' and '.join(named)} exclude each other: a row holds a rating, a count or neither.")
        if self.scale is not None:
            lowest, highest = self.scale
            if not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
                raise SettingError(f"The scale {lowest:g} to {highest:g} is none; give LOWEST:HIGHEST, as in 1:5.")

    @property
    def columns(self) -> Wanted:
        """What is said of the columns."""
        return Wanted(self.user, self.item, self.rating, self.count, self.timestamp, self.pairs)

    def limits(self, kind: Kind) -> tuple[float, float] | None:
        """The lowest and the highest value that is not bad, None without limits.

        Raises:
            SettingError: a scale was given, and there are no ratings.
        """
        if kind != "rating" and self.scale is not None:
            raise SettingError("--scale is for ratings, and this table has none; leave it out.")
        return _COUNTS if kind == "count" else self.scale


@dataclass(frozen=True, eq=False)
class Dataset:
    """Ratings with what is known about them.

    Attributes:
        name: of the folder, file or kind of frame: "ml-100k", "u1.base", "DataFrame".
        catalogue: titles, years and genres; empty if no such file lay beside the ratings.
        n_duplicates: rows of the same user and item as another: ratings that a later one replaced; clicks, and the
            like, that were added up.
        n_bad_rows: rows left out because they could not be read.
        bad_rows_file: where these are listed; None if there are none, or no place to write to.
        source_rows: (N,) 0-based data row of the source for each rating; None when rating i is row i.
        note: what people must be told wherever results from this data are shown; usually empty.
        titles_file: where the catalogue comes from; None if it is empty or was made in memory.
    """

    name: str
    ratings: Ratings
    catalogue: Catalogue
    n_duplicates: int = 0
    n_bad_rows: int = 0
    bad_rows_file: Path | None = None
    source_rows: NDArray[np.int64] | None = None
    note: str = ""
    titles_file: Path | None = None


@dataclass(frozen=True)
class _Place:
    """A file to read: where it is now, how messages call it, and the file of the person that it came from."""

    path: Path
    label: str
    origin: Path
    titles: Path  # the folder with the catalogue


def read(source: str | Path | Any, options: ReadOptions = ReadOptions()) -> Dataset:
    """The data set in a file, folder, zip, frame or database.

    Args:
        source: a path; or a database URL such as sqlite:///films.db; or an object with the Arrow interface
            (a frame of Polars or pandas, a table of PyArrow).
        options: names of columns, scale, what to do with bad rows.

    Raises:
        DataError: nothing usable is there; the message names the file, the row and the value.
    """
    if isinstance(source, str) and "://" in source:
        from matinee.databases import frame_of_query  # SQLAlchemy takes as long to import as all the rest

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
        frame = source if isinstance(source, pl.DataFrame) else pl.DataFrame(source)
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
        return _from_file(_Place(path, str(path), path, path.parent), path.name, options)


def _not_there(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return f"There is no file {path}, nor a folder {path.parent}."
    return f"There is no file or folder {path}.{did_you_mean(path.name, names)}"


@contextmanager
def _file_errors(label: str) -> Iterator[None]:
    """What the operating system or an archive reports, as a `DataError`."""
    try:
        yield
    except PermissionError:
        raise DataError(f"There is no permission to read {label}.") from None
    except OSError as error:
        raise DataError(f"{label} cannot be read: {error.strerror or error}.") from error


def _from_folder(folder: Path, options: ReadOptions) -> Dataset:
    name = folder.resolve().name
    entries = sorted(folder.iterdir())
    inside = [entry for entry in entries if entry.is_dir()]
    # An unpacked zip is often a folder in a folder of the same name.
    for candidate in [folder, *(inside if len(inside) == 1 else [])]:
        for file_name in RATINGS_FILES:
            path = candidate / file_name
            if path.is_file():
                return _from_file(_Place(path, str(path), path, candidate), name, options)
    found = ", ".join(entry.name for entry in entries[:8]) or "nothing"
    raise DataError(
        f"The folder {folder} holds no ratings: looked for {', '.join(RATINGS_FILES)}, found {found}. "
        "Give the file itself if it has another name."
    )


def _from_zip(path: Path, options: ReadOptions) -> Dataset:
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder:
        ratings = unzip(path, Path(folder), (*CATALOGUE_FILES, *VIEWER_FILES, "u.genre"))
        unpacked = Path(folder) / PurePosixPath(ratings).name
        return _from_file(_Place(unpacked, f"{path}/{ratings}", path, Path(folder)), path.stem, options)


def _from_file(place: _Place, name: str, options: ReadOptions) -> Dataset:
    with place.path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise DataError(f"{place.label} is empty: it has no ratings.")
    if head.startswith(b"\x1f\x8b"):
        return _from_gzip(place, name, options)
    table, bad = _table_of_file(place, head, options)
    skipped = place.origin.with_name(f"{place.origin.name}.skipped.csv")
    titles = titles_beside(place.titles, table.items, options.item, Path(place.label).name)
    titles = titles._replace(users=viewers_beside(place.titles, table.users))
    if titles.file is not None:  # in a zip, the file that was read is a copy for a moment
        titles = titles._replace(file=Path(place.label).with_name(titles.file.name))
    return _dataset(name, table, options, titles, (bad, place.label, skipped))


def _from_gzip(place: _Place, name: str, options: ReadOptions) -> Dataset:
    with tempfile.TemporaryDirectory(prefix="matinee-") as folder:
        unpacked = Path(folder) / "unpacked"
        gunzip(place.path, unpacked, place.label)
        return _from_file(_Place(unpacked, place.label, place.origin, place.titles), name, options)


def _table_of_file(place: _Place, head: bytes, options: ReadOptions) -> tuple[Table, list[BadRow]]:
    if head.startswith(b"PAR1"):
        return _table_of_frame(_parquet(place, options), place.label, options)
    is_whole = len(head) < _HEAD_BYTES
    refuse_what_is_no_table(head, place.label, is_whole)
    text = (head if is_whole else head[: head.rfind(b"\n") + 1]).decode("utf-8", "surrogateescape")
    if text.removeprefix("\ufeff").lstrip().startswith("{"):
        return _table_of_json(place, text, options)
    layout = layout_of(text, options.columns, place.label)
    limits = options.limits(layout.kind)
    try:
        return table_of_text(place.path, layout, limits), []
    except NotClean:
        rules = RowRules(place.label, "line", limits, layout.kind, layout.time_divisor, options.skip_bad_rows)
        return read_carefully(text_records(place.path, layout), rules)


def _parquet(place: _Place, options: ReadOptions) -> pl.DataFrame:
    try:
        names = list(pl.read_parquet_schema(place.path))

        def sampled(at: int) -> list[str]:
            return _texts(pl.read_parquet(place.path, columns=[names[at]], n_rows=_SAMPLED, glob=False).to_series())

        found = find_columns(names, options.columns, place.label, sampled)
        return pl.read_parquet(place.path, columns=[names[at] for at in found.positions.values()], glob=False)
    except DataError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:  # a damaged file can break the reader anywhere
        raise DataError(f"{place.label} is no Parquet file, or a damaged one; write it again.") from error


def _table_of_json(place: _Place, head: str, options: ReadOptions) -> tuple[Table, list[BadRow]]:
    rows = [_json_object(line) for line in head.splitlines()[:_SAMPLED]]
    names = list(dict.fromkeys(name for row in rows for name in row))

    def sampled(at: int) -> list[str]:
        return [cell_text(row.get(names[at])) or "" for row in rows]

    positions, kind = find_columns(names, options.columns, place.label, sampled)
    found, limits = {role: names[at] for role, at in positions.items()}, options.limits(kind)
    times = [row.get(found.get("timestamp", "")) for row in rows]
    divisor = time_divisor([time for time in times if isinstance(time, int)])
    try:
        frame = pl.read_ndjson(place.path, infer_schema_length=None)
        frame = frame.select(pl.col(name).alias(role) for role, name in found.items())
        return table_of_frame(frame, limits, divisor, kind), []
    except (NotClean, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        rules = RowRules(place.label, "line", limits, kind, divisor, options.skip_bad_rows)
        return read_carefully(json_records(place.path, found), rules)


def _json_object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _from_frame(frame: pl.DataFrame, name: str, options: ReadOptions, skipped: Path | None) -> Dataset:
    table, bad = _table_of_frame(frame, name, options)
    return _dataset(name, table, options, Titles(Catalogue()), (bad, name, skipped))


def _table_of_frame(frame: pl.DataFrame, label: str, options: ReadOptions) -> tuple[Table, list[BadRow]]:
    columns = find_columns(frame.columns, options.columns, label, lambda at: _texts(frame.to_series(at).head(_SAMPLED)))
    if frame.height == 0:
        raise DataError(f"{label} has columns but no ratings.")
    named = pl.DataFrame({role: frame.to_series(at) for role, at in columns.positions.items()})
    kind, limits, divisor = columns.kind, options.limits(columns.kind), 1
    if "timestamp" in named.columns and named["timestamp"].dtype.is_numeric():
        times = named["timestamp"].drop_nulls().head(_SAMPLED).to_list()
        divisor = time_divisor([int(time) for time in times if math.isfinite(time)])
    try:
        return table_of_frame(named, limits, divisor, kind), []
    except NotClean:
        rules = RowRules(label, "row", limits, kind, divisor, options.skip_bad_rows)
        return read_carefully(frame_records(named), rules)


def _texts(column: pl.Series) -> list[str]:
    return [cell_text(cell) or "" for cell in column.to_list()]


def _dataset(
    name: str,
    table: Table,
    options: ReadOptions,
    titles: Titles,
    skipped: tuple[list[BadRow], str, Path | None],
) -> Dataset:
    """Duplicates dropped or added up, the whole checked, bad rows written down."""
    bad, label, bad_rows_file = skipped
    bad_rows_file = write_skipped(bad, bad_rows_file) if bad and bad_rows_file else None
    left_out = f" Bad rows left out before: {len(bad):,}." if bad else ""
    _refuse_nothing_to_learn(label, table, left_out)
    scale = _scale(table.value, options.scale) if table.kind == "rating" else PAIRS
    indices = (table.user_index, table.item_index)
    features = titles.users, titles.catalogue.features(table.items)
    ratings = Ratings(table.users, table.items, *indices, table.value, table.timestamp, scale, *features)
    kept, rows = last_of_each_pair(table), table.rows if bad else None
    if kept is not None:
        ratings = ratings.subset(kept)
        if table.kind != "rating":
            ratings = replace(ratings, value=sums_of_pairs(table, kept))
        rows = kept if rows is None else rows[kept]
    n_duplicates = len(table.value) - len(ratings)
    counts = (n_duplicates, len(bad), bad_rows_file, rows)
    return Dataset(name, ratings, titles.catalogue, *counts, titles.note, titles.file)


def _refuse_nothing_to_learn(label: str, table: Table, left_out: str) -> None:
    for vocabulary in (table.users, table.items):
        if len(vocabulary) == 1:
            raise DataError(
                f"{label} has {table.kind}s of one {vocabulary.kind} only, {vocabulary.kind} "
                f"'{vocabulary.ids[0]}'; at least two are needed to learn from.{left_out}"
            )
    if table.kind == "rating" and bool((table.value == table.value[0]).all()):
        only = f"every rating is {table.value[0]:g}; at least two values are needed to learn from. "
        only += "If the rows only say who has what, say --pairs."
        raise DataError(f"{label}: {only}{left_out}")


def _scale(value: NDArray[np.float32], declared: tuple[float, float] | None) -> Scale:
    if declared is None:
        return Scale.of(value)
    return Scale.of(np.append(value, np.array(declared, np.float32)))
