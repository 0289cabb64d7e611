"""How a command ends early: told to stop by a signal, or with a disk that is full."""

import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType

from matinee.files import FULL
from matinee.progress import Progress, Step

SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""What ends a process unless it does something about it; Python does so for SIGINT alone."""


class Stopped(SystemExit):
    """The process was told to stop by a signal.

    Attributes:
        number: that of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


@contextlib.contextmanager
def cleaning_up() -> Iterator[None]:
    """SIGTERM and SIGHUP become an exception in the block, so that temporary files are removed.

    Afterwards the process ends by the signal, as it would have without this. A signal that the
    caller has ignored, as `nohup` does, stays ignored; in another thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, _stop)
    ending = 0
    try:
        yield
    except Stopped as stopped:
        ending = stopped.number
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if ending:  # the exception is gone, and with it all that its frames held
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        if ending == signal.SIGINT:  # Python's handler would only raise KeyboardInterrupt
            signal.signal(ending, signal.SIG_DFL)
        os.kill(os.getpid(), ending)


@contextlib.contextmanager
def after_the_epoch(progress: Progress | None, tell: Callable[[str], None]) -> Iterator[Progress]:
    """SIGINT, SIGTERM and SIGHUP in the block are heeded when progress is reported next, so that
    the training can save its state. A second signal ends the block at once.

    Args:
        progress: what the result calls, too.
        tell: called with a sentence when the first signal comes.

    Yields:
        A callback that raises `Stopped` after a signal.
    """
    received: list[int] = []

    def heed(number: int, frame: FrameType | None) -> None:
        if received:
            _stop(number, frame)
        received.append(number)
        tell("Stopping after this epoch; a second signal stops at once.")

    def report(step: Step) -> None:
        if progress is not None:
            progress(step)
        if received:
            raise Stopped(received[0])

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, *SIGNALS):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, heed)
    try:
        yield report
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # a second one must not interrupt the cleaning up
    raise Stopped(number)


def sentence_on_full_disk(error: OSError) -> str:
    """What to do about a disk that is full or fails; empty for any other error."""
    if error.errno not in (*FULL, errno.EIO):
        return ""
    if _is_of_compiled_code(error.__traceback__):
        from matinee.kernels import kernel_cache

        return (
            f"The folder of the compiled kernels, '{kernel_cache()}', cannot be written to: "
            f"{error.strerror}. Free some space there, or set NUMBA_CACHE_DIR to another folder."
        )
    place = f" '{error.filename}'" if error.filename else ""
    return f"Cannot write the output{place}: {error.strerror}."


def _is_of_compiled_code(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__", "").startswith("numba."):
            return True
        traceback = traceback.tb_next
    return False
