"""Any table of ratings becomes a `Dataset`: MovieLens, CSV, TSV, Parquet, JSON lines, frames,
SQL.

The fast reader (`columnar`) takes whole columns. Only a table that is not clean is read a
second time, by `row_by_row`, to name the bad row or to go on without it. `schema` finds out
which column holds what; `item_metadata` and `user_metadata` read the files beside the ratings.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee.data.arguments import described, hint_for
from matinee.data.dataset import Dataset
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.reading.columnar import NotClean, ParsedTable
from matinee.data.reading.item_metadata import Titles, titles_beside
from matinee.data.reading.options import DEFAULT_OPTIONS, ReadOptions
from matinee.data.reading.plausible import Tally, rating_notes
from matinee.data.reading.row_by_row import write_skipped
from matinee.data.reading.source import opened
from matinee.data.reading.streaming import Sink
from matinee.data.reading.summarize import summary_of
from matinee.data.reading.tables import (
    MEMORY,
    ReadTable,
    table_of_file,
    table_of_frame,
    table_of_rows,
)
from matinee.data.reading.titles_in_table import catalog_of_ids, filled_from
from matinee.data.reading.user_metadata import viewers_beside
from matinee.data.repeats import last_of_each_pair, sums_of_pairs
from matinee.data.stored.folder import is_ratings_folder, open_folder
from matinee.errors import DataError, SettingError

# -- sources: a path, a folder, an archive, a frame, a database --------------------------


def read(source: object, options: ReadOptions = DEFAULT_OPTIONS) -> Dataset:
    """The data set in a file, folder, zip, frame or database.

    Args:
        source: a path, or several paths of files that are parts of one table; or a database
            URL such as sqlite:///films.db; or an object with the Arrow interface (a frame of
            Polars or pandas, a table of PyArrow).
        options: names of columns, scale, what to do with bad rows.

    Raises:
        DataError: the table cannot be used; the message names the file, the row and the value.
        SettingError: a query was given for a source that is no database.

    Example:
        >>> import polars as pl
        >>> rows = {"user": [1, 1, 2], "item": ["Alien", "Heat", "Heat"], "rating": [5, 3, 4]}
        >>> matinee.read(pl.DataFrame(rows)).ratings
        Ratings(3 ratings by 2 users of 2 items, 3 to 5 in steps of 1)
    """
    if isinstance(source, str) and "://" in source:
        return _checked(read_query(source, options), options)
    if options.query is not None:
        raise SettingError("A query needs a database URL as source, such as sqlite:///films.db.")
    if isinstance(source, (str, Path)):
        if is_ratings_folder(Path(source)):
            return _from_folder(Path(source), options)
        return _checked(read_paths([Path(source)], options), options)
    if isinstance(source, (list, tuple)) and source and all(map(_is_path, source)):
        return _checked(read_paths([Path(part) for part in source], options), options)
    if not hasattr(source, "__arrow_c_stream__"):
        raise DataError(
            f"Ratings cannot be read from {described(source)}. Give a path, a database URL, or a "
            f"frame of Polars, pandas or PyArrow.{hint_for(source)}"
        )
    name = type(source).__name__
    try:
        frame = pl.DataFrame(source)
    except Exception as error:  # foreign code: pandas raises PyArrow's errors, PyArrow its own
        reason = str(error).split("\n")[0]
        raise DataError(
            f"{name} cannot be read through the Arrow interface: {reason}{_about_index(source)}"
        ) from error
    try:
        return _checked(_of_frame(frame, name, options, None), options)
    except DataError as error:
        raise DataError(f"{error}{_about_index(source)}") from error


def _about_index(source: object) -> str:
    """A sentence on the index of a frame of pandas, if its levels have names."""
    if "pandas" not in type(source).__module__:
        return ""
    names = getattr(getattr(source, "index", None), "names", ())
    if all(name is None for name in names):
        return ""
    return " The levels of the index are not read; reset_index() makes columns of them."


def read_pairs(source: str | Path, options: ReadOptions) -> tuple[ParsedTable, list[str]]:
    """The users, items and times in the rows of a file, and sentences about rows that were left
    out and about guesses.

    The rows keep their order, and a pair may occur again.

    Args:
        source: a path.
        options: as in `read`; ratings and counts are not read.

    Raises:
        DataError: it is no table of users and items, or a row is bad.
    """
    pairs = replace(options, pairs=True, rating=None, count=None, value_map=None, scale=None)
    with opened([Path(source)], pairs) as file:
        read_table = table_of_file(file, pairs)
        notes = [*read_table.notes, *read_table.values.notes]
        if read_table.bad:
            notes.append(f"Bad rows left out: {len(read_table.bad):,}.")
        return good_table(read_table), notes


def _is_path(value: object) -> bool:
    return isinstance(value, (str, Path))


class SourceRead(NamedTuple):
    """What a source was read as.

    Attributes:
        name: of the data set.
        read_table: the table.
        titles: what is known of its items and users.
        bad_rows_file: for its bad rows; None for nowhere.
    """

    name: str
    read_table: ReadTable
    titles: Titles
    bad_rows_file: Path | None


def read_paths(paths: Sequence[Path], options: ReadOptions, sink: Sink = MEMORY) -> SourceRead:
    """The table in files, with what lies beside them.

    Args:
        sink: where the columns of a clean table grow.

    Raises:
        DataError: as for `read`.
    """
    with opened(paths, options) as file:
        read_table = table_of_file(file, options, sink)
        table = good_table(read_table)
        item_column = options.item or read_table.own.item_column
        name = Path(file.label).name
        titles = titles_beside(file.metadata_folder, table.items, item_column, name)
        users = viewers_beside(file.metadata_folder, table.users)
        # The unpacked copy does not stay, so name the one in the archive
        if titles.file is not None:
            titles = replace(titles, file=Path(file.label).with_name(titles.file.name))
        own = replace(read_table.own.titles, file=Path(file.label))
        titles = replace(filled_from(titles, own, table.items), users=users)
        bad_rows_file = file.origin.with_name(f"{file.origin.name}.skipped.csv")
        return SourceRead(file.name, read_table, titles, bad_rows_file)


def read_query(url: str, options: ReadOptions, sink: Sink = MEMORY) -> SourceRead:
    """The rows of a query, or of the table `ratings`; see `read_paths`."""
    from matinee.data.reading.sql import frame_of_query, rows_of_query  # SQLAlchemy is slow

    with suppress(NotClean), rows_of_query(url, options.query) as (name, frames):
        read_table = table_of_rows(frames, name, options, "a table", sink)
        return SourceRead(name, read_table, read_table.own.titles, None)
    name, frame = frame_of_query(url, options.query)
    return _of_frame(frame, name, options, Path.cwd() / f"{name}.skipped.csv")


def _of_frame(
    frame: pl.DataFrame, name: str, options: ReadOptions, bad_rows_file: Path | None
) -> SourceRead:
    read_table = table_of_frame(frame, name, options, "a table")
    return SourceRead(name, read_table, read_table.own.titles, bad_rows_file)


def _from_folder(folder: Path, options: ReadOptions) -> Dataset:
    """A ratings folder, whose columns have been found already."""
    if replace(options, skip_bad_rows=False, scale=None, adds=False) != DEFAULT_OPTIONS:
        raise SettingError(
            f"{folder} is a ratings folder, whose columns are known: leave out the options that "
            "say how to read a table."
        )
    dataset = open_folder(folder)
    scale = dataset.ratings.scale
    if options.scale is not None and not (
        scale.has_stars and options.scale[0] <= scale.lowest <= scale.highest <= options.scale[1]
    ):
        low, high = options.scale
        raise DataError(
            f"{folder} holds ratings {scale}, which is not within the scale {low:g} to {high:g}."
        )
    return dataset


# -- the whole table: checked, without duplicates, bad rows listed -----------------------


def _checked(source: SourceRead, options: ReadOptions) -> Dataset:
    """The data set of a table: duplicates dropped or added up, bad rows written to a file."""
    name, read_table, titles, bad_rows_file = source
    table, bad = good_table(read_table), read_table.bad
    written = None
    if bad and bad_rows_file:
        written = write_skipped(bad, bad_rows_file)
    if not options.adds:
        refuse_nothing_to_learn(read_table, table)
    notes = [*read_table.notes, *read_table.values.notes]
    scale = PAIRS
    with ThreadPoolExecutor(1) as pool:  # NumPy releases Python's lock
        unrepeated = pool.submit(last_of_each_pair, table)
        tally = Tally.of(table.value)
    if table.kind == "rating":
        scale = scale_of(tally.values, options)
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
    catalog = titles.catalog or catalog_of_ids(table.items, read_table.own.item_column)
    source_rows = table.rows
    kept = unrepeated.result()
    if kept is not None:
        ratings = ratings.subset(kept)
        if table.kind != "rating":
            ratings = replace(ratings, value=sums_of_pairs(table, kept))
        source_rows = kept if source_rows is None else source_rows[kept]
        tally = Tally.of(ratings.value)
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
        summary=summary_of(read_table, ratings, tally, notes),
    )


def good_table(read_table: ReadTable) -> ParsedTable:
    """The table; raises DataError if it has no good row."""
    table = read_table.values.table
    if table is None:
        raise DataError(f"{read_table.rules.label} holds no ratings.")
    return table


def refuse_nothing_to_learn(read_table: ReadTable, table: ParsedTable) -> None:
    """Raises DataError if there is only one user, item or rating."""
    label, left_out = read_table.rules.label, ""
    if read_table.bad:
        left_out = f" Bad rows left out before: {len(read_table.bad):,}."
    for vocabulary in (table.users, table.items):
        if len(vocabulary) == 1:
            raise DataError(
                f"{label} has {table.kind}s of only one {vocabulary.kind}, '{vocabulary.ids[0]}'; "
                f"at least two are needed to learn from. It was read as {read_table.layout}; if "
                f"that is wrong, give --{vocabulary.kind}-column or --separator.{left_out}"
            )
    if table.kind == "rating" and _are_all_equal(table.value):
        raise DataError(
            f"{label}: every rating is {table.value[0]:g}; at least two values are needed to "
            f"learn from. If a row only means that a user has an item, give --pairs.{left_out}"
        )


def _are_all_equal(value: NDArray[np.float32]) -> bool:
    start = value[:1000]  # mostly tells
    return bool((start == value[0]).all()) and bool((value == value[0]).all())


def scale_of(value: NDArray[np.float32], options: ReadOptions) -> Scale:
    """The scale of some ratings, and of the given ends."""
    if options.scale is None:
        return Scale.of(value)
    return Scale.of(np.append(value, np.array(options.scale, np.float32)))
