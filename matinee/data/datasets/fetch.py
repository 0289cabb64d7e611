"""Downloads a data set into a cache folder and checks it against its published checksum.

Three environment variables say where things are:

- `MATINEE_DATA`: folders, separated as in PATH, that hold data sets such as `ml-1m/` or
  `ml-1m.zip`; they are searched first;
- `MATINEE_CACHE`: the folder for downloads, instead of the usual one of the operating system;
- `MATINEE_MIRROR`: a web address with the archives, instead of that of GroupLens.
"""

import os
import re
import time
import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import HTTPError, RequestException, SSLError

from matinee.data.datasets.registry import Entry, entry
from matinee.errors import DownloadError, SettingError

with warnings.catch_warnings():
    # In a notebook without ipywidgets, pooch's progress bar is text, and tqdm warns of that.
    warnings.filterwarnings("ignore", "IProgress not found")
    from pooch.core import retrieve
    from pooch.downloaders import HTTPDownloader
    from pooch.utils import get_logger, os_cache

if TYPE_CHECKING:
    from pooch.typing import Downloader


def cache_folder(cache: str | Path | None = None) -> Path:
    """The folder for downloads: the given one, else `MATINEE_CACHE`, else that of the
    system."""
    chosen = cache or os.environ.get("MATINEE_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    return Path(os_cache("matinee"))


def local_copy(name: str, cache: str | Path | None = None) -> Path | None:
    """The folder or zip of a data set on this machine; None without one, and for the
    sample."""
    known = entry(name)
    if not known.url:
        return None
    return local_copy_of(known, cache)


def data_folders() -> list[Path]:
    """The folders that MATINEE_DATA names."""
    texts = os.environ.get("MATINEE_DATA", "").split(os.pathsep)
    return [Path(os.path.expanduser(text)) for text in texts if text]


def local_copy_of(wanted: Entry, cache: str | Path | None = None) -> Path | None:
    """As `local_copy`, for any entry."""
    for folder in [*data_folders(), cache_folder(cache)]:
        for name in (wanted.name, wanted.folder):
            if name and (folder / name).is_dir():
                return folder / name
        if (folder / f"{wanted.name}.zip").is_file():
            return folder / f"{wanted.name}.zip"
    return None


def fetch(name: str, *, cache: str | Path | None = None, progress: bool = True) -> Path:
    """The folder or zip of a data set on this machine, downloaded if it is missing.

    Args:
        name: one of `names()`.
        cache: the folder to download to, which `load` does not search; None for
            `cache_folder()`.
        progress: show a progress bar on standard error.

    Raises:
        UnknownNameError: no data set has this name.
        SettingError: the sample is built in, so there is nothing to download.
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
    """As `fetch`, for any entry.

    At most `attempts` transfers are made, each from the start, `pause` seconds apart. The
    archive is a temporary file until it is complete and its checksum is right.
    """
    if not wanted.url:
        raise SettingError(f"'{wanted.name}' is built in: there is nothing to download.")
    found = local_copy_of(wanted, cache)
    if found:
        return found
    url, folder = _address(wanted), cache_folder(cache)
    reason = ""
    for attempt in range(attempts):
        if attempt > 0:
            time.sleep(pause)
        try:
            return _download(url, wanted, folder, progress)
        except (RequestException, ValueError) as error:
            reason = _reason(error)
            if _is_final(error):
                break
        except OSError as error:
            raise DownloadError(
                f"The cache folder {folder} cannot be written to ({error.strerror or error}). "
                "Make room there, or set MATINEE_CACHE to another folder."
            ) from None
    raise DownloadError(
        f"Could not download '{wanted.name}' from {url}: {reason}. Check the connection and try "
        "again, or download it by hand and set MATINEE_DATA to the folder that holds "
        f"{wanted.name}.zip."
    )


def _address(wanted: Entry) -> str:
    mirror = os.environ.get("MATINEE_MIRROR")
    if not mirror:
        return wanted.url
    if not mirror.startswith(("http://", "https://")):
        raise SettingError(
            f"MATINEE_MIRROR is '{mirror}', which does not start with http:// or https://."
        )
    return f"{mirror.rstrip('/')}/{wanted.name}.zip"


def _is_final(error: Exception) -> bool:
    """Whether the server refuses the request itself, so that another attempt is useless."""
    if not isinstance(error, HTTPError) or error.response is None:
        return False
    return error.response.status_code < 500


def _reason(error: Exception) -> str:
    """Why a download failed, as part of a sentence."""
    if isinstance(error, SSLError):  # which is a NoConnection, too
        return "no secure connection to the server could be made"
    if isinstance(error, NoConnection):
        return "the server could not be reached, or stopped answering"
    if isinstance(error, HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} ({error.response.reason})"
    if isinstance(error, RequestException):
        return "the transfer broke off"
    return "what arrived does not match the published checksum"


def _download(url: str, wanted: Entry, folder: Path, progress: bool) -> Path:
    """One attempt; Pooch writes to a temporary file and renames it if the checksum is
    right."""
    folder.mkdir(parents=True, exist_ok=True)
    checksum = wanted.md5 or _published_md5(url)
    get_logger().setLevel("WARNING")  # the progress bar says enough
    downloader = HTTPDownloader(progressbar=progress, chunk_size=1 << 16)
    name, to_disk = f"{wanted.name}.zip", _ToDisk(downloader)
    return Path(retrieve(url, f"md5:{checksum}", fname=name, path=folder, downloader=to_disk))


class _ToDisk:
    """Downloads a file whose bytes are on the disk before it gets its name."""

    def __init__(self, downloader: "Downloader") -> None:
        self._downloader = downloader

    def __call__(
        self, fname: str, action: Any, pooch: Any, *, check_only: bool | None = None
    ) -> Any:
        """The parameters have the names that Pooch declares: the address, and the file."""
        del check_only  # for a question that is not asked here
        found = self._downloader(fname, action, pooch)
        with open(action, "rb+") as file:
            os.fsync(file.fileno())
        return found


def _published_md5(url: str) -> str:
    """The checksum beside an archive, in the format of either `md5` or `md5sum`."""
    text = BytesIO()
    HTTPDownloader()(f"{url}.md5", text, None)
    found = re.search(rb"\b[0-9a-f]{32}\b", text.getvalue().lower())
    if found is None:
        raise ValueError(f"{url}.md5 holds no checksum")
    return found.group().decode()
