"""API endpoints for films, and for recommendations, predictions and explanations from ratings in
the request, which are not stored.

Endpoints that use stored ratings are in `people`, those for the operator in `operator`.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from matinee.web.api import responses, schemas
from matinee.web.api.dependencies import Serving
from matinee.web.db.schema import MAX_ITEM_ID_LENGTH
from matinee.web.http.problems import OrjsonResponse
from matinee.web.serving.snapshot import ModelSnapshot

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "model": schemas.Problem,
        "description": text,
        "content": {"application/problem+json": {}},
    }
    for status, text in {
        400: "The request is malformed.",
        401: "The token is missing or not valid.",
        403: "The request is not allowed.",
        404: "There is no such film or model.",
        409: "The model does not support this.",
        413: "The request is too large.",
        422: "A value is not valid.",
        429: "Too many requests; see the header Retry-After.",
        503: "The server is overloaded; see the header Retry-After.",
    }.items()
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem responses of an endpoint for the OpenAPI document: those with the given
    statuses, and those that every request can have."""
    return {status: _PROBLEMS[status] for status in sorted({*statuses, 400, 413, 422, 429, 503})}


router = APIRouter(prefix="/api/v1")

_MAX_ENCODED = 12
"""The maximum length of a character that is percent-encoded."""


def _film_in_path(
    serving: Serving,
    item_id: Annotated[
        str,
        Path(
            max_length=_MAX_ENCODED * MAX_ITEM_ID_LENGTH,
            description='The id of a film; if it is ".", ".." or contains "/", percent-encoded '
            "twice.",
            examples=["1"],
        ),
    ],
) -> str:
    return serving.models.snapshot().id_in_path(item_id)


FilmInPath = Annotated[str, Depends(_film_in_path)]
"""The id of the film that the path of an endpoint names."""


@router.get(
    "/films",
    summary="Find films",
    tags=["films"],
    response_model=schemas.Films,
    responses=problems(404),
)
async def find_films(query: Annotated[schemas.FilmQuery, Query()], serving: Serving) -> Response:
    """Finds films by words of their titles, genre and years, one page at a time."""
    snapshot = serving.models.snapshot(query.model)
    # A search by words is slow if no title contains them, because it then compares all titles
    run = snapshot.run_queued if query.q else snapshot.run_async
    return OrjsonResponse(await run(responses.film_page, snapshot, query))


@router.get(
    "/genres",
    summary="List genres",
    tags=["films"],
    response_model=list[str],
    responses=problems(404),
)
async def genres(query: Annotated[schemas.ModelQuery, Query()], serving: Serving) -> Response:
    """Lists all genres."""
    return OrjsonResponse(serving.models.snapshot(query.model).guide.catalog.genres)


@router.get("/models", summary="List models", tags=["films"], responses=problems())
async def models(serving: Serving) -> Response:
    """Lists the models of the server. Requests that name no model use the first one."""
    return OrjsonResponse([responses.describe(model.current) for model in serving.models])


@router.get(
    "/films/{item_id:path}/similar",
    summary="List similar films",
    tags=["films"],
    response_model=schemas.ListAnswer,
    responses=problems(404, 409),
)
async def similar_films(
    item_id: FilmInPath, query: Annotated[schemas.SimilarQuery, Query()], serving: Serving
) -> Response:
    """Lists the films that are most similar to one film in the model; `score` is the cosine
    similarity."""
    snapshot = serving.models.snapshot(query.model)
    return OrjsonResponse(await snapshot.run_async(responses.similar, snapshot, item_id, query))


@router.get(
    "/films/{item_id:path}",
    summary="Get a film",
    tags=["films"],
    response_model=schemas.Film,
    responses=problems(404),
)
async def one_film(
    item_id: FilmInPath, query: Annotated[schemas.ModelQuery, Query()], serving: Serving
) -> Response:
    """Gets a film by its id."""
    snapshot = serving.models.snapshot(query.model)
    return OrjsonResponse(snapshot.films.summary(snapshot.index_of(item_id)))


@router.post(
    "/recommend",
    summary="Recommend films",
    tags=["ratings in the request"],
    response_model=schemas.ListAnswer,
    responses=problems(404, 409),
)
async def recommend(body: schemas.RecommendRequest, serving: Serving) -> Response:
    """Recommends films to a person with these ratings, or to an average person without ratings."""
    snapshot = serving.models.snapshot(body.model)
    size = {"ratings": len(body.ratings), "explained": body.k if body.explain else 0}
    return OrjsonResponse(await snapshot.run_async(_recommend, snapshot, body, **size))


def _recommend(snapshot: ModelSnapshot, body: schemas.RecommendRequest) -> responses.Values:
    return responses.suggestions(snapshot, body.stars(), body.not_interested, body, strict=True)


@router.post(
    "/recommend/batch",
    summary="Recommend films to several people",
    tags=["ratings in the request"],
    response_model=schemas.ListAnswers,
    responses=problems(404, 409),
)
async def recommend_batch(body: schemas.BatchRequest, serving: Serving) -> Response:
    """Recommends films to several people at once, with the same options for all."""
    snapshot = serving.models.snapshot(body.model)
    n_people = len(body.people)
    size = {
        "lists": n_people,
        "ratings": max(len(one.ratings) for one in body.people),
        "explained": n_people * body.k if body.explain else 0,
    }
    lists = await snapshot.run_async(_recommend_each, snapshot, body, **size)
    return OrjsonResponse({"lists": lists})


def _recommend_each(snapshot: ModelSnapshot, body: schemas.BatchRequest) -> list[responses.Values]:
    return [
        responses.suggestions(snapshot, one.stars(), one.not_interested, body, strict=True)
        for one in body.people
    ]


@router.post(
    "/predict",
    summary="Predict ratings",
    tags=["ratings in the request"],
    response_model=schemas.Predictions,
    responses=problems(404, 409),
)
async def predict(body: schemas.PredictRequest, serving: Serving) -> Response:
    """Predicts how many stars a person with these ratings would give to some films."""
    snapshot = serving.models.snapshot(body.model)
    return OrjsonResponse(
        await snapshot.run_async(_predict, snapshot, body, ratings=len(body.ratings))
    )


def _predict(snapshot: ModelSnapshot, body: schemas.PredictRequest) -> responses.Values:
    return responses.predictions(snapshot, body.stars(), body.item_ids, strict=True)


@router.post(
    "/explain",
    summary="Explain a prediction",
    tags=["ratings in the request"],
    response_model=schemas.Explained,
    responses=problems(404, 409),
)
async def explain(body: schemas.ExplainRequest, serving: Serving) -> Response:
    """Explains the prediction for a film: the parts that add up to it, and the effect of each
    rating."""
    snapshot = serving.models.snapshot(body.model)
    return OrjsonResponse(
        await snapshot.run_async(_explain, snapshot, body, ratings=len(body.ratings), explained=1)
    )


def _explain(snapshot: ModelSnapshot, body: schemas.ExplainRequest) -> responses.Values:
    return responses.explanation(snapshot, body.stars(), body.item_id, body.reasons, strict=True)
