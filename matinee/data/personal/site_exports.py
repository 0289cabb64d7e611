"""The files in which film sites give people their own ratings, read as rows, in any encoding.

    Letterboxd   ratings.csv    Date,Name,Year,Letterboxd URI,Rating               0.5 to 5
    IMDb         ratings.csv    Const,Your Rating,Date Rated,Title,...,Year,...    1 to 10
    MovieLens    ratings.csv    movie_id,imdb_id,tmdb_id,rating,...,title          0.5 to 5
                 of a data set  userId,movieId,rating,timestamp                    0.5 to 5
    matinee      ratings.csv    item_id,title,year,stars                           the model's
    own

Files come from anybody, so their size, their rows and what a zip file unpacks to are limited.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from matinee.data.ratings import Scale
from matinee.data.reading.schema import column_of, columns_of, plain_name
from matinee.data.titles import year_of
from matinee.errors import DataError

#: Of a file; enough for about 10,000 films in the longest of these formats.
MOST_BYTES = 2 * 1024 * 1024
MOST_ROWS = 20_000
EXPECTED = "Give the file ratings.csv of a Letterboxd, IMDb, MovieLens or matinee export."

_SHOWN = 80
_LONGEST_CELL = 300  # longer cells are cut before they are compared; the longest title has 200
_YEAR = re.compile(r"([0-9]{4})(\.0)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HALF_STARS = Scale(0.5, 5.0, 0.5)


class Format(NamedTuple):
    """How a site writes its file.

    Attributes:
        source: the site.
        columns: a file with these columns is from this site; names as `plain_name` writes
            them.
        scale: of its ratings; None for that of the model.
        has_item_ids: whether it holds item ids that the model may know.
        is_distinctive: whether no other table has these columns, not even one typed by hand.
    """

    source: str
    columns: tuple[str, ...]
    scale: Scale | None
    has_item_ids: bool
    is_distinctive: bool


FORMATS = (
    Format("Letterboxd", ("letterboxduri", "name"), _HALF_STARS, False, True),
    Format("IMDb", ("const", "title"), Scale(1, 10, 1), False, True),
    Format("matinee", ("itemid", "title", "year", "stars"), None, True, True),
    Format("MovieLens", ("movieid", "imdbid", "title", "rating"), _HALF_STARS, True, True),
    Format("matinee", ("itemid", "stars"), None, True, False),
    Format("MovieLens", ("movieid", "rating"), _HALF_STARS, True, False),
)


class Row(NamedTuple):
    """One row of an export.

    Attributes:
        row: its number as in a spreadsheet; the header is row 1.
        titles: names of the film, first the one to show.
        year: of the film, None if the file gives none.
        rating: as the file writes it.
        item: the item id, or empty.
        kind: what the file calls the film, such as "TV Series"; usually empty.
    """

    row: int
    titles: tuple[str, ...]
    year: int | None
    rating: str
    item: str
    kind: str

    @property
    def shown(self) -> str:
        """The film as the file names it, for people."""
        title = ""
        if self.titles:
            title = self.titles[0]
        elif self.item:
            title = f"no. {self.item}"
        if self.year and year_of(title) is None:
            title = f"{title} ({self.year})"
        if len(title) > _SHOWN:
            title = f"{title[: _SHOWN - 3]}..."
        return title


def format_of(content: bytes, *, needs_ratings: bool) -> Format | None:
    """The format of a table that only a site's export can be; None for any other table.

    Args:
        content: of the file, not a zip.
        needs_ratings: whether a site's list of films without ratings is an export too, which
            `read_rows` then refuses; otherwise it is a table like any other.
    """
    try:
        header = _text(content).partition("\n")[0]
        names, _ = _table(header)
    except DataError:
        return None
    for form in FORMATS:
        if form.is_distinctive and all(name in names for name in form.columns):
            if column_of(names, "rating") is None and not needs_ratings:
                return None
            return form
    return None


def read_rows(content: bytes) -> tuple[Format, Iterator[Row]]:
    """The format of a file, and its rows; the file may be a zip with a `ratings.csv` in it.

    Raises:
        DataError: the file is too large, not a table, or not of these sites; while iterating
            over the rows, if they are ratings of several people.
    """
    if len(content) > MOST_BYTES:
        raise DataError(f"The file is larger than {MOST_BYTES // 1024**2} MB. {EXPECTED}")
    if is_zip(content):
        content = _unzipped(content)
    names, rows = _table(_text(content))
    form = _format(names)
    return form, _rows(names, rows, form)


def plain_cell(text: str) -> str:
    """A cell for a CSV file that no spreadsheet takes for a formula: after an apostrophe.

    `read_rows` removes the apostrophe.
    """
    if text.startswith(_FORMULA):
        return f"'{text}"
    return text


# -- the file ----------------------------------------------------------------------------


def is_zip(content: bytes) -> bool:
    """Whether a file is a zip file."""
    return content.startswith(b"PK\x03\x04")


def _unzipped(content: bytes) -> bytes:
    """The `ratings.csv` in a zip file; Letterboxd packs several tables."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = _ratings_in(archive)
    except DataError:
        raise
    except Exception as error:  # damage can break the reader anywhere, with a zlib.error for one
        raise DataError(
            "The zip file is damaged or locked; unpack it and give its ratings.csv."
        ) from error
    if len(inside) > MOST_BYTES:
        raise DataError(
            f"The ratings.csv in the zip file is larger than {MOST_BYTES // 1024**2} MB."
        )
    return inside


