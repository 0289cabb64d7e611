"""Group pages: friends join a group by its link and get one list for all of them.

Members see each other's names and the list, but never each other's ratings.
"""

from typing import Annotated, Literal, NamedTuple, TypedDict

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.recommendation.suggestions import Suggestion, Suggestions
from matinee.web.api.dependencies import CurrentPerson, MaybePerson, ServerState, Serving
from matinee.web.api.schemas import NameBody
from matinee.web.db.groups import MAX_MEMBERS, FullGroupError, Group, Member
from matinee.web.db.people import PersonData
from matinee.web.http.problems import Problem
from matinee.web.pages import texts
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import ensure_person
from matinee.web.serving.film_search import FilmSummary
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/together", include_in_schema=False)

LIST_LENGTH = 20
Aggregation = Literal["mean", "least-misery"]


class GroupLine(NamedTuple):
    """One of the person's groups, with the names of the other members."""

    id: str
    others: list[str]


class MemberLine(NamedTuple):
    """What the group sees of a member."""

    name: str
    is_me: bool
    has_rated: bool


class GroupsPage(TypedDict):
    """Values of groups/groups.html."""

    groups: list[GroupLine]


class JoinPage(TypedDict):
    """Values of groups/join.html."""

    key: str
    names: list[str]
    is_full: bool


class GroupFilm(FilmSummary):
    """A film on the group's list."""

    stars: float | None


class GroupPage(TypedDict):
    """Values of groups/group.html."""

    key: str
    link: str
    """The link for friends. Only its hash is stored, so this is empty if the page was opened
    without it."""
    members: list[MemberLine]
    has_rated: bool
    how: Aggregation
    genre: str
    genres: list[str]
    films: list[GroupFilm]
    note: str
    scale: Scale


@router.get("")
def groups(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """A form for a new group, and the person's groups."""
    lines = []
    if person is not None:
        for group in serving.store.groups.list_for(person):
            lines.append(GroupLine(group.id, _names_of_others(group.members, person)))
    return render(request, "groups/groups.html", GroupsPage(groups=lines))


@router.post("")
def create(
    request: Request, person: MaybePerson, serving: Serving, form: Annotated[NameBody, Form()]
) -> Response:
    """Creates a group and redirects to its page, whose address is the link for friends."""
    with ensure_person(request, person) as session:
        link = serving.store.groups.create(session.id, form.name.strip()).token
    return session.set_cookie(request, RedirectResponse(f"/together/{link}", 303))


@router.get("/{key}")
def group(
    request: Request,
    key: str,
    person: MaybePerson,
    serving: Serving,
    how: Annotated[Aggregation, Query()] = "mean",
    genre: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The list for members; a form to join for others who have the link."""
    found = _find_group(serving, person, key)
    if person is None or not _is_member(found, person):
        names = [member.name for member in found.members]
        values = JoinPage(key=key, names=names, is_full=len(names) >= MAX_MEMBERS)
        return render(request, "groups/join.html", values)
    return render(
        request,
        "groups/group.html",
        _group_page(request, serving, found, person, key, how, genre),
    )


def _group_page(
    request: Request,
    serving: ServerState,
    group: Group,
    person: str,
    key: str,
    how: Aggregation,
    genre: str,
) -> GroupPage:
    snapshot = serving.models.snapshot()
    genres = snapshot.guide.catalog.genres
    filters = Filters()
    if genre in genres:
        filters = Filters(genres=(genre,))
    people = [serving.store.load_person(member.person_id) for member in group.members]
    members = []
    for member, data in zip(group.members, people, strict=True):
        members.append(MemberLine(member.name, member.person_id == person, bool(data.ratings)))
    suggestions = snapshot.run(_recommend, snapshot, people, how, filters)
    link = ""
    if key != group.id:
        link = f"{request.url.scheme}://{request.url.netloc}/together/{key}"
    note = ""
    if len(suggestions.items) < LIST_LENGTH:
        note = suggestions.note
    return GroupPage(
        key=key,
        link=link,
        members=members,
        has_rated=any(member.is_me and member.has_rated for member in members),
        how=how,
        genre=genre,
        genres=genres,
        films=[_group_film(snapshot, item) for item in suggestions.items],
        note=note,
        scale=snapshot.guide.model.scale_,
    )


@router.post("/{key}/join")
def join(
    request: Request,
    key: str,
    person: MaybePerson,
    serving: Serving,
    form: Annotated[NameBody, Form()],
) -> Response:
    """Adds the person to a group, or changes their name in it."""
    group = _find_group(serving, person, key)
    is_member = person is not None and _is_member(group, person)
    if len(group.members) >= MAX_MEMBERS and not is_member:
        raise _full(len(group.members))
    try:
        with ensure_person(request, person) as session:
            serving.store.groups.join(group.id, session.id, form.name.strip())
    except FullGroupError:
        raise _full(MAX_MEMBERS) from None
    return session.set_cookie(request, RedirectResponse(f"/together/{key}", 303))


@router.post("/{key}/link")
def new_link(key: str, person: CurrentPerson, serving: Serving) -> Response:
    """Replaces a group's link, for one of its members; the old link stops working."""
    group = _find_group(serving, person, key)
    if not _is_member(group, person):
        raise _unknown_group()
    return RedirectResponse(f"/together/{serving.store.groups.renew_link(group.id)}", 303)


@router.post("/{key}/leave")
def leave(key: str, person: CurrentPerson, serving: Serving) -> Response:
    """Removes the person from a group."""
    group = _find_group(serving, person, key)
    serving.store.groups.leave(group.id, person)
    return RedirectResponse("/together", 303)


def _find_group(serving: ServerState, person: str | None, key: str) -> Group:
    """Finds a group by the secret in its link or, for members only, by its id.

    Raises:
        Problem: 404, there is no such group, or the person must not learn of it.
    """
    groups = serving.store.groups
    group_id = groups.find(key)
    if group_id is not None:
        return Group(group_id, groups.members(group_id))
    if person is None or not key.isprintable():  # PostgreSQL refuses NUL, even in a query
        raise _unknown_group()
    group = Group(key, groups.members(key))
    if not _is_member(group, person):
        raise _unknown_group()
    return group


def _unknown_group() -> Problem:
    return Problem(404, "no-group", texts.TOGETHER["gone"])


def _full(n_members: int) -> Problem:
    return Problem(409, "group-is-full", texts.TOGETHER["full"].format(n=n_members))


def _is_member(group: Group, person: str) -> bool:
    return any(member.person_id == person for member in group.members)


def _names_of_others(members: list[Member], person: str) -> list[str]:
    return [member.name for member in members if member.person_id != person]


def _recommend(
    snapshot: ModelSnapshot, people: list[PersonData], how: str, filters: Filters
) -> Suggestions:
    """One list for several people, without films that any of them has rated or hidden."""
    profiles = []
    hidden: list[Id] = []
    for data in people:
        profiles.append(snapshot.fold_in(data.stars(), strict=False).profile)
        hidden += snapshot.known_ids(data.not_interested)
    return snapshot.guide.recommend_group(profiles, LIST_LENGTH, filters, how=how, exclude=hidden)


def _group_film(snapshot: ModelSnapshot, item: Suggestion) -> GroupFilm:
    line = snapshot.films.summary(snapshot.index_of(item.item_id))
    return GroupFilm(**line, stars=item.stars)
