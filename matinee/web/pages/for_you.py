"""The page "For you": the list with its filters, and rows of films like those that the person
liked best."""

from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import QueryParams

from matinee.web.api.dependencies import MaybePerson
from matinee.web.api.schemas import ListOptions
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import RatingContext, Visitor, read_query
from matinee.web.settings import MAX_K

router = APIRouter(include_in_schema=False)

N_FILMS = 24
"""Films of the list; "Show more" adds as many."""
N_ROWS = 2
ROW_LENGTH = 6
MIN_ROW_LENGTH = 3


class SimilarRow(NamedTuple):
    """Films like one that the person liked."""

    name: str
    stars: float
    films: list[FilmCard]


class ForYouPage(RatingContext):
    """Values of for_you/for_you.html."""

    films: list[FilmCard]
    note: str
    """Why the list is shorter than asked for; empty if it is not."""
    rows: list[SimilarRow]
    held: frozenset[str]
    """Ids of films whose cards the browser has; for them only what may have changed is
    sent."""
    options: ListOptions
    chosen: dict[str, Any]
    """The options that differ from their defaults."""
    n_more: int
    """Length of the list after "Show more"; 0 if there is no more."""
    genres: list[str]
    years: tuple[int, int] | None
    max_ratings: int


@router.get("/for-you")
def for_you_page(request: Request, person: MaybePerson) -> Response:
    """The list, its filters, and rows of similar films."""
    return render_for_you_page(request, person, request.query_params)


def render_for_you_page(
    request: Request,
    person: str | None,
    params: QueryParams,
    held: frozenset[str] = frozenset(),
) -> Response:
    """The page as it is now.

    Args:
        held: ids of films whose cards the browser has already.
    """
    options = read_query(ListOptions, params, k=str(N_FILMS))
    visitor = Visitor(request, person, options.model)
    films, note = visitor.recommend(options.k, options)
    is_complete = len(films) == options.k
    n_more = 0
    if is_complete and options.k < MAX_K:
        n_more = min(options.k + N_FILMS, MAX_K)
    values = ForYouPage(
        films=films,
        note="" if is_complete else note,
        rows=visitor.snapshot.run(_similar_rows, visitor, options, films),
        held=held,
        options=options,
        chosen=options.model_dump(exclude_defaults=True, exclude={"k"}),
        n_more=n_more,
        genres=visitor.snapshot.guide.catalog.genres,
        years=visitor.cards.years,
        max_ratings=int(visitor.cards.counts.max(initial=0)),
        scale=visitor.scale,
        n_rated=len(visitor.own),
    )
    return render(request, "for_you/for_you.html", values)


def _similar_rows(
    visitor: Visitor, options: ListOptions, listed: list[FilmCard]
) -> list[SimilarRow]:
    """Films like the person's favorites that match the filters and are not on the page yet."""
    snapshot, cards = visitor.snapshot, visitor.cards
    allowed = set(snapshot.films.search("", options.filters(), "popular").indices.tolist())
    used = {*visitor.own, *visitor.hidden}
    used.update(snapshot.index_of(film["item_id"]) for film in listed)
    scores = visitor.model.scores(visitor.profile)
    rows: list[SimilarRow] = []
    for favorite in sorted(cards.liked(visitor.own), key=lambda index: -visitor.own[index]):
        if len(rows) == N_ROWS:
            break
        similar = [
            index for index in cards.similar(favorite, 4 * ROW_LENGTH, used) if index in allowed
        ]
        similar = similar[:ROW_LENGTH]
        if len(similar) < MIN_ROW_LENGTH:
            continue
        used.update(similar)
        films = cards.predicted(visitor.profile, similar, scores, {})
        for film in films:
            film["why"] = ""  # the heading of the row says it
        rows.append(SimilarRow(cards.name(favorite), visitor.own[favorite], films))
    return rows
