"""Writes a ratings folder from a table of any size, whole or not at all."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from matinee._types import Arrays
from matinee._version import __version__
from matinee.data.catalog import Catalog
from matinee.data.features import Features
from matinee.data.packing import pack_catalog, pack_features, pack_ids
from matinee.data.ratings import Scale
from matinee.data.reading.summary import ReadingSummary
from matinee.data.stored.folder import HEADER, KIND, VERSION
from matinee.data.stored.grouping import TableRows, group_by_item, group_by_user
from matinee.data.vocabulary import Vocabulary
from matinee.errors import SettingError, UnsupportedError
from matinee.files import problem_of_place, put_in_place, reason_of, write_atomically
from matinee.progress import Progress, Step
from matinee.scratch import Scratch, mapped, reserve

_HEADER_BYTES = 128
"""Of an .npy file with one dimension, however long."""


@dataclass(frozen=True, eq=False)
class Contents:
    """What a folder holds besides the ratings themselves.

    Attributes:
        name, note: as in `Dataset`.
        users, items, scale: as in `Ratings`.
        has_item_features: whether `Ratings.item_features` are those of the catalog.
    """

    name: str
    users: Vocabulary
    items: Vocabulary
    scale: Scale
    catalog: Catalog
    user_features: Features | None
    has_item_features: bool
    note: str = ""
    n_duplicates: int = 0
    n_bad_rows: int = 0


def check_folder_name(path: Path) -> None:
    """Refuses, before the data are read, a name that no folder can be written to.

    Raises:
        SettingError: something of this name exists.
        UnsupportedError: no folder can be made there.
    """
    if path.exists():
        raise SettingError(f"'{path}' exists already; remove it or give another path.")
    problem = problem_of_place(path)
    if problem:
        raise UnsupportedError(f"Cannot write '{path}': {problem}.")


class FolderWriter:
    """A folder that is being written under another name.

    To be used in `writing`. First `add_ratings`, then `finish`.
    """

    def __init__(self, folder: Path, progress: Progress | None) -> None:
        self.folder, self._progress = folder, progress
        self._entries: dict[str, tuple[str, int]] = {}
        self.scratch = Scratch(folder, "Free some space there, or write to another disk.")

    def add_ratings(
        self, given: list[TableRows], n_users: int, n_items: int, *, adds: bool
    ) -> TableRows:
        """Writes rows in any order, grouped by user and by item, and returns them by user.

        Args:
            given: a list of one, which is emptied: rows that nothing else refers to leave the
                disk once they are grouped.
            adds: whether the values of several rows of a pair are added up; else the last counts.
        """
        n_given = len(given[0].user)
        counter = _Counter(2 * n_given, self._progress)
        by_user = group_by_user(
            given.pop(),
            n_users,
            adds=adds,
            place=self._place,
            scratch=self.scratch,
            report=counter.add,
        )
        n = len(by_user)
        counter.total = n_given + n
        by_item = group_by_item(
            by_user, n_items, place=self._place, scratch=self.scratch, report=counter.add
        )
        for name in list(self._entries):
            self._cut(name, n)
        self._save({"user_indptr": by_user.indptr, "item_indptr": by_item.indptr})
        user, item, value, time = by_user.rows
        return TableRows(user[:n], item[:n], value[:n], None if time is None else time[:n])

    def finish(self, contents: Contents, summary: ReadingSummary | None) -> None:
        """Writes all but the ratings."""
        self._save(pack_ids(contents.users.ids, "users") | pack_ids(contents.items.ids, "items"))
        self._save(pack_features(contents.user_features, "user_features"))
        if contents.catalog:
            self._save(pack_catalog(contents.catalog))
        header = {
            "format": KIND,
            "version": VERSION,
            "written_by": __version__,
            "name": contents.name,
            "n_ratings": self._entries["user_index"][1],
            "n_users": len(contents.users),
            "n_items": len(contents.items),
            "scale": list(contents.scale),
            "n_duplicates": contents.n_duplicates,
            "n_bad_rows": contents.n_bad_rows,
            "note": contents.note,
            "has_titles": bool(contents.catalog),
            "has_item_features": contents.has_item_features,
            "summary": None if summary is None else summary.to_dict(),
            "arrays": self._entries,
        }
        text = json.dumps(header, indent=1, default=str)
        write_atomically(self.folder / HEADER, text.encode())

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def _place(self, name: str, n: int, dtype: DTypeLike) -> NDArray[Any]:
        """An array in a new file of the folder."""
        with self._path(name).open("xb+") as file:
            reserve(file, _HEADER_BYTES + n * np.dtype(dtype).itemsize)
            self._write_header(file, name, n, np.dtype(dtype))
            return mapped(file, n, dtype, _HEADER_BYTES)

    def _write_header(self, file: Any, name: str, n: int, dtype: np.dtype[Any]) -> None:
        file.seek(0)
        described = {"descr": dtype.str, "fortran_order": False, "shape": (n,)}
        np.lib.format.write_array_header_1_0(file, described)
        assert file.tell() == _HEADER_BYTES
        file.flush()
        self._entries[name] = (dtype.str, n)

    def _cut(self, name: str, n: int) -> None:
        """Cuts a file to n elements, and waits until it is on the disk."""
        dtype = np.dtype(self._entries[name][0])
        with self._path(name).open("rb+") as file:
            self._write_header(file, name, n, dtype)
            file.truncate(_HEADER_BYTES + n * dtype.itemsize)
            os.fsync(file.fileno())

    def _save(self, arrays: Arrays) -> None:
        for name, array in arrays.items():
            self._place(name, len(array), array.dtype)[:] = array
            self._cut(name, len(array))


@contextmanager
def writing(target: Path, progress: Progress | None = None) -> Iterator[FolderWriter]:
    """A writer of a folder, which gets its name when the block ends without an error.

    Raises:
        SettingError, UnsupportedError: as for `check_folder_name`; or the disk is full.
    """
    check_folder_name(target)
    temporary = target.parent / f".{target.name[:50]}.{secrets.token_hex(4)}"
    try:
        temporary.mkdir()
        yield FolderWriter(temporary, progress)
        put_in_place(temporary, target)
    except OSError as error:
        raise UnsupportedError(f"Cannot write '{target}': {reason_of(error)}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # after a success it no longer exists


class _Counter:
    """Reports rows as they are grouped."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self._done, self._progress = total, 0, progress

    def add(self, n: int) -> None:
        self._done += n
        if self._progress is not None:
            done, total = self._done // 2, self.total // 2
            self._progress(Step(self._done, self.total, f"{done:,} of {total:,} rows sorted"))
