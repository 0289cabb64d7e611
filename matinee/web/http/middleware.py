"""ASGI middleware around the whole application.

It assigns request ids, enforces limits, refuses cross-site requests, adds security headers, logs
requests and records metrics. Errors that the application does not handle become problem documents.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matinee.web.db.traffic import TrafficLog
from matinee.web.http import security
from matinee.web.http.bodies import Body, BodyReader, replay
from matinee.web.http.client_limits import ClientLimiters, ClientLimits
from matinee.web.http.hosts import check_host, relative_location
from matinee.web.http.logs import log, log_bug
from matinee.web.http.monitoring import IN_FLIGHT, OTHER_ROUTE, RouteMetrics
from matinee.web.http.problems import Problem, error_response, to_problem, unavailable
from matinee.web.http.rate_limits import client_key
from matinee.web.settings import UPLOAD_PATHS, Settings

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_UNLIMITED_PATHS = ("/health/", "/metrics")
_LIST_ROUTES = {
    "/for-you",
    "/together/{key}",
    "/api/v1/recommend",
    "/api/v1/recommend/batch",
    "/api/v1/me/recommendations",
    "/api/v1/me/groups/{key}/recommendations",
}
"""The routes that answer with lists of recommendations."""
Headers = tuple[tuple[bytes, bytes], ...]
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class _Exchange:
    """One request and its response, with `receive` and `send` wrapped."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int, safety: Headers
    ) -> None:
        self.scope, self._receive, self._send, self._safety = scope, receive, send, safety
        self._bytes_left = self.max_body_bytes = max_body_bytes
        self.body: Body | None = None
        self.free_slot: Callable[[], None] = _nothing
        self.headers = dict(scope["headers"])
        given_id = self.headers.get(b"x-request-id", b"")
        self.id = given_id.decode() if _REQUEST_ID.fullmatch(given_id) else uuid.uuid4().hex
        self.started = time.perf_counter()
        self.status = 0
        self.has_body = scope["method"] not in security.SAFE_METHODS
        scope.setdefault("state", {})["request_id"] = self.id

    @property
    def route(self) -> str:
        """The pattern of the matched route, without the values that the client put into it."""
        route = self.scope.get("route")
        path: str = getattr(route, "path_format", getattr(route, "path", ""))
        if not path and self.scope["path"].startswith("/static/"):
            return "/static/{file}"  # a mount, which is not among the routes
        return path or OTHER_ROUTE

    async def receive(self) -> Message:
        """The next part of the request; raises Problem if the body is too large."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes_left -= len(message.get("body", b""))
            if self._bytes_left < 0:
                raise too_large(self.scope["path"])
        return message

    async def read_body(self, reader: BodyReader) -> bool:
        """Reads the whole body for the application; False if the client is gone."""
        path = self.scope["path"]
        self.body = await reader.read(self._receive, self.max_body_bytes, too_large(path))
        self._receive = replay(self.body, self._receive)
        return not self.body.is_gone

    async def send(self, message: Message) -> None:
        """Sends the next part of the response, and adds headers to its first part."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.free_slot()  # a client that reads slowly holds nothing that others need
            headers = [_relative(header) for header in message.get("headers", ())]
            headers.append((b"x-request-id", self.id.encode()))
            names = {name.lower() for name, _ in headers}
            headers += [one for one in self._safety if one[0] not in names]
            if self.scope.get("scheme") == "https":
                headers.append(security.HSTS)
            message["headers"] = headers
        await self._send(message)

    async def send_problem(self, problem: Problem) -> None:
        """Sends a problem document, unless a response has been started already."""
        if not self.status:
            await error_response(self.scope, problem)(self.scope, self.receive, self.send)


def _nothing() -> None:
    pass


