"""Arrays that are as long as a table of ratings and live for one piece of work.

Where the table is in memory, they are, too. Where it is on a disk, they are in files, which the
system reads and writes as they are used, so that the table may be larger than memory.
"""

import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from matinee.errors import UnsupportedError

BLOCK = 1 << 20
"""Rows of a table to work on at a time."""
ADVICE = "Set TMPDIR to a folder with more room."
_MANY_PAGES = 32 << 20  # bytes; the memory of smaller arrays is mostly used again
_ZEROS = bytes(1 << 20)


class Scratch:
    """A place for arrays.

    Args:
        folder: of files that have no name: nothing is left of them, even after SIGKILL. None:
            in memory.
        advice: what to do where the disk is full.
    """

    def __init__(self, folder: Path | None = None, advice: str = ADVICE) -> None:
        self.folder, self.advice = folder, advice

    def empty(self, n: int, dtype: DTypeLike) -> NDArray[Any]:
        """An array of n elements with any values.

        Raises:
            UnsupportedError: the disk has no room for it, or the folder cannot be written to.
        """
        if self.folder is None or n == 0:
            return np.empty(n, dtype)
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                reserve(file, n * np.dtype(dtype).itemsize)
                return mapped(file, n, dtype)
        except OSError as error:
            raise UnsupportedError(
                f"Cannot write a temporary file in '{self.folder}': "
                f"{error.strerror or error}. {self.advice}"
            ) from error


def reserve(file: BinaryIO, n_bytes: int) -> None:
    """Gives a file of no bytes its length on the disk: writing to a map of it cannot fail then.

    Raises:
        OSError: there is no room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n_bytes)
        return
    for start in range(0, n_bytes, len(_ZEROS)):
        file.write(_ZEROS[: n_bytes - start])
    file.flush()


def mapped(file: BinaryIO, n: int, dtype: DTypeLike, offset: int = 0) -> NDArray[Any]:
    """An array whose elements are in a file, which may be closed."""
    return np.asarray(np.memmap(file, dtype, "r+", offset, (n,)))


def folder_for(table: Path) -> Path:
    """The folder of the scratch files of a table on a disk: TMPDIR if it is set, else the one
    beside the table, which had room for it; if nothing can be written there, the usual one."""
    usual = Path(tempfile.gettempdir())
    if os.environ.get("TMPDIR"):
        return usual
    beside = table.absolute().parent
    with suppress(OSError), tempfile.TemporaryFile(dir=beside):
        return beside
    return usual


def empty_in_small_pages(n: int, dtype: DTypeLike) -> NDArray[Any]:
    """`numpy.empty`, (n,), for an array that is filled once, in order.

    NumPy asks Linux for pages of 2 MB for large arrays. Those help random reads, but while memory
    is fragmented or busy, each may take milliseconds to find, and filling an array takes several
    times as long.
    """
    type_ = np.dtype(dtype)
    n_bytes = n * type_.itemsize
    if n_bytes < _MANY_PAGES or not hasattr(mmap, "MAP_PRIVATE"):
        return np.empty(n, type_)
    memory = mmap.mmap(-1, n_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(memory, type_)


@contextmanager
def random_access(arrays: Iterable[NDArray[Any]]) -> Iterator[None]:
    """While the block runs, the system does not read ahead in those of the arrays that are files.

    Reading ahead pays where a file is read in order. Where rows go to hundreds of places in turn,
    and memory is scarce, it reads ten times as much as is written.
    """
    maps = [found for found in map(_map_of, arrays) if found is not None]
    for each in maps:
        each.madvise(mmap.MADV_RANDOM)
    try:
        yield
    finally:
        for each in maps:
            each.madvise(mmap.MADV_NORMAL)


def _map_of(array: NDArray[Any]) -> mmap.mmap | None:
    """The map of a file that an array lies in; None if it lies in memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
        return base
    return None
