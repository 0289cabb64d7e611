"""Group pages: friends join a group by its link and get one list for all of them.

Members see each other's names and what each would probably give the films on the list, but never
each other's ratings. The person who made a group renews its link and removes members.
"""

import hashlib
from typing import Annotated, Literal, NamedTuple, TypedDict

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.recommendation.filters import Filters
from matinee.web.api.dependencies import CurrentPerson, MaybePerson, ServerState, Serving
from matinee.web.api.groups import (
    Aggregation,
    add_member,
    check_room,
    find_group,
    group_link,
    is_member,
    member_names,
    own_group,
    recommend_together,
    vetoed_films,
)
from matinee.web.api.responses import storable_id
from matinee.web.api.schemas import GroupBody, NameBody
from matinee.web.db.groups import MAX_MEMBERS, Group, Member, maker_of
from matinee.web.db.people import PersonData
from matinee.web.http.problems import Problem
from matinee.web.pages import texts
from matinee.web.pages.group_list import GroupFilm, group_films
from matinee.web.pages.rendering import render, with_query
from matinee.web.pages.visitor import FilmId, ensure_person

router = APIRouter(prefix="/together", include_in_schema=False)

LIST_LENGTH = 20
Action = Literal["link", "remove", "leave"]


class GroupLine(NamedTuple):
    """One of the person's groups, with the names of the other members."""

    id: str
    name: str
    others: list[str]


class MemberLine(NamedTuple):
    """What the group sees of a member."""

    name: str
    handle: str
    """Stands for the member in forms; leads nobody to the person."""
    is_me: bool
    is_maker: bool
    has_rated: bool


class GroupsPage(TypedDict):
    """Values of groups/groups.html."""

    groups: list[GroupLine]


class JoinPage(TypedDict):
    """Values of groups/join.html."""

    key: str
    name: str
    names: list[str]
    is_full: bool


class GroupPage(TypedDict):
    """Values of groups/group.html."""

    key: str
    name: str
    link: str
    """The link for friends; empty for a group of an earlier version until it is renewed."""
    members: list[MemberLine]
    is_maker: bool
    has_rated: bool
    how: Aggregation
    genre: str
    genres: list[str]
    films: list[GroupFilm]
    vetoed: list[GroupFilm]
    note: str
    scale: Scale
    back: str


class AskPage(TypedDict):
    """Values of groups/ask.html."""

    key: str
    action: Action
    member: str
    name: str
    """Of the member to remove, or of the group."""


class MarkForm(BaseModel):
    """A film of the group's list and what the member says about it; nothing removes the mark."""

    item_id: FilmId
    kind: Literal["seen", "veto", ""] = ""
    how: Aggregation = "mean"
    genre: str = Field("", max_length=100)


