"""The operator's page of the trainings: start one, watch it, cancel it, and the last ones."""

from typing import Annotated, NamedTuple, TypedDict

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from matinee.web.api.dependencies import Serving
from matinee.web.db.training_jobs import TrainingJob
from matinee.web.http.problems import Problem
from matinee.web.pages.operator_access import needs_sign_in
from matinee.web.pages.operator_people import minute_of
from matinee.web.pages.rendering import render

router = APIRouter(prefix="/operator/training", include_in_schema=False, dependencies=needs_sign_in)


class ShownJob(NamedTuple):
    """A line of the list."""

    job: TrainingJob
    started: str


class TrainingPage(TypedDict):
    """Values of operator/training.html."""

    is_enabled: bool
    data: str
    models: list[str]
    running: TrainingJob | None
    jobs: list[ShownJob]
    problem: str
    """Why the form was refused; empty if it was not."""
    told: str
    """What has just been done: "canceling", "ended" or nothing."""


@router.get("")
def training(request: Request, serving: Serving, told: str = "") -> Response:
    """The page."""
    return _page(request, serving, told=told if told in ("canceling", "ended") else "")


@router.post("")
def start(
    request: Request,
    serving: Serving,
    model: Annotated[str, Form(max_length=200)] = "",
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Starts a training, if the operator is sure."""
    if not sure:
        response = _page(request, serving, problem="sure_missing")
        response.status_code = 422
        return response
    try:
        serving.retrainer.start(model or None)
    except Problem as problem:
        if problem.status_code != 409:
            raise
        response = _page(request, serving, problem=problem.detail)
        response.status_code = 409
        return response
    return RedirectResponse("/operator/training", 303)


@router.post("/cancel")
def cancel(serving: Serving, job: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Asks a training to stop."""
    is_asked = job.isalnum() and job.isascii() and serving.store.training.cancel(job)
    told = "canceling" if is_asked else "ended"
    return RedirectResponse(f"/operator/training?told={told}", 303)


def _page(request: Request, serving: Serving, *, problem: str = "", told: str = "") -> Response:
    jobs = serving.store.training.latest()
    values = TrainingPage(
        is_enabled=serving.retrainer.is_enabled,
        data=" and ".join(serving.settings.retrain),
        models=[live.name for live in serving.models],
        running=next((job for job in jobs if job.state == "running"), None),
        jobs=[ShownJob(job, minute_of(job.started_at)) for job in jobs if job.state != "running"],
        problem=problem,
        told=told,
    )
    return render(request, "operator/training.html", values)
