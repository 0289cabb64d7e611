"""Errors as problem documents (RFC 9457): what kind, and one sentence that says what to do.

    {"type": "urn:matinee:unknown-film", "title": "Not Found", "status": 404, "detail": "...",
    "request_id": "..."}

A request that does not validate has "errors" besides: a sentence for each wrong field.
"""

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from matinee.errors import MatineeError, StoreError, UnsupportedError
from matinee.web.db.people import UnknownPersonError
from matinee.web.http.logs import log

MEDIA_TYPE = "application/problem+json"
_HINTS = {
    404: "There is nothing at this address; /api/v1/openapi.json lists what there is.",
    405: "This address does not take that method; /api/v1/openapi.json says which it takes.",
}

_NO_PAGES = ("/api/", "/health/", "/metrics", "/static/")


class Answer(Response):
    """JSON from plain values, fast; a number that is not finite becomes null."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes; a text that is no Unicode is escaped."""
        try:
            return orjson.dumps(content)
        except orjson.JSONEncodeError:
            return orjson.dumps(_escaped(content))


class Problem(HTTPException):
    """Raised anywhere below a request; becomes its answer."""

    def __init__(
        self, status: int, kind: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind


def answer_of(problem: Problem, request_id: str, **more: Any) -> Answer:
    """The document of a problem."""
    title = HTTPStatus(problem.status_code).phrase
    document = {
        "type": f"urn:matinee:{problem.kind}",
        "title": title,
        "status": problem.status_code,
        "detail": _sentence(problem.detail),
        "request_id": request_id,
    }
    return Answer(document | more, problem.status_code, problem.headers, MEDIA_TYPE)


def answer_in(scope: Any, problem: Problem, **more: Any) -> Response:
    """The answer to a request that failed: a page where a browser shows pages, and the
    document elsewhere."""
    draw = getattr(getattr(scope.get("app"), "state", None), "error_page", None)
    accepted = dict(scope["headers"]).get(b"accept", b"")
    if draw is None or b"text/html" not in accepted or scope["path"].startswith(_NO_PAGES):
        return answer_of(problem, request_id_of(scope), **more)
    drawn: Response = draw(Request(scope), problem, request_id_of(scope))
    return drawn


def busy(detail: str, kind: str = "overloaded") -> Problem:
    """503: it is the server's fault, and soon over."""
    return Problem(503, kind, detail, {"Retry-After": "1"})


def problem_of(error: Exception) -> Problem:
    """What to answer to an error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = _HINTS.get(error.status_code, str(error.detail))
        return Problem(error.status_code, kind, detail, dict(error.headers or {}))
    if isinstance(error, UnknownPersonError):
        return Problem(401, "unknown-person", f"{error} Start again with POST /api/v1/people.")
    if isinstance(error, StoreError):
        return busy(
            "The database does not answer at the moment; nothing was changed. Try again.",
            "no-database",
        )
    if isinstance(error, UnsupportedError):
        return Problem(409, "unsupported-by-model", str(error))
    if isinstance(error, MatineeError):
        return Problem(422, "cannot-be-used", str(error))
    return Problem(
        500, "bug", "This is a bug of the server; it is in its log under the request id."
    )


def handle_problems(app: FastAPI) -> None:
    """Makes every error of an app a problem document, or a page by its `state.error_page`."""

    async def told(request: Request, error: Exception) -> Response:
        if isinstance(error, StoreError) and not isinstance(error, UnknownPersonError):
            log("database failed", request_id=request_id_of(request.scope), detail=str(error))
        return answer_in(request.scope, problem_of(error))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [_invalid(one) for one in error.errors()[:20]]
        problem = Problem(422, "invalid-request", errors[0]["detail"])
        return answer_in(request.scope, problem, errors=errors)

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, told)
    app.add_exception_handler(MatineeError, told)


def request_id_of(scope: Any) -> str:
    """The id that `gate` gave the request."""
    return str(scope.get("state", {}).get("request_id", ""))


def _invalid(error: dict[str, Any]) -> dict[str, str]:
    """The place of a wrong value and what is wrong with it. The value is shown where it is
    short."""
    place = [str(part) for part in error.get("loc", ())]
    where = ".".join(place[1:]) or "the body"
    said = str(error.get("msg", "it is not valid")).removeprefix("Value error, ")
    said = f"{said[:1].lower()}{said[1:]}".rstrip(".")
    value = error.get("input")
    if error.get("type") == "json_invalid":
        what = str(error.get("ctx", {}).get("error", "it breaks off")).lower()
        return {
            "field": "the body",
            "detail": _sentence(f"the body is not JSON from character {where} on: {what}"),
        }
    is_plain = isinstance(value, str | int | float | bool)
    given = f", not {_shown(value)}" if is_plain else ""
    return {"field": where, "detail": _sentence(f"{where}: {said}{given}")}


def _shown(value: object) -> str:
    return repr(value[:60]) if isinstance(value, str) else f"{value}"[:60]


def _sentence(text: str) -> str:
    """With a stop at the end. The start stays: it may be the name of a field."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", '"')) else f"{text}."


def _escaped(content: Any) -> Any:
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace").decode()
    if isinstance(content, dict):
        return {_escaped(name): _escaped(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_escaped(value) for value in content]
    return content
