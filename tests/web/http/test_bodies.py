"""Bodies are read before their requests count, and those on their way make room for others."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from matinee.web.http import bodies
from matinee.web.http.bodies import BodyReader
from matinee.web.http.middleware import RequestMiddleware
from matinee.web.http.problems import Problem
from matinee.web.settings import Limits, Settings
from tests.web.conftest import UNLIMITED

TOO_LARGE = Problem(413, "too-large", "Too large.")


class Sender:
    """A client that sends its body part by part."""

    def __init__(self, *parts: bytes, is_complete: bool = True) -> None:
        self._messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": part, "more_body": True} for part in parts
        ]
        if is_complete:
            self._messages[-1]["more_body"] = False

    async def __call__(self) -> dict[str, Any]:
        if not self._messages:
            await asyncio.Event().wait()
        return self._messages.pop(0)


def test_the_oldest_body_on_its_way_makes_room() -> None:
    async def read_all() -> list[object]:
        reader = BodyReader(60, max_open=2)
        slow = [
            asyncio.create_task(reader.read(Sender(b"x", is_complete=False), 9, TOO_LARGE))
            for _ in range(3)
        ]
        await asyncio.sleep(0.01)
        quick = await reader.read(Sender(b"a", b"b"), 9, TOO_LARGE)
        await asyncio.sleep(0.01)
        found: list[object] = [quick.content, *(task.done() for task in slow)]
        for task in slow:
            task.cancel()
        return [*found, type((await asyncio.gather(*slow, return_exceptions=True))[0])]

    assert asyncio.run(read_all()) == [b"ab", True, True, False, TimeoutError]


def test_the_memory_for_bodies_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BUFFERED_BYTES", 10)

    async def read_all() -> None:
        reader = BodyReader(60)
        slow = asyncio.create_task(
            reader.read(Sender(b"12345678", is_complete=False), 99, TOO_LARGE)
        )
        await asyncio.sleep(0)
        kept = await reader.read(Sender(b"123456"), 99, TOO_LARGE)
        with pytest.raises(TimeoutError):
            await slow
        with pytest.raises(Problem) as caught:  # `kept` is being worked on, so it stays
            await reader.read(Sender(b"123456"), 99, TOO_LARGE)
        assert caught.value.status_code == 503
        reader.forget(kept)
        assert (await reader.read(Sender(b"1234567890"), 99, TOO_LARGE)).n_bytes == 10

    asyncio.run(read_all())


def middleware(limits: Limits, app: Any) -> RequestMiddleware:
    return RequestMiddleware(app, Settings((), "x", limits=limits, log_requests=False))


async def statuses(asked: RequestMiddleware, receive: Any, path: str = "/x") -> list[int]:
    found: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "scheme": "http"}
    await asked(scope, receive, send)  # type: ignore[arg-type]
    return found


def test_slow_bodies_take_no_slot() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (scope["path"], (await receive())["body"]) == ("/x", b"ab")
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def ask() -> list[list[int]]:
        asked = middleware(replace(UNLIMITED, in_flight=1, seconds=0.05), app)
        slow = [
            asyncio.create_task(statuses(asked, Sender(b"x", is_complete=False))) for _ in range(20)
        ]
        await asyncio.sleep(0.01)
        return [await statuses(asked, Sender(b"a", b"b")), *await asyncio.gather(*slow)]

    assert asyncio.run(ask()) == [[204], *([[408]] * 20)]


def test_clients_that_read_slowly_hold_no_slot() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/slow":
            await asyncio.Event().wait()

    async def ask() -> list[int]:
        asked = middleware(replace(UNLIMITED, in_flight=1), app)
        slow = asyncio.create_task(statuses(asked, Sender(b""), "/slow"))
        await asyncio.sleep(0.01)
        found = await statuses(asked, Sender(b""))
        slow.cancel()
        return found

    assert asyncio.run(ask()) == [200]


def test_a_client_that_goes_away_is_not_answered() -> None:
    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def app(*_: Any) -> None:
        raise AssertionError

    assert asyncio.run(statuses(middleware(UNLIMITED, app), gone)) == []
