"""The traffic of each route, summed from metrics."""

import pytest

from matinee.web.http.route_traffic import traffic_of

FIGURES = """
# TYPE matinee_requests counter
matinee_requests_total{method="GET",route="other",status="404"} 90.0
matinee_requests_total{method="GET",route="/a",status="200"} 8.0
matinee_requests_total{method="POST",route="/a",status="422"} 1.0
matinee_requests_total{method="GET",route="/b",status="500"} 1.0
# TYPE matinee_request_seconds histogram
matinee_request_seconds_bucket{le="0.01",route="/a"} 8.0
matinee_request_seconds_bucket{le="0.1",route="/a"} 9.0
matinee_request_seconds_bucket{le="+Inf",route="/a"} 9.0
matinee_request_seconds_sum{route="/a"} 0.09
matinee_request_seconds_bucket{le="0.01",route="/b"} 0.0
matinee_request_seconds_bucket{le="+Inf",route="/b"} 1.0
matinee_request_seconds_sum{route="/b"} 20.0
"""


def test_traffic_is_summed_by_route_with_unknown_addresses_last() -> None:
    found = traffic_of(FIGURES)
    assert (found.requests, found.refusals, found.errors) == (100, 91, 1)
    assert [route.name for route in found.routes] == ["/a", "/b", "other"]
    assert [route.is_known for route in found.routes] == [True, True, False]
    first = found.routes[0]
    assert (first.requests, first.refusals, first.errors) == (9, 1, 0)
    assert first.mean_ms == pytest.approx(10)


def test_quantiles_lie_within_their_buckets() -> None:
    first, slow, _ = traffic_of(FIGURES).routes
    assert first.median_ms == pytest.approx(10 * 4.5 / 8, abs=0.01)
    assert first.p99_ms == pytest.approx(10 + 90 * (8.91 - 8), abs=0.01)
    assert (slow.median_ms, slow.p99_ms) == (None, None)  # above the last edge
