"""API endpoints for groups of friends who choose a film together; the pages use their functions
too.

Members see each other's names, and never each other's ratings.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.concurrency import run_in_threadpool

from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.recommendation.suggestions import Suggestions
from matinee.web.api import schemas
from matinee.web.api.dependencies import CurrentPerson, ServerState, Serving, needs_person
from matinee.web.api.films import problems
from matinee.web.api.responses import Values
from matinee.web.db.groups import MAX_MEMBERS, FullGroupError, Group, Member, maker_of
from matinee.web.db.people import PersonData
from matinee.web.http.problems import OrjsonResponse, Problem
from matinee.web.serving.snapshot import ModelSnapshot
from matinee.web.settings import MAX_K, MAX_TEXT_LENGTH

router = APIRouter(prefix="/api/v1/me/groups", tags=["groups"], dependencies=needs_person)

Aggregation = Literal["mean", "least-misery"]
Key = Annotated[
    str,
    schemas.Field(
        max_length=MAX_TEXT_LENGTH,
        description="The id of a group or, to join it, the secret at the end of its link.",
        examples=["0123456789abcdef0123456789abcdef"],
    ),
]
_EXAMPLE: dict[str, JsonValue] = {
    "id": "0123456789abcdef0123456789abcdef",
    "name": "Friday films",
    "link": "https://films.example/together/b2xkIGZpbG1z",
    "members": ["Ada", "Grace"],
    "is_maker": True,
}


class GroupAnswer(BaseModel):
    """A group as a member sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    name: str
    link: str | None = Field(
        description="The link for friends; null for a group of an earlier version."
    )
    members: list[str]
    is_maker: bool = Field(description="Whether the person may renew the link.")


class GroupsAnswer(BaseModel):
    """The groups of a person, the one joined last first."""

    groups: list[GroupAnswer]


class GroupListQuery(schemas.ModelQuery):
    """Options of a group's list."""

    k: int = Field(10, ge=1, le=MAX_K, description="Length of the list.")
    how: Aggregation = Field(
        "mean", description="By the mean of the members, or by the one who likes a film least."
    )
    genre: list[schemas.Genre] = Field(
        [], max_length=30, description="Only films with at least one of these genres."
    )


@router.get("", summary="List groups", response_model=GroupsAnswer, responses=problems(401))
def my_groups(request: Request, person: CurrentPerson, serving: Serving) -> Response:
    """Lists the groups that the person is in."""
    groups = serving.store.groups.list_for(person)
    return OrjsonResponse({"groups": [_answer(request, group, person) for group in groups]})


@router.post(
    "",
    status_code=201,
    summary="Create a group",
    response_model=GroupAnswer,
    responses=problems(401),
)
def create_group(
    request: Request, body: schemas.GroupBody, person: CurrentPerson, serving: Serving
) -> Response:
    """Creates a group with the person as its first member; the link in the response is for
    friends."""
    groups = serving.store.groups
    made = groups.create(person, body.name.strip(), body.group_name.strip())
    return OrjsonResponse(_answer(request, own_group(serving, person, made.id), person), 201)


@router.get(
    "/{key}", summary="Get a group", response_model=GroupAnswer, responses=problems(401, 404)
)
def get_group(request: Request, key: Key, person: CurrentPerson, serving: Serving) -> Response:
    """Gets a group that the person is in."""
    return OrjsonResponse(_answer(request, own_group(serving, person, key), person))


@router.put(
    "/{key}",
    summary="Join a group",
    response_model=GroupAnswer,
    responses=problems(401, 404, 409),
)
def join_group(
    request: Request, key: Key, body: schemas.NameBody, person: CurrentPerson, serving: Serving
) -> Response:
    """Joins a group by the secret in its link, or changes the person's name in it."""
    group = find_group(serving, person, key)
    add_member(serving, group, person, body.name.strip())
    return OrjsonResponse(_answer(request, own_group(serving, person, group.id), person))


@router.delete("/{key}", summary="Leave a group", status_code=204, responses=problems(401, 404))
def leave_group(key: Key, person: CurrentPerson, serving: Serving) -> Response:
    """Removes the person from a group; the last member takes the group along."""
    serving.store.groups.leave(own_group(serving, person, key).id, person)
    return Response(status_code=204)


@router.get(
    "/{key}/recommendations",
    summary="Recommend films to a group",
    response_model=schemas.ListAnswer,
    responses=problems(401, 404, 409),
)
async def group_recommendations(
    key: Key, person: CurrentPerson, serving: Serving, query: Annotated[GroupListQuery, Query()]
) -> Response:
    """Recommends films to all members of a group, without those that a member has rated, hidden
    or vetoed."""
    snapshot = serving.models.snapshot(query.model)
    people, vetoed = await run_in_threadpool(_load, serving, person, key)
    arguments = people, query.k, query.how, Filters(genres=tuple(query.genre)), vetoed
    ratings = sum(len(data.ratings) for data in people)
    answer = await snapshot.run_async(
        _recommend, snapshot, *arguments, lists=len(people), ratings=ratings
    )
    return OrjsonResponse(answer)


