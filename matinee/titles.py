"""Catalogues from the files that lie beside the ratings: MovieLens' own, or any table with ids and titles."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from matinee.catalogue import Catalogue, Film
from matinee.data.titles import year_of
from matinee.features import Features
from matinee.layouts import USUAL_NAMES, plain_integer, plain_name
from matinee.ratings import Id, Vocabulary
from matinee.text import printable

CATALOGUE_FILES = ("movies.csv", "movies.dat", "u.item", "items.csv", "films.csv")
"""In the order in which they are looked for; the names of the MovieLens editions come first."""

_NO_GENRE = {"", "(no genres listed)", "unknown"}
_GENRES_100K = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror "
    "Musical Mystery Romance Sci-Fi Thriller War Western"
)
_YEAR = re.compile(r"\b(\d{4})\b")
_COLUMNS = {
    "item": f"movieid itemid item iid filmid id {USUAL_NAMES['item']}",
    "title": "title movietitle filmtitle booktitle name itemname productname primarytitle film movie book song product",
    "year": "year releaseyear startyear releasedate",
    "genres": "genres genre categories",
}


class Titles(NamedTuple):
    """A catalogue, the file it comes from, a sentence on a file that was there and could not be used, and who rated."""

    catalogue: Catalogue
    file: Path | None = None
    note: str = ""
    users: Features | None = None


class _NoTitlesError(Exception):
    """A file holds no titles of the rated items; the text says why."""


def titles_beside(folder: Path, items: Vocabulary, item_column: str | None, ratings_file: str) -> Titles:
    """The titles in a folder, from the first file that has some; an empty catalogue if none does.

    Titles are for people and no model needs them, so a line that cannot be read is left out in silence.

    Args:
        items: the rated items; decides whether the ids are integers or text.
        item_column: the name that the person gave for the column of items, or None.
        ratings_file: the name of the file with the ratings, which is never one of titles.
    """
    note = ""
    for path in (folder / name for name in CATALOGUE_FILES if name != ratings_file):
        if not path.is_file():
            continue
        try:
            return Titles(_catalogue(path, items, item_column), path)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
        except _NoTitlesError as error:
            reason = str(error)
        note = note or f"{path.name} beside the ratings was not used: {reason}."
    return Titles(Catalogue(), note=note)


def _catalogue(path: Path, items: Vocabulary, item_column: str | None) -> Catalogue:
    text = _decoded(path.read_bytes())
    if path.name == "u.item":
        films = _from_u_item(text, _genre_names(path.parent))
    elif path.name == "movies.dat":
        films = _from_dat(text)
    else:
        films = _from_csv(text, item_column, items.is_integer)
    catalogue = Catalogue(dict(_with_ids(films, items)))
    if not any(items.find(item_id) is not None for item_id in catalogue.films):
        raise _NoTitlesError("it has no title of an item that is rated")
    return catalogue


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


def _from_csv(text: str, item_column: str | None, has_integer_ids: bool) -> Iterator[tuple[str, Film]]:
    """Rows of a CSV file whose header names the columns; genres are separated by "|"."""
    text = text.lstrip("\r\n")
    if not text:
        raise _NoTitlesError("it is empty")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t|", key=text.partition("\n")[0].count))
    try:
        at = _columns(next(rows, []), item_column, has_integer_ids)
        for row in rows:
            item_id, title, year, genres = (_cell(row, at[role]) for role in _COLUMNS)
            if item_id and title:
                yield item_id, Film(title, _year_in(year) or year_of(title), _genres(genres.split("|")))
    except csv.Error:
        return


def _columns(names: Sequence[str], item_column: str | None, has_integer_ids: bool) -> dict[str, int | None]:
    """Role -> number of its column, None where there is none; items and titles must have one."""
    header = [plain_name(name) for name in names]
    at = {role: _first(header, usual.split()) for role, usual in _COLUMNS.items()}
    if item_column is not None and plain_name(item_column) in header:
        at["item"] = header.index(plain_name(item_column))
    if has_integer_ids and at["item"] == at["title"]:  # items that are known by their titles have text ids
        at["item"] = None
    for role, missing in (("item", "item ids"), ("title", "titles")):
        if at[role] is None:
            listed = ", ".join(printable(name.strip()[:40]) for name in names[:12])
            raise _NoTitlesError(f"it has no column of {missing} (its columns are {listed})")
    return at


def _first(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _cell(row: Sequence[str], number: int | None) -> str:
    return row[number].strip() if number is not None and number < len(row) else ""


def _year_in(text: str) -> int | None:
    match = _YEAR.search(text)
    return int(match.group(1)) if match else None
