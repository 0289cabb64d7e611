"""The import pages: the person uploads a file from another site, reviews the matched films, and
only then stores the ratings.

The server keeps nothing between these steps: the form on the review page contains the ratings.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple, TypedDict

import orjson
from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from matinee.data.personal.match_films import Import, Match, Unmatched, match_films
from matinee.data.personal.own_files import MOST_BYTES
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.errors import DataError
from matinee.web.api.dependencies import MaybePerson, ServerState, Serving
from matinee.web.api.responses import storable_ratings, store_ratings
from matinee.web.db.people import MAX_RATINGS
from matinee.web.http.problems import Problem
from matinee.web.pages import texts
from matinee.web.pages.import_everything import is_export, review_everything
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import ensure_person, person_data

router = APIRouter(prefix="/you/import", include_in_schema=False)

MAX_SHOWN = 500
"""Number of certain and of unmatched rows on the review page; further ones are only counted."""


class ImportPage(TypedDict):
    """Values of import_ratings/upload.html."""

    problem: str
    """Why the previous file was refused; empty at first."""


class DoubtfulRow(NamedTuple):
    """A row whose film is not certain."""

    match: Match
    is_rated: bool
    """Whether the person has rated the film already."""


class ReviewPage(TypedDict):
    """Values of import_ratings/review.html."""

    found: Import
    matched: list[Match]
    doubtful: list[DoubtfulRow]
    unmatched: list[Unmatched]
    n_replaced: int
    """Number of certain rows whose films the person has rated already."""
    sure: str
    """All certain rows, as a value of the form."""
    to_json: Callable[[Match], str]
    """Converts a doubtful row to a value of the form."""
    scale: Scale


@router.get("")
def upload_page(request: Request) -> Response:
    """A form for the file, and where to get one."""
    return render(request, "import_ratings/upload.html", ImportPage(problem=""))


@router.post("")
async def review(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Matches the rows of a file to films and shows them for review, without storing anything."""
    return await serving.page_queue.run(_review, request, person, serving, file)


def _review(
    request: Request, person: str | None, serving: ServerState, file: UploadFile | None
) -> Response:
    content = b""
    if file is not None:
        content = file.file.read(MOST_BYTES + 1)
    if not content:
        return _refusal(request, texts.IMPORT["no_file"])
    snapshot = serving.models.snapshot()
    if is_export(content):
        return review_everything(request, snapshot, content)
    try:
        model, catalog = snapshot.guide.model, snapshot.guide.catalog
        found = snapshot.run(match_films, content, model.items_, catalog, model.scale_)
    except DataError as error:
        return _refusal(request, str(error))
    rated = person_data(serving, person).stars()
    values = ReviewPage(
        found=found,
        matched=found.matched[:MAX_SHOWN],
        doubtful=[DoubtfulRow(match, str(match.item_id) in rated) for match in found.doubtful],
        unmatched=found.unmatched[:MAX_SHOWN],
        n_replaced=sum(str(match.item_id) in rated for match in found.matched),
        sure=_to_json(found.matched),
        to_json=lambda match: _to_json([match]),
        scale=snapshot.guide.model.scale_,
    )
    return render(request, "import_ratings/review.html", values)


async def _chosen_rows(request: Request) -> list[str]:
    """The rows that the form contains, as JSON. Read here because FastAPI allows too few fields."""
    try:
        form = await request.form(max_files=0, max_fields=MAX_RATINGS + 1, max_part_size=MOST_BYTES)
    except HTTPException:
        detail = (
            "The form was damaged in transit, or it contains more than the "
            f"{MAX_RATINGS:,} films that one person can rate."
        )
        raise Problem(422, "damaged-form", detail) from None
    fields = [form.get("sure"), *form.getlist("doubtful")]
    return [text for text in fields if isinstance(text, str)]


@router.post("/keep")
def keep(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    rows: Annotated[list[str], Depends(_chosen_rows)],
) -> Response:
    """Stores all reviewed ratings, or none if one is invalid."""
    lines = [line for text in rows for line in _from_json(text)]
    if not lines:
        return _refusal(request, texts.IMPORT["nothing"])
    stars = {line.item_id: line.stars for line in lines}
    ratings = storable_ratings(serving.models.snapshot(), stars)
    rated_at = {str(line.item_id): line.rated_at for line in lines if line.rated_at is not None}
    with ensure_person(request, person) as session:
        store_ratings(serving.store, session.id, ratings, rated_at)
    return session.set_cookie(request, RedirectResponse("/you", 303))


def _refusal(request: Request, problem: str) -> Response:
    response = render(request, "import_ratings/upload.html", ImportPage(problem=problem))
    response.status_code = 422
    return response


class _ReviewedRating(NamedTuple):
    """A rating in the form of the review page."""

    item_id: Id
    stars: float
    rated_at: int | None


def _to_json(matches: list[Match]) -> str:
    lines: list[list[Id | float]] = []
    for match in matches:
        line: list[Id | float] = [match.item_id, match.stars]
        if match.rated_at is not None:
            line.append(match.rated_at)
        lines.append(line)
    return orjson.dumps(lines).decode()


def _from_json(text: str) -> list[_ReviewedRating]:
    """The ratings in the output of `_to_json`.

    Raises:
        Problem: 422, the text is invalid, which is possible because browsers send it.
    """
    try:
        return [_reviewed(*fields) for fields in orjson.loads(text)]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise Problem(
            422, "damaged-form", "The form was damaged in transit. Upload the file again."
        ) from None


def _reviewed(item_id: object, stars: float | str, rated_at: object = None) -> _ReviewedRating:
    if not isinstance(item_id, int | str) or not isinstance(rated_at, int | None):
        raise TypeError
    return _ReviewedRating(item_id, float(stars), rated_at)
