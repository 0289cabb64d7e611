"""Access: which addresses need the token of a person or of the operator."""

from pathlib import Path

import httpx

from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, newcomer, serving

ME = "/api/v1/me"


def test_every_address_of_a_person_needs_a_token(web: httpx.Client) -> None:
    document = web.get("/api/v1/openapi.json").json()
    asked = 0
    for path, operations in document["paths"].items():
        for method in operations if path.startswith(ME) else ():
            body = {"stars": 3, "ratings": [{"item_id": 7, "stars": 3}]}
            json = {
                name: body[name]
                for name in ("stars", "ratings")
                if (name == "ratings") == path.endswith("ratings")
            }
            for header in (
                {},
                {"Authorization": "Bearer wrong"},
                {"Authorization": f"Bearer {OPERATOR}"},
            ):
                answer = web.request(
                    method, path.replace("{item_id}", "7"), json=json, headers=header
                )
                assert (answer.status_code, answer.json()["status"]) == (401, 401), (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
                asked += 1
    assert asked >= 30


def test_every_operator_address_needs_the_operator_token(web: httpx.Client) -> None:
    paths = web.get("/api/v1/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method in operations if "/operator/" in path else ():
            assert web.request(method, path, headers=newcomer(web)).status_code == 401


def test_without_an_operator_token_the_operator_endpoints_are_disabled(
    model_file: Path, tmp_path: Path
) -> None:
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)) as url:
        for header in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}):
            answer = httpx.post(f"{url}/api/v1/operator/reload", headers=header)
            assert answer.status_code == 403
            assert answer.json()["detail"].startswith(
                "The operator endpoints are disabled; to enable them, start the server with a secret in MATINEE"
            )
        assert httpx.get(f"{url}/metrics").status_code == 200
