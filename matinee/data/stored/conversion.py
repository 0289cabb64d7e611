"""Any source becomes a ratings folder, in constant memory where the table is clean."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matinee.data.dataset import Dataset
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.plausible import Tally, rating_notes
from matinee.data.reading.read import (
    SourceRead,
    good_table,
    read_paths,
    read_query,
    refuse_nothing_to_learn,
    scale_of,
)
from matinee.data.reading.row_by_row import write_skipped
from matinee.data.reading.streaming import Sink
from matinee.data.reading.summarize import summary_of
from matinee.data.reading.titles_in_table import catalog_of_ids
from matinee.data.stored.folder import open_folder
from matinee.data.stored.grouping import TableRows
from matinee.data.stored.writing import Contents, FolderWriter, writing
from matinee.progress import Progress


def write_source(
    source: str | Sequence[Path],
    options: ReadOptions,
    target: Path,
    progress: Progress | None = None,
    *,
    name: str | None = None,
) -> Dataset:
    """Writes a ratings folder from files or a database, and opens it.

    Only the users, the items and a part of the rows are in memory at a time if the table is
    clean and in CSV, Parquet or a database; other tables are read whole.

    Args:
        source: a database URL, or paths.
        progress: called as rows are read and sorted.
        name: of the data set; None: that of the source.

    Raises:
        DataError: as for `read`.
        SettingError, UnsupportedError: as for `writing`.
    """
    with writing(target, progress) as writer:
        sink = Sink(writer.folder, progress)
        if isinstance(source, str):
            read = [read_query(source, options, sink)]
        else:
            read = [read_paths(source, options, sink)]
        _write_table(read, name, options, writer)
    return open_folder(target)


def write_dataset(dataset: Dataset, target: Path, progress: Progress | None = None) -> Dataset:
    """Writes a ratings folder from a data set in memory, and opens it."""
    ratings = dataset.ratings
    with writing(target, progress) as writer:
        rows = TableRows(ratings.user_index, ratings.item_index, ratings.value, ratings.timestamp)
        writer.add_ratings([rows], ratings.n_users, ratings.n_items, adds=False)
        contents = Contents(
            name=dataset.name,
            users=ratings.users,
            items=ratings.items,
            scale=ratings.scale,
            catalog=dataset.catalog,
            user_features=ratings.user_features,
            has_item_features=ratings.item_features is not None,
            note=dataset.note,
            n_duplicates=dataset.n_duplicates,
            n_bad_rows=dataset.n_bad_rows,
        )
        writer.finish(contents, dataset.summary)
    return open_folder(target)


def _write_table(
    sources: list[SourceRead], name: str | None, options: ReadOptions, writer: FolderWriter
) -> None:
    """Writes the table of a list of one, which is emptied; see `FolderWriter.add_ratings`."""
    source = sources.pop()
    read_table, titles = source.read_table, source.titles
    table = good_table(read_table)
    if read_table.bad and source.bad_rows_file:
        write_skipped(read_table.bad, source.bad_rows_file)
    refuse_nothing_to_learn(read_table, table)
    notes = [*read_table.notes, *read_table.values.notes]
    tally, scale = Tally.of(table.value), PAIRS
    if table.kind == "rating":
        scale = scale_of(tally.values, options)
        notes += rating_notes(tally, table.value, read_table.rules)
    users, items, adds = table.users, table.items, table.kind != "rating"
    n_rows = len(table.value)
    rows = [TableRows(table.user_index, table.item_index, table.value, table.timestamp)]
    read_table = read_table._replace(values=replace(read_table.values, table=None))
    source = source._replace(read_table=read_table)
    del table
    written = writer.add_ratings(rows, len(users), len(items), adds=adds)
    ratings = Ratings(users, items, written.user, written.item, written.value, written.time, scale)
    n_duplicates = n_rows - len(ratings)
    if n_duplicates:
        tally = Tally.of(ratings.value)
    catalog = titles.catalog or catalog_of_ids(items, read_table.own.item_column)
    contents = Contents(
        name=name or source.name,
        users=users,
        items=items,
        scale=scale,
        catalog=catalog,
        user_features=titles.users,
        has_item_features=titles.catalog.features(items) is not None,
        note=" ".join(titles.notes),
        n_duplicates=n_duplicates,
        n_bad_rows=len(read_table.bad),
    )
    writer.finish(contents, summary_of(read_table, ratings, tally, notes))
