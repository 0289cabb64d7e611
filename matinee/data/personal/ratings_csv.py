"""A person's own ratings in a small CSV file: a column of films, by title or id, and one of
stars.

For a model without stars, a column of films is enough; another column may say how often.
"""

import csv
import io
import re
from collections.abc import Sequence
from typing import NamedTuple

from matinee.data.reading.schema import column_of
from matinee.data.titles import year_of
from matinee.errors import DataError

EXAMPLE = "It needs lines such as:  Toy Story (1995),4.5"
EXAMPLE_OF_FILMS = "It needs a film in each line, such as:  Toy Story (1995)"

_YEAR = re.compile(r"([0-9]{4})(?:\.0)?")


class PersonalRating(NamedTuple):
    """One row of the file.

    Attributes:
        item: a title or an id for `find_item`, with a prefix if the header says which of the
            two.
        stars: for a model without stars, how often; 1 unless the file says so.
        row: counted from 1, with the header.
        unused: what the column of stars holds, if the model has no stars.
    """

    item: str
    stars: float
    row: int
    unused: str = ""

    @property
    def film(self) -> str:
        """The film as the file writes it."""
        return self.item.removeprefix("title:").removeprefix("id:")


class _Columns(NamedTuple):
    """Where things are.

    Attributes:
        film: the column of the films.
        value: the column of stars or counts; None if there is none.
        year: the column of years; None if there is none.
        prefix: "title:" or "id:" for `find_item`; empty without a header, which leaves it
            open.
        is_count: whether `value` says how often.
        is_single: whether the only column is that of the films.
    """

    film: int
    value: int | None
    year: int | None
    prefix: str
    is_count: bool = False
    is_single: bool = False


def read_own_ratings(content: bytes, path: str, *, has_stars: bool = True) -> list[PersonalRating]:
    """All ratings in the order of the file; a film may come twice.

    With a header, the columns are found by name, and a column `year` is added to titles.
    Without one, the first column holds the films and the second one the stars.

    Args:
        content: of the file.
        path: of the file, for messages.
        has_stars: whether the model has stars. If not, films are enough, and a column of
            counts is used if there is one.

    Raises:
        DataError: the file or a row of it cannot be used; the message names the row.
    """
    rows = _rows(content, path)
    header: list[str] = []
    if rows:
        header = rows[0][1]
    columns = _columns(header, has_stars)
    n_fields = 2
    if columns.prefix:
        n_fields = max(2, len(header))
        rows = rows[1:]
    ratings = []
    for number, row in rows:
        if columns.is_single:  # nothing but titles, so commas need no quotes
            row = [",".join(row)]
        where = f"{path}, row {number}"
        film = _film(row, columns)
        if not film or (has_stars and not _has_cell(row, columns.value)):
            problem = f"is not a film and its stars. {EXAMPLE}"
            if not has_stars:
                problem = f"names no film. {EXAMPLE_OF_FILMS}"
            raise DataError(f"{where}: '{','.join(row)}' {problem}")
        value = _cell(row, columns.value)
        item = columns.prefix + film
        if has_stars:
            is_long = len(row) > n_fields
            is_first = not columns.prefix and number == rows[0][0]
            ratings.append(PersonalRating(item, _stars(value, where, is_long, is_first), number))
        elif columns.is_count:
            ratings.append(PersonalRating(item, _count(value, where), number))
        else:
            ratings.append(PersonalRating(item, 1.0, number, unused=value.strip()))
    if not ratings:
        example = EXAMPLE if has_stars else EXAMPLE_OF_FILMS
        raise DataError(f"'{path}' holds no ratings. {example}")
    return ratings


def _rows(content: bytes, path: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, with their numbers from 1."""
    try:
        text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise DataError(f"'{path}' is not a text file in UTF-8. {EXAMPLE}") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    try:
        lines = list(enumerate(reader, 1))
    except csv.Error as error:
        raise DataError(
            f"'{path}' is not a table of films and stars ({error}). {EXAMPLE}"
        ) from error
    return [(number, row) for number, row in lines if any(cell.strip() for cell in row)]


def _separator(text: str) -> str:
    """A tab if the first line has one; a semicolon only if it has no comma."""
    first_line = text.partition("\n")[0]
    if "," not in first_line:
        return max(("\t", ";", ","), key=first_line.count)
    if "\t" in first_line:
        return "\t"
    return ","


def _columns(header: Sequence[str], has_stars: bool) -> _Columns:
    stars = column_of(header, "rating")
    title, item_id = column_of(header, "own title"), column_of(header, "own item")
    if (title is None and item_id is None) or (stars is None and has_stars):
        return _Columns(film=0, value=1, year=None, prefix="")
    count = None
    if not has_stars:
        count = column_of(header, "own count")
    value = stars if count is None else count
    is_count, is_single = count is not None, len(header) == 1
    if title is not None:
        return _Columns(title, value, column_of(header, "year"), "title:", is_count, is_single)
    return _Columns(item_id or 0, value, None, "id:", is_count, is_single)


def _has_cell(row: Sequence[str], column: int | None) -> bool:
    return column is not None and column < len(row)


def _cell(row: Sequence[str], column: int | None) -> str:
    if column is None or column >= len(row):
        return ""
    return row[column]


def _film(row: Sequence[str], columns: _Columns) -> str:
    """The film of a row, with the year of its column unless the title has one; empty if
    none."""
    film = _cell(row, columns.film).strip()
    year = _YEAR.fullmatch(_cell(row, columns.year).strip())
    if film and year and year_of(film) is None:
        return f"{film} ({year[1]})"
    return film


def _stars(text: str, where: str, is_long: bool, is_first: bool) -> float:
    """The stars of a row.

    Args:
        text: the cell.
        where: the file and the row, for messages.
        is_long: whether the row has more fields than it should.
        is_first: whether it is the first row of a file without a header.
    """
    try:
        return float(text)
    except ValueError:
        hint = EXAMPLE
        if is_long:
            hint = 'Put a title that holds commas into quotes: "The Good, the Bad and the Ugly",5'
        elif is_first:
            hint = f"If this is a header, call the columns title (or item_id) and rating. {EXAMPLE}"
        raise DataError(f"{where}: the stars '{text}' are not a number. {hint}") from None


def _count(text: str, where: str) -> float:
    try:
        count = float(text)
    except ValueError:
        raise DataError(f"{where}: the count '{text}' is not a number.") from None
    if not 1 <= count < float("inf"):
        raise DataError(f"{where}: the count '{text}' must be at least 1.")
    return count
