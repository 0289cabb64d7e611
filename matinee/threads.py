"""The number of cores that are used, and the threads that run the kernels."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from matinee.errors import SettingError

Run = Callable[[Callable[..., object], Sequence[tuple[object, ...]]], None]
"""Calls a function once with each tuple of arguments, and returns when all calls have finished."""


def available_cores() -> int:
    """The number of cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


@contextmanager
def workers(n_threads: int | None) -> Iterator[Run]:
    """A pool of threads for kernels that release the interpreter lock, while the context lasts.

    The calls work on separate parts of the data, so the result does not depend on the number
    of threads. Kernels call BLAS only inside `one_blas_thread`: its own threads would compete
    with these.

    Args:
        n_threads: None for all cores that the process may use.

    Raises:
        SettingError: the number is below 1.
    """
    if n_threads is not None and n_threads < 1:
        raise SettingError(f"The number of threads must be at least 1, not {n_threads}.")
    n_threads = n_threads or available_cores()
    if n_threads == 1:
        yield _run_in_this_thread
        return
    with ThreadPoolExecutor(n_threads) as pool:

        def run(function: Callable[..., object], calls: Sequence[tuple[object, ...]]) -> None:
            for future in [pool.submit(function, *arguments) for arguments in calls]:
                future.result()

        yield run


def _run_in_this_thread(
    function: Callable[..., object], calls: Sequence[tuple[object, ...]]
) -> None:
    for arguments in calls:
        function(*arguments)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limits BLAS and LAPACK to the calling thread, in the whole process, while the context lasts.

    For work that is divided among `workers`. It also keeps results
    reproducible: with another number of threads, BLAS may add in another order.
    """
    limit = _blas_limit()
    limit.enter()
    try:
        yield
    finally:
        limit.leave()


class _BlasLimit:
    """A limit shared by threads: the first to enter sets it, the last to leave lifts it."""

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        # Made once, because looking through the loaded libraries takes milliseconds.
        self.controller = ThreadpoolController()
        self.lock = threading.Lock()
        self.n_inside = 0
        self.limiter: Any = None

    def enter(self) -> None:
        with self.lock:
            if self.n_inside == 0:
                self.limiter = self.controller.limit(limits=1, user_api="blas")
            self.n_inside += 1

    def leave(self) -> None:
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                self.limiter.restore_original_limits()


@cache
def _blas_limit() -> _BlasLimit:
    return _BlasLimit()
