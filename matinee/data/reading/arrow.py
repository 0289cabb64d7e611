"""Arrow files (IPC, also called Feather) and Arrow streams, written again as Parquet."""

from pathlib import Path

import polars as pl

from matinee.data.reading.memory import require_start_of_polars
from matinee.errors import DataError

_FILE = b"ARROW1"
_STREAM = b"\xff\xff\xff\xff"
_FIRST_VERSION = b"FEA1"


def is_arrow(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an Arrow file or stream."""
    return head.startswith((_FILE, _STREAM, _FIRST_VERSION))


def write_as_parquet(path: Path, target: Path, label: str) -> None:
    """Write the table in an Arrow file or stream as Parquet.

    Raises:
        DataError: the file is damaged, or a Feather file of the first version.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(_FIRST_VERSION):
        raise DataError(
            f"{label} is a Feather file of version 1, which is not read; write it again with a "
            "newer version of the program that made it, or as Parquet."
        )
    require_start_of_polars(label)
    try:
        frame = pl.read_ipc(path) if start.startswith(_FILE) else pl.read_ipc_stream(path)
        frame.write_parquet(target, compression="uncompressed")
    except (Exception, pl.exceptions.PanicException) as error:  # Polars may panic on damaged files
        raise DataError(
            f"{label} is not a valid Arrow file, or it is damaged; write it again."
        ) from error
