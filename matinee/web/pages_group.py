"""The pages on which friends find something for all of them: a link that brings them together, and one list.

Who is in a group sees the names of the others, and films; never what another has rated.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from matinee.recommendation.filters import Filters
from matinee.web import texts
from matinee.web.access import CurrentPerson, MaybePerson, Served, Serving
from matinee.web.groups import MOST_MEMBERS, FullGroupError, Member
from matinee.web.live import Snapshot
from matinee.web.pages_base import page
from matinee.web.pages_visitor import newcomer
from matinee.web.pages_you import stars_of
from matinee.web.problems import Problem
from matinee.web.security import give_cookie
from matinee.web.shapes import NameBody

router = APIRouter(prefix="/together", include_in_schema=False)

K = 20
How = Literal["mean", "least-misery"]


@router.get("")
def groups(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """What groups are for, a form for a new one, and those that somebody is in."""
    mine = [
        (found.id, [one.name for one in found.members if one.person_id != person])
        for found in (serving.store.groups.of(person) if person else [])
    ]
    return page(request, "together.html", groups=mine)


@router.post("")
def make(request: Request, person: MaybePerson, serving: Serving, form: Annotated[NameBody, Form()]) -> Response:
    """A new group; its address is the link for friends."""
    token = None
    if person is None:
        person, token = newcomer(request)
    link = serving.store.groups.create(person, form.name.strip()).token
    answer = RedirectResponse(f"/together/{link}", 303)
    if token:
        give_cookie(request, answer, token)
    return answer


@router.get("/{key}")
def group(
    request: Request,
    key: str,
    person: MaybePerson,
    serving: Serving,
    how: Annotated[How, Query()] = "mean",
    genre: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """A group's list, for who is in it; for others the way in, if they have the link."""
    group_id, members = _group(serving, person, key)
    link = f"{request.url.scheme}://{request.url.netloc}/together/{key}" if key != group_id else ""
    others = [one.name for one in members if one.person_id != person]
    if all(one.person_id != person for one in members):
        return page(request, "together_join.html", key=key, names=others, is_full=len(members) >= MOST_MEMBERS)
    snapshot = serving.models.snapshot()
    genres = snapshot.guide.catalog.genres
    filters = Filters(genres=(genre,) if genre in genres else ())
    kept = [serving.store.kept(one.person_id) for one in members]
    people = [(one.name, one.person_id == person, bool(of.ratings)) for one, of in zip(members, kept, strict=True)]
    found = snapshot.run(_list, snapshot, kept, how, filters)
    return page(
        request, "together_group.html", key=key, link=link, people=people, how=how, genre=genre, genres=genres,
        scale=snapshot.guide.model.scale_, rated=any(is_me and rated for _, is_me, rated in people), **found,
    )  # fmt: skip


@router.post("/{key}/join")
def join(
    request: Request, key: str, person: MaybePerson, serving: Serving, form: Annotated[NameBody, Form()]
) -> Response:
    """Joins a group by its link, or changes one's name in it."""
    group_id, members = _group(serving, person, key)
    if len(members) >= MOST_MEMBERS and all(one.person_id != person for one in members):
        raise Problem(409, "group-is-full", texts.TOGETHER["full"].format(n=len(members)))
    token = None
    if person is None:
        person, token = newcomer(request)
    try:
        serving.store.groups.join(group_id, person, form.name.strip())
    except Exception as error:
        if token:
            serving.store.forget(person)  # who has nothing here is nobody
        if isinstance(error, FullGroupError):
            raise Problem(409, "group-is-full", texts.TOGETHER["full"].format(n=MOST_MEMBERS)) from None
        raise
    answer = RedirectResponse(f"/together/{key}", 303)
    if token:
        give_cookie(request, answer, token)
    return answer


@router.post("/{key}/link")
def new_link(key: str, person: CurrentPerson, serving: Serving) -> Response:
    """Another link, made by somebody who is in the group; the old one ends."""
    group_id, members = _group(serving, person, key)
    if all(one.person_id != person for one in members):
        raise Problem(404, "no-group", texts.TOGETHER["gone"])
    return RedirectResponse(f"/together/{serving.store.groups.renew_link(group_id)}", 303)


@router.post("/{key}/leave")
def leave(key: str, person: CurrentPerson, serving: Serving) -> Response:
    """Leaves a group."""
    group_id, _ = _group(serving, person, key)
    serving.store.groups.leave(group_id, person)
    return RedirectResponse("/together", 303)


def _group(serving: Served, person: str | None, key: str) -> tuple[str, list[Member]]:
    """A group and who is in it, by the secret of its link, or, for who is in it, by its id.

    Raises:
        Problem: 404, there is none, or it is not theirs to know.
    """
    groups = serving.store.groups
    group_id = groups.find(key)
    if group_id is not None:
        return group_id, groups.members(group_id)
    members = groups.members(key) if key.isprintable() else []  # PostgreSQL takes no NUL, not even in a question
    if person is None or all(one.person_id != person for one in members):
        raise Problem(404, "no-group", texts.TOGETHER["gone"])
    return key, members


def _list(snapshot: Snapshot, kept: list[Any], how: str, filters: Filters) -> dict[str, Any]:
    """One list for people, without what any of them has rated or is not interested in."""
    people = []
    for one in kept:
        profile = snapshot.fold_in(stars_of(one), strict=False).profile
        people.append(snapshot.without(profile, one.not_interested, include_rated=False))
    found = snapshot.guide.recommend_group(people, K, filters, how=how)
    films = [item.to_dict() | {"members": None} for item in found.items]
    return {"films": films, "note": found.note if len(films) < K else ""}
