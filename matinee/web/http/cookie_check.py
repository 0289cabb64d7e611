"""Whether a browser keeps cookies, asked before the first thing of a visitor is stored.

The first form of a visitor without a cookie is answered with a cookie that says nothing but that
there are cookies, and with status 307, which makes the browser send the same form once more. If
the cookie is not in the second request, nothing is stored, and the page says why.
"""

from starlette.requests import Request
from starlette.responses import Response

from matinee.web.http.problems import Problem
from matinee.web.http.security import person_token

COOKIE = "matinee-cookies"
_SECONDS = 300
_ASKED = "cookies"
"""The parameter of the second request."""


def forget_check(response: Response) -> None:
    """Removes the cookie of the check, once the person's own cookie is set."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")


def check_cookies(request: Request) -> None:
    """Raises Problem, 307 or 403, unless the client is known to keep cookies. A client that is not
    a browser, and sends neither Origin nor Sec-Fetch-Site, manages its cookies itself."""
    is_browser = "origin" in request.headers or "sec-fetch-site" in request.headers
    if not is_browser or request.cookies.get(COOKIE) or person_token(request):
        return
    if _ASKED in request.query_params:
        raise Problem(403, "no-cookies", "Allow cookies to keep your ratings.")
    probe = Response()
    probe.set_cookie(
        COOKIE,
        "kept",
        max_age=_SECONDS,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    address = request.url.include_query_params(**{_ASKED: "asked"})
    location = f"{address.path}?{address.query}"
    headers = {"location": location, "set-cookie": probe.headers["set-cookie"]}
    raise Problem(307, "cookies-asked", "Send the same request again.", headers)