def _relative(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A header of a response; Location without the host, which Starlette takes from the request."""
    if header[0].lower() != b"location":
        return header
    return header[0], relative_location(header[1].decode("latin-1")).encode("latin-1")


def too_large(path: str) -> Problem:
    """A 413 problem for a request to the given path."""
    detail = "The request is too large; send fewer ratings at once."
    if path.startswith(UPLOAD_PATHS):
        detail = (
            "The file is too large; at most 2 MB are accepted. "
            "Choose only ratings.csv, or a part of it."
        )
    return Problem(413, "too-large", detail, {"Connection": "close"})


class RequestMiddleware:
    """ASGI middleware that wraps the whole application; see the module docstring."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        traffic: TrafficLog | None = None,
        limiters: ClientLimiters | None = None,
    ) -> None:
        self._app, self._limits, self._log_requests = app, settings.limits, settings.log_requests
        self._allowed_hosts, self._traffic = settings.allowed_hosts, traffic
        self._limiters = limiters or ClientLimiters(self._limits)
        self._bodies = BodyReader(self._limits.seconds)
        self._safety = security.headers_with(settings.image_origin)
        self._in_flight = 0
        self._metrics: dict[str, RouteMetrics] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # answered like GET; uvicorn leaves out the body
            scope = {**scope, "method": "GET"}
        most = self._max_body_bytes(scope["path"])
        exchange = _Exchange(scope, receive, send, most, self._safety)
        IN_FLIGHT.inc()
        try:
            await self._handle(exchange)
        finally:
            exchange.free_slot()
            if exchange.body is not None:
                self._bodies.forget(exchange.body)
            IN_FLIGHT.dec()
            self._record(exchange)

    async def _handle(self, exchange: _Exchange) -> None:
        try:
            self._check(exchange)
            if exchange.has_body and not await exchange.read_body(self._bodies):
                return
            self._take_slot(exchange)
            async with asyncio.timeout(self._limits.seconds):
                await self._app(exchange.scope, exchange.receive, exchange.send)
        except TimeoutError:
            await exchange.send_problem(self._timeout_problem(exchange))
        except Problem as problem:
            await exchange.send_problem(problem)
        except Exception as error:
            log_bug(exchange.id, exchange.route, error)
            await exchange.send_problem(to_problem(error))

    def _timeout_problem(self, exchange: _Exchange) -> Problem:
        seconds = f"{self._limits.seconds:g} seconds"
        if exchange.body is not None or not exchange.has_body:
            return unavailable(
                f"The request took longer than {seconds}; ask for less, or try again.", "too-slow"
            )
        return Problem(
            408, "slow-request", f"The request did not arrive within {seconds}; send it again."
        )

    def _take_slot(self, exchange: _Exchange) -> None:
        """Counts a request that is being worked on; raises Problem, 503, if they are too many."""
        if exchange.scope["path"].startswith(_UNLIMITED_PATHS):
            return
        if self._in_flight >= self._limits.in_flight:
            raise unavailable("The server is handling too many requests; try again in a second.")
        self._in_flight += 1

        def free() -> None:
            self._in_flight -= 1
            exchange.free_slot = _nothing

        exchange.free_slot = free

    def _check(self, exchange: _Exchange) -> None:
        """Raises Problem if the request exceeds a limit, is for another host or comes from
        another site."""
        scope, headers = exchange.scope, exchange.headers
        check_host(scope, self._allowed_hosts)
        client = client_key(scope["client"][0] if scope.get("client") else None)
        limits = ClientLimits(self._limiters, client)
        scope["state"]["client_limits"] = limits
        if scope["path"].startswith(_UNLIMITED_PATHS):
            return
        limits.check_requests()
        if scope["method"] == "POST" and scope["path"] == "/api/v1/people":
            limits.check_new_people()
        if security.is_cross_site(scope["method"], headers, scope["scheme"]):
            raise Problem(
                403,
                "foreign-site",
                "The request came from a page of another site; open this site and try again there.",
            )
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._max_body_bytes(scope["path"]):
            raise too_large(scope["path"])

    def _max_body_bytes(self, path: str) -> int:
        if path.startswith(UPLOAD_PATHS):
            return self._limits.upload_bytes
        return self._limits.body_bytes

    def _record(self, exchange: _Exchange) -> None:
        """Records metrics of a completed request, and logs it."""
        seconds = time.perf_counter() - exchange.started
        route, method = exchange.route, exchange.scope["method"]
        method = method if method in _METHODS else "other"
        status = exchange.status or 499  # the client disconnected before there was a response
        if route not in self._metrics:
            self._metrics[route] = RouteMetrics(route)
        self._metrics[route].add(method, status, seconds)
        if self._traffic is not None:
            self._traffic.count_request(status, seconds, is_list=route in _LIST_ROUTES)
        if self._log_requests and not exchange.scope["path"].startswith(_UNLIMITED_PATHS):
            fields: dict[str, object] = {
                "request_id": exchange.id,
                "method": method,
                "route": route,
                "status": status,
            }
            log("request", **fields, ms=round(1000 * seconds, 2))
