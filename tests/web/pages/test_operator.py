"""The operator page: signing in, and traffic."""

import time
from pathlib import Path

import httpx
import pytest

from matinee.web.pages.operator import RouteTraffic, traffic_of
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, serving


def test_the_page_needs_the_token_and_its_cookie_gives_no_other_access(three_models: str) -> None:
    with httpx.Client(base_url=three_models) as client:
        assert client.get("/operator").status_code == 401
        assert "That is not the operator" in client.post("/operator", data={"token": "wrong"}).text
        assert client.post("/operator/reload").status_code == 401
        signed = client.post("/operator", data={"token": OPERATOR})
        cookie = signed.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=strict", "Path=/operator", "Max-Age=1800"):
            assert part in cookie
        assert OPERATOR not in cookie
        page = client.get("/operator").text
        assert "mf" in page
        assert "/models" in page
        assert client.post("/operator/reload").status_code == 303
        assert client.get("/api/v1/operator/counts").status_code == 401
        client.post("/operator/leave")
        assert client.get("/operator").status_code == 401
        ends = str(int(time.time()) + 9999)
        for forged in (
            f"{ends}.",
            f"{ends}.{'0' * 64}",
            "x.y",
            f"1.{cookie.partition('.')[2][:64]}",
        ):
            assert (
                client.get(
                    "/operator", headers={"Cookie": f"matinee-operator={forged}"}
                ).status_code
                == 401
            )


def test_without_a_token_nobody_can_sign_in(model_file: Path, tmp_path: Path) -> None:
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)) as url:
        assert "This server has no operator" in httpx.get(f"{url}/operator").text
        assert httpx.post(f"{url}/operator", data={"token": ""}).status_code == 401
        assert "Only one model is served" in httpx.get(f"{url}/models").text


def test_traffic_is_summed_by_route() -> None:
    figures = """
# TYPE matinee_requests counter
matinee_requests_total{method="GET",route="/a",status="200"} 8.0
matinee_requests_total{method="POST",route="/a",status="422"} 1.0
matinee_requests_total{method="GET",route="/b",status="500"} 1.0
# TYPE matinee_request_seconds histogram
matinee_request_seconds_bucket{le="0.01",route="/a"} 8.0
matinee_request_seconds_bucket{le="0.1",route="/a"} 9.0
matinee_request_seconds_bucket{le="+Inf",route="/a"} 9.0
matinee_request_seconds_sum{route="/a"} 0.09
"""
    found = traffic_of(figures)
    assert (found.requests, found.refusals, found.errors) == (10, 1, 1)
    assert found.routes[0]._replace(mean_ms=0) == RouteTraffic("/a", 9, 1, 0, 0, 100.0)
    assert found.routes[0].mean_ms == pytest.approx(10)
