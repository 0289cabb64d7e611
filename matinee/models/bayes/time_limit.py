"""The time limit of a fit: when the burn-in ends, and whether there is time for one more sweep."""

import time

BURN_IN_SHARE = 0.3
"""The largest part of the time for sampling that the burn-in may take."""


class TimeLimit:
    """The clock of one fit."""

    def __init__(self, seconds: float) -> None:
        """Args:
        seconds: for the whole fit, which begins now; 0 for no limit.
        """
        self.seconds, self.began = seconds, time.monotonic()
        self.started = self.last = self.began
        self.sampling, self.sweep_seconds = seconds, 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the fit began."""
        return time.monotonic() - self.began

    def start(self, sweep_seconds: float) -> None:
        """Begins to measure sweeps, each of which takes about so long."""
        self.started = self.last = time.monotonic()
        self.sampling, self.sweep_seconds = max(self.seconds - self.elapsed, 1e-9), sweep_seconds

    def tick(self) -> None:
        """Ends a sweep."""
        now = time.monotonic()
        self.last, self.sweep_seconds = now, now - self.last

    @property
    def is_late(self) -> bool:
        """Whether one more sweep would exceed the limit."""
        return self.seconds > 0 and self.elapsed + self.sweep_seconds > self.seconds

    def burnt_in(self, n_sweeps: int, burn_in: int) -> float:
        """The completed part of the burn-in, in sweeps or in time; from 1 on, it is over.

        Args:
            n_sweeps: the number of sweeps so far.
            burn_in: how many it has without a limit.
        """
        part = n_sweeps / max(burn_in, 1) if burn_in else 1.0
        if self.seconds > 0:
            part = max(part, (self.last - self.started) / (BURN_IN_SHARE * self.sampling))
        return part
