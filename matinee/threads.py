"""How many cores matinee uses, and the threads that run its kernels."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from matinee.errors import SettingError

Run = Callable[[Callable[..., Any], list[tuple[Any, ...]]], None]
"""Calls a function once for each tuple of arguments and returns when all calls are done."""


def available_cores() -> int:
    """The cores that this process may use, at least 1."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@contextmanager
def workers(n_threads: int | None) -> Iterator[Run]:
    """Threads for kernels that release the interpreter lock, for as long as the context lasts.

    The kernels are handed work that does not overlap, so the result is the same with any number of threads. They
    call BLAS only within `one_blas_thread`, since its own threads would be in their way.

    Args:
        n_threads: None means all cores that the process may use.

    Raises:
        SettingError: the number is below 1.
    """
    if n_threads is not None and n_threads < 1:
        raise SettingError(f"The number of threads must be at least 1, not {n_threads}.")
    n_threads = n_threads or available_cores()
    if n_threads == 1:
        yield _one_after_the_other
        return
    with ThreadPoolExecutor(n_threads) as pool:

        def run(function: Callable[..., Any], calls: list[tuple[Any, ...]]) -> None:
            for future in [pool.submit(function, *arguments) for arguments in calls]:
                future.result()

        yield run


def _one_after_the_other(function: Callable[..., Any], calls: list[tuple[Any, ...]]) -> None:
    for arguments in calls:
        function(*arguments)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS and LAPACK to the thread that calls them, in the whole process, for as long as the context lasts.

    For work that our own threads share out. Besides, BLAS may sum in another order with another number of threads.
    """
    limit = _blas_limit()
    limit.enter()
    try:
        yield
    finally:
        limit.leave()


class _BlasLimit:
    """The first who enters sets the limit and the last who leaves lifts it, in whichever order they come and go."""

    def __init__(self) -> None:
        from threadpoolctl import ThreadpoolController

        # It takes milliseconds to look through the loaded libraries.
        self.controller = ThreadpoolController()  # type: ignore[no-untyped-call]
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
