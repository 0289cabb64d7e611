"""The map of films as a page: the scripts and the style of the stand-alone map, with its data
as resources.

The films are the same for everyone, take a while to place and are cached; where the person
stands is computed for every request.
"""

import threading
from typing import NamedTuple, TypedDict
from weakref import WeakKeyDictionary

import numpy as np
import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from matinee.analysis.film_map import FilmMap, make_map
from matinee.errors import UnsupportedError
from matinee.models.base import Recommender
from matinee.models.history import few_ratings
from matinee.report.html import ASSETS
from matinee.report.map_page import axis_sentences, page_data, you_on
from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.http.problems import OrjsonResponse, Problem
from matinee.web.pages import texts
from matinee.web.pages.rendering import render
from matinee.web.pages.visitor import kept_of
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/map", include_in_schema=False)

MAX_FILMS = 8_000
"""On the map: the most rated ones. Neighbors are searched among all of them, in quadratic
time."""
_MEDIA_TYPES = {
    "map.js": "text/javascript",
    "map_canvas.js": "text/javascript",
    "map_controls.js": "text/javascript",
    "map.css": "text/css",
}


class DrawnMap(NamedTuple):
    """A model's map and the data that a browser gets; `reason` says why there is no map."""

    film_map: FilmMap | None
    films: bytes
    reason: str


class Maps:
    """The maps of the snapshots being served: each is made once, by the first request for
    it."""

    def __init__(self) -> None:
        self._by_snapshot: WeakKeyDictionary[ModelSnapshot, DrawnMap] = WeakKeyDictionary()
        self._drawing = threading.Lock()

    def of(self, snapshot: ModelSnapshot) -> DrawnMap:
        """The map of a snapshot; other requests wait while it is made."""
        with self._drawing:
            if snapshot not in self._by_snapshot:
                self._by_snapshot[snapshot] = snapshot.run(_draw, snapshot)
            return self._by_snapshot[snapshot]


class MapPage(TypedDict):
    """Values of film_map.html."""

    reason: str
    version: str


@router.get("")
def map_page(request: Request, serving: Serving) -> Response:
    """The page; empty until its script has loaded the films. `?film=ID` selects one."""
    snapshot = serving.models.snapshot()
    reason = _map_of(request, snapshot).reason
    return render(request, "film_map.html", MapPage(reason=reason, version=snapshot.version))


@router.get("/films.json")
def films(request: Request, serving: Serving) -> Response:
    """The films and their places for `map.js`. Browsers may cache them: the address has the
    version."""
    drawn = _map_of(request, serving.models.snapshot())
    if drawn.film_map is None:
        raise Problem(409, "no-map", drawn.reason)
    headers = {"cache-control": "private, max-age=86400"}
    return Response(drawn.films, media_type="application/json", headers=headers)


@router.get("/you.json")
def you(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """The person's place and ratings; null if none of the films on the map is rated."""
    snapshot = serving.models.snapshot()
    film_map, data = _map_of(request, snapshot).film_map, kept_of(serving, person)
    profile = snapshot.fold_in(data.stars(), strict=False).profile
    if film_map is None or not len(profile.item_index):
        return OrjsonResponse(None)
    place = you_on(film_map, snapshot.guide, profile)
    stars = [(row, round(given, 2)) for row, given in place.stars.items()]
    return OrjsonResponse({"x": place.x, "y": place.y, "stars": stars})


@router.get("/{name}")
async def asset(name: str) -> Response:
    """A script or the style of the map."""
    if name not in _MEDIA_TYPES:
        raise Problem(404, "not-found", "There is nothing at this address.")
    content = (ASSETS / name).read_bytes()
    return Response(content, media_type=_MEDIA_TYPES[name], headers={"cache-control": "no-cache"})


def _map_of(request: Request, snapshot: ModelSnapshot) -> DrawnMap:
    maps: Maps = request.app.state.maps
    return maps.of(snapshot)


def _draw(snapshot: ModelSnapshot) -> DrawnMap:
    guide = snapshot.guide
    min_ratings = _min_ratings(guide.model)
    try:
        film_map = make_map(guide, min_ratings=min_ratings)
    except UnsupportedError as error:
        return DrawnMap(None, b"", str(error))
    axes = axis_sentences(film_map, guide, min_ratings)
    data = page_data(film_map, heading=texts.MAP["heading"], axes=axes)
    return DrawnMap(film_map, orjson.dumps(data), "")


def _min_ratings(model: Recommender) -> int:
    """Ratings that a film on the map needs, so that there are at most `MAX_FILMS`, and at
    least two."""
    counts = np.sort(model.item_counts_)[::-1]
    minimum = few_ratings(model.item_counts_)
    if len(counts) > MAX_FILMS:
        minimum = max(minimum, int(counts[MAX_FILMS]) + 1)
    if int((counts >= minimum).sum()) < 2:
        return 1
    return minimum
