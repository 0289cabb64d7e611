"""Two models side by side: what each makes of the same person's ratings, and how well it would have foretold them."""

from itertools import islice
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from matinee.data.vocabulary import Id
from matinee.models.history import few_ratings
from matinee.web.access import MaybePerson, Served, Serving
from matinee.web.api import describe
from matinee.web.live import Snapshot
from matinee.web.pages_base import page
from matinee.web.pages_you import kept_of, stars_of
from matinee.web.store import Kept

router = APIRouter(prefix="/models", include_in_schema=False)

K = 15
FORETOLD = 40
"""So many ratings, the last ones, are each predicted from all others: one fold-in each."""
ENOUGH = 5
APART = 8

Name = Annotated[str, Query(max_length=100)]


@router.get("")
async def models(
    request: Request, person: MaybePerson, serving: Serving, left: Name = "", right: Name = ""
) -> Response:
    """The models that were chosen, the first two if none was."""
    return await serving.long_pages.run(_models, request, person, serving, left, right)


def _models(request: Request, person: str | None, serving: Served, left: str, right: str) -> Response:
    names = [live.name for live in serving.models]
    left = left if left in names else names[0]
    right = right if right in names else next((name for name in names if name != left), left)
    kept = kept_of(serving, person)
    shown = [serving.models.snapshot(name) for name in dict.fromkeys((left, right))]
    sides = [snapshot.run(_side, snapshot, kept) for snapshot in shown]
    both: dict[str, Any] = {"n_same": 0, "apart": []}
    if len(sides) == 2:
        both = {"n_same": _compare(*sides), "apart": _apart(shown, kept)}
    return page(
        request, "models.html", names=names, left=left, right=right, sides=sides, k=K, n_rated=len(kept.ratings),
        **both,
    )  # fmt: skip


def _side(snapshot: Snapshot, kept: Kept) -> dict[str, Any]:
    """What one model says to somebody."""
    profile = snapshot.fold_in(stars_of(kept), strict=False).profile
    for_list = snapshot.without(profile, kept.not_interested, include_rated=False)
    found = snapshot.guide.recommend(for_list, K)
    own, means = _foretold(snapshot, kept)
    return {
        "about": describe(snapshot),
        "films": [one.to_dict() | {"there": None} for one in found.items],
        "own_error": own,
        "means_error": means,
    }


def _foretold(snapshot: Snapshot, kept: Kept) -> tuple[float | None, float | None]:
    """How far, in stars on average, somebody's ratings are from those predicted from their others, and from the means.

    None if the model predicts no stars or there are fewer than `ENOUGH` ratings.
    """
    model = snapshot.guide.model
    known = [(one.item_id, one.stars) for one in kept.ratings if snapshot.find(one.item_id) is not None]
    if not model.has_stars or len(known) < ENOUGH:
        return None, None
    stars = dict(known)
    own, means = [], []
    for item_id, given in islice(known, FORETOLD):
        others: dict[Id, float] = {other: value for other, value in stars.items() if other != item_id}
        index = snapshot.index_of(item_id)
        profile = snapshot.fold_in(others, strict=False).profile
        own.append(abs(given - float(np.clip(model.scores(profile)[index], *model.scale_[:2]))))
        means.append(abs(given - float(model.item_means_[index])))
    return round(float(np.mean(own)), 2), round(float(np.nanmean(means)), 2)


def _compare(left: dict[str, Any], right: dict[str, Any]) -> int:
    """Notes at each film its place in the other's list; how many are in both."""
    for side, other in ((left, right), (right, left)):
        places = {str(film["item_id"]): place for place, film in enumerate(other["films"], 1)}
        for film in side["films"]:
            film["there"] = places.get(str(film["item_id"]))
    return sum(film["there"] is not None for film in left["films"])


def _apart(shown: list[Snapshot], kept: Kept) -> list[dict[str, Any]]:
    """The films, known well enough, to which two models give the most different stars; empty if one gives none."""
    one, other = shown
    if not (one.guide.model.has_stars and other.guide.model.has_stars):
        return []
    scores = [snapshot.run(_stars, snapshot, kept) for snapshot in shown]
    rated = set(kept.stars())
    enough = few_ratings(one.guide.model.item_counts_)
    pairs = []
    for index, item_id in enumerate(one.guide.model.items_.ids.tolist()):
        there = other.find(item_id)
        if there is not None and one.guide.model.item_counts_[index] >= enough and str(item_id) not in rated:
            pairs.append((float(scores[0][index]), float(scores[1][there]), index))
    pairs.sort(key=lambda pair: -abs(pair[0] - pair[1]))
    return [one.films.line(index) | {"left": left, "right": right} for left, right, index in pairs[:APART]]


def _stars(snapshot: Snapshot, kept: Kept) -> Any:
    model = snapshot.guide.model
    profile = snapshot.fold_in(stars_of(kept), strict=False).profile
    return np.clip(model.scores(profile), *model.scale_[:2])
