"""What a file is and which of its columns holds what, found from its names and its first rows."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import polars as pl

from matinee.errors import DataError
from matinee.text import did_you_mean, printable

ROLES = ("user", "item", "rating", "timestamp")
"""What columns hold; counts stand where ratings would."""

Kind = Literal["rating", "count", "pair"]
"""What a row says besides who and what: stars, how often, or nothing."""

# Lower case, letters and digits only; the first that the table has is taken.
USUAL_NAMES = {
    "user": "userid user uid customerid customer viewerid viewer reviewerid reviewer memberid member "
    "accountid account personid person profileid username useridx userindex",
    "item": "movieid itemid item iid filmid movie film productid product bookid book songid song trackid "
    "showid asin isbn movietitle filmtitle title itemidx itemindex",
    "rating": "rating ratings userrating stars star score value overall grade reviewrating",
    "count": "count counts playcount plays playscount nplays timesplayed listens listencount clicks clickcount nclicks "
    "views viewcount visits purchases purchasecount orders quantity qty",
    "timestamp": "timestamp time ts date datetime unixtime unixreviewtime ratedat ratingdate ratingtime "
    "createdat reviewdate reviewtime watcheddate",
}
INTEGER = r"^(?:0|-?[1-9][0-9]{0,17})$"
"""An integer as a program writes it: "7" is one, "007", "+7" and "7.0" are not."""

_INTEGER = re.compile(INTEGER)
_LIKE_NUMBER = re.compile(r"^[+-]?[.,]?[0-9]|^[*★⭐]")
_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$")
_SEPARATORS = ("\t", ",", ";", "|", " ")
_SAMPLE_ROWS = 200
_TIMES_FROM = 10**8  # as seconds 1973; more than anybody plays a song
_MILLISECONDS_FROM = 10**11  # as seconds this is the year 5138, as milliseconds 1973
EXCEL = "is an Excel workbook; save it as CSV and give that file."
_MAGIC = {
    b"%PDF": "is a PDF document; a table in CSV or Parquet is needed.",
    b"SQLite format 3": "is an SQLite database; give it as sqlite:///FILE.",
    b"\xd0\xcf\x11\xe0": EXCEL,
    b"\xff\xfe": "is text in UTF-16; save it as UTF-8.",
    b"\xfe\xff": "is text in UTF-16; save it as UTF-8.",
}
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


@dataclass(frozen=True)
class Wanted:
    """What a person said of the columns: their names, None to go by the usual ones; and that there are no ratings."""

    user: str | None = None
    item: str | None = None
    rating: str | None = None
    count: str | None = None
    timestamp: str | None = None
    pairs: bool = False

    @property
    def by_role(self) -> dict[str, str | None]:
        """Role -> the name that was given, or None."""
        return {"user": self.user, "item": self.item, "rating": self.rating or self.count, "timestamp": self.timestamp}


class Columns(NamedTuple):
    """Where the columns are.

    Attributes:
        positions: role -> number of its column; "timestamp" may be absent, and "rating" is in pairs.
        kind: what the column in the place of the rating holds.
    """

    positions: dict[str, int]
    kind: Kind


@dataclass(frozen=True)
class Layout:
    """How the text of a table is laid out.

    Attributes:
        separator: "::" or one character; only the latter come with quotation marks.
        has_header: whether the first line names the columns.
        n_fields: fields that each row has.
        positions, kind: see `Columns`.
        types: role -> the type that its sampled cells have.
        time_divisor: what a timestamp is divided by to become seconds (1, 1,000, ...).
        starts_at_once: no blank line comes before the first row.
    """

    separator: str
    has_header: bool
    n_fields: int
    positions: Mapping[str, int]
    kind: Kind
    types: Mapping[str, type[pl.DataType]]
    time_divisor: int
    starts_at_once: bool


def plain_number(text: str) -> bool:
    """Whether a text is a finite decimal number in ASCII digits."""
    return _NUMBER.match(text) is not None


def plain_integer(text: str) -> bool:
    """Whether a text is an integer as a program writes it; "007" is not."""
    return _INTEGER.match(text) is not None


def split_line(line: str, separator: str) -> list[str]:
    """The fields of one line without its line end.

    Raises:
        csv.Error: its quotation marks do not fit together.
    """
    if separator != "::" and '"' in line:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    return line.split(separator)


def refuse_what_is_no_table(head: bytes, label: str, is_whole: bool) -> None:
    """Raise a `DataError` for the bytes of a web page, a pickle and the like.

    Args:
        head: the start of the file; `is_whole` if it is all of it.
    """
    start = head.lstrip()[:200].lower()
    for magic, sentence in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{label} {sentence}")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DataError(f"{label} is a web page, not a table; the download went wrong. Fetch it again.")
    if head.startswith(_PICKLES):
        raise DataError(
            f"{label} is a pickle, which can run any code when it is opened; matinee reads none. "
            "Save the table as CSV or Parquet."
        )
    if start.startswith(b"["):
        raise DataError(f"{label} is one JSON array; save it as JSON lines, one object per line.")
    if b"\0" in head or (not is_whole and b"\n" not in head):
        raise DataError(f"{label} holds binary data, not a table in CSV, TSV, Parquet or JSON lines.")
    if b"\r" in head and b"\n" not in head:
        raise DataError(f"{label} has carriage returns but no line feeds; save it with Unix or Windows lines.")


def find_columns(names: Sequence[str], wanted: Wanted, label: str, sampled: Callable[[int], Sequence[str]]) -> Columns:
    """Which column holds what.

    A table whose other columns hold no numbers is one of pairs; where they do, one of them may be a rating of an
    unusual name, so somebody has to say which, or that there is none.

    Args:
        names: the columns of the table.
        label: the table's name in messages.
        sampled: some cells of a column by its number, as text.

    Raises:
        DataError: a column is missing; the message lists those there are and the option that names one.
    """
    cleaned = [name.strip() for name in names]
    given, kind = wanted.by_role, _kind(cleaned, wanted)
    found: dict[str, int] = {}
    for role in (one for one in ROLES if one != "rating" or kind != "pair"):
        name = given[role]
        usual = "count" if role == "rating" and kind == "count" else role
        number = _usual_column(cleaned, usual) if name is None else _named_column(cleaned, name)
        if number is not None:
            _refuse_repeated(usual, number, cleaned, name is not None, label)
            found[role] = number
        elif name is not None:
            hint = did_you_mean(name, cleaned)
            raise DataError(f"{label} has no column '{name}'; its columns are {_listed(cleaned)}.{hint}")
        elif role != "timestamp":
            raise DataError(
                f"{label} has no {role} column by any usual name; its columns are {_listed(cleaned)}. "
                f"Name the right one with --{role}-column NAME."
            )
    _refuse_shared(found, cleaned, label)
    if kind == "pair" and not wanted.pairs:
        _refuse_unknown_rating(cleaned, found, sampled, label)
    return Columns(found, kind)


def _kind(names: Sequence[str], wanted: Wanted) -> Kind:
    """By what the person said; else by the names, ratings before counts."""
    if wanted.pairs:
        return "pair"
    if wanted.rating is not None or wanted.count is not None:
        return "rating" if wanted.rating is not None else "count"
    if _usual_column(names, "rating") is not None:
        return "rating"
    return "pair" if _usual_column(names, "count") is None else "count"


def _refuse_unknown_rating(
    names: Sequence[str], found: Mapping[str, int], sampled: Callable[[int], Sequence[str]], label: str
) -> None:
    """A column of numbers that nobody asked for may be the rating."""
    rest = [number for number in range(len(names)) if number not in found.values()]
    if any(_may_be_rating(sampled(number)) for number in rest):
        raise DataError(
            f"{label} has no rating column by any usual name; its columns are {_listed(names)}. Name the right one "
            "with --rating-column NAME, or with --count-column NAME if it says how often; or say --pairs if there is "
            "none."
        )


def _may_be_rating(cells: Sequence[str]) -> bool:
    """Whether at least half of the cells that are not empty begin like a number, or are stars."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) > 0 and 2 * sum(map(bool, map(_LIKE_NUMBER.match, filled))) >= len(filled)


