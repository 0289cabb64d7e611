"""The start page: films to rate, and the recommendations that follow from the ratings."""

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
"""Number of films to rate."""
N_RECOMMENDED = 6
"""Number of recommendations beside them."""


class RateQuery(BaseModel):
    """Query of the page.

    Args:
        skip: films that the person has not seen.
        shown: films that the open page shows already.
        n: number of films to rate.
    """

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
    """The start page."""
    return render_rate_page(request, person, query)


def render_rate_page(request: Request, person: str | None, query: RateQuery) -> Response:
    """The start page with the person's current ratings."""
    visitor = Visitor(request, person)
    skipped = visitor.snapshot.indices(dict.fromkeys([*query.skip, *query.shown], 0.0))
    elicitation = visitor.cards.elicitation
    films = elicitation.next_items(
        query.n, visitor.ratings, [*skipped, *visitor.hidden, *visitor.not_seen]
    )
    values = RatePage(
        films=[visitor.cards.card(index) for index in films],
        top=visitor.recommend(N_RECOMMENDED).films,
        back="/",
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )
    return render(request, "rate/rate.html", values)
