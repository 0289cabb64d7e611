"""The first page: films to rate, and the list that follows from the ratings."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from matinee.web.api.dependencies import MaybePerson
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import FilmIds, RatingContext, Visitor

router = APIRouter(include_in_schema=False)

N_FILMS = 18
"""Films to rate on one page."""
N_RECOMMENDED = 6
"""Films of the list beside them."""


class RateQuery(BaseModel):
    """Films not to ask about, because they were not seen or are on the page; and how many to
    ask about."""

    skip: FilmIds = []
    shown: FilmIds = []
    n: int = Field(N_FILMS, ge=0, le=2 * N_FILMS)


class RatePage(RatingContext):
    """Values of rate/rate.html."""

    films: list[FilmCard]
    top: list[FilmCard]
    back: str


@router.get("/")
def rate_page(
    request: Request, person: MaybePerson, query: Annotated[RateQuery, Query()]
) -> Response:
    """Films to rate, and the list so far."""
    return render_rate_page(request, person, query)


def render_rate_page(request: Request, person: str | None, query: RateQuery) -> Response:
    """The page as it is now."""
    visitor = Visitor(request, person)
    skipped = visitor.snapshot.indices(dict.fromkeys([*query.skip, *query.shown], 0.0))
    elicitation = visitor.cards.elicitation
    films = elicitation.next_items(query.n, visitor.own, [*skipped, *visitor.hidden])
    values = RatePage(
        films=[visitor.cards.card(index) for index in films],
        top=visitor.recommend(N_RECOMMENDED).films,
        back="/",
        scale=visitor.scale,
        n_rated=len(visitor.own),
    )
    return render(request, "rate/rate.html", values)
