"""Refuses a table that the memory cannot hold, before the libraries ask for it.

The estimates are lower bounds, so that nothing is refused that fits. They were measured on tables
of 1 and 3 million ratings.
"""

from pathlib import Path

import polars as pl

from matinee.errors import DataError
from matinee.system import memory_shortage

BYTES_PER_ROW = 20
"""Memory for a user, an item, a rating and a time; measured on 25 million clean rows: 22."""
SPACE_PER_ROW = 150
"""Address space for the same, which matters under `ulimit -v`."""
BYTES_PER_BYTE_OF_JSON = 8
"""Memory for each byte of a JSON document, which is read as a whole; measured: 8 to 20."""


def require_memory_for_text(path: Path, head: bytes, label: str) -> None:
    """Refuse a text whose rows the memory cannot hold.

    Args:
        head: the first lines, whose length tells the number of rows.

    Raises:
        DataError: the memory will not be enough.
    """
    size = path.stat().st_size
    n_rows = size * head.count(b"\n") / max(1, len(head))
    _refuse_shortage(memory_shortage(BYTES_PER_ROW * n_rows, SPACE_PER_ROW * n_rows + size), label)


def require_memory_for_parquet(path: Path, label: str) -> None:
    """Refuse a Parquet file with too many rows; some thousand bytes may stand for a billion.

    Raises:
        DataError: the memory will not be enough, or the file is damaged.
    """
    require_start_of_polars(label)
    try:
        n_rows = int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    except (Exception, pl.exceptions.PanicException):
        return  # what is wrong with the file is said where it is read
    _refuse_shortage(memory_shortage(BYTES_PER_ROW * n_rows, SPACE_PER_ROW * n_rows), label)


def require_memory_for_document(path: Path, label: str) -> None:
    """Refuse a JSON document that is too large to be read as a whole.

    Raises:
        DataError: the memory will not be enough.
    """
    needed = BYTES_PER_BYTE_OF_JSON * path.stat().st_size
    _refuse_shortage(memory_shortage(needed, needed), label)


def require_start_of_polars(label: str) -> None:
    """Refuse to start Polars where the address space is too small for its threads.

    Raises:
        DataError: it is.
    """
    _refuse_shortage(memory_shortage(0, 0), label)


def _refuse_shortage(shortage: str, label: str) -> None:
    if shortage:
        remedy = "a higher limit" if "ulimit" in shortage else "a machine with more memory"
        raise DataError(f"Reading {label} needs about {shortage}. Use fewer rows, or {remedy}.")
