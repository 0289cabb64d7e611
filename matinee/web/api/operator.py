"""For those who run the server: health, figures, and the operator's endpoints behind a token
of their own."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from matinee._version import __version__
from matinee.errors import StoreError
from matinee.web.api.dependencies import Serving, needs_operator, operator
from matinee.web.api.films import problems
from matinee.web.api.responses import describe
from matinee.web.http.monitoring import CONTENT_TYPE, exposition
from matinee.web.http.problems import Answer, Problem
from matinee.web.serving.registry import LiveModel

health = APIRouter(prefix="/health", tags=["health"])
router = APIRouter(prefix="/api/v1/operator", tags=["operator"], dependencies=needs_operator)
metrics = APIRouter(include_in_schema=False)


@health.get("/live")
async def live() -> Response:
    """The process runs."""
    return Answer({"status": "live", "version": __version__})


@health.get("/ready")
async def ready(serving: Serving) -> Response:
    """Whether requests can be answered: 503 if the database does not answer. A refused model
    file is told, while the model before it goes on answering."""
    try:
        await run_in_threadpool(serving.store.check)
    except StoreError:
        status, database = 503, "does not answer"
    else:
        status, database = 200, "answers"
    models = [_state(one) for one in serving.models]
    word = (
        "not ready"
        if status == 503
        else "ready"
        if all(one["refused"] is None for one in models)
        else "degraded"
    )
    return Answer({"status": word, "database": database, "models": models}, status)


@router.get("/model", responses=problems(401, 403))
async def model_info(serving: Serving) -> Response:
    """Each model that is served: its settings, what it was trained on, and whether its newest
    file was refused."""
    return Answer([_state(one) | _details(one) for one in serving.models])


@router.get("/counts", responses=problems(401, 403))
def counts(serving: Serving) -> Response:
    """How much is in the database."""
    return Answer(serving.store.counts() | {"database": serving.store.kind})


@router.post("/reload", responses=problems(401, 403, 409))
def reload(serving: Serving) -> Response:
    """Reads the model files again, now. In this process: others see a new file by themselves,
    within seconds."""
    if not serving.models.reload():
        refused = [str(one.refusal) for one in serving.models if one.refusal]
        raise Problem(409, "model-refused", f"The old model goes on. {refused[0]}")
    return Answer([_state(one) for one in serving.models])


@metrics.get("/metrics")
async def figures(request: Request, serving: Serving) -> Response:
    """Figures for Prometheus; with the operator's token, if the server has one."""
    if serving.settings.operator_token:
        await operator(request)
    return Response(exposition(), media_type=CONTENT_TYPE)


def _state(one: LiveModel) -> dict[str, Any]:
    snapshot = one.current
    return {
        "name": one.name,
        "version": snapshot.version,
        "loaded_at": round(snapshot.loaded_at, 3),
        "refused": one.refusal,
    }


def _details(one: LiveModel) -> dict[str, Any]:
    guide = one.current.guide
    more = {
        "settings": guide.model.settings(),
        "trained_by": guide.origin.version,
        "n_users": len(guide.model.users_),
    }
    return describe(one.current) | more
