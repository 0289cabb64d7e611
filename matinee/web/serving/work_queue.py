"""A queue for slow work, so that quick requests do not have to wait for it.

Python computes in one thread at a time. Forty slow tasks in forty threads would slow down all
other requests, and each task would take forty times as long. A work queue runs one task at a time
and refuses new tasks when the expected waiting time is too long.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from matinee.web.http.problems import unavailable

DEFAULT_SECONDS = 0.25
"""The expected duration of a task if the caller does not give one: that of a slow search, a long
list with explanations, or the preview of an imported file."""
MAX_WAIT_SECONDS = 4.0
"""The maximum expected duration of the tasks ahead of a new one."""

Result = TypeVar("Result")


class WorkQueue:
    """Runs functions in threads, one at a time."""

    def __init__(self) -> None:
        self._limiter, self._pending_seconds = CapacityLimiter(1), 0.0

    async def run(
        self, work: Callable[..., Result], *arguments: object, seconds: float = DEFAULT_SECONDS
    ) -> Result:
        """Calls a function in a thread when the tasks ahead of it are done.

        Args:
            seconds: its expected duration.

        Raises:
            Problem: 503, the tasks ahead would take too long.
        """
        if self._pending_seconds >= MAX_WAIT_SECONDS:
            raise unavailable("Too many slow requests are waiting; try again in a second.")
        self._pending_seconds += seconds
        try:
            return await to_thread.run_sync(work, *arguments, limiter=self._limiter)
        finally:
            self._pending_seconds -= seconds
