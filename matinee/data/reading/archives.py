"""Tables that come packed: which file of a zip holds the ratings, and how it gets out of a zip or a gzip file."""

import gzip
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from matinee.data.reading.sniff import EXCEL
from matinee.errors import DataError

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
"""What a folder or a zip is searched for, in this order; the first three are MovieLens' own."""


def unzip(path: Path, folder: Path, companions: Sequence[str]) -> str:
    """Unpacks the ratings of a zip and the companions that lie beside them; returns their name within the zip.

    Raises:
        DataError: it is no zip, a damaged or encrypted one, or none that holds ratings.
    """
    try:
        return _unzip(path, folder, companions)
    except (DataError, OSError):
        raise
    except RuntimeError as error:  # encrypted, or packed by a method that Python does not know
        raise DataError(f"{path} cannot be unpacked: {error}.") from error
    except Exception as error:  # a damaged zip can break the reader anywhere, with an IndexError for one
        raise DataError(f"{path} is damaged or cut short, or no zip; fetch or copy it again.") from error


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
    """The ratings in a zip: by name, as near to the top as possible; or else the only file that there is."""
    files = [info for info in archive.infolist() if not info.is_dir() and "__MACOSX" not in info.filename]
    depth = {info.filename: info.filename.count("/") for info in files}
    for info in sorted(files, key=lambda info: depth[info.filename]):
        if PurePosixPath(info.filename).name in RATINGS_FILES:
            return info
    if len(files) == 1:
        return files[0]
    found = ", ".join(info.filename for info in files[:8]) or "nothing"
    raise DataError(f"The zip {path} holds no ratings: looked for {', '.join(RATINGS_FILES)}, found {found}.")


def gunzip(path: Path, target: Path, label: str) -> None:
    """Unpacks a gzip file.

    Raises:
        DataError: it is damaged, or packed twice.
    """
    try:
        with gzip.open(path) as packed:
            _unpack(packed, target)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{label} is damaged or cut short; fetch or copy it again.") from error
    with target.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            raise DataError(f"{label} is packed twice; unpack it once by hand.")


def _unpack(packed: Any, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)
