"""The first page of the operator: the server's state, the models, and the traffic."""

import time
from typing import NamedTuple, TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from matinee._version import __version__
from matinee.errors import StoreError
from matinee.web.api.dependencies import Serving
from matinee.web.api.operator_views import WINDOWS, Window, traffic_history
from matinee.web.api.responses import ModelInfo, describe
from matinee.web.http.monitoring import exposition
from matinee.web.http.route_traffic import Traffic, traffic_of
from matinee.web.pages.operator_access import needs_sign_in
from matinee.web.pages.rendering import render
from matinee.web.pages.traffic_charts import TrafficView, traffic_view
from matinee.web.serving.registry import RegisteredModel

router = APIRouter(prefix="/operator", include_in_schema=False, dependencies=needs_sign_in)

_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


class ServedModel(NamedTuple):
    """What the page shows of a served model."""

    about: ModelInfo
    loaded: str
    refused: str | None


class OperatorPage(TypedDict):
    """Values of operator/operator.html."""

    version: str
    database: str
    is_database_up: bool
    counts: dict[str, int]
    models: list[ServedModel]
    traffic: Traffic
    window: Window
    windows: tuple[Window, ...]
    over_time: TrafficView | None
    """None if the database does not respond."""
    told: str
    """What has just been done: "reloaded", "not_reloaded" or nothing."""


@router.get("")
def operator_page(
    request: Request, serving: Serving, window: str = "hour", told: str = ""
) -> Response:
    """The page for the signed-in operator; otherwise a form for the token."""
    known_window: Window = window if window in WINDOWS else "hour"
    counts: dict[str, int] = {}
    over_time = None
    try:
        counts = serving.store.counts()
        over_time = traffic_view(traffic_history(serving.store, known_window), known_window)
    except StoreError:
        counts = {}
    values = OperatorPage(
        version=__version__,
        database=_DATABASES.get(serving.store.kind, serving.store.kind),
        is_database_up=over_time is not None,
        counts=counts,
        models=[_served_model(live) for live in serving.models],
        traffic=traffic_of(exposition().decode()),
        window=known_window,
        windows=tuple(WINDOWS),
        over_time=over_time,
        told=told if told in ("reloaded", "not_reloaded") else "",
    )
    return render(request, "operator/operator.html", values)


@router.post("/reload")
def reload(serving: Serving) -> Response:
    """Reloads the model files; the page says what came of it."""
    told = "reloaded" if serving.models.reload() else "not_reloaded"
    return RedirectResponse(f"/operator?told={told}", 303)


def _served_model(live: RegisteredModel) -> ServedModel:
    snapshot = live.current
    loaded = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(snapshot.loaded_at))
    return ServedModel(describe(snapshot), loaded, live.refusal)
