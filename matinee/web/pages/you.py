"""The pages about the person: their taste, and their data to download or delete."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, TypedDict

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from matinee.analysis.taste import Preference, StarCount, Taste, shares_beyond_everyone, taste_of
from matinee.data.personal.site_exports import plain_cell
from matinee.data.ratings import Scale
from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.api.responses import native_id
from matinee.web.db.film_lists import MAX_FILMS
from matinee.web.db.people import PersonData
from matinee.web.http.problems import OrjsonResponse
from matinee.web.http.security import delete_person_cookie
from matinee.web.pages import texts
from matinee.web.pages.charts import Column, columns_of, histogram, lean_bar
from matinee.web.pages.posters import film_name
from matinee.web.pages.rendering import is_stars, render, stars
from matinee.web.pages.taste_over_time import Period, chart_over_time, periods_of
from matinee.web.pages.visitor import person_data
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/you", include_in_schema=False)

MAX_PREFERENCES = 10
"""Number of genres, and of decades; of more, the page shows the most and the least liked."""
_LETTERBOXD_COLUMNS = ("Title", "Year", "WatchedDate", "imdbID", "tmdbID", "Rating")
_OWN_COLUMNS = ("item_id", "stars", "rated_at")
_MIN_BAR_RANGE = 0.05
_MIN_FILMS, _MIN_FILMS_AT_FIRST, _MANY_RATINGS = 3, 2, 10
"""A genre or decade is shown from so many films on: one film says nothing about a genre."""
_EXAMPLE_RATINGS = ((0.2, 1), (0.4, 3), (0.6, 6), (0.8, 9), (1.0, 4))
"""Parts of the scale, and how many ratings are there."""
_EXAMPLE_PREFERENCES = ((9, 0.6), (7, 0.3), (5, -0.2), (8, -0.5))
_SMALL_GENEROSITY = 0.05


class DisagreementLine(NamedTuple):
    """A film that the person rated unlike other people."""

    film: FilmSummary
    stars: float
    beyond: float
    """Stars above the mean of all ratings of the film."""


class YouPage(TypedDict):
    """Values of you/you.html."""

    person: str | None
    imported: int
    listed: int
    n_ratings: int
    n_unknown: int
    """Number of rated films that the model does not know."""
    average: str
    """The mean rating in a sentence; empty for implicit feedback or no ratings."""
    columns: list[Column]
    histogram: str
    has_everyone: bool
    genres: list[Preference]
    decades: list[Preference]
    bar: Callable[[float, float], Markup]
    """Draws `Preference.beyond`; see `lean_bar`."""
    bar_range: float
    """The largest value that a bar can show."""
    disagreements: list[DisagreementLine]
    periods: list[Period]
    """Empty if all ratings are of one day."""
    over_time: Markup
    scale: Scale


class DeletePage(TypedDict):
    """Values of you/delete.html."""

    n_ratings: int
    deleted: bool


@router.get("")
def you(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    imported: Annotated[int, Query(ge=0, le=MAX_FILMS)] = 0,
    listed: Annotated[int, Query(ge=0, le=MAX_FILMS)] = 0,
) -> Response:
    """The person's taste compared with other people's, and links to their data.

    After an import the address says how many ratings and films of a watchlist it has brought.
    """
    snapshot, data = serving.models.snapshot(), person_data(serving, person)
    taste = taste_of(snapshot.guide, snapshot.indices(data.stars()))
    scale = snapshot.guide.model.scale_
    genres, decades = taste.genres, taste.decades
    if not scale.has_stars:
        genres, decades = shares_beyond_everyone(snapshot.guide, taste)
    genres, decades = _extremes(genres, taste), _extremes(decades, taste)
    columns = columns_of(taste.histogram, taste.everyone, scale)
    if not data.ratings:
        columns, genres = _example(snapshot)
    periods = periods_of(data.ratings)
    amounts = [abs(preference.beyond) for preference in (*genres, *decades)]
    values = YouPage(
        person=person,
        imported=imported,
        listed=listed,
        n_ratings=len(data.ratings),
        n_unknown=len(data.ratings) - taste.n_ratings,
        average=_average(taste),
        columns=columns,
        histogram=histogram(columns),
        has_everyone=taste.everyone is not None,
        genres=genres,
        decades=decades,
        bar=lean_bar,
        bar_range=max([_MIN_BAR_RANGE, *amounts]),
        disagreements=_disagreements(snapshot, taste),
        periods=periods,
        over_time=chart_over_time(periods, scale),
        scale=scale,
    )
    return render(request, "you/you.html", values)


def _disagreements(snapshot: ModelSnapshot, taste: Taste) -> list[DisagreementLine]:
    lines = []
    for index, own_stars, beyond in taste.disagreements:
        lines.append(DisagreementLine(snapshot.films.summary(index), own_stars, beyond))
    return lines


def _extremes(preferences: list[Preference], taste: Taste) -> list[Preference]:
    """The groups of several films; of more than `MAX_PREFERENCES`, the most and the least liked."""
    least = _MIN_FILMS if taste.n_ratings >= _MANY_RATINGS else _MIN_FILMS_AT_FIRST
    preferences = [one for one in preferences if one.n_ratings >= least]
    if len(preferences) <= MAX_PREFERENCES:
        return preferences
    half = MAX_PREFERENCES // 2
    return [*preferences[:half], *preferences[-half:]]


def _example(snapshot: ModelSnapshot) -> tuple[list[Column], list[Preference]]:
    """A made-up person, for the page of somebody without ratings."""
    scale = snapshot.guide.model.scale_
    columns = []
    if scale.has_stars:
        span = scale.highest - scale.lowest
        stars = [scale.lowest + span * part for part, n in _EXAMPLE_RATINGS for _ in range(n)]
        if scale.step:
            stars = [
                round((one - scale.lowest) / scale.step) * scale.step + scale.lowest
                for one in stars
            ]
        counts = [StarCount(one, stars.count(one)) for one in sorted(set(stars))]
        columns = columns_of(counts, None, scale)
    names = snapshot.guide.catalog.genres[: len(_EXAMPLE_PREFERENCES)]
    likes = zip(names, _EXAMPLE_PREFERENCES, strict=False)
    factor = 1 if scale.has_stars else 10  # percent without stars
    return columns, [Preference(name, n, factor * beyond) for name, (n, beyond) in likes]


def _average(taste: Taste) -> str:
    """A sentence with the mean rating, compared with other people's if that is possible."""
    if taste.mean is None:
        return ""
    text = texts.YOU["average"]
    amount = taste.generosity
    if amount is not None:
        text = texts.YOU["more_generous"]
        if abs(amount) < _SMALL_GENEROSITY:
            text = texts.YOU["as_generous"]
        elif amount < 0:
            text = texts.YOU["less_generous"]
    return text.format(mean=stars(taste.mean, 2), amount=f"{abs(amount or 0):.1f}")


