"""The gate through which every request comes in and every answer goes out.

In: a request id, the limits, and the refusal of what another site's page has sent. Out:
    security headers, one line in
the log, the figures. Whatever goes wrong inside ends here as a problem document.
"""

import asyncio
import re
import time
import uuid
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matinee.text import counted
from matinee.web.http import security
from matinee.web.http.logs import log, log_bug
from matinee.web.http.monitoring import IN_FLIGHT, RouteFigures
from matinee.web.http.problems import Problem, answer_in, busy, problem_of
from matinee.web.http.rate_limits import Buckets, client_of
from matinee.web.settings import UPLOADS, Settings

_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_UNLIMITED = ("/health/", "/metrics")


class _Visit:
    """One request on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, body_bytes: int) -> None:
        self.scope, self._receive, self._send, self._left = scope, receive, send, body_bytes
        self.headers = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"")
        self.id = given.decode() if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        self.started = time.perf_counter()
        self.status = 0
        self.has_body = scope["method"] in security.SAFE_METHODS
        scope.setdefault("state", {})["request_id"] = self.id

    @property
    def route(self) -> str:
        """The pattern of the address, without the values that a client put into it."""
        route = self.scope.get("route")
        path: str = getattr(route, "path_format", getattr(route, "path", ""))
        return path or "other"

    async def receive(self) -> Message:
        """The next part of the request, unless it is too much."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self.has_body = self.has_body or not message.get("more_body", False)
            if self._left < 0:
                raise too_large(self.scope["path"])
        return message

    async def send(self, message: Message) -> None:
        """The next part of the answer, its headers completed."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [
                *message.get("headers", ()),
                *security.HEADERS,
                (b"x-request-id", self.id.encode()),
            ]
            names = {name.lower() for name, _ in headers}
            if security.NOT_STORED[0] not in names:
                headers.append(security.NOT_STORED)
            if self.scope.get("scheme") == "https":
                headers.append(security.HSTS)
            message["headers"] = headers
        await self._send(message)

    async def answer(self, problem: Problem) -> None:
        """Sends a problem document, unless an answer has begun already."""
        if not self.status:
            await answer_in(self.scope, problem)(self.scope, self.receive, self.send)


def too_large(path: str) -> Problem:
    """413, for a request to this address."""
    detail = "The request is too large; send fewer ratings at once."
    if path.startswith(UPLOADS):
        detail = (
            "The file is too large: at most 2 MB are read; go back, and give ratings.csv "
            "alone, or a part of it."
        )
    return Problem(413, "too-large", detail, {"Connection": "close"})


class Gate:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._limits, self._log_requests = app, settings.limits, settings.log_requests
        self._requests = Buckets(self._limits.per_second, self._limits.burst)
        per_minute = self._limits.people_per_minute
        self._newcomers = Buckets(per_minute / 60, max(1.0, per_minute))
        self._in_flight = 0
        self._figures: dict[str, RouteFigures] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # answered as GET is; uvicorn leaves out the body
            scope = {**scope, "method": "GET"}
        visit = _Visit(scope, receive, send, self._body_bytes(scope["path"]))
        self._in_flight += 1
        IN_FLIGHT.inc()
        try:
            await self._let_in(visit)
        finally:
            self._in_flight -= 1
            IN_FLIGHT.dec()
            self._remember(visit)

    async def _let_in(self, visit: _Visit) -> None:
        try:
            self._check(visit)
            async with asyncio.timeout(self._limits.seconds):
                await self._app(visit.scope, visit.receive, visit.send)
        except TimeoutError:
            await visit.answer(self._too_slow(visit))
        except Problem as problem:
            await visit.answer(problem)
        except Exception as error:
            log_bug(visit.id, visit.route, error)
            await visit.answer(problem_of(error))

    def _too_slow(self, visit: _Visit) -> Problem:
        seconds = f"{self._limits.seconds:g} seconds"
        if visit.has_body:
            return busy(f"It took longer than {seconds}; ask for less, or try again.", "too-slow")
        return Problem(
            408, "slow-request", f"The request did not arrive within {seconds}; send it again."
        )

    def _check(self, visit: _Visit) -> None:
        """Raises Problem if the request is not to be let in."""
        scope, headers = visit.scope, visit.headers
        if scope["path"].startswith(_UNLIMITED):
            return
        if self._in_flight > self._limits.in_flight:
            raise busy("Too many people are asking at the moment; try again in a second.")
        client = client_of(scope["client"][0] if scope.get("client") else None)
        self._slow_down(self._requests.wait(client), "requests")
        # The page of a first rating creates a person too, and only it can tell that the
        # visitor
        # is nobody yet.
        scope["state"]["let_in_newcomer"] = lambda: self._slow_down(
            self._newcomers.wait(client), "new people"
        )
        if scope["method"] == "POST" and scope["path"] == "/api/v1/people":
            scope["state"]["let_in_newcomer"]()
        if security.is_foreign(scope["method"], headers):
            raise Problem(
                403,
                "foreign-site",
                "A page of another site has sent this; open this site and try it there.",
            )
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._body_bytes(scope["path"]):
            raise too_large(scope["path"])

    def _body_bytes(self, path: str) -> int:
        return self._limits.upload_bytes if path.startswith(UPLOADS) else self._limits.body_bytes

    def _slow_down(self, seconds: float, what: str) -> None:
        if seconds > 0:
            whole = int(seconds) + 1
            detail = f"Too many {what} from this address; wait {counted(whole, 'second')}."
            raise Problem(429, "too-many", detail, {"Retry-After": str(whole)})

    def _remember(self, visit: _Visit) -> None:
        seconds, route, method = (
            time.perf_counter() - visit.started,
            visit.route,
            visit.scope["method"],
        )
        method = method if method in _METHODS else "other"
        status = visit.status or 499  # the client went away before there was an answer
        if route not in self._figures:
            self._figures[route] = RouteFigures(route)
        self._figures[route].add(method, status, seconds)
        if self._log_requests and not visit.scope["path"].startswith(_UNLIMITED):
            fields: dict[str, Any] = {
                "request_id": visit.id,
                "method": method,
                "route": route,
                "status": status,
            }
            log("request", **fields, ms=round(1000 * seconds, 2))


_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
