"""API endpoints for the operator of the server: health checks, metrics, and operator endpoints,
which need the operator's token."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from matinee._version import __version__
from matinee.errors import StoreError
from matinee.web.api.dependencies import Serving, needs_operator, require_operator
from matinee.web.api.films import problems
from matinee.web.api.responses import Values, describe
from matinee.web.db.transactions import WriteError
from matinee.web.http.monitoring import CONTENT_TYPE, exposition
from matinee.web.http.problems import OrjsonResponse, Problem
from matinee.web.serving.registry import RegisteredModel

health = APIRouter(prefix="/health", tags=["health"])
router = APIRouter(prefix="/api/v1/operator", tags=["operator"], dependencies=needs_operator)
metrics = APIRouter(include_in_schema=False)


@health.get("/live", summary="Check that the process runs")
async def live() -> Response:
    """Responds while the process is running."""
    return OrjsonResponse({"status": "live", "version": __version__})


@health.get("/ready", summary="Check readiness")
async def ready(serving: Serving) -> Response:
    """Tells whether the server can handle requests; 503 if the database is not available. If a
    changed model file was refused, the status is "degraded", `refused` says why, and the
    previous model stays in use. If nothing can be stored, the status is "degraded" too, and
    `writes` says why; what is stored can still be read."""
    status, database, writes = 200, "answers", "work"
    try:
        await run_in_threadpool(serving.store.check)
        await run_in_threadpool(serving.store.check_writes)
    except WriteError as error:
        writes = f"fail: the database {error.reason}"
    except StoreError:
        status, database, writes = 503, "does not answer", "fail: the database does not answer"
    models = [_state(model) for model in serving.models]
    if status == 503:
        readiness = "not ready"
    elif writes == "work" and all(model["refused"] is None for model in models):
        readiness = "ready"
    else:
        readiness = "degraded"
    answer = {"status": readiness, "database": database, "writes": writes, "models": models}
    return OrjsonResponse(answer, status)


@router.get("/model", summary="Describe the models", responses=problems(401, 403))
async def model_info(serving: Serving) -> Response:
    """Describes each model: its settings, its training data, and why the newest version of its
    file was refused, if it was."""
    return OrjsonResponse([_state(model) | _details(model) for model in serving.models])


@router.get("/counts", summary="Count stored data", responses=problems(401, 403))
def counts(serving: Serving) -> Response:
    """Counts the people, ratings, hidden films and groups in the database."""
    return OrjsonResponse(serving.store.counts() | {"database": serving.store.kind})


@router.post("/reload", summary="Reload the model files", responses=problems(401, 403, 409))
def reload(serving: Serving) -> Response:
    """Reloads the model files now, in the worker that handles the request. Other workers reload
    changed files by themselves within seconds."""
    if not serving.models.reload():
        refusals = [str(model.refusal) for model in serving.models if model.refusal]
        raise Problem(409, "model-refused", f"The previous model stays in use. {refusals[0]}")
    return OrjsonResponse([_state(model) for model in serving.models])


@metrics.get("/metrics")
async def prometheus_metrics(request: Request, serving: Serving) -> Response:
    """Returns the metrics for Prometheus. Needs the operator's token if the server has one."""
    if serving.settings.operator_token:
        await require_operator(request)
    return Response(exposition(), media_type=CONTENT_TYPE)


def _state(model: RegisteredModel) -> Values:
    snapshot = model.current
    return {
        "name": model.name,
        "version": snapshot.version,
        "loaded_at": round(snapshot.loaded_at, 3),
        "refused": model.refusal,
    }


def _details(model: RegisteredModel) -> Values:
    guide = model.current.guide
    more = {
        "settings": guide.model.settings(),
        "trained_by": guide.origin.version,
        "n_users": len(guide.model.users_),
    }
    return describe(model.current) | more
