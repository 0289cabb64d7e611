"""The search page: finds films by words of their titles."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import QueryParams

from matinee.data.titles import fold
from matinee.data.vocabulary import Id
from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.api.responses import FilmResults, film_page
from matinee.web.api.schemas import FilmQuery
from matinee.web.pages.rendering import render, with_query
from matinee.web.pages.visitor import RatingContext, Visitor, read_query
from matinee.web.settings import MAX_TEXT_LENGTH

router = APIRouter(include_in_schema=False)

N_FILMS = 24


class SearchPage(RatingContext):
    """Values of search.html."""

    q: str
    found: FilmResults | None
    """None if there is nothing to search for."""
    given: dict[Id, float]
    """Film id -> the person's rating."""
    back: str


@router.get("/search")
async def search_page(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """The films whose titles match."""
    return await serving.page_queue.run(_search, request, person)


def _search(request: Request, person: str | None) -> Response:
    items = request.query_params.multi_items()
    params = QueryParams([(name, text[:MAX_TEXT_LENGTH]) for name, text in items])
    query = read_query(FilmQuery, params, page_size=str(N_FILMS))
    visitor = Visitor(request, person)
    found = None
    if fold(query.q):
        found = film_page(visitor.snapshot, query)
    values = SearchPage(
        q=query.q,
        found=found,
        given={visitor.model.items_.id(index): stars for index, stars in visitor.ratings.items()},
        back=with_query("/search", q=query.q),
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )
    return render(request, "search.html", values)
