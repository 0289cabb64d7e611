"""The time limit of a fit: when the burn-in ends, and whether there is time for one more sweep."""

import time

BURN_IN_SHARE = 0.3
"""The largest part of the time limit that the burn-in may take."""


class TimeLimit:
    """The clock of one fit."""

    def __init__(self, seconds: float) -> None:
        """Args:
        seconds: for the whole fit, which begins now; 0 for no limit.
        """
        self.seconds, self.began = seconds, time.monotonic()
        self.last, self.sweep_seconds = self.began, 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the fit began."""
        return time.monotonic() - self.began

    def start(self, sweep_seconds: float) -> None:
        """Begins to measure sweeps, each of which takes about so long."""
        self.last, self.sweep_seconds = time.monotonic(), sweep_seconds

    def tick(self) -> None:
        """Ends a sweep."""
        now = time.monotonic()
        self.last, self.sweep_seconds = now, now - self.last

    @property
    def is_late(self) -> bool:
        """Whether one more sweep would exceed the limit."""
        return self.seconds > 0 and self.elapsed + self.sweep_seconds > self.seconds

    @property
    def ends_burn_in(self) -> bool:
        """Whether the draws must begin, so that there are enough within the limit."""
        return self.seconds > 0 and self.elapsed > BURN_IN_SHARE * self.seconds
