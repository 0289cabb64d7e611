"""Ratings from another site's file: read, looked at by whoever brings them, and only then kept.

Between the two nothing is kept here: the page that is looked at holds in its form what the file said.
"""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from matinee.data.personal.match_films import Match, match_films
from matinee.data.personal.site_exports import MOST_BYTES
from matinee.errors import DataError
from matinee.web import texts
from matinee.web.access import MaybePerson, Served, Serving
from matinee.web.api_people import keep_ratings
from matinee.web.pages_base import page
from matinee.web.pages_visitor import newcomer
from matinee.web.pages_you import kept_of
from matinee.web.problems import Problem
from matinee.web.security import give_cookie
from matinee.web.store import MOST_RATINGS

router = APIRouter(prefix="/you/import", include_in_schema=False)

MOST_SHOWN = 500
"""Lines of each kind on the page; more are only counted."""


@router.get("")
def ask_for_file(request: Request) -> Response:
    """The form, and where the files come from."""
    return page(request, "import.html", problem="")


@router.post("")
async def review(
    request: Request, person: MaybePerson, serving: Serving, file: Annotated[UploadFile | None, File()] = None
) -> Response:
    """What a file says, and what of it is certain, doubtful and not known; nothing is kept."""
    return await serving.long_pages.run(_review, request, person, serving, file)


def _review(request: Request, person: str | None, serving: Served, file: UploadFile | None) -> Response:
    content = file.file.read(MOST_BYTES + 1) if file is not None else b""
    if not content:
        return _refused(request, texts.IMPORT["no_file"])
    snapshot = serving.models.snapshot()
    try:
        model, catalog = snapshot.guide.model, snapshot.guide.catalog
        found = snapshot.run(match_films, content, model.items_, catalog, model.scale_)
    except DataError as error:
        return _refused(request, str(error))
    before = kept_of(serving, person).stars()
    shown = {"matched": found.matched[:MOST_SHOWN], "unmatched": found.unmatched[:MOST_SHOWN]}
    doubtful = [(one, str(one.item_id) in before) for one in found.doubtful]
    n_replaced = sum(str(one.item_id) in before for one in found.matched)
    return page(
        request,
        "import_review.html",
        found=found,
        doubtful=doubtful,
        n_replaced=n_replaced,
        sure=_packed(found.matched),
        packed=lambda match: _packed([match]),
        scale=snapshot.guide.model.scale_,
        **shown,
    )


async def _chosen(request: Request) -> list[str]:
    """The fields of the form, read here because there may be more doubtful films than forms have fields by default."""
    try:
        form = await request.form(max_files=0, max_fields=MOST_RATINGS + 1, max_part_size=MOST_BYTES)
    except HTTPException:
        detail = (
            f"The form was damaged on its way, or holds more than {MOST_RATINGS:,} films, the most that one can keep."
        )
        raise Problem(422, "damaged-form", detail) from None
    return [text for text in (form.get("sure"), *form.getlist("doubtful")) if isinstance(text, str)]


@router.post("/keep")
def keep(
    request: Request, person: MaybePerson, serving: Serving, chosen: Annotated[list[str], Depends(_chosen)]
) -> Response:
    """Keeps what was looked at, all or nothing; somebody new is made for it."""
    stars: dict[Any, float] = {}
    for one in chosen:
        stars |= dict(_pairs(one))
    if not stars:
        return _refused(request, texts.IMPORT["nothing"])
    answer = RedirectResponse("/you", 303)
    if person is not None:
        keep_ratings(serving, person, stars)
        return answer
    made = newcomer(request)
    try:
        keep_ratings(serving, made.id, stars)
    except Exception:
        serving.store.forget(made.id)  # who has nothing here is nobody
        raise
    give_cookie(request, answer, made.token)
    return answer


def _refused(request: Request, problem: str) -> Response:
    answer = page(request, "import.html", problem=problem)
    answer.status_code = 422
    return answer


def _packed(matches: list[Match]) -> str:
    return orjson.dumps([[one.item_id, one.stars] for one in matches]).decode()


def _pairs(text: str) -> list[tuple[Any, float]]:
    """What `_packed` wrote, after a browser has had it: it may have become anything."""
    try:
        pairs = orjson.loads(text)
        return [(_id(item_id), float(stars)) for item_id, stars in pairs]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise Problem(422, "damaged-form", "The form was damaged on its way; give the file once more.") from None


def _id(value: Any) -> int | str:
    if not isinstance(value, int | str):
        raise TypeError
    return value
