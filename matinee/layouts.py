"""How a table is laid out: which column holds what, and how its text is separated and typed.

The first part, the schema, goes by names of columns. The second part, the sniffing, goes by the
bytes and the first rows of a file.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from matinee.errors import DataError
from matinee.read_options import Kind, ReadOptions
from matinee.text import did_you_mean, printable

# -- schema: which column holds what ---------------------------------------------------------------

#: What the columns of a ratings table hold; counts stand where ratings would.
ROLES = ("user", "item", "rating", "timestamp")

_TITLES = (
    "title movietitle filmtitle booktitle name itemname productname primarytitle originaltitle "
    "film movie book song"
)
_ITEMS = (
    "movieid itemid item iid filmid movie film productid product bookid book songid song trackid "
    "showid asin isbn movietitle filmtitle title itemidx itemindex"
)
_COUNTS = (
    "count counts playcount plays playscount nplays timesplayed listens listencount clicks "
    "clickcount nclicks views viewcount visits purchases purchasecount orders quantity qty"
)

#: Role -> the usual names of its column, as `plain_name` writes them; the first one that a table
#: has is taken.
ALIASES = {
    # of a table of ratings
    "user": "userid user uid customerid customer viewerid viewer reviewerid reviewer memberid "
    "member accountid account personid person profileid username useridx userindex",
    "item": _ITEMS,
    "rating": "rating ratings userrating yourrating yourated stars star score value overall grade "
    "reviewrating",
    "count": _COUNTS,
    "timestamp": "timestamp time ts date datetime unixtime unixreviewtime ratedat ratingdate "
    "ratingtime createdat reviewdate reviewtime watcheddate",
    # of a table of items
    "item id": f"movieid itemid item iid filmid id {_ITEMS}",
    "item title": f"{_TITLES} product",
    "year": "year releaseyear startyear releasedate",
    "genres": "genres genre categories",
    # of a table of users
    "age": "age",
    "gender": "gender sex",
    "occupation": "occupation",
    "zip": "zip zipcode postcode postalcode",
    # of a person's own ratings, where an item may be called by its title
    "own title": _TITLES,
    "own item": "movieid itemid item productid product bookid songid sku id",
    "own count": f"{_COUNTS} times",
    "kind of title": "titletype",
}

_NUMBER_OR_STARS = re.compile(r"^[+-]?[.,]?[0-9]|^[*★⭐]")


class Columns(NamedTuple):
    """Where the columns of a ratings table are.

    Attributes:
        positions: role -> number of its column; "timestamp" may be absent, and pairs have no
            "rating".
        kind: what the column in the place of the rating holds.
    """

    positions: dict[str, int]
    kind: Kind


def plain_name(name: str) -> str:
    """The name of a column as `ALIASES` writes it: lower case, letters and digits only."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def columns_of(names: Sequence[str], role: str) -> list[int]:
    """The numbers of all columns that have a usual name of a role, the most usual name first."""
    plain = [plain_name(name) for name in names]
    return [plain.index(alias) for alias in ALIASES[role].split() if alias in plain]


def column_of(names: Sequence[str], role: str) -> int | None:
    """The number of the column that has the most usual name of a role; None if there is none."""
    return next(iter(columns_of(names, role)), None)


def find_columns(
    names: Sequence[str],
    options: ReadOptions,
    label: str,
    sampled: Callable[[int], Sequence[str]],
) -> Columns:
    """Which column of a ratings table holds what.

    A table without a rating column whose other columns hold no numbers is one of pairs. If one of
    them holds numbers, it may be a rating under an unusual name, so the options must name it, or
    say that there is none.

    Args:
        names: the columns of the table.
        options: the names that a person gave.
        label: the table's name in messages.
        sampled: some cells of a column by its number, as text.

    Raises:
        DataError: a column is missing; the message lists the columns and the option that names one.
    """
    stripped = [name.strip() for name in names]
    kind = _kind(stripped, options)
    positions: dict[str, int] = {}
    for role in ROLES:
        if role == "rating" and kind == "pair":
            continue
        position = _position(stripped, role, kind, options.column_names[role], label)
        if position is not None:
            positions[role] = position
    _refuse_shared(positions, stripped, label)
    if kind == "pair" and not options.pairs:
        _refuse_unknown_rating(stripped, positions, sampled, label)
    return Columns(positions, kind)


def _kind(names: Sequence[str], options: ReadOptions) -> Kind:
    """What the options say; otherwise what the names say, ratings before counts."""
    if options.pairs:
        return "pair"
    if options.rating is not None:
        return "rating"
    if options.count is not None:
        return "count"
    if column_of(names, "rating") is not None:
        return "rating"
    if column_of(names, "count") is not None:
        return "count"
    return "pair"


