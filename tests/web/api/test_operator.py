"""The API for the operator: health, models, counts and metrics."""

from pathlib import Path

import httpx
import pytest

from matinee.web.db.engine import open_engine
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, newcomer, read_problem, serving


def test_health_reports_the_models_and_the_database(web: httpx.Client) -> None:
    assert web.get("/health/live").json()["status"] == "live"
    result = web.get("/health/ready").json()
    assert (result["status"], result["database"]) == ("ready", "answers")
    assert [(model["name"], model["refused"]) for model in result["models"]] == [("films", None)]


def test_only_the_operator_sees_models_and_counts(web: httpx.Client) -> None:
    header = {"Authorization": f"Bearer {OPERATOR}"}
    (model,) = web.get("/api/v1/operator/model", headers=header).json()
    assert (model["kind"], model["settings"]["factors"], model["n_users"]) == ("mf", 8, 300)
    before = web.get("/api/v1/operator/counts", headers=header).json()
    ada = newcomer(web)
    after = web.get("/api/v1/operator/counts", headers=header).json()
    assert (after["people"], after["database"]) == (before["people"] + 1, "sqlite")
    for path in ("/api/v1/operator/model", "/api/v1/operator/counts", "/metrics"):
        for wrong in (
            {},
            ada,
            {"Authorization": "Bearer x"},
            {"Authorization": f"Basic {OPERATOR}"},
        ):
            assert read_problem(web.get(path, headers=wrong))[0] == 401


def test_a_server_whose_database_fails_is_not_ready(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = str(tmp_path / "people.db")
    settings = Settings((model_file,), database, limits=UNLIMITED, log_requests=False)
    with serving(settings) as url, httpx.Client(base_url=url) as client:
        engine = open_engine(database)
        with engine.execution_options(writes=True).begin() as connection:
            connection.exec_driver_sql("ALTER TABLE people RENAME TO others")
        engine.dispose()
        health = client.get("/health/ready")
        assert (health.status_code, health.json()["status"]) == (503, "not ready")
        for _ in range(5):
            response = client.post("/api/v1/people")
        assert response.headers["retry-after"] == "1"
        assert read_problem(response) == (
            503,
            "The database is not available; nothing was changed. Try again in a moment.",
        )
        # Recommendations from ratings in the request need no database
        assert client.post("/api/v1/recommend", json={}).status_code == 200
    assert capsys.readouterr().err.count('"event":"database failed"') == 1  # not one per request
