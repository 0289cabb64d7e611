"""The files that other sites give people with their own ratings, read as rows, whatever their encoding.

    Letterboxd   ratings.csv    Date,Name,Year,Letterboxd URI,Rating               0.5 to 5
    IMDb         ratings.csv    Const,Your Rating,Date Rated,Title,...,Year,...    1 to 10
    MovieLens    ratings.csv    movie_id,imdb_id,tmdb_id,rating,...,title          0.5 to 5
                 of a data set  userId,movieId,rating,timestamp                    0.5 to 5
    matinee      ratings.csv    item_id,title,year,stars                           the model's own

A file comes from anybody: its size, its rows and what a zip file unpacks to are limited.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from matinee.data.ratings import Scale
from matinee.data.reading.schema import plain_name
from matinee.data.titles import year_of
from matinee.errors import DataError

MOST_BYTES = 2 * 1024 * 1024
"""Of a file; about 10,000 films of the longest of these exports."""
MOST_ROWS = 20_000
EXPECTED = "Give the file ratings.csv of a Letterboxd, IMDb, MovieLens or matinee export."

_SHOWN = 80
_LONGEST_CELL = 300
"""Longer titles, ratings and numbers are cut to this before they are compared: the longest title of a film has 200."""
_YEAR = re.compile(r"([0-9]{4})(\.0)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Format(NamedTuple):
    """How a site writes its file; names as `plain_name` leaves them, a choice of names for each column."""

    source: str
    needed: tuple[str, ...]
    """A file with these columns is one of this site."""
    title: tuple[str, ...]
    rating: tuple[str, ...]
    item: tuple[str, ...] = ()
    scale: Scale | None = Scale(0.5, 5.0, 0.5)
    """None: the model's own."""


_FORMATS = (
    Format("Letterboxd", ("letterboxduri", "name"), ("name",), ("rating",)),
    Format("IMDb", ("const", "title"), ("title", "originaltitle"), ("yourrating", "yourated"), (), Scale(1, 10, 1)),
    Format("matinee", ("itemid", "stars"), ("title",), ("stars",), ("itemid",), None),
    Format("MovieLens", ("movieid", "rating"), ("title",), ("rating",), ("movieid",)),
)


class Row(NamedTuple):
    """One row; `row` is counted as a spreadsheet does: the header is row 1."""

    row: int
    titles: tuple[str, ...]
    """By which the film may be known, the one that is shown first."""
    year: int | None
    rating: str
    item: str
    kind: str
    """What the file calls it, such as "TV Series"; usually empty."""

    @property
    def shown(self) -> str:
        """The film as the file names it, for people."""
        title = self.titles[0] if self.titles else f"no. {self.item}" if self.item else ""
        with_year = f"{title} ({self.year})" if self.year and year_of(title) is None else title
        return with_year if len(with_year) <= _SHOWN else f"{with_year[: _SHOWN - 3]}..."


def read_rows(content: bytes) -> tuple[Format, Iterator[Row]]:
    """Whose file it is, and its rows; a zip with a `ratings.csv` in it will do.

    Raises:
        DataError: it is too large, no table, or no table of these sites; while rows are taken, that they are of
            several people.
    """
    names, rows = _table(_text(_unzipped(content)))
    form = _format(names)
    return form, _rows(names, rows, form)


def plain_cell(text: str) -> str:
    """A cell for a CSV file that no spreadsheet takes for a formula; `read_rows` takes the apostrophe away again."""
    return f"'{text}" if text.startswith(_FORMULA) else text


# -- the file ------------------------------------------------------------------------------------------------------