@router.get("")
def groups(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """A form for a new group, and the person's groups."""
    lines = []
    if person is not None:
        for group in serving.store.groups.list_for(person):
            names = member_names(group.members)
            others = [
                name
                for name, member in zip(names, group.members, strict=True)
                if member.person_id != person
            ]
            lines.append(GroupLine(group.id, group.name, others))
    return render(request, "groups/groups.html", GroupsPage(groups=lines))


@router.post("")
def create(
    request: Request, person: MaybePerson, serving: Serving, form: Annotated[GroupBody, Form()]
) -> Response:
    """Creates a group and redirects to its page, whose address is the link for friends."""
    name = form.name.strip()
    group_name = form.group_name.strip() or texts.TOGETHER["group_of"].format(name=name)[:40]
    with ensure_person(request, person) as session:
        link = serving.store.groups.create(session.id, name, group_name).token
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
    found = find_group(serving, person, key)
    if person is None or not is_member(found, person):
        names = member_names(found.members)
        is_full = len(names) >= MAX_MEMBERS
        values = JoinPage(key=key, name=found.name, names=names, is_full=is_full)
        return render(request, "groups/join.html", values)
    values_of_group = _group_page(request, serving, found, person, how, genre)
    return render(request, "groups/group.html", values_of_group)


def _group_page(
    request: Request,
    serving: ServerState,
    group: Group,
    person: str,
    how: Aggregation,
    genre: str,
) -> GroupPage:
    snapshot = serving.models.snapshot()
    genres = snapshot.guide.catalog.genres
    filters = Filters()
    if genre in genres:
        filters = Filters(genres=(genre,))
    people = [serving.store.load_person(member.person_id) for member in group.members]
    members = _member_lines(group, people, person)
    marks = serving.store.groups.marks(group.id)
    vetoed = vetoed_films(serving, group)
    arguments = people, LIST_LENGTH, how, filters, vetoed
    suggestions = snapshot.run(recommend_together, snapshot, *arguments)
    listed = {item.item_id: item.stars for item in suggestions.items}
    names = {
        member.person_id: line.name for member, line in zip(group.members, members, strict=True)
    }
    cards = request.app.state.film_cards.of(snapshot)

    def films_of(item_ids: dict[Id, float | None]) -> list[GroupFilm]:
        return snapshot.run(group_films, cards, item_ids, people, names, marks, person)

    note = ""
    if len(suggestions.items) < LIST_LENGTH:
        note = suggestions.note
    return GroupPage(
        key=group.id,
        name=group.name,
        link=group_link(request, group),
        members=members,
        is_maker=maker_of(group) == person,
        has_rated=any(member.is_me and member.has_rated for member in members),
        how=how,
        genre=genre,
        genres=genres,
        films=films_of(listed),
        vetoed=films_of(dict.fromkeys(snapshot.known_ids(vetoed))),
        note=note,
        scale=snapshot.guide.model.scale_,
        back=with_query(f"/together/{group.id}", how=how if how != "mean" else "", genre=genre),
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
    group = find_group(serving, person, key)
    if person is None or not is_member(group, person):
        check_room(group)  # before a person is created
    with ensure_person(request, person) as session:
        add_member(serving, group, session.id, form.name.strip())
    return session.set_cookie(request, RedirectResponse(f"/together/{key}", 303))


@router.post("/{key}/mark")
def mark(
    key: str, person: CurrentPerson, serving: Serving, form: Annotated[MarkForm, Form()]
) -> Response:
    """Says that the person has seen a film, or does not want to watch it with the group."""
    group = own_group(serving, person, key)
    item_id = storable_id(serving.models.snapshot().item_id(form.item_id))
    serving.store.groups.mark(group.id, person, item_id, form.kind)
    how = "" if form.how == "mean" else form.how
    return RedirectResponse(with_query(f"/together/{group.id}", how=how, genre=form.genre), 303)


# -- what is asked before it is done -----------------------------------------------------


@router.get("/{key}/ask/{action}")
def ask(
    request: Request,
    key: str,
    action: Action,
    person: CurrentPerson,
    serving: Serving,
    member: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Asks before the link is renewed, a member is removed, or the person leaves."""
    group = own_group(serving, person, key)
    name = group.name or texts.TOGETHER["unnamed"]
    if action != "leave":
        _refuse_others(group, person)
    if action == "remove":
        name = member_names(group.members)[group.members.index(_member(group, member))]
    values = AskPage(key=group.id, action=action, member=member, name=name)
    return render(request, "groups/ask.html", values)


@router.post("/{key}/link")
def new_link(
    key: str, person: CurrentPerson, serving: Serving, sure: Annotated[bool, Form()] = False
) -> Response:
    """Replaces a group's link, for the person who made the group; the old link stops working."""
    group = own_group(serving, person, key)
    _refuse_others(group, person)
    if not sure:
        return RedirectResponse(f"/together/{group.id}/ask/link", 303)
    serving.store.groups.renew_link(group.id)
    return RedirectResponse(f"/together/{group.id}", 303)


@router.post("/{key}/remove")
def remove(
    key: str,
    person: CurrentPerson,
    serving: Serving,
    member: Annotated[str, Form(max_length=64)],
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Removes a member, for the person who made the group."""
    group = own_group(serving, person, key)
    _refuse_others(group, person)
    found = _member(group, member)
    if not sure:
        return RedirectResponse(f"/together/{group.id}/ask/remove?member={member}", 303)
    serving.store.groups.leave(group.id, found.person_id)
    return RedirectResponse(f"/together/{group.id}", 303)


@router.post("/{key}/leave")
def leave(
    key: str, person: CurrentPerson, serving: Serving, sure: Annotated[bool, Form()] = False
) -> Response:
    """Removes the person from a group."""
    group = own_group(serving, person, key)
    if not sure:
        return RedirectResponse(f"/together/{group.id}/ask/leave", 303)
    serving.store.groups.leave(group.id, person)
    return RedirectResponse("/together", 303)


# -- groups and members ------------------------------------------------------------------


def _refuse_others(group: Group, person: str) -> None:
    """Raises Problem, 403, unless the person made the group."""
    if maker_of(group) != person:
        raise Problem(403, "not-the-maker", texts.TOGETHER["only_maker"])


def _handle(group: Group, member: Member) -> str:
    return hashlib.sha256(f"{group.id} {member.person_id}".encode()).hexdigest()[:24]


def _member(group: Group, handle: str) -> Member:
    """The member with a handle; raises Problem, 404, if there is none."""
    for member in group.members:
        if _handle(group, member) == handle:
            return member
    raise Problem(404, "no-member", texts.TOGETHER["no_member"])


def _member_lines(group: Group, people: list[PersonData], person: str) -> list[MemberLine]:
    maker = maker_of(group)
    return [
        MemberLine(
            name,
            _handle(group, member),
            member.person_id == person,
            member.person_id == maker,
            bool(data.ratings),
        )
        for name, member, data in zip(
            member_names(group.members), group.members, people, strict=True
        )
    ]
