"""The film page: what is predicted for the person, why, and similar films."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from matinee.errors import UnsupportedError
from matinee.models.base import UserState
from matinee.models.interface import Ranking
from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.api.responses import exact_id
from matinee.web.pages.explanation_chart import Chart, chart, with_display_titles
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.film_map import Maps
from matinee.web.pages.film_words import Headline, add_reasons, reasons_in_words
from matinee.web.pages.rendering import film_url, render
from matinee.web.pages.visitor import FilmId, RatingContext, Visitor

router = APIRouter(include_in_schema=False)

N_SIMILAR = 6
_N_CANDIDATES = 12
"""Number of similar films looked at; those that have nothing to say why are left out."""
_N_TAGS = 8


class FilmPage(RatingContext):
    """Values of film.html."""

    film: FilmCard
    """With the prediction that does not use the person's own rating of the film."""
    headline: str
    reasons: str
    why: Chart | None
    no_explanation: str
    """Why there is no explanation; empty if there is one."""
    given: float | None
    """The person's own rating."""
    n_others: int
    """Number of the person's ratings of other films."""
    is_hidden: bool
    is_not_seen: bool
    is_on_map: bool
    """Whether the map can show it, or the film nearest to it."""
    tags: list[str]
    similar: list[FilmCard]
    back: str


@router.get("/films")
def film_by_query(
    request: Request, person: MaybePerson, item_id: Annotated[FilmId, Query(alias="id")]
) -> Response:
    """The page of a film whose id is not safe in a path; see `film_url`."""
    return _page(request, person, item_id)


@router.get("/films/{item_id:path}")
def film_page(request: Request, person: MaybePerson, serving: Serving, item_id: FilmId) -> Response:
    """The page of a film."""
    return _page(request, person, serving.models.snapshot().id_in_path(item_id))


def _page(request: Request, person: str | None, item_id: str) -> Response:
    visitor = Visitor(request, person)
    index = visitor.snapshot.index_of(item_id)
    maps: Maps = request.app.state.maps
    is_on_map = maps.can_place(visitor.snapshot, index)
    values = visitor.snapshot.run(_values, visitor, index, is_on_map)
    return render(request, "film.html", values)


def _values(visitor: Visitor, index: int, is_on_map: bool) -> FilmPage:
    given = visitor.ratings.get(index)
    profile, ranking = _before_rating(visitor, index)
    (film,) = visitor.cards.predicted(profile, [index], ranking)
    n_others = len(visitor.ratings) - (given is not None)
    why, reasons, no_explanation = None, "", ""
    try:
        explanation = visitor.snapshot.guide.explain(profile, exact_id(film["item_id"]))
        explanation = with_display_titles(explanation)
        why = chart(explanation, film["stars"])
        reasons = reasons_in_words(explanation)
    except UnsupportedError as error:
        no_explanation = str(error)
    candidates = visitor.cards.similar(index, _N_CANDIDATES, [])
    similar = visitor.cards.predicted(visitor.profile, candidates, visitor.ranking())
    return FilmPage(
        film=film,
        headline=Headline(film, given if visitor.scale.has_stars else None, n_others).text(),
        reasons=reasons,
        why=why,
        no_explanation=no_explanation,
        given=given,
        n_others=n_others,
        is_hidden=index in visitor.hidden,
        is_not_seen=index in visitor.not_seen,
        is_on_map=is_on_map,
        tags=film["tags"][:_N_TAGS],
        similar=add_reasons(visitor.snapshot, index, similar)[:N_SIMILAR],
        back=film_url(film["item_id"]),
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )


def _before_rating(visitor: Visitor, index: int) -> tuple[UserState, Ranking]:
    """The person without their rating of a film: what it would have been predicted to be."""
    if index not in visitor.ratings:
        return visitor.profile, visitor.ranking()
    items = visitor.model.items_
    others = {items.id(row): stars for row, stars in visitor.ratings.items() if row != index}
    profile = visitor.snapshot.fold_in(others, strict=False).profile
    return profile, visitor.model.ranking(profile)
