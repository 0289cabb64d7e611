"""A ratings folder: plain .npy files and a header in JSON, mapped into memory when it is opened.

    ratings.json        versions, sizes, scale, and the type and length of each array
    user_index.npy      (N,) int32, ascending       item_indptr.npy  (I + 1,) int64
    user_items.npy      (N,) int32, ascending       item_users.npy   (N,) int32, ascending
                        within a user                                within an item
    user_values.npy     (N,) float32                item_values.npy  (N,) float32
    user_times.npy      (N,) int64, if any          item_order.npy   (N,) int32, or int64 from
    user_indptr.npy     (U + 1,) int64                               2^31 ratings on: the place
                                                                     of the rating by user
    users.npy, items.npy, and *.text.npy with *.ends.npy for texts: ids, titles, features

Opening checks the header, the type and length of each array, and all that is as long as the users
or items. What is as long as the ratings is checked before a training uses it
(`Ratings.check_indices`).
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matinee._types import Arrays
from matinee.array_checks import check_indptr
from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.packing import unpack_catalog, unpack_features, unpack_ids
from matinee.data.ratings import Grouped, Ratings, Scale, Stored
from matinee.data.reading.summary import ReadingSummary, ScaleEnds, TimeSpan
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError, MatineeError

SUFFIX = ".ratings"
HEADER, KIND, VERSION = "ratings.json", "matinee ratings", 1
MOST_LETTERS = 1_000_000
"""Of the header."""
_BY_USER = {"user_index": "<i4", "user_items": "<i4", "user_values": "<f4"}
_BY_ITEM = {"item_users": "<i4", "item_values": "<f4"}
_TIMES, _ORDER = "user_times", "item_order"
_UNUSABLE = (AttributeError, LookupError, TypeError, ValueError, OverflowError)
"""What a header with unexpected values may raise."""


class Sizes(NamedTuple):
    """How many ratings, users and items there are."""

    n_ratings: int
    n_users: int
    n_items: int


def is_ratings_folder(path: Path) -> bool:
    """Whether a path is a ratings folder, or looks like one."""
    try:
        with (path / HEADER).open("rb") as file:
            return KIND.encode() in file.read(200)
    except (OSError, ValueError):
        return False


def open_folder(path: Path) -> Dataset:
    """The data set in a ratings folder; its columns stay on the disk.

    Raises:
        DataError: a file is missing, truncated or foreign, or the folder is of a newer version.
    """
    try:
        header = _header(path)
        return _dataset(path, header, _arrays(path, header))
    except MatineeError as error:
        raise DataError(f"The ratings folder {path} cannot be used: {error}") from error
    except OSError as error:
        raise DataError(
            f"The ratings folder {path} cannot be read: {error.strerror or error}."
        ) from error
    except _UNUSABLE as error:
        raise DataError(
            f"The ratings folder {path} cannot be used: its {HEADER} is damaged. Convert the "
            "ratings again."
        ) from error


def _header(path: Path) -> dict[str, Any]:
    with (path / HEADER).open(encoding="utf-8") as file:
        text = file.read(MOST_LETTERS + 1)
    header: dict[str, Any] = json.loads(text)
    if header["format"] != KIND or len(text) > MOST_LETTERS:
        raise ValueError
    if header["version"] > VERSION:
        raise DataError(
            f"it was written by matinee {header['written_by']}, which is newer than this one. "
            "Update:  pip install --upgrade matinee"
        )
    return header


def _arrays(path: Path, header: dict[str, Any]) -> Arrays:
    """All arrays of the folder, as the header describes them."""
    found: Arrays = {}
    for name, (dtype, length) in header["arrays"].items():
        file = path / f"{name}.npy"
        if Path(name).name != name or not file.is_file():
            raise DataError(f"{name}.npy is missing. Convert the ratings again.")
        try:
            array = np.lib.format.open_memmap(file, mode="r")
            is_sound = array.shape == (int(length),) and array.dtype == np.dtype(dtype)
            is_sound &= file.stat().st_size == array.offset + array.nbytes
        except (ValueError, EOFError):  # foreign, or shorter than its own header says
            is_sound = False
        if not is_sound:
            raise DataError(
                f"{name}.npy is truncated or not the file that was written. Convert the ratings "
                "again."
            )
        found[name] = np.asarray(array)
    return found


def _dataset(path: Path, header: dict[str, Any], arrays: Arrays) -> Dataset:
    sizes = Sizes(*(int(header[name]) for name in Sizes._fields))
    scale = Scale(*map(float, header["scale"]))
    if not scale.lowest <= scale.highest or sizes.n_ratings < 1:
        raise ValueError
    users = Vocabulary(_small(unpack_ids(arrays, "users")), "user")
    items = Vocabulary(_small(unpack_ids(arrays, "items")), "item")
    catalog = Catalog()
    if header["has_titles"]:
        catalog = unpack_catalog(arrays)
    item_features = None
    if header["has_item_features"]:
        item_features = catalog.features(items)
    ratings = replace(
        _ratings(path, arrays, sizes, scale, users, items),
        user_features=unpack_features(arrays, "user_features", sizes.n_users),
        item_features=item_features,
    )
    return Dataset(
        name=str(header["name"]),
        ratings=ratings,
        catalog=catalog,
        n_duplicates=int(header["n_duplicates"]),
        n_bad_rows=int(header["n_bad_rows"]),
        note=str(header["note"]),
        titles_file=path if catalog else None,
        summary=_summary(header["summary"]),
    )


def _small(array: Any) -> Any:
    """A copy in memory of what is as long as the users or items."""
    return np.array(array)


def _ratings(
    path: Path,
    arrays: Arrays,
    sizes: Sizes,
    scale: Scale,
    users: Vocabulary,
    items: Vocabulary,
) -> Ratings:
    n = sizes.n_ratings
    position = "<i4" if n < 2**31 else "<i8"
    columns = {**_BY_USER, **_BY_ITEM, _ORDER: position}
    if _TIMES in arrays:
        columns[_TIMES] = "<i8"
    for name, dtype in columns.items():
        if arrays[name].dtype != dtype or len(arrays[name]) != n:
            raise DataError(f"{name}.npy has another type or length than {n:,} ratings need.")
    starts = []
    for name, ids, n_groups in (
        ("user_indptr", users, sizes.n_users),
        ("item_indptr", items, sizes.n_items),
    ):
        indptr = np.array(arrays[name], np.int64)
        if len(indptr) != n_groups + 1 or len(ids) != n_groups:
            raise DataError(f"{name}.npy does not fit the number of ids.")
        check_indptr(f"{name}.npy", indptr, n)
        starts.append(indptr)
    by_user = Grouped(starts[0], arrays["user_items"], arrays["user_values"], None)
    by_item = Grouped(starts[1], arrays["item_users"], arrays["item_values"], arrays[_ORDER])
    return Ratings(
        users,
        items,
        arrays["user_index"],
        arrays["user_items"],
        arrays["user_values"],
        arrays.get(_TIMES),
        scale,
        stored=Stored(path, by_user, by_item),
    )


def _summary(stored: dict[str, Any] | None) -> ReadingSummary | None:
    """What `ReadingSummary.to_dict` gave, with the columns of the folder."""
    if stored is None:
        return None
    scale, times, liked = stored["scale"], stored["times"], stored["liked_from"]
    ends, span = None, None
    if scale is not None:
        ends = ScaleEnds(
            float(scale["lowest"]),
            int(scale["n_lowest"]),
            float(scale["highest"]),
            int(scale["n_highest"]),
        )
    if times is not None:
        span = TimeSpan(str(times["unit"]), str(times["first_day"]), str(times["last_day"]))
    return ReadingSummary(
        layout="a ratings folder",
        columns=(),
        unused=(),
        n_rows=int(stored["n_rows"]),
        scale=ends,
        times=span,
        n_liked=None if stored["n_liked"] is None else int(stored["n_liked"]),
        liked_from=None if liked is None else float(liked),
    )
