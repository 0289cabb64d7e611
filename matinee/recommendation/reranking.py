"""Re-ranking: from obscure to popular, and from similar to varied, in the same way for every
model.

Scores of different models have only their order in common, so only ranks count here. N is the
number of items to rank, and n the number of ratings of an item.

`popularity` X, from -1 to 1, re-ranks by

    ln((N + 1 - rank) / rank) - |X| ln(N) d,    d = |ln(1 + n) - target| / its largest value.

Ties share the mean of their ranks. A rank that is e times smaller is worth 1. At X = 1 or -1
the popularity farthest from the target costs as much as the step from the first rank to the
middle. For X > 0 the target is the item with the most ratings. For X < 0 it is `few` ratings,
not the fewest,
because little is known about items with fewer: so neither blockbusters come first nor films to
which one person gave five stars. X = 0 changes nothing.

The sum of d over a list never increases with |X|, whatever the model, because the list
maximizes the sum of the first term less |X| ln(N) times the sum of d. So the geometric mean of
1 + n increases with X: always for X > 0. For X < 0 there is one exception: items with fewer
than `few` ratings give way to better known ones as X approaches -1.

`diversity` D, from 0 to 1, selects one item after the other from the best candidates, each
time the one with the highest

    (1 - D) relevance - D (its highest similarity to those selected)

(maximal marginal relevance: Carbonell, Goldstein, "The use of MMR, diversity-based reranking
for reordering documents and producing summaries", 1998). The relevance decreases with the
logarithm of the rank among the candidates, from 1 for the first to 0 for the last. The
similarity is divided by the difference between a typical candidate's similarity to its nearest
neighbor and to all, so that D means the same for every kind of similarity (see
`similarities_among`). D = 0 changes nothing.
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
from matinee.models.list_scores import check_taste

#: A varied list of k items is selected from the 10 k best, but at least 50.
CANDIDATES, CANDIDATES_PER_PLACE = 50, 10
#: The number of candidates that tell what a high similarity is.
TYPICAL = 10
#: The genres of a candidate that are compared.
MOST_GENRES = 100

SimilarityRow = Callable[[int], Floats | Doubles]
"""The similarity of one of P candidates, given by its position, to each of them, (P,)."""


@dataclass(frozen=True)
class Dials:
    """How to re-rank a list; the defaults keep the model's order.

    Diversity is maximal marginal relevance (Carbonell, Goldstein, "The use of MMR, diversity-based
    reranking for reordering documents and producing summaries", 1998);
    `matinee.recommendation.reranking` has the formulas.

    Attributes:
        popularity: -1 (obscure) to 1 (popular).
        diversity: 0 (as the model ranks) to 1 (as varied as the best items allow).
        taste: 0 (what the person is likely to choose) to 1 (what fits their taste); None: as
            the model usually ranks (`Recommender.usual_taste`).

    Raises:
        SettingError: a dial is outside its range.

    Example:
        >>> obscure = guide.recommend(1, k=5, dials=matinee.Dials(popularity=-1))
        >>> usual = guide.recommend(1, k=5)
        >>> sum(line.n_ratings for line in obscure) < sum(line.n_ratings for line in usual)
        True
    """

    popularity: float = 0.0
    diversity: float = 0.0
    taste: float | None = None

    def __post_init__(self) -> None:
        if not -1 <= self.popularity <= 1:
            raise SettingError(
                f"popularity must be from -1 (obscure) to 1 (popular), not {self.popularity:g}."
            )
        if not 0 <= self.diversity <= 1:
            raise SettingError(
                f"diversity must be from 0 (as ranked) to 1 (varied), not {self.diversity:g}."
            )
        if self.taste is not None:
            check_taste(self.taste)


AS_RANKED = Dials()


def towards(
    scores: Floats | Doubles, counts: NDArray[np.integer], popularity: float, few: int
) -> Doubles:
    """Values that re-rank items towards the popular or the obscure, (N,).

    Args:
        scores: (N,), the model's.
        counts: (N,), ratings of each item.
        popularity: as in `Dials`.
        few: what counts as few ratings; limited to the middle between the fewest and the most,
            on a log scale.
    """
    # A stable sort takes four times as long, and ties get the same rank anyway.
    order = np.argsort(-scores)
    ranked = scores[order]
    first = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    n_equal = np.diff(np.append(first, len(scores)))
    rank = np.empty(len(scores))
    rank[order] = np.repeat(first + (n_equal + 1) / 2, n_equal)
    log_count = np.log1p(counts)
    least, most = float(log_count.min()), float(log_count.max())
    target = most
    if popularity <= 0:
        target = float(np.clip(np.log1p(few), least, (least + most) / 2))
    distance = np.abs(log_count - target)
    weight = abs(popularity) * np.log(len(scores)) / max(float(distance.max()), 1e-12)
    return np.asarray(np.log((len(scores) + 1 - rank) / rank) - weight * distance)


def diversify(similarity: SimilarityRow, n_candidates: int, n: int, diversity: float) -> Longs:
    """The positions of n of P candidates, selected by maximal marginal relevance.

    Args:
        similarity: among the candidates, which are in order of rank, best first.
    """
    relevance = 1 - np.log(np.arange(1, n_candidates + 1)) / np.log(max(2, n_candidates))  # (P,)
    weighted_relevance = (1 - diversity) * relevance
    penalty = diversity / _contrast(similarity, n_candidates)
    chosen, nearest = [0], similarity(0)
    while len(chosen) < n:
        marginal_relevance = weighted_relevance - penalty * nearest
        marginal_relevance[chosen] = -np.inf
        chosen.append(int(marginal_relevance.argmax()))
        nearest = np.maximum(nearest, similarity(chosen[-1]))
    return np.array(chosen, np.int64)


def _contrast(similarity: SimilarityRow, n_candidates: int) -> float:
    """How much more similar the nearest candidate is than the mean of all; 1 if no more.

    The median over the first few candidates.
    """
    first = np.arange(min(TYPICAL, n_candidates))
    rows = np.array([similarity(position) for position in first.tolist()])  # (TYPICAL, P)
    rows[first, first] = rows.min(axis=1)
    contrasts = sorted((rows.max(axis=1) - rows.mean(axis=1)).tolist())
    median = float(contrasts[len(first) // 2])
    if median > 1e-6:
        return median
    return 1.0


# -- similarity --------------------------------------------------------------------------


def similarities_among(
    model: Recommender, catalog: Catalog, items: Longs
) -> tuple[SimilarityRow, str]:
    """The similarities among some items, and their source in words: the first available of
    these.

    1. The cosine of the vectors that `similar` compares (mf, ials and the neural models).
    2. The model's own similarity (item-knn, ease); 0 where it is unknown.
    3. The cosine of the sets of genres, unless all are equal.
    4. The cosine of the sets of people who rated each item, as in
    `evaluation.ranking.diversity`.

    Raises:
        UnsupportedError: none is available.
    """
    if row := _of_vectors(model, items) or _of_model(model, items):
        return row, f"what {model.name} learned about the items"
    if row := _of_genres(catalog, [model.items_.id(item) for item in items.tolist()]):
        return row, "genre"
    if row := _of_raters(model, items):
        return row, "who rated the items"
    raise UnsupportedError(
        f"Nothing tells how similar these items are: {model.name} has no item factors, the genres "
        "of the items are missing or all the same, and this file was saved without histories. "
        "Leave out the diversity, or use mf."
    )


def _of_vectors(model: Recommender, items: Longs) -> SimilarityRow | None:
    try:
        vectors = model.item_vectors()  # (I, F)
    except UnsupportedError:
        return None
    rated = (model.item_counts_ > 0).astype(np.float32)
    # As `linalg.centered`, but for the candidates only.
    mean = rated @ vectors / max(1.0, float(rated.sum()))  # (F,)
    centered = np.where(rated[items, None] > 0, vectors[items] - mean, np.float32(0))  # (P, F)
    if np.abs(centered).max() <= 1e-12:
        return None
    return _cosines(centered)


def _of_model(model: Recommender, items: Longs) -> SimilarityRow | None:
    try:
        model.likeness(int(items[0]))
    except UnsupportedError:
        return None

    def row(position: int) -> Floats:
        similarity = model.likeness(int(items[position]))[items]
        similarity[np.isnan(similarity)] = 0
        return similarity

    return row


def _of_genres(catalog: Catalog, item_ids: list[Id]) -> SimilarityRow | None:
    item_genres = [catalog[item_id].genres[:MOST_GENRES] for item_id in item_ids]
    genres = sorted(set().union(*item_genres))
    column_of = {genre: column for column, genre in enumerate(genres)}
    vectors = np.zeros((len(item_ids), len(genres)), np.float32)
    for row, row_genres in enumerate(item_genres):
        vectors[row, [column_of[genre] for genre in row_genres]] = 1
    if not genres or (vectors == vectors[0]).all():
        return None
    return _cosines(vectors)


def _of_raters(model: Recommender, items: Longs) -> SimilarityRow | None:
    if model.history_.is_empty:
        return None
    raters = rater_sets(model.history_, items)
    positions = np.arange(len(items))
    return lambda position: raters.cosines(np.full(len(items), position), positions)


def _cosines(vectors: Floats) -> SimilarityRow:
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return lambda position: units @ units[position]


# -- the list ----------------------------------------------------------------------------


def choose(
    model: Recommender,
    catalog: Catalog,
    scores: Floats | Doubles,
    is_open: NDArray[np.bool_],
    k: int,
    dials: Dials,
    few: int,
) -> tuple[Longs, str]:
    """The items of a list by index, best first, and a note (empty without diversity).

    There are k items, or all open ones if these are fewer: re-ranking leaves nothing out.

    Args:
        scores: (I,), what the model ranks by.
        is_open: (I,), the items to choose from.
        few: what counts as few ratings, for the popularity.

    Raises:
        UnsupportedError: diversity is requested, and nothing tells how similar the items are.
    """
    values = np.where(is_open, scores, -np.inf)
    n_open = int(is_open.sum())
    n = min(k, n_open)
    if dials.popularity and n:
        counts = model.item_counts_[is_open]
        values = values.astype(np.float64)
        values[is_open] = towards(scores[is_open], counts, dials.popularity, few)
    if not dials.diversity or n < 2:
        return top(values, n), ""
    n_candidates = min(max(CANDIDATES, CANDIDATES_PER_PLACE * k), n_open)
    candidates = top(values, n_candidates)
    similarity, source = similarities_among(model, catalog, candidates)
    positions = diversify(similarity, n_candidates, n, dials.diversity)
    return candidates[positions], f"Varied by {source}."
