"""The map of films: each film has a position in the plane, near films that the same people
like.

The item vectors of a model are projected, by principal components (linear and exact, with axes
that can be interpreted) or by UMAP (nonlinear; keeps neighbors together and gives up large
distances).
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from html import escape
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.analysis.map_drawing import map_svg
from matinee.data.arguments import list_length
from matinee.data.catalog import Film
from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.linalg import centered, nearest_rows, principal_components, shrinkage_weights
from matinee.models.base import UserState
from matinee.models.history import few_ratings
from matinee.models.hyperparameters import check_choice
from matinee.recommendation.filters import seldom
from matinee.recommendation.guide import Guide
from matinee.text import counted

METHODS = ("pca", "umap")
#: Genres that can be told apart by color and by marker.
N_GENRES = 7

#: Ratings at the films' means that shrink the estimate of a person's own habit; see `place_of`.
_PRIOR_RATINGS = 5
#: Neighbors of each film from which UMAP places the films.
_UMAP_NEIGHBORS = 14


class Point(NamedTuple):
    """A position on the map."""

    x: float
    y: float


class MainGenres(NamedTuple):
    """One genre for each film, for colors and markers.

    Attributes:
        names: the genres with most films, the most frequent first; at most `N_GENRES`.
        group: (M,) position in `names`, -1 for films that have none of these genres.
    """

    names: list[str]
    group: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class FilmMap:
    """M films with their positions, by row; the rows are in the order of the model's items.

    Attributes:
        item_index: (M,) row of each film among the model's items, ascending.
        item_ids, films: (M,) their ids, and their titles, years and genres.
        x, y: (M,) positions. With principal components they have the units of the item
            vectors, and 0 is the mean; with UMAP they have no units.
        neighbors: (M, K) rows on this map of the most similar films, best first; K is smaller
            than requested if there are too few films.
        likeness: (M, K) their cosine similarities, -1 to 1, reduced for neighbors with few
            ratings (see `Guide.similar`).
        n_ratings, means: (M,) number of training ratings and their mean.
        biases: (M,) the learned item biases; None if the model has none.
        method: "pca" or "umap".
        explained: the shares of the variance of the vectors along x and y; None for UMAP.
        note: a sentence on what was left out; empty if nothing was.

    Example:
        >>> film_map = matinee.make_map(guide, k=3)
        >>> place = film_map.item_ids.index(107)
        >>> film_map.films[place].title, film_map.x.shape
        ('Alien (1979)', (340,))
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

    def _repr_html_(self) -> str:
        """The map as notebooks show it; pointing at a film shows its title."""
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f"{map_svg(self)}{note}"

    @cached_property
    def genres(self) -> list[str]:
        """All genres on the map, those with most films first."""
        counts: dict[str, int] = {}
        for film in self.films:
            for genre in dict.fromkeys(film.genres):
                counts[genre] = counts.get(genre, 0) + 1
        return sorted(counts, key=lambda genre: (-counts[genre], genre))

    @cached_property
    def groups(self) -> MainGenres:
        """The main genre of each film: of the most frequent genres, the rarest that it has.

        The rarest genre says most about a film: a romantic drama is shown as a romance. The
        order in the data says nothing, as files list genres alphabetically.
        """
        names = self.genres[:N_GENRES]
        position = {genre: number for number, genre in enumerate(names)}
        group = np.full(len(self.films), -1, np.int8)
        for row, film in enumerate(self.films):
            for genre in film.genres:
                group[row] = max(group[row], position.get(genre, -1))
        return MainGenres(names, group)

    @property
    def axis_labels(self) -> tuple[str, str]:
        """The labels of the two axes."""
        if self.explained is None:
            return "UMAP 1", "UMAP 2"
        first, second = (f"{part:.0%} of the variance" for part in self.explained)
        return f"first component: {first}", f"second component: {second}"

    @property
    def sentence(self) -> str:
        """The number of films, and what their positions mean."""
        if self.explained is None:
            return (
                f"{len(self):,} films, placed by UMAP: close films are similar; "
                "large distances mean little."
            )
        share = sum(self.explained)
        return (
            f"{len(self):,} films. Those that the same people like tend to be close together. "
            f"The two axes (principal components) show {share:.0%} of what distinguishes the films."
        )


