"""A person's own ratings from a small CSV file: a column of films, by title or id, and a column of stars."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from matinee.catalogue import year_of
from matinee.errors import DataError

TITLE_NAMES = ("title", "name", "film", "movie")
ID_NAMES = ("movieid", "movie_id", "itemid", "item_id", "item", "productid", "product_id", "product", "sku", "id")
STARS_NAMES = ("rating", "stars", "your rating", "score", "value")
EXAMPLE = "It needs lines such as:  Toy Story (1995),4.5"


class OwnRating(NamedTuple):
    """One row of the file."""

    item: str
    """For `find_item`: a title or an id, with its prefix if the header says which."""
    stars: float
    row: int
    """Counted from 1, with the header."""

    @property
    def film(self) -> str:
        """As the file writes it."""
        return self.item.removeprefix("title:").removeprefix("id:")


def read_own_ratings(path: Path) -> list[OwnRating]:
    """All ratings in the order of the file; a film may come twice.

    With a header the columns are found by name, and a column `year` is added to titles; without one the first column
    is the film and the second the stars.

    Raises:
        DataError: the file or a row of it cannot be used; names the row.
    """
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
    rows = [(number, row) for number, row in lines if any(cell.strip() for cell in row)]
    film, stars, year, kind = _columns([cell.strip().lower() for cell in rows[0][1]] if rows else [])
    ratings: list[OwnRating] = []
    for number, row in rows[bool(kind) :]:
        if len(row) <= max(film, stars) or not row[film].strip():
            raise DataError(f"{path}, row {number}: '{','.join(row)}' is not a film and its stars. {EXAMPLE}")
        try:
            value = float(row[stars])
        except ValueError:
            hint = EXAMPLE
            if len(row) > max(2, len(rows[0][1]) if kind else 2):
                hint = 'Put a title that holds commas into quotes: "The Good, the Bad and the Ugly",5'
            elif number == rows[0][0]:
                hint = f"If this is a header, call the columns title (or item_id) and rating. {EXAMPLE}"
            raise DataError(f"{path}, row {number}: the stars '{row[stars]}' are not a number. {hint}") from None
        name, of_year = row[film].strip(), row[year].strip() if year < len(row) else ""
        film_name = f"{name} ({of_year})" if of_year and year_of(name) is None else name
        ratings.append(OwnRating(kind + film_name, value, number))
    if not ratings:
        raise DataError(f"'{path}' holds no ratings. {EXAMPLE}")
    return ratings


def _columns(header: list[str]) -> tuple[int, int, int, str]:
    """The columns of film, stars and year (past the end if there is none), and whether films are given by title or by
    id, as a prefix for `find_item`; an empty prefix if there is no header, which leaves it open."""
    stars = next((header.index(name) for name in STARS_NAMES if name in header), None)
    film = next((header.index(name) for name in (*TITLE_NAMES, *ID_NAMES) if name in header), None)
    if stars is None or film is None:
        return 0, 1, len(header) + 1, ""
    year = header.index("year") if "year" in header and header[film] in TITLE_NAMES else len(header) + 1
    return film, stars, year, "title:" if header[film] in TITLE_NAMES else "id:"