def _position(
    names: Sequence[str],
    role: str,
    kind: Kind,
    given: str | None,
    label: str,
) -> int | None:
    """The number of the column for a role; None for timestamps that are not there."""
    if role == "rating" and kind == "count":
        role = "count"
    if given is not None:
        position = _named_column(names, given)
        if position is None:
            hint = did_you_mean(given, names)
            raise DataError(
                f"{label} has no column '{given}'; its columns are {_listed(names)}.{hint}"
            )
    else:
        position = column_of(names, role)
        if position is None and role != "timestamp":
            raise DataError(
                f"{label} has no {role} column under a usual name; "
                f"its columns are {_listed(names)}. Name the right one with --{role}-column NAME."
            )
    if position is not None:
        _refuse_repeated(role, position, names, given is not None, label)
    return position


def _named_column(names: Sequence[str], given: str) -> int | None:
    if given in names:
        return names.index(given)
    lower = [name.casefold() for name in names]
    wanted = given.strip().casefold()
    if wanted in lower:
        return lower.index(wanted)
    return None


def _refuse_unknown_rating(
    names: Sequence[str],
    positions: Mapping[str, int],
    sampled: Callable[[int], Sequence[str]],
    label: str,
) -> None:
    """Refuse a table with a column of numbers that nobody named: it may be the rating."""
    others = [number for number in range(len(names)) if number not in positions.values()]
    if any(_may_be_rating(sampled(number)) for number in others):
        raise DataError(
            f"{label} has no rating column under a usual name; its columns are {_listed(names)}. "
            "Name the right one with --rating-column NAME, or with --count-column NAME "
            "if it says how often; or give --pairs if there is none."
        )


