"""Lanes: what takes long waits for its turn, so that what is short goes on.

Python computes in one thread at a time. Forty long answers in forty threads would leave little of it to everybody else,
and each would take forty times as long. In a lane there is one at a time, and whoever finds a long queue is told to
come again.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from matinee.web.problems import busy

LONG_SECONDS = 0.25
"""So long a search may take, or a long list with explanations, or a file that is looked at."""
LONGEST_WAIT = 4.0
"""Seconds that the queue of a lane may take."""

Result = TypeVar("Result")


class Lane:
    """Runs one thing at a time, each in a thread."""

    def __init__(self, seconds: float = LONG_SECONDS) -> None:
        """Args: seconds: what one usually takes; it says how many may wait."""
        self._turn, self._n, self._most = CapacityLimiter(1), 0, 1 + max(1, int(LONGEST_WAIT / max(seconds, 1e-3)))

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """Calls something when its turn has come; raises Problem, 503, if too many are waiting."""
        if self._n >= self._most:
            raise busy("Too many long answers are asked for at the moment; try again in a second.")
        self._n += 1
        try:
            return await to_thread.run_sync(work, *arguments, limiter=self._turn)
        finally:
            self._n -= 1
