"""A person's own ratings from a small CSV file: a column of films, by title or id, and a column of stars.

For a model that knows no stars, only who has what, a column of films is enough; another may say how often.
"""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from matinee.data.titles import year_of
from matinee.errors import DataError

TITLE_NAMES = ("title", "name", "film", "movie")
ID_NAMES = ("movieid", "movie_id", "itemid", "item_id", "item", "productid", "product_id", "product", "sku", "id")
STARS_NAMES = ("rating", "stars", "your rating", "score", "value")
COUNT_NAMES = ("count", "plays", "play_count", "playcount", "listens", "clicks", "views", "times", "quantity")
EXAMPLE = "It needs lines such as:  Toy Story (1995),4.5"
EXAMPLE_OF_FILMS = "It needs a film in each line, such as:  Toy Story (1995)"


class OwnRating(NamedTuple):
    """One row of the file."""

    item: str
    """For `find_item`: a title or an id, with its prefix if the header says which."""
    stars: float
    """Or how often, 1 unless the file says so, for a model that knows no stars."""
    row: int
    """Counted from 1, with the header."""
    unused: str = ""
    """What stands in the column of stars, if the model knows none."""

    @property
    def film(self) -> str:
        """As the file writes it."""
        return self.item.removeprefix("title:").removeprefix("id:")


def read_own_ratings(path: Path, *, has_stars: bool = True) -> list[OwnRating]:
    """All ratings in the order of the file; a film may come twice.

    With a header the columns are found by name, and a column `year` is added to titles; without one the first column
    is the film and the second the stars.

    Args:
        has_stars: whether the model knows stars. If not, films alone will do, with a column `count` or none.

    Raises:
        DataError: the file or a row of it cannot be used; names the row.
    """
    rows = _rows(path)
    columns = _columns([cell.strip().lower() for cell in rows[0][1]] if rows else [], has_stars)
    hint_fields = max(2, len(rows[0][1]) if columns.kind and rows else 2)
    ratings: list[OwnRating] = []
    for number, row in rows[bool(columns.kind) :]:
        film, year = columns.film, columns.year
        if columns.is_single:  # nothing but titles, whose commas need no quotes
            row = [",".join(row)]
        if len(row) <= max(film, columns.value if has_stars else 0) or not row[film].strip():
            what = f"is not a film and its stars. {EXAMPLE}" if has_stars else f"names no film. {EXAMPLE_OF_FILMS}"
            raise DataError(f"{path}, row {number}: '{','.join(row)}' {what}")
        name, of_year = row[film].strip(), row[year].strip() if year < len(row) else ""
        film_name = f"{name} ({of_year})" if of_year and year_of(name) is None else name
        value, unused = 1.0, ""
        if has_stars:
            value = _stars(path, number, row[columns.value], (len(row) > hint_fields, number == rows[0][0]))
        elif columns.is_count:
            value = _count(path, number, row[columns.value] if columns.value < len(row) else "")
        elif columns.value < len(row):
            unused = row[columns.value].strip()
        ratings.append(OwnRating(columns.kind + film_name, value, number, unused))
    if not ratings:
        raise DataError(f"'{path}' holds no ratings. {EXAMPLE if has_stars else EXAMPLE_OF_FILMS}")
    return ratings


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, with their numbers from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"Cannot read the ratings in '{path}': {error.strerror}. {EXAMPLE}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not a text file in UTF-8. {EXAMPLE}") from error
    first = text.partition("\n")[0]
    separator = max(("\t", ";", ","), key=first.count) if "," not in first else "\t" if "\t" in first else ","
    try:
        lines = list(enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1))
    except csv.Error as error:
        raise DataError(f"'{path}' is not a table of films and stars ({error}). {EXAMPLE}") from error
    return [(number, row) for number, row in lines if any(cell.strip() for cell in row)]


def _stars(path: Path, number: int, text: str, looks: tuple[bool, bool]) -> float:
    """The stars of a row.

    Args:
        looks: whether the row has more fields than it should, and whether it is the first.
    """
    try:
        return float(text)
    except ValueError:
        hint = EXAMPLE
        if looks[0]:
            hint = 'Put a title that holds commas into quotes: "The Good, the Bad and the Ugly",5'
        elif looks[1]:
            hint = f"If this is a header, call the columns title (or item_id) and rating. {EXAMPLE}"
        raise DataError(f"{path}, row {number}: the stars '{text}' are not a number. {hint}") from None


def _count(path: Path, number: int, text: str) -> float:
    try:
        count = float(text)
    except ValueError:
        count = 0.0
    if not 1 <= count < float("inf"):
        raise DataError(f"{path}, row {number}: the count '{text}' is not a number from 1 on.")
    return count


class _Columns(NamedTuple):
    """Where things are; a column that is missing is past the end of a row.

    Attributes:
        kind: whether films are given by title or by id, as a prefix for `find_item`; empty if there is no header,
            which leaves it open.
        is_count: whether `value` says how often, and no stars.
        is_single: whether the only column is that of the films.
    """

    film: int
    value: int
    year: int
    kind: str
    is_count: bool = False
    is_single: bool = False


def _columns(header: list[str], has_stars: bool) -> _Columns:
    missing = len(header) + 1
    stars = next((header.index(name) for name in STARS_NAMES if name in header), None)
    count = None if has_stars else next((header.index(name) for name in COUNT_NAMES if name in header), None)
    film = next((header.index(name) for name in (*TITLE_NAMES, *ID_NAMES) if name in header), None)
    if film is None or (stars is None and has_stars):
        return _Columns(0, 1, missing, "")
    year = header.index("year") if "year" in header and header[film] in TITLE_NAMES else missing
    value = next((at for at in (count, stars) if at is not None), missing)
    kind = "title:" if header[film] in TITLE_NAMES else "id:"
    return _Columns(film, value, year, kind, count is not None, len(header) == 1)
