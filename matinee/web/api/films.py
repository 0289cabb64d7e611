"""The API under /api/v1: films, and what a model says to ratings that come with the request;
nothing of it is kept.

What is kept is in `api_people`, what the operator sees in `api_operator`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from matinee.web.api import responses, schemas
from matinee.web.api.dependencies import Serving
from matinee.web.db.schema import LONGEST_ITEM_ID
from matinee.web.http.problems import Answer
from matinee.web.serving.snapshot import Snapshot

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "model": schemas.Problem,
        "description": text,
        "content": {"application/problem+json": {}},
    }
    for status, text in {
        400: "The request cannot be read.",
        401: "A token is missing, or unknown.",
        403: "Not from there.",
        404: "No such film or model.",
        409: "This model cannot do that.",
        413: "Too large.",
        422: "A value cannot be used.",
        429: "Too many requests; see Retry-After.",
        503: "Overloaded; see Retry-After.",
    }.items()
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: these problems, and those that any request may meet."""
    return {status: _PROBLEMS[status] for status in sorted({*statuses, 400, 413, 422, 429, 503})}


router = APIRouter(prefix="/api/v1")

FilmId = Annotated[
    str, schemas.Field(max_length=LONGEST_ITEM_ID, description="The id of a film.", examples=["1"])
]


@router.get("/films", tags=["films"], response_model=schemas.Films, responses=problems(404))
async def find_films(query: Annotated[schemas.FilmQuery, Query()], serving: Serving) -> Response:
    """Films by words of their titles, genre and years; a page at a time."""
    snapshot = serving.models.snapshot(query.model)
    find = (
        snapshot.ask_long if query.q else snapshot.ask
    )  # where no title holds the words, all are compared
    return Answer(await find(responses.film_page, snapshot, query))


@router.get("/genres", tags=["films"], response_model=list[str], responses=problems(404))
async def genres(query: Annotated[schemas.ModelQuery, Query()], serving: Serving) -> Response:
    """All genres that films have."""
    return Answer(serving.models.snapshot(query.model).guide.catalog.genres)


@router.get("/models", tags=["films"], responses=problems())
async def models(serving: Serving) -> Response:
    """The models that are served, the first of which is meant where none is named."""
    return Answer([responses.describe(live.current) for live in serving.models])


@router.get(
    "/films/{item_id:path}/similar",
    tags=["films"],
    response_model=schemas.ListAnswer,
    responses=problems(404, 409),
)
async def similar_films(
    item_id: FilmId, query: Annotated[schemas.SimilarQuery, Query()], serving: Serving
) -> Response:
    """The films most like one, by what the model has learned; `score` is a cosine."""
    snapshot = serving.models.snapshot(query.model)
    return Answer(await snapshot.ask(responses.similar, snapshot, item_id, query))


@router.get(
    "/films/{item_id:path}", tags=["films"], response_model=schemas.Film, responses=problems(404)
)
async def one_film(
    item_id: FilmId, query: Annotated[schemas.ModelQuery, Query()], serving: Serving
) -> Response:
    """One film by its id."""
    snapshot = serving.models.snapshot(query.model)
    return Answer(snapshot.films.line(snapshot.index_of(item_id)))


@router.post(
    "/recommend",
    tags=["ratings in the request"],
    response_model=schemas.ListAnswer,
    responses=problems(404, 409),
)
async def recommend(body: schemas.RecommendRequest, serving: Serving) -> Response:
    """A list for whoever gave these ratings. Without ratings it is the average person's."""
    snapshot = serving.models.snapshot(body.model)
    size = {"ratings": len(body.ratings), "explained": body.k if body.explain else 0}
    return Answer(await snapshot.ask(_recommend, snapshot, body, **size))


def _recommend(snapshot: Snapshot, body: schemas.RecommendRequest) -> dict[str, Any]:
    return responses.suggestions(snapshot, body.stars(), body.not_interested, body, strict=True)


@router.post(
    "/predict",
    tags=["ratings in the request"],
    response_model=schemas.Predictions,
    responses=problems(404, 409),
)
async def predict(body: schemas.PredictRequest, serving: Serving) -> Response:
    """The stars that whoever gave these ratings would give some films."""
    snapshot = serving.models.snapshot(body.model)
    return Answer(await snapshot.ask(_predict, snapshot, body, ratings=len(body.ratings)))


def _predict(snapshot: Snapshot, body: schemas.PredictRequest) -> dict[str, Any]:
    return responses.predictions(snapshot, body.stars(), body.item_ids, strict=True)


@router.post(
    "/explain",
    tags=["ratings in the request"],
    response_model=schemas.Explained,
    responses=problems(404, 409),
)
async def explain(body: schemas.ExplainRequest, serving: Serving) -> Response:
    """What the prediction of a film is made of: parts that add up to it, and what each rating
    adds."""
    snapshot = serving.models.snapshot(body.model)
    return Answer(
        await snapshot.ask(_explain, snapshot, body, ratings=len(body.ratings), explained=1)
    )


def _explain(snapshot: Snapshot, body: schemas.ExplainRequest) -> dict[str, Any]:
    return responses.explanation(snapshot, body.stars(), body.item_id, body.reasons, strict=True)
