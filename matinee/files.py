"""Writing files: a bad name is refused before the work starts, and a file is complete or absent."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from matinee.errors import SettingError

PAGE_SUFFIXES = (".html", ".htm")

_KINDS = {
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new binary file that takes the place of `path` when the block ends without an error.

    It is written under an unpredictable temporary name in the same folder, flushed to the disk
    and renamed. If `path` is a symbolic link, the file that it points to is replaced, and the
    link stays.

    Raises:
        OSError: the file cannot be written, or `path` is a folder, a device, a pipe or a
            socket. The old file is unchanged, and no temporary file is left.
    """
    target = Path(os.path.realpath(path))
    _refuse_special(target)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}"
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        with suppress(OSError):  # after a success it no longer exists
            temporary.unlink()


def write_atomically(path: Path, payload: bytes) -> None:
    """Writes a file in one step, see `replacing`.

    Raises:
        OSError: as for `replacing`.
    """
    with replacing(path) as file:
        file.write(payload)


def special_kind(path: Path) -> str:
    """What stands at a path and must not be replaced: "a device", "a named pipe" or "a socket".

    Empty for a regular file, a folder, a link to either, and where nothing can be found.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    return _KINDS.get(stat.S_IFMT(mode), "")


def check_output_name(path: Path, what: str, suffixes: tuple[str, ...]) -> None:
    """Refuses, before the work starts, a name that nothing can be written to.

    Args:
        what: the kind of output, for the message, such as "figure".
        suffixes: the endings allowed, in lower case; the case of the name does not matter.

    Raises:
        SettingError: the name has none of the suffixes, its folder does not exist, or it is
            the name of a device, a pipe or a socket.
    """
    problem = _problem_of_name(path, suffixes)
    if problem:
        raise SettingError(f"Cannot write the {what} '{path}': {problem}.")


def _problem_of_name(path: Path, suffixes: tuple[str, ...]) -> str:
    formats = ", ".join(suffixes)
    if not path.suffix:
        return f"its name has no ending; use {formats}"
    if path.suffix.lower() not in suffixes:
        return f"'{path.suffix}' is not a supported format; use {formats}"
    if not path.absolute().parent.is_dir():
        return f"the folder '{path.parent}' does not exist; create it first"
    kind = special_kind(path)
    if kind:
        return f"it is {kind}, not a regular file; use another name"
    return ""


def check_page_name(path: Path) -> None:
    """Refuses, before the work starts, a name that no HTML page can be written to.

    Raises:
        SettingError: as for `check_output_name`.
    """
    check_output_name(path, "page", PAGE_SUFFIXES)


def _refuse_special(target: Path) -> None:
    if target.is_symlink():  # links are resolved already, so it leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(target))
    kind = special_kind(target)
    if kind:
        raise OSError(errno.EEXIST, f"it is {kind}, not a regular file", str(target))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
