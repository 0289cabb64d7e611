"""Scripts on pages of other origins may use the API, if the operator allows it (CORS).

Their requests lose their cookies, so they cannot act for a visitor of this site: a script on
another origin sends a token that it got itself.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from matinee.errors import SettingError
from matinee.web.http.security import is_cross_site

ANY = "*"
_API = "/api/"
_METHODS = ("GET", "POST", "PUT", "DELETE")
_REQUEST_HEADERS = ("Authorization", "Content-Type", "X-Request-ID")
_RESPONSE_HEADERS = ("Retry-After", "X-Request-ID")
_PREFLIGHT_SECONDS = 3600
_OF_BROWSERS = (b"cookie", b"origin", b"sec-fetch-site")


def parse_origin(text: str) -> str:
    """An origin in the form in which browsers send it.

    Raises:
        SettingError: the text is neither a scheme with a host nor "*".
    """
    origin = text.rstrip("/").lower()
    parts = urlsplit(origin)
    is_origin = parts.scheme in ("http", "https") and parts.netloc
    if origin == ANY or (is_origin and origin == f"{parts.scheme}://{parts.netloc}"):
        return origin
    raise SettingError(
        f"An allowed origin is a scheme and a host, such as https://films.example, or *, not "
        f"'{text}'."
    )


class CrossOriginMiddleware:
    """ASGI middleware around the whole application, for the addresses of the API.

    Args:
        origins: the allowed origins, as `parse_origin` returns them.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._api = CORSMiddleware(
            _WithoutCookies(app, origins),
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_RESPONSE_HEADERS,
            max_age=_PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        is_api = scope["type"] == "http" and scope["path"].startswith(_API)
        await (self._api if is_api else self._app)(scope, receive, send)


class _WithoutCookies:
    """Makes the requests of allowed foreign pages like those of a program that is no browser."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app, self._origins = app, {origin.encode() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        is_allowed = origin in self._origins or (origin and ANY.encode() in self._origins)
        if is_allowed and is_cross_site("POST", headers, scope["scheme"]):
            kept = [header for header in scope["headers"] if header[0] not in _OF_BROWSERS]
            scope = {**scope, "headers": kept}
        await self._app(scope, receive, send)
