"""Metrics for Prometheus. Their labels are routes, methods, statuses and models: few values, and
no personal data."""

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

from matinee.web.latency import EDGES

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER_ROUTE = "other"
"""The route of requests that match none."""

REQUESTS = Counter("matinee_requests", "Requests answered", ("method", "route", "status"))
REQUEST_SECONDS = Histogram("matinee_request_seconds", "Time to answer", ("route",), buckets=EDGES)
IN_FLIGHT = Gauge("matinee_requests_in_flight", "Requests in progress", multiprocess_mode="livesum")
RATINGS_WRITTEN = Counter("matinee_ratings_written", "Ratings stored")
MODEL_LOADS = Counter("matinee_model_loads", "Model files read", ("model", "result"))
MODEL_LOADED_AT = Gauge(
    "matinee_model_loaded_timestamp_seconds",
    "Time when the model was loaded",
    ("model",),
    multiprocess_mode="livemin",
)


class RouteMetrics:
    """The metrics of one route. Caches the labelled metrics, because looking them up is slow."""

    def __init__(self, route: str) -> None:
        self._route = route
        self._seconds = REQUEST_SECONDS.labels(route)
        self._requests: dict[tuple[str, int], Counter] = {}

    def add(self, method: str, status: int, seconds: float) -> None:
        """Records a completed request."""
        counter = self._requests.get((method, status))
        if counter is None:
            counter = REQUESTS.labels(method, self._route, str(status))
            self._requests[method, status] = counter
        counter.inc()
        self._seconds.observe(seconds)


def remove_dead_gauges(folder: str) -> None:
    """Removes the files of live gauges, such as requests in progress, that dead workers have left.

    Args:
        folder: the folder in which the workers store their metrics.
    """
    for path in Path(folder).glob("gauge_live*_*.db"):
        process_id = path.stem.rpartition("_")[2]
        if process_id.isdecimal() and not _is_running(int(process_id)):
            path.unlink(missing_ok=True)


def _is_running(process_id: int) -> bool:
    if os.name == "nt":  # there, os.kill with signal 0 would terminate the process
        return True
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def exposition() -> bytes:
    """All metrics in Prometheus's text format, summed over the worker processes."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)
