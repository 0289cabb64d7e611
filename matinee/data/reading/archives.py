"""Compressed tables: find the ratings in a zip file, and unpack zip and gzip files."""

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from matinee.data.reading.sniff import EXCEL
from matinee.errors import DataError

#: Looked for in a folder or zip file, in this order; the first three are those of MovieLens.
RATINGS_FILES = (
    "u.data",
    "ratings.dat",
    "ratings.csv",
    "ratings.csv.gz",
    "ratings.tsv",
    "ratings.parquet",
    "ratings.jsonl",
    "ratings.ndjson",
)


def unzip(path: Path, folder: Path, companions: Sequence[str]) -> str:
    """Unpack the ratings in a zip file, and companion files from the same folder of it.

    Args:
        path: the zip file.
        folder: where the files are written.
        companions: names of other files to unpack, such as that of the titles.
    Returns: the name of the ratings within the zip file.

    Raises:
        DataError: it is not a zip file, is damaged or encrypted, or contains no ratings.
    """
    try:
        return _unzip(path, folder, companions)
    except (DataError, OSError):
        raise
    except RuntimeError as error:  # encrypted, or a compression method that Python lacks
        raise DataError(f"{path} cannot be unpacked: {error}.") from error
    except Exception as error:  # a damaged file can raise anything, even IndexError
        raise DataError(
            f"{path} is damaged, truncated or not a zip file; download or copy it again."
        ) from error


def _unzip(path: Path, folder: Path, companions: Sequence[str]) -> str:
    with zipfile.ZipFile(path) as archive:
        if "[Content_Types].xml" in archive.namelist():
            raise DataError(f"{path} {EXCEL}")
        ratings = _ratings_member(archive, path)
        beside = PurePosixPath(ratings.filename).parent
        wanted = [str(beside / name) for name in companions]
        for member in (ratings, *(info for info in archive.infolist() if info.filename in wanted)):
            with archive.open(member) as packed:
                _unpack(packed, folder / PurePosixPath(member.filename).name)
    return ratings.filename


def _ratings_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The ratings in a zip file: by name, highest folder first; otherwise the only file in
    it."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    files = [member for member in members if "__MACOSX" not in member.filename]
    for info in sorted(files, key=lambda file: file.filename.count("/")):
        if PurePosixPath(info.filename).name in RATINGS_FILES:
            return info
    if len(files) == 1:
        return files[0]
    found = ", ".join(info.filename for info in files[:8]) or "nothing"
    raise DataError(
        f"The zip file {path} contains no ratings: looked for {', '.join(RATINGS_FILES)}, "
        f"found {found}."
    )


def gunzip(path: Path, target: Path, label: str) -> None:
    """Unpack a gzip file.

    Raises:
        DataError: it is damaged, or compressed twice.
    """
    try:
        with gzip.open(path) as packed:
            _unpack(packed, target)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{label} is damaged or truncated; download or copy it again.") from error
    with target.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            raise DataError(f"{label} is compressed twice; decompress it once yourself.")


def _unpack(packed: Any, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
