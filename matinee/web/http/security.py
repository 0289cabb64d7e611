"""Headers, the cookie, and which requests may come from where."""

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
COOKIE_SECONDS = 400 * 24 * 3600
"""The longest that browsers allow."""

# Pages load only what this server sends, run no inline script, and stand in nobody's frame.
_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": _CONTENT,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        # Not "no-referrer": the Origin of a form would then be null, and the check below would
        # refuse it.
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }.items()
)
HSTS = (b"strict-transport-security", b"max-age=31536000")
NOT_STORED = (b"cache-control", b"no-store")


def is_foreign(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request that may change something was made by another site's page in
    another person's browser.

    Browsers say so in Sec-Fetch-Site, which no page can forge, and older ones in Origin; a
    client that sends neither is no browser, and holds no cookie that another site could
    misuse.

    Args:
        headers: names in lower case.
    """
    if method in SAFE_METHODS:
        return False
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode(
            "latin-1"
        )
    except ValueError:  # such as http://[, which no page of ours has for its origin
        return True


def is_same(secret: str, given: str) -> bool:
    """Compares two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(
        secret.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")
    )


def bearer(request: Request) -> str | None:
    """The token of the Authorization header."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def cookie_name(request: Request) -> str:
    """Over HTTPS with the prefix by which browsers take the cookie only so, and from this host
    itself.

    Browsers do not tell ports apart, so the id of the database is in it: two servers on one
    host are no strangers then.
    """
    name = f"matinee-{request.app.state.served.store.id}"
    return f"__Host-{name}" if request.url.scheme == "https" else name


def token_of(request: Request) -> str | None:
    """A person's secret, from the header or else the cookie."""
    return bearer(request) or request.cookies.get(cookie_name(request))


def give_cookie(request: Request, response: Response, token: str) -> None:
    """Sets the cookie: out of the reach of scripts, and sent along with no other site's
    requests but plain links."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=COOKIE_SECONDS,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def renew_cookie(request: Request, response: Response) -> None:
    """Sets the cookie again, for another `COOKIE_SECONDS`, if a known person sent it;
    see `access`."""
    token: str | None = getattr(request.state, "known_token", None)
    if token is not None and token == request.cookies.get(cookie_name(request)):
        give_cookie(request, response, token)


def take_cookie(request: Request, response: Response) -> None:
    """Removes the cookie from the browser."""
    secure = request.url.scheme == "https"
    response.delete_cookie(
        cookie_name(request), path="/", secure=secure, httponly=True, samesite="lax"
    )
