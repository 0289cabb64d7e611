"""Limits: each is answered with a sentence, and the server goes on."""

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from matinee.web.http import protocol
from matinee.web.http.middleware import RequestMiddleware
from matinee.web.http.rate_limits import MAX_CLIENTS, RateLimiter, client_key
from matinee.web.settings import Limits, Settings
from tests.web.conftest import UNLIMITED, serving


@pytest.fixture(scope="module")
def strict(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with little patience for large and slow requests."""
    limits = replace(UNLIMITED, body_bytes=2_000, seconds=0.3)
    database = str(tmp_path_factory.mktemp("strict") / "people.db")
    with serving(Settings((model_file,), database, limits=limits, log_requests=False)) as url:
        yield url


def test_a_bucket_is_emptied_and_refilled() -> None:
    now = 0.0
    buckets = RateLimiter(2, 3, clock=lambda: now)
    assert [buckets.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.wait("b") == 0
    now = 0.25
    assert buckets.wait("a") == 0.25
    now = 0.5
    assert [buckets.wait("a"), buckets.wait("a")] == [0, 0.5]
    now = 1000.0
    assert [buckets.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert [RateLimiter(0, 0).wait("a") for _ in range(100)] == [0] * 100


def test_the_number_of_clients_that_are_remembered_is_bounded() -> None:
    buckets = RateLimiter(1, 1, clock=lambda: 0.0)
    assert buckets.wait("first") == 0
    assert buckets.wait("first") > 0
    for number in range(MAX_CLIENTS):
        buckets.wait(str(number))
    assert buckets.wait("first") == 0


def test_a_client_is_an_address_or_the_network_of_a_household() -> None:
    assert client_key("192.0.2.7") == "192.0.2.7"
    assert (
        client_key("2001:db8:1:2:3:4:5:6")
        == client_key("2001:db8:1:2::9")
        != client_key("2001:db8:1:3::9")
    )
    assert client_key("::ffff:192.0.2.7") == client_key("192.0.2.7:4711") == client_key("192.0.2.7")
    assert client_key("::ffff:192.0.2.8") != client_key("192.0.2.7")
    assert (
        client_key("[2001:db8:1:2::9]:443")
        == client_key("[2001:db8:1:2::9]")
        == client_key("2001:db8:1:2::9")
    )
    assert client_key(None) == client_key("a socket") == "local"


def test_who_asks_too_often_is_told_how_long_to_wait(model_file: Path, tmp_path: Path) -> None:
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


TOO_LARGE = "The request is too large; send fewer ratings at once."


def test_a_large_body_is_refused_whether_or_not_it_says_so(strict: str) -> None:
    body = b'{"ratings": [' + b" " * 5_000 + b"]}"
    header = {"content-type": "application/json"}
    told = httpx.post(f"{strict}/api/v1/recommend", content=body, headers=header)
    assert (told.status_code, told.json()["detail"]) == (413, TOO_LARGE)
    parts = (body[start : start + 500] for start in range(0, len(body), 500))
    chunked = httpx.post(f"{strict}/api/v1/recommend", content=parts, headers=header)
    assert (chunked.status_code, chunked.json()["detail"]) == (413, TOO_LARGE)


def test_a_body_that_does_not_arrive_is_not_waited_for(strict: str) -> None:
    host, port = strict.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        lines = (
            "POST /api/v1/recommend HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            "Content-Length: 50",
        )
        connection.sendall("\r\n".join([*lines, "", "{"]).encode())
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert "The request did not arrive within 0.3 seconds; send it again." in answer
    assert httpx.get(f"{strict}/api/v1/genres").status_code == 200


class Inside:
    """An application that is slow, or breaks, as it is told."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if scope["path"] == "/breaks":
            raise ValueError("a secret of somebody")
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


def through_the_gate(limits: Limits) -> tuple[Inside, httpx.AsyncClient]:
    inside = Inside()
    gate = RequestMiddleware(inside, Settings((Path("x"),), "x", limits=limits))
    transport = httpx.ASGITransport(app=gate)
    return inside, httpx.AsyncClient(transport=transport, base_url="http://test")


def test_more_requests_than_can_be_worked_on_are_told_to_come_again() -> None:
    async def ask() -> list[httpx.Response]:
        inside, client = through_the_gate(replace(UNLIMITED, in_flight=3))
        asking = [asyncio.create_task(client.get(f"/{number}")) for number in range(5)]
        await asyncio.sleep(0.05)
        inside.go_on.set()
        return [await one for one in asking]

    answers = asyncio.run(ask())
    assert [one.status_code for one in answers] == [200, 200, 200, 503, 503]
    assert answers[4].headers["retry-after"] == "1"
    assert (
        answers[4].json()["detail"]
        == "The server is handling too many requests; try again in a second."
    )


def test_what_takes_too_long_is_given_up() -> None:
    async def ask() -> httpx.Response:
        _, client = through_the_gate(replace(UNLIMITED, seconds=0.02))
        return await client.get("/")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (
        answer.json()["detail"] == "The request took longer than 0.02 seconds; ask for less, or try again."
    )


def test_a_bug_is_logged_by_its_place_without_what_was_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def ask() -> httpx.Response:
        _, client = through_the_gate(UNLIMITED)
        return await client.get("/breaks?q=my-secret-film")

    answer = asyncio.run(ask())
    told, logged = answer.json(), capsys.readouterr().err
    assert (answer.status_code, told["type"]) == (500, "urn:matinee:bug")
    assert told["request_id"] in logged
    assert "ValueError" in logged
    assert "test_rate_limits.py" in logged
    assert "secret" not in logged + answer.text


def test_a_file_that_is_too_large_is_told_so(model_file: Path, tmp_path: Path) -> None:
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)) as url:
        told = httpx.post(f"{url}/you/import", files={"file": ("ratings.csv", b"x" * 3_000_000)})
    assert told.status_code == 413
    assert "The file is too large; at most 2 MB are accepted." in told.json()["detail"]


