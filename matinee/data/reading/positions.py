"""Which column of a table without a header holds what."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from matinee.data.reading.header import (
    are_most,
    is_day,
    is_missing,
    is_number,
    is_recent_second,
    is_time,
    is_value,
)
from matinee.data.reading.layouts.plain import plain_layout
from matinee.data.reading.options import NO_COLUMN, Kind, ReadOptions
from matinee.data.reading.schema import ROLES, Columns
from matinee.errors import DataError
from matinee.text import joined, printable

_TITLE = re.compile(r"\([12][0-9]{3}\)|\w:\s|^(?:The|A|An|Le|La|Les|Der|Die|Das) \w")
_ITEM_ID = re.compile(
    r"^(?:B[0-9A-Z]{9}|[0-9]{9}X|tt[0-9]{7,}|"
    r"(?:i|m|b|item|movie|film|book|song|track|artist|product|prod|sku|isbn)[-_]?[0-9]+)$",
    re.IGNORECASE,
)
_USER_ID = re.compile(
    r"^(?:A[0-9A-Z]{9,27}|[^@\s]+@[^@\s]+|"
    r"(?:u|user|customer|cust|person|member|viewer|reader|reviewer|client)[-_]?[0-9]+)$",
    re.IGNORECASE,
)
_LARGEST_RATING = 100
_FEW = 101  # distinct ratings
_MOST = 0.9
_MANY = 0.5
_FEW_STEPS = 11  # of a scale
_MANY_REPEATS = 0.1
_IDS = "--user-column 1 --item-column 2"
_OPTIONS = f"{_IDS} --rating-column 3 (or --count-column or --pairs instead of --rating-column)"


@dataclass(frozen=True)
class _Column:
    """What the sampled cells of one column are like."""

    number: int
    cells: list[str]
    filled: list[str] = field(init=False)

    def __post_init__(self) -> None:
        filled = [cell for cell in self.cells if not is_missing(cell)]
        object.__setattr__(self, "filled", filled)

    @property
    def is_empty(self) -> bool:
        return not self.filled

    @property
    def is_constant(self) -> bool:
        return len(set(self.filled)) <= 1

    @property
    def is_value(self) -> bool:
        return self._are(sum(map(is_value, self.filled)))

    @property
    def has_whole_numbers(self) -> bool:
        return self._are(sum(_float(cell).is_integer() for cell in self.filled))

    @property
    def is_time(self) -> bool:
        return bool(self.filled) and all(map(is_time, self.filled))

    @property
    def may_be_rating(self) -> bool:
        """Few values within 100, or shares and stars."""
        if not self.is_value or self.is_time or len(set(self.filled)) > _FEW:
            return False
        return all(abs(_float(cell)) <= _LARGEST_RATING for cell in self.filled if is_number(cell))

    @property
    def counts_up(self) -> bool:
        """Whether it numbers the rows."""
        if len(self.cells) < 5 or not all(cell.isascii() and cell.isdigit() for cell in self.cells):
            return False
        numbers = [int(cell[:18]) for cell in self.cells]
        return numbers == list(range(numbers[0], numbers[0] + len(numbers)))

    def share_of(self, pattern: re.Pattern[str]) -> float:
        """The share of distinct cells in which a pattern is found."""
        distinct = set(self.filled)
        return sum(pattern.search(cell) is not None for cell in distinct) / max(len(distinct), 1)

    def are_all(self, holds: Callable[[str], bool]) -> bool:
        """Whether each cell that is not missing passes a test, and they differ."""
        return not self.is_constant and all(map(holds, self.filled))

    def _are(self, n_alike: int) -> bool:
        return are_most(n_alike, len(self.filled))


def _float(cell: str) -> float:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return float("inf")


class _Found(NamedTuple):
    """Columns found by content.

    Attributes:
        ids: of users and items, in their order in the table.
        value, time: None if there is none.
    """

    ids: list[_Column]
    value: _Column | None = None
    time: _Column | None = None


def columns_without_header(
    rows: Sequence[Sequence[str]], options: ReadOptions, label: str
) -> tuple[Columns, list[str]]:
    """Which column holds what in a table whose first line is a row, and notes on it.

    Columns that the options number are taken; the others by their content, in the usual order
    user, item, rating, time where that fits.

    Raises:
        DataError: the columns can be read in several ways.
    """
    n_fields = len(rows[0])
    plain = plain_layout(rows)
    if plain is not None and not options.given_names and not options.pairs:
        return Columns(dict(plain.positions), plain.kind), [plain.note]
    columns = [
        _Column(number, [row[number].strip() for row in rows if len(row) == n_fields])
        for number in range(n_fields)
    ]
    while len(columns) > 2 and columns[-1].is_empty:  # a separator at the end of each row
        columns.pop()
    given = _numbered(options, n_fields, label)
    free = [column for column in columns if column.number not in given.values()]
    found = _in_usual_order(free, given, options) or _by_content(free, given, options)
    if found is None:
        raise DataError(_unclear(label, rows[0], _IDS if options.pairs else _OPTIONS))
    positions = dict(given)
    swapped = ""
    missing = [role for role in ("user", "item") if role not in given]
    if len(missing) == 2:
        swapped = _item_first(*found.ids)
        if swapped:
            missing.reverse()
    positions |= {role: column.number for role, column in zip(missing, found.ids, strict=True)}
    if found.value is not None:
        positions["rating"] = found.value.number
    if found.time is not None and options.timestamp != NO_COLUMN:
        positions["timestamp"] = found.time.number
    kind: Kind = "pair"
    if "rating" in positions:
        kind = "count" if options.count is not None else "rating"
    notes = [_note(positions, kind, swapped, n_fields)] if missing else []
    ordered = {role: positions[role] for role in ROLES if role in positions}
    return Columns(ordered, kind, given=frozenset(given)), notes


def _numbered(options: ReadOptions, n_fields: int, label: str) -> dict[str, int]:
    """Role -> number of its column, from 0, as the options say."""
    given = {}
    for role, name in options.column_names.items():
        if name is None or (role == "timestamp" and name == NO_COLUMN):
            continue
        number = name.strip()
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= n_fields):
            option = "count" if role == "rating" and options.count is not None else role
            raise DataError(
                f"{label}: the first line looks like a row, not like names, so there is no column "
                f"'{name}'. Give the number of the column, 1 to {n_fields}, as in "
                f"--{option}-column 1, or --header if the first line does hold names."
            )
        given[role] = int(number) - 1
    if len(set(given.values())) < len(given):
        raise DataError(f"{label}: a column cannot be two of user, item, rating and time.")
    return given


def _in_usual_order(
    free: Sequence[_Column], given: dict[str, int], options: ReadOptions
) -> _Found | None:
    """The columns that no option names as user, item, value and time; None if they do not fit."""
    n_ids = ("user" not in given) + ("item" not in given)
    ids, rest = list(free[:n_ids]), list(free[n_ids:])
    if len(ids) < n_ids or len(rest) > 2:
        return None
    needs_value = not options.pairs and "rating" not in given
    value = None
    if needs_value and rest and not (rest[0].is_time and len(rest) == 1):
        value = rest.pop(0)
        if not value.is_value or value.is_time:
            return None
    elif options.pairs and len(rest) == 2:
        rest.pop(0)
    if len(rest) > 1 or (rest and "timestamp" in given):
        return None
    if not given and len(ids) == 2 and _are_no_ids(ids, value):
        return None
    time = rest[0] if rest else None
    if time is not None and not (time.is_time or time.is_empty):
        is_rating = value is not None and time.may_be_rating and not value.may_be_rating
        has_number = len(free) == 4 and free[0].counts_up and not free[1].counts_up
        if not time.has_whole_numbers or is_rating or has_number:
            return None
    return _Found(ids, value, time)


def _are_no_ids(ids: Sequence[_Column], value: _Column | None) -> bool:
    """Whether a column in the place of an id holds days, times, or ratings."""
    if any(column.are_all(is_day) for column in ids):
        return True
    if value is None:
        return False
    if not value.may_be_rating and any(column.are_all(is_recent_second) for column in ids):
        return True
    for rating, other in (ids, ids[::-1]):
        if rating.may_be_rating and len(set(rating.filled)) <= _FEW_STEPS:
            repeats = _n_repeats(rating, other)
            if repeats > _MANY_REPEATS * len(rating.cells) and not _n_repeats(other, value):
                return True
    return False


def _n_repeats(first: _Column, second: _Column) -> int:
    """How many rows repeat a pair of cells."""
    return len(first.cells) - len(set(zip(first.cells, second.cells, strict=True)))


def _by_content(
    free: Sequence[_Column], given: dict[str, int], options: ReadOptions
) -> _Found | None:
    """The columns by what they hold; None if more than one reading is plausible."""
    n_ids = ("user" not in given) + ("item" not in given)
    left = [column for column in free if not (column.is_empty or column.is_constant)]
    left = [column for column in left if not column.counts_up] or left
    times = [column for column in left if column.is_time] if "timestamp" not in given else []
    if len(times) > 1:
        return None
    left = [column for column in left if column not in times]
    value = None
    if not options.pairs and "rating" not in given:
        values = [column for column in left if column.may_be_rating]
        if len(values) != 1:
            return None
        value = values[0]
        left = [column for column in left if column is not value]
    if n_ids == 0:
        left = []
    if len(left) != n_ids:
        return None
    return _Found(left, value, times[0] if times else None)


def _item_first(first: _Column, second: _Column) -> str:
    """Why the first of two columns of ids holds the items; empty if nothing says so."""
    if first.share_of(_ITEM_ID) >= _MOST and second.share_of(_ITEM_ID) < _MANY:
        return "its first ids look like those of items"
    if second.share_of(_USER_ID) >= _MOST and first.share_of(_USER_ID) < _MANY:
        return "its second ids look like those of users"
    if first.share_of(_TITLE) >= _MANY and second.share_of(_TITLE) < 0.1:
        return "its first column looks like titles"
    return ""


def _note(positions: dict[str, int], kind: Kind, swapped: str, n_fields: int) -> str:
    words = {"user": "user", "item": "item", "rating": kind, "timestamp": "time"}
    roles = sorted(positions, key=lambda role: positions[role])
    shown = ", ".join(words[role] for role in roles)
    numbers = ""
    if [positions[role] for role in roles] != list(range(n_fields)):
        numbers = f" (columns {joined([str(positions[role] + 1) for role in roles])})"
    why = f", because {swapped}" if swapped else ""
    user, item = positions["item"] + 1, positions["user"] + 1
    swap = f"--user-column {user} --item-column {item}"
    return f"No header: columns read as {shown}{numbers}{why}; {swap} swaps users and items."


def _unclear(label: str, first: Sequence[str], example: str) -> str:
    shown = ", ".join(f"{n} is '{printable(cell[:40])}'" for n, cell in enumerate(first[:8], 1))
    if len(first) > 8:
        shown += ", ..."
    if len(first) == 1:
        return one_column(label, first[0])
    return (
        f"{label} has no header, and its {len(first)} columns can be read in several ways: "
        f"{shown}. Say which is which, as in {example}, or give --header if the first line holds "
        "names."
    )


def one_column(label: str, first: str) -> str:
    """What to say of a table with one column."""
    return (
        f"{label} has only one column, '{printable(first[:60])}'; "
        "if a character separates columns in it, name it with --separator."
    )
