"""Data sets by name: the built-in sample, and MovieLens as GroupLens publishes it.

`load` reads whatever a person gives as data. It never downloads: `fetch` does, into a cache folder, and
checks the archive against its published checksum. Three environment variables say where things are:

- `MATINEE_DATA`: folders (separated as in PATH) that hold data sets, as `ml-1m/` or `ml-1m.zip`; tried first;
- `MATINEE_CACHE`: the folder that `fetch` downloads into, instead of the usual one of the operating system;
- `MATINEE_MIRROR`: a web address that holds the archives, instead of GroupLens's own.
"""

import os
import re
import time
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from pooch.core import retrieve
from pooch.downloaders import HTTPDownloader
from pooch.utils import get_logger, os_cache
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import HTTPError, RequestException, SSLError

from matinee.errors import DataError, DownloadError, SettingError, UnknownNameError
from matinee.read_options import DEFAULT_OPTIONS, ReadOptions
from matinee.readers import Dataset, read
from matinee.sample import sample_ratings
from matinee.text import did_you_mean

GROUPLENS = "https://files.grouplens.org/datasets/movielens"

CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"
)

SIMULATED = "The films of the sample are real, its viewers are simulated."

_CLOSED = "Research use only; no redistribution and no commercial use without permission from GroupLens."
_OPEN = "Research use; redistribution under the same terms; no commercial use without permission from GroupLens."


@dataclass(frozen=True)
class Entry:
    """What is known of a data set before it is on this machine.

    Attributes:
        name: what people type.
        url: the archive at GroupLens; empty for the sample, which is built in.
        md5: the published checksum of the archive; None: it is in the file `url` + ".md5".
        megabytes: size of the archive in 10^6 bytes, rounded.
        n_ratings, n_users, n_items: counts in the ratings table; films without a rating are not counted.
        scale: lowest, highest and step of the stars.
        licence, citation: what using it asks of you; the archive's README is what counts.
        folder: the name of the folder inside the archive, where it differs from the name.
    """

    name: str
    url: str
    md5: str | None
    megabytes: int
    n_ratings: int
    n_users: int
    n_items: int
    scale: str
    licence: str
    citation: str = CITATION
    folder: str = ""


def _movielens(
    name: str, md5: str | None, megabytes: int, counts: tuple[int, int, int], half: bool, folder: str = ""
) -> Entry:
    is_old = name in {"ml-100k", "ml-1m", "ml-10m"}
    return Entry(
        name=name,
        url=f"{GROUPLENS}/{name}.zip",
        md5=md5,
        megabytes=megabytes,
        n_ratings=counts[0],
        n_users=counts[1],
        n_items=counts[2],
        scale="0.5 to 5 in steps of 0.5" if half else "1 to 5 in steps of 1",
        licence=_CLOSED if is_old else _OPEN,
        folder=folder or name,
    )


# The two "latest" sets change now and then; their counts are those of the editions of 2018-09 and 2023-07.
ENTRIES = (
    Entry(
        name="sample",
        url="",
        md5=None,
        megabytes=0,
        n_ratings=99_136,
        n_users=2_000,
        n_items=340,
        scale="0.5 to 5 in steps of 0.5",
        licence="Part of matinee: real films, simulated viewers; the same licence.",
        citation="",
    ),
    _movielens("ml-100k", "0e33842e24a9c977be4e0107933c0723", 5, (100_000, 943, 1_682), False),
    _movielens("ml-1m", "c4d9eecfca2ab87c1945afe126590906", 6, (1_000_209, 6_040, 3_706), False),
    _movielens("ml-10m", "ce571fd55effeba0271552578f2648bd", 66, (10_000_054, 69_878, 10_677), True, "ml-10M100K"),
    _movielens("ml-20m", "cd245b17a1ae2cc31bb14903e1204af3", 199, (20_000_263, 138_493, 26_744), True),
    _movielens("ml-25m", "6b51fb2759a8657d3bfcbfc42b592ada", 262, (25_000_095, 162_541, 59_047), True),
    _movielens("ml-32m", "d472be332d4daa821edc399621853b57", 239, (32_000_204, 200_948, 84_432), True),
    _movielens("ml-latest-small", None, 1, (100_836, 610, 9_724), True),
    _movielens("ml-latest", None, 351, (33_832_162, 330_975, 83_239), True),
)


