"""The way back of "everything as JSON": ratings with their dates, marked films and groups.

The films are found by what they are, not by their ids alone, so the file of one server can be
given to another.
"""

from typing import Annotated, TypedDict

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from matinee.data.personal.own_files import MOST_BYTES
from matinee.errors import DataError
from matinee.web.api.dependencies import MaybePerson, ServerState, Serving
from matinee.web.api.responses import storable_ratings, store_ratings
from matinee.web.db.groups import FullGroupError
from matinee.web.http.problems import Problem
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import ensure_person
from matinee.web.serving.snapshot import ModelSnapshot
from matinee.web.serving.uploads import DAMAGED_EXPORT, Everything, OwnGroup

router = APIRouter(prefix="/you/import", include_in_schema=False)

MAX_UNKNOWN_SHOWN = 50


class EverythingPage(TypedDict):
    """Values of import_ratings/everything.html."""

    n_ratings: int
    n_of_lists: dict[str, int]
    groups: list[OwnGroup]
    unknown: list[str]
    n_unknown: int
    content: str
    """The file, as a value of the form."""


def review_everything(request: Request, found: Everything, content: bytes) -> Response:
    """The page that shows what is in an export, before anything is stored."""
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
    snapshot = serving.models.snapshot()
    try:
        found = (await serving.imports.read(snapshot, content, "")).everything
    except DataError:
        found = None
    if found is None:
        raise _damaged()
    return await serving.page_queue.run(_keep, request, person, serving, snapshot, found)


def _keep(
    request: Request,
    person: str | None,
    serving: ServerState,
    snapshot: ModelSnapshot,
    found: Everything,
) -> Response:
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


def _damaged() -> Problem:
    return Problem(422, "damaged-form", DAMAGED_EXPORT)