# -- heads -------------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(strict: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A connection whose heads must be short and come soon."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "HEAD_BYTES", 4_000)
    host, port = strict.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        yield connection


def said(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    parts = []
    while part := connection.recv(100_000):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "begun", [b"", b"GET /api/v1/genres HT", b"GET /api/v1/genres HTTP/1.1\r\nHost: x\r\n"]
)
def test_a_head_that_does_not_end_is_not_waited_for(hasty: socket.socket, begun: bytes) -> None:
    hasty.sendall(begun)
    assert said(hasty).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 9_000,
        b"GET / HTTP/1.1\r\n" + b"x: " + b"a" * 9_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x: " + b"a" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x: yyyyyyyy\r\n" * 900 + b"\r\n",
    ],
)
def test_a_head_that_is_too_long_is_refused(hasty: socket.socket, head: bytes) -> None:
    hasty.sendall(head[:3_000])
    time.sleep(0.05)
    hasty.sendall(head[3_000:6_000])
    hasty.sendall(head[6_000:])
    assert said(hasty).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


def test_who_keeps_a_connection_may_pause_between_requests(hasty: socket.socket) -> None:
    body = b" " * 1_900
    for _ in range(3):  # all heads together are longer than one may be, and take longer
        head = (
            b"POST /api/v1/recommend HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\nx: "
            + b"a" * 3_000
        )
        hasty.sendall(head + b"\r\ncontent-length: 1902\r\n\r\n{}" + body)
        assert hasty.recv(100_000).startswith(b"HTTP/1.1 200 OK\r\n")
        time.sleep(0.4)


def test_many_short_requests_at_once_are_no_long_head(hasty: socket.socket) -> None:
    hasty.sendall(
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 300
        + b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
    )
    time.sleep(0.1)
    hasty.sendall(b"Connection: close\r\n\r\n")
    assert said(hasty).count(b"HTTP/1.1 200 OK\r\n") == 301
