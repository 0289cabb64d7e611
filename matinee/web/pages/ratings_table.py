"""All of a person's ratings with their dates: sorted, searched and filtered; and hidden films."""

from collections import Counter
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from matinee.data.ratings import Scale
from matinee.data.titles import fold
from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.db.people import StoredRating
from matinee.web.pages.posters import film_label
from matinee.web.pages.rendering import render, with_query
from matinee.web.pages.visitor import Visitor, read_query
from matinee.web.serving.film_search import FilmSummary
from matinee.web.settings import MAX_TEXT_LENGTH

router = APIRouter(prefix="/you", include_in_schema=False)

PER_PAGE = 40
Sort = Literal["date", "oldest", "highest", "lowest", "title", "difference"]
SORTS: tuple[Sort, ...] = ("date", "oldest", "highest", "lowest", "title", "difference")


class RatingsQuery(BaseModel):
    """Query of the page."""

    q: str = Field("", max_length=MAX_TEXT_LENGTH)
    stars: float | None = Field(None, allow_inf_nan=False)
    sort: Sort = "date"
    page: int = Field(1, ge=1, le=100_000)


class RatingLine(NamedTuple):
    """A rating."""

    rating: StoredRating
    film: FilmSummary | None
    """None if the model does not know the film."""
    label: str
    """Title and year, also of a film that the model does not know."""
    day: str
    """The day of the rating in ISO 8601."""
    date: str
    """The same in words."""
    predicted: float | None
    """What the model predicts; None if it does not know the film or does not predict stars."""


class StarChoice(NamedTuple):
    """A number of stars that the person has given, and how often."""

    stars: float
    n: int


class RatingsPage(TypedDict):
    """Values of you/ratings.html."""

    lines: list[RatingLine]
    hidden: list[FilmSummary]
    scale: Scale
    number: int
    n_pages: int
    n_found: int
    n_all: int
    search: str
    stars_given: float | None
    sort: Sort
    sorts: tuple[Sort, ...]
    star_choices: list[StarChoice]
    query: dict[str, object]
    """The query of the page without its number."""
    back: str


@router.get("/ratings")
def all_ratings(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """The person's ratings with forms to change them, and the films that are hidden."""
    query = read_query(RatingsQuery, request.query_params)
    visitor = Visitor(request, person)
    lines = _lines(visitor, serving.store.catalogs.titles_of(_unknown_ids(visitor)))
    n_all = len(lines)
    counts = Counter(line.rating.stars for line in lines)
    words = fold(query.q)
    found = [line for line in lines if words in fold(line.label)]
    if query.stars is not None:
        found = [line for line in found if line.rating.stars == query.stars]
    found = _sorted(found, query.sort)
    n_pages = max(1, -(-len(found) // PER_PAGE))
    number = min(query.page, n_pages)
    given: dict[str, object] = {"q": query.q, "stars": query.stars}
    if query.sort != "date":
        given["sort"] = query.sort
    values = RatingsPage(
        lines=found[(number - 1) * PER_PAGE : number * PER_PAGE],
        hidden=[visitor.snapshot.films.summary(index) for index in visitor.hidden[:PER_PAGE]],
        scale=visitor.scale,
        number=number,
        n_pages=n_pages,
        n_found=len(found),
        n_all=n_all,
        search=query.q,
        stars_given=query.stars,
        sort=query.sort,
        sorts=SORTS if visitor.model.has_stars else SORTS[:-1],
        star_choices=[StarChoice(stars, counts[stars]) for stars in sorted(counts, reverse=True)],
        query=given,
        back=with_query("/you/ratings", page=number if number > 1 else None, **given),
    )
    return render(request, "you/ratings.html", values)


def _unknown_ids(visitor: Visitor) -> list[str]:
    ratings = visitor.data.ratings
    return [one.item_id for one in ratings if visitor.snapshot.find(one.item_id) is None]


def _lines(visitor: Visitor, other_titles: dict[str, str]) -> list[RatingLine]:
    """All ratings, latest first.

    Args:
        other_titles: of films that the model does not know.
    """
    predicted = None
    if visitor.model.has_stars and visitor.ratings:
        predicted = visitor.snapshot.run(visitor.ranking).stars
    lines = []
    for rating in visitor.data.ratings:
        index = visitor.snapshot.find(rating.item_id)
        film = None if index is None else visitor.snapshot.films.summary(index)
        label = other_titles.get(rating.item_id) or rating.item_id
        stars = None
        if film is not None and index is not None:
            label = film_label(film["title"], film["year"])
            if predicted is not None:
                lowest, highest = visitor.scale[:2]
                stars = min(max(float(predicted[index]), lowest), highest)
        at = datetime.fromtimestamp(rating.rated_at, UTC)
        date = f"{at:%b} {at.day}, {at.year}"
        lines.append(RatingLine(rating, film, label, at.date().isoformat(), date, stars))
    return lines


def _sorted(lines: list[RatingLine], sort: Sort) -> list[RatingLine]:
    if sort == "oldest":
        return lines[::-1]
    if sort in ("highest", "lowest"):
        return sorted(lines, key=lambda line: line.rating.stars, reverse=sort == "highest")
    if sort == "title":
        return sorted(lines, key=lambda line: fold(line.label))
    if sort == "difference":
        return sorted(lines, key=lambda line: -difference(line))
    return lines


def difference(line: RatingLine) -> float:
    """How far a rating is from what is predicted; 0 if nothing is."""
    if line.predicted is None:
        return 0.0
    return abs(line.rating.stars - line.predicted)
