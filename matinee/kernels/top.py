"""The first K items of many users: what they have seen is left out, and no list is sorted as a whole."""

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel

MOST_AT_ONCE = 64


@kernel()
def _select(scores: NDArray[np.float32], best: NDArray[np.int64]) -> None:
    """The positions of the len(best) largest of some scores, (I,), best first; equal scores in their order.

    The K-th highest of the chunks' maxima is no larger than the K-th largest score, so that only the few scores that
    reach it need be sorted.
    """
    n, k = len(scores), len(best)
    width = min(max(n // (4 * k), 1), MOST_AT_ONCE)
    n_chunks = (n + width - 1) // width
    highest = np.empty(n_chunks, np.float32)
    for chunk in range(n_chunks):
        part = scores[chunk * width : (chunk + 1) * width]
        most = part[0]
        for score in part:
            most = max(most, score)
        highest[chunk] = most
    least = np.float32(-np.inf)
    if n_chunks >= k:
        least = np.partition(highest, n_chunks - k)[n_chunks - k]
    found, n_found = np.empty(n, np.int64), 0
    for chunk in range(n_chunks):
        if highest[chunk] < least:
            continue
        for position in range(chunk * width, min((chunk + 1) * width, n)):
            if scores[position] >= least:
                found[n_found] = position
                n_found += 1
    order = np.argsort(-scores[found[:n_found]], kind="mergesort")
    for place in range(k):
        best[place] = found[order[place]]


@kernel()
def top_unseen(
    scores: NDArray[np.float32],
    users: NDArray[np.int64],
    history: tuple[NDArray[np.int64], NDArray[np.int32]],
    best: NDArray[np.int64],
) -> None:
    """Fills each row of `best`, (B, K), with the K best unseen items of these users, best first.

    Equal scores come in the order of their positions. Who has fewer than K unseen items gets seen ones after them.

    Args:
        scores: (B, I), without NaN; those of seen items become -inf.
        users: (B,), whose rows these are.
        history: indptr (U + 1,) and items (N,), who has seen what.
        best: K is from 1 to I.
    """
    indptr, items = history
    for row in range(len(users)):
        for place in range(indptr[users[row]], indptr[users[row] + 1]):
            scores[row, items[place]] = -np.inf
        _select(scores[row], best[row])