def make_map(
    guide: Guide, *, method: str = "pca", k: int = 10, min_ratings: int | None = None
) -> FilmMap:
    """The films of a model as a map. The same model gives the same map.

    Principal components are linear and exact, with axes that can be interpreted; UMAP (McInnes,
    Healy, Melville, "UMAP: uniform manifold approximation and projection", 2018) keeps neighbors
    together and gives up large distances.

    Args:
        guide: a model with its titles.
        method: "pca" or "umap"; the latter needs the package umap-learn.
        k: number of neighbors of each film.
        min_ratings: leaves out films with fewer training ratings, whose vectors are mostly
            noise; None: `few_ratings`. Films without ratings are always left out.

    Raises:
        UnsupportedError: the model has no item vectors, fewer than two films remain, or UMAP
            is not installed.
        SettingError: an unknown method, or k below 1.

    Example:
        >>> film_map = matinee.make_map(guide, k=3)
        >>> len(film_map), film_map.neighbors.shape
        (340, (340, 3))
    """
    check_choice("The method", method, METHODS)
    k = list_length(k)
    model = guide.model
    few = few_ratings(model.item_counts_)
    if min_ratings is None:
        min_ratings = few
    floor = max(1, min_ratings)
    try:
        vectors = centered(model.item_vectors(), model.item_counts_ > 0)  # (I, F)
    except UnsupportedError:
        raise UnsupportedError(
            f"{model.name} has no item factors, so it cannot make a map; use {model.usual}."
        ) from None
    if not vectors.any():
        raise UnsupportedError(
            f"This {model.name} model learned only biases, so it cannot make a map."
        )
    rows = np.flatnonzero((model.item_counts_ >= floor) & vectors.any(axis=1))  # (M,)
    if len(rows) < 2:
        raise UnsupportedError(
            f"A map needs two films with at least {floor} ratings; lower --min-ratings."
        )
    vectors, counts = vectors[rows], model.item_counts_[rows]
    weights = shrinkage_weights(counts, few).astype(np.float32)
    neighbors, likeness = nearest_rows(vectors, k, weights)
    positions, explained = principal_components(vectors, 2)  # (M, 2), (2,)
    shares = (float(explained[0]), float(explained[1]))
    if method == "umap":
        positions = _umap(vectors, positions, model.seed)
    n_left_out = len(model.items_) - len(rows)
    item_ids = [model.items_.id(row) for row in rows.tolist()]
    learned = model.learned_biases()
    return FilmMap(
        item_index=rows,
        item_ids=item_ids,
        films=[guide.catalog[item_id] for item_id in item_ids],
        x=positions[:, 0].astype(np.float32),
        y=positions[:, 1].astype(np.float32),
        neighbors=neighbors,
        likeness=likeness,
        n_ratings=counts,
        means=model.item_means_[rows],
        biases=learned.item[rows] if learned is not None and learned.item.any() else None,
        method=method,
        explained=shares if method == "pca" else None,
        note=_left_out(n_left_out, seldom(floor, model.scale_.has_stars)),
    )


def place_of(film_map: FilmMap, guide: Guide, profile: UserState) -> Point:
    """A person's position: the mean position of the films they like, weighted by how much.

    The weight is the number of stars above the film's mean and above the person's habit. The
    habit is their average difference from the means, with five additional ratings at the
    means. Films below that, and films that are not on the map, have no weight. A person who
    likes no film on the map is in its center, the mean of all positions.
    """
    above = profile.value - guide.model.item_means_[profile.item_index]  # (n,)
    above = np.where(np.isfinite(above), above, 0)
    weights = np.maximum(above - above.sum() / (len(above) + _PRIOR_RATINGS), 0)
    row = np.searchsorted(film_map.item_index, profile.item_index).clip(max=len(film_map) - 1)
    weights[film_map.item_index[row] != profile.item_index] = 0
    total = float(weights.sum())
    if total == 0:
        return Point(float(film_map.x.mean()), float(film_map.y.mean()))
    return Point(float(weights @ film_map.x[row] / total), float(weights @ film_map.y[row] / total))


def _left_out(n: int, what: str) -> str:
    if n == 0:
        return ""
    verb = "are"
    if n == 1:
        verb = "is"
    return f"{counted(n, 'film')} {what} {verb} left out."


def _umap(vectors: Floats, start: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Positions by UMAP, (M, 2), from exact neighbors, initialized with the principal
    components.

    McInnes, Healy, Melville, "UMAP: uniform manifold approximation and projection", 2018. This
    initialization preserves the global structure (Kobak, Linderman, "Initialization is
    critical for preserving global data structure in both t-SNE and UMAP", 2021) and, unlike
    UMAP's own, works for three films. It runs on one core, as otherwise the seed would not
    determine the positions.
    """
    if len(vectors) < 3:
        raise UnsupportedError(
            f"UMAP needs at least three films, not {len(vectors)}; use --method pca."
        )
    with warnings.catch_warnings():
        # On optional packages, and that films cannot be added later.
        warnings.simplefilter("ignore")
        try:
            umap: Any = import_module("umap")
        except ImportError as error:
            raise UnsupportedError(
                "UMAP is not installed: pip install 'matinee[map]', or use --method pca."
            ) from error
        itself = np.arange(len(vectors), dtype=np.int32)
        others, cosines = nearest_rows(vectors, _UMAP_NEIGHBORS)
        neighbors = np.column_stack([itself, others])
        distances = np.column_stack([0 * itself, np.maximum(0, 1 - cosines)]).astype(np.float32)
        positions = umap.UMAP(
            n_neighbors=neighbors.shape[1],
            metric="cosine",
            precomputed_knn=(neighbors, distances),
            init=(10 * start / max(float(np.abs(start).max()), 1e-30)).astype(np.float32),
            random_state=seed,
            n_jobs=1,
        ).fit_transform(vectors)
    return np.asarray(positions, np.float64)
