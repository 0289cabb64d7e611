"""A queue for slow work, so that quick requests do not have to wait for it.

Python computes in one thread at a time. Forty slow tasks in forty threads would slow down all
other requests, and each task would take forty times as long. A work queue runs one task at a time
and refuses new tasks when the expected waiting time is too long.
"""

import asyncio
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from matinee.web.http.problems import unavailable

DEFAULT_SECONDS = 0.25
"""The expected duration of a task if the caller does not give one: that of a slow search, a long
list with explanations, or the preview of an imported file."""
_NO_LIMIT = CapacityLimiter(math.inf)
MAX_WAIT_SECONDS = 4.0
"""The maximum expected duration of the tasks ahead of a new one."""

Result = TypeVar("Result")
_abandoned: ContextVar[threading.Event | None] = ContextVar("abandoned", default=None)


class AbandonedError(Exception):
    """The request that a task works for has been given up."""


def stop_if_abandoned() -> None:
    """Raises AbandonedError in a task of a queue whose request has been given up. Long tasks call
    it now and then, because a thread cannot be stopped from outside."""
    event = _abandoned.get()
    if event is not None and event.is_set():
        raise AbandonedError


class WorkQueue:
    """Runs functions in threads, one at a time."""

    def __init__(self) -> None:
        self._turn, self._pending_seconds = asyncio.Lock(), 0.0

    async def run(
        self, work: Callable[..., Result], *arguments: object, seconds: float = DEFAULT_SECONDS
    ) -> Result:
        """Calls a function in a thread when the tasks ahead of it are done. If the request is
        given up meanwhile, the next task still waits until the thread is done.

        Args:
            seconds: its expected duration.

        Raises:
            Problem: 503, the tasks ahead would take too long.
        """
        if self._pending_seconds >= MAX_WAIT_SECONDS:
            raise unavailable("Too many slow requests are waiting; try again in a second.")
        self._pending_seconds += seconds
        try:
            await self._turn.acquire()
            return await self._run(work, *arguments)
        finally:
            self._pending_seconds -= seconds

    async def _run(self, work: Callable[..., Result], *arguments: object) -> Result:
        loop, is_abandoned, taken = asyncio.get_running_loop(), threading.Event(), threading.Lock()

        def call() -> Result:
            if not taken.acquire(blocking=False):
                raise AbandonedError
            try:
                return work(*arguments)
            finally:
                with suppress(RuntimeError):  # the server has been stopped
                    loop.call_soon_threadsafe(self._turn.release)

        token = _abandoned.set(is_abandoned)
        try:
            return await to_thread.run_sync(call, limiter=_NO_LIMIT)
        finally:
            is_abandoned.set()  # of no consequence if the task is done
            _abandoned.reset(token)
            if taken.acquire(blocking=False):  # the thread has not begun, and will not
                self._turn.release()
