"""The map of films: a place in the plane for each, near films that the same people like, and which are the nearest.

What is projected are the item vectors of a model, by principal components (exact; straight lines; the axes can be
read) or by UMAP (bent; keeps neighbours together and lets distances go).
"""

import re
import warnings
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.catalogue import Film, year_of
from matinee.errors import SettingError, UnsupportedError
from matinee.guide import Guide, few_ratings, seldom
from matinee.models.base import Profile
from matinee.models.settings import check_choice
from matinee.projection import about_mean, nearest_rows, principal_components
from matinee.ratings import Id

METHODS = ("pca", "umap")
N_GENRES = 7
"""So many genres can be told apart by colour and by marker."""

_ARTICLE = re.compile(r"^(.*), (the|a|an|l[ae]|les|el|los|las|il|der|die|das|l')$", re.IGNORECASE)
_OTHER_NAME = re.compile(r"^(.+?)\s*\(([^()]*)\)$")
_OPEN_UNTIL = 5
"""Ratings at the films' means that a person is given before their own generosity counts; see `place_of`."""

Floats = NDArray[np.float32]


class Groups(NamedTuple):
    """Each film in one genre, for colours and markers."""

    names: list[str]
    """The genres that most films have, the most frequent first; at most `N_GENRES`."""
    group: NDArray[np.int8]
    """(M,) position in `names`, -1 for films of none of them."""


@dataclass(frozen=True, eq=False)
class FilmMap:
    """M films with their places, by row; the rows are in the order of the model's items.

    Attributes:
        item_index: (M,) row of each film among the model's items, ascending.
        item_ids, films: (M,) what the file and people call them.
        x, y: (M,) places. By principal components in the units of the item vectors, 0 is the mean; by UMAP no units.
        neighbors: (M, K) rows on this map of the films most alike, best first; K is smaller than asked for if there
            are too few films.
        likeness: (M, K) their cosines, -1 to 1, smaller where a neighbour has few ratings (see `Guide.similar`).
        n_ratings, means: (M,) number of training ratings and their mean.
        biases: (M,) how much better than average a film is rated, as the model has learnt it; None if it has not.
        method: "pca" or "umap".
        explained: the parts of the vectors' variance that x and y show; None for UMAP.
        note: what was left out, as a sentence; empty if nothing was.
    """

    item_index: NDArray[np.int64]
    item_ids: list[Id]
    films: list[Film]
    x: Floats
    y: Floats
    neighbors: NDArray[np.int32]
    likeness: Floats
    n_ratings: NDArray[np.int64]
    means: Floats
    biases: Floats | None
    method: str
    explained: tuple[float, float] | None
    note: str = ""

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def genres(self) -> list[str]:
        """All genres on the map, those of most films first."""
        counts: dict[str, int] = {}
        for film in self.films:
            for genre in dict.fromkeys(film.genres):
                counts[genre] = counts.get(genre, 0) + 1
        return sorted(counts, key=lambda genre: (-counts[genre], genre))

    @cached_property
    def groups(self) -> Groups:
        """Each film in one of the most frequent genres: in the rarest that it has, which says most about it.

        So that a romance which is a drama too is a romance. Files list genres by the alphabet; the first says nothing.
        """
        names = self.genres[:N_GENRES]
        place = {genre: position for position, genre in enumerate(names)}
        group = [max((place.get(genre, -1) for genre in film.genres), default=-1) for film in self.films]
        return Groups(names, np.array(group, np.int8))

    @property
    def axis_labels(self) -> tuple[str, str]:
        """What x and y are."""
        if self.explained is None:
            return "UMAP 1", "UMAP 2"
        first, second = (f"{part:.0%} of the variance" for part in self.explained)
        return f"first component: {first}", f"second component: {second}"

    @property
    def sentence(self) -> str:
        """How many films there are and how they were placed."""
        films = f"{len(self):,} films"
        if self.explained is None:
            return f"{films}, placed by UMAP: what lies together is alike; far distances say little."
        both = f"{sum(self.explained):.0%}"
        return f"{films}, placed by two principal components, which show {both} of the variance of their factors."