def names() -> list[str]:
    """The names that `load` and `fetch` know, the sample first."""
    return [known.name for known in ENTRIES]


def entry(name: str) -> Entry:
    """What is known of a data set.

    Raises:
        UnknownNameError: there is none of this name; the message suggests the nearest ones.
    """
    for known in ENTRIES:
        if known.name == name:
            return known
    hint = did_you_mean(name, names())
    raise UnknownNameError(f"no data set '{name}'.{hint} Type 'matinee data list' to see them all.")


def cache_folder(cache: str | Path | None = None) -> Path:
    """The folder for downloads: the given one, else `MATINEE_CACHE`, else the system's usual one."""
    chosen = cache or os.environ.get("MATINEE_CACHE")
    return Path(os.path.expanduser(chosen)) if chosen else Path(os_cache("matinee"))


def local_copy(name: str, cache: str | Path | None = None) -> Path | None:
    """The folder or zip of a data set on this machine; None if there is none, or for the built-in sample."""
    known = entry(name)
    return _local(known, cache) if known.url else None


def data_folders() -> list[Path]:
    """The folders that MATINEE_DATA names."""
    texts = os.environ.get("MATINEE_DATA", "").split(os.pathsep)
    return [Path(os.path.expanduser(text)) for text in texts if text]


def _local(wanted: Entry, cache: str | Path | None) -> Path | None:
    for folder in [*data_folders(), cache_folder(cache)]:
        for inside in dict.fromkeys((wanted.name, wanted.folder)):
            if (folder / inside).is_dir():
                return folder / inside
        if (folder / f"{wanted.name}.zip").is_file():
            return folder / f"{wanted.name}.zip"
    return None


def fetch(name: str, *, cache: str | Path | None = None, progress: bool = True) -> Path:
    """The folder or zip of a data set on this machine, downloaded if it is not here yet.

    Args:
        name: one of `names()`.
        cache: the folder to download into; None: see `cache_folder`. `load` looks into the latter only.
        progress: show a progress bar on standard error.

    Raises:
        UnknownNameError: no data set has this name.
        SettingError: the sample is built in, so there is nothing to fetch.
        DownloadError: there is no connection, no such file on the server, or a wrong checksum.
    """
    return fetch_entry(entry(name), cache=cache, progress=progress)


def fetch_entry(
    wanted: Entry,
    *,
    cache: str | Path | None = None,
    progress: bool = True,
    attempts: int = 3,
    pause: float = 2.0,
) -> Path:
    """As `fetch`, for any entry: at most `attempts` transfers, each from the start, `pause` seconds apart.

    The archive gets its name only when it is whole and its checksum is right; before, it is a temporary file.
    """
    if not wanted.url:
        raise SettingError(f"'{wanted.name}' is built in, so there is nothing to fetch: use it as it is.")
    found = _local(wanted, cache)
    if found:
        return found
    url, folder = _address(wanted), cache_folder(cache)
    reason = ""
    for attempt in range(attempts):
        time.sleep(pause if attempt else 0)
        try:
            return _download(url, wanted, folder, progress)
        except (RequestException, ValueError) as error:
            reason = _reason(error)
            if isinstance(error, HTTPError) and error.response is not None and error.response.status_code < 500:
                break  # asking again does not help
        except OSError as error:
            raise DownloadError(
                f"The cache folder {folder} cannot be written to ({error.strerror or error}). "
                "Make room there, or set MATINEE_CACHE to another folder."
            ) from None
    raise DownloadError(
        f"Could not download '{wanted.name}' from {url}: {reason}. Check the connection and try again, or "
        f"download it by hand and set MATINEE_DATA to the folder that holds {wanted.name}.zip."
    )


