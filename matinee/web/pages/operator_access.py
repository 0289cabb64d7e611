"""Signing in as the operator.

Entering the operator's token sets a cookie for half an hour. It contains its expiry time and an
HMAC of that time, keyed with the token, so the token cannot be read from it. Browsers send it to
the operator's pages only, and it gives no access to the API.
"""

import hashlib
import hmac
import time
from typing import Annotated, TypedDict

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from matinee.web.api.dependencies import ServerState, Serving, is_operator_secret
from matinee.web.pages.rendering import is_local, render

router = APIRouter(prefix="/operator", include_in_schema=False)

COOKIE_SECONDS = 30 * 60
START = "/operator"


class SignInPage(TypedDict):
    """Values of operator/sign_in.html."""

    has_operator: bool
    wrong: bool
    back: str


@router.post("")
def sign_in(
    request: Request,
    serving: Serving,
    token: Annotated[str, Form(max_length=500)] = "",
    back: Annotated[str, Form(max_length=500)] = START,
) -> Response:
    """Sets the cookie if the token is correct."""
    secret, given = serving.settings.operator_token, token.strip()
    if not secret or not given or not is_operator_secret(request, secret, given):
        return _sign_in_page(request, serving, 401, back, wrong=True)
    response = RedirectResponse(_own_page(back), 303)
    expires = str(int(time.time()) + COOKIE_SECONDS)
    _set_cookie(request, response, f"{expires}.{_signature(secret, expires)}", COOKIE_SECONDS)
    return response


@router.post("/leave")
def sign_out(request: Request) -> Response:
    """Deletes the cookie."""
    response = RedirectResponse(START, 303)
    _set_cookie(request, response, "", 0)
    return response


class SignInNeededError(Exception):
    """The visitor of an operator's page is not the signed-in operator."""


def require_signed_in(request: Request, serving: Serving) -> None:
    """Raises SignInNeededError for everybody but the signed-in operator."""
    if not _is_operator(request, serving):
        raise SignInNeededError


def ask_to_sign_in(request: Request, _: Exception) -> Response:
    """The form for the token, which leads back to the page that was asked for."""
    serving: ServerState = request.app.state.server
    if not serving.settings.operator_token:
        return _sign_in_page(request, serving, 403, START)
    back = START
    if request.method == "GET":
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return _sign_in_page(request, serving, 401, back)


needs_sign_in = [Depends(require_signed_in)]
"""The dependencies of all other pages of the operator."""


def _sign_in_page(
    request: Request, serving: ServerState, status: int, back: str, *, wrong: bool = False
) -> Response:
    has_operator = bool(serving.settings.operator_token)
    values = SignInPage(has_operator=has_operator, wrong=wrong, back=_own_page(back))
    response = render(request, "operator/sign_in.html", values)
    response.status_code = status
    return response


def _own_page(address: str) -> str:
    """An address of the operator's pages; any other becomes that of the first one."""
    is_own = address == START or address.startswith((f"{START}/", f"{START}?"))
    return address if is_own and is_local(address) else START


# -- the cookie --------------------------------------------------------------------------


def _is_operator(request: Request, serving: ServerState) -> bool:
    secret = serving.settings.operator_token
    expires, _, signature = request.cookies.get(_cookie_name(request), "").partition(".")
    if not secret or not (expires.isascii() and expires.isdigit() and len(expires) < 15):
        return False
    if int(expires) <= time.time():
        return False
    # A guessed token makes a cookie as well, so a wrong one counts as a guess
    return is_operator_secret(request, _signature(secret, expires), signature)


def _signature(secret: str, expires: str) -> str:
    return hmac.new(
        secret.encode(), f"operator until {expires}".encode(), hashlib.sha256
    ).hexdigest()


def _cookie_name(request: Request) -> str:
    if request.url.scheme == "https":
        return "__Secure-matinee-operator"
    return "matinee-operator"


def _set_cookie(request: Request, response: Response, value: str, seconds: int) -> None:
    response.set_cookie(
        _cookie_name(request),
        value,
        max_age=seconds,
        path=START,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
