"""Writing files: a bad place is refused before the work, and a file is complete or absent."""

import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from matinee.errors import SettingError

PAGE_SUFFIXES = (".html", ".htm")
MAX_NAME_PART = 50
"""Letters of a file's name in that of its temporary: at most 200 bytes."""

FULL = (errno.ENOSPC, errno.EDQUOT)

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
    and renamed; a file that is replaced passes on its permissions. If `path` is a symbolic link,
    the file that it points to is replaced, and the link stays. Every file that matinee writes
    for people goes through here.

    Raises:
        OSError: the file cannot be written, or `path` is a folder, a device, a pipe or a
            socket. The old file is unchanged, and no temporary file is left, as after any other
            exception in the block, such as KeyboardInterrupt.
    """
    target = Path(os.path.realpath(path))
    _refuse_special(target)
    beginning = target.name[:MAX_NAME_PART]  # the longest names have no room for the rest
    temporary = target.parent / f".{beginning}.{secrets.token_hex(4)}"
    try:
        with temporary.open("xb") as file:
            with suppress(OSError):  # there is no old file, or nothing to pass on
                shutil.copymode(target, temporary)
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


def put_in_place(source: Path, target: Path) -> None:
    """Gives a complete file, or a folder, the name of another in the same folder, which it
    replaces; links are followed."""
    os.replace(source, os.path.realpath(target))


def special_kind(path: Path) -> str:
    """What stands at a path and must not be replaced: "a device", "a named pipe" or "a socket".

    Empty for a regular file, a folder, a link to either, and where nothing can be found.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return ""
    return _KINDS.get(stat.S_IFMT(mode), "")


def problem_of_place(path: Path, inputs: Iterable[str | Path | None] = ()) -> str:
    """Why no file can be written to a path, as part of a sentence; empty if one can.

    It changes nothing, so that a command can ask before it reads and trains.

    Args:
        inputs: the files that the command reads; what is None or not a file does not count.
    """
    try:
        target = Path(os.path.realpath(path))
        kind = special_kind(target)
        if kind:
            return f"it is {kind}, not a regular file; use another name"
        if target.is_dir():
            return "it is a folder; add the name of a file"
        if target.is_symlink():  # links are resolved already
            return "it is a link to itself; use another name"
        if not target.parent.is_dir():
            return f"the folder '{path.parent}' does not exist; create it first"
        target.stat()  # a name that is too long is an error
    except FileNotFoundError:
        pass
    except ValueError:
        return "its name contains a null character"
    except OSError as error:
        return reason_of(error)
    if not os.access(target.parent, os.W_OK | os.X_OK):
        return f"no file can be created in the folder '{path.parent}'; use another folder"
    if any(_is_same_file(target, given) for given in inputs):
        return "it is an input of the same command; use another name"
    return ""


def _is_same_file(target: Path, given: str | Path | None) -> bool:
    try:
        return given is not None and os.path.samefile(target, given)
    except (OSError, ValueError):  # one of them does not exist, or is a URL
        return False


def reason_of(error: Exception) -> str:
    """Why a file could not be written, as part of a sentence, with what to do on a full disk.

    Args:
        error: an OSError, or an error of a library that quotes one, as those of Polars do.
    """
    number = getattr(error, "errno", None)
    quoted = re.search(r"\(os error (\d+)\)", str(error))
    if number is None and quoted:
        number = int(quoted[1])
    if number in FULL:
        return "the disk is full; free some space on it"
    if number == errno.EFBIG:
        return "it is larger than a file may be here (see ulimit -f)"
    return getattr(error, "strerror", None) or str(error).rstrip(".")


def check_output_name(
    path: Path, what: str, suffixes: tuple[str, ...], inputs: Iterable[str | Path | None] = ()
) -> None:
    """Refuses, before the work starts, a name that nothing can be written to.

    Args:
        what: the kind of output, for the message, such as "figure".
        suffixes: the endings allowed, in lower case; the case of the name does not matter.
        inputs: as for `problem_of_place`.

    Raises:
        SettingError: the name has none of the suffixes, or there is a problem with the place
            (`problem_of_place`): its folder does not exist, it is a device, and so on.
    """
    problem = _problem_of_suffix(path, suffixes) or problem_of_place(path, inputs)
    if problem:
        raise SettingError(f"Cannot write the {what} '{path}': {problem}.")


def _problem_of_suffix(path: Path, suffixes: tuple[str, ...]) -> str:
    formats = ", ".join(suffixes)
    if not path.suffix:
        return f"its name has no ending; use {formats}"
    if path.suffix.lower() not in suffixes:
        return f"'{path.suffix}' is not a supported format; use {formats}"
    return ""


def check_page_name(path: Path, inputs: Iterable[str | Path | None] = ()) -> None:
    """Refuses, before the work starts, a name that no HTML page can be written to.

    Raises:
        SettingError: as for `check_output_name`.
    """
    check_output_name(path, "page", PAGE_SUFFIXES, inputs)


def _refuse_special(target: Path) -> None:
    if target.is_symlink():  # links are resolved already, so it leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(target))
    kind = special_kind(target)
    if kind:
        raise OSError(errno.EEXIST, f"it is {kind}, not a regular file", str(target))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
