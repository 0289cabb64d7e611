"""The import pages: the person uploads a file from another site, reviews the matched films, and
only then stores the ratings.

The server keeps nothing between these steps: the form on the review page contains the ratings, and
those of the rows that were left out, which people can match by hand (`import_by_hand`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, TypedDict

import orjson
from fastapi import APIRouter, BackgroundTasks, Depends, File, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from matinee.data.personal.match_films import Import, Match, Unmatched
from matinee.data.personal.own_files import MOST_BYTES
from matinee.data.personal.watchlists import Watchlist
from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.errors import DataError
from matinee.web.api.dependencies import MaybePerson, ServerState, Serving
from matinee.web.api.responses import storable_id, storable_ratings, store_ratings
from matinee.web.db.people import MAX_RATINGS
from matinee.web.db.transactions import now
from matinee.web.http.problems import Problem
from matinee.web.pages import texts
from matinee.web.pages.import_by_hand import (
    MAX_ROWS,
    LeftOut,
    is_open,
    rows_from_form,
    rows_to_json,
    rows_to_match,
    with_choices,
)
from matinee.web.pages.import_everything import review_everything
from matinee.web.pages.rendering import render, with_query
from matinee.web.pages.visitor import ensure_person, person_data
from matinee.web.serving.snapshot import ModelSnapshot
from matinee.web.serving.uploads import Upload

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
    by_hand: list[LeftOut]
    """Left-out rows with a rating."""
    by_hand_json: str
    date_of: Callable[[int | None], str]
    watchlist_found: Watchlist
    watchlist_json: str
    to_json: Callable[[Match], str]
    """Converts a doubtful row to a value of the form."""
    scale: Scale


class FindPage(TypedDict):
    """Values of import_ratings/find.html."""

    rows: list[LeftOut]
    rows_json: str
    kept: list[tuple[str, str]]
    """Names and values of the other fields of the form."""
    scale: Scale


@router.get("")
async def upload_page(request: Request, serving: Serving, tasks: BackgroundTasks) -> Response:
    """A form for the file, and where to get one."""
    tasks.add_task(serving.imports.prepare, serving.models.snapshot())
    return render(request, "import_ratings/upload.html", ImportPage(problem=""))


@router.post("")
async def review(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Matches the rows of a file to films and shows them for review, without storing anything."""
    content = await file.read(MOST_BYTES + 1) if file is not None else b""
    if file is None or not content:
        return _refusal(request, texts.IMPORT["no_file"])
    snapshot = serving.models.snapshot()
    try:
        upload = await serving.imports.read(snapshot, content, file.filename or "")
    except DataError as error:
        return _refusal(request, str(error))
    if upload.everything is not None:
        run = serving.page_queue.run
        return await run(review_everything, request, upload.everything, content)
    return await serving.page_queue.run(_review, request, person, serving, snapshot, upload)


def _review(
    request: Request,
    person: str | None,
    serving: ServerState,
    snapshot: ModelSnapshot,
    upload: Upload,
) -> Response:
    found, wanted = upload.ratings, upload.watchlist
    if not found.source:
        found = Import(texts.IMPORT["watchlist"], "")
    rated = person_data(serving, person).stars()
    by_hand = rows_to_match(found.unmatched)
    values = ReviewPage(
        found=found,
        matched=found.matched[:MAX_SHOWN],
        doubtful=[DoubtfulRow(match, str(match.item_id) in rated) for match in found.doubtful],
        unmatched=[row for row in found.unmatched if row.stars is None][:MAX_SHOWN],
        n_replaced=sum(str(match.item_id) in rated for match in found.matched),
        sure=_to_json(found.matched),
        to_json=lambda match: _to_json([match]),
        by_hand=by_hand,
        by_hand_json=rows_to_json(by_hand),
        date_of=day_of,
        watchlist_found=wanted,
        watchlist_json=orjson.dumps([[one.item_id, one.added_at] for one in wanted.films]).decode(),
        scale=snapshot.guide.model.scale_,
    )
    return render(request, "import_ratings/review.html", values)


def day_of(time: int | None) -> str:
    """Such as "5 Mar 2024"; empty without a time."""
    if time is None:
        return ""
    day = datetime.fromtimestamp(time, UTC)
    return f"{day.day} {day:%b %Y}"


