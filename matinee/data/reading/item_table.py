"""Parts of tables of items: ids in the form of the rated items, genres, years, external ids."""

import ast
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from matinee.data.catalog import Catalog, Film
from matinee.data.reading.sniff import plain_integer
from matinee.data.titles import title_key
from matinee.data.vocabulary import Id, Vocabulary
from matinee.text import counted

#: Cells that mean "no genre", in lower case.
_NO_GENRE = frozenset(("", "(no genres listed)", "unknown", "\\n", "n/a", "nan", "null"))
#: Titles that mean "none", in lower case.
NO_TITLE = frozenset(("", "\\n", "nan", "null"))
_YEAR = re.compile(r"\b(\d{4})\b")
_WHOLE_NUMBER = re.compile(r"([+-]?[0-9]{1,18})(?:\.0*)?")
_POWER = re.compile(r"[+-]?[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{1,2}")
_EXACT = 2**53  # larger whole numbers are rounded where they are written with a power of ten
_SAMPLED = 200
_LONGEST_LIST = 10_000
MOST_GENRES = 1_000
"""Different genres of a catalog, the most frequent; tables and pages have a column for each."""
MOST_OF_ONE_ITEM = 100
"""Genres of one item, the first."""
_IMDB = re.compile(r"(?:tt)?([0-9]{1,10})(?:\.0)?")


# -- ids ---------------------------------------------------------------------------------


def canonical_id(text: str, items: Vocabulary) -> Id | None:
    """The id that a cell means, in the form of the rated items; None if it is none.

    Where the items have numbers, "101.0" and "1.01e2" are 101. Where they have texts, "101.0"
    is "101" if an item has that id and none has the longer one.
    """
    text = text.strip()
    if not items.is_integer:
        for form in (text, text.removesuffix(".0")):
            index = items.find(form)
            if index is not None:
                return items.id(index)
        return text or None
    if plain_integer(text):
        return int(text)
    match = _WHOLE_NUMBER.fullmatch(text)
    if match is not None and plain_integer(match[1].removeprefix("+")):
        return int(match[1])
    if _POWER.fullmatch(text):
        number = float(text)
        if number.is_integer() and abs(number) < _EXACT:
            return int(number)
    return None


def imdb_id(text: str) -> str:
    """An IMDb id such as "tt0114709", from "0114709", "114709.0" or the address of its page.

    Empty if the text holds none.
    """
    text = text.strip().rstrip("/").rpartition("/title/")[2]
    match = _IMDB.fullmatch(text)
    if match is None or not int(match[1]):
        return ""
    return f"tt{int(match[1]):07d}"


def tmdb_id(text: str) -> int | None:
    """A TMDB id, from "862" or "862.0"; None if the text holds none."""
    match = _WHOLE_NUMBER.fullmatch(text.strip())
    if match is None or int(match[1]) <= 0:
        return None
    return int(match[1])


# -- years and genres --------------------------------------------------------------------


def year_in(text: str) -> int | None:
    """The first number of four digits in a text such as "2020-01-31" or "1995.0"."""
    match = _YEAR.search(text)
    if match is None:
        return None
    return int(match.group(1))


def without_no_genre(names: Iterable[str]) -> tuple[str, ...]:
    """Genres, stripped and each once, without those that mean "no genre"."""
    stripped = dict.fromkeys(name.strip() for name in names)
    genres = (name for name in stripped if name.casefold() not in _NO_GENRE)
    return tuple(islice(genres, MOST_OF_ONE_ITEM))


class GenreFormat(NamedTuple):
    """How a column writes several genres in a cell.

    Attributes:
        separator: between them; empty if no cell has several.
        are_lists: whether cells are lists such as "['Drama', 'War']".
    """

    separator: str
    are_lists: bool = False

    @classmethod
    def of(cls, cells: Sequence[str]) -> "GenreFormat":
        """The format of a column: "|" where it occurs, else lists, else " / ", "," or ";"."""
        filled = [cell for cell in cells if cell.strip().casefold() not in _NO_GENRE]
        if any("|" in cell for cell in filled):
            return cls("|")
        if filled and all(cell.startswith("[") and cell.endswith("]") for cell in filled):
            return cls(",", are_lists=True)
        for separator in (" / ", ",", ";"):
            if any(separator in cell for cell in filled):
                return cls(separator)
        return cls("")

    def split(self, cell: str) -> tuple[str, ...]:
        """The genres in a cell."""
        if self.are_lists and cell.startswith("["):
            return without_no_genre(_listed(cell))
        if not self.separator:
            return without_no_genre([cell])
        return without_no_genre(cell.split(self.separator))

    def note(self, label: str) -> str:
        """What was taken for the separator, as a sentence; empty for "|", which is the rule."""
        if self.are_lists:
            return f"The genres in {label} were read as lists."
        if self.separator in ("", "|"):
            return ""
        return f"The genres in {label} were split at '{self.separator.strip()}'."


