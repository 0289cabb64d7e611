"""Security headers, tokens and cookies, and protection from cross-site requests."""

import hmac
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from matinee.web.http.hosts import origin_of

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
COOKIE_SECONDS = 400 * 24 * 3600
"""The lifetime of the cookie: the longest that browsers allow."""


def content_security_policy(styles: str = "'self'", images: str = "'self'") -> str:
    """What a page may load: resources only from this server, except for posters from one host if
    the operator names it. It may run no inline scripts and cannot be framed.

    Args:
        styles, images: where they may come from, such as "'self' 'nonce-...'".
    """
    return (
        f"default-src 'none'; script-src 'self'; style-src {styles}; img-src {images} data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


HEADERS = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": content_security_policy(),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        # With "no-referrer", the Origin of a form would be null, and `is_cross_site` would be
        # true for it
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }.items()
)
HSTS = (b"strict-transport-security", b"max-age=31536000")
NO_STORE = (b"cache-control", b"no-store")


def headers_with(image_origin: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers of a response that does not set its own, with pictures from another origin
    allowed; empty: from none."""
    if not image_origin:
        return (*HEADERS, NO_STORE)
    policy = content_security_policy(images=f"'self' {image_origin}")
    return ((HEADERS[0][0], policy.encode()), *HEADERS[1:], NO_STORE)


def is_cross_site(method: str, headers: Mapping[bytes, bytes], scheme: str = "http") -> bool:
    """Whether a request that may change data was made by a page of another site (cross-site
    request forgery).

    Browsers send the header Sec-Fetch-Site, which pages cannot forge; older browsers send Origin.
    A client that sends neither is not a browser, so it has no cookie that another site could
    misuse.

    Args:
        method: the HTTP method; requests with a safe method are never refused.
        headers: names in lower case.
        scheme: of the request, as the browser sees it.
    """
    if method in SAFE_METHODS:
        return False
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return False
    host = headers.get(b"host", b"").decode("latin-1")
    return origin.decode("latin-1").lower() != origin_of(scheme, host)


def secrets_match(secret: str, given: str) -> bool:
    """Compares two secrets in constant time."""
    return hmac.compare_digest(
        secret.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")
    )


def bearer_token(request: Request) -> str | None:
    """The bearer token of the Authorization header; None if there is none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def cookie_name(request: Request) -> str:
    """The name of the person's cookie.

    Over HTTPS it has the prefix __Host-, with which browsers accept a cookie only over HTTPS and
    from the host itself. Browsers send the cookies of a host to all its ports, so the name
    contains the database's id: servers on one host do not overwrite each other's cookies.
    """
    name = f"matinee-{request.app.state.server.store.id}"
    return f"__Host-{name}" if request.url.scheme == "https" else name


def person_token(request: Request) -> str | None:
    """A person's token, from the Authorization header or else from the cookie."""
    return bearer_token(request) or request.cookies.get(cookie_name(request))


def set_person_cookie(request: Request, response: Response, token: str) -> None:
    """Sets the person's cookie. Scripts cannot read it, and browsers do not send it with requests
    from other sites, except when someone follows a link."""
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


def renew_person_cookie(request: Request, response: Response) -> None:
    """Extends the cookie by another `COOKIE_SECONDS`, if the request was sent with it by a known
    person (see `api.dependencies.maybe_person`)."""
    token: str | None = getattr(request.state, "known_token", None)
    if token is not None and token == request.cookies.get(cookie_name(request)):
        set_person_cookie(request, response, token)


def delete_person_cookie(request: Request, response: Response) -> None:
    """Removes the person's cookie from the browser."""
    secure = request.url.scheme == "https"
    response.delete_cookie(
        cookie_name(request), path="/", secure=secure, httponly=True, samesite="lax"
    )
