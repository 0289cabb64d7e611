"""API endpoints for people, who have a token instead of an account: stored ratings, export and
deletion.

All endpoints under /api/v1/me act on the person whose token is sent; no address contains the id
of a person.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from matinee.data.vocabulary import Id
from matinee.web.api import responses, schemas
from matinee.web.api.dependencies import CurrentPerson, Serving, maybe_person, needs_person
from matinee.web.api.films import FilmInPath, problems
from matinee.web.db.people import PersonData
from matinee.web.http.problems import OrjsonResponse, Problem
from matinee.web.http.security import delete_person_cookie, set_person_cookie
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/api/v1", tags=["people"])
me = APIRouter(prefix="/api/v1/me", tags=["people"], dependencies=needs_person)


@router.post(
    "/people",
    status_code=201,
    summary="Create a person",
    response_model=schemas.Person,
    responses=problems(),
)
def start(
    request: Request, query: Annotated[schemas.PersonQuery, Query()], serving: Serving
) -> Response:
    """Creates a person, without a name or an e-mail address. The token is shown only in this
    response. With `cookie`, a person who is already known by a cookie stays the same."""
    known_id = maybe_person(request) if query.cookie else None
    if known_id is not None:
        return OrjsonResponse({"person_id": known_id, "token": None}, 201)
    person = serving.store.create_person()
    shown_token = None if query.cookie else person.token
    response = OrjsonResponse({"person_id": person.id, "token": shown_token}, 201)
    if query.cookie:
        set_person_cookie(request, response, person.token)
    return response


@me.get("", summary="Get the current person", responses=problems(401))
def who_am_i(person: CurrentPerson, serving: Serving) -> Response:
    """Gets the id of the person, and the numbers of their ratings and hidden films."""
    data = serving.store.load_person(person)
    counts = {"n_ratings": len(data.ratings), "n_not_interested": len(data.not_interested)}
    return OrjsonResponse({"person_id": person} | counts)


@me.delete("", summary="Delete the person", status_code=204, responses=problems(401))
def delete_everything(request: Request, person: CurrentPerson, serving: Serving) -> Response:
    """Deletes the person and all their data, permanently. Models that were trained on the data
    are not retrained."""
    serving.store.delete_person(person)
    response = Response(status_code=204)
    delete_person_cookie(request, response)
    return response


@me.get("/export", summary="Export all data", responses=problems(401))
def export_everything(person: CurrentPerson, serving: Serving) -> Response:
    """Exports all stored data of the person as a JSON file."""
    response = OrjsonResponse(serving.store.export(person))
    response.headers["content-disposition"] = 'attachment; filename="matinee.json"'
    return response


# -- ratings -----------------------------------------------------------------------------


@me.get(
    "/ratings",
    summary="List stored ratings",
    response_model=schemas.KeptRatings,
    responses=problems(401, 404),
)
def my_ratings(
    person: CurrentPerson, serving: Serving, query: Annotated[schemas.ModelQuery, Query()]
) -> Response:
    """Lists the person's ratings, latest first, and the films that they have hidden."""
    snapshot = serving.models.snapshot(query.model)
    return OrjsonResponse(responses.stored_ratings(snapshot, serving.store.load_person(person)))


@me.post("/ratings", summary="Store several ratings", status_code=204, responses=problems(401, 404))
def rate_several(body: schemas.RatingsBody, person: CurrentPerson, serving: Serving) -> Response:
    """Stores several ratings, all or none. They replace earlier ratings of the same films."""
    stars = {rating.item_id: rating.stars for rating in body.ratings}
    ratings = responses.storable_ratings(serving.models.snapshot(), stars)
    responses.store_ratings(serving.store, person, ratings)
    return Response(status_code=204)


@me.put(
    "/ratings/{item_id:path}",
    summary="Store a rating",
    status_code=204,
    responses=problems(401, 404),
)
def rate(
    item_id: FilmInPath, body: schemas.StarsBody, person: CurrentPerson, serving: Serving
) -> Response:
    """Stores a rating, or replaces an earlier one of the same film. When the response arrives,
    the rating is on the disk."""
    ratings = responses.storable_ratings(serving.models.snapshot(), {item_id: body.stars})
    responses.store_ratings(serving.store, person, ratings)
    return Response(status_code=204)


@me.delete(
    "/ratings/{item_id:path}",
    summary="Delete a rating",
    status_code=204,
    responses=problems(401, 404),
)
def delete_rating(item_id: FilmInPath, person: CurrentPerson, serving: Serving) -> Response:
    """Deletes a rating."""
    if not serving.store.unrate(person, responses.storable_id(item_id)):
        raise Problem(
            404,
            "no-rating",
            "There is no rating of this film; see /api/v1/me/ratings for all ratings.",
        )
    return Response(status_code=204)


@me.put(
    "/not-interested/{item_id:path}",
    status_code=204,
    summary="Hide a film",
    responses=problems(401, 404),
)
def not_interested(item_id: FilmInPath, person: CurrentPerson, serving: Serving) -> Response:
    """Hides a film from the person's recommendations."""
    serving.store.hide(person, responses.storable_id(serving.models.snapshot().item_id(item_id)))
    return Response(status_code=204)


