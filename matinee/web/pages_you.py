"""The page on which people see what their ratings say of them, all of their ratings, and everything given out.

What comes in from a file is in `pages_import`; what is shown here is worked out in `taste`.
"""

import csv
import io
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from matinee.data.personal.site_exports import plain_cell
from matinee.data.vocabulary import Id
from matinee.web import answers, texts
from matinee.web.access import MaybePerson, Served, Serving
from matinee.web.charts import bar, columns_of, histogram
from matinee.web.live import Snapshot
from matinee.web.pages_base import page
from matinee.web.problems import Answer
from matinee.web.security import take_cookie
from matinee.web.store import Kept
from matinee.web.taste import taste

router = APIRouter(prefix="/you", include_in_schema=False)

SHOWN_KINDS = 10
PER_PAGE = 40


@router.get("")
def you(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """What somebody's ratings say of them."""
    snapshot, kept = serving.models.snapshot(), kept_of(serving, person)
    told = taste(snapshot, stars_of(kept))
    model = snapshot.guide.model
    if not model.scale_.has_stars:
        told |= _shares(snapshot, told)
    columns = columns_of(told["histogram"], told["everybody"], model.scale_)
    kinds = {name: _extremes(told[name]) for name in ("genres", "decades")}
    most = max([0.05, *(abs(line["beyond"]) for lines in kinds.values() for line in lines)])
    charts = {"columns": columns, "histogram": histogram(columns), "bar": bar, "most": most}
    about = {"taste": told, "scale": model.scale_, "generosity": _generosity(told["generosity"])}
    n_unknown = len(kept.ratings) - told["n_ratings"]
    return page(
        request, "you.html", person=person, kept=kept, n_unknown=n_unknown, kinds=kinds, **charts, **about,
    )  # fmt: skip


def kept_of(serving: Served, person: str | None) -> Kept:
    """What is kept of somebody; nothing of somebody new."""
    return serving.store.kept(person) if person else Kept([], [])


def stars_of(kept: Kept) -> dict[Id, float]:
    """Item id -> stars, as models take it."""
    return {one.item_id: one.stars for one in kept.ratings}


def _extremes(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most and the least liked, where there are too many to show."""
    half = SHOWN_KINDS // 2
    return lines if len(lines) <= SHOWN_KINDS else [*lines[:half], *lines[-half:]]


def _generosity(amount: float | None) -> str:
    if amount is None:
        return ""
    if abs(amount) < 0.05:
        return texts.YOU["as_generous"]
    return texts.YOU["more_generous" if amount > 0 else "less_generous"].format(amount=f"{abs(amount):.1f}")


def _shares(snapshot: Snapshot, told: dict[str, Any]) -> dict[str, Any]:
    """Where nobody gives stars: how much larger a part of what somebody has is of a kind than of what everybody has."""
    model, catalog = snapshot.guide.model, snapshot.guide.catalog
    everybody: dict[str, int] = {}
    for item_id, count in zip(model.items_.ids.tolist(), model.item_counts_.tolist(), strict=True):
        film = catalog[item_id]
        decade = [f"{film.year // 10 * 10}s"] if film.year else []
        for name in (*film.genres, *decade):
            everybody[name] = everybody.get(name, 0) + count
    total, own = max(1, int(model.item_counts_.sum())), max(1, told["n_ratings"])
    return {
        kind: sorted(
            (
                line | {"beyond": round(100 * (line["n_ratings"] / own - everybody.get(line["name"], 0) / total), 1)}
                for line in told[kind]
            ),
            key=lambda line: -line["beyond"],
        )
        for kind in ("genres", "decades")
    }


@router.get("/ratings")
def all_ratings(
    request: Request, person: MaybePerson, serving: Serving, place: Annotated[int, Query(alias="page", ge=1)] = 1
) -> Response:
    """All ratings of somebody, the last one first, to change and take back; and what they are not interested in."""
    snapshot, kept = serving.models.snapshot(), kept_of(serving, person)
    n_pages = max(1, -(-len(kept.ratings) // PER_PAGE))
    place = min(place, n_pages)
    films = []
    for one in kept.ratings[(place - 1) * PER_PAGE : place * PER_PAGE]:
        index = snapshot.find(one.item_id)
        films.append((one, None if index is None else snapshot.films.line(index)))
    hidden = [index for item_id in kept.not_interested if (index := snapshot.find(item_id)) is not None]
    return page(
        request,
        "you_ratings.html",
        kept=kept,
        films=films,
        hidden=[snapshot.films.line(index) for index in hidden[:PER_PAGE]],
        scale=snapshot.guide.model.scale_,
        place=place,
        n_pages=n_pages,
    )


# -- given out and deleted -----------------------------------------------------------------------------------------


@router.get("/matinee.json")
def export_json(person: MaybePerson, serving: Serving) -> Response:
    """Everything that is kept of somebody."""
    if person is None:
        return RedirectResponse("/you", 303)
    answer = Answer(serving.store.export(person))
    answer.headers["content-disposition"] = 'attachment; filename="matinee.json"'
    return answer


@router.get("/ratings.csv")
def export_csv(person: MaybePerson, serving: Serving) -> Response:
    """Somebody's ratings as a table, which this site and spreadsheets read."""
    if person is None:
        return RedirectResponse("/you", 303)
    snapshot = serving.models.snapshot()
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(("item_id", "title", "year", "stars", "rated_at"))
    for one in serving.store.kept(person).ratings:
        film = snapshot.guide.catalog[answers.native_id(snapshot, one.item_id)]
        row = (plain_cell(one.item_id), plain_cell(film.title), film.year or "", f"{one.stars:g}", one.rated_at)
        writer.writerow(row)
    headers = {"content-disposition": 'attachment; filename="ratings.csv"'}
    return Response(written.getvalue().encode("utf-8", "replace"), media_type="text/csv", headers=headers)


@router.get("/delete")
def ask_to_delete(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """Asks once more."""
    if person is None:
        return RedirectResponse("/you", 303)
    return page(request, "you_delete.html", kept=serving.store.kept(person), deleted=False)


@router.post("/delete")
def delete(request: Request, person: MaybePerson, serving: Serving, sure: Annotated[bool, Form()] = False) -> Response:
    """Deletes somebody with all that is theirs."""
    if person is None or not sure:
        return RedirectResponse("/you/delete", 303)
    serving.store.forget(person)
    answer = page(request, "you_delete.html", kept=None, deleted=True)
    take_cookie(request, answer)
    return answer
