"""Dials: a ranking turned from obscure to popular and from alike to varied, the same way for every model.

Scores of different models have nothing in common but their order, so only places in the ranking count here. N items
may be shown, and n is the number of ratings of each.

`popularity` X, from -1 to 1, ranks them again by

    ln((N + 1 - rank) / rank) - |X| ln(N) d     with     d = |ln(1 + n) - target| / the largest such distance;

items of equal scores share the mean of their ranks. To stand e times nearer to the top is worth 1, and at X = 1 or -1
the popularity farthest from the wanted one costs as much as to stand in the middle and not first. For X > 0 the target
is the most rated item. For X < 0 it is not the least rated one but `few` ratings, for of what fewer people know even
less is known: so neither blockbusters come first nor films that one person gave five stars. X = 0 changes nothing.

The sum of d over a list never grows with |X|, whatever the model, since the list maximises the sum of the first term
less |X| ln(N) times it. So the geometric mean of 1 + n rises with X: always for X > 0, and for X < 0 but for items with
fewer than `few` ratings, which give way to better known ones as X goes to -1.

`diversity` D, from 0 to 1, chooses one item after the other among the best, the next always that of the highest

    (1 - D) relevance - D (its highest likeness to those chosen)

(maximal marginal relevance: Carbonell, Goldstein, "The use of MMR, diversity-based reranking for reordering documents
and producing summaries", 1998). The relevance falls with the logarithm of the place among these best, from 1 for the
first to 0 for the last, and likeness is measured by how much more alike than any two of them a typical one and its
nearest are, so that D means the same whichever likeness there is (see `likeness_among`). D = 0 changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs
from matinee.data.catalog import Catalog
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnsupportedError
from matinee.linalg import top
from matinee.models.base import Recommender
from matinee.models.co_raters import rater_sets

CANDIDATES, CANDIDATES_PER_PLACE = 50, 10
"""A varied list of k is chosen among the 10 k best, but at least 50."""
TYPICAL = 10
"""So many candidates say what a high likeness is."""

LikenessRow = Callable[[int], Floats | Doubles]
"""How alike one of P candidates, by its place, is to each of them, (P,)."""


@dataclass(frozen=True)
class Dials:
    """How a list is to be turned; as it stands, a list is what the model ranks first.

    Attributes:
        popularity: -1 (obscure) to 1 (popular).
        diversity: 0 (as the model ranks) to 1 (as varied as the best items allow).

    Raises:
        SettingError: a dial is outside its range.
    """

    popularity: float = 0.0
    diversity: float = 0.0

    def __post_init__(self) -> None:
        if not -1 <= self.popularity <= 1:
            raise SettingError(f"popularity must be from -1 (obscure) to 1 (popular), not {self.popularity:g}.")
        if not 0 <= self.diversity <= 1:
            raise SettingError(f"diversity must be from 0 (as ranked) to 1 (varied), not {self.diversity:g}.")


AS_RANKED = Dials()


def towards(scores: Floats | Doubles, counts: NDArray[np.integer], popularity: float, few: int) -> Doubles:
    """Values that rank items anew, (n,): by their scores, (n,), turned towards the popular or the obscure.

    Args:
        counts: (n,), ratings of each item.
        popularity: as in `Dials`.
        few: what counts as few ratings; at most the middle between the most and the least rated, of the logarithms.
    """
    order = np.argsort(-scores)  # need not be stable, which takes four times as long: equal scores get equal ranks
    ranked = scores[order]
    first = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    n_equal = np.diff(np.append(first, len(scores)))
    rank = np.empty(len(scores))
    rank[order] = np.repeat(first + (n_equal + 1) / 2, n_equal)
    known = np.log1p(counts)
    least, most = float(known.min()), float(known.max())
    target = most if popularity > 0 else float(np.clip(np.log1p(few), least, (least + most) / 2))
    distance = np.abs(known - target)
    weight = abs(popularity) * np.log(len(scores)) / max(float(distance.max()), 1e-12)
    return np.asarray(np.log((len(scores) + 1 - rank) / rank) - weight * distance)


def varied(likeness: LikenessRow, n_candidates: int, n: int, diversity: float) -> Longs:
    """The places of n of P candidates, which come best first, chosen one after the other (see the module)."""
    relevance = 1 - np.log(np.arange(1, n_candidates + 1)) / np.log(max(2, n_candidates))  # (P,)
    dear, price = (1 - diversity) * relevance, diversity / _contrast(likeness, n_candidates)
    chosen, nearest = [0], likeness(0)
    while len(chosen) < n:
        worth = dear - price * nearest
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
        nearest = np.maximum(nearest, likeness(chosen[-1]))
    return np.array(chosen, np.int64)


def _contrast(likeness: LikenessRow, n_candidates: int) -> float:
    """How much more alike the first few candidates are to their nearest than to all, the median; 1 if no more."""
    some = np.arange(min(TYPICAL, n_candidates))
    rows = np.array([likeness(place) for place in some.tolist()])  # (S, P)
    rows[some, some] = rows.min(axis=1)
    contrast = sorted((rows.max(axis=1) - rows.mean(axis=1)).tolist())[len(some) // 2]
    return contrast if contrast > 1e-6 else 1.0


# -- what is alike -----------------------------------------------------------------------------------------------


def likeness_among(model: Recommender, catalog: Catalog, items: Longs) -> tuple[LikenessRow, str]:
    """How alike some items are, and in words by what: the first of these that there is.

    1. The cosine of the vectors that `similar` compares (mf, ials and the neural models).
    2. The model's own likeness (item-knn, ease); 0 where it knows nothing.
    3. The cosine of the sets of genres, where they differ.
    4. The cosine of the sets of people who rated each, as in `ranking.diversity`.

    Raises:
        UnsupportedError: there is none of them.
    """
    learnt = f"what {model.name} has learnt of the items"
    if row := _of_vectors(model, items) or _of_model(model, items):
        return row, learnt
    if row := _of_genres(catalog, [model.items_.id(item) for item in items.tolist()]):
        return row, "genre"
    if row := _of_raters(model, items):
        return row, "who rated the items"
    raise UnsupportedError(
        f"Nothing tells how alike these items are: {model.name} has no item factors, there are no genres in which they "
        "differ, and this file was saved without histories. Leave out the diversity, or use mf."
    )


def _of_vectors(model: Recommender, items: Longs) -> LikenessRow | None:
    try:
        vectors = model.item_vectors()  # (I, F)
    except UnsupportedError:
        return None
    rated = (model.item_counts_ > 0).astype(np.float32)
    mean = rated @ vectors / max(1.0, float(rated.sum()))  # as `centered`, but only the candidates are needed
    mine = np.where(rated[items, None] > 0, vectors[items] - mean, np.float32(0))
    return _cosines(mine) if np.abs(mine).max() > 1e-12 else None


def _of_model(model: Recommender, items: Longs) -> LikenessRow | None:
    try:
        model.likeness(int(items[0]))
    except UnsupportedError:
        return None

    def row(place: int) -> Floats:
        likeness = model.likeness(int(items[place]))[items]
        likeness[np.isnan(likeness)] = 0
        return likeness

    return row


def _of_genres(catalog: Catalog, item_ids: list[Id]) -> LikenessRow | None:
    genres = [catalog[item_id].genres for item_id in item_ids]
    column = {genre: place for place, genre in enumerate(sorted({one for several in genres for one in several}))}
    vectors = np.zeros((len(genres), len(column)), np.float32)
    for row, several in enumerate(genres):
        vectors[row, [column[one] for one in several]] = 1
    differ = len(column) > 0 and bool((vectors != vectors[0]).any())
    return _cosines(vectors) if differ else None


def _of_raters(model: Recommender, items: Longs) -> LikenessRow | None:
    if model.history_.is_empty:
        return None
    raters = rater_sets(model.history_, items)
    places = np.arange(len(items))
    return lambda place: raters.cosines(np.full(len(items), place), places)


def _cosines(vectors: Floats) -> LikenessRow:
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return lambda place: units @ units[place]


# -- the list ----------------------------------------------------------------------------------------------------


def choose(
    model: Recommender,
    catalog: Catalog,
    scores: Floats | Doubles,
    is_open: NDArray[np.bool_],
    k: int,
    dials: Dials,
    few: int,
) -> tuple[Longs, str]:
    """The items of a list by index, best first, and a sentence if a dial has something to say.

    There are k, or all that are open if these are fewer: no dial leaves anything out.

    Args:
        scores: (I,), what the model ranks by; is_open: (I,), the items to choose from.
        few: what counts as few ratings, for the popularity.

    Raises:
        UnsupportedError: a varied list is wanted, and nothing tells how alike the items are.
    """
    values, n_open = np.where(is_open, scores, -np.inf), int(is_open.sum())
    n = min(k, n_open)
    if dials.popularity and n:
        values = values.astype(np.float64)
        values[is_open] = towards(scores[is_open], model.item_counts_[is_open], dials.popularity, few)
    if not dials.diversity or n < 2:
        return top(values, n), ""
    candidates = top(values, min(max(CANDIDATES, CANDIDATES_PER_PLACE * k), n_open))
    likeness, by_what = likeness_among(model, catalog, candidates)
    return candidates[varied(likeness, len(candidates), n, dials.diversity)], f"Varied by {by_what}."
