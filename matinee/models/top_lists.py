"""The lists of many known users at once, by index; for evaluation."""

from typing import TYPE_CHECKING

import numpy as np

from matinee._types import Indices, Longs
from matinee.threads import one_blas_thread, workers

if TYPE_CHECKING:
    from matinee.models.base import Recommender

USERS_PER_BLOCK = 128
CELLS_PER_BLOCK = 1 << 24
"""Scores in memory at a time in each thread."""


def users_per_block(n_items: int) -> int:
    """How many users' scores of all items are made at once."""
    return max(1, min(USERS_PER_BLOCK, CELLS_PER_BLOCK // max(1, n_items)))


def top_items(model: "Recommender", user_index: Indices, k: int) -> Longs:
    """See `Recommender.top_items`."""
    # Compiled code takes half a second to load
    from matinee.kernels.top_k import top_unseen

    users = np.asarray(user_index, np.int64)
    best = np.empty((len(users), max(0, min(k, len(model.items_)))), np.int64)
    history = model.history_.indptr, model.history_.item_index

    def find(rows: slice) -> None:
        scores = model.scores_of(model.user_vectors(users[rows]))  # (B, I)
        scores = np.ascontiguousarray(scores, np.float32)
        top_unseen(scores, users[rows], history, best[rows])

    size = users_per_block(len(model.items_))
    blocks = [slice(first, first + size) for first in range(0, len(users), size)]
    n_threads = None
    if not model.capabilities.thread_safe:
        n_threads = 1
    with one_blas_thread(), workers(n_threads) as run:
        run(find, [(rows,) for rows in blocks if best.size])
    return best