def _unzipped(content: bytes) -> bytes:
    """The table itself: Letterboxd gives a zip with several."""
    if len(content) > MOST_BYTES:
        raise DataError(f"The file is larger than {MOST_BYTES // 1024**2} MB. {EXPECTED}")
    if not content.startswith(b"PK\x03\x04"):
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            shortest_first = sorted(archive.namelist(), key=len)
            name = next((one for one in shortest_first if one.rpartition("/")[2].lower() == "ratings.csv"), None)
            if name is None:
                raise DataError("The zip file holds no ratings.csv; give that file itself.")
            with archive.open(name) as file:
                inside = file.read(MOST_BYTES + 1)  # never more, whatever the archive claims
    except DataError:
        raise
    except Exception as error:  # a damaged or locked zip can break the reader anywhere, with a zlib.error for one
        raise DataError("The zip file is damaged or locked; unpack it and give its ratings.csv.") from error
    if len(inside) > MOST_BYTES:
        raise DataError(f"The ratings.csv in the zip file is larger than {MOST_BYTES // 1024**2} MB.")
    return inside


def _text(content: bytes) -> str:
    """As UTF-8, as UTF-16 with its mark, or else as the code page of older spreadsheets."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"), (b"", "cp1252")):
        if content.startswith(mark):
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            if "\0" not in text:
                return text
    raise DataError(f"The file is not a text file. {EXPECTED}")


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, plain, and all rows after them; blank ones too, for rows are counted."""
    first = text.partition("\n")[0]
    separator = max((",", ";", "\t"), key=first.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            rows.append(row)
            if len(rows) > MOST_ROWS + 1:
                raise DataError(f"The file has more than {MOST_ROWS:,} rows; give one person's ratings.")
    except csv.Error as error:
        raise DataError(f"The file is not a table ({error}). {EXPECTED}") from error
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise DataError(f"The file is empty, or its first row names no columns. {EXPECTED}")
    return [plain_name(name) for name in rows[0]], rows[1:]


def _format(names: Sequence[str]) -> Format:
    for form in _FORMATS:
        if all(name in names for name in form.needed):
            if any(name in names for name in form.rating):
                return form
            raise DataError(f"This file of {form.source} has no ratings in it, only films. {EXPECTED}")
    shown = ", ".join(name[:30] for name in names[:8])
    raise DataError(f"The columns of this file ({shown}) are those of none of the sites that are known. {EXPECTED}")


def _rows(names: Sequence[str], rows: Iterable[Sequence[str]], form: Format) -> Iterator[Row]:
    """The rows that are not blank.

    Raises:
        DataError: they are ratings of several people.
    """
    at = {name: column for column, name in reversed(list(enumerate(names)))}
    titles_at, year_at = _at(at, form.title), _at(at, ("year",))
    rating_at, item_at, kind_at, user_at = (
        _at(at, choice) for choice in (form.rating, form.item, ("titletype",), ("userid",))
    )
    users: set[str] = set()
    for number, row in enumerate(rows, 2):
        if not any(row) or not any(one.strip() for one in row):
            continue
        users.update(_cells(row, user_at))
        if len(users) > 1:
            raise DataError("The file holds the ratings of several people; give only the rows of one.")
        titles = tuple(dict.fromkeys(map(_without_apostrophe, _cells(row, titles_at))))
        year = _YEAR.fullmatch("".join(_cells(row, year_at)))
        known_year = int(year[1]) if year else year_of(titles[0]) if titles else None
        first = (next(iter(_cells(row, columns)), "") for columns in (rating_at, item_at, kind_at))
        yield Row(number, titles, known_year, *first)


def _at(columns: dict[str, int], names: Iterable[str]) -> list[int]:
    return [columns[name] for name in names if name in columns]


def _cells(row: Sequence[str], columns: Iterable[int]) -> list[str]:
    """The cells of some columns, cut to a few hundred characters, without those that are empty or missing."""
    cells = [row[column].strip()[:_LONGEST_CELL] for column in columns if column < len(row)]
    return [cell for cell in cells if cell]


def _without_apostrophe(title: str) -> str:
    return title[1:] if title.startswith("'") and title[1:].startswith(_FORMULA) else title
