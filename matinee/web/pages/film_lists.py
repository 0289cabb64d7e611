"""Lists of films with filters, an order and pages: what the search page and the browse page
share."""

from pydantic import Field
from starlette.datastructures import QueryParams

from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.web.api.schemas import FilmQuery
from matinee.web.pages import search_texts
from matinee.web.pages.rendering import with_query
from matinee.web.pages.visitor import RatingContext, Visitor, read_query
from matinee.web.serving.film_search import FilmSummary
from matinee.web.settings import MAX_TEXT_LENGTH

N_FILMS = 24


class FilmListQuery(FilmQuery):
    """The query of a list."""

    decade: int | None = Field(None, ge=0, le=9990)
    tag: str = Field("", max_length=MAX_TEXT_LENGTH)

    def filters(self) -> Filters:
        """The filters, with the decade as years."""
        if self.decade is None:
            return super().filters()
        return Filters(
            tuple(self.genre),
            tuple(self.not_genre),
            (self.decade, self.decade + 9),
            self.min_ratings,
        )


class FilmListPage(RatingContext):
    """Values of film_list.html, which search.html and browse.html include."""

    path: str
    q: str
    films: list[FilmSummary]
    guesses: list[FilmSummary]
    total: int
    """Number of films on all pages, without guesses."""
    first: int
    """Number of the first film of this page, from 1."""
    page: int
    n_pages: int
    previous: str
    next: str
    """Addresses of the pages before and after this one; empty if there is none."""
    given: dict[Id, float]
    """Film id -> the person's rating."""
    back: str
    query: FilmListQuery
    orders: dict[str, str]
    genres: list[str]
    decades: list[int]
    tags: list[str]
    words: dict[str, str]


def read_list_query(params: QueryParams, order: str) -> FilmListQuery:
    """The query of an address; texts that are too long are cut."""
    short = [(name, text[:MAX_TEXT_LENGTH]) for name, text in params.multi_items()]
    return read_query(FilmListQuery, QueryParams(short), page_size=str(N_FILMS), order=order)


def film_list(visitor: Visitor, query: FilmListQuery, path: str) -> FilmListPage:
    """A page of the films that match a query.

    Args:
        path: of the page.
    """
    films = visitor.snapshot.films
    found = films.search(query.q, query.filters(), query.order, query.tag)
    total = len(found.indices) - found.n_guesses
    n_pages = max(1, -(-total // query.page_size))
    page = min(query.page, n_pages)
    start = (page - 1) * query.page_size
    shown = found.indices[start : min(start + query.page_size, total)].tolist()
    guesses = found.indices[total:].tolist() if page == n_pages else []
    items, orders = visitor.model.items_, dict(search_texts.ORDERS)
    if not query.q:
        orders.pop("relevance")
    return FilmListPage(
        path=path,
        q=query.q,
        films=[films.summary(index) for index in shown],
        guesses=[films.summary(index) for index in guesses],
        total=total,
        first=start + 1,
        page=page,
        n_pages=n_pages,
        previous=address_of(query, path, page - 1) if page > 1 else "",
        next=address_of(query, path, page + 1) if page < n_pages else "",
        given={items.id(index): stars for index, stars in visitor.ratings.items()},
        back=address_of(query, path, page),
        query=query,
        orders=orders,
        genres=visitor.snapshot.guide.catalog.genres,
        decades=films.decades,
        tags=films.top_tags,
        words=search_texts.BROWSE,
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )


def address_of(query: FilmListQuery, path: str, page: int = 1) -> str:
    """The address of a list, without values that are usual."""
    values = query.model_dump(exclude_defaults=True, exclude={"page", "page_size"})
    if page > 1:
        values["page"] = page
    return with_query(path, **values)
