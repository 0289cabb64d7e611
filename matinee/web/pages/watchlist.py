"""The watchlist page, and the forms that mark films: to watch, or not seen."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from matinee.data.vocabulary import Id
from matinee.web.api.dependencies import CurrentPerson, MaybePerson, Serving
from matinee.web.api.responses import storable_id
from matinee.web.db.film_lists import PersonalList
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.rating_forms import FilmForm
from matinee.web.pages.rendering import redirect_back, render, requested_part
from matinee.web.pages.visitor import RatingContext, Visitor, ensure_person

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 200
Sort = Literal["added", "best", "newest"]


class WatchlistPage(RatingContext):
    """Values of watchlist.html."""

    films: list[FilmCard]
    seen: list[FilmCard]
    """Films on the list that the person has rated."""
    given: dict[Id, float]
    sort: Sort
    n_films: int
    back: str


@router.get("/watchlist")
def watchlist_page(
    request: Request, person: MaybePerson, sort: Annotated[Sort, Query()] = "added"
) -> Response:
    """The films that the person wants to watch."""
    visitor = Visitor(request, person)
    return render(request, "watchlist.html", visitor.snapshot.run(_values, visitor, sort))


def _values(visitor: Visitor, sort: Sort) -> WatchlistPage:
    wanted = list(visitor.snapshot.indices(dict.fromkeys(visitor.data.watchlist, 0.0)))
    ranking = visitor.ranking()
    to_watch = [index for index in wanted if index not in visitor.ratings]
    if sort == "best":
        to_watch.sort(key=lambda index: -float(ranking.scores[index]))
    elif sort == "newest":
        films = visitor.snapshot.films
        to_watch.sort(key=lambda index: -(films.summary(index)["year"] or 0))
    seen = [index for index in wanted if index in visitor.ratings]
    items = visitor.model.items_
    return WatchlistPage(
        films=visitor.cards.predicted(visitor.profile, to_watch[:MAX_SHOWN], ranking),
        seen=[visitor.cards.card(index) for index in seen[:MAX_SHOWN]],
        given={items.id(index): visitor.ratings[index] for index in seen},
        sort=sort,
        n_films=len(to_watch),
        back="/watchlist",
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )


@router.post("/watchlist/add")
def add(
    request: Request, form: Annotated[FilmForm, Form()], person: MaybePerson, serving: Serving
) -> Response:
    """Adds a film to the watchlist."""
    return _mark(request, form, person, serving, serving.store.watchlist)


@router.post("/watchlist/remove")
def remove(
    request: Request, form: Annotated[FilmForm, Form()], person: CurrentPerson, serving: Serving
) -> Response:
    """Removes a film from the watchlist."""
    serving.store.watchlist.remove(person, storable_id(form.item_id))
    return _respond(request, form)


@router.post("/not-seen")
def not_seen(
    request: Request, form: Annotated[FilmForm, Form()], person: MaybePerson, serving: Serving
) -> Response:
    """Remembers that the person has not seen a film."""
    return _mark(request, form, person, serving, serving.store.not_seen)


@router.post("/not-seen/undo")
def seen_after_all(
    request: Request, form: Annotated[FilmForm, Form()], person: CurrentPerson, serving: Serving
) -> Response:
    """Forgets that the person has not seen a film."""
    serving.store.not_seen.remove(person, storable_id(form.item_id))
    return _respond(request, form)


def _mark(
    request: Request, form: FilmForm, person: str | None, serving: Serving, films: PersonalList
) -> Response:
    item_id = storable_id(serving.models.snapshot().item_id(form.item_id))
    with ensure_person(request, person) as session:
        films.add(session.id, item_id)
    return session.set_cookie(request, _respond(request, form))


def _respond(request: Request, form: FilmForm) -> Response:
    """A redirect for a browser; nothing for `film_lists.js`, which has changed the page itself."""
    if requested_part(request) == "none":
        return Response(status_code=204)
    return redirect_back(form.back)
