"""What people upload: ratings, a watchlist, or everything that another matinee has exported.

`import_process` calls this in a process of its own, so it takes and gives plain values.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from matinee.data.catalog import Catalog, Film
from matinee.data.kept_films import FilmMatcher, KeptFilm, kept_films
from matinee.data.personal.match_films import Import, Match, Unmatched, match_films
from matinee.data.personal.own_files import is_zip
from matinee.data.personal.watchlists import (
    Watchlist,
    WatchlistFilm,
    match_watchlist,
    watchlist_in,
)
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError

DAMAGED_EXPORT = "The file is damaged. Export everything once more."
_LONGEST_TITLE = 300

Values = dict[str, Any]
"""Values that JSON can hold."""


@dataclass(frozen=True)
class ExportLimits:
    """How much of an export is read.

    Attributes:
        films, groups: their numbers, films in each list.
        id_length, name_length: characters of an item id, and of a name.
        lists: names of the lists of films.
    """

    films: int
    groups: int
    id_length: int
    name_length: int
    lists: tuple[str, ...]


class FilmsOfModel(NamedTuple):
    """The films that a file can be about."""

    items: Vocabulary
    catalog: Catalog
    scale: Scale

    def to_json(self) -> bytes:
        """All that `from_json` needs."""
        films = [
            (item_id, one.title, one.year, one.genres, one.imdb, one.tmdb)
            for item_id, one in self.catalog.films.items()
        ]
        values = {"items": self.items.ids.tolist(), "films": films, "scale": list(self.scale)}
        return json.dumps(values).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "FilmsOfModel":
        """The films in the result of `to_json`; without their tags."""
        values = json.loads(text)
        films = {
            item_id: Film(title, year, tuple(genres), imdb, tmdb)
            for item_id, title, year, genres, imdb, tmdb in values["films"]
        }
        return cls(Vocabulary(values["items"], "item"), Catalog(films), Scale(*values["scale"]))


class OwnGroup(NamedTuple):
    """A group that the person was in."""

    name: str
    own_name: str
    link: str | None


@dataclass
class Everything:
    """What an export holds, with the ids of this server."""

    stars: dict[str, float] = field(default_factory=dict)
    rated_at: dict[str, int] = field(default_factory=dict)
    lists: dict[str, dict[str, int]] = field(default_factory=dict)
    """Name of a list -> item id -> when it was added."""
    groups: list[OwnGroup] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Titles, or ids, of films that are not here."""


@dataclass
class Upload:
    """What a file holds: ratings and a watchlist, or an export of everything."""

    ratings: Import
    watchlist: Watchlist
    everything: Everything | None = None

    def to_values(self) -> Values:
        """All that `from_values` needs."""
        found = self.ratings
        return {
            "ratings": {
                "source": found.source,
                "scale_note": found.scale_note,
                "notes": found.notes,
                "matched": [_match_values(match) for match in found.matched],
                "doubtful": [_match_values(match) for match in found.doubtful],
                "unmatched": found.unmatched,
            },
            "watchlist": [self.watchlist.films, self.watchlist.others],
            "everything": None if self.everything is None else asdict(self.everything),
        }

    @classmethod
    def from_values(cls, values: Values, catalog: Catalog) -> "Upload":
        """An upload from the result of `to_values`, with the films of a catalog."""
        ratings = dict(values["ratings"])
        for name in ("matched", "doubtful"):
            ratings[name] = [_match(fields, catalog) for fields in ratings[name]]
        ratings["unmatched"] = [Unmatched(*fields) for fields in ratings["unmatched"]]
        films, others = values["watchlist"]
        everything = values["everything"]
        if everything is not None:
            groups = [OwnGroup(*fields) for fields in everything["groups"]]
            everything = Everything(**everything | {"groups": groups})
        watchlist = Watchlist([WatchlistFilm(*fields) for fields in films], others)
        return cls(Import(**ratings), watchlist, everything)


