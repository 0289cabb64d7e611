"""Metrics for Prometheus."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from matinee.web.http.monitoring import remove_dead_gauges
from tests.web.conftest import OPERATOR, newcomer


def test_metrics_count_requests_by_route_without_personal_data(web: httpx.Client) -> None:
    ada = newcomer(web)
    web.put("/api/v1/me/ratings/17", json={"stars": 3}, headers=ada)
    text = web.get("/metrics", headers={"Authorization": f"Bearer {OPERATOR}"}).text
    route = 'method="PUT",route="/api/v1/me/ratings/{item_id}",status="204"'
    assert f"matinee_requests_total{{{route}}}" in text
    assert "matinee_request_seconds_bucket" in text
    assert "ratings/17" not in text


def test_live_gauges_of_dead_workers_are_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [
        f"gauge_livesum_{dead.pid}.db",
        f"counter_{dead.pid}.db",
        f"gauge_livesum_{os.getpid()}.db",
    ]
    for name in names:
        (tmp_path / name).touch()
    remove_dead_gauges(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
