"""Compressed files: recognized by their first bytes, whatever their names say, and unpacked."""

import bz2
import gzip
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from matinee.errors import DataError

_BLOCK = 1 << 20
_RESERVE = 1 << 28  # bytes of the disk that stay free
_DAMAGE = (
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    tarfile.TarError,
    EOFError,
)


def _open_bz2(path: Path) -> Any:
    return bz2.open(path)


def _open_gzip(path: Path) -> Any:
    return gzip.open(path)


def _open_xz(path: Path) -> Any:
    return lzma.open(path)


def _open_zstandard(path: Path) -> Any:
    return zstandard.open(path, "rb")


#: First bytes of a compressed file -> what opens it.
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": _open_gzip,
    b"BZh": _open_bz2,
    b"\xfd7zXZ\0": _open_xz,
    b"\x5d\0\0": _open_xz,  # the older .lzma
    b"\x28\xb5\x2f\xfd": _open_zstandard,
}

#: First bytes of archives that Python cannot unpack -> their name.
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "RAR",
    b"\x1f\x9d": "compress (.Z)",
    b"\x04\x22\x4d\x18": "LZ4",
}


def is_compressed(head: bytes) -> bool:
    """Whether the first bytes of a file are those of gzip, bzip2, xz or zstandard."""
    return _opener(head) is not None


def refuse_other_archives(head: bytes, label: str) -> None:
    """Raise a `DataError` for an archive that cannot be unpacked here."""
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise DataError(f"{label} is a {name} archive; unpack it, and give the file in it.")


def decompress(path: Path, target: Path, label: str) -> None:
    """Unpack a file of gzip, bzip2, xz or zstandard.

    Raises:
        DataError: it is damaged, compressed twice, or larger than the disk allows.
    """
    with path.open("rb") as file:
        opener = _opener(file.read(8))
    assert opener is not None
    try:
        with opener(path) as packed:
            copy_bounded(packed, target, label)
    except _DAMAGE as error:
        raise _damaged(label) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(label) from error  # bz2 raises a bare OSError for bytes that do not fit
    with target.open("rb") as file:
        if is_compressed(file.read(8)):
            raise DataError(f"{label} is compressed twice; decompress it once yourself.")


def copy_bounded(packed: BinaryIO, target: Path, label: str) -> None:
    """Write what comes out of an archive to a file.

    Raises:
        DataError: it takes more than the disk has.
    """
    left = shutil.disk_usage(target.parent).free - _RESERVE
    with target.open("wb") as file:
        while block := packed.read(_BLOCK):
            left -= len(block)
            if left < 0:
                file.truncate(0)
                raise DataError(
                    f"{label} unpacks to more than the free disk space of "
                    f"{tempfile.gettempdir()}; set TMPDIR to a folder on a larger disk."
                )
            file.write(block)


def _opener(head: bytes) -> Callable[[Path], Any] | None:
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            return opener
    return None


def _damaged(label: str) -> DataError:
    return DataError(f"{label} is damaged or truncated; download or copy it again.")
