"""Lanes: what takes long waits for its turn, so that what is short goes on.

Python computes in one thread at a time. Forty long answers in forty threads would leave little
of it to everybody else, and each would take forty times as long. In a lane there is one at a
time, and whoever finds a long queue is told to come again.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from matinee.web.http.problems import busy

LONG_SECONDS = 0.25
"""So long a search may take, or a long list with explanations, or a file that is looked at."""
LONGEST_WAIT = 4.0
"""The seconds that the work ahead in a queue may be expected to take."""

Result = TypeVar("Result")


class Lane:
    """Runs one thing at a time, each in a thread."""

    def __init__(self) -> None:
        self._turn, self._expected = CapacityLimiter(1), 0.0

    async def run(
        self, work: Callable[..., Result], *arguments: object, seconds: float = LONG_SECONDS
    ) -> Result:
        """Calls something when its turn has come; raises Problem, 503, if what is before it
        will take too long.

        Args:
            seconds: what it is expected to take.
        """
        if self._expected >= LONGEST_WAIT:
            raise busy("Too many long answers are asked for at the moment; try again in a second.")
        self._expected += seconds
        try:
            return await to_thread.run_sync(work, *arguments, limiter=self._turn)
        finally:
            self._expected -= seconds
