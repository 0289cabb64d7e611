"""What the operator sees, as values that the pages and the API share."""

import time
from contextlib import suppress
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.recommendation.filters import Filters
from matinee.web.db.overview import FilmCounts
from matinee.web.db.people import Store
from matinee.web.db.traffic import DAY, HOUR, MINUTE, TrafficCounts
from matinee.web.db.transactions import WriteError
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

Window = Literal["hour", "day", "week", "month", "year"]
WINDOWS: dict[Window, tuple[int, int]] = {
    "hour": (MINUTE, 60),
    "day": (15 * MINUTE, 96),
    "week": (2 * HOUR, 84),
    "month": (DAY, 30),
    "year": (5 * DAY, 73),
}
"""Name -> seconds of a period, number of periods."""
FilmSort = Literal["best match", "title", "model", "here", "mean", "hidden", "watchlists"]
FILM_SORTS: tuple[FilmSort, ...] = (
    *("best match", "here", "mean", "watchlists", "hidden", "model", "title"),
)


class TrafficPeriod(NamedTuple):
    """The traffic of one period."""

    starts_at: int
    """Unix seconds."""
    counts: TrafficCounts


class FilmLine(NamedTuple):
    """A film of a model, and what the people here said about it."""

    film: FilmSummary
    here: FilmCounts


class FilmTable(NamedTuple):
    """One page of films."""

    lines: list[FilmLine]
    total: int
    n_guesses: int


class UnknownFilm(NamedTuple):
    """A film that people rated or marked, but that a model does not know."""

    item_id: str
    title: str
    """Empty if unknown."""
    here: FilmCounts


def traffic_history(store: Store, window: Window, now: float | None = None) -> list[TrafficPeriod]:
    """The traffic of all processes over a window that ends now, oldest period first.

    Raises:
        StoreError: the database does not respond.
    """
    with suppress(WriteError):  # what is stored can still be read
        store.traffic.flush()
    seconds, n = WINDOWS[window]
    last = int(time.time() if now is None else now) // seconds * seconds
    start = last - (n - 1) * seconds
    counts = store.traffic.periods(start, seconds, n)
    return [TrafficPeriod(start + place * seconds, one) for place, one in enumerate(counts)]


def film_table(
    store: Store, snapshot: ModelSnapshot, text: str, sort: FilmSort, page: int, page_size: int
) -> FilmTable:
    """One page of a model's films that match a text, as everywhere; films that only resemble it
    come last."""
    here = store.overview.films()
    found = snapshot.films.search(text, Filters(), "relevance")
    n_hits = len(found.indices) - found.n_guesses
    hits, guesses = found.indices[:n_hits], found.indices[n_hits:]
    if sort == "title":
        is_hit = np.zeros(len(snapshot.guide.model.items_), bool)
        is_hit[hits] = True
        by_title = snapshot.films.search("", Filters(), "title").indices
        hits = by_title[is_hit[by_title]]
    elif sort != "best match":
        hits = hits[np.argsort(-_amounts(snapshot, here, sort)[hits], kind="stable")]
    indices = np.concatenate([hits, guesses])
    shown = indices[(page - 1) * page_size : page * page_size].tolist()
    ids = snapshot.guide.model.items_
    lines = [
        FilmLine(snapshot.films.summary(index), here.get(str(ids.id(index)), FilmCounts()))
        for index in shown
    ]
    return FilmTable(lines, len(indices), found.n_guesses)


def _amounts(
    snapshot: ModelSnapshot, here: dict[str, FilmCounts], sort: FilmSort
) -> NDArray[np.float64]:
    """What films are sorted by, (I,), the largest first."""
    if sort == "model":
        return snapshot.guide.model.item_counts_.astype(np.float64)
    amounts = np.full(len(snapshot.guide.model.items_), -1.0)
    for item_id, counts in here.items():
        index = snapshot.find(item_id)
        if index is not None:
            amount = {
                "here": counts.n_ratings,
                "mean": -1.0 if counts.mean is None else counts.mean,
                "hidden": counts.n_hidden,
                "watchlists": counts.n_watchlists,
            }[sort]
            amounts[index] = amount
    return amounts


def unknown_films(store: Store, snapshot: ModelSnapshot) -> list[UnknownFilm]:
    """The films that people here rated or marked and the model does not know, the most rated
    first."""
    here = store.overview.films()
    ids = [item_id for item_id in here if snapshot.find(item_id) is None]
    titles = store.catalogs.titles_of(ids)
    films = [UnknownFilm(item_id, titles.get(item_id, ""), here[item_id]) for item_id in ids]
    return sorted(films, key=lambda film: (-film.here.n_ratings, film.item_id))
