"""The lists of all users of the training data, in constant memory."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from matinee._types import Floats, Longs
from matinee.data.catalog import Catalog
from matinee.models.base import Recommender
from matinee.models.history import few_ratings
from matinee.models.top_lists import (
    USERS_PER_BLOCK,
    USERS_PER_TILE,
    TiledScores,
    lists_from_tiles,
    users_per_block,
)
from matinee.recommendation.reranking import AS_RANKED, Dials, choose
from matinee.threads import one_blas_thread, workers

_USERS_PER_FRAME = 32 * USERS_PER_BLOCK


class Wanted(NamedTuple):
    """What lists may contain, and how they are ranked.

    Attributes:
        k: their length at most.
        allowed: (I,), the items to choose from.
    """

    k: int
    allowed: NDArray[np.bool_]
    dials: Dials
    include_seen: bool


def lists_of_all(model: Recommender, catalog: Catalog, wanted: Wanted) -> Iterator[pl.DataFrame]:
    """See `Guide.recommend_everybody`."""
    for first in range(0, len(model.users_), _USERS_PER_FRAME):
        users = np.arange(first, min(first + _USERS_PER_FRAME, len(model.users_)))
        yield lists_of_people(model, catalog, known_people(model, users), wanted)


class PeopleToList(NamedTuple):
    """Some people, B of them.

    Attributes:
        ids: (B,).
        vectors: of some of them, (n, D).
        seen: the items that one of them has rated.
        users: their indices, if they are users of the model, (B,).
    """

    ids: NDArray[Any]
    vectors: Callable[[slice], Floats]
    seen: Callable[[int], NDArray[np.int32]]
    users: Longs | None = None


def known_people(model: Recommender, users: Longs) -> PeopleToList:
    """Users of the training data by index, (B,)."""
    return PeopleToList(
        model.users_.ids[users],
        lambda rows: model.user_vectors(users[rows]),
        lambda row: model.history_.of(int(users[row]))[0],
        users,
    )


def lists_of_people(
    model: Recommender,
    catalog: Catalog,
    people: PeopleToList,
    wanted: Wanted,
    n_threads: int | None = None,
) -> pl.DataFrame:
    """The lists of some people as a frame; see `Guide.recommend_everybody`."""
    k = min(wanted.k, int(wanted.allowed.sum()))
    best = np.full((len(people.ids), k), -1, np.int64)
    scores = np.zeros(best.shape, np.float32)
    _fill(model, catalog, people, wanted, best, scores, n_threads)
    return _frame(model, catalog, people, best, scores)


def _fill(
    model: Recommender,
    catalog: Catalog,
    people: PeopleToList,
    wanted: Wanted,
    best: Longs,
    scores: Floats,
    n_threads: int | None,
) -> None:
    """Fills `best` and `scores`, (B, K), with the items of the lists and their stars, or scores
    if the model only ranks; -1 where a list is shorter."""
    if wanted.dials == AS_RANKED and people.users is not None and isinstance(model, TiledScores):
        _fill_from_tiles(model, people.users, wanted, best, scores, n_threads)
        return
    few = few_ratings(model.item_counts_)

    def fill(rows: slice) -> None:
        vectors = people.vectors(rows)
        block = model.scores_of(vectors, wanted.dials.taste)  # (B, I)
        shown = block
        if model.has_stars:
            shown = model.stars_of(vectors)
        lines = zip(range(len(people.ids))[rows], block, shown, strict=True)
        for row, user_scores, user_shown in lines:
            is_open = wanted.allowed.copy()
            if not wanted.include_seen:
                is_open[people.seen(row)] = False
            chosen, _ = choose(
                model, catalog, user_scores, is_open, best.shape[1], wanted.dials, few
            )
            best[row, : len(chosen)] = chosen
            scores[row, : len(chosen)] = user_shown[chosen]

    size = users_per_block(len(model.items_))
    blocks = [(slice(first, first + size),) for first in range(0, len(people.ids), size)]
    if not model.capabilities.thread_safe or wanted.dials != AS_RANKED:
        n_threads = 1
    with one_blas_thread(), workers(n_threads) as run:
        run(fill, blocks)


def _fill_from_tiles(
    model: Recommender,
    users: Longs,
    wanted: Wanted,
    best: Longs,
    scores: Floats,
    n_threads: int | None,
) -> None:
    """`_fill` for lists that are ranked by the scores alone, without those of all items at once."""
    from matinee.kernels.top_k import LOWEST

    seen = model.history_.indptr, model.history_.item_index
    if wanted.include_seen:
        seen = np.zeros_like(seen[0]), seen[1]
    allowed = None
    if not wanted.allowed.all():
        allowed = wanted.allowed

    def fill(rows: slice) -> None:
        scores[rows] = lists_from_tiles(model, users[rows], seen, best[rows], allowed)

    blocks = [
        (slice(first, first + USERS_PER_TILE),) for first in range(0, len(users), USERS_PER_TILE)
    ]
    if not model.capabilities.thread_safe:
        n_threads = 1
    with one_blas_thread(), workers(n_threads) as run:
        run(fill, blocks)
    is_left_over = scores == LOWEST
    if model.has_stars:
        user, item = np.repeat(users, best.shape[1]), best.ravel()
        stars = model.predict_at(user.astype(np.int32), item.astype(np.int32), None)
        scores[:] = stars.reshape(best.shape)
    best[is_left_over] = -1


def _frame(
    model: Recommender, catalog: Catalog, people: PeopleToList, best: Longs, scores: Floats
) -> pl.DataFrame:
    is_listed = best >= 0
    items = best[is_listed]
    name, values = "score", scores[is_listed]
    if model.has_stars:
        scale = model.scale_
        name, values = "stars", np.clip(values, scale.lowest, scale.highest)
    row, rank = np.nonzero(is_listed)
    return pl.DataFrame(
        {
            "user_id": people.ids[row].tolist(),
            "rank": rank + 1,
            "item_id": model.items_.ids[items].tolist(),
            "title": [catalog[item].title for item in model.items_.ids[items].tolist()],
            name: values,
        },
        schema_overrides={"rank": pl.Int32, "title": pl.String},
    )
