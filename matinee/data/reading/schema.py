"""Which column of a table holds what: by the usual names, or by the names that the options
give."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from matinee.data.reading.options import NO_COLUMN, Kind, ReadOptions
from matinee.data.reading.word_order import map_example
from matinee.errors import DataError
from matinee.text import did_you_mean, joined, printable

# -- schema: which column holds what -----------------------------------------------------

#: What the columns of a ratings table hold; counts stand where ratings would.
ROLES = ("user", "item", "rating", "timestamp")

_TITLES = (
    "title movietitle filmtitle booktitle name itemname productname primarytitle originaltitle "
    "film movie book song"
)
_ITEMS = (
    "movieid itemid item iid filmid movie film productid product bookid book songid song trackid "
    "showid parentasin asin isbn movietitle filmtitle title itemidx itemindex animeid businessid "
    "artistid gameid newsid postid artistname artist anime game trackname track articleid article "
    "recipeid recipe sku"
)
_COUNTS = (
    "count counts playcount plays playscount nplays timesplayed listens listencount clicks "
    "clickcount nclicks views viewcount visits purchases purchasecount orders quantity qty weight"
)

#: Role -> the usual names of its column, as `plain_name` writes them; the first one that a table
#: has is taken.
ALIASES = {
    # of a table of ratings
    "user": "userid user uid customerid customer viewerid viewer reviewerid reviewer memberid "
    "member accountid account personid person profileid username useridx userindex readerid reader "
    "clientid client",
    "item": _ITEMS,
    "rating": "rating ratings userrating yourrating yourated stars star score value overall grade "
    "reviewrating bookrating movierating filmrating itemrating myscore myrating",
    "count": _COUNTS,
    "timestamp": "timestamp timestampms timems timeunix eventtime time ts date datetime unixtime "
    "unixreviewtime ratedat ratingdate ratingtime createdat reviewdate reviewtime "
    "watcheddate mylastupdated dateadded",
    # of a table of items
    "item id": f"movieid itemid item iid filmid id {_ITEMS} animeid gameid artistid videoid",
    "item title": f"{_TITLES} product",
    "year": "year releaseyear startyear yearofpublication originalpublicationyear publicationyear "
    "yearpublished movieyear releasedate",
    "genres": "genres genre categories class",
    "imdb id": "imdbid imdb const tconst imdbtitleid imdburl",
    "tmdb id": "tmdbid tmdb themoviedbid",
    "tag": "tag",
    "tags": "tags",
    # of a table of users
    "age": "age",
    "gender": "gender sex",
    "occupation": "occupation",
    "zip": "zip zipcode postcode postalcode",
    # of a person's own ratings, where an item may be called by its title
    "own title": f"{_TITLES} pltitle filmname",
    "own item": "movieid itemid item productid product bookid songid sku id",
    "own rating": "yourrating myrating yourscore myscore mystars yourated userrating uservote "
    "rating10 rating100 rating ratings stars starrating star score grade vote value overall "
    "reviewrating",
    "own count": f"{_COUNTS} times",
    "own time": "watcheddate watchedat daterated ratedat ratingdate dateread lastwatched "
    "watchdate date isodate timestamp time dateadded lastupdated createdat created",
    "kind of title": "titletype type mediatype",
    "isbn": "isbn isbn13",
}

_TYPED = re.compile(r"(.+):(?:token|float)(?:_seq)?")
# More than a time of day, a year or a place in a sequence
_TIME_LIKE = re.compile(r"^(?![0-9]{1,2}:)[^0-9]{0,20}[0-9](?:[^0-9]{0,12}[0-9]){4}")
_FEW_WORDS = 12
_NUMBER_OR_STARS = re.compile(r"^[+-]?[.,]?[0-9]|^[*★⭐]")


class Columns(NamedTuple):
    """Where the columns of a ratings table are.

    Attributes:
        positions: role -> number of its column; "timestamp" may be absent, and pairs have no
            "rating".
        kind: what the column in the place of the rating holds.
        names: of all columns; empty without a header.
        given: the roles whose columns the options name.
        found: how the other columns were found, for people; empty for the usual ways.
    """

    positions: dict[str, int]
    kind: Kind
    names: tuple[str, ...] = ()
    given: frozenset[str] = frozenset()
    found: str = ""

    def name(self, role: str) -> str:
        """The name of the column of a role; without a header its number, from 1."""
        position = self.positions[role]
        return self.names[position] if self.names else str(position + 1)

    def unused(self) -> list[int]:
        """The numbers of the columns with names that have no role."""
        used = set(self.positions.values())
        return [number for number in range(len(self.names)) if number not in used]


def plain_name(name: str) -> str:
    """The name of a column as `ALIASES` writes it: lower case, letters and digits only."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def columns_of(names: Sequence[str], role: str) -> list[int]:
    """The numbers of all columns that have a usual name of a role, the most usual name
    first."""
    plain = [plain_name(name) for name in names]
    return [plain.index(alias) for alias in ALIASES[role].split() if alias in plain]


