"""The watchlist in a person's file: watchlist.csv in the zip file of a site, or that file alone."""

import io
import zipfile
from pathlib import PurePosixPath
from typing import NamedTuple

from matinee.data.catalog import Catalog
from matinee.data.personal.given_ratings import time_in
from matinee.data.personal.match_films import NoMatchError, film_of_row, known_films
from matinee.data.personal.own_files import WEB_LIMITS, FileLimits, is_zip, read_file
from matinee.data.personal.rows import Row
from matinee.data.reading.item_table import imdb_id, tmdb_id, year_in
from matinee.data.reading.schema import column_of
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError

_NAME = "watchlist.csv"
_MOST_FILMS = 5_000


class WatchlistFilm(NamedTuple):
    """A film of the list; `added_at` is in seconds since 1970, None if the file gives no date."""

    item_id: Id
    title: str
    added_at: int | None


class Watchlist(NamedTuple):
    """The films of a list that the model knows for certain, and the titles of the others."""

    films: list[WatchlistFilm]
    others: list[str]


def watchlist_in(content: bytes, limits: FileLimits = WEB_LIMITS) -> bytes | None:
    """The watchlist.csv in a zip file; None if the file is no zip file or has none."""
    if not is_zip(content):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = sorted(archive.namelist(), key=len)
            found = [name for name in names if PurePosixPath(name.lower()).name == _NAME]
            return archive.open(found[0]).read(limits.n_bytes + 1) if found else None
    except Exception:  # damage can break the reader anywhere; the ratings in it say so
        return None


def match_watchlist(content: bytes, items: Vocabulary, catalog: Catalog) -> Watchlist:
    """The films of a watchlist.

    Raises:
        DataError: the file is too large, or no table of films.
    """
    file = read_file(content)
    filled = [row for row in file.rows if any(cell.strip() for cell in row)]
    if not filled:
        return Watchlist([], [])
    header = filled[0]
    of = {role: column_of(header, role) for role in ("own title", "year", "imdb id", "tmdb id")}
    added = column_of(header, "own time")
    if of["own title"] is None and of["imdb id"] is None:
        raise DataError("The watchlist has no column of films.")
    known = known_films(items, catalog)
    found: dict[Id, WatchlistFilm] = {}
    others = []
    for number, row in enumerate(filled[1 : 1 + _MOST_FILMS], 2):
        cell = {role: _cell(row, column) for role, column in of.items()}
        title = cell["own title"]
        one = Row(
            row=number,
            titles=(title,) if title else (),
            year=year_in(cell["year"]),
            rating="",
            imdb=imdb_id(cell["imdb id"]),
            tmdb=tmdb_id(cell["tmdb id"]),
        )
        try:
            item_id, doubt = film_of_row(one, known)
        except NoMatchError:
            item_id, doubt = None, "unknown"
        if item_id is None or doubt:
            others.append(one.shown)
        else:
            found.setdefault(
                item_id,
                WatchlistFilm(item_id, catalog[item_id].title, time_in(_cell(row, added))),
            )
    return Watchlist(list(found.values()), others)


def _cell(row: list[str], column: int | None) -> str:
    return row[column].strip()[:300] if column is not None and column < len(row) else ""