def _may_be_rating(cells: Sequence[str]) -> bool:
    """Whether at least half of the cells that are not empty begin like a number, or are stars."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    numeric = [cell for cell in filled if _NUMBER_OR_STARS.match(cell)]
    return len(filled) > 0 and 2 * len(numeric) >= len(filled)


def _refuse_repeated(
    role: str,
    position: int,
    names: Sequence[str],
    is_exact: bool,
    label: str,
) -> None:
    """Refuse two columns of the same name, or of the same plain name if no option named one."""
    chosen = names[position]
    same = [name for name in names if name == chosen]
    if not is_exact:
        same = [name for name in names if plain_name(name) == plain_name(chosen)]
    if len(same) > 1:
        raise DataError(
            f"{label} has more than one {role} column: {_listed(same)}. "
            "Remove or rename all but one."
        )


def _refuse_shared(positions: Mapping[str, int], names: Sequence[str], label: str) -> None:
    role_at: dict[int, str] = {}
    for role, position in positions.items():
        if position in role_at:
            name = printable(names[position])
            raise DataError(
                f"{label}: the column '{name}' cannot be both {role_at[position]} and {role}; "
                f"name another with --{role}-column NAME. The columns are {_listed(names)}."
            )
        role_at[position] = role


def _listed(names: Sequence[str], limit: int = 12) -> str:
    shown = ", ".join(f"'{printable(name[:40])}'" for name in names[:limit])
    if len(names) > limit:
        return f"{shown} and {len(names) - limit:,} more"
    return shown


# -- sniffing: separator, header, types, times -----------------------------------------------------

#: An integer as a program writes it: "7" is one; "007", "+7" and "7.0" are not.
INTEGER = r"^(?:0|-?[1-9][0-9]{0,17})$"

EXCEL = "is an Excel workbook; save it as CSV and give that file."

_INTEGER = re.compile(INTEGER)
_DATE = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$")
_SEPARATORS = ("\t", ",", ";", "|", " ")
_SAMPLE_ROWS = 200
_TIMES_FROM = 10**8  # as seconds this is 1973; nobody plays a song as often
_MILLISECONDS_FROM = 10**11  # as seconds this is the year 5138, as milliseconds 1973
_MAGIC = {
    b"%PDF": "is a PDF document; a table in CSV or Parquet is needed.",
    b"SQLite format 3": "is an SQLite database; give it as sqlite:///FILE.",
    b"\xd0\xcf\x11\xe0": EXCEL,
    b"\xff\xfe": "is text in UTF-16; save it as UTF-8.",
    b"\xfe\xff": "is text in UTF-16; save it as UTF-8.",
}
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


@dataclass(frozen=True)
class Layout:
    """How the text of a table is laid out.

    Attributes:
        separator: "::" or one character; only one character comes with quotation marks.
        has_header: whether the first line names the columns.
        n_fields: number of fields in each row.
        positions, kind: see `Columns`.
        types: role -> type of its sampled cells.
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
        csv.Error: its quotation marks do not match.
    """
    if separator != "::" and '"' in line:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    return line.split(separator)


def refuse_what_is_no_table(head: bytes, label: str, is_whole: bool) -> None:
    """Raise a `DataError` for the bytes of a web page, a pickle and the like.

    Args:
        head: the start of the file, or all of it.
        label: the table's name in messages.
        is_whole: whether `head` is the whole file.
    """
    start = head.lstrip()[:200].lower()
    for magic, sentence in _MAGIC.items():
        if head.startswith(magic):
            raise DataError(f"{label} {sentence}")
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DataError(
            f"{label} is a web page, not a table; the download went wrong. Fetch it again."
        )
    if head.startswith(_PICKLES):
        raise DataError(
            f"{label} is a pickle. matinee does not read pickles, because opening one can run "
            "any code; save the table as CSV or Parquet."
        )
    if start.startswith(b"["):
        raise DataError(f"{label} is one JSON array; save it as JSON lines, one object per line.")
    if b"\0" in head or (not is_whole and b"\n" not in head):
        raise DataError(
            f"{label} holds binary data, not a table in CSV, TSV, Parquet or JSON lines."
        )
    if b"\r" in head and b"\n" not in head:
        raise DataError(
            f"{label} has carriage returns but no line feeds; "
            "save it with Unix or Windows line endings."
        )


def layout_of(head: str, options: ReadOptions, label: str) -> Layout:
    """The layout of a text table.

    Args:
        head: the whole lines at its start.
        options: what a person said of the columns.
        label: the table's name in messages.

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

    columns = _headerless(rows, options)
    has_header = columns is None
    if columns is None:
        columns = find_columns(rows[0], options, label, sampled)
    if has_header and len(filled) == 1:
        raise DataError(f"{label} has a header but no ratings.")
    cells = {role: sampled(position) for role, position in columns.positions.items()}
    times = [int(cell) for cell in cells.get("timestamp", []) if plain_integer(cell)]
    return Layout(
        separator=separator,
        has_header=has_header,
        n_fields=len(rows[0]),
        positions=columns.positions,
        kind=columns.kind,
        types={role: _sampled_type(role, cells[role]) for role in columns.positions},
        time_divisor=time_divisor(times),
        starts_at_once=bool(lines[0].strip()),
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


def _headerless(rows: Sequence[Sequence[str]], options: ReadOptions) -> Columns | None:
    """Columns of a table of two to four whose first line is a row, not names; else None.

    A row has two numbers, or text ids and a number in the third field, where the rating stands.
    Without a third field, or with a time there and no fourth field, there are no ratings.
    """
    first = rows[0]
    has_usual_name = any(
        column_of(first, role) is not None
        for role in ("user", "item", "rating", "count", "timestamp")
    )
    if has_usual_name or any(options.column_names.values()) or len(first) not in (2, 3, 4):
        return None
    # "3,0" is a bad rating, but it is not a name.
    is_number = [plain_number(field.strip().replace(",", ".")) for field in first]
    ends_in_time = len(first) == 3 and _are_times([row[2].strip() for row in rows if len(row) == 3])
    has_rating = len(first) > 2 and is_number[2]
    if not (sum(is_number) >= 2 or ends_in_time or has_rating):
        return None
    if len(first) == 2 or ends_in_time or options.pairs:
        positions = {"user": 0, "item": 1}
        if len(first) == 4 or ends_in_time:
            positions["timestamp"] = len(first) - 1
        return Columns(positions, "pair")
    return Columns(dict(zip(ROLES, range(len(first)), strict=False)), "rating")


def _are_times(cells: Sequence[str]) -> bool:
    """Whether all cells are dates, or numbers too large for ratings and counts."""
    return all(
        _DATE.match(cell) or (plain_integer(cell) and int(cell) >= _TIMES_FROM) for cell in cells
    )


def _sampled_type(role: str, cells: Sequence[str]) -> type[pl.DataType]:
    if role == "rating":
        return pl.Float32
    if all(plain_integer(cell) for cell in cells if cell):
        return pl.Int64
    return pl.String


def time_divisor(times: Sequence[int]) -> int:
    """1 for seconds, 1,000 for milliseconds and so on, judged by the smallest given time."""
    smallest = min((abs(time) for time in times), default=0)
    divisor = 1
    while smallest // divisor >= _MILLISECONDS_FROM:
        divisor *= 1000
    return divisor
