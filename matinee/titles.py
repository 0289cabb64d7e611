"""Catalogues from the files that lie beside the ratings: MovieLens' own, or any table with ids and titles."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from matinee.catalogue import Catalogue, Film, year_of
from matinee.layouts import plain_integer
from matinee.ratings import Id, Vocabulary

CATALOGUE_FILES = ("movies.csv", "movies.dat", "u.item", "items.csv", "films.csv")
"""In the order in which they are looked for; the names of the MovieLens editions come first."""

_NO_GENRE = {"", "(no genres listed)", "unknown"}
_GENRES_100K = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror "
    "Musical Mystery Romance Sci-Fi Thriller War Western"
)
_YEAR = re.compile(r"\b(\d{4})\b")
_COLUMNS = {
    "item": "movieid itemid item iid filmid id movie film productid bookid asin isbn",
    "title": "title movietitle filmtitle name primarytitle film movie",
    "year": "year releaseyear startyear releasedate",
    "genres": "genres genre categories",
}


def catalogue_beside(folder: Path, items: Vocabulary) -> Catalogue:
    """The catalogue of a folder; empty if there is none that can be read.

    Titles are for people and no model needs them, so a line that cannot be read is left out in silence.

    Args:
        items: decides whether the ids are integers or text.
    """
    for name in CATALOGUE_FILES:
        path = folder / name
        try:
            text = _decoded(path.read_bytes())
        except (OSError, ValueError):
            continue
        if name == "u.item":
            films = _from_u_item(text, _genre_names(folder))
        elif name == "movies.dat":
            films = _from_dat(text)
        else:
            films = _from_csv(text)
        return Catalogue(dict(_with_ids(films, items)))
    return Catalogue()


def _with_ids(films: Iterator[tuple[str, Film]], items: Vocabulary) -> Iterator[tuple[Id, Film]]:
    for item_id, film in films:
        if not items.is_integer:
            yield item_id, film
        elif plain_integer(item_id):
            yield int(item_id), film


def _decoded(content: bytes) -> str:
    """Text in UTF-8, or else in Latin-1, in which the older editions are written."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _genres(names: Sequence[str]) -> tuple[str, ...]:
    stripped = [name.strip() for name in names]
    return tuple([name for name in stripped if name not in _NO_GENRE])


def _genre_names(folder: Path) -> list[str]:
    """The genres in the order of the columns of `u.item`."""
    try:
        lines = _decoded((folder / "u.genre").read_bytes()).splitlines()
    except OSError:
        return _GENRES_100K.split()
    return [line.split("|")[0] for line in lines if line.strip()]


def _from_u_item(text: str, genre_names: Sequence[str]) -> Iterator[tuple[str, Film]]:
    """Lines `id|title|release date|video date|address|19 flags`."""
    for line in text.split("\n"):
        fields = line.strip("\r").split("|")
        if len(fields) < 5 or not fields[1]:
            continue
        item_id, title, released = fields[:3]
        flagged = [name for name, flag in zip(genre_names, fields[5:], strict=False) if flag.strip() == "1"]
        yield item_id, Film(title, year_of(title) or _year_in(released), _genres(flagged))


def _from_dat(text: str) -> Iterator[tuple[str, Film]]:
    """Lines `id::title::genre|genre`; a title may hold "::" itself."""
    for line in text.split("\n"):
        item_id, _, rest = line.partition("::")
        title, _, genres = rest.rpartition("::")
        if title:
            yield item_id, Film(title, year_of(title), _genres(genres.split("|")))


def _from_csv(text: str) -> Iterator[tuple[str, Film]]:
    """Rows of a CSV file whose header names the columns; genres are separated by "|"."""
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        header = ["".join(filter(str.isalnum, name.casefold())) for name in next(rows, [])]
        at = {role: _first(header, names.split()) for role, names in _COLUMNS.items()}
        for row in rows:
            item_id, title, year, genres = (_cell(row, at[role]) for role in _COLUMNS)
            if item_id and title:
                yield item_id, Film(title, _year_in(year) or year_of(title), _genres(genres.split("|")))
    except csv.Error:
        return


def _first(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _cell(row: Sequence[str], number: int | None) -> str:
    return row[number].strip() if number is not None and number < len(row) else ""


def _year_in(text: str) -> int | None:
    match = _YEAR.search(text)
    return int(match.group(1)) if match else None
