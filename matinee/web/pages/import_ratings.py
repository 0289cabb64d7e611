"""Import: ratings from another site's file are read, reviewed by the person, and only then
stored.

Nothing is stored in between: the form on the review page holds what the file said.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypedDict

import orjson
from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from matinee.data.personal.match_films import Import, Match, Unmatched, match_films
from matinee.data.personal.own_files import MOST_BYTES
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.errors import DataError
from matinee.web.api.dependencies import MaybePerson, Served, Serving
from matinee.web.api.responses import keep_ratings, storable_ratings
from matinee.web.db.people import MOST_RATINGS
from matinee.web.http.problems import Problem
from matinee.web.pages import texts
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import kept_of, person_or_newcomer

router = APIRouter(prefix="/you/import", include_in_schema=False)

MAX_SHOWN = 500
"""Rows of each kind on the review page; further ones are only counted."""


class ImportPage(TypedDict):
    """Values of import_ratings/upload.html."""

    problem: str
    """What was wrong with the file before; empty at first."""


class Doubtful(NamedTuple):
    """A row whose film is not certain."""

    match: Match
    is_rated: bool
    """Whether the person has rated the film already."""


class ReviewPage(TypedDict):
    """Values of import_ratings/review.html."""

    found: Import
    matched: list[Match]
    doubtful: list[Doubtful]
    unmatched: list[Unmatched]
    n_replaced: int
    """Certain rows about films that the person has rated already."""
    sure: str
    """The certain rows, for the form."""
    packed: Callable[[Match], str]
    """One doubtful row, for the form."""
    scale: Scale


@router.get("")
def ask_for_file(request: Request) -> Response:
    """The form, and where to get the files."""
    return render(request, "import_ratings/upload.html", ImportPage(problem=""))


@router.post("")
async def review(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """The ratings in a file: certain, doubtful and unknown films. Nothing is stored."""
    return await serving.long_pages.run(_review, request, person, serving, file)


def _review(
    request: Request, person: str | None, serving: Served, file: UploadFile | None
) -> Response:
    content = b""
    if file is not None:
        content = file.file.read(MOST_BYTES + 1)
    if not content:
        return _refusal(request, texts.IMPORT["no_file"])
    snapshot = serving.models.snapshot()
    try:
        model, catalog = snapshot.guide.model, snapshot.guide.catalog
        found = snapshot.run(match_films, content, model.items_, catalog, model.scale_)
    except DataError as error:
        return _refusal(request, str(error))
    rated = kept_of(serving, person).stars()
    values = ReviewPage(
        found=found,
        matched=found.matched[:MAX_SHOWN],
        doubtful=[Doubtful(match, str(match.item_id) in rated) for match in found.doubtful],
        unmatched=found.unmatched[:MAX_SHOWN],
        n_replaced=sum(str(match.item_id) in rated for match in found.matched),
        sure=_packed(found.matched),
        packed=lambda match: _packed([match]),
        scale=snapshot.guide.model.scale_,
    )
    return render(request, "import_ratings/review.html", values)


async def _chosen(request: Request) -> list[str]:
    """The fields of the form; read here because FastAPI's own limit on fields is too low for
    it."""
    try:
        form = await request.form(
            max_files=0, max_fields=MOST_RATINGS + 1, max_part_size=MOST_BYTES
        )
    except HTTPException:
        detail = (
            f"The form was damaged on its way, or holds more than {MOST_RATINGS:,} films, the "
            "most that one can keep."
        )
        raise Problem(422, "damaged-form", detail) from None
    fields = [form.get("sure"), *form.getlist("doubtful")]
    return [text for text in fields if isinstance(text, str)]


@router.post("/keep")
def keep(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    chosen: Annotated[list[str], Depends(_chosen)],
) -> Response:
    """Stores the reviewed ratings, all or none, for the person or a new one."""
    lines = [line for text in chosen for line in _unpacked(text)]
    if not lines:
        return _refusal(request, texts.IMPORT["nothing"])
    stars = {line.item_id: line.stars for line in lines}
    ratings = storable_ratings(serving.models.snapshot(), stars)
    rated_at = {str(line.item_id): line.rated_at for line in lines if line.rated_at is not None}
    with person_or_newcomer(request, person) as writer:
        keep_ratings(serving.store, writer.id, ratings, rated_at)
    return writer.remember(request, RedirectResponse("/you", 303))


def _refusal(request: Request, problem: str) -> Response:
    response = render(request, "import_ratings/upload.html", ImportPage(problem=problem))
    response.status_code = 422
    return response


class _Line(NamedTuple):
    """A rating in the form of the review page."""

    item_id: Id
    stars: float
    rated_at: int | None


def _packed(matches: list[Match]) -> str:
    lines: list[list[Any]] = []
    for match in matches:
        line = [match.item_id, match.stars]
        if match.rated_at is not None:
            line.append(match.rated_at)
        lines.append(line)
    return orjson.dumps(lines).decode()


def _unpacked(text: str) -> list[_Line]:
    """What `_packed` wrote; a browser may have turned it into anything."""
    try:
        return [_line(*fields) for fields in orjson.loads(text)]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise Problem(
            422, "damaged-form", "The form was damaged on its way; give the file once more."
        ) from None


def _line(item_id: Any, stars: Any, rated_at: Any = None) -> _Line:
    if not isinstance(item_id, int | str) or not isinstance(rated_at, int | None):
        raise TypeError
    return _Line(item_id, float(stars), rated_at)
