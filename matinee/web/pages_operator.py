"""The operator's page: how much is kept, which models are served and how good they are, and what was asked.

Who types the operator's token gets a cookie for half an hour. It holds the time at which it ends and a code over it
made with the token (HMAC), and is sent to this page alone; it opens no endpoint of the API, and the token is not in it.
"""

import hashlib
import hmac
import time
from collections import defaultdict
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from prometheus_client.parser import text_string_to_metric_families

from matinee._version import __version__
from matinee.errors import StoreError
from matinee.web.access import Served, Serving
from matinee.web.api import describe
from matinee.web.live import LiveModel, Snapshot
from matinee.web.metrics import exposition
from matinee.web.pages_base import page
from matinee.web.problems import Problem
from matinee.web.security import is_same

router = APIRouter(prefix="/operator", include_in_schema=False)

SECONDS = 30 * 60
MOST_ASKED = 200
"""So many people's last ratings tell how good a model is."""
ENOUGH = 5


@router.get("")
def operator_page(request: Request, serving: Serving) -> Response:
    """The figures, or the form for the token."""
    if not serving.settings.operator_token:
        return _sign_in(request, serving, 403)
    if not _is_operator(request, serving):
        return _sign_in(request, serving, 401)
    try:
        counts, database = serving.store.counts(), True
    except StoreError:
        counts, database = {}, False
    models = [_model(one) for one in serving.models]
    sequences = serving.store.last_raters(MOST_ASKED, ENOUGH) if database else []
    for one, live in zip(models, serving.models, strict=True):
        one |= live.current.run(_quality, live.current, sequences)
    return page(
        request, "operator.html", counts=counts, database=database, kind=serving.store.kind, version=__version__,
        models=models, traffic=traffic(exposition().decode()), most=MOST_ASKED,
    )  # fmt: skip


@router.post("")
def sign_in(request: Request, serving: Serving, token: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Takes the token, and gives the cookie."""
    secret = serving.settings.operator_token
    if not secret or not is_same(secret, token.strip()):
        return _sign_in(request, serving, 401, wrong=True)
    answer = RedirectResponse("/operator", 303)
    ends = str(int(time.time()) + SECONDS)
    _cookie(request, answer, f"{ends}.{_code(secret, ends)}", SECONDS)
    return answer


@router.post("/leave")
def sign_out(request: Request) -> Response:
    """Takes the cookie away."""
    answer = RedirectResponse("/operator", 303)
    _cookie(request, answer, "", 0)
    return answer


@router.post("/reload")
def reload(request: Request, serving: Serving) -> Response:
    """Reads the model files again, now; the page says which was refused."""
    if not _is_operator(request, serving):
        raise Problem(401, "not-the-operator", "This needs the operator's token; sign in at /operator.")
    serving.models.reload()
    return RedirectResponse("/operator", 303)


def _sign_in(request: Request, serving: Served, status: int, *, wrong: bool = False) -> Response:
    has_operator = bool(serving.settings.operator_token)
    answer = page(request, "operator_sign_in.html", has_operator=has_operator, wrong=wrong)
    answer.status_code = status
    return answer


# -- who it is -----------------------------------------------------------------------------------------------------


def _is_operator(request: Request, serving: Served) -> bool:
    secret = serving.settings.operator_token
    ends, _, code = request.cookies.get(_cookie_name(request), "").partition(".")
    if not secret or not (ends.isascii() and ends.isdigit() and len(ends) < 15):
        return False
    return is_same(_code(secret, ends), code) and int(ends) > time.time()


def _code(secret: str, ends: str) -> str:
    return hmac.new(secret.encode(), f"operator until {ends}".encode(), hashlib.sha256).hexdigest()


def _cookie_name(request: Request) -> str:
    return "__Secure-matinee-operator" if request.url.scheme == "https" else "matinee-operator"


def _cookie(request: Request, answer: Response, value: str, seconds: int) -> None:
    secure = request.url.scheme == "https"
    answer.set_cookie(
        _cookie_name(request), value, max_age=seconds, path="/operator", secure=secure, httponly=True, samesite="strict"
    )


# -- what it shows -------------------------------------------------------------------------------------------------


def _model(one: LiveModel) -> dict[str, Any]:
    current = one.current
    origin = current.guide.origin
    loaded = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(current.loaded_at))
    return describe(current) | {"loaded": loaded, "refused": one.refusal, "note": origin.note}


def _quality(snapshot: Snapshot, sequences: list[list[tuple[str, float]]]) -> dict[str, Any]:
    """How far the last rating of each of some people is from the prediction by their earlier ones; root mean square.

    Args:
        sequences: (item id, stars) of each person, the last rating first.
    """
    model = snapshot.guide.model
    own, means = [], []
    for one in sequences if model.has_stars else ():
        known = [(index, item_id, given) for item_id, given in one if (index := snapshot.find(item_id)) is not None]
        if len(known) < ENOUGH or not model.item_counts_[known[0][0]]:
            continue
        index, _, given = known[0]
        profile = snapshot.fold_in({item_id: stars for _, item_id, stars in known[1:]}, strict=False).profile
        own.append(given - float(np.clip(model.scores(profile)[index], *model.scale_[:2])))
        means.append(given - float(model.item_means_[index]))
    if len(own) < ENOUGH:
        return {"n_people": len(own), "rmse": None, "rmse_means": None}
    errors = (round(float(np.sqrt(np.mean(np.square(one)))), 3) for one in (own, means))
    return {"n_people": len(own)} | dict(zip(("rmse", "rmse_means"), errors, strict=True))


def traffic(figures: str) -> dict[str, Any]:
    """What was asked, from the figures in the text format of Prometheus.

    `routes` has a line for each route, the busiest first: requests, refusals (4xx), errors (5xx), the mean time and a
    time within which 99% were answered (the end of a bucket), in milliseconds; `all` is their sum.
    """
    routes: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(("requests", "4", "5", "seconds"), 0.0))
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    in_flight = 0.0
    families = text_string_to_metric_families(figures)
    for sample in (sample for family in families for sample in family.samples):
        route = sample.labels.get("route", "")
        if sample.name == "matinee_requests_total":
            routes[route]["requests"] += sample.value
            status = sample.labels["status"][:1]
            routes[route][status] = routes[route].get(status, 0.0) + sample.value
        elif sample.name == "matinee_request_seconds_sum":
            routes[route]["seconds"] += sample.value
        elif sample.name == "matinee_request_seconds_bucket":
            buckets[route][float(sample.labels["le"])] += sample.value
        elif sample.name == "matinee_requests_in_flight":
            in_flight += sample.value
    lines = [_line(route, told, buckets[route]) for route, told in routes.items()]
    together: dict[str, float] = {name: sum(one[name] for one in routes.values()) for name in ("requests", "4", "5")}
    return {
        "routes": sorted(lines, key=lambda line: -line["requests"]),
        "all": {"requests": int(together["requests"]), "refusals": int(together["4"]), "errors": int(together["5"])},
        "in_flight": int(in_flight),
    }


def _line(route: str, told: dict[str, float], buckets: dict[float, float]) -> dict[str, Any]:
    n = max(buckets.values(), default=0.0)
    within = next((end for end, count in sorted(buckets.items()) if n and count >= 0.99 * n), float("inf"))
    return {
        "route": route,
        "requests": int(told["requests"]),
        "refusals": int(told["4"]),
        "errors": int(told["5"]),
        "mean_ms": 1000 * told["seconds"] / n if n else 0.0,
        "p99_ms": None if within == float("inf") else 1000 * within,
    }
