"""Titles, years and genres in the table of ratings itself, and ids that are titles."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from matinee.data.catalog import Catalog, Film, film_of_id
from matinee.data.reading.cells import decoded
from matinee.data.reading.columnar import other_columns_of_text
from matinee.data.reading.item_metadata import Titles
from matinee.data.reading.item_table import (
    NO_TITLE,
    GenreFormat,
    catalog_of,
    imdb_id,
    tmdb_id,
    year_in,
)
from matinee.data.reading.schema import column_of, plain_name
from matinee.data.reading.sniff import Layout
from matinee.data.titles import year_of
from matinee.data.vocabulary import Vocabulary
from matinee.text import counted, joined, printable

#: Roles of columns that describe items.
_ROLES = {
    "title": "item title",
    "year": "year",
    "genres": "genres",
    "imdb": "imdb id",
    "tmdb": "tmdb id",
}

#: A column that has several values for more of the items describes the ratings.
_MOST_VARYING = 0.1
_MOST_TITLES_AS_IDS = 200_000
_ENDS_IN_YEAR = re.compile(r"\((?:18|19|20)[0-9]{2}\)\s*$")


class OwnTitles(NamedTuple):
    """What a table of ratings says about its items.

    Attributes:
        item_column: the name of its column of items; None without a header.
        titles: from its other columns; an empty catalog if it has none.
    """

    item_column: str | None
    titles: Titles


NO_TITLES = OwnTitles(None, Titles(Catalog()))


def titles_of_text(path: Path, layout: Layout, items: Vocabulary) -> OwnTitles:
    """The titles in a text table.

    Args:
        path: of the file.
        layout: of its text.
        items: the rated items.
    """
    columns = layout.columns
    if not columns.names:
        return NO_TITLES
    described = title_columns(columns.names, columns.positions)
    if not described:
        return OwnTitles(columns.name("item"), Titles(Catalog()))
    frame = other_columns_of_text(path, layout, sorted(set(described.values())))
    by_role = [
        frame[str(number)].alias(role)
        for role, number in described.items()
        if str(number) in frame.columns
    ]
    names = {role: columns.names[number] for role, number in described.items()}
    return OwnTitles(columns.name("item"), _titles(pl.DataFrame(by_role), items, names))


def titles_of_frame(
    frame: pl.DataFrame, positions: Mapping[str, int], items: Vocabulary
) -> OwnTitles:
    """The titles in a frame.

    Args:
        positions: role -> number of its column, of user, item, rating and time.
        items: the rated items.
    """
    columns = title_columns(frame.columns, positions)
    titles = Titles(Catalog())
    if columns:
        names = {role: frame.columns[number] for role, number in columns.items()}
        titles = _titles(_frame_columns(frame, columns), items, names)
    return OwnTitles(frame.columns[positions["item"]], titles)


def title_columns(names: Sequence[str], positions: Mapping[str, int]) -> dict[str, int]:
    """The columns of a ratings table that describe its items: "title" -> its number and so on.

    With that of the "item" itself. Empty without a title, unless the column of items holds
    titles itself; then years or genres are enough.

    Args:
        names: of all columns.
        positions: numbers of the columns that hold users, items, ratings and times.
    """
    taken, item = positions.values(), positions["item"]
    free = ["" if number in taken else name for number, name in enumerate(names)]
    found = {role: column_of(free, alias) for role, alias in _ROLES.items()}
    columns = {role: number for role, number in found.items() if number is not None}
    if not columns or not ("title" in columns or _holds_titles(names[item])):
        return {}
    return columns | {"item": item}


def _holds_titles(name: str) -> bool:
    """Whether the name of a column of items says that they are titles."""
    is_usual = column_of([name], "item title") is not None
    return is_usual and plain_name(name).endswith(("title", "name"))


def _frame_columns(frame: pl.DataFrame, columns: dict[str, int]) -> pl.DataFrame:
    """Some columns of a frame as text, by their roles; lists become texts with "|"."""
    found = []
    for role, number in columns.items():
        column = decoded(frame.to_series(number))
        if isinstance(column.dtype, pl.List):
            column = column.cast(pl.List(pl.String)).list.join("|")
        if column.dtype.is_nested() or column.dtype in (pl.Object, pl.Binary):
            continue
        found.append(column.cast(pl.String).alias(role))
    return pl.DataFrame(found)


def _titles(frame: pl.DataFrame, items: Vocabulary, names: dict[str, str]) -> Titles:
    """The titles in the columns of a ratings table.

    Args:
        frame: with the column `item` and some of `title`, `year`, `genres`, `imdb`, `tmdb`,
            all text.
        items: the rated items.
        names: role -> the name of its column, for the note.
    """
    if "item" not in frame.columns or frame.width < 2:
        return Titles(Catalog())
    frame = frame.filter(pl.col("item").is_not_null())
    notes = []
    for role in [role for role in frame.columns if role != "item"]:
        if _describes_ratings(frame, role):
            frame = frame.drop(role)
            notes.append(
                f"The column '{printable(names[role])}' has several values for one item, so it "
                f"was not used as the {role} of the items."
            )
    if frame.width < 2:
        return Titles(Catalog(), notes=tuple(notes))
    frame = frame.unique(maintain_order=True)
    used = [role for role in _ROLES if role in frame.columns]
    genre_format = GenreFormat("")
    if "genres" in used:
        genre_format = GenreFormat.of(frame["genres"].unique().drop_nulls().to_list())
    rows = []
    for row in frame.iter_rows(named=True):
        film = _film(row, genre_format)
        if film is not None:
            rows.append(((row["item"] or "").strip(), film))
    catalog, repeated = catalog_of(rows, items, "The table of ratings")
    quoted = joined([f"'{printable(names[role])}'" for role in used])
    column = "column" if len(used) == 1 else "columns"
    notes.append(f"The {column} {quoted} of the ratings table gave the catalog its {_words(used)}.")
    note = genre_format.note("the ratings table")
    return Titles(catalog, notes=(*notes, note, *repeated) if note else (*notes, *repeated))


def _words(roles: Sequence[str]) -> str:
    words = {
        "title": "titles",
        "year": "years",
        "genres": "genres",
        "imdb": "IMDb ids",
        "tmdb": "TMDB ids",
    }
    return joined([words[role] for role in roles])


def _describes_ratings(frame: pl.DataFrame, role: str) -> bool:
    """Whether a column has several values for too many of the items with several ratings."""
    filled = frame.select("item", role).drop_nulls()
    counts = filled.group_by("item").agg(pl.len().alias("n"), pl.col(role).n_unique().alias("d"))
    counts = counts.filter(pl.col("n") > 1)
    return counts.height > 0 and int((counts["d"] > 1).sum()) > _MOST_VARYING * counts.height


def _film(row: Mapping[str, str | None], genre_format: GenreFormat) -> Film | None:
    cells = {role: (cell or "").strip() for role, cell in row.items()}
    title = cells.get("title", cells["item"])
    if title.casefold() in NO_TITLE:
        return None
    return Film(
        title=title,
        year=year_in(cells.get("year", "")) or year_of(title),
        genres=genre_format.split(cells.get("genres", "")),
        imdb=imdb_id(cells.get("imdb", "")),
        tmdb=tmdb_id(cells.get("tmdb", "")),
    )


def filled_from(titles: Titles, more: Titles, items: Vocabulary) -> Titles:
    """Titles, with those of another source for rated items that lack one."""
    known = titles.catalog.films
    added = {
        item_id: film
        for item_id, film in more.catalog.films.items()
        if item_id not in known and items.find(item_id) is not None
    }
    if titles.catalog and not added:
        return titles
    notes = titles.notes + more.notes
    if titles.catalog:
        notes = (
            *titles.notes,
            f"The ratings table gave the titles of {counted(len(added), 'more item')}.",
        )
    file = titles.file
    if added:
        file = file or more.file
    return Titles(Catalog({**known, **added}), file, notes, titles.users)


def catalog_of_ids(items: Vocabulary, item_column: str | None) -> Catalog:
    """A catalog of text ids that are titles, such as "Alien (1979)"; empty if they are none.

    Args:
        items: the rated items.
        item_column: the name of their column; None without a header.
    """
    if items.is_integer or len(items) > _MOST_TITLES_AS_IDS:
        return Catalog()
    ids: list[str] = items.ids.tolist()
    n_with_year = sum(_ENDS_IN_YEAR.search(text[-10:]) is not None for text in ids)
    are_titles = item_column is not None and _holds_titles(item_column)
    if not are_titles and 2 * n_with_year < len(ids):
        return Catalog()
    return Catalog({text: film_of_id(text) for text in ids})