def read_upload(
    content: bytes, name: str | None, films: FilmsOfModel, limits: ExportLimits, seconds: float
) -> Upload:
    """What a file holds.

    Args:
        name: of the file; None if only the ratings in it are wanted.
        seconds: the longest time to spend.

    Raises:
        DataError: it cannot be read.
    """
    items, catalog, scale = films
    if name is None:
        found = match_films(content, items, catalog, scale, seconds=seconds)
        return Upload(found, Watchlist([], []))
    document = _export_in(content)
    if document is not None:
        return Upload(Import("", ""), Watchlist([], []), _everything(document, films, limits))
    if name.lower().startswith("watchlist") and not is_zip(content):
        return Upload(Import("", ""), match_watchlist(content, items, catalog))
    found = match_films(content, items, catalog, scale, seconds=seconds)
    wanted, listed = Watchlist([], []), watchlist_in(content)
    if listed is not None:
        try:
            wanted = match_watchlist(listed, items, catalog)
        except DataError as error:
            found.notes.append(str(error))
    return Upload(found, wanted)


def _match_values(match: Match) -> list[object]:
    return [value for name, value in match._asdict().items() if name != "film"]


def _match(fields: list[Any], catalog: Catalog) -> Match:
    row, title, given, item_id, stars, doubt, rated_at = fields
    return Match(row, title, given, item_id, catalog[item_id], stars, doubt, rated_at)


# -- exports of everything ---------------------------------------------------------------


def _export_in(content: bytes) -> Values | None:
    """The document of an export; None if the file is something else."""
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not {"person_id", "ratings"} <= document.keys():
        return None
    return document


def _everything(document: Values, films: FilmsOfModel, limits: ExportLimits) -> Everything:
    """The content of an export; raises DataError if it is damaged."""
    try:
        return _read(document, films, limits)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(DAMAGED_EXPORT) from None


def _read(document: Values, films: FilmsOfModel, limits: ExportLimits) -> Everything:
    found, scale = Everything(), films.scale
    finder = _Finder(films, limits, found)
    for row in reversed(document["ratings"][: limits.films]):  # the latest rating comes last
        item_id, stars = finder.find(row), float(row["stars"])
        if item_id is None or not math.isfinite(stars):
            continue
        found.stars[item_id] = min(max(stars, scale.lowest), scale.highest)
        found.rated_at[item_id] = _time(row["rated_at"])
    for name in limits.lists:
        listed = found.lists.setdefault(name, {})
        for row in document.get(name, [])[: limits.films]:
            item_id = finder.find(row)
            if item_id is not None:
                listed[item_id] = _time(row["added_at"])
    for row in document.get("groups", [])[: limits.groups]:
        link = row.get("link")
        group = OwnGroup(
            str(row.get("group_name") or "")[: limits.name_length],
            str(row["name"])[: limits.name_length],
            link if isinstance(link, str) else None,
        )
        if not (f"{group.name}{group.own_name}".isprintable() and group.own_name.strip()):
            raise ValueError
        found.groups.append(group)
    return found


class _Finder:
    """Finds the films of the rows of an export."""

    def __init__(self, films: FilmsOfModel, limits: ExportLimits, found: Everything) -> None:
        self._matcher = FilmMatcher(kept_films(films.items, films.catalog))
        self._known = set(map(str, films.items.ids.tolist()))
        self._id_length, self._unknown = limits.id_length, found.unknown

    def find(self, row: Mapping[str, Any]) -> str | None:
        """The id of a row's film here; None, and noted, if it is not here."""
        given = str(row["item_id"])[: self._id_length]
        title = str(row.get("title") or "")[:_LONGEST_TITLE]
        year, tmdb = row.get("year"), row.get("tmdb")
        film = KeptFilm(
            given,
            title,
            year if isinstance(year, int) else None,
            str(row.get("imdb") or "")[:_LONGEST_TITLE],
            tmdb if isinstance(tmdb, int) else None,
        )
        item_id: str | None = given  # without a title, the id says all that is known
        if title or film.imdb:
            item_id = self._matcher.find(film)
        if item_id is None or item_id not in self._known:
            self._unknown.append(title or given)
            return None
        return item_id


def _time(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**40:
        raise ValueError
    return value