# -- download and delete -----------------------------------------------------------------


@router.get("/matinee.json")
def export_json(person: MaybePerson, serving: Serving) -> Response:
    """Downloads all of the person's data as JSON."""
    if person is None:
        return RedirectResponse("/you", 303)
    response = OrjsonResponse(serving.store.export(person))
    response.headers["content-disposition"] = 'attachment; filename="matinee.json"'
    return response


@router.get("/ratings.csv")
def export_csv(person: MaybePerson, serving: Serving) -> Response:
    """Downloads the person's ratings as CSV, for spreadsheets and `matinee recommend
    --ratings`."""
    if person is None:
        return RedirectResponse("/you", 303)
    snapshot = serving.models.snapshot()
    text = _csv_of(snapshot, serving.store.load_person(person))
    headers = {"content-disposition": 'attachment; filename="ratings.csv"'}
    return Response(text.encode("utf-8", "replace"), media_type="text/csv", headers=headers)


def _csv_of(snapshot: ModelSnapshot, data: PersonData) -> str:
    table = io.StringIO()
    writer = csv.writer(table)
    scale = snapshot.guide.model.scale_
    # Letterboxd takes five stars in halves; our own import prefers its column to ours
    has_rating = is_stars(scale)
    writer.writerow(_LETTERBOXD_COLUMNS[: None if has_rating else -1] + _OWN_COLUMNS)
    for rating in data.ratings:
        film = snapshot.guide.catalog[native_id(snapshot, rating.item_id)]
        day = datetime.fromtimestamp(rating.rated_at, UTC).date().isoformat()
        cells = [plain_cell(film_name(film.title)), film.year or "", day]
        cells += [film.imdb, film.tmdb or ""]
        if has_rating:
            cells.append(f"{rating.stars:g}")
        stars_given = f"{rating.stars:g}"
        writer.writerow((*cells, plain_cell(rating.item_id), stars_given, rating.rated_at))
    return table.getvalue()


@router.get("/delete")
def ask_to_delete(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """The page that asks the person to confirm the deletion."""
    if person is None:
        return RedirectResponse("/you", 303)
    n_ratings = len(serving.store.load_person(person).ratings)
    return render(request, "you/delete.html", DeletePage(n_ratings=n_ratings, deleted=False))


@router.post("/delete")
def delete(
    request: Request, person: MaybePerson, serving: Serving, sure: Annotated[bool, Form()] = False
) -> Response:
    """Deletes the person and all of their data, if they have confirmed it."""
    if person is None or not sure:
        return RedirectResponse("/you/delete", 303)
    serving.store.delete_person(person)
    response = render(request, "you/delete.html", DeletePage(n_ratings=0, deleted=True))
    delete_person_cookie(request, response)
    return response
