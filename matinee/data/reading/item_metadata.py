"""Catalogs from the files beside the ratings: those of MovieLens, or any table of titles."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.reading.item_table import (
    NO_TITLE,
    GenreFormat,
    canonical_id,
    catalog_of,
    decoded,
    imdb_id,
    rows_of,
    tmdb_id,
    without_no_genre,
    year_in,
)
from matinee.data.reading.links_and_tags import MOST_TAGS, with_links_and_tags
from matinee.data.reading.schema import column_of, columns_of, plain_name
from matinee.data.titles import year_of
from matinee.data.vocabulary import Vocabulary
from matinee.text import printable

#: In the order in which they are looked for; the names of the MovieLens editions come first.
CATALOG_FILES = ("movies.csv", "movies.dat", "u.item", "items.csv", "films.csv")

#: Names that other data sets use, looked for after those of `CATALOG_FILES`.
OTHER_CATALOG_FILES = (
    "books.csv",
    "Books.csv",
    "BX-Books.csv",
    "BX_Books.csv",
    "anime.csv",
    "titles.csv",
    "movies.tsv",
    "items.tsv",
    "songs.csv",
    "tracks.csv",
    "artists.csv",
    "artists.dat",
    "games.csv",
    "products.csv",
    "movie_titles.csv",
    "movie_titles.txt",
    "news.tsv",
    "items.jsonl",
    "movies.jsonl",
    "products.jsonl",
    "business.json",
    "yelp_academic_dataset_business.json",
)

_GENRES_100K = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy "
    "Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western"
)
_MOST_BYTES = 1024 * 1024 * 1024
_MIND_ROW = re.compile(r"N[0-9]+\t[^\t\n]*\t[^\t\n]*\t")
_NETFLIX_ROW = re.compile(r"([0-9]+),([0-9]{4}|NULL),(.+)")

Films = list[tuple[str, Film]]


@dataclass(frozen=True)
class Titles:
    """What is known about items and users besides the ratings.

    Attributes:
        catalog: titles, years and genres; may be empty.
        file: where the catalog comes from.
        notes: sentences on what was guessed, repeated, or could not be used; usually none.
        users: features of the users.
    """

    catalog: Catalog
    file: Path | None = None
    notes: tuple[str, ...] = ()
    users: Features | None = None


class _NoTitlesError(Exception):
    """A file holds no titles of the rated items; the text says why."""


class _Columns(NamedTuple):
    """Numbers of the columns of a table of items; None for a column that is not there."""

    item: int
    title: int
    year: int | None
    genres: int | None
    imdb: int | None
    tmdb: int | None
    tags: int | None


def titles_beside(
    folder: Path, items: Vocabulary, item_column: str | None, ratings_file: str
) -> Titles:
    """The titles in a folder, from the first file that has some; an empty catalog if none
    does.

    Titles are for people, and no model needs them, so a line that cannot be read is skipped
    silently.

    Args:
        folder: where to look.
        items: the rated items; decides the form of the ids.
        item_column: the name of the ratings' column of items; None if it is unknown.
        ratings_file: the name of the file with the ratings, which is never one of titles.
    """
    note = ""
    recbole = str(Path(ratings_file).with_suffix(".item"))  # beside NAME.inter
    amazon = f"meta_{ratings_file}"
    names = (*CATALOG_FILES, *OTHER_CATALOG_FILES, recbole, amazon)
    for path in (folder / name for name in names):
        if path.name == ratings_file or not path.is_file():
            continue
        try:
            catalog, notes = _catalog(path, items, item_column)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
        except _NoTitlesError as error:
            reason = str(error)
        else:
            catalog, more = with_links_and_tags(catalog, folder, items)
            return Titles(catalog, path, (*notes, *more))
        note = note or f"{path.name} next to the ratings was not used: {reason}."
    return Titles(Catalog(), notes=(note,) if note else ())


def _catalog(path: Path, items: Vocabulary, item_column: str | None) -> tuple[Catalog, list[str]]:
    """The catalog in a file, and sentences on what is odd about it."""
    if path.stat().st_size > _MOST_BYTES:
        raise _NoTitlesError(f"it is larger than {_MOST_BYTES // 1024**2:,} MB")
    text = decoded(path.read_bytes())
    notes: list[str] = []
    if path.name == "u.item":
        films = _from_u_item(text, _genre_names(path.parent))
    elif path.name == "movies.dat" and "::" in text:
        films = _from_dat(text)
    elif path.name == "news.tsv" and _MIND_ROW.match(text):
        films = _from_mind(text)
    elif path.stem == "movie_titles" and _NETFLIX_ROW.match(text):
        films = _from_netflix(text)
    else:
        films, notes = _from_csv(text, path.name, item_column, items)
    catalog, repeated = catalog_of(films, items, path.name)
    if not any(items.find(item_id) is not None for item_id in catalog.films):
        example = ""
        if films and len(items):
            example = (
                f" (an id in it is '{printable(films[0][0][:40])}', "
                f"one in the ratings '{printable(str(items.id(0))[:40])}')"
            )
        raise _NoTitlesError(f"it has no title of a rated item{example}")
    return catalog, notes + repeated


def _genre_names(folder: Path) -> list[str]:
    """The genres in the order of the columns of `u.item`."""
    try:
        lines = decoded((folder / "u.genre").read_bytes()).splitlines()
    except OSError:
        return _GENRES_100K.split()
    return [line.split("|")[0] for line in lines if line.strip()]


def _from_u_item(text: str, genre_names: Sequence[str]) -> Films:
    """Films from lines `id|title|release date|video date|address|19 flags`."""
    films = []
    for line in text.split("\n"):
        fields = line.strip("\r").split("|")
        if len(fields) < 5 or not fields[1]:
            continue
        item_id, title, released = fields[:3]
        flags = zip(genre_names, fields[5:], strict=False)
        genres = [name for name, flag in flags if flag.strip() == "1"]
        year = year_of(title) or year_in(released)
        films.append((item_id, Film(title, year, without_no_genre(genres))))
    return films


def _from_dat(text: str) -> Films:
    """Films from lines `id::title::genre|genre`; a title may hold "::" itself."""
    films = []
    for line in text.split("\n"):
        item_id, _, rest = line.partition("::")
        title, _, genres = rest.rpartition("::")
        if title:
            film = Film(title, year_of(title), without_no_genre(genres.split("|")))
            films.append((item_id, film))
    return films


def _from_netflix(text: str) -> Films:
    """Films from the lines `id,year,title` of the Netflix Prize; a title may hold commas."""
    films = []
    for line in text.splitlines():
        match = _NETFLIX_ROW.fullmatch(line)
        if match is not None:
            films.append((match[1], Film(match[3], year_in(match[2]))))
    return films


def _from_mind(text: str) -> Films:
    """News from the lines `id, category, subcategory, title, ...` of MIND, separated by tabs."""
    films = []
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) > 3 and fields[3]:
            films.append((fields[0], Film(fields[3], None, without_no_genre(fields[1:2]))))
    return films


def _from_csv(
    text: str, label: str, item_column: str | None, items: Vocabulary
) -> tuple[Films, list[str]]:
    """Films from a CSV file whose header names the columns, and sentences on it."""
    rows, problem = rows_of(text)
    if not rows:
        raise _NoTitlesError(problem or "it is empty")
    names, *rows = rows
    # RecBole writes the type of each column behind its name
    plain = [name.partition(":")[0] for name in names]
    columns = _columns(plain, rows, item_column, items)
    genre_cells = [_cell(row, columns.genres) for row in rows]
    if columns.genres is not None and names[columns.genres].endswith(":token_seq"):
        genre_format = GenreFormat(" ")
    else:
        genre_format = GenreFormat.of(genre_cells)
    films = []
    for row, genres in zip(rows, genre_cells, strict=True):
        item_id, title = _cell(row, columns.item), _cell(row, columns.title)
        if item_id and title.casefold() not in NO_TITLE:
            film = Film(
                title=title,
                year=year_in(_cell(row, columns.year)) or year_of(title),
                genres=genre_format.split(genres),
                imdb=imdb_id(_cell(row, columns.imdb)),
                tmdb=tmdb_id(_cell(row, columns.tmdb)),
                tags=_tags(_cell(row, columns.tags)),
            )
            films.append((item_id, film))
    notes = [f"{label} next to the ratings was used in part: {problem}."] if problem else []
    note = genre_format.note(label)
    return films, [*notes, note] if note else notes


def _columns(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    item_column: str | None,
    items: Vocabulary,
) -> _Columns:
    """The columns of a table of items; it must have ids and titles."""
    if column_of(names, "user") is not None and column_of(names, "rating") is not None:
        raise _NoTitlesError("it is a table of ratings")
    title = column_of(names, "item title")
    candidates = columns_of(names, "item id")
    plain = [plain_name(name) for name in names]
    if item_column is not None and plain_name(item_column) in plain:
        candidates.insert(0, plain.index(plain_name(item_column)))
    if items.is_integer:  # only text ids can be titles
        candidates = [number for number in candidates if number != title]
    listed = ", ".join(printable(name.strip()[:40]) for name in names[:12])
    if not candidates:
        raise _NoTitlesError(f"it has no column of item ids (its columns are {listed})")
    if title is None:
        raise _NoTitlesError(f"it has no column of titles (its columns are {listed})")
    return _Columns(
        item=_best_ids(candidates, rows, items),
        title=title,
        year=column_of(names, "year"),
        genres=column_of(names, "genres"),
        imdb=column_of(names, "imdb id"),
        tmdb=column_of(names, "tmdb id"),
        tags=column_of(names, "tags"),
    )


def _tags(cell: str) -> tuple[str, ...]:
    tags = [tag.strip() for tag in cell.split("|")]
    return tuple([tag for tag in tags if tag][:MOST_TAGS])


def _best_ids(candidates: Sequence[int], rows: Sequence[Sequence[str]], items: Vocabulary) -> int:
    """The column that holds the ids of the most rated items; the first of equals."""
    candidates = list(dict.fromkeys(candidates))
    if len(candidates) == 1:
        return candidates[0]
    n_rated = []
    for number in candidates:
        ids = {canonical_id(cell, items) for cell in {_cell(row, number) for row in rows}}
        n_rated.append(sum(one is not None and items.find(one) is not None for one in ids))
    return candidates[n_rated.index(max(n_rated))]


def _cell(row: Sequence[str], column: int | None) -> str:
    if column is None or column >= len(row):
        return ""
    return row[column].strip()
