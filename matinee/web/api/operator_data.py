"""API endpoints for the operator: traffic over time, people, films, and trainings."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from matinee.analysis.leave_one_out import MIN_RATINGS
from matinee.web.api import schemas_operator as schemas
from matinee.web.api.dependencies import ServerState, Serving, needs_operator
from matinee.web.api.films import problems
from matinee.web.api.operator_views import (
    WINDOWS,
    film_table,
    traffic_history,
    unknown_films,
)
from matinee.web.api.responses import Values
from matinee.web.db.overview import FilmCounts
from matinee.web.db.training_jobs import TrainingJob
from matinee.web.db.transactions import UnknownPersonError
from matinee.web.http.monitoring import exposition
from matinee.web.http.problems import OrjsonResponse, Problem
from matinee.web.http.route_traffic import traffic_of
from matinee.web.serving.comparison import LIST_LENGTH, MAX_LISTS, MAX_PEOPLE, shared_films
from matinee.web.serving.comparison import accuracy as accuracy_of

router = APIRouter(prefix="/api/v1/operator", tags=["operator"], dependencies=needs_operator)

HexId = Annotated[str, Path(max_length=64, examples=["0f3a9c51d2e84b7796a1c0de5f428b13"])]


@router.get(
    "/traffic",
    summary="Get traffic over time",
    response_model=schemas.TrafficOverTime,
    responses=problems(401, 403),
)
def traffic(query: Annotated[schemas.TrafficQuery, Query()], serving: Serving) -> Response:
    """Gets requests, errors, durations, lists, ratings and new people over the last hour, day,
    week, month or year. Minutes are kept for a week and hours for a year."""
    periods = [
        {
            "starts_at": period.starts_at,
            **{
                name: getattr(period.counts, name)
                for name in ("requests", "refusals", "errors", "lists", "ratings", "people")
            },
            "median_ms": _rounded(period.counts.milliseconds(0.5)),
            "p99_ms": _rounded(period.counts.milliseconds(0.99)),
        }
        for period in traffic_history(serving.store, query.window)
    ]
    seconds = WINDOWS[query.window][0]
    return OrjsonResponse({"window": query.window, "seconds": seconds, "periods": periods})


@router.get(
    "/routes",
    summary="Get traffic by route",
    response_model=schemas.TrafficOfRoutes,
    responses=problems(401, 403),
)
def routes() -> Response:
    """Gets requests, errors and durations of each route since the server started."""
    found = traffic_of(exposition().decode())
    rows = []
    for route in found.routes:
        values = route._asdict()
        rows.append({"route": values.pop("name")} | values)
    return OrjsonResponse({"in_flight": found.in_flight, "routes": rows})


# -- people ------------------------------------------------------------------------------


@router.get(
    "/people",
    summary="List people",
    response_model=schemas.ListedPeople,
    responses=problems(401, 403),
)
def people(query: Annotated[schemas.PeopleQuery, Query()], serving: Serving) -> Response:
    """Lists the people in the database, one page at a time."""
    found = serving.store.overview.people(
        storable_prefix(query.q), query.sort, query.page, query.page_size
    )
    return OrjsonResponse(
        {
            "people": [line._asdict() for line in found.people],
            "total": found.total,
            "page": query.page,
            "page_size": query.page_size,
        }
    )


@router.get("/people/{person_id}", summary="Export a person", responses=problems(401, 403, 404))
def export_person(person_id: HexId, serving: Serving) -> Response:
    """Exports all stored data of a person, as they can do themselves."""
    return OrjsonResponse(person_export(serving, person_id))


@router.delete(
    "/people/{person_id}",
    summary="Delete a person",
    status_code=204,
    responses=problems(401, 403, 404),
)
def delete_person(person_id: HexId, serving: Serving) -> Response:
    """Deletes a person and all their data, permanently."""
    person_export(serving, person_id)
    serving.store.delete_person(person_id)
    return Response(status_code=204)


def person_export(serving: ServerState, person_id: str) -> Values:
    """All data of a person; raises Problem, 404, if there is none with this id."""
    try:
        return serving.store.export(storable_prefix(person_id))
    except UnknownPersonError:
        raise Problem(
            404, "no-such-person", "There is no person with this id; they may have been deleted."
        ) from None


def storable_prefix(text: str) -> str:
    """A text that may be the beginning of an id; one that cannot be stored matches nobody."""
    text = text.strip().lower()
    return text if text.isascii() and text.isprintable() else "-"


# -- films and models --------------------------------------------------------------------


@router.get(
    "/films",
    summary="List films with what people here said",
    response_model=schemas.ListedFilms,
    responses=problems(401, 403, 404),
)
def films(query: Annotated[schemas.FilmTableQuery, Query()], serving: Serving) -> Response:
    """Lists the films of a model with their ratings in the model and here, one page at a time."""
    snapshot = serving.models.snapshot(query.model)
    table = film_table(serving.store, snapshot, query.q, query.sort, query.page, query.page_size)
    return OrjsonResponse(
        {
            "films": [dict(line.film) | _here(line.here) for line in table.lines],
            "total": table.total,
            "n_guesses": table.n_guesses,
            "page": query.page,
            "page_size": query.page_size,
        }
    )


@router.get(
    "/unknown-films",
    summary="List films that the model does not know",
    response_model=schemas.UnknownFilms,
    responses=problems(401, 403, 404),
)
def unknown(query: Annotated[schemas.ModelOnlyQuery, Query()], serving: Serving) -> Response:
    """Lists the films that people here rated or marked and that a model does not know."""
    found = unknown_films(serving.store, serving.models.snapshot(query.model))
    rows = [{"item_id": one.item_id, "title": one.title} | _here(one.here) for one in found]
    return OrjsonResponse({"films": rows})


def _here(counts: FilmCounts) -> Values:
    return {
        "n_ratings_here": counts.n_ratings,
        "mean_here": None if counts.mean is None else round(counts.mean, 3),
        "n_hidden": counts.n_hidden,
        "n_watchlists": counts.n_watchlists,
    }


@router.get(
    "/accuracy",
    summary="Measure the models on people here",
    response_model=schemas.AccuracyOfModels,
    responses=problems(401, 403),
)
async def accuracy(serving: Serving) -> Response:
    """Predicts the last rating of up to 200 people here from their earlier ones, with each
    model."""
    return OrjsonResponse(await serving.page_queue.run(_accuracy, serving))


def _accuracy(serving: ServerState) -> Values:
    raters = serving.store.recent_raters(MAX_PEOPLE, MIN_RATINGS)
    return {"models": [accuracy_of(live.current, raters)._asdict() for live in serving.models]}


@router.get(
    "/comparison",
    summary="Compare the lists of two models",
    response_model=schemas.SharedLists,
    responses=problems(401, 403, 404),
)
async def comparison(
    query: Annotated[schemas.ComparisonQuery, Query()], serving: Serving
) -> Response:
    """Counts how many films the lists of two models share, for the people who rated last."""
    return OrjsonResponse(await serving.page_queue.run(_comparison, serving, query))


def _comparison(serving: ServerState, query: schemas.ComparisonQuery) -> Values:
    left = serving.models.snapshot(query.left)
    others = [live.name for live in serving.models if live.name != left.name]
    right = serving.models.snapshot(query.right or (others[0] if others else left.name))
    raters = serving.store.recent_raters(MAX_LISTS, MIN_RATINGS)
    shared = shared_films(left, right, raters)
    return {
        "left": left.name,
        "right": right.name,
        "list_length": LIST_LENGTH,
        "n_people": shared.n_people if shared else 0,
        "mean_shared": shared.mean if shared else None,
    }


# -- trainings ---------------------------------------------------------------------------


@router.get(
    "/trainings",
    summary="List trainings",
    response_model=schemas.Trainings,
    responses=problems(401, 403),
)
def trainings(serving: Serving) -> Response:
    """Lists the latest trainings with their progress, the newest first."""
    return OrjsonResponse(
        {
            "is_enabled": serving.retrainer.is_enabled,
            "data": list(serving.settings.retrain),
            "jobs": [_job(job) for job in serving.store.training.latest()],
        }
    )


@router.post(
    "/trainings",
    summary="Retrain a model",
    status_code=202,
    response_model=schemas.Training,
    responses=problems(401, 403, 404, 409),
)
def start_training(body: schemas.TrainingBody, serving: Serving) -> Response:
    """Trains a model of the same kind anew, on the data that the server was started with and the
    ratings here. When it is done and passes the checks of a reload, it replaces the model. Only
    one training runs at a time."""
    return OrjsonResponse(_job(serving.retrainer.start(body.model)), 202)


@router.delete(
    "/trainings/{job_id}",
    summary="Cancel a training",
    status_code=202,
    responses=problems(401, 403, 404),
)
def cancel_training(job_id: HexId, serving: Serving) -> Response:
    """Cancels a running training; it stops within seconds, and the model stays as it is."""
    if not serving.store.training.cancel(storable_prefix(job_id)):
        raise Problem(404, "no-such-training", "No training with this id is running.")
    return OrjsonResponse({"status": "canceling"}, 202)


def _job(job: TrainingJob) -> Values:
    values = job._asdict()
    del values["reported_at"]
    return values | {"seconds": job.seconds}


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 3)
