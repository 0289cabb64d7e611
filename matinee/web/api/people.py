"""The API for people: a token instead of an account, ratings that are kept, and all of it
given out or deleted.

Everything under /api/v1/me is about the person whose token comes along, and no address names
another person.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from matinee.web.api import responses, schemas
from matinee.web.api.dependencies import CurrentPerson, Serving, maybe_person, needs_person
from matinee.web.api.films import FilmId, problems
from matinee.web.http.problems import Answer, Problem
from matinee.web.http.security import give_cookie, take_cookie
from matinee.web.serving.snapshot import Snapshot

router = APIRouter(prefix="/api/v1", tags=["people"])
me = APIRouter(prefix="/api/v1/me", tags=["people"], dependencies=needs_person)


@router.post("/people", status_code=201, response_model=schemas.Person, responses=problems())
def start(
    request: Request, query: Annotated[schemas.PersonQuery, Query()], serving: Serving
) -> Response:
    """A new person, without name or address. The token cannot be shown again. A cookie
    that is already set stays."""
    known = maybe_person(request) if query.cookie else None
    if known is not None:
        return Answer({"person_id": known, "token": None}, 201)
    made = serving.store.create_person()
    answer = Answer({"person_id": made.id, "token": None if query.cookie else made.token}, 201)
    if query.cookie:
        give_cookie(request, answer, made.token)
    return answer


@me.get("", responses=problems(401))
def who_am_i(person: CurrentPerson, serving: Serving) -> Response:
    """How much is kept of this person."""
    kept = serving.store.kept(person)
    counts = {"n_ratings": len(kept.ratings), "n_not_interested": len(kept.not_interested)}
    return Answer({"person_id": person} | counts)


@me.delete("", status_code=204, responses=problems(401))
def delete_everything(request: Request, person: CurrentPerson, serving: Serving) -> Response:
    """Deletes this person and all their data, permanently. A model that was trained with it is
    not retrained."""
    serving.store.forget(person)
    answer = Response(status_code=204)
    take_cookie(request, answer)
    return answer


@me.get("/export", responses=problems(401))
def export_everything(person: CurrentPerson, serving: Serving) -> Response:
    """All that is kept of this person, as a file."""
    answer = Answer(serving.store.export(person))
    answer.headers["content-disposition"] = 'attachment; filename="matinee.json"'
    return answer


# -- ratings -----------------------------------------------------------------------------


@me.get("/ratings", response_model=schemas.KeptRatings, responses=problems(401, 404))
def my_ratings(
    person: CurrentPerson, serving: Serving, query: Annotated[schemas.ModelQuery, Query()]
) -> Response:
    """All ratings, the last one first, and the films that are not of interest."""
    return Answer(
        responses.kept_ratings(serving.models.snapshot(query.model), serving.store.kept(person))
    )


@me.post("/ratings", status_code=204, responses=problems(401, 404))
def rate_several(body: schemas.RatingsBody, person: CurrentPerson, serving: Serving) -> Response:
    """Keeps several ratings, all or none, in place of earlier ones of the same films."""
    responses.keep_ratings(
        serving.store,
        person,
        responses.storable_ratings(
            serving.models.snapshot(), {one.item_id: one.stars for one in body.ratings}
        ),
    )
    return Response(status_code=204)


@me.put("/ratings/{item_id:path}", status_code=204, responses=problems(401, 404))
def rate(
    item_id: FilmId, body: schemas.StarsBody, person: CurrentPerson, serving: Serving
) -> Response:
    """Keeps a rating, in place of an earlier one. Once this is answered, it is on the disk."""
    responses.keep_ratings(
        serving.store,
        person,
        responses.storable_ratings(serving.models.snapshot(), {item_id: body.stars}),
    )
    return Response(status_code=204)


@me.delete("/ratings/{item_id:path}", status_code=204, responses=problems(401, 404))
def delete_rating(item_id: FilmId, person: CurrentPerson, serving: Serving) -> Response:
    """Deletes a rating."""
    if not serving.store.unrate(person, responses.storable_id(item_id)):
        raise Problem(
            404,
            "no-rating",
            "There is no rating of this film; /api/v1/me/ratings lists those there are.",
        )
    return Response(status_code=204)


@me.put("/not-interested/{item_id:path}", status_code=204, responses=problems(401, 404))
def not_interested(item_id: FilmId, person: CurrentPerson, serving: Serving) -> Response:
    """Keeps a film out of this person's lists."""
    serving.store.hide(person, responses.storable_id(serving.models.snapshot().item_id(item_id)))
    return Response(status_code=204)


@me.delete("/not-interested/{item_id:path}", status_code=204, responses=problems(401, 404))
def interested_again(item_id: FilmId, person: CurrentPerson, serving: Serving) -> Response:
    """Lets a film into this person's lists again."""
    if not serving.store.show(person, responses.storable_id(item_id)):
        raise Problem(
            404, "not-hidden", "This film is not kept out; /api/v1/me/ratings lists those that are."
        )
    return Response(status_code=204)


# -- what the model says -----------------------------------------------------------------


@me.get("/recommendations", response_model=schemas.ListAnswer, responses=problems(401, 404, 409))
async def my_recommendations(
    person: CurrentPerson, serving: Serving, query: Annotated[schemas.Wish, Query()]
) -> Response:
    """A list from the ratings that are kept; it changes at once with each of them."""
    snapshot, kept = (
        serving.models.snapshot(query.model),
        await run_in_threadpool(serving.store.kept, person),
    )
    size = {"ratings": len(kept.ratings), "explained": query.k if query.explain else 0}
    return Answer(await snapshot.ask(_list, snapshot, kept, query, **size))


def _list(snapshot: Snapshot, kept: Any, query: schemas.Wish) -> dict[str, Any]:
    return responses.suggestions(snapshot, kept.stars(), kept.not_interested, query)


@me.get(
    "/films/{item_id:path}/explanation",
    response_model=schemas.Explained,
    responses=problems(401, 404, 409),
)
async def my_explanation(
    item_id: FilmId,
    person: CurrentPerson,
    serving: Serving,
    query: Annotated[schemas.ExplainQuery, Query()],
) -> Response:
    """What the prediction of a film for this person is made of."""
    snapshot, kept = (
        serving.models.snapshot(query.model),
        await run_in_threadpool(serving.store.kept, person),
    )
    asked = snapshot, kept.stars(), item_id, query.reasons
    return Answer(await snapshot.ask(_explanation, *asked, ratings=len(kept.ratings), explained=1))


def _explanation(
    snapshot: Snapshot, stars: dict[Any, float], item_id: str, reasons: int
) -> dict[str, Any]:
    return responses.explanation(snapshot, stars, item_id, reasons, strict=False)


@me.get("/taste", responses=problems(401, 404))
def my_taste(
    person: CurrentPerson, serving: Serving, query: Annotated[schemas.ModelQuery, Query()]
) -> Response:
    """Which genres and decades this person likes more than others do, and where they and the
    crowd differ most."""
    return Answer(responses.taste(serving.models.snapshot(query.model), serving.store.kept(person)))
