"""The map page, which loads the scripts, styles and data of the stand-alone map from separate
addresses.

Placing the films takes a while, but is the same for everyone, so it is cached. The person's own
position is computed for every request.
"""

import threading
from typing import Annotated, NamedTuple, TypedDict
from weakref import WeakKeyDictionary

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from numpy.typing import NDArray

from matinee.analysis.film_map import FilmMap, make_map
from matinee.errors import UnsupportedError
from matinee.linalg import centered
from matinee.models.base import Recommender
from matinee.models.history import few_ratings
from matinee.report.html import ASSETS
from matinee.report.map_page import axis_sentences, page_data, you_on
from matinee.web.api.dependencies import MaybePerson, Serving
from matinee.web.http.problems import OrjsonResponse, Problem
from matinee.web.pages import texts
from matinee.web.pages.film_cards import FilmCard
from matinee.web.pages.rendering import render, with_query
from matinee.web.pages.visitor import FilmId, RatingContext, Visitor, person_data
from matinee.web.serving.snapshot import ModelSnapshot

router = APIRouter(prefix="/map", include_in_schema=False)

MAX_FILMS = 8_000
"""The map shows this many of the most rated films. The time to find their neighbors is quadratic
in this number."""
_MEDIA_TYPES = {
    "map.js": "text/javascript",
    "map_canvas.js": "text/javascript",
    "map_controls.js": "text/javascript",
    "map.css": "text/css",
}


class DrawnMap(NamedTuple):
    """A model's map, its films as JSON, and, if there is no map, the reason."""

    film_map: FilmMap | None
    films: bytes
    reason: str


class Maps:
    """The maps of the served snapshots; the first request for a map makes it."""

    def __init__(self) -> None:
        self._by_snapshot: WeakKeyDictionary[ModelSnapshot, DrawnMap] = WeakKeyDictionary()
        self._has_place: WeakKeyDictionary[ModelSnapshot, NDArray[np.bool_]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def can_place(self, snapshot: ModelSnapshot, index: int) -> bool:
        """Whether the map can show a film or the one nearest to it; does not make the map."""
        has_place = self._has_place.get(snapshot)
        if has_place is None:
            has_place = self._has_place[snapshot] = snapshot.run(_placeable, snapshot.guide.model)
        return bool(has_place[index])

    def of(self, snapshot: ModelSnapshot) -> DrawnMap:
        """The map of a snapshot. Other requests wait while it is made."""
        with self._lock:
            if snapshot not in self._by_snapshot:
                self._by_snapshot[snapshot] = snapshot.run(_draw, snapshot)
            return self._by_snapshot[snapshot]


class MapPage(TypedDict):
    """Values of film_map.html."""

    reason: str
    version: str
    row: int
    """Of the film to select; -1 for none."""
    note: str
    """Why that is not the film in the address; empty if it is."""


class MapFilm(RatingContext):
    """Values of map_film.html."""

    film: FilmCard
    given: float | None
    back: str


@router.get("")
def map_page(
    request: Request,
    serving: Serving,
    item_id: Annotated[FilmId, Query(alias="film")] = "",
) -> Response:
    """The page, empty until its script has loaded the films; `?film=ID` selects a film, or the
    one nearest to it."""
    snapshot = serving.models.snapshot()
    drawn = _map_of(request, snapshot)
    row, note = _selected(snapshot, drawn.film_map, item_id)
    values = MapPage(reason=drawn.reason, version=snapshot.version, row=row, note=note)
    return render(request, "film_map.html", values)


def _selected(snapshot: ModelSnapshot, film_map: FilmMap | None, item_id: str) -> tuple[int, str]:
    """The row of a film on the map; if it is not there, that of the most similar film, and a
    sentence. -1 if there is none."""
    index = snapshot.find(item_id) if item_id else None
    if film_map is None or not item_id:
        return -1, ""
    if index is None:
        return -1, texts.MAP["unknown"]
    row = int(np.searchsorted(film_map.item_index, index))
    if row < len(film_map) and film_map.item_index[row] == index:
        return row, ""
    name = snapshot.films.summary(index)["display_title"]
    row = snapshot.run(_nearest_row, snapshot.guide.model, film_map, index)
    if row < 0:
        return -1, texts.MAP["no_place"].format(name=name)
    nearest = snapshot.films.summary(int(film_map.item_index[row]))["display_title"]
    return row, texts.MAP["nearest"].format(name=name, nearest=nearest)


def _nearest_row(model: Recommender, film_map: FilmMap, index: int) -> int:
    """The row of the film on the map whose vector has the highest cosine with that of a film."""
    vectors = centered(model.item_vectors(), model.item_counts_ > 0)
    if not model.item_counts_[index] or not vectors[index].any():
        return -1
    others = vectors[film_map.item_index]
    lengths = np.linalg.norm(others, axis=1)
    return int((others @ vectors[index] / np.maximum(lengths, 1e-12)).argmax())


@router.get("/films.json")
def films(request: Request, serving: Serving) -> Response:
    """The films and their positions, for `map.js`. Browsers may cache them because the address
    contains the version."""
    drawn = _map_of(request, serving.models.snapshot())
    if drawn.film_map is None:
        raise Problem(409, "no-map", drawn.reason)
    headers = {"cache-control": "private, max-age=86400"}
    return Response(drawn.films, media_type="application/json", headers=headers)


@router.get("/you.json")
def you(request: Request, person: MaybePerson, serving: Serving) -> Response:
    """The person's position and ratings as JSON; null if they rated no film of the model."""
    snapshot = serving.models.snapshot()
    film_map, data = _map_of(request, snapshot).film_map, person_data(serving, person)
    profile = snapshot.fold_in(data.stars(), strict=False).profile
    if film_map is None or not len(profile.item_index):
        return OrjsonResponse(None)
    position = you_on(film_map, snapshot.guide, profile)
    return OrjsonResponse(position._replace(n_rated=len(data.ratings)).to_dict())


@router.get("/film")
def film_part(
    request: Request, person: MaybePerson, item_id: Annotated[FilmId, Query(alias="id")]
) -> Response:
    """The part of the panel that concerns the person: the prediction, stars and the watchlist."""
    visitor = Visitor(request, person)
    index = visitor.snapshot.index_of(item_id)
    ranking = visitor.ranking()
    (film,) = visitor.snapshot.run(visitor.cards.predicted, visitor.profile, [index], ranking)
    values = MapFilm(
        film=film,
        given=visitor.ratings.get(index),
        back=with_query("/map/film", id=film["item_id"]),
        scale=visitor.scale,
        n_rated=len(visitor.ratings),
    )
    return render(request, "map_film.html", values)


@router.get("/{name}")
async def asset(name: str) -> Response:
    """A script or the stylesheet of the map."""
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


def _placeable(model: Recommender) -> NDArray[np.bool_]:
    """Which films have a direction in the space of the map, (I,); none without a map."""
    try:
        vectors = centered(model.item_vectors(), model.item_counts_ > 0)
    except UnsupportedError:
        return np.zeros(len(model.items_), bool)
    return np.asarray(vectors.any(axis=1) & (model.item_counts_ > 0))


def _min_ratings(model: Recommender) -> int:
    """The number of ratings that a film needs to be on the map, so that the map has at least two
    and at most `MAX_FILMS` films."""
    counts = np.sort(model.item_counts_)[::-1]
    minimum = few_ratings(model.item_counts_)
    if len(counts) > MAX_FILMS:
        minimum = max(minimum, int(counts[MAX_FILMS]) + 1)
    if int((counts >= minimum).sum()) < 2:
        return 1
    return minimum
