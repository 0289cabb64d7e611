"""Files with ratings among others: in a folder, a zip file or a tar archive."""

import re
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from matinee.data.reading.compression import Allowance, blocks_of, copy_bounded
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

#: Names of the ratings in well-known data sets; the first pattern that matches is taken, with all
#: of its files if they are parts of one table.
_KNOWN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"combined_data_\d+\.txt",  # Netflix Prize
        r"mv_\d{7}\.txt",
        r"(BX-)?(Book-)?ratings\.(csv|tsv|dat|txt|json)(\.\w+)?",  # Book-Crossing
        r"(rating|animelist|UserAnimeList)\.csv(\.\w+)?",  # MyAnimeList
        r"behaviors\.tsv",  # MIND
        r".*\.inter",  # RecBole
        r"user_ratedmovies-timestamps\.dat",  # hetrec
        r"user_ratedmovies\.dat",
        r"user_artists\.dat",
        r"usersha1-artmbid-artname-plays\.tsv",  # Last.fm 360K
        r"steam-200k\.csv",
        r"yelp_academic_dataset_review\.json",
        r"goodreads_interactions.*\.(csv|json)(\.\w+)?",
        r"ratings[._-].*",
        r"interactions\.(csv|tsv|parquet|jsonl|txt)(\.\w+)?",
    )
)
_TABLES = re.compile(
    r"\.(csv|tsv|txt|dat|data|parquet|arrow|feather|jsonl|ndjson|json|inter|mtx)(\.(gz|bz2|xz|zst))?$",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+|-c\d+|[0-9a-f]{8}-[0-9a-f-]{27}")
_LIMIT_OF_MEMBERS = 100_000


def choose_ratings(names: Sequence[str]) -> list[str]:
    """The ratings among the files of a folder or archive: one file, or all parts of one table.

    Args:
        names: paths with slashes, in any order.
    Returns: the paths to read as one table, in order; empty if there is no telling.
    """
    files = [name for name in sorted(names, key=_in_order) if _is_visible(name)]
    for wanted in RATINGS_FILES:
        for name in files:
            if PurePosixPath(name).name == wanted:
                return [name]
    for pattern in _KNOWN:
        found = [name for name in files if pattern.fullmatch(PurePosixPath(name).name)]
        if found:
            same = PurePosixPath(found[0]).parent
            parts = [name for name in found if PurePosixPath(name).parent == same]
            return parts if _differ_in_digits_only(parts) else []
    return _parts(files)


def _in_order(name: str) -> tuple[int, list[tuple[int, int, str]]]:
    """Sorts by depth, then by name with numbers by their value."""
    pieces = re.split(r"(\d+)", name)
    keys = [(1, int(piece), "") if piece.isdecimal() else (0, 0, piece) for piece in pieces]
    return name.count("/"), keys


def _is_visible(name: str) -> bool:
    if name.endswith(".skipped.csv"):  # our own list of bad rows
        return False
    return not any(
        part.startswith((".", "_")) or part == "__MACOSX" for part in PurePosixPath(name).parts
    )


def _parts(files: Sequence[str]) -> list[str]:
    """All files, if they are parts of one table by their names, such as part-0001.csv."""
    tables = [name for name in files if _TABLES.search(name)]
    others = [name for name in files if name not in tables]
    if len(tables) > 1 and not others and _differ_in_digits_only(tables):
        return tables
    return []


def _differ_in_digits_only(names: Sequence[str]) -> bool:
    return len({_DIGITS.sub("#", PurePosixPath(name).name) for name in names}) == 1


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive."""
    with path.open("rb") as file:
        file.seek(257)
        return file.read(5) == b"ustar"


class Unpacking(NamedTuple):
    """What is unpacked from an archive, and to where.

    Attributes:
        folder: where the files are written.
        companions: names of other files to unpack, such as that of the titles.
        label: the archive's name in messages.
        allowance: how much may be unpacked.
        level: how many archives the archive is in.
    """

    folder: Path
    companions: Sequence[str]
    label: str
    allowance: Allowance
    level: int = 0


def unzip(path: Path, how: Unpacking) -> list[str]:
    """Unpack the ratings in a zip file, and companion files from the same folder of it.

    Args:
        path: the zip file.
    Returns: the paths of the ratings within the zip file.

    Raises:
        DataError: it is not a zip file, is damaged or encrypted, contains no ratings, or unpacks
            to more than allowed.
    """
    label = how.label
    try:
        with zipfile.ZipFile(path) as archive:
            if "[Content_Types].xml" in archive.namelist():
                raise DataError(f"{label} {EXCEL}")
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
            return _unpack(names, lambda name: archive.open(name), how, f"zip file {label}")
    except (DataError, OSError):
        raise
    except RuntimeError as error:  # encrypted, or a compression method that Python lacks
        raise DataError(f"{label} cannot be unpacked: {error}.") from error
    except Exception as error:  # a damaged file can raise anything, even IndexError
        raise DataError(
            f"{label} is damaged, truncated or not a zip file; download or copy it again."
        ) from error


def untar(path: Path, how: Unpacking) -> list[str]:
    """As `unzip`, for a tar archive that is not compressed.

    Only the contents of plain files are copied; links and paths of the archive are not followed.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            names = [member.name for member in archive if member.isfile()]
            return _unpack(
                names, lambda name: archive.extractfile(name), how, f"tar archive {how.label}"
            )
    except tarfile.TarError as error:
        raise DataError(
            f"{how.label} is damaged or truncated; download or copy it again."
        ) from error


def _unpack(
    names: Sequence[str], opened: Callable[[str], Any], how: Unpacking, label: str
) -> list[str]:
    names = names[:_LIMIT_OF_MEMBERS]
    ratings = choose_ratings(names)
    visible = [name for name in names if _is_visible(name)]
    if not ratings and len(visible) == 1:
        ratings = visible
    if not ratings:
        found = ", ".join(visible[:8]) or "nothing"
        raise DataError(
            f"The {label} contains no ratings: looked for {', '.join(RATINGS_FILES)}, "
            f"found {found}. Unpack it, and give the file itself."
        )
    beside = PurePosixPath(ratings[0]).parent
    wanted = [name for name in names if name in {str(beside / other) for other in how.companions}]
    for name in dict.fromkeys([*ratings, *wanted]):
        with opened(name) as packed:
            target = how.folder / PurePosixPath(name).name
            copy_bounded(blocks_of(packed), target, label, how.allowance, how.level)
    return ratings
