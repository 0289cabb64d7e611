"""The lists of many known users at once, by index; for evaluation."""

from typing import TYPE_CHECKING

import numpy as np

from matinee._types import Indices, Longs
from matinee.threads import one_blas_thread, workers

if TYPE_CHECKING:
    from matinee.models.base import Recommender

USERS_PER_BLOCK = 128
USERS_PER_TILE, ITEMS_PER_TILE = 512, 1024
"""Scores that are in the cache when the best of them are looked for: two megabytes."""


def top_items(model: "Recommender", user_index: Indices, k: int) -> Longs:
    """See `Recommender.top_items`."""
    users = np.asarray(user_index, np.int64)
    best = np.empty((len(users), max(0, min(k, len(model.items_)))), np.int64)
    find, size = _find_in_rows, USERS_PER_BLOCK
    if best.size and _has_tiles(model, users[:1]):
        find, size = _find_in_tiles, USERS_PER_TILE
    blocks = [slice(first, first + size) for first in range(0, len(users), size)]
    n_threads = None
    if not model.capabilities.thread_safe:
        n_threads = 1
    with one_blas_thread(), workers(n_threads) as run:
        run(find, [(model, users[rows], best[rows]) for rows in blocks if best.size])
    return best


def _has_tiles(model: "Recommender", users: Longs) -> bool:
    nothing = np.empty((len(users), 0), np.float32)
    return model.fill_scores(model.user_vectors(users), slice(0, 0), nothing)


def _find_in_rows(model: "Recommender", users: Longs, best: Longs) -> None:
    """Fills the lists of some users from the scores of all items."""
    # Compiled code takes half a second to load
    from matinee.kernels.top_k import top_unseen

    scores = model.scores_of(model.user_vectors(users))  # (B, I)
    scores = np.ascontiguousarray(scores, np.float32)
    history = model.history_.indptr, model.history_.item_index
    top_unseen(scores, users, history, best)


def _find_in_tiles(model: "Recommender", users: Longs, best: Longs) -> None:
    """Fills the lists of some users from the scores of some items at a time."""
    from matinee.kernels.top_k import add_tile, no_items, write_best

    history = model.history_.indptr, model.history_.item_index
    vectors, n_items, k = model.user_vectors(users), len(model.items_), best.shape[1]
    found = no_items(history[0][users], k)
    memory = np.empty(len(users) * ITEMS_PER_TILE, np.float32)
    for first in range(0, n_items, ITEMS_PER_TILE):
        items = slice(first, min(first + ITEMS_PER_TILE, n_items))
        tile = memory[: len(users) * (items.stop - first)].reshape(len(users), -1)  # (B, n)
        model.fill_scores(vectors, items, tile)
        if not add_tile(tile, first, users, history, found, k):
            model.scores_of(vectors)  # which says what is wrong
            raise AssertionError("scores of tiles differ from those of rows")
    write_best(found, k, best)