def _load(serving: ServerState, person: str, key: str) -> tuple[list[PersonData], list[str]]:
    group = own_group(serving, person, key)
    people = [serving.store.load_person(member.person_id) for member in group.members]
    return people, vetoed_films(serving, group)


def _recommend(
    snapshot: ModelSnapshot,
    people: Sequence[PersonData],
    k: int,
    how: str,
    filters: Filters,
    vetoed: Sequence[str],
) -> Values:
    found = recommend_together(snapshot, people, k, how, filters, vetoed)
    items: list[dict[str, Any]] = [
        item.to_dict() | {"deviation": None, "explanation": None} for item in found.items
    ]
    provenance = {"unknown": [], "model": snapshot.name, "version": snapshot.version}
    return {"items": items, "note": found.note} | provenance


def _answer(request: Request, group: Group, person: str) -> Values:
    """See `GroupAnswer`."""
    return {
        "id": group.id,
        "name": group.name,
        "link": group_link(request, group) or None,
        "members": member_names(group.members),
        "is_maker": maker_of(group) == person,
    }


# -- shared with the pages ---------------------------------------------------------------


def find_group(serving: ServerState, person: str | None, key: str) -> Group:
    """Finds a group by the secret in its link or, for members only, by its id.

    Raises:
        Problem: 404, there is no such group, or the person must not learn of it.
    """
    if not key.isprintable():  # PostgreSQL refuses NUL, even in a query
        raise _unknown_group()
    groups = serving.store.groups
    invited_to = groups.find(key)
    group = groups.load(invited_to or key)
    if group is None:
        raise _unknown_group()
    if invited_to is None and (person is None or not is_member(group, person)):
        raise _unknown_group()
    return group


def own_group(serving: ServerState, person: str, key: str) -> Group:
    """A group that the person is in; raises Problem, 404, for others."""
    group = find_group(serving, person, key)
    if not is_member(group, person):
        raise _unknown_group()
    return group


def add_member(serving: ServerState, group: Group, person: str, name: str) -> None:
    """Adds a person to a group, or changes their name; raises Problem, 409, if it is full."""
    try:
        serving.store.groups.join(group.id, person, name)
    except FullGroupError as error:
        raise Problem(409, "group-is-full", str(error)) from None


def check_room(group: Group) -> None:
    """Raises Problem, 409, if a group has the maximum number of members."""
    if len(group.members) >= MAX_MEMBERS:
        detail = f"This group is full: it has {len(group.members)} members."
        raise Problem(409, "group-is-full", detail)


def is_member(group: Group, person: str) -> bool:
    """Whether a person is in a group."""
    return any(member.person_id == person for member in group.members)


def member_names(members: Sequence[Member]) -> list[str]:
    """The names of members; those who have the same name get numbers."""
    names: list[str] = []
    counts: dict[str, int] = {}
    for member in members:
        key = member.name.casefold()
        counts[key] = counts.get(key, 0) + 1
        name = member.name
        if counts[key] > 1:
            name = f"{name} ({counts[key]})"
        names.append(name)
    return names


def group_link(request: Request, group: Group) -> str:
    """The link for friends; empty for a group of an earlier version."""
    if not group.link:
        return ""
    return f"{request.url.scheme}://{request.url.netloc}/together/{group.link}"


def vetoed_films(serving: ServerState, group: Group) -> list[str]:
    """The ids of the films that a member does not want."""
    marks = serving.store.groups.marks(group.id)
    return list(dict.fromkeys(mark.item_id for mark in marks if mark.kind == "veto"))


def recommend_together(
    snapshot: ModelSnapshot,
    people: Sequence[PersonData],
    k: int,
    how: str,
    filters: Filters,
    vetoed: Sequence[str],
) -> Suggestions:
    """One list for several people, without films that any of them has rated, hidden or vetoed."""
    profiles = []
    left_out: list[Id] = snapshot.known_ids(vetoed)
    for data in people:
        profiles.append(snapshot.fold_in(data.stars(), strict=False).profile)
        left_out += snapshot.known_ids(data.not_interested)
    return snapshot.guide.recommend_group(profiles, k, filters, how=how, exclude=left_out)


def _unknown_group() -> Problem:
    detail = "There is no group at this address. Ask for a new link, or make a group."
    return Problem(404, "no-group", detail)
