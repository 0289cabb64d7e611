"""Writing a simulation: CSV, Parquet, or a folder of Parquet parts, a block of rows at a time."""

import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
from polars.io.plugins import register_io_source

from matinee.data.simulation.simulation import SimulatedBlock, Simulation, Summary, Sums
from matinee.errors import SettingError, UnsupportedError
from matinee.files import problem_of_place, put_in_place, reason_of, replacing, write_atomically
from matinee.progress import Progress, Step
from matinee.text import counted

SUFFIXES = (".csv", ".parquet")
COLUMNS = {
    "userId": pl.Int32(),
    "movieId": pl.Int32(),
    "rating": pl.Float32(),
    "timestamp": pl.Int64(),
}
"""Named as in MovieLens."""
PARQUET_BYTES = 7.0
"""Of a row in Parquet, at most: measured at all shapes, and rounded up."""
ROW_GROUP = 2**19
NO_QUESTION = 10**7
"""Bytes; less is just tried."""
README = "README.txt"


def write(
    simulation: Simulation,
    target: str | os.PathLike[str],
    *,
    n_parts: int | None = None,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Writes all rows; the files are complete or absent, and memory holds a few blocks.

    Args:
        target: a file that ends in .csv or .parquet; with `n_parts`, a folder that does not
            exist yet or is empty.
        n_parts: Parquet files of about the same size, of whole users, with a README.txt.
        n_threads: None for all cores; the rows do not depend on it.
        progress: called after each block.

    Raises:
        SettingError: the name has another ending, something is there already, or the number of
            parts is not from 1 to the number of users.
        UnsupportedError: the place cannot be written to, or has too little room.
    """
    path = Path(target)
    check_place(simulation, path, n_parts)
    counter = _Counter(simulation.n_ratings, progress)
    try:
        if n_parts is not None:
            _write_parts(simulation, path, n_parts, counter, n_threads)
        else:
            with replacing(path) as file:
                blocks = counter.watch(simulation.blocks(n_threads))
                _writer(path)(blocks, file, simulation.note)
    except (OSError, pl.exceptions.ComputeError) as error:  # the latter are of Parquet files
        raise UnsupportedError(f"Cannot write '{path}': {reason_of(error)}.") from error
    return counter.sums.summary()


class _Counter:
    """Adds up blocks as they pass, and reports them."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.sums, self._total, self._progress = Sums(), total, progress

    def watch(self, blocks: Iterator[SimulatedBlock]) -> Iterator[SimulatedBlock]:
        for block in blocks:
            self.sums.add(block)
            if self._progress is not None:
                done, total = self.sums.n, self._total
                self._progress(Step(done, total, f"{done:,} of {total:,} ratings"))
            yield block


def _writer(path: Path) -> Callable[[Iterator[SimulatedBlock], BinaryIO, str], None]:
    if path.suffix.lower() == ".csv":
        return _write_csv
    return _write_parquet


def _frame(block: SimulatedBlock) -> pl.DataFrame:
    columns = (block.user_id, block.item_id, block.rating, block.timestamp)
    return pl.DataFrame(dict(zip(COLUMNS, columns, strict=True)), schema=COLUMNS)


def _write_csv(blocks: Iterator[SimulatedBlock], file: BinaryIO, note: str) -> None:
    del note  # MovieLens has no comment lines, and many readers stumble over them
    for number, block in enumerate(blocks):
        _frame(block).write_csv(file, include_header=number == 0)


def _write_parquet(blocks: Iterator[SimulatedBlock], file: BinaryIO, note: str) -> None:
    """Polars asks for the blocks in another thread, so that this one hears signals."""
    is_stopped = threading.Event()

    def frames(
        columns: list[str] | None, predicate: Any, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        del columns, predicate, n_rows, batch_size  # all rows are written
        for block in blocks:
            if is_stopped.is_set():
                return
            yield _frame(block)

    def sink() -> None:
        register_io_source(frames, schema=COLUMNS).sink_parquet(
            file, metadata={"note": note}, row_group_size=ROW_GROUP, compression_level=1
        )

    with ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(sink).result()
        finally:
            is_stopped.set()


def _write_parts(
    simulation: Simulation, folder: Path, n_parts: int, counter: _Counter, n_threads: int | None
) -> None:
    """Writes the parts to another folder, which then takes the name."""
    temporary = folder.parent / f".{folder.name[:50]}.{secrets.token_hex(4)}"
    digits = len(str(n_parts - 1))
    edges = simulation.edges_of_parts(n_parts)
    try:
        temporary.mkdir()
        for number, (first, end) in enumerate(pairwise(edges)):
            blocks = simulation.blocks(n_threads, first_user=first, end_user=end)
            with replacing(temporary / f"ratings-{number:0{digits}}.parquet") as file:
                _write_parquet(counter.watch(blocks), file, simulation.note)
        write_atomically(temporary / README, readme(simulation, counter.sums.summary()).encode())
        put_in_place(temporary, folder)  # which is empty, or does not exist
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # after a success it no longer exists


def readme(simulation: Simulation, summary: Summary) -> str:
    """What a folder of parts says about itself."""
    return (
        f"{simulation.note}\n\n{simulation.size()}.\n{summary}\n\n"
        f"Columns: {', '.join(COLUMNS)}, as in MovieLens; sorted by user, then by time.\n"
    )


# -- places ------------------------------------------------------------------------------


def check_place(simulation: Simulation, path: Path, n_parts: int | None) -> None:
    """Refuses, before the work starts, what `write` cannot write.

    Raises:
        SettingError, UnsupportedError: as for `write`.
    """
    if n_parts is None and path.suffix.lower() not in SUFFIXES:
        raise SettingError(
            f"'{path}' must end in {' or '.join(SUFFIXES)}, which chooses the format; "
            "for a folder, say how many parts it has (--parts)."
        )
    if n_parts is not None and not 1 <= n_parts <= simulation.n_users:
        raise SettingError(
            f"The number of parts must be from 1 to the number of users, "
            f"{simulation.n_users:,}, not {n_parts:,}."
        )
    if n_parts is None or not path.is_dir():
        problem = problem_of_place(path)
        if problem:
            raise UnsupportedError(f"Cannot write '{path}': {problem}.")
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise SettingError(f"'{path}' exists already; remove it or give another path.")
    needed = bytes_of(simulation, path, n_parts)
    free = shutil.disk_usage(path.absolute().parent).free
    if needed > max(free, NO_QUESTION):
        raise UnsupportedError(
            f"Cannot write '{path}': {counted(simulation.n_ratings, 'rating')} need about "
            f"{_size(needed)}, but only {_size(free)} are free there. Use fewer ratings, another "
            "disk, or Parquet instead of CSV."
        )


def bytes_of(simulation: Simulation, path: Path, n_parts: int | None = None) -> int:
    """About how large the files will be, rather too much than too little."""
    if n_parts is None and path.suffix.lower() == ".csv":
        numbers = (simulation.n_users, simulation.n_items, simulation.shape.last)
        row = sum(len(str(number)) for number in numbers) + len(",,4.0,\n")
        return simulation.n_ratings * row
    return int(simulation.n_ratings * PARQUET_BYTES) + 10_000 * (n_parts or 1)


def _size(n_bytes: int) -> str:
    if n_bytes < 1e9:
        return f"{n_bytes / 1e6:,.0f} MB"
    return f"{n_bytes / 1e9:,.1f} GB"
