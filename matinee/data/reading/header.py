"""Whether the first line of a table names its columns or is a row."""

import re
from collections.abc import Sequence
from typing import Literal

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.schema import column_of, without_types

_NUMBER = re.compile(r"^[+-]?(?:[0-9]+(?:[.,][0-9]+)*[.,]?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?$")
_DATE = re.compile(
    r"^(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4})(?![0-9])"
)
_VALUE = re.compile(r"^[+-]?[0-9][0-9.,]*\s?(?:%|/\s?[0-9]+)$|^[★☆⭐*½]+$")
_MISSING = {"", "na", "n/a", "nan", "null", "none", "nil", "-", "\\n", "?"}
_TIMES_FROM = 10**8  # as seconds this is 1973; nobody plays a song as often
_RECENT_FROM, _RECENT_TO = 8 * 10**8, 21 * 10**8  # from 1995 to 2036
_SHARE = 0.9

#: What a line is: names of columns, a row, or neither for sure.
Line = Literal["names", "row", "unknown"]


def first_line(rows: Sequence[Sequence[str]], options: ReadOptions) -> Line:
    """What the first line of a table is.

    Its fields are compared with those below: a number above numbers is a row, a word above
    numbers is a name. Usual names make it names, but for one alone in what else is a row.
    """
    if options.header is not None:
        return "names" if options.header else "row"
    first = without_types(rows[0])
    n_row = n_names = 0
    for number, cell in enumerate(first):
        below = [row[number].strip() for row in rows[1:] if number < len(row)]
        says = _what_cell_says(cell, [other for other in below if not is_missing(other)])
        n_row += says == "row"
        n_names += says == "names"
    roles = ("user", "item", "rating", "count", "timestamp")
    n_usual = sum(column_of(first, role) is not None for role in roles)
    if n_usual:
        return "unknown" if n_usual == 1 and n_row and not n_names else "names"
    if n_row and not n_names:
        return "row"
    if n_names and not n_row:
        return "names"
    return _without_rows_below(first, options) if not (n_row or n_names) else "unknown"


def _without_rows_below(first: Sequence[str], options: ReadOptions) -> Line:
    if any(name in first for name in options.given_names):
        return "names"
    return "unknown"


def _what_cell_says(cell: str, below: Sequence[str]) -> Line:
    if is_missing(cell):
        return "unknown"
    if not below:
        return "row" if is_value(cell) else "unknown"
    values = are_most(sum(map(is_value, below)), len(below))
    if is_value(cell):
        return "row" if values else "unknown"
    if values:
        return "names"
    if cell in below:
        return "row"
    shapes = {_shape(other) for other in below}
    if len(below) > 1 and len(shapes) == 1 and any(letter.isdigit() for letter in below[0]):
        return "row" if _shape(cell) in shapes else "names"
    return "unknown"


def _shape(cell: str) -> str:
    """A text with 9 for runs of digits and a for runs of letters."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell))


def are_most(n_alike: int, n_cells: int) -> bool:
    """Whether nearly all cells are alike; of a few, one may differ."""
    return n_cells > 0 and (
        n_alike >= _SHARE * n_cells or (n_alike == n_cells - 1 and 2 * n_alike > n_cells)
    )


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or a word for that."""
    return cell.strip().lower() in _MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or commas."""
    return _NUMBER.match(cell) is not None


def is_value(cell: str) -> bool:
    """Whether a cell is a number, a date, a share such as 4/5, or stars."""
    return is_number(cell) or _DATE.match(cell) is not None or _VALUE.match(cell) is not None


def is_time(cell: str) -> bool:
    """Whether a cell is a date, a day such as 20181110, or a number too large for a rating."""
    if _DATE.match(cell):
        return True
    number = re.sub(r"\.0*$", "", cell)
    if not (number.isascii() and number.isdigit()) or len(number) > 20:
        return False
    return int(number) >= _TIMES_FROM or _is_calendar_day(number)


def is_day(cell: str) -> bool:
    """Whether a cell is a date, or a day such as 20181110."""
    return _DATE.match(cell) is not None or (cell.isascii() and _is_calendar_day(cell))


def is_recent_second(cell: str) -> bool:
    """Whether a cell is a number of seconds or milliseconds since 1970 of about our time."""
    if not (cell.isascii() and cell.isdigit()) or len(cell) not in (9, 10, 13):
        return False
    seconds = int(cell) // (1000 if len(cell) == 13 else 1)
    return _RECENT_FROM <= seconds < _RECENT_TO


def _is_calendar_day(digits: str) -> bool:
    return (
        len(digits) == 8
        and digits.isdigit()
        and "1900" <= digits[:4] <= "2100"
        and "01" <= digits[4:6] <= "12"
        and "01" <= digits[6:] <= "31"
    )
