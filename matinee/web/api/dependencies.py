"""FastAPI dependencies of the endpoints and pages: the server's state and the current person.

    def my_ratings(person: CurrentPerson, serving: Serving) -> Response: ...

A function that uses the store is a plain `def`, which FastAPI calls in a thread, or runs its work
in a `WorkQueue`. A function that uses a model is `async` and calls `ModelSnapshot.run_async`.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from matinee.web.db.people import Store
from matinee.web.http.client_limits import ClientLimiters, client_limits
from matinee.web.http.problems import Problem
from matinee.web.http.security import bearer_token, person_token, secrets_match
from matinee.web.serving.import_worker import ImportWorker
from matinee.web.serving.registry import ModelRegistry
from matinee.web.serving.retraining import Retrainer
from matinee.web.serving.work_queue import WorkQueue
from matinee.web.settings import Settings

# These schemes only describe in the OpenAPI document what `person_token` and `require_operator` do
_BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", description="The token from POST /api/v1/people."
)
_COOKIE = APIKeyCookie(
    name="matinee",
    auto_error=False,
    scheme_name="cookie",
    description="The full name is `matinee-` with the id of the database, and over HTTPS it "
    "starts with `__Host-`.",
)
_OPERATOR = HTTPBearer(
    auto_error=False,
    scheme_name="operator",
    description="The value of MATINEE_OPERATOR_TOKEN on the server.",
)


@dataclass(frozen=True)
class ServerState:
    """The state of a running server, stored as `app.state.server`."""

    settings: Settings
    models: ModelRegistry
    store: Store
    limiters: ClientLimiters
    page_queue: WorkQueue = field(default_factory=WorkQueue)
    """Runs the pages that need much computing time."""
    imports: ImportWorker = field(default_factory=ImportWorker)
    """Reads uploaded files."""

    @cached_property
    def retrainer(self) -> Retrainer:
        """Retrains the models when the operator asks for it."""
        return Retrainer(self.settings, self.models, self.store)


async def server_state(request: Request) -> ServerState:
    """The state of the server that handles the request."""
    server: ServerState = request.app.state.server
    return server


def maybe_person(request: Request) -> str | None:
    """The id of the person whose token was sent; None without a token or with an unknown one."""
    token = person_token(request)
    server: ServerState = request.app.state.server
    person = None if token is None else server.store.find_person(token)
    if person is not None:
        request.state.known_token = token
    return person


def current_person(request: Request) -> str:
    """The id of the person whose token was sent; raises Problem, 401, if there is none."""
    person = maybe_person(request)
    if person is None:
        problem = "This address needs a person's token."
        if person_token(request):
            problem = "This token is not valid; the person may have been deleted."
        hint = (
            "Get a token from POST /api/v1/people, and send it as 'Authorization: Bearer TOKEN' "
            "or in the cookie."
        )
        raise Problem(401, "unknown-person", f"{problem} {hint}", {"WWW-Authenticate": "Bearer"})
    return person


def is_operator_secret(request: Request, secret: str, given: str) -> bool:
    """Whether a client has sent the operator's token, or what only its owner can make; raises
    Problem, 429, if the client has sent too many wrong ones."""
    limits = client_limits(request)
    limits.check_guesses()
    if secrets_match(secret, given):
        return True
    limits.count_guess()
    return False


async def require_operator(request: Request) -> None:
    """Raises Problem, 401 or 403, unless the operator's token was sent."""
    server: ServerState = request.app.state.server
    secret = server.settings.operator_token
    if not secret:
        detail = (
            "The operator endpoints are disabled; to enable them, start the server with a secret "
            "in MATINEE_OPERATOR_TOKEN."
        )
        raise Problem(403, "no-operator", detail)
    token = bearer_token(request)
    if not token or not is_operator_secret(request, secret, token):
        detail = "This address needs the operator's token, as 'Authorization: Bearer TOKEN'."
        raise Problem(401, "not-the-operator", detail, {"WWW-Authenticate": "Bearer"})


Serving = Annotated[ServerState, Depends(server_state)]
CurrentPerson = Annotated[str, Depends(current_person)]
MaybePerson = Annotated[str | None, Depends(maybe_person)]

needs_person = [Depends(_BEARER), Depends(_COOKIE)]
needs_operator = [Depends(_OPERATOR), Depends(require_operator)]
