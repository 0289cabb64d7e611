"""Handlers of the forms that rate a film, remove the rating, hide the film, or show it again.

A form from a browser is answered with a redirect to its page. `app.js` sends the same form with
the header `X-Part` and gets that page in the response, which saves a request.
"""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from matinee.web.api.dependencies import CurrentPerson, MaybePerson, Serving
from matinee.web.api.responses import storable_id, storable_ratings, store_ratings
from matinee.web.api.schemas import Stars
from matinee.web.pages.for_you import render_for_you_page
from matinee.web.pages.rate import RateQuery, render_rate_page
from matinee.web.pages.rendering import is_local, redirect_back, requested_part
from matinee.web.pages.visitor import FilmId, FilmIds, ensure_person

router = APIRouter(include_in_schema=False)


class FilmForm(BaseModel):
    """A film and the page with its form.

    Args:
        back: address of the page.
        shown: films on that page.
        skip: films that the person has not seen.
    """

    item_id: FilmId
    back: str = "/"
    shown: FilmIds = []
    skip: FilmIds = []


class RatingForm(FilmForm):
    """A film and the person's rating of it."""

    stars: Stars


@router.post("/rate")
def rate(
    request: Request, form: Annotated[RatingForm, Form()], person: MaybePerson, serving: Serving
) -> Response:
    """Stores a rating. The first rating of a visitor creates a person."""
    ratings = storable_ratings(serving.models.snapshot(), {form.item_id: form.stars})
    with ensure_person(request, person) as session:
        store_ratings(serving.store, session.id, ratings)
    return session.set_cookie(request, _respond(request, session.id, form))


@router.post("/unrate")
def unrate(
    request: Request, form: Annotated[FilmForm, Form()], person: CurrentPerson, serving: Serving
) -> Response:
    """Removes a rating."""
    serving.store.unrate(person, storable_id(form.item_id))
    return _respond(request, person, form)


@router.post("/hide")
def hide(
    request: Request, form: Annotated[FilmForm, Form()], person: MaybePerson, serving: Serving
) -> Response:
    """Hides a film from the person's lists."""
    item_id = storable_id(serving.models.snapshot().item_id(form.item_id))
    with ensure_person(request, person) as session:
        serving.store.hide(session.id, item_id)
    return session.set_cookie(request, _respond(request, session.id, form))


@router.post("/show")
def show(
    request: Request, form: Annotated[FilmForm, Form()], person: CurrentPerson, serving: Serving
) -> Response:
    """Shows a hidden film again."""
    serving.store.show(person, storable_id(form.item_id))
    return _respond(request, person, form)


def _respond(request: Request, person: str, form: FilmForm) -> Response:
    """The page that contains the form, for `app.js`; a redirect to it for a browser."""
    if not requested_part(request) or not is_local(form.back):
        return redirect_back(form.back)
    address = urlsplit(form.back)
    if address.path == "/":
        return render_rate_page(request, person, RateQuery(skip=form.skip, shown=form.shown, n=1))
    if address.path == "/for-you":
        held = frozenset(form.shown)
        return render_for_you_page(request, person, QueryParams(address.query), held)
    return redirect_back(form.back)
