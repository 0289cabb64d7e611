"""The API endpoint for files that people bring from other sites."""

from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile
from fastapi.responses import Response

from matinee.data.personal.match_films import Import, Match
from matinee.data.personal.own_files import MOST_BYTES
from matinee.web.api import responses, schemas
from matinee.web.api.dependencies import CurrentPerson, ServerState, Serving, needs_person
from matinee.web.api.films import problems
from matinee.web.http.problems import OrjsonResponse
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/api/v1/me", tags=["people"], dependencies=needs_person)


@router.post(
    "/import",
    summary="Import a file of ratings",
    response_model=schemas.Imported,
    responses=problems(401, 404),
)
async def import_ratings(
    person: CurrentPerson,
    serving: Serving,
    query: Annotated[schemas.ImportQuery, Query()],
    file: Annotated[UploadFile, File(description="A CSV, JSON or ZIP file; at most 2 MB.")],
) -> Response:
    """Imports the ratings in an export of Letterboxd, IMDb, Trakt or another site, or in a table
    with a title and a rating. Rows whose film is certain are stored; they replace earlier ratings
    of the same films."""
    content, snapshot = await file.read(MOST_BYTES + 1), serving.models.snapshot()
    found = (await serving.imports.read(snapshot, content)).ratings
    return OrjsonResponse(
        await serving.page_queue.run(_import, serving, snapshot, person, query, found),
    )


def _import(
    serving: ServerState,
    snapshot: ModelSnapshot,
    person: str,
    query: schemas.ImportQuery,
    found: Import,
) -> responses.Values:
    chosen = found.matched + (found.doubtful if query.include_doubtful else [])
    if chosen and not query.dry_run:
        stars = {match.item_id: match.stars for match in chosen}
        times = {str(match.item_id): match.rated_at for match in chosen if match.rated_at}
        ratings = responses.storable_ratings(snapshot, stars)
        responses.store_ratings(serving.store, person, ratings, times)
    n_stored = 0 if query.dry_run else len(chosen)
    return _report(found, n_stored)


def _report(found: Import, n_stored: int) -> responses.Values:
    """See `schemas.Imported`."""
    return {
        "source": found.source,
        "n_stored": n_stored,
        "matched": [_match(match) for match in found.matched],
        "doubtful": [_match(match) for match in found.doubtful],
        "left_out": [
            {"row": line.row, "text": line.title, "reason": line.reason} for line in found.unmatched
        ],
        "notes": [note for note in (found.scale_note, *found.notes) if note],
    }


def _match(match: Match) -> responses.Values:
    return {
        "row": match.row,
        "text": match.title,
        "item_id": match.item_id,
        "title": match.film.title,
        "stars": match.stars,
        "doubt": match.doubt,
        "rated_at": match.rated_at,
    }
