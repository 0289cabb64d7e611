"""The files in which sites give people their own ratings, and tables that people write: rows.

Letterboxd   ratings, diary, watched   Date,Name,Year,Letterboxd URI,Rating      0.5 to 5
IMDb         Const,Your Rating,Date Rated,Title,...,Year,...                     1 to 10
MovieLens    movie_id,imdb_id,tmdb_id,rating,...,title                           0.5 to 5
             of a data set: userId,movieId,rating,timestamp                      0.5 to 5
Trakt        rated_at,type,title,year,...,imdb_id,tmdb_id,...,rating; or JSON    1 to 10
Goodreads    Book Id,Title,...,My Rating,...                                     1 to 5, 0: none
filmweb      ...,user_vote,...,original_title,pl_title,...,year; or JSON         1 to 10
Criticker    Score,Film Name,...; or XML                                         0 to 100
TMDB, Simkl  with columns of their ids                                           1 to 10
matinee      item_id,title,year,stars; or JSON                                   the model's own
a table      with a title, an id or both, and a rating; or without a header      the model's own
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from matinee.data.personal.given_ratings import is_no_rating, time_in
from matinee.data.personal.guessed_columns import with_usual_names
from matinee.data.personal.own_files import (
    EXPECTED,
    WEB_LIMITS,
    FileLimits,
    OwnFile,
    read_file,
)
from matinee.data.personal.rows import Row
from matinee.data.personal.typed_tables import rating_column, typed_columns, typed_rows
from matinee.data.ratings import Scale
from matinee.data.reading.item_table import imdb_id, tmdb_id, year_in
from matinee.data.reading.schema import column_of, columns_of, plain_name
from matinee.data.titles import year_of
from matinee.errors import DataError

_LONGEST_CELL = 300  # longer cells are cut before they are compared; the longest title has 200
_MOST_LINES_BEFORE = 10
#: Signs with which a formula begins, in all widths and heights, and those that separate cells
_FORMULA = (
    "=+\\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20\uff5c\ufe66\ufe62\ufe63\ufe6b"
    "\u2212\u207a\u207b\u207c\u208a\u208b\u208c\ufb29"
)
#: What spreadsheets skip before a formula: quotation marks, blanks, controls, zero-width signs
_SKIPPED = (
    '"\\x00-\\x08\\x0b\\x0c\\x0e-\\x20\\x7f-\\xa0\\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5'
    "\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb"
)
#: Where a formula could begin: at the start, and after each separator that a spreadsheet of
#: another country may use; whatever number of apostrophes is there already
_BEFORE_FORMULA = re.compile(rf"(?:^|(?<=[;\t\r\n|]))(?='*+[{_SKIPPED}]*+[{_FORMULA}])")
_APOSTROPHE = re.compile(rf"(?:^|(?<=[;\t\r\n|]))'(?='*+[{_SKIPPED}]*+[{_FORMULA}])")
_HALF_STARS = Scale(0.5, 5.0, 0.5)
_TEN = Scale(1, 10, 1)
_OF_IMDB = frozenset(("const", "titletype", "imdbrating", "daterated", "numvotes", "runtimemins"))
_SPREADSHEET_TEXT = re.compile(r'="([^"]*)"')


class Format(NamedTuple):
    """How a site writes its file.

    Attributes:
        source: the site.
        matches: whether a file with columns of these plain names is from this site.
        scale: of its ratings; None for that of the model.
        has_item_ids: whether it holds item ids that the model may know.
        is_distinctive: whether no other table has these columns, not even one typed by hand.
        has_zeros_for_none: whether a rating of 0 means that there is none.
        has_seen: whether a film without a rating has been seen.
        is_typed: whether a person wrote the table, rather than a site.
        has_counts: whether its ratings say how often.
    """

    source: str
    matches: Callable[[frozenset[str]], bool]
    scale: Scale | None
    has_item_ids: bool = False
    is_distinctive: bool = True
    has_zeros_for_none: bool = False
    has_seen: bool = False
    is_typed: bool = False
    has_counts: bool = False


def _has(*names: str) -> Callable[[frozenset[str]], bool]:
    return frozenset(names).issubset


def _is_imdb(names: frozenset[str]) -> bool:
    return "const" in names or ("yourrating" in names and not _OF_IMDB.isdisjoint(names))


def _is_trakt(names: frozenset[str]) -> bool:
    if any(name.startswith("trakt") for name in names):
        return True
    return {"ratedat", "type"} <= names and not names.isdisjoint(("imdbid", "tmdbid"))


def _is_goodreads(names: frozenset[str]) -> bool:
    return "myrating" in names and not names.isdisjoint(("bookid", "exclusiveshelf", "isbn13"))


def _is_filmweb(names: frozenset[str]) -> bool:
    return "uservote" in names and not names.isdisjoint(("originaltitle", "pltitle"))


def _is_criticker(names: frozenset[str]) -> bool:
    return "filmname" in names and not names.isdisjoint(("score", "rating", "filmid"))


FORMATS = (
    Format("TMDB", _has("tmdbid", "yourrating"), _TEN),
    Format("Letterboxd", _has("letterboxduri", "name"), _HALF_STARS, has_seen=True),
    Format("IMDb", _is_imdb, _TEN),
    Format("Simkl", _has("simklid"), _TEN),
    Format("Trakt", _is_trakt, _TEN),
    Format("Goodreads", _is_goodreads, Scale(1, 5, 1), has_zeros_for_none=True),
    Format("filmweb", _is_filmweb, _TEN, has_zeros_for_none=True),
    Format("Criticker", _is_criticker, Scale(0, 100, 1)),
    Format("matinee", _has("itemid", "title", "year", "stars"), None, has_item_ids=True),
    Format("matinee", _has("itemid", "stars", "ratedat"), None, has_item_ids=True),
    Format(
        "MovieLens", _has("movieid", "imdbid", "title", "rating"), _HALF_STARS, has_item_ids=True
    ),
    Format("matinee", _has("itemid", "stars"), None, True, is_distinctive=False),
    Format("MovieLens", _has("movieid", "rating"), _HALF_STARS, True, is_distinctive=False),
)
TYPED = Format("Your table", _has(), None, is_distinctive=False, is_typed=True)


class Export(NamedTuple):
    """What a file holds.

    Attributes:
        form: its format.
        rows: that are not blank; iterating raises DataError if they are of several people.
        notes: sentences on what was guessed.
        rating_column: the name of the column of ratings; empty without a header.
    """

    form: Format
    rows: Iterator[Row]
    notes: list[str]
    rating_column: str


def read_export(
    content: bytes,
    *,
    has_stars: bool = True,
    prefers_typed: bool = False,
    limits: FileLimits = WEB_LIMITS,
) -> Export:
    """The format of a file and its rows; the file may be a zip file with the ratings in it.

    Args:
        content: of the file.
        has_stars: whether the model has stars; if not, a list of films is enough.
        prefers_typed: whether a table such as movieId,rating, which a data set may have, is
            taken for one that a person wrote, with ids of the model and ratings on its scale.

    Raises:
        DataError: the file is too large, not a table, or without ratings.
    """
    file = read_file(content, limits)
    number = _header_of(file)
    header = [cell.strip() for cell in file.rows[number]]
    names = [plain_name(name) for name in header]
    form = _format_of(names, has_stars, prefers_typed)
    column = ""
    if not form.is_typed:
        first = number + 2 if file.kind == "CSV" else 1  # the first object of JSON is no. 1
        rows = _rows(names, file.rows[number + 1 :], form, first)
        return Export(form, rows, file.notes, column)
    if has_stars and not typed_columns(header, has_stars).has_header:
        guessed = with_usual_names(file.rows)
        if guessed is not None:
            file = replace(file, rows=guessed.rows, notes=[*file.notes, guessed.note])
            header = [cell.strip() for cell in file.rows[number]]
    typed, notes = typed_rows(file.rows, has_stars)
    form = form._replace(has_counts=typed_columns(header, has_stars).is_count)
    rating = rating_column(header)
    if rating is not None and typed_columns(header, has_stars).has_header:
        column = header[rating]
    return Export(form, iter(typed), file.notes + notes, column)


def read_rows(content: bytes) -> tuple[Format, Iterator[Row]]:
    """The format of a file and its rows, as `read_export` gives them."""
    return read_export(content)[:2]


def plain_cell(text: str) -> str:
    """A cell for a CSV file that no spreadsheet takes for a formula: after an apostrophe.

    `read_rows` removes the apostrophe.
    """
    return _BEFORE_FORMULA.sub("'", text)


def _header_of(file: OwnFile) -> int:
    """The number of the row with the names of the columns: of a site, else the first row.

    Sites put a title or a few lines about a list before it.
    """
    filled = [number for number, row in enumerate(file.rows) if any(cell.strip() for cell in row)]
    if not filled:
        raise DataError(f"The file is empty. {EXPECTED}")
    for number in filled[:_MOST_LINES_BEFORE]:
        names = frozenset(plain_name(cell) for cell in file.rows[number])
        if any(form.is_distinctive and form.matches(names) for form in FORMATS):
            return number
    return filled[0]


def _format_of(names: Sequence[str], has_stars: bool, prefers_typed: bool) -> Format:
    """The format of a table with these columns."""
    known = frozenset(names)
    for form in FORMATS:
        if not form.matches(known) or (prefers_typed and not form.is_distinctive):
            continue
        if column_of(names, "own rating") is not None:
            return form
        if not has_stars:
            return TYPED
        raise DataError(f"This {form.source} file holds only films, no ratings. {EXPECTED}")
    return TYPED


# -- rows of a site's file ---------------------------------------------------------------


def _rows(
    names: Sequence[str], rows: Iterable[Sequence[str]], form: Format, first: int
) -> Iterator[Row]:
    """The rows that are not blank.

    Args:
        first: number of the first row.

    Raises:
        DataError: they are ratings of several people.
    """
    title_columns = columns_of(names, "own title")
    item_column = column_of(names, "own item") if form.has_item_ids else None
    of = {role: column_of(names, role) for role in ("user", "year", "own rating", "own time")}
    of |= {role: column_of(names, role) for role in ("imdb id", "tmdb id", "kind of title", "isbn")}
    users: set[str] = set()
    for number, row in enumerate(rows, first):
        if not any(cell.strip() for cell in row):
            continue
        users.update(_cells(row, [of["user"]]))
        if len(users) > 1:
            raise DataError(
                "The file holds the ratings of several people; give only the rows of one person."
            )
        problem = ""
        if any(cell.strip() for cell in row[len(names) :]):
            problem = (
                f"it has {len(row)} fields instead of {len(names)}: "
                "a text that holds commas needs quotes"
            )
        titles = tuple(dict.fromkeys(map(_without_apostrophe, _cells(row, title_columns))))
        isbn = _SPREADSHEET_TEXT.fullmatch(_first_cell(row, [of["isbn"]]))
        rating = _first_cell(row, [of["own rating"]])
        if is_no_rating(rating) or (form.has_zeros_for_none and rating in ("0", "0.0")):
            rating = ""
        yield Row(
            row=number,
            titles=titles,
            year=_year(_first_cell(row, [of["year"]]), titles),
            rating=rating,
            item=_without_apostrophe(_first_cell(row, [item_column])) or (isbn[1] if isbn else ""),
            kind=_first_cell(row, [of["kind of title"]]),
            imdb=imdb_id(_first_cell(row, [of["imdb id"]])),
            tmdb=tmdb_id(_first_cell(row, [of["tmdb id"]])),
            rated_at=time_in(_first_cell(row, [of["own time"]])),
            problem=problem,
        )


def _year(text: str, titles: Sequence[str]) -> int | None:
    year = year_in(text)
    if year is None and titles:
        return year_of(titles[0])
    return year


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


def _without_apostrophe(cell: str) -> str:
    """A cell as it was before `plain_cell`."""
    return _APOSTROPHE.sub("", cell)
