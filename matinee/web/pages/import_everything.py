"""The way back of "everything as JSON": ratings with their dates, marked films and groups.

The films are found by what they are, not by their ids alone, so the file of one server can be
given to another.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypedDict

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from matinee.data.kept_films import FilmMatcher, KeptFilm, kept_films
from matinee.data.personal.own_files import MOST_BYTES
from matinee.web.api.dependencies import MaybePerson, ServerState, Serving
from matinee.web.api.responses import storable_ratings, store_ratings
from matinee.web.db.film_lists import LISTS, MAX_FILMS
from matinee.web.db.groups import MAX_GROUPS, FullGroupError
from matinee.web.db.schema import MAX_ITEM_ID_LENGTH, MAX_NAME_LENGTH
from matinee.web.http.problems import Problem
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import ensure_person
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/you/import", include_in_schema=False)

MAX_UNKNOWN_SHOWN = 50


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


class EverythingPage(TypedDict):
    """Values of import_ratings/everything.html."""

    n_ratings: int
    n_of_lists: dict[str, int]
    groups: list[OwnGroup]
    unknown: list[str]
    n_unknown: int
    content: str
    """The file, as a value of the form."""


def is_export(content: bytes) -> bool:
    """Whether a file is an export of everything."""
    return _parse(content) is not None


def review_everything(request: Request, snapshot: ModelSnapshot, content: bytes) -> Response:
    """The page that shows what is in an export, before anything is stored."""
    found = read_everything(snapshot, content)
    values = EverythingPage(
        n_ratings=len(found.stars),
        n_of_lists={name: len(films) for name, films in found.lists.items() if films},
        groups=found.groups,
        unknown=found.unknown[:MAX_UNKNOWN_SHOWN],
        n_unknown=len(found.unknown),
        content=content.decode("utf-8", "replace"),
    )
    return render(request, "import_ratings/everything.html", values)


async def _content(request: Request) -> bytes:
    """The file in the form. Read here because FastAPI allows too little of it."""
    try:
        form = await request.form(max_files=0, max_fields=2, max_part_size=MOST_BYTES)
    except HTTPException:
        raise _damaged() from None
    text = form.get("content")
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


@router.post("/everything")
async def keep_everything(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    content: Annotated[bytes, Depends(_content)],
) -> Response:
    """Stores everything in an export. Ratings in it replace those of the same films."""
    return await serving.page_queue.run(_keep, request, person, serving, content)


def _keep(request: Request, person: str | None, serving: ServerState, content: bytes) -> Response:
    snapshot = serving.models.snapshot()
    found = read_everything(snapshot, content)
    ratings = storable_ratings(snapshot, found.stars)
    with ensure_person(request, person) as session:
        store_ratings(serving.store, session.id, ratings, found.rated_at)
        for name, films in found.lists.items():
            serving.store.lists[name].add_many(session.id, films)
        for group in found.groups:
            _join(serving, session.id, group)
    return session.set_cookie(request, RedirectResponse("/you", 303))


def _join(serving: ServerState, person: str, group: OwnGroup) -> None:
    """Joins a group again, or makes one of the same name if there is none any more."""
    groups = serving.store.groups
    found = groups.find(group.link) if group.link else None
    if found is not None:
        members = {member.person_id for member in groups.members(found)}
        if person not in members:
            try:
                groups.join(found, person, group.own_name)
            except FullGroupError:
                return
    elif not any(one.name == group.name for one in groups.list_for(person)):
        groups.create(person, group.own_name, group.name)


def read_everything(snapshot: ModelSnapshot, content: bytes) -> Everything:
    """The content of an export; raises Problem, 422, if it is damaged."""
    document = _parse(content)
    if document is None:
        raise _damaged()
    try:
        return _read(snapshot, document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _damaged() from None


def _read(snapshot: ModelSnapshot, document: dict[str, Any]) -> Everything:
    found, guide = Everything(), snapshot.guide
    finder = _Finder(FilmMatcher(kept_films(guide.model.items_, guide.catalog)), snapshot, found)
    scale = guide.model.scale_
    for row in reversed(document["ratings"][:MAX_FILMS]):  # the latest rating comes last
        item_id, stars = finder.find(row), float(row["stars"])
        if item_id is None or not math.isfinite(stars):
            continue
        found.stars[item_id] = min(max(stars, scale.lowest), scale.highest)
        found.rated_at[item_id] = _time(row["rated_at"])
    for name in LISTS:
        films = found.lists.setdefault(name, {})
        for row in document.get(name, [])[:MAX_FILMS]:
            item_id = finder.find(row)
            if item_id is not None:
                films[item_id] = _time(row["added_at"])
    for row in document.get("groups", [])[:MAX_GROUPS]:
        link = row.get("link")
        group = OwnGroup(
            str(row.get("group_name") or "")[:MAX_NAME_LENGTH],
            str(row["name"])[:MAX_NAME_LENGTH],
            link if isinstance(link, str) else None,
        )
        if not (f"{group.name}{group.own_name}".isprintable() and group.own_name.strip()):
            raise ValueError
        found.groups.append(group)
    return found


class _Finder:
    """Finds the films of the rows of an export."""

    def __init__(self, matcher: FilmMatcher, snapshot: ModelSnapshot, found: Everything) -> None:
        self._matcher, self._snapshot, self._unknown = matcher, snapshot, found.unknown

    def find(self, row: dict[str, Any]) -> str | None:
        """The id of a row's film here; None, and noted, if it is not here."""
        given, title = str(row["item_id"])[:MAX_ITEM_ID_LENGTH], str(row.get("title") or "")
        year, tmdb = row.get("year"), row.get("tmdb")
        film = KeptFilm(
            given,
            title,
            year if isinstance(year, int) else None,
            str(row.get("imdb") or ""),
            tmdb if isinstance(tmdb, int) else None,
        )
        item_id: str | None = given  # without a title, the id says all that is known
        if title or film.imdb:
            item_id = self._matcher.find(film)
        if item_id is None or self._snapshot.find(item_id) is None:
            self._unknown.append(title or given)
            return None
        return item_id


def _parse(content: bytes) -> dict[str, Any] | None:
    """The document of an export; None if the file is something else."""
    if not content.lstrip().startswith(b"{"):
        return None
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict) or not {"person_id", "ratings"} <= document.keys():
        return None
    return document


def _time(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**40:
        raise ValueError
    return value


def _damaged() -> Problem:
    return Problem(422, "damaged-form", "The file is damaged. Export everything once more.")
