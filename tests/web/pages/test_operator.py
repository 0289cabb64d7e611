"""The operator page: signing in, and traffic."""

import time
from dataclasses import replace
from pathlib import Path

import httpx

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
        assert "/operator/models" in page
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


def test_wrong_tokens_have_a_limit_of_their_own(model_file: Path, tmp_path: Path) -> None:
    limits = replace(UNLIMITED, guesses_per_minute=1)  # two at once
    settings = Settings((model_file,), str(tmp_path / "people.db"), OPERATOR, limits)
    right = {"Authorization": f"Bearer {OPERATOR}"}
    cookie = {"Cookie": f"matinee-operator={int(time.time()) + 999}.{'0' * 64}"}
    with serving(settings) as url, httpx.Client(base_url=url) as client:
        assert client.get("/metrics").status_code == 401  # without a token, nothing is guessed
        assert [client.get("/metrics", headers=right).status_code for _ in range(4)] == [200] * 4
        assert client.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 401
        assert client.get("/operator", headers=cookie).status_code == 401
        for headers in ({"Authorization": "Bearer x"}, right):  # a 200 would tell the right one
            told = client.get("/api/v1/operator/counts", headers=headers)
            assert (told.status_code, told.headers["retry-after"].isdigit()) == (429, True)
            assert told.json()["detail"].startswith("Too many wrong tokens from this address;")
        assert client.post("/operator", data={"token": OPERATOR}).status_code == 429
        assert client.get("/operator", headers=cookie).status_code == 429
        assert client.get("/api/v1/genres").status_code == 200


def test_without_a_token_nobody_can_sign_in(model_file: Path, tmp_path: Path) -> None:
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)) as url:
        assert "This server has no operator" in httpx.get(f"{url}/operator").text
        assert httpx.post(f"{url}/operator", data={"token": ""}).status_code == 401
        page = httpx.get(f"{url}/models", follow_redirects=True)
        assert page.status_code == 403
        assert "Comparing models is for the operator" in page.text