async def _fields(request: Request) -> list[tuple[str, str]]:
    """The fields of the form. Read here because FastAPI allows too few of them."""
    most = MAX_RATINGS + 3 * MAX_ROWS + 8
    detail = (
        "The form was damaged in transit, or it contains more than the "
        f"{MAX_RATINGS:,} films that one person can rate."
    )
    try:
        form = await request.form(max_files=0, max_fields=most, max_part_size=MOST_BYTES)
    except HTTPException:
        raise Problem(422, "damaged-form", detail) from None
    if len(form.getlist("doubtful")) > MAX_RATINGS:
        raise Problem(422, "damaged-form", detail)
    return [(name, text) for name, text in form.multi_items() if isinstance(text, str)]


@router.post("/keep")
async def keep(
    request: Request,
    person: MaybePerson,
    serving: Serving,
    fields: Annotated[list[tuple[str, str]], Depends(_fields)],
) -> Response:
    """Stores all reviewed ratings, or none if one is invalid. If words were typed for rows that
    were left out, shows the films found for them first."""
    return await serving.page_queue.run(_keep, request, person, serving, fields)


def _keep(
    request: Request, person: str | None, serving: ServerState, fields: list[tuple[str, str]]
) -> Response:
    values, snapshot = dict(fields), serving.models.snapshot()
    rows = rows_from_form(values.get("by_hand", ""), values)
    if any(is_open(one, values) for one in rows):
        return _find_page(request, snapshot, rows, fields)
    texts_of_rows = [text for name, text in fields if name in ("sure", "doubtful")]
    lines = [line for text in texts_of_rows for line in _from_json(text)]
    lines += [_ReviewedRating(one.chosen, one.stars, one.rated_at) for one in rows if one.chosen]
    wanted = {}
    if values.get("watchlist"):
        wanted = _watchlist(snapshot, values.get("wanted", ""))
    if not lines and not wanted:
        return _refusal(request, texts.IMPORT["nothing"])
    stars = {snapshot.item_id(line.item_id): line.stars for line in lines}
    ratings = storable_ratings(snapshot, stars)
    rated_at = {str(line.item_id): line.rated_at for line in lines if line.rated_at is not None}
    with ensure_person(request, person) as session:
        store_ratings(serving.store, session.id, ratings, rated_at)
        serving.store.watchlist.add_many(session.id, wanted)
    address = with_query("/you", imported=len(ratings) or None, listed=len(wanted) or None)
    return session.set_cookie(request, RedirectResponse(address, 303))


def _find_page(
    request: Request, snapshot: ModelSnapshot, rows: list[LeftOut], fields: list[tuple[str, str]]
) -> Response:
    asked = [one for one in rows if one.typed]
    kept = [field for field in fields if field[0] in ("sure", "doubtful", "watchlist", "wanted")]
    page = FindPage(
        rows=with_choices(snapshot, asked),
        rows_json=rows_to_json(asked),
        kept=kept,
        scale=snapshot.guide.model.scale_,
    )
    return render(request, "import_ratings/find.html", page)


def _watchlist(snapshot: ModelSnapshot, text: str) -> dict[str, int]:
    """Item id -> when it was added.

    Raises:
        Problem: 422, the text is invalid; 404, the model does not know a film.
    """
    try:
        lines = [(item_id, added_at) for item_id, added_at in orjson.loads(text)]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise _damaged() from None
    wanted = {}
    for item_id, added_at in lines:
        if not isinstance(item_id, int | str) or not isinstance(added_at, int | None):
            raise _damaged()
        known = storable_id(snapshot.item_id(item_id))
        wanted[known] = now() if added_at is None else added_at
    return wanted


def _damaged() -> Problem:
    detail = "The form was damaged in transit. Upload the file again."
    return Problem(422, "damaged-form", detail)


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
        raise _damaged() from None


def _reviewed(item_id: object, stars: float | str, rated_at: object = None) -> _ReviewedRating:
    if not isinstance(item_id, int | str) or not isinstance(rated_at, int | None):
        raise TypeError
    return _ReviewedRating(item_id, float(stars), rated_at)
