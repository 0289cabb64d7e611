"""The operator page: database counts, the served models and their accuracy, and traffic.

Entering the operator's token sets a cookie for half an hour. It contains its expiry time and an
HMAC of that time, keyed with the token, so the token cannot be read from it. Browsers send it to
this page only, and it gives no access to the API.
"""

import hashlib
import hmac
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, TypedDict

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from prometheus_client.parser import text_string_to_metric_families

from matinee._version import __version__
from matinee.analysis.leave_one_out import MIN_RATINGS, LastRatingErrors, last_rating_errors
from matinee.errors import StoreError
from matinee.web.api.dependencies import ServerState, Serving
from matinee.web.api.responses import ModelInfo, describe
from matinee.web.db.people import PersonData
from matinee.web.http.monitoring import exposition
from matinee.web.http.problems import Problem
from matinee.web.http.security import secrets_match
from matinee.web.pages.rendering import render
from matinee.web.serving.registry import RegisteredModel
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/operator", include_in_schema=False)

COOKIE_SECONDS = 30 * 60
MAX_PEOPLE = 200
"""Accuracy is measured on the latest ratings of this many people."""


class ServedModel(NamedTuple):
    """What the page shows of a served model."""

    about: ModelInfo
    loaded: str
    refused: str | None
    n_people: int
    """Number of people on whose latest ratings the errors were measured."""
    rmse: float | None
    rmse_means: float | None
    """The RMSE of the films' mean ratings."""


class RouteTraffic(NamedTuple):
    """The traffic of one route."""

    name: str
    requests: int
    refusals: int
    """Responses with a status of 4xx."""
    errors: int
    """Responses with a status of 5xx."""
    mean_ms: float
    p99_ms: float | None
    """Upper end of the histogram bucket that contains the 99th percentile; None for the last
    bucket, which has no end."""


class Traffic(NamedTuple):
    """The traffic since the server started, busiest route first."""

    routes: list[RouteTraffic]
    requests: int
    refusals: int
    errors: int
    in_flight: int


class OperatorPage(TypedDict):
    """Values of operator/operator.html."""

    version: str
    database_kind: str
    is_database_up: bool
    counts: dict[str, int]
    models: list[ServedModel]
    max_people: int
    traffic: Traffic


class SignInPage(TypedDict):
    """Values of operator/sign_in.html."""

    has_operator: bool
    wrong: bool


@router.get("")
def operator_page(request: Request, serving: Serving) -> Response:
    """The page for the signed-in operator; otherwise a form for the token."""
    if not serving.settings.operator_token:
        return _sign_in_page(request, serving, 403)
    if not _is_operator(request, serving):
        return _sign_in_page(request, serving, 401)
    counts: dict[str, int] = {}
    people: list[PersonData] = []
    is_database_up = True
    try:
        counts = serving.store.counts()
        people = serving.store.recent_raters(MAX_PEOPLE, MIN_RATINGS)
    except StoreError:
        is_database_up = False
    values = OperatorPage(
        version=__version__,
        database_kind=serving.store.kind,
        is_database_up=is_database_up,
        counts=counts,
        models=[_served_model(live, people) for live in serving.models],
        max_people=MAX_PEOPLE,
        traffic=traffic_of(exposition().decode()),
    )
    return render(request, "operator/operator.html", values)