def without_types(names: Sequence[str]) -> list[str]:
    """Names of columns without the types that RecBole writes, such as `user_id:token`."""
    stripped = [name.strip() for name in names]
    typed = [_TYPED.fullmatch(name) for name in stripped if name]
    if not all(typed):
        return stripped
    return [name.rpartition(":")[0] for name in stripped]


def column_of(names: Sequence[str], role: str) -> int | None:
    """The number of the column that has the most usual name of a role; None if there is
    none."""
    return next(iter(columns_of(names, role)), None)


def find_columns(
    names: Sequence[str],
    options: ReadOptions,
    label: str,
    sampled: Callable[[int], Sequence[str]],
) -> Columns:
    """Which column of a ratings table holds what.

    A table without a rating column whose other columns hold no numbers is one of pairs. If one
    of them holds numbers, it may be a rating under an unusual name, so the options must name
    it, or say that there is none.

    Args:
        names: the columns of the table.
        options: the names that a person gave.
        label: the table's name in messages.
        sampled: some cells of a column by its number, as text.

    Raises:
        DataError: a column is missing; the message lists the columns and the option that names
            one.
    """
    stripped = without_types(names)
    kind = _kind(stripped, options)
    positions: dict[str, int] = {}
    for role in ROLES:
        if role == "rating" and kind == "pair":
            continue
        if role == "timestamp" and _is_left_out(stripped, options):
            continue
        position = _position(stripped, role, kind, options, label, sampled)
        if position is not None:
            positions[role] = position
    _refuse_shared(positions, stripped, label)
    if kind == "pair" and not options.pairs:
        _refuse_unknown_rating(stripped, positions, sampled, label)
    given = frozenset(role for role, name in options.column_names.items() if name is not None)
    return Columns(positions, kind, tuple(stripped), given)


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


def _is_left_out(names: Sequence[str], options: ReadOptions) -> bool:
    """Whether the options say that no column holds times."""
    return options.timestamp == NO_COLUMN and _named_column(names, NO_COLUMN) is None


def _position(
    names: Sequence[str],
    role: str,
    kind: Kind,
    options: ReadOptions,
    label: str,
    sampled: Callable[[int], Sequence[str]],
) -> int | None:
    """The number of the column for a role; None for timestamps that are not there."""
    given = options.column_names[role]
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
        if role == "timestamp":
            position = _time_column(names, sampled)
        if position is None and role != "timestamp":
            raise _unrecognized(names, kind, options, label)
    if position is not None:
        _refuse_repeated(role, position, names, given is not None, label)
    return position


def _unrecognized(names: Sequence[str], kind: Kind, options: ReadOptions, label: str) -> DataError:
    """The error for all columns that must be named, so that nobody has to try one by one."""
    missing = [
        role
        for role in ("user", "item")
        if options.column_names[role] is None and column_of(names, role) is None
    ]
    ways = [f"--{role}-column NAME" for role in missing]
    them = "it" if len(missing) == 1 else "them"
    rating = ""
    if kind == "pair" and not options.pairs and len(names) > 2:
        rating = ", and the ratings, if there are any, with --rating-column NAME"
    return DataError(
        f"No {joined(missing, 'and no')} column was recognized in {label}; its columns are "
        f"{_listed(names)}. Name {them} with {joined(ways)}{rating}."
    )


def _time_column(names: Sequence[str], sampled: Callable[[int], Sequence[str]]) -> int | None:
    """The first column with a usual name whose cells look like times; else the first one."""
    candidates = columns_of(names, "timestamp")
    if len(candidates) > 1:
        for position in candidates:
            filled = [cell.strip() for cell in sampled(position) if cell.strip()]
            n_times = sum(_TIME_LIKE.match(cell) is not None for cell in filled)
            if filled and 2 * n_times >= len(filled):
                return position
    return next(iter(candidates), None)


def _named_column(names: Sequence[str], given: str) -> int | None:
    if given in names:
        return names.index(given)
    lower = [name.casefold() for name in names]
    wanted = given.strip().casefold()
    if wanted in lower:
        return lower.index(wanted)
    bare = without_types([given])[0]
    if bare != given:
        return _named_column(names, bare)
    if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= len(names):
        return int(wanted) - 1
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
            f"No rating column was recognized in {label}; its columns are {_listed(names)}. "
            "Name it with --rating-column NAME, or with --count-column NAME if it holds counts; "
            "or give --pairs if there is none."
            + "".join(_about_words(names[number], sampled(number)) for number in others)
        )


def _about_words(name: str, cells: Sequence[str]) -> str:
    """A sentence on a column of few words; empty for other columns."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    words = sorted(set(filled))
    if not 2 <= len(words) <= _FEW_WORDS or 2 * len(words) > len(filled):
        return ""
    if any(_NUMBER_OR_STARS.match(word) for word in words):
        return ""
    return (
        f" The words in '{printable(name[:40])}' can be ratings, as in "
        f'--rating-column {printable(name[:40])} --map "{map_example(words)}".'
    )


def _may_be_rating(cells: Sequence[str]) -> bool:
    """Whether at least half of the cells that are not empty begin like a number, or are
    stars."""
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
    """Refuse two columns of the same name, or of the same plain name if no option named
    one."""
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
