"""Figures for Prometheus. Labels are routes, methods and statuses: few, and nothing
personal."""

import os
from pathlib import Path

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter("matinee_requests", "Requests answered", ("method", "route", "status"))
SECONDS = Histogram("matinee_request_seconds", "Time to answer", ("route",), buckets=_BUCKETS)
IN_FLIGHT = Gauge(
    "matinee_requests_in_flight", "Requests being worked on", multiprocess_mode="livesum"
)
WRITTEN = Counter("matinee_ratings_written", "Ratings kept")
LOADS = Counter("matinee_model_loads", "Model files read", ("model", "result"))
LOADED_AT = Gauge(
    "matinee_model_loaded_timestamp_seconds",
    "When a model was loaded",
    ("model",),
    multiprocess_mode="livemin",
)


class RouteFigures:
    """The figures of one route, found once and not at every request."""

    def __init__(self, route: str) -> None:
        self._route = route
        self._seconds = SECONDS.labels(route)
        self._requests: dict[tuple[str, int], Counter] = {}

    def add(self, method: str, status: int, seconds: float) -> None:
        """Counts a request that was answered."""
        counter = self._requests.get((method, status))
        if counter is None:
            counter = REQUESTS.labels(method, self._route, str(status))
            self._requests[method, status] = counter
        counter.inc()
        self._seconds.observe(seconds)


def forget_the_dead(folder: str) -> None:
    """Removes what workers that are gone have left of figures that are true only while one
    lives.

    Args:
        folder: where the workers keep their figures.
    """
    for path in Path(folder).glob("gauge_live*_*.db"):
        number = path.stem.rpartition("_")[2]
        if number.isdecimal() and not _is_running(int(number)):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where the signal 0 would not only ask
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def exposition() -> bytes:
    """All figures in the text format; of all worker processes together where there are
    several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)
