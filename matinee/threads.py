"""How many cores matinee uses, and the threads that run its kernels."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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

    The kernels are handed work that does not overlap, so the result is the same with any number of threads. They do
    not call BLAS, whose own threads would be in their way.

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
