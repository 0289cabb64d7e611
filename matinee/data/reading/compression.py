"""Compressed files: recognized by their first bytes, whatever their names say, and unpacked."""

import bz2
import gzip
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import zstandard

from matinee.errors import DataError
from matinee.text import in_bytes

MOST_UNPACKED_TIMES = 100
"""How many times its size a file may unpack to; tables of ratings unpack to 3 to 20 times."""
ALWAYS_UNPACKED = 250_000_000
"""Bytes that a small file may unpack to, however well it is compressed."""

_BLOCK = 1 << 20
_ZSTANDARD_BLOCK = 1 << 12  # small, because one block of a bomb is unpacked at once
_RESERVE = 1 << 28  # bytes of the disk that stay free
_DAMAGE = (
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    tarfile.TarError,
    EOFError,
)


def _of_gzip(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as packed:
        yield from blocks_of(packed)


def _of_bz2(path: Path) -> Iterator[bytes]:
    with bz2.open(path) as packed:
        yield from blocks_of(packed)


def _of_xz(path: Path) -> Iterator[bytes]:
    with lzma.open(path) as packed:
        yield from blocks_of(packed)


def _of_zstandard(path: Path) -> Iterator[bytes]:
    """What is in a zstandard file; its own stream reader takes a truncated file for a whole one."""
    frames = zstandard.ZstdDecompressor(max_window_size=1 << 31)
    frame, rest = frames.decompressobj(), b""
    with path.open("rb") as file:
        while packed := rest or file.read(_ZSTANDARD_BLOCK):
            if frame.eof:
                frame = frames.decompressobj()
            yield frame.decompress(packed)
            rest = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise EOFError


#: First bytes of a compressed file -> the blocks of what is in it.
_READERS: dict[bytes, Callable[[Path], Iterator[bytes]]] = {
    b"\x1f\x8b": _of_gzip,
    b"BZh": _of_bz2,
    b"\xfd7zXZ\0": _of_xz,
    b"\x5d\0\0": _of_xz,  # the older .lzma
    b"\x28\xb5\x2f\xfd": _of_zstandard,
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
    return _reader(head) is not None


def refuse_other_archives(head: bytes, label: str) -> None:
    """Raise a `DataError` for an archive that cannot be unpacked here."""
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise DataError(f"{label} is a {name} archive; unpack it, and give the file in it.")


@dataclass
class Allowance:
    """How much one file that a person gave may unpack to.

    Archives in archives count once for each level, and all members of a level together.

    Attributes:
        most: bytes.
        is_given: whether the person set the limit, with --max-unpacked.
        packed: size of the file.
        used: level -> bytes that were unpacked so far.
    """

    most: int
    is_given: bool
    packed: int
    used: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, given: int | None) -> "Allowance":
        """For a file; without a given limit, it depends on the file's size."""
        packed = path.stat().st_size
        if given is not None:
            return cls(given, True, packed)
        return cls(max(ALWAYS_UNPACKED, MOST_UNPACKED_TIMES * packed), False, packed)

    def spend(self, n_bytes: int, level: int, label: str) -> None:
        """Count bytes before they are written.

        Raises:
            DataError: they are more than may be unpacked.
        """
        self.used[level] = self.used.get(level, 0) + n_bytes
        if self.used[level] <= self.most:
            return
        if self.is_given:
            limit = f"{in_bytes(self.most)}, the limit given by --max-unpacked"
        elif self.most > ALWAYS_UNPACKED:
            limit = f"{in_bytes(self.most)}, {MOST_UNPACKED_TIMES} times its size"
        else:
            limit = f"{in_bytes(self.most)}, though it has only {in_bytes(self.packed)}"
        raise DataError(
            f"{label} unpacks to more than {limit}. If that is right, raise the limit, as in "
            f"--max-unpacked {in_bytes(4 * self.most).replace(' ', '')}."
        )


def decompress(path: Path, target: Path, label: str, allowance: Allowance, level: int) -> None:
    """Unpack a file of gzip, bzip2, xz or zstandard.

    Args:
        level: how many archives it is in.

    Raises:
        DataError: it is damaged, compressed twice, or larger than allowed or than the disk.
    """
    with path.open("rb") as file:
        reader = _reader(file.read(8))
    assert reader is not None
    try:
        copy_bounded(reader(path), target, label, allowance, level)
    except _DAMAGE as error:
        raise _damaged(label) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(label) from error  # bz2 raises a bare OSError for bytes that do not fit
    with target.open("rb") as file:
        if is_compressed(file.read(8)):
            raise DataError(f"{label} is compressed twice; decompress it once yourself.")


class Readable(Protocol):
    """An open file of bytes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; none at the end."""
        ...


def blocks_of(packed: Readable) -> Iterator[bytes]:
    """The content of an open file, block by block."""
    while block := packed.read(_BLOCK):
        yield block


def copy_bounded(
    blocks: Iterable[bytes], target: Path, label: str, allowance: Allowance, level: int
) -> None:
    """Write what comes out of an archive to a file.

    Raises:
        DataError: it is more than allowed, or than the disk has.
    """
    left = shutil.disk_usage(target.parent).free - _RESERVE
    with target.open("wb") as file:
        for block in blocks:
            left -= len(block)
            allowance.spend(len(block), level, label)
            if left < 0:
                file.truncate(0)
                raise DataError(
                    f"{label} unpacks to more than the free disk space of "
                    f"{tempfile.gettempdir()}; set TMPDIR to a folder on a larger disk."
                )
            file.write(block)


def _reader(head: bytes) -> Callable[[Path], Iterator[bytes]] | None:
    for magic, reader in _READERS.items():
        if head.startswith(magic):
            return reader
    return None


def _damaged(label: str) -> DataError:
    return DataError(f"{label} is damaged or truncated; download or copy it again.")
