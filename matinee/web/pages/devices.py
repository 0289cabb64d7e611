"""Pages for the use of the same ratings on another device: a link that works once, shown as a QR
code too, and a recovery code for a lost browser."""

from typing import Annotated, TypedDict

import segno
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup

from matinee.web.api.dependencies import CurrentPerson, MaybePerson, ServerState, Serving
from matinee.web.db.devices import LINK_SECONDS
from matinee.web.db.transactions import Credentials
from matinee.web.http.client_limits import client_limits
from matinee.web.http.cookie_check import check_cookies, forget_check
from matinee.web.http.problems import Problem
from matinee.web.http.security import set_person_cookie
from matinee.web.pages import texts
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import person_data

router = APIRouter(prefix="/devices", include_in_schema=False)

MAX_CODE_LENGTH = 100


class DevicesPage(TypedDict):
    """Values of devices/devices.html."""

    person: str | None
    link: str
    """Shown only once; empty unless it has just been made."""
    qr: Markup
    code: str
    """Shown only once; empty unless it has just been made."""
    has_code: bool
    minutes: int
    problem: str


class DeviceLinkPage(TypedDict):
    """Values of devices/join.html."""

    code: str
    works: bool
    n_ratings: int
    """Ratings that were given on this device and are not of the same person."""


@router.get("")
def devices(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """What another device needs; a form for the recovery code."""
    return _page(request, serving, person)


@router.post("/link")
def new_link(request: Request, person: CurrentPerson, serving: Serving) -> Response:
    """Makes a link for one other device and shows it."""
    code = serving.store.devices.new_link(person)
    link = f"{request.url.scheme}://{request.url.netloc}/devices/join/{code}"
    return _page(request, serving, person, link=link)


@router.post("/code")
def new_code(request: Request, person: CurrentPerson, serving: Serving) -> Response:
    """Makes a recovery code and shows it; an earlier one stops working."""
    return _page(request, serving, person, code=serving.store.devices.new_recovery_code(person))


@router.get("/join/{code}")
def ask_to_join(request: Request, code: str, person: MaybePerson, serving: Serving) -> Response:
    """Asks whether this device shall use the ratings of the link. Opening the page does not use
    the link up, because messengers open links for a preview."""
    client_limits(request).check_codes()
    values = DeviceLinkPage(
        code=code,
        works=serving.store.devices.is_link(code),
        n_ratings=len(person_data(serving, person).ratings),
    )
    response = render(request, "devices/join.html", values)
    if not values["works"]:
        response.status_code = 404
    return response


@router.post("/join/{code}")
def join(
    request: Request,
    code: str,
    person: MaybePerson,
    serving: Serving,
    brings: Annotated[bool, Form()] = False,
) -> Response:
    """Uses a link up: this device gets the person's ratings."""
    client_limits(request).check_codes()
    check_cookies(request)
    found = serving.store.devices.use_link(code)
    if found is None:
        raise Problem(404, "no-link", texts.DEVICES["gone"])
    return _sign_in(request, serving, person, found, brings=brings)


@router.post("/recover")
def recover(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    code: Annotated[str, Form(max_length=MAX_CODE_LENGTH)] = "",
    brings: Annotated[bool, Form()] = False,
) -> Response:
    """Gives this device the ratings of the person with a recovery code."""
    client_limits(request).check_codes()
    check_cookies(request)
    found = serving.store.devices.use_recovery_code(code)
    if found is None:
        response = _page(request, serving, person, problem=texts.DEVICES["wrong_code"])
        response.status_code = 404
        return response
    return _sign_in(request, serving, person, found, brings=brings)


def _page(
    request: Request,
    serving: ServerState,
    person: str | None,
    *,
    link: str = "",
    code: str = "",
    problem: str = "",
) -> Response:
    values = DevicesPage(
        person=person,
        link=link,
        qr=qr_code(link) if link else Markup(""),
        code=code,
        has_code=person is not None and serving.store.devices.has_recovery_code(person),
        minutes=LINK_SECONDS // 60,
        problem=problem,
    )
    return render(request, "devices/devices.html", values)


def qr_code(text: str) -> Markup:
    """A QR code as SVG, dark on light in both color schemes, as cameras need it."""
    drawn = segno.make(text, error="m", micro=False)
    return Markup(drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True))


def _sign_in(
    request: Request, serving: ServerState, person: str | None, found: Credentials, *, brings: bool
) -> Response:
    """Sets the cookie; brings the ratings of this device along if that is wanted."""
    if person is not None and person != found.id and brings:
        _bring_along(serving, person, found.id)
    response = RedirectResponse("/you", 303)
    set_person_cookie(request, response, found.token)
    forget_check(response)
    return response


def _bring_along(serving: ServerState, person: str, other: str) -> None:
    """Adds a person's data to another's and deletes the first; ratings of the other win."""
    store = serving.store
    own, others = store.load_person(person), store.load_person(other)
    known = others.stars()
    new = [rating for rating in reversed(own.ratings) if rating.item_id not in known]
    stars = {rating.item_id: rating.stars for rating in new}
    store.rate_many(other, stars, {rating.item_id: rating.rated_at for rating in new})
    export = store.export(person)
    for name, films in store.lists.items():
        films.add_many(other, {row["item_id"]: row["added_at"] for row in export[name]})
    for group in store.groups.list_for(person):
        names = {member.person_id: member.name for member in group.members}
        store.groups.leave(group.id, person)
        if other not in names and len(names) > 1:
            store.groups.join(group.id, other, names[person])
    store.delete_person(person)
