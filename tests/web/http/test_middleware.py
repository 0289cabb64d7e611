"""The middleware: limits on requests, security headers, request ids and logged errors."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from matinee.web.http.middleware import RequestMiddleware
from matinee.web.settings import Limits, Settings
from tests.web.conftest import UNLIMITED, serving

TOO_LARGE = "The request is too large; send fewer ratings at once."


def test_too_many_requests_are_told_how_long_to_wait(model_file: Path, tmp_path: Path) -> None:
    limits = Limits(per_second=0.1, burst=3, people_per_minute=1)
    with (
        serving(Settings((model_file,), str(tmp_path / "people.db"), limits=limits)) as url,
        httpx.Client() as client,
    ):
        assert client.post(f"{url}/api/v1/people").status_code == 201
        second = client.post(f"{url}/api/v1/people")
        assert second.status_code == 429
        assert 1 <= int(second.headers["retry-after"]) <= 61
        assert second.json()["detail"].startswith("Too many new people from this address; wait ")
        assert client.get(f"{url}/api/v1/genres").status_code == 200
        fourth = client.get(f"{url}/api/v1/genres")
        assert fourth.status_code == 429
        assert fourth.json()["detail"].startswith("Too many requests from this address; wait ")
        assert client.get(f"{url}/health/live").status_code == 200


def test_a_large_body_is_refused_with_and_without_a_content_length(strict_url: str) -> None:
    body = b'{"ratings": [' + b" " * 5_000 + b"]}"
    header = {"content-type": "application/json"}
    response = httpx.post(f"{strict_url}/api/v1/recommend", content=body, headers=header)
    assert (response.status_code, response.json()["detail"]) == (413, TOO_LARGE)
    parts = (body[start : start + 500] for start in range(0, len(body), 500))
    chunked = httpx.post(f"{strict_url}/api/v1/recommend", content=parts, headers=header)
    assert (chunked.status_code, chunked.json()["detail"]) == (413, TOO_LARGE)


def test_a_large_upload_is_refused(model_file: Path, tmp_path: Path) -> None:
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)) as url:
        response = httpx.post(
            f"{url}/you/import", files={"file": ("ratings.csv", b"x" * 3_000_000)}
        )
    assert response.status_code == 413
    assert "The file is too large; at most 2 MB are accepted." in response.json()["detail"]


def test_a_body_that_does_not_arrive_times_out(strict_url: str) -> None:
    host, port = strict_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        lines = (
            "POST /api/v1/recommend HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            "Content-Length: 50",
        )
        connection.sendall("\r\n".join([*lines, "", "{"]).encode())
        answer = ""
        while "The request did not arrive within 0.3 seconds; send it again." not in answer:
            answer += connection.recv(65536).decode()  # the socket's timeout ends a wait in vain
            assert answer.startswith("HTTP/1.1 408 ")
    assert httpx.get(f"{strict_url}/api/v1/genres").status_code == 200


class SlowApp:
    """An application that waits for `release`, and raises an error at /breaks."""

    def __init__(self) -> None:
        self.release = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] == "/breaks":
            raise ValueError("a secret")
        await self.release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


def client_of_middleware(limits: Limits) -> tuple[SlowApp, httpx.AsyncClient]:
    app = SlowApp()
    middleware = RequestMiddleware(app, Settings((Path("x"),), "x", limits=limits))
    transport = httpx.ASGITransport(app=middleware)
    return app, httpx.AsyncClient(transport=transport, base_url="http://test")


def test_too_many_concurrent_requests_are_told_to_retry() -> None:
    async def ask() -> list[httpx.Response]:
        app, client = client_of_middleware(replace(UNLIMITED, in_flight=3))
        asking = [asyncio.create_task(client.get(f"/{number}")) for number in range(5)]
        await asyncio.sleep(0.05)
        app.release.set()
        return [await one for one in asking]

    answers = asyncio.run(ask())
    assert [one.status_code for one in answers] == [200, 200, 200, 503, 503]
    assert answers[4].headers["retry-after"] == "1"
    assert (
        answers[4].json()["detail"]
        == "The server is handling too many requests; try again in a second."
    )


def test_a_slow_response_times_out() -> None:
    async def ask() -> httpx.Response:
        _, client = client_of_middleware(replace(UNLIMITED, seconds=0.02))
        return await client.get("/")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (
        answer.json()["detail"]
        == "The request took longer than 0.02 seconds; ask for less, or try again."
    )


def test_a_bug_is_logged_with_its_traceback_and_without_personal_data(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def ask() -> httpx.Response:
        _, client = client_of_middleware(UNLIMITED)
        return await client.get("/breaks?q=my-secret-film")

    answer = asyncio.run(ask())
    result, logged = answer.json(), capsys.readouterr().err
    assert (answer.status_code, result["type"]) == (500, "urn:matinee:bug")
    assert result["request_id"] in logged
    assert "ValueError" in logged
    assert "test_middleware.py" in logged
    assert "secret" not in logged + answer.text


@pytest.mark.parametrize(
    "path", ["/health/live", "/api/v1/genres", "/rate", "/static/app.css", "/api/v1/films/none"]
)
def test_head_is_answered_like_get_without_a_body(web: httpx.Client, path: str) -> None:
    found, asked = web.get(path), web.head(path)
    assert (asked.status_code, asked.content) == (found.status_code, b"")
    assert asked.headers["content-type"] == found.headers["content-type"]
    if path != "/rate":  # the page contains random films
        assert asked.headers["content-length"] == found.headers["content-length"]


@pytest.mark.parametrize("path", ["/api/v1/films", "/api/v1/films/9", "/nothing", "/health/live"])
def test_every_response_has_security_headers(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    assert headers["content-security-policy"].startswith(
        "default-src 'none'; script-src 'self'; style-src 'self';"
    )
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert len(headers["x-request-id"]) == 32
    assert "server" not in headers
    assert "strict-transport-security" not in headers


def test_a_valid_request_id_of_a_proxy_is_kept(web: httpx.Client) -> None:
    given = "0af7651916cd43dd8448eb211c80319c"
    assert web.get("/health/live", headers={"x-request-id": given}).headers["x-request-id"] == given
    assert web.get("/health/live", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"
