"""A small table that a person wrote: a column of films, by title or id, and one of stars.

For a model without stars, a column of films is enough; another column may say how often.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from matinee.data.personal.given_ratings import is_no_rating, rating_in, time_in
from matinee.data.personal.own_files import has_number
from matinee.data.personal.rows import Row
from matinee.data.reading.item_table import imdb_id, tmdb_id
from matinee.data.reading.schema import column_of
from matinee.data.titles import year_of
from matinee.errors import DataError
from matinee.text import counted, printable

EXAMPLE = "It needs lines such as:  Toy Story (1995),4.5"
EXAMPLE_OF_FILMS = "It needs a film in each line, such as:  Toy Story (1995)"

_YEAR = re.compile(r"([0-9]{4})(?:\.0)?")
_RANGE = re.compile(r"[(\[][0-9]{1,3} ?(?:-|\u2013|to) ?[0-9]{1,3}[)\]]")  # as in "stars (1-10)"
_LONGEST_CELL = 300
_END_OF_DECIMAL = re.compile(r"[0-9]{1,2}")


class TypedColumns(NamedTuple):
    """Numbers of the columns of a table that a person wrote; None for one that is not there.

    Attributes:
        has_header: whether the first row names them; if not, films come first, then stars.
        is_count: whether `value` is a count.
    """

    title: int | None
    item: int | None
    imdb: int | None
    tmdb: int | None
    value: int | None
    year: int | None
    time: int | None
    user: int | None
    has_header: bool
    is_count: bool

    @property
    def has_films(self) -> bool:
        """Whether a column says which film a row is about."""
        columns = (self.title, self.item, self.imdb, self.tmdb)
        return any(column is not None for column in columns)


_WITHOUT_HEADER = TypedColumns(0, None, None, None, 1, None, None, None, False, False)


def rating_column(names: Sequence[str]) -> int | None:
    """The column of ratings, whose name may end in its scale, as "Rating (1-10)" does."""
    column = column_of(names, "own rating")
    if column is None:
        column = column_of([_without_scale(name) for name in names], "own rating")
    return column


def _without_scale(name: str) -> str:
    """ "Rating" for "Rating (1-10)" and "Rating/10"."""
    return name.partition("(")[0].partition("[")[0].rstrip("0123456789/ ")


def typed_columns(header: Sequence[str], has_stars: bool) -> TypedColumns:
    """Where things are, by the names in the first row; without such names, film and stars."""
    count = None if has_stars else column_of(header, "own count")
    stars = rating_column(header)
    columns = TypedColumns(
        title=column_of(header, "own title"),
        item=column_of(header, "own item"),
        imdb=column_of(header, "imdb id"),
        tmdb=column_of(header, "tmdb id"),
        value=stars if count is None else count,
        year=column_of(header, "year"),
        time=column_of(header, "own time"),
        user=column_of(header, "user"),
        has_header=True,
        is_count=count is not None,
    )
    if columns.has_films and (stars is not None or not has_stars):
        return columns
    return _WITHOUT_HEADER


def typed_rows(rows: Sequence[Sequence[str]], has_stars: bool) -> tuple[list[Row], list[str]]:
    """The rows that are not blank, in the order of the file, and sentences on what is unused.

    Raises:
        DataError: the first row names columns, but not those that are needed, or the ratings
            are of several people.
    """
    filled = [
        (number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)
    ]
    if not filled:
        return [], []
    n_rows = len(filled)
    if any(len(row) > 1 for _, row in filled):
        filled = [(number, row) for number, row in filled if not _is_comment(row)]
    n_comments = n_rows - len(filled)
    header = [cell.strip() for cell in filled[0][1]]
    columns = typed_columns(header, has_stars)
    if columns.has_header:
        filled = filled[1:]
    else:
        _refuse_other_header(header, has_stars)
    people = {_cell(row, columns.user) for _, row in filled} - {""}
    if len(people) > 1:
        raise DataError(
            "The file holds the ratings of several people; give only the rows of one person."
        )
    found = []
    is_partly_used = False
    for number, row in filled:
        problem = _problem(row, columns, len(header), has_stars)
        found.append(_row(number, row, columns, has_stars, problem))
        is_partly_used |= not columns.has_header and any(cell.strip() for cell in row[2:])
    notes = [f"Skipped {counted(n_comments, 'comment line')}."] if n_comments else []
    if is_partly_used and has_stars:
        notes.append(
            "Without a header, the first column was read as films and the second as stars; "
            "the others were not used."
        )
    return found, notes


def _is_comment(row: Sequence[str]) -> bool:
    """Whether a row among others with several fields is a line such as `# seen in May`."""
    return len(row) == 1 and row[0].lstrip().startswith("#")


def _refuse_other_header(header: Sequence[str], has_stars: bool) -> None:
    """Raises DataError for a first row that can only be a header."""
    if (
        not has_stars
        or has_number([_RANGE.sub("", name) for name in header])
        or any(map(is_no_rating, header))
    ):
        return
    if len(header) < 2 and column_of(header, "own title") is None:
        return
    missing = []
    if typed_columns([*header, "rating"], has_stars) is _WITHOUT_HEADER:
        missing.append("films (title or item_id)")
    if rating_column(header) is None:
        missing.append("ratings (rating)")
    listed = ", ".join(f"'{printable(name[:40])}'" for name in header[:12])
    raise DataError(
        f"The first row has no number, so it is a header, and it has no column of "
        f"{' and none of '.join(missing)}; its columns are {listed}. {EXAMPLE}"
    )


def _row(
    number: int, row: Sequence[str], columns: TypedColumns, has_stars: bool, problem: str
) -> Row:
    if not has_stars and not columns.has_header and all(cell[:1] == " " for cell in row[1:]):
        row = [",".join(row)]  # a title in a list of films without stars
    title = _cell(row, columns.title)[:_LONGEST_CELL]
    year = _YEAR.fullmatch(_cell(row, columns.year))
    if title and year and year_of(title) is None:
        title = f"{title} ({year[1]})"
    item = _cell(row, columns.item)[:_LONGEST_CELL]
    prefix = "title:" if columns.has_header else ""
    typed = f"id:{item}" if item else ""
    if title:
        typed = prefix + title
    value = _cell(row, columns.value)
    if is_no_rating(value) or (
        not has_stars and not columns.has_header and rating_in(value) is None
    ):
        value = ""
    return Row(
        row=number,
        titles=(title,) if title else (),
        year=year_of(title),
        rating=value,
        item=item,
        imdb=imdb_id(_cell(row, columns.imdb)),
        tmdb=tmdb_id(_cell(row, columns.tmdb)),
        rated_at=time_in(_cell(row, columns.time)),
        problem=problem,
        typed=typed,
    )


def _problem(row: Sequence[str], columns: TypedColumns, n_fields: int, has_stars: bool) -> str:
    """Why a row cannot be used, as the end of a sentence; usually empty."""
    films = (columns.title, columns.item, columns.imdb, columns.tmdb)
    has_film = any(_cell(row, column) for column in films)
    has_value = columns.value is not None and columns.value < len(row)
    if not has_film or (has_stars and not has_value):
        wanted = f"is not a film and its stars. {EXAMPLE}"
        if not has_stars:
            wanted = f"names no film. {EXAMPLE_OF_FILMS}"
        return f"'{','.join(row)}' {wanted}"
    if not has_stars:
        return _problem_of_count(_cell(row, columns.value)) if columns.is_count else ""
    value = "" if columns.value is None else row[columns.value]
    n_expected = n_fields if columns.has_header else 2
    is_long = any(cell.strip() for cell in row[n_expected:])
    if not is_no_rating(value) and rating_in(value) is None:
        hint = EXAMPLE
        if is_long:
            hint = 'Put a title that holds commas into quotes: "The Good, the Bad and the Ugly",5'
        return f"the stars '{printable(value[:60])}' are not a number. {hint}"
    if not is_long:
        return ""
    if columns.has_header:
        return (
            f"it has {len(row)} fields instead of {n_fields}; put a text that holds commas, or a "
            "number with a decimal comma, into quotes"
        )
    if _END_OF_DECIMAL.fullmatch(row[2].strip()):
        return (
            f"'{value.strip()},{row[2].strip()}' may be one number with a decimal comma; put it "
            "into quotes, or separate the fields with semicolons"
        )
    return ""


def _problem_of_count(text: str) -> str:
    try:
        count = float(text)
    except ValueError:
        return f"the count '{printable(text[:60])}' is not a number."
    if not 1 <= count < float("inf"):
        return f"the count '{printable(text[:60])}' must be at least 1."
    return ""


def _cell(row: Sequence[str], column: int | None) -> str:
    if column is None or column >= len(row):
        return ""
    return row[column].strip()