def make_map(guide: Guide, *, method: str = "pca", k: int = 10, min_ratings: int | None = None) -> FilmMap:
    """The films of a model as a map. The same model gives the same map.

    Args:
        method: "pca" or "umap"; the latter needs the package umap-learn.
        k: number of neighbours of each film.
        min_ratings: films with fewer training ratings are left out, for their vectors are mostly noise; None: with few
            (`guide.few_ratings`). Films never rated are always left out.

    Raises:
        UnsupportedError: the model has no item vectors, or fewer than two films are left, or UMAP is not installed.
        SettingError: an unknown method, or k below 1.
    """
    check_choice("The method", method, METHODS)
    if k < 1:
        raise SettingError(f"k must be at least 1, not {k}.")
    model = guide.model
    few = few_ratings(model)
    floor = max(1, few if min_ratings is None else min_ratings)
    try:
        vectors = about_mean(model.item_vectors(), model.item_counts_ > 0)  # (I, F)
    except UnsupportedError:
        raise UnsupportedError(f"{model.name} has no item factors, so it has no map; use {model.usual}.") from None
    if not vectors.any():
        raise UnsupportedError(f"This {model.name} model has learnt nothing but biases, and they make no map.")
    rows = np.flatnonzero((model.item_counts_ >= floor) & vectors.any(axis=1))  # (M,)
    if len(rows) < 2:
        raise UnsupportedError(f"A map needs two films with at least {floor} ratings; lower --min-ratings.")
    vectors, counts = vectors[rows], model.item_counts_[rows]
    neighbors, likeness = nearest_rows(vectors, k, (counts / (counts + few)).astype(np.float32))
    positions, explained = principal_components(vectors, 2)  # (M, 2), (2,)
    if method == "umap":
        positions = _umap(vectors, positions, model.seed)
    left_out = len(model.items_) - len(rows)
    item_ids = [model.items_.id(row) for row in rows.tolist()]
    bias = getattr(model, "item_bias_", None)
    return FilmMap(
        item_index=rows,
        item_ids=item_ids,
        films=[guide.catalogue[item_id] for item_id in item_ids],
        x=positions[:, 0].astype(np.float32),
        y=positions[:, 1].astype(np.float32),
        neighbors=neighbors,
        likeness=likeness,
        n_ratings=counts,
        means=model.item_means_[rows],
        biases=bias[rows].astype(np.float32) if bias is not None and bias.any() else None,
        method=method,
        explained=(float(explained[0]), float(explained[1])) if method == "pca" else None,
        note=_left_out(left_out, seldom(floor, model.scale_.has_stars)),
    )


def place_of(film_map: FilmMap, guide: Guide, profile: Profile) -> tuple[float, float]:
    """A person's own place: the mean of the places of the films they like, weighted by how much.

    How much they like a film is by how many stars they rate it above its mean, and above their own habit: what they
    give on average above the means, as if five more ratings of theirs were at the means. Films they like less, and
    films that are not on the map, have no weight. Who likes nothing on it is in the middle, the mean of all places.
    """
    above = profile.value - guide.model.item_means_[profile.item_index]  # (n,)
    above = np.where(np.isfinite(above), above, 0)
    weights = np.maximum(above - above.sum() / (len(above) + _OPEN_UNTIL), 0)
    row = np.searchsorted(film_map.item_index, profile.item_index).clip(max=len(film_map) - 1)
    weights[film_map.item_index[row] != profile.item_index] = 0
    total = float(weights.sum())
    if total == 0:
        return float(film_map.x.mean()), float(film_map.y.mean())
    return float(weights @ film_map.x[row] / total), float(weights @ film_map.y[row] / total)


def spoken(title: str) -> tuple[str, str]:
    """What people call a film, and its other names: ("The Matrix", "") for "Matrix, The (1999)".

    Without the year; what else stands in brackets at the end are the other names.
    """
    name = title.strip()
    others: list[str] = []
    if year_of(name) is not None:
        name = name[: name.rindex("(")].rstrip() or name
    while (match := _OTHER_NAME.match(name)) and match.group(2):
        name, others = match.group(1), [_article_first(match.group(2).removeprefix("a.k.a. ")), *others]
    return _article_first(name), ", ".join(others)


def _article_first(name: str) -> str:
    match = _ARTICLE.match(name)
    return name if match is None else f"{match.group(2)}{'' if match.group(2)[-1] == chr(39) else ' '}{match.group(1)}"


def _left_out(number: int, what: str) -> str:
    if not number:
        return ""
    films = f"{number:,} films" if number > 1 else "1 film"
    return f"{films} {what} {'are' if number > 1 else 'is'} left out."


def _umap(vectors: Floats, start: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Places by UMAP, (M, 2), from exact neighbours by cosine and from the principal components as the start.

    McInnes, Healy, Melville, "UMAP: uniform manifold approximation and projection", 2018. That start keeps the large
    picture (Kobak, Linderman, "Initialization is critical for preserving global data structure in both t-SNE and
    UMAP", 2021) and, unlike UMAP's own, exists for three films too. On one core, or the seed would not fix the places.
    """
    if len(vectors) < 3:
        raise UnsupportedError(f"UMAP places three films or more, and there are {len(vectors)}: use --method pca.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages it could use, and that no film can be added later
        try:
            umap: Any = import_module("umap")
        except ImportError as error:
            raise UnsupportedError("UMAP is not installed: pip install 'matinee[map]', or use --method pca.") from error
        itself = np.arange(len(vectors), dtype=np.int32)
        nearest, cosines = nearest_rows(vectors, 14)
        known = (
            np.column_stack([itself, nearest]),
            np.column_stack([0 * itself, np.maximum(0, 1 - cosines)]).astype(np.float32),
        )
        places = umap.UMAP(
            n_neighbors=known[0].shape[1],
            metric="cosine",
            precomputed_knn=known,
            init=(10 * start / max(float(np.abs(start).max()), 1e-30)).astype(np.float32),
            random_state=seed,
            n_jobs=1,
        ).fit_transform(vectors)
    return np.asarray(places, np.float64)
