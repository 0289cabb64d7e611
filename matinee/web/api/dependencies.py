"""Who asks, and what the server has: what the functions behind addresses depend on.

    def mine(person: CurrentPerson, serving: Serving) -> Response: ...

A function that uses the store is a plain `def`, which FastAPI calls in a thread, or does so in
a lane; one that asks a model is `async` and goes through `Snapshot.ask`.
"""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from matinee.web.db.people import Store
from matinee.web.http.problems import Problem
from matinee.web.http.security import bearer, is_same, token_of
from matinee.web.serving.registry import Models
from matinee.web.serving.work_queue import Lane
from matinee.web.settings import Settings

# These two only describe in the OpenAPI document what `token_of` does.
_BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", description="The token of POST /api/v1/people."
)
_NAME = "Its name goes on with - and the id of the database, and over HTTPS begins with __Host-."
_COOKIE = APIKeyCookie(name="matinee", auto_error=False, scheme_name="cookie", description=_NAME)
_OPERATOR = HTTPBearer(
    auto_error=False, scheme_name="operator", description="MATINEE_OPERATOR_TOKEN of the server."
)


@dataclass(frozen=True)
class Served:
    """What a running server has; `request.app.state.served`."""

    settings: Settings
    models: Models
    store: Store
    long_pages: Lane = field(default_factory=Lane)
    """For pages that compute for longer than others."""


async def served(request: Request) -> Served:
    """What this server has."""
    found: Served = request.app.state.served
    return found


def maybe_person(request: Request) -> str | None:
    """The id of the person whose token came along, None without a token or with one that is no
    longer known."""
    token = token_of(request)
    found: Served = request.app.state.served
    person = None if token is None else found.store.person_of(token)
    if person is not None:
        request.state.known_token = token
    return person


def current_person(request: Request) -> str:
    """The id of the person whose token came along; raises Problem, 401, if there is none."""
    person = maybe_person(request)
    if person is None:
        known = (
            "There is no person with this token any more"
            if token_of(request)
            else "This needs a person's token"
        )
        hint = (
            "POST /api/v1/people makes one; send it as 'Authorization: Bearer TOKEN' or in "
            "the cookie."
        )
        raise Problem(401, "unknown-person", f"{known}. {hint}", {"WWW-Authenticate": "Bearer"})
    return person


async def operator(request: Request) -> None:
    """Raises Problem unless the operator's token came along."""
    found: Served = request.app.state.served
    secret = found.settings.operator_token
    if not secret:
        detail = (
            "This server has no operator; start it with a secret in MATINEE_OPERATOR_TOKEN "
            "to have one."
        )
        raise Problem(403, "no-operator", detail)
    if not is_same(secret, bearer(request) or ""):
        detail = "This needs the operator's token, as 'Authorization: Bearer TOKEN'."
        raise Problem(401, "not-the-operator", detail, {"WWW-Authenticate": "Bearer"})


Serving = Annotated[Served, Depends(served)]
CurrentPerson = Annotated[str, Depends(current_person)]
MaybePerson = Annotated[str | None, Depends(maybe_person)]

needs_person = [Depends(_BEARER), Depends(_COOKIE)]
needs_operator = [Depends(_OPERATOR), Depends(operator)]
