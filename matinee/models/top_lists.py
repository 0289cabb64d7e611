"""The lists of many known users at once, by index."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats, Indices, Longs
from matinee.threads import one_blas_thread, workers

if TYPE_CHECKING:
    from matinee.models.base import Recommender

USERS_PER_BLOCK = 128
USERS_PER_TILE, ITEMS_PER_TILE = 512, 1024
"""Scores that are in the cache when the best of them are looked for: two megabytes."""
CELLS_PER_BLOCK = 1 << 24
"""Scores in memory at a time in each thread, where they are not looked at in tiles."""


def users_per_block(n_items: int) -> int:
    """How many users' scores of all items are made at once."""
    return max(1, min(USERS_PER_BLOCK, CELLS_PER_BLOCK // max(1, n_items)))


@runtime_checkable
class TiledScores(Protocol):
    """A model whose scores of some items do not depend on the others."""

    def fill_scores(self, vectors: Floats, items: slice, out: Floats) -> None:
        """Writes `scores_of` some items, (B, D) -> (B, n), into `out`, without a check."""


def top_items(model: "Recommender", user_index: Indices, k: int) -> Longs:
    """See `Recommender.top_items`."""
    users = np.asarray(user_index, np.int64)
    best = np.empty((len(users), max(0, min(k, len(model.items_)))), np.int64)
    find, size = _find_in_rows, users_per_block(len(model.items_))
    if isinstance(model, TiledScores):
        find, size = _find_in_tiles, USERS_PER_TILE
    blocks = [slice(first, first + size) for first in range(0, len(users), size)]
    n_threads = None
    if not model.capabilities.thread_safe:
        n_threads = 1
    with one_blas_thread(), workers(n_threads) as run:
        run(find, [(model, users[rows], best[rows]) for rows in blocks if best.size])
    return best


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
    history = model.history_.indptr, model.history_.item_index
    lists_from_tiles(model, users, history, best)


def lists_from_tiles(
    model: "Recommender",
    users: Longs,
    history: tuple[Longs, NDArray[np.int32]],
    best: Longs,
    allowed: NDArray[np.bool_] | None = None,
) -> Floats:
    """Fills the lists of some users, (B, K), with the best items that are not in a history.

    Args:
        history: what to leave out: indptr, (U + 1,), and items, ascending for each user.
        allowed: (I,), the items to choose from; None for all.

    Returns:
        The scores of the lists, (B, K): the lowest number for items that fill a list up, because
        too few are left.
    """
    from matinee.kernels.top_k import LOWEST, add_tile, no_items, scores_of_best, write_best

    assert isinstance(model, TiledScores)
    whole: Recommender = model
    vectors, n_items, k = model.user_vectors(users), len(model.items_), best.shape[1]
    found = no_items(history[0][users], k, ITEMS_PER_TILE)
    memory = np.empty(len(users) * ITEMS_PER_TILE, np.float32)
    for first in range(0, n_items, ITEMS_PER_TILE):
        items = slice(first, min(first + ITEMS_PER_TILE, n_items))
        tile = memory[: len(users) * (items.stop - first)].reshape(len(users), -1)  # (B, n)
        model.fill_scores(vectors, items, tile)
        if allowed is not None:
            tile[:, ~allowed[items]] = LOWEST
        if not add_tile(tile, first, users, history, found, k):
            whole.scores_of(vectors)  # which says what is wrong
            raise AssertionError("scores of tiles differ from those of rows")
    write_best(found, k, best)
    return scores_of_best(found, k)
