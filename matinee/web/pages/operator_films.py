"""The operator's page of the films: their ratings in a model, and what the people here said."""

from typing import TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from matinee.web.api.dependencies import ServerState, Serving
from matinee.web.api.operator_views import (
    FILM_SORTS,
    FilmSort,
    FilmTable,
    UnknownFilm,
    film_table,
    unknown_films,
)
from matinee.web.pages.operator_access import needs_sign_in
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import read_query
from matinee.web.settings import MAX_TEXT_LENGTH

router = APIRouter(prefix="/operator/films", include_in_schema=False, dependencies=needs_sign_in)

PER_PAGE = 50
MAX_UNKNOWN = 50


class FilmsPageQuery(BaseModel):
    """Query of the page."""

    q: str = Field("", max_length=MAX_TEXT_LENGTH)
    sort: FilmSort | None = None
    model: str | None = Field(None, max_length=MAX_TEXT_LENGTH)
    page: int = Field(1, ge=1, le=100_000)


class FilmsPage(TypedDict):
    """Values of operator/films.html."""

    table: FilmTable
    unknown: list[UnknownFilm]
    n_unknown: int
    number: int
    n_pages: int
    search: str
    sort: FilmSort
    sorts: tuple[FilmSort, ...]
    model: str
    models: list[str]
    query: dict[str, object]


@router.get("")
async def films(request: Request, serving: Serving) -> Response:
    """The films, one page at a time, and those that the model does not know."""
    return await serving.page_queue.run(_films, request, serving)


def _films(request: Request, serving: ServerState) -> Response:
    query = read_query(FilmsPageQuery, request.query_params)
    snapshot = serving.models.snapshot(query.model)
    sort = query.sort or ("best match" if query.q else "here")
    table = film_table(serving.store, snapshot, query.q, sort, query.page, PER_PAGE)
    unknown = unknown_films(serving.store, snapshot)
    given: dict[str, object] = {"q": query.q, "sort": query.sort, "model": query.model}
    values = FilmsPage(
        table=table,
        unknown=unknown[:MAX_UNKNOWN],
        n_unknown=len(unknown),
        number=query.page,
        n_pages=max(1, -(-table.total // PER_PAGE)),
        search=query.q,
        sort=sort,
        sorts=FILM_SORTS,
        model=snapshot.name,
        models=[live.name for live in serving.models],
        query=given,
    )
    return render(request, "operator/films.html", values)
