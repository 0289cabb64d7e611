"""A command that runs out of memory says so in one sentence, with an estimate of what it needs.

Python and NumPy raise an exception. Compiled libraries (Polars, LLVM) end the process instead,
where the memory is limited by `ulimit -v`. So the command then runs in a child process, and its
parent, which needs next to nothing, says what happened.
"""

import contextlib
import errno
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from matinee.errors import MatineeError, ModelFileError

PROGRAM_GB = 0.3
"""Memory of a command on a small table: Python, the libraries and the compiled kernels."""
RESERVED_GB = 1.5
"""Address space that libraries reserve for their threads besides, which counts for `ulimit -v`."""
BYTES_PER_BYTE = 20
"""Memory for each byte of a table of text, with the most users and items that one may have."""
PATIENCE = 10
"""Seconds in which a command that was told to stop must end."""
OUT_OF_MEMORY = 77
"""The exit status of a child that noticed it; its parent says so and ends with 1."""
UNPACKED = {".gz": 4, ".bz2": 5, ".xz": 5, ".zst": 4, ".zip": 4, ".parquet": 4}
"""How much longer a table is as text."""

_SIGNS = re.compile(
    r"out of memory|memory allocation|unable to allocate|can(?:no|')t allocate memory"
    r"|failed to map segment|can't start new thread|not enough memory"
    r"|find/load shared object",
    re.IGNORECASE,
)
_PASSED_ON = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_FATAL = (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV, signal.SIGKILL)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that led to it, says that memory ran out.

    Errors of model files do not count: a damaged one may ask for any amount.
    """
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ModelFileError):
        if isinstance(seen, MemoryError) or getattr(seen, "errno", None) == errno.ENOMEM:
            return True
        is_own = isinstance(seen, MatineeError | click.ClickException)
        if not is_own and _SIGNS.search(str(seen)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def sentence(arguments: Iterable[str]) -> str:
    """What a command that ran out of memory needs, and what would make that smaller.

    Args:
        arguments: of the command line; those that name files and folders count.
    """
    n_bytes = sum(_bytes_as_text(argument) for argument in arguments)
    needed = PROGRAM_GB + BYTES_PER_BYTE * n_bytes / 1e9
    limit = _address_space_limit()
    allowed, remedy = "more than this machine has free", "a machine with more memory"
    if limit:
        needed += RESERVED_GB
        allowed = f"and {limit / 1e9:.1f} GB are allowed (ulimit -v)"
        remedy = "a higher limit"
    return (
        f"Out of memory: up to about {needed:.1f} GB are needed for {n_bytes / 1e6:,.1f} MB of "
        f"files and a model of the usual size, {allowed}. Use fewer rows, a smaller model (such as "
        f"--model mf --set factors=16), fewer threads, or {remedy}."
    )


def _bytes_as_text(argument: str) -> int:
    """The size of the table that an argument names, if it were text; 0 if it names none."""
    path = Path(argument)
    try:
        files = [path]
        if path.is_dir():
            files = list(path.iterdir())
        sizes = [
            file.stat().st_size * UNPACKED.get(file.suffix.lower(), 1)
            for file in files
            if file.is_file()
        ]
        return max(sizes, default=0)  # the ratings are the largest file of a folder
    except (OSError, ValueError):
        return 0


def _address_space_limit() -> int:
    """In bytes; 0 without a limit, and where there is no such thing."""
    if sys.platform == "win32":
        return 0
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return 0 if limit == resource.RLIM_INFINITY else limit


def needs_watching(arguments: Iterable[str]) -> bool:
    """Whether a command may end without an exception when it runs out of memory.

    A server does not count: it has its own supervisor.
    """
    has_server = any(argument in ("serve", "--serve") for argument in arguments)
    return sys.platform == "linux" and _address_space_limit() > 0 and not has_server


def run_watched() -> int | None:
    """Continues in a child process: None there, and its exit status in the parent.

    The parent passes on the signals that it gets alone; those of a terminal reach the child
    anyway. What libraries write to the child's standard error file, such as where an allocation
    failed, is held back until it ends, and dropped if it ran out of memory. Its temporary files
    are removed in any case.

    Raises:
        MemoryError: in the parent: the child died, most likely because memory ran out.
    """
    assert sys.platform == "linux"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*_PASSED_ON, signal.SIGCHLD})
    held_back, folder = tempfile.TemporaryFile(), tempfile.mkdtemp(prefix="matinee-")  # noqa: SIM115
    parent, child = os.getpid(), os.fork()
    if child == 0:
        _end_with(parent)
        tempfile.tempdir = folder
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        os.dup2(held_back.fileno(), 2)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return None
    try:
        status = _wait_for(child)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    code = os.waitstatus_to_exitcode(status)  # of a signal: its number, negative
    held_back.seek(0)
    with held_back:
        told = held_back.read()
    # OpenBLAS ends the process with status 1 and a message.
    has_said_so = code != 0 and _SIGNS.search(told.decode("utf-8", "replace")) is not None
    if has_said_so or code == OUT_OF_MEMORY or -code in _FATAL:
        raise MemoryError
    with contextlib.suppress(OSError):
        os.write(2, told)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _wait_for(child: int) -> int:
    """The status with which a child ends; it is killed if it does not end in time when told to."""
    assert sys.platform == "linux"
    is_told = False
    while True:
        # Without a limit, a library that is out of memory may retry for ever.
        seconds = PATIENCE if is_told else 86_400
        told = signal.sigtimedwait({*_PASSED_ON, signal.SIGCHLD}, seconds)
        if told is None and is_told:
            os.kill(child, signal.SIGKILL)
        elif told is not None and told.si_signo != signal.SIGCHLD and told.si_code <= 0:
            # Sent by a process; the kernel sends those of a terminal to the child as well.
            os.kill(child, told.si_signo)
            is_told = True
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status


def _end_with(parent: int) -> None:
    """Ends this process when its parent is killed."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)