def _refuse_repeated(role: str, number: int, names: Sequence[str], is_exact: bool, label: str) -> None:
    """Two columns of the same name leave open which one is meant; two spellings do too, if nobody named one."""
    same = [
        name
        for name in names
        if name == names[number] or (not is_exact and plain_name(name) == plain_name(names[number]))
    ]
    if len(same) > 1:
        raise DataError(f"{label} has more than one {role} column: {_listed(same)}. Remove or rename all but one.")


def _refuse_shared(found: Mapping[str, int], names: Sequence[str], label: str) -> None:
    by_number: dict[int, str] = {}
    for role, number in found.items():
        if number in by_number:
            name = printable(names[number])
            raise DataError(
                f"{label}: the column '{name}' cannot be both {by_number[number]} and {role}; "
                f"name another with --{role}-column NAME. The columns are {_listed(names)}."
            )
        by_number[number] = role


def plain_name(name: str) -> str:
    """The name of a column as `USUAL_NAMES` writes it: lower case, letters and digits only."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _usual_column(names: Sequence[str], role: str) -> int | None:
    plain = [plain_name(name) for name in names]
    for usual in USUAL_NAMES[role].split():
        if usual in plain:
            return plain.index(usual)
    return None


def _named_column(names: Sequence[str], wanted: str) -> int | None:
    if wanted in names:
        return names.index(wanted)
    lower = [name.casefold() for name in names]
    return lower.index(wanted.strip().casefold()) if wanted.strip().casefold() in lower else None


def _listed(names: Sequence[str], limit: int = 12) -> str:
    shown = ", ".join(f"'{printable(name[:40])}'" for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def layout_of(head: str, wanted: Wanted, label: str) -> Layout:
    """The layout of a text table from the whole lines at its start.

    Raises:
        DataError: there are no rows, or a column is missing.
    """
    lines = [line.removesuffix("\r") for line in head.removeprefix("\ufeff").split("\n")]
    filled = [line for line in lines if line.strip()]
    if not filled:
        raise DataError(f"{label} is empty: it has no ratings.")
    separator = _separator(filled[0])
    rows = [_fields(line, separator) for line in filled[: _SAMPLE_ROWS + 1]]

    def sampled(number: int) -> list[str]:
        return [row[number].strip() for row in rows[has_header:] if number < len(row)]

    columns = _headerless(rows, wanted)
    has_header = columns is None
    if columns is None:
        columns = find_columns(rows[0], wanted, label, sampled)
    if has_header and len(filled) == 1:
        raise DataError(f"{label} has a header but no ratings.")
    cells = {role: sampled(at) for role, at in columns.positions.items()}
    return Layout(
        separator,
        has_header,
        len(rows[0]),
        columns.positions,
        columns.kind,
        {role: _sampled_type(role, cells[role]) for role in columns.positions},
        time_divisor([int(cell) for cell in cells.get("timestamp", []) if _INTEGER.match(cell)]),
        bool(lines[0].strip()),
    )


def _separator(line: str) -> str:
    if "::" in line:
        return "::"
    return max(_SEPARATORS, key=line.count)  # the first of equals


def _fields(line: str, separator: str) -> list[str]:
    try:
        return split_line(line, separator)
    except csv.Error:
        return line.split(separator)


def _headerless(rows: Sequence[Sequence[str]], wanted: Wanted) -> Columns | None:
    """Columns of a table of two to four whose first line is a row, not names; else None.

    A row has two numbers, or text ids and a number as the third field, where the rating stands. Where there is no
    third, or it is a time and there is no fourth, there are no ratings.
    """
    first = rows[0]
    numbers = [plain_number(field.strip().replace(",", ".")) for field in first]  # 3,0 is a bad rating, but no name
    is_named = any(_usual_column(first, role) is not None for role in USUAL_NAMES)
    if any(wanted.by_role.values()) or is_named or len(first) not in (2, 3, 4):
        return None
    ends_in_time = len(first) == 3 and _are_times([row[2].strip() for row in rows if len(row) == 3])
    if not (sum(numbers) >= 2 or ends_in_time or (len(first) > 2 and numbers[2])):
        return None
    if len(first) == 2 or ends_in_time or wanted.pairs:
        positions = {"user": 0, "item": 1} | ({"timestamp": len(first) - 1} if len(first) == 4 or ends_in_time else {})
        return Columns(positions, "pair")
    return Columns(dict(zip(ROLES, range(len(first)), strict=False)), "rating")


def _are_times(cells: Sequence[str]) -> bool:
    """Whether all cells are dates, or numbers too large for ratings and counts."""
    return all(_DATE.match(cell) or (plain_integer(cell) and int(cell) >= _TIMES_FROM) for cell in cells)


def _sampled_type(role: str, cells: Sequence[str]) -> type[pl.DataType]:
    if role == "rating":
        return pl.Float32
    return pl.Int64 if all(_INTEGER.match(cell) for cell in cells if cell) else pl.String


def time_divisor(times: Sequence[int]) -> int:
    """1 for seconds, 1,000 for milliseconds and so on, told by the size of all the given times."""
    smallest = min((abs(time) for time in times), default=0)
    divisor = 1
    while smallest // divisor >= _MILLISECONDS_FROM:
        divisor *= 1000
    return divisor
