"""The browse page: all films by genre, decade and tag in several orders, and a film picked at
random for tonight."""

import random

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.http.problems import Problem
from matinee.web.pages import search_texts
from matinee.web.pages.film_lists import FilmListPage, address_of, film_list, read_list_query
from matinee.web.pages.rendering import film_url, render
from matinee.web.pages.visitor import Visitor

router = APIRouter(prefix="/browse", include_in_schema=False)

_N_BEST, _N_PICKED = 200, 40
"""A pick is one of the films with the highest predictions among the best rated ones."""


class BrowsePage(FilmListPage):
    """Values of browse.html."""

    heading: str
    random: str
    """The address of a random film of the list."""


@router.get("")
async def browse_page(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """The films that match the filters."""
    return await serving.page_queue.run(_browse, request, person)


@router.get("/random")
async def random_film(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """Leads to a film for tonight: one of the best of the list for this person that they have not
    rated or hidden."""
    return await serving.page_queue.run(_pick, request, person)


def _browse(request: Request, person: str | None) -> Response:
    query = read_list_query(request.query_params, order="best")
    visitor = Visitor(request, person)
    chosen = [*query.genre, f"{query.decade}s" if query.decade is not None else "", query.tag]
    name = ", ".join(text for text in chosen if text)
    values = BrowsePage(
        **film_list(visitor, query, "/browse"),
        heading=name or search_texts.BROWSE["heading"],
        random=address_of(query, "/browse/random"),
    )
    return render(request, "browse.html", values)


def _pick(request: Request, person: str | None) -> Response:
    query = read_list_query(request.query_params, order="best")
    visitor = Visitor(request, person)
    found = visitor.snapshot.films.search(query.q, query.filters(), "best", query.tag).indices
    seen = np.array([*visitor.ratings, *visitor.hidden], np.int64)
    found = found[~np.isin(found, seen)][:_N_BEST]
    if not len(found):
        raise Problem(404, "no-film", search_texts.BROWSE["none"])
    if visitor.ratings:
        scores = visitor.snapshot.run(visitor.ranking).scores[found]
        found = found[np.argsort(-scores, kind="stable")]
    index = random.choice(found[:_N_PICKED].tolist())
    response = RedirectResponse(film_url(visitor.model.items_.id(index)), 303)
    response.headers["cache-control"] = "no-store"
    return response
