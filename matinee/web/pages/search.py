"""The search page: finds films by title, with the filters and orders of the browse page."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from matinee.data.titles import fold
from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.pages import search_texts
from matinee.web.pages.film_lists import FilmListPage, film_list, read_list_query
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import Visitor
from matinee.web.serving.film_search import FilmSummary

router = APIRouter(include_in_schema=False)

N_EXAMPLES = 12


class SearchPage(FilmListPage):
    """Values of search.html."""

    is_start: bool
    """Whether there is nothing to search for."""
    examples: list[FilmSummary]
    """Films to show before anything was searched for."""
    search: dict[str, str]


@router.get("/search")
async def search_page(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """The films whose titles match."""
    return await serving.page_queue.run(_search, request, person)


def _search(request: Request, person: str | None) -> Response:
    query = read_list_query(request.query_params, order="relevance")
    visitor = Visitor(request, person)
    found = film_list(visitor, query, "/search")
    values = SearchPage(
        **found,
        is_start=not fold(query.q),
        examples=[] if query.q else found["films"][:N_EXAMPLES],
        search=search_texts.SEARCH,
    )
    return render(request, "search.html", values)
