"""Catalogs from the files beside the ratings: those of MovieLens, or any table of titles."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.reading.schema import column_of, plain_name
from matinee.data.reading.sniff import plain_integer
from matinee.data.titles import year_of
from matinee.data.vocabulary import Id, Vocabulary
from matinee.text import printable

#: In the order in which they are looked for; the names of the MovieLens editions come first.
CATALOG_FILES = ("movies.csv", "movies.dat", "u.item", "items.csv", "films.csv")

_NO_GENRE = {"", "(no genres listed)", "unknown"}
_GENRES_100K = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy "
    "Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western"
)
_YEAR = re.compile(r"\b(\d{4})\b")


class Titles(NamedTuple):
    """What the files beside the ratings say.

    Attributes:
        catalog: titles, years and genres; may be empty.
        file: where the catalog comes from.
        note: a sentence on a file that was there but could not be used; usually empty.
        users: features of the users.
    """

    catalog: Catalog
    file: Path | None = None
    note: str = ""
    users: Features | None = None


class _NoTitlesError(Exception):
    """A file holds no titles of the rated items; the text says why."""


class _Columns(NamedTuple):
    """Numbers of the columns of a table of items; None for a column that is not there."""

    item: int
    title: int
    year: int | None
    genres: int | None


def titles_beside(
    folder: Path, items: Vocabulary, item_column: str | None, ratings_file: str
) -> Titles:
    """The titles in a folder, from the first file that has some; an empty catalog if none
    does.

    Titles are for people, and no model needs them, so a line that cannot be read is skipped
    silently.

    Args:
        folder: where to look.
        items: the rated items; decides whether the ids are integers or text.
        item_column: the name that the person gave for the column of items, or None.
        ratings_file: the name of the file with the ratings, which is never one of titles.
    """
    note = ""
    for path in (folder / name for name in CATALOG_FILES if name != ratings_file):
        if not path.is_file():
            continue
        try:
            return Titles(_catalog(path, items, item_column), path)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
        except _NoTitlesError as error:
            reason = str(error)
        note = note or f"{path.name} beside the ratings was not used: {reason}."
    return Titles(Catalog(), note=note)


def _catalog(path: Path, items: Vocabulary, item_column: str | None) -> Catalog:
    text = _decoded(path.read_bytes())
    if path.name == "u.item":
        films = _from_u_item(text, _genre_names(path.parent))
    elif path.name == "movies.dat":
        films = _from_dat(text)
    else:
        films = _from_csv(text, item_column, items.is_integer)
    catalog = Catalog(dict(_with_ids(films, items)))
    if not any(items.find(item_id) is not None for item_id in catalog.films):
        raise _NoTitlesError("it has no title of a rated item")
    return catalog


def _with_ids(films: Iterator[tuple[str, Film]], items: Vocabulary) -> Iterator[tuple[Id, Film]]:
    for item_id, film in films:
        if not items.is_integer:
            yield item_id, film
        elif plain_integer(item_id):
            yield int(item_id), film


def _decoded(content: bytes) -> str:
    """Text in UTF-8, or in Latin-1, the encoding of the older editions."""
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
    """Films from lines `id|title|release date|video date|address|19 flags`."""
    for line in text.split("\n"):
        fields = line.strip("\r").split("|")
        if len(fields) < 5 or not fields[1]:
            continue
        item_id, title, released = fields[:3]
        flags = zip(genre_names, fields[5:], strict=False)
        genres = [name for name, flag in flags if flag.strip() == "1"]
        yield item_id, Film(title, year_of(title) or _year_in(released), _genres(genres))


def _from_dat(text: str) -> Iterator[tuple[str, Film]]:
    """Films from lines `id::title::genre|genre`; a title may hold "::" itself."""
    for line in text.split("\n"):
        item_id, _, rest = line.partition("::")
        title, _, genres = rest.rpartition("::")
        if title:
            yield item_id, Film(title, year_of(title), _genres(genres.split("|")))


def _from_csv(
    text: str, item_column: str | None, has_integer_ids: bool
) -> Iterator[tuple[str, Film]]:
    """Films from a CSV file whose header names the columns; genres are separated by "|"."""
    text = text.lstrip("\r\n")
    if not text:
        raise _NoTitlesError("it is empty")
    separator = max(",;\t|", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        columns = _columns(next(rows, []), item_column, has_integer_ids)
        for row in rows:
            item_id, title = _cell(row, columns.item), _cell(row, columns.title)
            if item_id and title:
                year = _year_in(_cell(row, columns.year)) or year_of(title)
                yield item_id, Film(title, year, _genres(_cell(row, columns.genres).split("|")))
    except csv.Error:
        return


def _columns(names: Sequence[str], item_column: str | None, has_integer_ids: bool) -> _Columns:
    """The columns of a table of items; it must have ids and titles."""
    item, title = column_of(names, "item id"), column_of(names, "item title")
    plain = [plain_name(name) for name in names]
    if item_column is not None and plain_name(item_column) in plain:
        item = plain.index(plain_name(item_column))
    if has_integer_ids and item == title:  # only text ids can be titles
        item = None
    listed = ", ".join(printable(name.strip()[:40]) for name in names[:12])
    if item is None:
        raise _NoTitlesError(f"it has no column of item ids (its columns are {listed})")
    if title is None:
        raise _NoTitlesError(f"it has no column of titles (its columns are {listed})")
    return _Columns(item, title, column_of(names, "year"), column_of(names, "genres"))


def _cell(row: Sequence[str], column: int | None) -> str:
    if column is None or column >= len(row):
        return ""
    return row[column].strip()


def _year_in(text: str) -> int | None:
    match = _YEAR.search(text)
    if match is None:
        return None
    return int(match.group(1))
