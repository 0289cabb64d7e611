"""Downloads a data set into a cache folder and checks it against its published checksum.

Three environment variables say where things are:

- `MATINEE_DATA`: folders (separated as in PATH) that hold data sets, as `ml-1m/` or `ml-1m.zip`; searched first;
- `MATINEE_CACHE`: the folder that `fetch` downloads into, instead of the usual one of the operating system;
- `MATINEE_MIRROR`: a web address that holds the archives, instead of GroupLens's own.
"""

import os
import re
import time
from io import BytesIO
from pathlib import Path

from pooch.core import retrieve
from pooch.downloaders import HTTPDownloader
from pooch.utils import get_logger, os_cache
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import HTTPError, RequestException, SSLError

from matinee.data.datasets.registry import Entry, entry
from matinee.errors import DownloadError, SettingError


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