def _ratings_in(archive: zipfile.ZipFile) -> bytes:
    for name in sorted(archive.namelist(), key=len):
        if name.rpartition("/")[2].lower() == "ratings.csv":
            with archive.open(name) as file:
                return file.read(MOST_BYTES + 1)  # never more, whatever the archive claims
    raise DataError("The zip file holds no ratings.csv; give that file itself.")


def _text(content: bytes) -> str:
    """Content as UTF-8, as UTF-16 with its mark, or as the code page of older spreadsheets."""
    encodings = ["utf-8-sig", "cp1252"]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings.insert(0, "utf-16")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DataError(f"The file is not a text file. {EXPECTED}")


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    """The plain names of the columns, and all rows after them, with blank ones to keep
    count."""
    first_line = text.partition("\n")[0]
    separator = max((",", ";", "\t"), key=first_line.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            rows.append(row)
            if len(rows) > MOST_ROWS + 1:
                raise DataError(
                    f"The file has more than {MOST_ROWS:,} rows; give one person's ratings."
                )
    except csv.Error as error:
        raise DataError(f"The file is not a table ({error}). {EXPECTED}") from error
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise DataError(f"The file is empty, or its first row names no columns. {EXPECTED}")
    return [plain_name(name) for name in rows[0]], rows[1:]


def _format(names: Sequence[str]) -> Format:
    for form in FORMATS:
        if all(name in names for name in form.columns):
            if column_of(names, "rating") is not None:
                return form
            raise DataError(f"This {form.source} file holds only films, no ratings. {EXPECTED}")
    shown = ", ".join(name[:30] for name in names[:8])
    raise DataError(f"The columns of this file ({shown}) are not those of a known site. {EXPECTED}")


# -- its rows ----------------------------------------------------------------------------


def _rows(names: Sequence[str], rows: Iterable[Sequence[str]], form: Format) -> Iterator[Row]:
    """The rows that are not blank.

    Raises:
        DataError: they are ratings of several people.
    """
    title_columns, rating_columns = columns_of(names, "own title"), columns_of(names, "rating")
    item_column = column_of(names, "own item") if form.has_item_ids else None
    year_column, kind_column = column_of(names, "year"), column_of(names, "kind of title")
    user_column = column_of(names, "user")
    users: set[str] = set()
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        users.update(_cells(row, [user_column]))
        if len(users) > 1:
            raise DataError(
                "The file holds the ratings of several people; give only the rows of one person."
            )
        titles = tuple(dict.fromkeys(map(_without_apostrophe, _cells(row, title_columns))))
        yield Row(
            row=number,
            titles=titles,
            year=_year(_first_cell(row, [year_column]), titles),
            rating=_first_cell(row, rating_columns),
            item=_first_cell(row, [item_column]),
            kind=_first_cell(row, [kind_column]),
        )


def _year(text: str, titles: Sequence[str]) -> int | None:
    year = _YEAR.fullmatch(text)
    if year is not None:
        return int(year[1])
    if titles:
        return year_of(titles[0])
    return None


def _cells(row: Sequence[str], columns: Iterable[int | None]) -> list[str]:
    """The cells of some columns, cut to `_LONGEST_CELL`; empty and missing ones are left
    out."""
    cells = [
        row[column].strip()[:_LONGEST_CELL]
        for column in columns
        if column is not None and column < len(row)
    ]
    return [cell for cell in cells if cell]


def _first_cell(row: Sequence[str], columns: Iterable[int | None]) -> str:
    return next(iter(_cells(row, columns)), "")


def _without_apostrophe(title: str) -> str:
    if title.startswith("'") and title[1:].startswith(_FORMULA):
        return title[1:]
    return title
