"""The operator's pages of the people: a list, one person, their export and deletion."""

from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypedDict

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from matinee.web.api.dependencies import Serving
from matinee.web.api.operator_data import person_export, storable_prefix
from matinee.web.db.overview import PEOPLE_SORTS, PeopleSort, PersonLine
from matinee.web.http.problems import OrjsonResponse
from matinee.web.pages.operator_access import needs_sign_in
from matinee.web.pages.posters import film_label
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import read_query

router = APIRouter(prefix="/operator/people", include_in_schema=False, dependencies=needs_sign_in)

PER_PAGE = 50
N_LATEST = 10
SHORT_ID = 8


class PeoplePageQuery(BaseModel):
    """Query of the list."""

    q: str = Field("", max_length=32)
    sort: PeopleSort = "active"
    page: int = Field(1, ge=1, le=100_000)
    told: str = ""


class ShownPerson(NamedTuple):
    """A line of the list."""

    line: PersonLine
    short_id: str
    created: str
    active: str


class PeoplePage(TypedDict):
    """Values of operator/people.html."""

    people: list[ShownPerson]
    total: int
    number: int
    n_pages: int
    search: str
    sort: PeopleSort
    sorts: tuple[PeopleSort, ...]
    query: dict[str, object]
    is_deleted: bool


class RatedFilm(NamedTuple):
    """One of the person's latest ratings."""

    label: str
    stars: float
    date: str


class PersonPage(TypedDict):
    """Values of operator/person.html and operator/delete_person.html."""

    person_id: str
    short_id: str
    created: str
    counts: dict[str, int]
    latest: list[RatedFilm]


@router.get("")
def people(request: Request, serving: Serving) -> Response:
    """The people, one page at a time."""
    query = read_query(PeoplePageQuery, request.query_params)
    found = serving.store.overview.people(
        storable_prefix(query.q), query.sort, query.page, PER_PAGE
    )
    given: dict[str, object] = {"q": query.q}
    if query.sort != "active":
        given["sort"] = query.sort
    values = PeoplePage(
        people=[
            ShownPerson(
                line,
                line.person_id[:SHORT_ID],
                minute_of(line.created_at),
                minute_of(line.active_at),
            )
            for line in found.people
        ],
        total=found.total,
        number=query.page,
        n_pages=max(1, -(-found.total // PER_PAGE)),
        search=query.q,
        sort=query.sort,
        sorts=PEOPLE_SORTS,
        query=given,
        is_deleted=query.told == "deleted",
    )
    return render(request, "operator/people.html", values)


@router.get("/{person_id}")
def person(request: Request, serving: Serving, person_id: str) -> Response:
    """One person."""
    values = _person_page(person_export(serving, person_id))
    return render(request, "operator/person.html", values)


@router.get("/{person_id}/export")
def export(serving: Serving, person_id: str) -> Response:
    """All data of a person as a JSON file."""
    response = OrjsonResponse(person_export(serving, person_id))
    name = f"matinee-{person_id[:SHORT_ID]}.json"
    response.headers["content-disposition"] = f'attachment; filename="{name}"'
    return response


@router.get("/{person_id}/delete")
def ask_to_delete(request: Request, serving: Serving, person_id: str) -> Response:
    """The question before a person is deleted."""
    values = _person_page(person_export(serving, person_id))
    return render(request, "operator/delete_person.html", values)


@router.post("/{person_id}/delete")
def delete(
    serving: Serving,
    person_id: str,
    sure: Annotated[bool, Form()] = False,
) -> Response:
    """Deletes a person, if the operator is sure."""
    found = person_export(serving, person_id)
    if not sure:
        return RedirectResponse(f"/operator/people/{found['person_id']}/delete", 303)
    serving.store.delete_person(found["person_id"])
    return RedirectResponse("/operator/people?told=deleted", 303)


def minute_of(seconds: int) -> str:
    """A time in UTC, to the minute."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def _person_page(found: dict[str, Any]) -> PersonPage:
    latest = [
        RatedFilm(
            film_label(one["title"] or one["item_id"], one["year"]),
            one["stars"],
            minute_of(one["rated_at"]),
        )
        for one in found["ratings"][:N_LATEST]
    ]
    return PersonPage(
        person_id=found["person_id"],
        short_id=found["person_id"][:SHORT_ID],
        created=minute_of(found["created_at"]),
        counts={
            name: len(found[name])
            for name in ("ratings", "watchlist", "not_interested", "not_seen", "groups")
        },
        latest=latest,
    )