def _address(wanted: Entry) -> str:
    mirror = os.environ.get("MATINEE_MIRROR")
    if not mirror:
        return wanted.url
    if not mirror.startswith(("http://", "https://")):
        raise SettingError(f"MATINEE_MIRROR is '{mirror}', which does not start with http:// or https://.")
    return f"{mirror.rstrip('/')}/{wanted.name}.zip"


def _reason(error: Exception) -> str:
    """Why a download failed, as part of a sentence. The order matters: the first is a kind of the second."""
    if isinstance(error, SSLError):
        return "no secure connection to the server could be made"
    if isinstance(error, NoConnection):
        return "the server could not be reached, or stopped answering"
    if isinstance(error, HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} ({error.response.reason})"
    if isinstance(error, RequestException):
        return "the transfer broke off"
    return "what arrived does not match the published checksum"


def _download(url: str, wanted: Entry, folder: Path, progress: bool) -> Path:
    """One attempt. Pooch writes to a temporary file and renames it when the checksum is right."""
    folder.mkdir(parents=True, exist_ok=True)
    checksum = wanted.md5 or _published_md5(url)
    get_logger().setLevel("WARNING")  # the progress bar says enough
    downloader = HTTPDownloader(progressbar=progress, chunk_size=1 << 16)  # type: ignore[no-untyped-call]
    name = f"{wanted.name}.zip"
    return Path(retrieve(url, f"md5:{checksum}", fname=name, path=folder, downloader=downloader))


def _published_md5(url: str) -> str:
    """The checksum that stands beside an archive, in the form of either `md5` or `md5sum`."""
    text = BytesIO()
    HTTPDownloader()(f"{url}.md5", text, None)  # type: ignore[no-untyped-call]
    found = re.search(rb"\b[0-9a-f]{32}\b", text.getvalue().lower())
    if found is None:
        raise ValueError(f"{url}.md5 holds no checksum")
    return found.group().decode()


def load(data: object, options: ReadOptions = DEFAULT_OPTIONS) -> Dataset:
    """The ratings and titles of whatever is given as data.

    Args:
        data: a name of `names()`; the path of a file, a MovieLens folder or a zip; a database address; or a
            data frame. A text that is the name of a data set means the data set: to mean a file or folder of
            the same name write "./ml-1m". A `Path` is always a path.
        options: which columns hold what, and what to do with bad rows.

    Raises:
        UnknownNameError: there is neither a file nor a data set of this name.
        DataError: the data set is not on this machine, or there is no usable table at that path.
        SettingError: options that do not fit the data.
    """
    if isinstance(data, str) and "://" not in data:
        if data in names():
            return _load_named(entry(data), options)
        data = os.path.expanduser(data)
        if os.path.basename(data) == data and not os.path.exists(data):
            raise UnknownNameError(_neither(data))
    return read(data, options)


def _load_named(wanted: Entry, options: ReadOptions) -> Dataset:
    if wanted.name == "sample":
        if replace(options, skip_bad_rows=False) != DEFAULT_OPTIONS:
            raise SettingError("The sample is built in: leave out the options that say how to read a table.")
        ratings, catalogue = sample_ratings()
        return Dataset("sample", ratings, catalogue, note=SIMULATED)
    found = _local(wanted, None)
    if found is None:
        raise DataError(
            f"The data set '{wanted.name}' is not on this machine. Type 'matinee data fetch {wanted.name}' "
            f"(it downloads about {wanted.megabytes} MB), or set MATINEE_DATA to a folder that holds "
            f"{wanted.name}/ or {wanted.name}.zip."
        )
    return replace(read(found, options), name=wanted.name)


def _neither(text: str) -> str:
    hint = did_you_mean(text, [*names(), *os.listdir()])
    return (
        f"there is neither a file nor a data set '{text}'.{hint} Give the path of a ratings table, or type "
        "'matinee data list' to see the data sets."
    )
