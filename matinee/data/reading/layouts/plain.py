"""Tables without a header whose content says which data set they come from.

Steam-200k: user, game, "purchase" or "play", hours (1 for a purchase), 0.

    15160,"The Example Game",purchase,1.0,0
    15160,"The Example Game",play,273.0,0

Last.fm 360K: the code of a user, the code of an artist, the artist's name, and plays.

    0f3a...(40 letters)<TAB>7c1d2e90-...<TAB>the example band<TAB>2137

Last.fm 1K: user, time, code and name of the artist, code and name of the track; each row is a play.

    user_000001<TAB>2009-05-04T23:08:57Z<TAB>7c1d...<TAB>the example band<TAB><TAB>a song
"""

from collections.abc import Sequence
from typing import NamedTuple

from matinee.data.reading.options import Kind


class PlainLayout(NamedTuple):
    """Where the columns of a table without a header are."""

    name: str
    positions: dict[str, int]
    kind: Kind
    note: str


_STEAM = PlainLayout(
    "Steam-200k",
    {"user": 0, "item": 1, "rating": 3},
    "count",
    "Layout of Steam-200k: columns read as user, item, event, hours; a purchase counts 1, and "
    "the hours of play are added to it.",
)
_LASTFM = PlainLayout(
    "Last.fm 360K",
    {"user": 0, "item": 2, "rating": 3},
    "count",
    "Layout of Last.fm 360K: columns read as user, code of the artist (not used), artist, plays.",
)
_LASTFM_PLAYS = PlainLayout(
    "Last.fm 1K",
    {"user": 0, "item": 3, "timestamp": 1},
    "pair",
    "Layout of Last.fm 1K: columns read as user, time, code of the artist (not used), artist, "
    "and the track (not used); each row is one play.",
)
_EVENTS = {"purchase", "play"}


def plain_layout(rows: Sequence[Sequence[str]]) -> PlainLayout | None:
    """The well-known data set that rows come from; None if they come from none."""
    n_fields = len(rows[0])
    whole = [[cell.strip() for cell in row] for row in rows if len(row) == n_fields]
    if n_fields in (4, 5) and all(row[2] in _EVENTS for row in whole):
        return _STEAM
    if n_fields == 4 and all(_is_play(row) for row in whole):
        return _LASTFM
    if n_fields == 6 and all(_is_moment(row[1]) and not _is_number(row[0]) for row in whole):
        return _LASTFM_PLAYS
    return None


def _is_play(row: Sequence[str]) -> bool:
    """Whether a row is a long code, another or none, a name, and a whole number."""
    user, artist, name, plays = row
    return (
        len(user) >= 32
        and user.isalnum()
        and (not artist or len(artist) >= 32)
        and not _is_number(name)
        and plays.isascii()
        and plays.isdigit()
    )


def _is_moment(cell: str) -> bool:
    return len(cell) >= 19 and cell[4:5] == "-" and cell[10:11] == "T"


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).isdigit()
