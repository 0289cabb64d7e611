"""The page "For you": recommendations with filters, and rows of films similar to the person's
favorites."""

from collections.abc import Callable
from random import SystemRandom
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import QueryParams

from matinee.web.api.dependencies import MaybePerson
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.lists import (
    PageOptions,
    decades_of,
    is_above_floor,
    n_chosen,
    recommended,
    shown_dial,
    three_for_tonight,
    usual_minimum,
)
from matinee.web.pages.rendering import film_url, render
from matinee.web.pages.visitor import RatingContext, Visitor, read_query
from matinee.web.settings import MAX_K

router = APIRouter(include_in_schema=False)

N_FILMS = 24
"""Length of the list; "Show more" adds this many films."""
N_SURPRISES = 40
"""One of so many films is chosen by chance."""
N_ROWS = 2
ROW_LENGTH = 6
MIN_ROW_LENGTH = 3
ROW_QUANTILE = 0.5
"""The floor of rows never leaves out this upper part of all films."""


class SimilarRow(NamedTuple):
    """Films similar to one that the person liked."""

    name: str
    stars: float
    films: list[FilmCard]


class ForYouPage(RatingContext):
    """Values of for_you/for_you.html."""

    films: list[FilmCard]
    note: str
    """Why the list is shorter than requested; empty if it is not."""
    rows: list[SimilarRow]
    held: frozenset[str]
    """Ids of films whose cards the browser has already; for them, only the prediction and reason
    are sent."""
    options: PageOptions
    chosen: dict[str, object]
    """Options that differ from their defaults."""
    n_chosen: int
    n_picks: int
    """Number of films that are set apart at the top."""
    is_end: bool
    """Whether the list is as long as lists can be."""
    decades: list[int]
    usual_minimum: int
    dial_value: Callable[[float, str, str], str]
    taste: float
    usual_taste: float
    n_more: int
    """Length of the list after "Show more"; 0 if it cannot be longer."""
    genres: list[str]
    years: tuple[int, int] | None
    max_ratings: int


@router.get("/for-you")
def for_you_page(request: Request, person: MaybePerson) -> Response:
    """The page with the options in the address."""
    return render_for_you_page(request, person, request.query_params)


@router.get("/for-you/surprise")
def surprise(request: Request, person: MaybePerson) -> Response:
    """Leads to the page of one of the best films that match the filters, chosen by chance."""
    options = read_query(PageOptions, request.query_params, k=str(N_SURPRISES))
    visitor = Visitor(request, person, options.model)
    films, _ = recommended(visitor, options)
    if not films:
        return RedirectResponse("/for-you", 303)
    return RedirectResponse(film_url(SystemRandom().choice(films)["item_id"]), 303)


def render_for_you_page(
    request: Request,
    person: str | None,
    params: QueryParams,
    held: frozenset[str] = frozenset(),
) -> Response:
    """The page with the person's current ratings.

    Args:
        params: the query of the page's address.
        held: ids of films whose cards the browser has already.
    """
    options = read_query(PageOptions, params, k=str(N_FILMS))
    visitor = Visitor(request, person, options.model)
    films, note = recommended(visitor, options)
    usual_taste = visitor.model.usual_taste
    chosen = options.model_dump(exclude_unset=True, exclude={"k"})
    chosen = {
        name: value
        for name, value in chosen.items()
        if name == "min_ratings" or value != PageOptions.model_fields[name].get_default()
    }
    if options.taste == usual_taste:
        chosen.pop("taste", None)  # a form without a script sends it always
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
        chosen=chosen,
        n_chosen=n_chosen(options, usual_taste),
        n_picks=three_for_tonight(films),
        is_end=is_complete and options.k >= MAX_K,
        decades=decades_of(visitor.cards.years),
        usual_minimum=usual_minimum(visitor),
        dial_value=shown_dial,
        taste=usual_taste if options.taste is None else options.taste,
        usual_taste=usual_taste,
        n_more=n_more,
        genres=visitor.snapshot.guide.catalog.genres,
        years=visitor.cards.years,
        max_ratings=int(visitor.cards.counts.max(initial=0)),
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )
    return render(request, "for_you/for_you.html", values)


def _similar_rows(
    visitor: Visitor, options: PageOptions, listed: list[FilmCard]
) -> list[SimilarRow]:
    """Rows of films that resemble the person's favorites, match the filters and are not listed
    yet."""
    snapshot, cards = visitor.snapshot, visitor.cards
    ranking = visitor.ranking(options.dials().taste)
    matching = snapshot.films.search("", options.filters(), "popular").indices
    allowed = set(matching[is_above_floor(visitor, ranking, ROW_QUANTILE)[matching]].tolist())
    used = {*visitor.ratings, *visitor.hidden}
    used.update(snapshot.index_of(film["item_id"]) for film in listed)
    rows: list[SimilarRow] = []
    liked = cards.liked(visitor.ratings)
    for favorite in sorted(liked, key=lambda index: -visitor.ratings[index]):
        if len(rows) == N_ROWS:
            break
        similar = [
            index
            for index in cards.similar(favorite, 8 * ROW_LENGTH, used)
            if index in allowed and cards.of_list.are_related(favorite, index)
        ]
        similar = similar[:ROW_LENGTH]
        if len(similar) < MIN_ROW_LENGTH:
            continue
        used.update(similar)
        # The heading of the row gives the reason
        films = cards.predicted(visitor.profile, similar, ranking)
        rows.append(SimilarRow(cards.name(favorite), visitor.ratings[favorite], films))
    return rows
