"""Reads a data set by name, or any table. Nothing is downloaded here."""

import os
from dataclasses import replace
from pathlib import Path

from matinee.data.dataset import Dataset
from matinee.data.datasets.fetch import local_copy_of
from matinee.data.datasets.registry import SIMULATED, Entry, entry, names
from matinee.data.datasets.sample import sample_ratings
from matinee.data.reading.options import DEFAULT_OPTIONS, ReadOptions
from matinee.data.reading.read import read
from matinee.data.stored.conversion import write_dataset, write_source
from matinee.data.stored.folder import is_ratings_folder
from matinee.data.stored.writing import check_folder_name
from matinee.errors import DataError, SettingError, UnknownNameError
from matinee.progress import Progress
from matinee.text import did_you_mean


def load(data: object, options: ReadOptions = DEFAULT_OPTIONS) -> Dataset:
    """Ratings and titles from any source.

    Args:
        data: the name of a data set, such as "sample" or "ml-1m" (`matinee data list` shows all);
            the path of a file, a MovieLens folder or a zip; a list of paths that are parts of one
            table; a database URL; or a data frame. A name always means the data set: for a file or
            folder of that name, give "./ml-1m" or a `Path`.
        options: which columns hold what, and what to do with bad rows.

    Raises:
        UnknownNameError: there is neither a file nor a data set of this name.
        DataError: the data set is not on this machine, or the path holds no usable table.
        SettingError: the options do not fit the data.

    Example:
        >>> matinee.load("sample").ratings
        Ratings(99,136 ratings by 2,000 users of 340 items, 0.5 to 5 in steps of 0.5)
    """
    if isinstance(data, str) and "://" not in data:
        if data in names():
            return _load_named(entry(data), options)
        data = _expanded(data)
        if os.path.basename(data) == data and not os.path.exists(data):
            raise UnknownNameError(_neither(data))
    if isinstance(data, (list, tuple)):
        data = [_expanded(part) if isinstance(part, str) else part for part in data]
    return read(data, options)


def load_to_folder(
    data: object, options: ReadOptions, target: Path, progress: Progress | None = None
) -> Dataset:
    """Writes a ratings folder from any source, in constant memory where it can be read part by
    part, and opens it.

    Args:
        data, options: as for `load`.
        target: the folder, whose name ends in .ratings; it must not exist.
        progress: called as rows are read and sorted.

    Raises:
        SettingError, UnsupportedError: the folder exists, or cannot be written.
        DataError, UnknownNameError: as for `load`.
    """
    check_folder_name(target)
    parts = list(data) if isinstance(data, (list, tuple)) else [data]
    if isinstance(data, str) and "://" in data:
        return write_source(data, options, target, progress)
    if isinstance(data, str) and data in names() and options.query is None:
        found = local_copy_of(entry(data))
        if found is not None:
            return write_source([found], options, target, progress, name=data)
    elif options.query is None and all(isinstance(part, (str, Path)) for part in parts):
        paths = [Path(_expanded(str(part))) for part in parts]
        if all(path.exists() and not is_ratings_folder(path) for path in paths):
            return write_source(paths, options, target, progress)
    return write_dataset(load(data, options), target, progress)


def _expanded(path: str) -> str:
    return os.path.expanduser(path)


def _load_named(wanted: Entry, options: ReadOptions) -> Dataset:
    if wanted.name == "sample":
        if replace(options, skip_bad_rows=False) != DEFAULT_OPTIONS:
            raise SettingError(
                "The sample is built in: leave out the options that say how to read a table."
            )
        ratings, catalog = sample_ratings()
        return Dataset("sample", ratings, catalog, note=SIMULATED)
    found = local_copy_of(wanted)
    if found is None:
        raise DataError(
            f"The data set '{wanted.name}' is not on this machine. Type 'matinee data fetch "
            f"{wanted.name}' to download about {wanted.megabytes} MB, or set MATINEE_DATA to a "
            f"folder that holds {wanted.name}/ or {wanted.name}.zip."
        )
    return replace(read(found, options), name=wanted.name)


def _neither(text: str) -> str:
    hint = did_you_mean(text, [*names(), *os.listdir()])
    return (
        f"There is neither a file nor a data set '{text}'.{hint} Give the path of a ratings table, "
        "or type 'matinee data list' to see the data sets."
    )
