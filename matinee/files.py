"""Writing a file whole or not at all."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, payload: bytes) -> None:
    """Writes under a temporary name beside the target, waits until it is on the disk, and renames it.

    Raises:
        OSError: it cannot be written; what stood there before stands there still, and nothing else is left.
    """
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with temporary.open("xb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(OSError):  # it is gone already, unless writing broke off
            temporary.unlink()