@router.post("")
def sign_in(
    request: Request, serving: Serving, token: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Sets the cookie if the token is correct."""
    secret = serving.settings.operator_token
    if not secret or not secrets_match(secret, token.strip()):
        return _sign_in_page(request, serving, 401, wrong=True)
    response = RedirectResponse("/operator", 303)
    expires = str(int(time.time()) + COOKIE_SECONDS)
    _set_cookie(request, response, f"{expires}.{_signature(secret, expires)}", COOKIE_SECONDS)
    return response


@router.post("/leave")
def sign_out(request: Request) -> Response:
    """Deletes the cookie."""
    response = RedirectResponse("/operator", 303)
    _set_cookie(request, response, "", 0)
    return response


@router.post("/reload")
def reload(request: Request, serving: Serving) -> Response:
    """Reloads the model files; the page shows which of them were refused."""
    if not _is_operator(request, serving):
        raise Problem(
            401, "not-the-operator", "This page is for the operator. Sign in at /operator."
        )
    serving.models.reload()
    return RedirectResponse("/operator", 303)


def _sign_in_page(
    request: Request, serving: ServerState, status: int, *, wrong: bool = False
) -> Response:
    values = SignInPage(has_operator=bool(serving.settings.operator_token), wrong=wrong)
    response = render(request, "operator/sign_in.html", values)
    response.status_code = status
    return response


# -- the cookie --------------------------------------------------------------------------


def _is_operator(request: Request, serving: ServerState) -> bool:
    secret = serving.settings.operator_token
    expires, _, signature = request.cookies.get(_cookie_name(request), "").partition(".")
    if not secret or not (expires.isascii() and expires.isdigit() and len(expires) < 15):
        return False
    return secrets_match(_signature(secret, expires), signature) and int(expires) > time.time()


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
        path="/operator",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


# -- models and traffic -------------------------------------------------------------------


def _served_model(live: RegisteredModel, people: list[PersonData]) -> ServedModel:
    snapshot = live.current
    measured = snapshot.run(_measure, snapshot, people)
    rmse = rmse_means = None
    if measured.errors is not None:
        rmse, rmse_means = round(measured.errors.model, 3), round(measured.errors.item_means, 3)
    return ServedModel(
        about=describe(snapshot),
        loaded=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(snapshot.loaded_at)),
        refused=live.refusal,
        n_people=measured.n_people,
        rmse=rmse,
        rmse_means=rmse_means,
    )


def _measure(snapshot: ModelSnapshot, people: list[PersonData]) -> LastRatingErrors:
    stars = [snapshot.indices(data.stars()) for data in people]
    return last_rating_errors(snapshot.guide.model, stars)


@dataclass
class _RouteSums:
    """Sums over the metrics of one route."""

    requests: float = 0.0
    by_class: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """First digit of the status code -> number of requests."""
    seconds: float = 0.0
    buckets: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    """Upper end of a bucket in seconds -> number of requests up to it."""

    def to_traffic(self, name: str) -> RouteTraffic:
        """The sums as the page shows them."""
        n = max(self.buckets.values(), default=0.0)
        mean_ms, p99_ms = 0.0, None
        if n:
            mean_ms = 1000 * self.seconds / n
            p99 = min(end for end, count in self.buckets.items() if count >= 0.99 * n)
            if p99 < float("inf"):
                p99_ms = 1000 * p99
        refusals, errors = int(self.by_class["4"]), int(self.by_class["5"])
        return RouteTraffic(name, int(self.requests), refusals, errors, mean_ms, p99_ms)


def traffic_of(exposition: str) -> Traffic:
    """Sums up metrics given in the text format of Prometheus."""
    by_route: dict[str, _RouteSums] = defaultdict(_RouteSums)
    in_flight = 0.0
    families = text_string_to_metric_families(exposition)
    for sample in (sample for family in families for sample in family.samples):
        route = sample.labels.get("route", "")
        if sample.name == "matinee_requests_total":
            by_route[route].requests += sample.value
            by_route[route].by_class[sample.labels["status"][:1]] += sample.value
        elif sample.name == "matinee_request_seconds_sum":
            by_route[route].seconds += sample.value
        elif sample.name == "matinee_request_seconds_bucket":
            by_route[route].buckets[float(sample.labels["le"])] += sample.value
        elif sample.name == "matinee_requests_in_flight":
            in_flight += sample.value
    routes = [sums.to_traffic(name) for name, sums in by_route.items()]
    routes.sort(key=lambda route: -route.requests)
    return Traffic(
        routes=routes,
        requests=sum(route.requests for route in routes),
        refusals=sum(route.refusals for route in routes),
        errors=sum(route.errors for route in routes),
        in_flight=int(in_flight),
    )