def _listed(cell: str) -> list[str]:
    """The texts of a list such as "['Drama', 'War']", or the names in a list of objects."""
    try:
        values = ast.literal_eval(cell[:_LONGEST_LIST])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return [name.strip(" '\"") for name in cell.strip("[]").split(",")]
    names = []
    for value in values if isinstance(values, list | tuple) else [values]:
        name = value.get("name", "") if isinstance(value, dict) else value
        names.append(str(name))
    return names


# -- text and catalogs -------------------------------------------------------------------


def decoded(content: bytes) -> str:
    """Text in UTF-8, in UTF-16 with its mark, or in Latin-1, the encoding of older tables."""
    encodings = ["utf-8-sig"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.insert(0, "utf-16")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def rows_of(text: str) -> tuple[list[list[str]], str]:
    """The rows of a CSV or JSON lines text, and why it could not be read to its end; usually
    empty.
    """
    text = text.lstrip("\r\n")
    if text.startswith("{"):
        return _json_rows(text)
    separator = max(",;\t|", key=text.partition("\n")[0].count)
    if '\\"' in text:  # some programs write a quotation mark within quotation marks like this
        text = text.replace('\\"', '""')
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            rows.append(row)
    except csv.Error as error:
        return rows, f"it could only be read up to row {len(rows):,} ({error})"
    return rows, ""


def _json_rows(text: str) -> tuple[list[list[str]], str]:
    """A header with the keys of the first objects, and a row for each object."""
    objects = []
    problem = ""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            value = json.loads(line) if line.strip() else {}
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            problem = (
                f"it could only be read up to line {number - 1:,} (line {number:,} is not JSON)"
            )
            break
        objects.append(value)
    names = list(dict.fromkeys(name for one in objects[:_SAMPLED] for name in one))
    return [names, *([_text(one.get(name)) for name in names] for one in objects)], problem


def _text(value: object) -> str:
    """A value of JSON as in a CSV cell; lists are joined by "|"."""
    if isinstance(value, list):
        return "|".join(str(part) for part in value if not isinstance(part, dict | list))
    if value is None or isinstance(value, dict):
        return ""
    return str(value)


def catalog_of(
    rows: Iterable[tuple[str, Film]], items: Vocabulary, label: str
) -> tuple[Catalog, list[str]]:
    """The catalog of rows of ids and films, and sentences on ids that occur more than once.

    The last row of an id gives its title; the genres of all its rows are joined.

    Args:
        items: the rated items, whose ids decide the form of all ids.
        label: of the table, for the sentences.
    """
    films: dict[Id, Film] = {}
    differing: dict[Id, tuple[str, str]] = {}
    for text, film in rows:
        item_id = canonical_id(text, items)
        if item_id is None:
            continue
        earlier = films.get(item_id)
        if earlier is not None and earlier != film:
            if (title_key(earlier.title), earlier.year) != (title_key(film.title), film.year):
                differing[item_id] = earlier.title, film.title
            film = replace(film, genres=without_no_genre(earlier.genres + film.genres))
        films[item_id] = film
    notes = []
    if differing:
        first, (earlier_title, title) = next(iter(differing.items()))
        notes.append(
            f"{label} has several titles for {counted(len(differing), 'id')}; the last title "
            f"counts ({first} is '{title}', not '{earlier_title}'), and the genres of all rows."
        )
    return Catalog(_with_frequent_genres(films, label, notes)), notes


def _with_frequent_genres(films: dict[Id, Film], label: str, notes: list[str]) -> dict[Id, Film]:
    """The films; of very many genres with the most frequent alone, and a note."""
    counts = Counter(genre for film in films.values() for genre in film.genres)
    if len(counts) <= MOST_GENRES:
        return films
    kept = {genre for genre, _ in counts.most_common(MOST_GENRES)}
    notes.append(
        f"{label} has {len(counts):,} different genres; the {MOST_GENRES:,} most frequent are used."
    )
    return {
        item_id: replace(film, genres=tuple([name for name in film.genres if name in kept]))
        for item_id, film in films.items()
    }
