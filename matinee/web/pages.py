"""The pages on which people rate films, see what they would like, and read why.

All that changes something is a form, and is answered with the way back to its page. The script of the pages sends the
same forms with the header `X-Part` and gets that page at once, to take from it what has changed: one request a rating.
"""

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from matinee.data.titles import fold
from matinee.errors import UnsupportedError
from matinee.web import answers
from matinee.web.access import CurrentPerson, MaybePerson, Served, Serving
from matinee.web.api_people import keep_ratings, storable
from matinee.web.explained import chart
from matinee.web.pages_base import done, film_url, is_own, page, part_wanted, with_query
from matinee.web.pages_visitor import Visitor, newcomer, read_query
from matinee.web.security import give_cookie
from matinee.web.settings import MOST_K, MOST_TEXT
from matinee.web.shapes import FilmQuery, Stars, Wish
from matinee.web.tables import LONGEST_ITEM_ID

router = APIRouter(include_in_schema=False)

GRID, SHORT, LISTED, FOUND, ROW = 18, 6, 24, 24, 6
"""Films to rate; of the list beside them; of the list for you; of a search; of a row "because you gave"."""
MOST_PASSED = 500

ItemId = Annotated[str, Field(max_length=LONGEST_ITEM_ID)]
ItemIds = Annotated[list[ItemId], Field(max_length=MOST_PASSED)]


# -- rate ----------------------------------------------------------------------------------------------------------


class RateQuery(BaseModel):
    """Which films not to ask about: not seen, or in the page already; and how many to ask about."""

    skip: ItemIds = []
    shown: ItemIds = []
    n: int = Field(GRID, ge=0, le=2 * GRID)


@router.get("/")
def rate_page(request: Request, person: MaybePerson, query: Annotated[RateQuery, Query()]) -> Response:
    """Films to rate, and the list as it is so far."""
    return _rate(request, person, query)


def _rate(request: Request, person: str | None, query: RateQuery) -> Response:
    one = Visitor(request, person)
    passed = one.shelf.indices(dict.fromkeys([*query.skip, *query.shown], 0.0))
    films = [one.shelf.line(index) for index in one.shelf.telling(query.n, one.own, [*passed, *one.hidden])]
    return page(request, "rate.html", films=films, top=_top(one, SHORT), back="/", skip=query.skip, **one.values)


def _top(one: Visitor, k: int, wish: Wish | None = None) -> list[dict[str, Any]]:
    """The best films for somebody."""
    return _list(one, k, wish or Wish.model_validate({}))[0]


def _list(one: Visitor, k: int, wish: Wish) -> tuple[list[dict[str, Any]], str]:
    """The best films for somebody that pass the filters, and what must be said of the list."""
    made: tuple[list[dict[str, Any]], str] = one.snapshot.run(_asked, one, k, wish)
    return made


def _asked(one: Visitor, k: int, wish: Wish) -> tuple[list[dict[str, Any]], str]:
    guide = one.snapshot.guide
    hidden = [one.model.items_.id(index) for index in one.hidden]
    for_list = one.snapshot.without(one.profile, hidden, include_rated=False)
    found = guide.recommend(for_list, k, wish.filters(), dials=wish.dials())
    indices = [one.snapshot.index_of(item.item_id) for item in found.items]
    return one.shelf.lines(one.profile, indices, one.model.scores(one.profile), one.own), found.note


class RatingForm(BaseModel):
    """A film, what somebody gives it, and where to go on."""

    item_id: ItemId
    stars: Stars
    back: str = "/"
    shown: ItemIds = []
    skip: ItemIds = []


class FilmForm(BaseModel):
    """A film, and where to go on."""

    item_id: ItemId
    back: str = "/"
    shown: ItemIds = []
    skip: ItemIds = []


@router.post("/rate")
def rate(request: Request, form: Annotated[RatingForm, Form()], person: MaybePerson, serving: Serving) -> Response:
    """Keeps a rating; who gives their first is somebody from then on."""
    token = None
    if person is None:
        _check(serving, form)
        made = newcomer(request)
        person, token = made.id, made.token
    keep_ratings(serving, person, {form.item_id: form.stars})
    answer = _back(request, person, form)
    if token is not None:
        give_cookie(request, answer, token)
    return answer


def _check(serving: Served, form: RatingForm) -> None:
    """Refuses what cannot be kept, so that nobody is made for it."""
    snapshot = serving.models.snapshot()
    known = snapshot.guide.model.items_.id(snapshot.index_of(form.item_id))
    snapshot.fold_in({known: form.stars}, strict=True)


@router.post("/unrate")
def unrate(request: Request, form: Annotated[FilmForm, Form()], person: CurrentPerson, serving: Serving) -> Response:
    """Takes a rating back."""
    serving.store.unrate(person, storable(form.item_id))
    return _back(request, person, form)


@router.post("/hide")
def hide(request: Request, form: Annotated[FilmForm, Form()], person: MaybePerson, serving: Serving) -> Response:
    """Keeps a film out of somebody's lists."""
    known = serving.models.snapshot()
    item_id = str(known.guide.model.items_.id(known.index_of(form.item_id)))
    token = None
    if person is None:
        made = newcomer(request)
        person, token = made.id, made.token
    serving.store.hide(person, item_id)
    answer = _back(request, person, form)
    if token is not None:
        give_cookie(request, answer, token)
    return answer


