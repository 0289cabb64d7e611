"""The film page: the prediction for the person, its explanation, and similar films."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from matinee.errors import UnsupportedError
from matinee.web.api.dependencies import MaybePerson
from matinee.web.api.responses import exact_id
from matinee.web.pages.explanation_chart import Chart, chart, with_display_titles
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.rendering import film_url, render
from matinee.web.pages.visitor import FilmId, RatingContext, Visitor

router = APIRouter(include_in_schema=False)

N_SIMILAR = 6


class FilmPage(RatingContext):
    """Values of film.html."""

    film: FilmCard
    why: Chart | None
    is_shrunk: bool
    """Whether the stars are shown lower than the parts add up to; see `Suggestion.shown`."""
    no_explanation: str
    """Why there is no explanation; empty if there is one."""
    given: float | None
    """The person's own rating."""
    is_hidden: bool
    similar: list[FilmCard]
    back: str


@router.get("/films")
def film_by_query(
    request: Request, person: MaybePerson, item_id: Annotated[FilmId, Query(alias="id")]
) -> Response:
    """The page of a film whose id is not safe in a path; see `film_url`."""
    return film_page(request, item_id, person)


@router.get("/films/{item_id:path}")
def film_page(request: Request, item_id: FilmId, person: MaybePerson) -> Response:
    """The page of a film."""
    visitor = Visitor(request, person)
    index = visitor.snapshot.index_of(item_id)
    return render(request, "film.html", visitor.snapshot.run(_values, visitor, index))


def _values(visitor: Visitor, index: int) -> FilmPage:
    ranking = visitor.ranking()
    (film,) = visitor.cards.predicted(visitor.profile, [index], ranking)
    why, no_explanation, is_shrunk = None, "", False
    try:
        explanation = visitor.snapshot.guide.explain(visitor.profile, exact_id(film["item_id"]))
        why = chart(with_display_titles(explanation))
        if explanation.stars is not None and film["stars"] is not None:
            is_shrunk = f"{explanation.stars:.1f}" != f"{film['stars']:.1f}"
    except UnsupportedError as error:
        no_explanation = str(error)
    similar = visitor.cards.similar(index, N_SIMILAR, [])
    return FilmPage(
        film=film,
        why=why,
        is_shrunk=is_shrunk,
        no_explanation=no_explanation,
        given=visitor.ratings.get(index),
        is_hidden=index in visitor.hidden,
        similar=visitor.cards.predicted(visitor.profile, similar, ranking),
        back=film_url(film["item_id"]),
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )
