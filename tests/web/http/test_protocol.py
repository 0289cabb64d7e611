"""Limits on the size and duration of request heads."""

import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from matinee.web.http import protocol
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, serving


@pytest.fixture
def connection(strict_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A connection on which heads must be short and arrive soon."""
    monkeypatch.setattr(protocol, "MAX_HEAD_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "MAX_HEAD_BYTES", 4_000)
    host, port = strict_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """The bytes received until the server closes the connection."""
    parts = []
    while part := connection.recv(100_000):
        parts.append(part)
    return b"".join(parts)


def read_answer(connection: socket.socket) -> bytes:
    """One answer: its head, and as many bytes as this says."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(100_000)
    head, _, body = answer.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    assert found
    while len(body) < int(found[1]):
        body += connection.recv(100_000)
    return head + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "begun", [b"", b"GET /api/v1/genres HT", b"GET /api/v1/genres HTTP/1.1\r\nHost: x\r\n"]
)
def test_a_head_that_does_not_end_times_out(connection: socket.socket, begun: bytes) -> None:
    connection.sendall(begun)
    assert read_all(connection).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 9_000,
        b"GET / HTTP/1.1\r\n" + b"x: " + b"a" * 9_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x: " + b"a" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x: yyyyyyyy\r\n" * 900 + b"\r\n",
    ],
)
def test_a_head_that_is_too_long_is_refused(connection: socket.socket, head: bytes) -> None:
    connection.sendall(head[:3_000])
    time.sleep(0.05)
    connection.sendall(head[3_000:6_000])
    time.sleep(0.05)  # the answer is on its way
    connection.sendall(head[6_000:])
    assert read_all(connection).startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")


def test_a_long_head_behind_a_request_that_still_runs_is_refused(
    connection: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    connection.sendall(b"GET /api/v1/genres HTTP/1.1\r\nHost: x\r\n\r\nGET /" + b"a" * 9_000)
    assert b"HTTP/1.1 431 Request Header Fields Too Large\r\n" in read_all(connection)
    assert "Exception" not in caplog.text


def test_a_persistent_connection_may_pause_between_requests(connection: socket.socket) -> None:
    body = b" " * 1_900
    for _ in range(
        3
    ):  # all heads together are longer than one may be, and take longer than one may
        head = (
            b"POST /api/v1/recommend HTTP/1.1\r\nHost: x\r\ncontent-type: application/json\r\nx: "
            + b"a" * 3_000
        )
        connection.sendall(head + b"\r\ncontent-length: 1902\r\n\r\n{}" + body)
        assert read_answer(connection).startswith(b"HTTP/1.1 200 OK\r\n")
        time.sleep(0.4)


def test_pipelined_requests_do_not_count_as_one_long_head(connection: socket.socket) -> None:
    connection.sendall(
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 300
        + b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
    )
    time.sleep(0.1)
    connection.sendall(b"Connection: close\r\n\r\n")
    assert read_all(connection).count(b"HTTP/1.1 200 OK\r\n") == 301


def test_a_client_has_a_limit_of_connections(model_file: Path, tmp_path: Path) -> None:
    limits = replace(UNLIMITED, connections=2)
    with serving(Settings((model_file,), str(tmp_path / "people.db"), limits=limits)) as url:
        host, port = url.removeprefix("http://").split(":")
        open_ones = [socket.create_connection((host, int(port)), timeout=20) for _ in range(3)]
        with open_ones.pop() as refused:
            answer = read_all(refused)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        open_ones.pop().close()
        open_ones[0].sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert open_ones[0].recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
        assert httpx.get(f"{url}/health/live").status_code == 200
        open_ones[0].close()
