"""Writes a data set in another format, and its titles to a file beside it."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from matinee.data.dataset import Dataset
from matinee.data.ratings import NO_TIME
from matinee.data.reading.item_metadata import CATALOG_FILES
from matinee.errors import SettingError, UnsupportedError
from matinee.files import problem_of_place, reason_of, replacing
from matinee.text import counted

SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl")


def convert(dataset: Dataset, target: Path) -> list[str]:
    """Write the ratings to `target` and the known titles to items.csv beside it.

    Pairs get a column `count` instead of the rating, if a count is above 1.

    Returns: sentences that say what was written.

    Raises:
        SettingError: the suffix is none of .csv, .tsv, .parquet, .jsonl; or the name is one of
            a file of titles; or the file exists.
        UnsupportedError: the file cannot be written.
    """
    check_target(target)
    ratings = dataset.ratings
    columns: dict[str, Any] = {
        "user_id": ratings.users.ids[ratings.user_index].tolist(),
        "item_id": ratings.items.ids[ratings.item_index].tolist(),
    }
    if ratings.scale.has_stars:
        columns["rating"] = ratings.value
    elif bool((ratings.value != 1).any()):
        columns["count"] = ratings.value
    frame = pl.DataFrame(columns)
    if ratings.timestamp is not None:
        times = pl.Series("timestamp", ratings.timestamp)
        frame = frame.with_columns(times.set(times == NO_TIME, None))
    lines = [f"Wrote {counted(len(ratings), ratings.unit)} to {target}."]
    titles = target.with_name("items.csv")
    has_titles = bool(dataset.catalog) and not titles.exists()
    if dataset.catalog and not has_titles:
        lines.append(f"'{titles}' exists already, so no titles were written.")
    with _failures_of(target), replacing(target) as file:
        _write(frame, target, file)
        if has_titles:  # within the block, so that a failure leaves neither file
            with replacing(titles) as other:
                _catalog_frame(dataset).write_csv(other)
            lines.append(f"Wrote {counted(len(dataset.catalog), 'title')} to {titles}.")
    return lines


def check_target(target: Path) -> None:
    """Refuses, before the data are read, a name that `convert` cannot write to.

    Raises:
        SettingError: the suffix is none of .csv, .tsv, .parquet, .jsonl; or the name is one of
            a file of titles; or the file exists.
        UnsupportedError: no file can be written there.
    """
    _refuse_other_formats(target)
    if target.name.lower() in CATALOG_FILES:
        raise SettingError(
            f"'{target}' is the name of a file of titles; "
            "give the ratings another name, such as ratings.csv."
        )
    problem = problem_of_place(target)
    if problem:
        raise UnsupportedError(f"Cannot write '{target}': {problem}.")
    if target.exists():
        raise SettingError(f"'{target}' exists already; remove it or give another path.")


def check_table_name(target: Path, inputs: Iterable[Path | None] = ()) -> None:
    """Refuses, before the work starts, a name that `write_frames` cannot write to.

    Args:
        inputs: what the command reads, which it must not replace.

    Raises:
        SettingError: the suffix is none of .csv, .tsv, .parquet, .jsonl.
        UnsupportedError: no file can be written there, or it is one of the inputs.
    """
    _refuse_other_formats(target)
    problem = problem_of_place(target, inputs)
    if problem:
        raise UnsupportedError(f"Cannot write '{target}': {problem}.")


@contextmanager
def _failures_of(target: Path) -> Iterator[None]:
    """Failures to write become an UnsupportedError with the reason."""
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:  # the latter are of Parquet files
        raise UnsupportedError(f"Cannot write '{target}': {reason_of(error)}.") from error


def write_frames(frames: Iterable[pl.DataFrame], target: Path) -> int:
    """Write frames with the same columns to one file, in memory for one frame at a time.

    Returns: the number of rows.

    Raises:
        SettingError: the suffix is none of .csv, .tsv, .parquet, .jsonl.
        UnsupportedError: the file cannot be written.
    """
    check_table_name(target)
    n_rows = 0
    with (
        _failures_of(target),
        tempfile.TemporaryDirectory(prefix="matinee-") as folder,
        replacing(target) as file,
    ):
        parts: list[Path] = []
        for frame in frames:
            n_rows += frame.height
            match target.suffix.lower():
                case ".parquet":
                    parts.append(Path(folder) / f"{len(parts)}.parquet")
                    with _failures_of(parts[-1]):  # $TMPDIR may be another disk
                        frame.write_parquet(parts[-1])
                case ".jsonl":
                    frame.write_ndjson(file)
                case suffix:
                    separator = "\t" if suffix == ".tsv" else ","
                    frame.write_csv(
                        file, separator=separator, include_header=n_rows == frame.height
                    )
        if parts:
            pl.scan_parquet(parts, glob=False).sink_parquet(file)
    return n_rows


def _refuse_other_formats(target: Path) -> None:
    if target.suffix.lower() not in SUFFIXES:
        raise SettingError(
            f"'{target}' must end in one of {', '.join(SUFFIXES)}, which chooses the format."
        )


def _write(frame: pl.DataFrame, target: Path, file: BinaryIO) -> None:
    match target.suffix.lower():
        case ".parquet":
            frame.write_parquet(file)
        case ".jsonl":
            frame.write_ndjson(file)
        case ".tsv":
            frame.write_csv(file, separator="\t")
        case _:
            frame.write_csv(file)


def _catalog_frame(dataset: Dataset) -> pl.DataFrame:
    films = dataset.catalog.films
    columns: dict[str, Any] = {
        "item_id": list(films),
        "title": [film.title for film in films.values()],
        "year": pl.Series([film.year for film in films.values()], dtype=pl.Int64),
        "genres": ["|".join(film.genres) for film in films.values()],
    }
    if any(film.imdb or film.tmdb for film in films.values()):
        columns["imdb_id"] = [film.imdb or None for film in films.values()]
        columns["tmdb_id"] = pl.Series([film.tmdb for film in films.values()], dtype=pl.Int64)
    if any(film.tags for film in films.values()):
        columns["tags"] = ["|".join(film.tags) for film in films.values()]
    return pl.DataFrame(columns)
