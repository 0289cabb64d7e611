"""The top K unseen items of many users, without sorting whole lists.

`top_unseen` has the scores of all items at once; `add_tile` those of some items, while they are
in the cache, after which they are forgotten.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel
from matinee.kernels.vectors import LANES, any_above, broadcast, checked, load, maximum, total

F32 = np.float32
LOWEST = F32(np.finfo(np.float32).min)
"""The score of seen items."""
CHUNK = 4 * LANES
"""Scores that are compared at a time with the lowest that matters."""

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


class Candidates(NamedTuple):
    """The best items of some users so far: keys[row, :counts[row]] are candidates.

    Attributes:
        keys: (B, 2 K + 1): the fewer, the earlier the next score that matters rises.
        counts: (B,).
        least: (B,), the score that further candidates must exceed.
        places: (B,), of each user's next seen item.
        bits: (1,), memory of a thread.
        hits: rows and columns of chunks that may have candidates, memory of a thread.
    """

    keys: NDArray[np.uint64]
    counts: NDArray[np.int64]
    least: NDArray[np.float32]
    places: NDArray[np.int64]
    bits: NDArray[np.uint32]
    hits: NDArray[np.int32]


def no_items(places: NDArray[np.int64], k: int, tile_items: int) -> Candidates:
    """Before the first tile. The seen items of each user begin at some places."""
    n = len(places)
    hits = np.empty((n * (tile_items // CHUNK + 1) + 1, 2), np.int32)
    keys = np.empty((n, 2 * k + 1), np.uint64)
    least = np.full(n, -np.inf, np.float32)
    return Candidates(
        keys, np.zeros(n, np.int64), least, places.copy(), np.empty(1, np.uint32), hits
    )


@kernel()
def _keep(best: Candidates, row: int, k: int) -> None:
    """Forgets all candidates of a row but the best K."""
    keys = best.keys[row, : best.counts[row]]
    smallest_first(keys, k)
    best.counts[row] = k
    rising = ~np.uint32(keys[k - 1] >> U64(32))
    best.bits[0] = rising ^ SIGN if rising & SIGN else ~rising
    best.least[row] = best.bits.view(np.float32)[0]


@kernel()
def _add_hits(
    scores: NDArray[np.float32], first: int, best: Candidates, n_hits: int, k: int
) -> None:
    """Adds the candidates of the chunks that `_scan` found."""
    keys, counts, least, hits = best.keys, best.counts, best.least, best.hits
    bits, n = scores.view(np.uint32), scores.shape[1]
    for hit in range(n_hits):
        row, begin = hits[hit, 0], hits[hit, 1]
        for column in range(begin, min(begin + CHUNK, n)):
            score = scores[row, column]
            if not score > least[row]:
                continue
            keys[row, counts[row]] = _key(score, bits[row, column], first + column)
            counts[row] += 1
            if counts[row] == keys.shape[1]:
                _keep(best, row, k)


@kernel()
def _hide(
    scores: NDArray[np.float32],
    first: int,
    users: NDArray[np.int64],
    history: tuple[NDArray[np.int64], NDArray[np.int32]],
    places: NDArray[np.int64],
) -> bool:
    """Gives seen items the lowest score; returns whether they had finite ones."""
    (indptr, items), check = history, F32(0)
    end = first + scores.shape[1]
    for row in range(len(users)):
        place, stop = places[row], indptr[users[row] + 1]
        while place < stop and items[place] < end:
            column = max(items[place] - first, 0)  # in a damaged model, they might not ascend
            check += F32(0) * scores[row, column]
            scores[row, column] = LOWEST
            place += 1
        places[row] = place
    return bool(check == 0)


@kernel()
def _scan(scores: NDArray[np.float32], best: Candidates) -> int:
    """Lists the chunks with candidates; returns their number, or -1 if a score is not finite."""
    least, hits, n_hits = best.least, best.hits, 0
    n, zeros, check = scores.shape[1], broadcast(F32(0)), F32(0)
    end = n // CHUNK * CHUNK
    for row in range(len(scores)):
        above = least[row]
        c0, c1, c2, c3 = zeros, zeros, zeros, zeros
        for begin in range(0, end, CHUNK):
            v0, v1 = load(scores, row, begin), load(scores, row, begin + LANES)
            v2 = load(scores, row, begin + 2 * LANES)
            v3 = load(scores, row, begin + 3 * LANES)
            c0, c1 = checked(c0, v0), checked(c1, v1)
            c2, c3 = checked(c2, v2), checked(c3, v3)
            hits[n_hits, 0], hits[n_hits, 1] = row, begin
            n_hits += any_above(maximum(maximum(v0, v1), maximum(v2, v3)), above)
        for column in range(end, n):
            check += F32(0) * scores[row, column]
        hits[n_hits, 0], hits[n_hits, 1] = row, end
        n_hits += end < n
        check += total(c0) + total(c1) + total(c2) + total(c3)
    if check == 0:
        return n_hits
    return -1


@kernel()
def add_tile(
    scores: NDArray[np.float32],
    first: int,
    users: NDArray[np.int64],
    history: tuple[NDArray[np.int64], NDArray[np.int32]],
    best: Candidates,
    k: int,
) -> bool:
    """Adds the best unseen items of a tile to those of some users.

    Args:
        scores: of the items from `first` on, (B, n), n at most that of `no_items`; those of seen
            items become the lowest.
        users: the user of each row, (B,).
        history: indptr, (U + 1,), and the seen items, (N,), ascending for each user.

    Returns:
        Whether all scores were finite; otherwise the candidates are not to be used.
    """
    if not _hide(scores, first, users, history, best.places):
        return False
    n_hits = _scan(scores, best)
    if n_hits < 0:
        return False
    _add_hits(scores, first, best, n_hits, k)
    return True


@kernel()
def write_best(best: Candidates, k: int, out: NDArray[np.int64]) -> None:
    """Fills each row of `out`, (B, K), with the best items, best first."""
    for row in range(len(out)):
        if best.counts[row] > k:
            _keep(best, row, k)
        heapsort(best.keys[row, :k])
        for place in range(k):
            out[row, place] = np.int64(np.uint32(best.keys[row, place]))


def scores_of_best(best: Candidates, k: int) -> NDArray[np.float32]:
    """The scores of the best items after `write_best`, (B, K)."""
    rising = ~(best.keys[:, :k] >> U64(32)).astype(np.uint32)
    bits = np.where(rising & SIGN, rising ^ SIGN, ~rising)
    return np.asarray(bits, np.uint32).view(np.float32)
