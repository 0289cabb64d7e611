"""Errors as problem documents (RFC 9457): a type, and a sentence that says what to do.

    {"type": "urn:matinee:unknown-film", "title": "Not Found", "status": 404, "detail": "...",
    "request_id": "..."}

The document of an invalid request also has "errors": one sentence for each invalid value.
"""

import re
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from matinee.errors import MatineeError, StoreError, UnsupportedError
from matinee.web.db.transactions import UnknownPersonError, WriteError
from matinee.web.http.logs import log_seldom

MEDIA_TYPE = "application/problem+json"
_HINTS = {
    404: "There is nothing at this address; see /docs for all addresses.",
    405: "This address does not accept that method; see /docs for those it accepts.",
}
_NO_PAGE_PATHS = ("/api/", "/health/", "/metrics", "/static/", "/docs/assets/")
_NUMBER = re.compile(r"[0-9]+")
_PLACES = {"query": "Parameter", "path": "Parameter", "header": "Header", "cookie": "Cookie"}


class OrjsonResponse(Response):
    """A JSON response that orjson renders from plain values. Infinite numbers and NaN become
    null."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """Renders the content; text that is not valid Unicode is escaped."""
        try:
            return orjson.dumps(content)
        except orjson.JSONEncodeError:
            return orjson.dumps(_escape(content))


class Problem(HTTPException):
    """An error that ends a request; its response is a problem document.

    Args:
        status: HTTP status code.
        kind: the last part of the document's type, such as "unknown-film".
        detail: a sentence that says what is wrong and what to do.
        headers: additional headers of the response.
    """

    def __init__(
        self, status: int, kind: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind


def problem_response(problem: Problem, request_id: str, **more: object) -> OrjsonResponse:
    """A response with the problem document of a problem.

    Args:
        more: additional members of the document.
    """
    title = HTTPStatus(problem.status_code).phrase
    document = {
        "type": f"urn:matinee:{problem.kind}",
        "title": title,
        "status": problem.status_code,
        "detail": _end_sentence(problem.detail),
        "request_id": request_id,
    }
    return OrjsonResponse(document | more, problem.status_code, problem.headers, MEDIA_TYPE)


def error_response(scope: Scope, problem: Problem, **more: object) -> Response:
    """The response to a failed request: an HTML page if a browser asked for a page, and a problem
    document otherwise."""
    make_page = getattr(getattr(scope.get("app"), "state", None), "error_page", None)
    accepted = dict(scope["headers"]).get(b"accept", b"")
    is_page = b"text/html" in accepted and not scope["path"].startswith(_NO_PAGE_PATHS)
    if make_page is None or not is_page:
        return problem_response(problem, request_id_of(scope), **more)
    page: Response = make_page(Request(scope), problem, request_id_of(scope))
    return page


def unavailable(detail: str, kind: str = "overloaded") -> Problem:
    """A 503 problem that asks the client to retry after a second."""
    return Problem(503, kind, detail, {"Retry-After": "1"})


def to_problem(error: Exception) -> Problem:
    """Converts an exception to a problem."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = _HINTS.get(error.status_code, str(error.detail))
        return Problem(error.status_code, kind, detail, dict(error.headers or {}))
    if isinstance(error, UnknownPersonError):
        return Problem(401, "unknown-person", f"{error} Start again with POST /api/v1/people.")
    if isinstance(error, WriteError):
        return unavailable(
            f"Nothing can be stored at the moment, because the database {error.reason}; nothing "
            "was changed. What is stored can still be read. Try again later.",
            "no-writes",
        )
    if isinstance(error, StoreError):
        return unavailable(
            "The database is not available; nothing was changed. Try again in a moment.",
            "no-database",
        )
    if isinstance(error, UnsupportedError):
        return Problem(409, "unsupported-by-model", str(error))
    if isinstance(error, MatineeError):
        return Problem(422, "cannot-be-used", str(error))
    return Problem(
        500, "bug", "The request failed because of a bug; the log has it under the request id."
    )


def add_error_handlers(app: FastAPI) -> None:
    """Adds exception handlers that answer every error with a problem document, or with a page
    made by `app.state.error_page`."""

    async def handle(request: Request, error: Exception) -> Response:
        if isinstance(error, StoreError) and not isinstance(error, UnknownPersonError):
            detail = str(error)
            log_seldom(
                "database failed",
                _NUMBER.sub("", detail),
                request_id=request_id_of(request.scope),
                detail=detail,
            )
        return error_response(request.scope, to_problem(error))

    async def handle_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [_describe_invalid(details) for details in error.errors()[:20]]
        problem = Problem(422, "invalid-request", errors[0]["detail"])
        return error_response(request.scope, problem, errors=errors)

    app.add_exception_handler(RequestValidationError, handle_invalid)
    app.add_exception_handler(HTTPException, handle)
    app.add_exception_handler(MatineeError, handle)


def request_id_of(scope: Scope) -> str:
    """The id that the middleware has assigned to the request."""
    return str(scope.get("state", {}).get("request_id", ""))


def _describe_invalid(error: dict[str, Any]) -> dict[str, str]:
    """The field of an invalid value, and a sentence that says what is wrong with it.

    Args:
        error: an error of pydantic, as in `RequestValidationError.errors()`.
    """
    place, *parts = [str(part) for part in error.get("loc", ())] or ["body"]
    field = ".".join(parts) or "the body"
    kind, message = error.get("type"), str(error.get("msg", "Input is not valid"))
    if kind == "json_invalid":
        reason = str(error.get("ctx", {}).get("error", "unexpected end")).lower()
        detail = f"The body is not valid JSON; the error is at character {field}: {reason}."
        return {"field": "the body", "detail": detail}
    if not parts:
        return {
            "field": field,
            "detail": "The request needs a JSON object as its body, and the header Content-Type: "
            "application/json.",
        }
    subject = f"{_PLACES.get(place, 'Field')} '{field}'"
    if kind == "missing":
        return {"field": field, "detail": f"{subject} is missing."}
    if kind == "extra_forbidden":
        return {"field": field, "detail": f"{subject} does not exist; check its spelling."}
    message = message.removeprefix("Value error, ").replace(" after validation", "")
    message = message.partition(", unable to ")[0]
    _, verb, rest = message.partition(" should ")
    detail = f"{subject} must {rest}" if verb else f"{subject} is invalid: {message}"
    value = error.get("input")
    if isinstance(value, str | int | float | bool):
        detail = f"{detail.rstrip('.')}, not {_shorten(value)}"
    return {"field": field, "detail": _end_sentence(detail)}


def _shorten(value: object) -> str:
    return repr(value[:60]) if isinstance(value, str) else f"{value}"[:60]


def _end_sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", '"')) else f"{text}."


def _escape(content: object) -> object:
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace").decode()
    if isinstance(content, dict):
        return {_escape(name): _escape(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_escape(value) for value in content]
    return content
