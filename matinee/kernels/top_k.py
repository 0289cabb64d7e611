"""The top K unseen items of many users, without sorting whole lists."""

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel

MOST_AT_ONCE = 64
U64 = np.uint64
SIGN = np.uint32(0x8000_0000)


@kernel()
def smallest_first(keys: NDArray[np.uint64], most: int) -> None:
    """Moves the `most` smallest keys to the front, the largest of them last.

    (Hoare, "Algorithm 65: Find", 1961.) NumPy's partition does the same, but takes four
    seconds to compile.
    """
    low, high = 0, len(keys) - 1
    while low < high:
        pivot, left, right = keys[(low + high) // 2], low, high
        while left <= right:
            while keys[left] < pivot:
                left += 1
            while keys[right] > pivot:
                right -= 1
            if left <= right:
                keys[left], keys[right] = keys[right], keys[left]
                left, right = left + 1, right - 1
        if most - 1 <= right:
            high = right
        elif most - 1 >= left:
            low = left
        else:
            return


@kernel()
def heapsort(keys: NDArray[np.uint64]) -> None:
    """Sorts a few keys in place (Williams, "Algorithm 232: Heapsort", 1964).

    `keys.sort()` does the same and is faster for 1,000 keys or more but takes .7 seconds to
    compile.
    """
    start, end = len(keys) // 2, len(keys)  # the heap is start:end, the sorted rest end:
    while end > 1:
        if start > 0:
            start -= 1
        else:
            end -= 1
            keys[0], keys[end] = keys[end], keys[0]
        parent = start
        while 2 * parent + 1 < end:
            child = 2 * parent + 1
            if child + 1 < end and keys[child + 1] > keys[child]:
                child += 1
            if keys[parent] >= keys[child]:
                break
            keys[parent], keys[child] = keys[child], keys[parent]
            parent = child


@kernel()
def _key(score: np.float32, bits: np.uint32, position: int) -> np.uint64:
    """A sort key that decreases with the score; of equal scores, the first position has the
    lowest.

    The bits of positive floats sort like the floats, those of negative floats in reverse.
    """
    if score == 0:
        bits = np.uint32(0)  # -0.0 and 0.0 are equal
    rising = ~bits if bits & SIGN else bits | SIGN
    return (U64(np.uint32(~rising)) << U64(32)) | U64(position)


@kernel()
def _select(scores: NDArray[np.float32], best: NDArray[np.int64]) -> None:
    """Writes the positions of the largest scores, (I,), into `best`, best first; ties in
    order.

    The K-th highest maximum of the chunks is at most the K-th highest score, so only the few
    scores that reach it are sorted.
    """
    n, k = len(scores), len(best)
    width = min(max(n // (4 * k), 1), MOST_AT_ONCE)
    n_chunks = (n + width - 1) // width
    bits = scores.view(np.uint32)
    highest = np.empty(n_chunks, np.float32)
    keys = np.empty(n, np.uint64)
    for chunk in range(n_chunks):
        part = scores[chunk * width : (chunk + 1) * width]
        most = part[0]
        for score in part:
            most = max(most, score)
        highest[chunk] = most
    least = np.float32(-np.inf)
    if n_chunks >= k:
        maxima = highest.view(np.uint32)
        for chunk in range(n_chunks):
            keys[chunk] = _key(highest[chunk], maxima[chunk], chunk)
        smallest_first(keys[:n_chunks], k)
        least = highest[np.uint32(keys[k - 1])]
    n_found = 0
    for chunk in range(n_chunks):
        if highest[chunk] < least:
            continue
        for position in range(chunk * width, min((chunk + 1) * width, n)):
            if scores[position] >= least:
                keys[n_found] = _key(scores[position], bits[position], position)
                n_found += 1
    smallest_first(keys[:n_found], k)
    heapsort(keys[:k])
    for place in range(k):
        best[place] = np.int64(np.uint32(keys[place]))


@kernel()
def top_unseen(
    scores: NDArray[np.float32],
    users: NDArray[np.int64],
    history: tuple[NDArray[np.int64], NDArray[np.int32]],
    best: NDArray[np.int64],
) -> None:
    """Fills each row of `best`, (B, K), with the K best unseen items of a user, best first.

    Equal scores keep the order of their positions. If there are fewer than K unseen items,
    seen items follow.

    Args:
        scores: (B, I), without NaN; those of seen items become -inf.
        users: the user of each row, (B,).
        history: indptr, (U + 1,), and the seen items, (N,).
        best: (B, K), with K from 1 to I.
    """
    indptr, items = history
    for row in range(len(users)):
        for place in range(indptr[users[row]], indptr[users[row] + 1]):
            scores[row, items[place]] = -np.inf
        _select(scores[row], best[row])