@me.delete(
    "/not-interested/{item_id:path}",
    status_code=204,
    summary="Show a hidden film again",
    responses=problems(401, 404),
)
def interested_again(item_id: FilmInPath, person: CurrentPerson, serving: Serving) -> Response:
    """Allows a hidden film in the person's recommendations again."""
    if not serving.store.show(person, responses.storable_id(item_id)):
        raise Problem(
            404, "not-hidden", "This film is not hidden; see /api/v1/me/ratings for hidden films."
        )
    return Response(status_code=204)


@me.get(
    "/watchlist",
    summary="List the watchlist",
    response_model=schemas.MarkedFilms,
    responses=problems(401, 404),
)
def my_watchlist(
    person: CurrentPerson, serving: Serving, query: Annotated[schemas.ModelQuery, Query()]
) -> Response:
    """Lists the films that the person wants to watch, the one added last first."""
    snapshot = serving.models.snapshot(query.model)
    data = serving.store.load_person(person)
    return OrjsonResponse({"films": responses.marked_films(snapshot, data.watchlist)})


@me.put(
    "/watchlist/{item_id:path}",
    status_code=204,
    summary="Add a film to the watchlist",
    responses=problems(401, 404),
)
def watch_later(item_id: FilmInPath, person: CurrentPerson, serving: Serving) -> Response:
    """Adds a film to the person's watchlist. It stays in their recommendations."""
    known_id = serving.models.snapshot().item_id(item_id)
    serving.store.watchlist.add(person, responses.storable_id(known_id))
    return Response(status_code=204)


@me.delete(
    "/watchlist/{item_id:path}",
    status_code=204,
    summary="Remove a film from the watchlist",
    responses=problems(401, 404),
)
def watch_no_more(item_id: FilmInPath, person: CurrentPerson, serving: Serving) -> Response:
    """Removes a film from the person's watchlist."""
    if not serving.store.watchlist.remove(person, responses.storable_id(item_id)):
        raise Problem(
            404,
            "not-on-watchlist",
            "This film is not on the watchlist; see /api/v1/me/watchlist for all films on it.",
        )
    return Response(status_code=204)


@me.put(
    "/not-seen/{item_id:path}",
    status_code=204,
    summary="Mark a film as not seen",
    responses=problems(401, 404),
)
def not_seen(item_id: FilmInPath, person: CurrentPerson, serving: Serving) -> Response:
    """Remembers that the person has not seen a film, so that the page Rate does not ask for it."""
    known_id = serving.models.snapshot().item_id(item_id)
    serving.store.not_seen.add(person, responses.storable_id(known_id))
    return Response(status_code=204)


@me.delete(
    "/not-seen/{item_id:path}",
    status_code=204,
    summary="Unmark a film as not seen",
    responses=problems(401, 404),
)
def seen_after_all(item_id: FilmInPath, person: CurrentPerson, serving: Serving) -> Response:
    """Forgets that the person has not seen a film."""
    if not serving.store.not_seen.remove(person, responses.storable_id(item_id)):
        raise Problem(404, "not-marked", "This film is not marked as not seen.")
    return Response(status_code=204)


# -- recommendations and explanations ----------------------------------------------------


@me.get(
    "/recommendations",
    summary="Recommend films",
    response_model=schemas.ListAnswer,
    responses=problems(401, 404, 409),
)
async def my_recommendations(
    person: CurrentPerson, serving: Serving, query: Annotated[schemas.ListOptions, Query()]
) -> Response:
    """Recommends films from the person's stored ratings. Each change of a rating takes effect at
    once."""
    snapshot = serving.models.snapshot(query.model)
    data = await run_in_threadpool(serving.store.load_person, person)
    size = {"ratings": len(data.ratings), "explained": query.k if query.explain else 0}
    return OrjsonResponse(await snapshot.run_async(_recommend, snapshot, data, query, **size))


def _recommend(
    snapshot: ModelSnapshot, data: PersonData, query: schemas.ListOptions
) -> responses.Values:
    return responses.suggestions(snapshot, data.stars(), data.not_interested, query)


@me.get(
    "/films/{item_id:path}/explanation",
    summary="Explain a prediction",
    response_model=schemas.Explained,
    responses=problems(401, 404, 409),
)
async def my_explanation(
    item_id: FilmInPath,
    person: CurrentPerson,
    serving: Serving,
    query: Annotated[schemas.ExplainQuery, Query()],
) -> Response:
    """Explains the prediction for a film from the person's stored ratings."""
    snapshot = serving.models.snapshot(query.model)
    data = await run_in_threadpool(serving.store.load_person, person)
    arguments = snapshot, data.stars(), item_id, query.reasons
    return OrjsonResponse(
        await snapshot.run_async(_explain, *arguments, ratings=len(data.ratings), explained=1)
    )


def _explain(
    snapshot: ModelSnapshot, stars: dict[Id, float], item_id: str, reasons: int
) -> responses.Values:
    return responses.explanation(snapshot, stars, item_id, reasons, strict=False)


@me.get("/taste", summary="Show the person's taste", responses=problems(401, 404))
def my_taste(
    person: CurrentPerson, serving: Serving, query: Annotated[schemas.ModelQuery, Query()]
) -> Response:
    """Shows which genres and decades the person likes more than others do, and on which films
    their ratings differ most from the average."""
    snapshot = serving.models.snapshot(query.model)
    return OrjsonResponse(responses.taste(snapshot, serving.store.load_person(person)))
