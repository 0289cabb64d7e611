"""The traffic of each route since the server started, from the metrics of all processes."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from matinee.web.http.monitoring import OTHER_ROUTE
from matinee.web.latency import quantile


class RouteTraffic(NamedTuple):
    """The traffic of one route. A quantile is None if it is above ten seconds."""

    name: str
    """The pattern of the route, or `OTHER_ROUTE` for requests that match none."""
    requests: int
    refusals: int
    """Responses with a status of 4xx."""
    errors: int
    """Responses with a status of 5xx."""
    mean_ms: float
    median_ms: float | None
    p99_ms: float | None

    @property
    def is_known(self) -> bool:
        """Whether the requests match a route."""
        return self.name != OTHER_ROUTE


class Traffic(NamedTuple):
    """The traffic since the server started, busiest route first, unknown addresses last."""

    routes: list[RouteTraffic]
    requests: int
    refusals: int
    errors: int
    in_flight: int


@dataclass
class _RouteSums:
    """Sums over the metrics of one route."""

    requests: float = 0.0
    by_class: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """First digit of the status code -> number of requests."""
    seconds: float = 0.0
    buckets: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    """Upper end of a bucket in seconds -> number of requests up to it."""

    def to_traffic(self, name: str) -> RouteTraffic:
        """The sums as the page shows them."""
        n = max(self.buckets.values(), default=0.0)
        refusals, errors = int(self.by_class["4"]), int(self.by_class["5"])
        return RouteTraffic(
            name,
            int(self.requests),
            refusals,
            errors,
            round(1000 * self.seconds / n, 3) if n else 0.0,
            self._milliseconds(0.5),
            self._milliseconds(0.99),
        )

    def _milliseconds(self, share: float) -> float | None:
        ends = sorted(self.buckets)
        totals = [0.0, *(self.buckets[end] for end in ends)]
        counts = [after - before for before, after in pairwise(totals)]
        seconds = quantile(counts, share, [end for end in ends if end < float("inf")])
        return None if seconds is None else round(1000 * seconds, 3)


def traffic_of(exposition: str) -> Traffic:
    """Sums up metrics given in the text format of Prometheus."""
    by_route: dict[str, _RouteSums] = defaultdict(_RouteSums)
    in_flight = 0.0
    families = text_string_to_metric_families(exposition)
    for sample in (sample for family in families for sample in family.samples):
        route = sample.labels.get("route", "")
        if sample.name == "matinee_requests_total":
            by_route[route].requests += sample.value
            by_route[route].by_class[sample.labels["status"][:1]] += sample.value
        elif sample.name == "matinee_request_seconds_sum":
            by_route[route].seconds += sample.value
        elif sample.name == "matinee_request_seconds_bucket":
            by_route[route].buckets[float(sample.labels["le"])] += sample.value
        elif sample.name == "matinee_requests_in_flight":
            in_flight += sample.value
    routes = [sums.to_traffic(name) for name, sums in by_route.items()]
    routes.sort(key=lambda route: (not route.is_known, -route.requests, route.name))
    return Traffic(
        routes=routes,
        requests=sum(route.requests for route in routes),
        refusals=sum(route.refusals for route in routes),
        errors=sum(route.errors for route in routes),
        in_flight=int(in_flight),
    )
