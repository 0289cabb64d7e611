"""The map of films as a page: the scripts and the style of the stand-alone map, with its films and "you" as resources.

The films are the same for everybody, take some time to place and are cached; where somebody stands is asked for anew.
"""

import threading
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from matinee.analysis.film_map import FilmMap, make_map
from matinee.errors import UnsupportedError
from matinee.models.history import few_ratings
from matinee.report.html import ASSETS
from matinee.report.map_page import axis_sentences, page_data, you_on
from matinee.web import texts
from matinee.web.access import MaybePerson, Serving
from matinee.web.live import Snapshot
from matinee.web.pages_base import page
from matinee.web.pages_you import kept_of, stars_of
from matinee.web.problems import Answer, Problem

router = APIRouter(prefix="/map", include_in_schema=False)

MOST_FILMS = 8_000
"""On the map; the most rated. A neighbour is looked for among all others, so the time grows with the square."""
_ASSETS = {"map.js": "text/javascript", "map_canvas.js": "text/javascript", "map_controls.js": "text/javascript"} | {
    "map.css": "text/css"
}


class Drawn(NamedTuple):
    """A model's map and what a browser gets of it; without a map, why there is none."""

    made: FilmMap | None
    films: bytes
    reason: str


class Maps:
    """The maps of the snapshots that are served, each made once, by the first who asks; others wait for it."""

    def __init__(self) -> None:
        self._drawn: WeakKeyDictionary[Snapshot, Drawn] = WeakKeyDictionary()
        self._drawing = threading.Lock()

    def of(self, snapshot: Snapshot) -> Drawn:
        """The map of a snapshot."""
        with self._drawing:
            if snapshot not in self._drawn:
                self._drawn[snapshot] = snapshot.run(_draw, snapshot)
            return self._drawn[snapshot]


@router.get("")
def map_page(request: Request, serving: Serving) -> Response:
    """The page, empty until its script has the films; `?film=ID` opens one."""
    snapshot = serving.models.snapshot()
    return page(request, "map.html", reason=_map_of(request, snapshot).reason, version=snapshot.version)


@router.get("/films.json")
def films(request: Request, serving: Serving) -> Response:
    """The films with their places, as `map.js` draws them. The address names the version, so a browser may keep it."""
    drawn = _map_of(request, serving.models.snapshot())
    if drawn.made is None:
        raise Problem(409, "no-map", drawn.reason)
    headers = {"cache-control": "private, max-age=86400"}
    return Response(drawn.films, media_type="application/json", headers=headers)


@router.get("/you.json")
def you(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """Where somebody stands among the films, and what they gave them; null for who has rated nothing on the map."""
    snapshot = serving.models.snapshot()
    made, kept = _map_of(request, snapshot).made, kept_of(serving, person)
    profile = snapshot.fold_in(stars_of(kept), strict=False).profile
    if made is None or not len(profile.item_index):
        return Answer(None)
    found = you_on(made, snapshot.guide, profile)
    return Answer({"x": found.x, "y": found.y, "stars": [(row, round(given, 2)) for row, given in found.stars.items()]})


@router.get("/{name}")
async def asset(name: str) -> Response:
    """A script or the style of the map."""
    if name not in _ASSETS:
        raise Problem(404, "not-found", "There is nothing at this address.")
    content = (ASSETS / name).read_bytes()
    return Response(content, media_type=_ASSETS[name], headers={"cache-control": "no-cache"})


def _map_of(request: Request, snapshot: Snapshot) -> Drawn:
    maps: Maps = request.app.state.maps
    return maps.of(snapshot)


def _draw(snapshot: Snapshot) -> Drawn:
    guide = snapshot.guide
    counts = np.sort(guide.model.item_counts_)[::-1]
    few = few_ratings(guide.model.item_counts_)
    floor = max(few, int(counts[MOST_FILMS]) + 1) if len(counts) > MOST_FILMS else few
    floor = floor if int((counts >= floor).sum()) >= 2 else 1
    try:
        made = make_map(guide, min_ratings=floor)
    except UnsupportedError as error:
        return Drawn(None, b"", str(error))
    data: dict[str, Any] = page_data(made, heading=texts.MAP["heading"], axes=axis_sentences(made, guide, floor))
    return Drawn(made, orjson.dumps(data), "")