@router.post("/show")
def show(request: Request, form: Annotated[FilmForm, Form()], person: CurrentPerson, serving: Serving) -> Response:
    """Lets a film into somebody's lists again."""
    serving.store.show(person, storable(form.item_id))
    return _back(request, person, form)


def _back(request: Request, person: str, form: RatingForm | FilmForm) -> Response:
    """The page that a form was on: for the script at once, for others as the way to it."""
    if not part_wanted(request) or not is_own(form.back):
        return done(form.back)
    address = urlsplit(form.back)
    query = parse_qsl(address.query)
    if address.path == "/":
        return _rate(request, person, RateQuery(skip=form.skip, shown=form.shown, n=1))
    if address.path == "/for-you":
        return _for_you(request, person, query, held=frozenset(form.shown))
    return done(form.back)


# -- for you -------------------------------------------------------------------------------------------------------


@router.get("/for-you")
def for_you_page(request: Request, person: MaybePerson) -> Response:
    """The list for somebody, filters and dials, and rows around the films they liked best."""
    return _for_you(request, person, request.query_params.multi_items())


def _for_you(
    request: Request, person: str | None, query: list[tuple[str, str]], held: frozenset[str] = frozenset()
) -> Response:
    """The page; of films whose cards are held already, only what may have changed."""
    wish = read_query(Wish, [("k", str(LISTED)), *query])
    one = Visitor(request, person, wish.model)
    films, note = _list(one, wish.k, wish)
    asked = wish.model_dump(exclude_defaults=True, exclude={"k"})
    rows = one.snapshot.run(_rows, one, wish, [film["item_id"] for film in films])
    values = {
        "films": films,
        "note": note if len(films) < wish.k else "",
        "rows": rows,
        "held": held,
        "wish": wish,
        "asked": asked,
        "more": min(wish.k + LISTED, MOST_K) if len(films) == wish.k < MOST_K else 0,
        "genres": one.snapshot.guide.catalog.genres,
        "years": one.shelf.years,
        "most_ratings": int(one.shelf.counts.max(initial=0)),
    }
    return page(request, "for_you.html", **values, **one.values)


def _rows(one: Visitor, wish: Wish, shown: list[Any]) -> list[dict[str, Any]]:
    """Films near each of the two that somebody gave most, of those that pass the filters and stand nowhere yet."""
    allowed = set(one.snapshot.films.search("", wish.filters(), "popular").indices.tolist())
    gone = {*one.own, *one.hidden, *(one.snapshot.index_of(item_id) for item_id in shown)}
    scores = one.model.scores(one.profile)
    rows: list[dict[str, Any]] = []
    for index in sorted(one.shelf.liked(one.own), key=lambda liked: -one.own[liked]):
        if len(rows) == 2:
            break
        near = [film for film in one.shelf.near(index, 4 * ROW, gone) if film in allowed][:ROW]
        if len(near) < 3:
            continue
        gone.update(near)
        films = one.shelf.lines(one.profile, near, scores, {})
        rows.append({"name": one.shelf.name(index), "stars": one.own[index], "films": [f | {"why": ""} for f in films]})
    return rows


# -- one film, and finding it --------------------------------------------------------------------------------------


@router.get("/films")
def film_by_query(request: Request, person: MaybePerson, item_id: Annotated[ItemId, Query(alias="id")]) -> Response:
    """The page of a film whose id cannot stand in a path; see `film_url`."""
    return film_page(request, item_id, person)


@router.get("/films/{item_id:path}")
def film_page(request: Request, item_id: ItemId, person: MaybePerson) -> Response:
    """A film: what somebody would give it and why, and films like it."""
    one = Visitor(request, person)
    index = one.snapshot.index_of(item_id)
    return page(request, "film.html", **one.snapshot.run(_film, one, index), **one.values)


def _film(one: Visitor, index: int) -> dict[str, Any]:
    scores = one.model.scores(one.profile)
    film = one.shelf.lines(one.profile, [index], scores, {})[0]
    try:
        told = one.snapshot.guide.explain(one.profile, answers.exact(film["item_id"]))
        why, cannot = chart(told), ""
    except UnsupportedError as error:
        why, cannot = None, str(error)
    near = one.shelf.near(index, ROW, [])
    return {
        "film": film,
        "why": why,
        "cannot": cannot,
        "given": one.own.get(index),
        "is_hidden": index in one.hidden,
        "similar": one.shelf.lines(one.profile, near, scores, {}),
        "given_to": {one.model.items_.id(liked): stars for liked, stars in one.own.items()},
        "back": film_url(film["item_id"]),
    }


@router.get("/search")
async def search_page(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """Films by words of their titles."""
    return await serving.long_pages.run(_search, request, person)


def _search(request: Request, person: str | None) -> Response:
    items = [(name, text[:MOST_TEXT]) for name, text in request.query_params.multi_items()]
    query = read_query(FilmQuery, [("page_size", str(FOUND)), *items])
    one = Visitor(request, person)
    found = answers.film_page(one.snapshot, query) if fold(query.q) else None
    given = {one.model.items_.id(index): stars for index, stars in one.own.items()}
    return page(
        request,
        "search.html",
        q=query.q,
        found=found,
        given=given,
        back=with_query("/search", q=query.q),
        **one.values,
    )
