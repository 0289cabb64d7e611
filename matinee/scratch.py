"""Arrays that are as long as a table of ratings and live for one piece of work.

Where the table is in memory, they are, too. Where it is on a disk, they are in files, which the
system reads and writes as they are used, so that the table may be larger than memory.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from matinee.errors import UnsupportedError

BLOCK = 1 << 20
"""Rows of a table to work on at a time."""
ADVICE = "Set TMPDIR to a folder with more room."
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
