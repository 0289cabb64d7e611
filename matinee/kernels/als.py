"""One half of implicit alternating least squares: factors x of users or items, the others
fixed.

`solve` improves them. Each x minimizes, over its positives with their weights w,

    sum w (1 - x . y)^2 + sum curvature x^2 + pull |x|^2

by conjugate gradients, starting at the present x. The curvature is that of all pairs,
x'(alpha0 Y'Y)x. It is a vector because the factors are rotated so that Y'Y is diagonal: then
its cost is negligible, and together with the pull (the penalty of x) it is the preconditioner.
After Takács, Pilászy, Tikk, "Applications of the conjugate gradient method for implicit
feedback collaborative filtering", 2011, where Y'Y is a full matrix without preconditioning;
two steps here achieve as much as three steps there.

`refine` and `draw` make a random start that depends on who likes what, not on the row numbers.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel
from matinee.kernels.vectors import (
    LANES,
    Floats,
    add_product,
    aligned,
    broadcast,
    guarded,
    load,
    padded,
    prefetch,
    store,
    total,
)

F32 = np.float32
TINY = F32(1e-20)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
NEAR_BYTES = 2**19
"""Of the vectors of one row's positives that are copied, so that steps find them in the cache."""
AHEAD = 8
"""Positives to prefetch ahead."""


class Positives(NamedTuple):
    """The likes by user, or by item: row r is at indptr[r]:indptr[r + 1]."""

    indptr: NDArray[np.int64]  # (R + 1,)
    indices: NDArray[np.int32]  # (N,) the other side's rows
    weight: NDArray[np.float32]  # (N,)


@kernel()
def _mix(number: np.uint64) -> np.uint64:
    """The finalizer of SplitMix64.

    (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.)
    """
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@kernel()
def refine(positives: Positives, colors: NDArray[np.uint64], others: NDArray[np.uint64]) -> None:
    """One round of color refinement.

    The color of each row, (R,), becomes a hash of itself and of the colors of its positives,
    (O,), with their weights, in any order (Weisfeiler, Leman, "The reduction of a graph to
    canonical form", 1968). Rows with different colors differ in structure; rows with equal
    colors may be equal.
    """
    for row in range(len(colors)):
        total = _mix(colors[row] + GOLDEN)
        for place in range(positives.indptr[row], positives.indptr[row + 1]):
            weight = np.uint64(positives.weight[place] * F32(2**20))
            total += _mix(others[positives.indices[place]] + weight * GOLDEN)
        colors[row] = _mix(total)


@kernel()
def draw(colors: NDArray[np.uint64], highest: float, out: NDArray[np.float32]) -> None:
    """Fills the rows of `out`, (R, F), with random numbers in [-highest, highest].

    The color of a row determines its numbers.
    """
    for row in range(len(colors)):
        state = colors[row]
        for f in range(out.shape[1]):
            state += GOLDEN
            out[row, f] = highest * (np.float64(_mix(state) >> np.uint64(11)) / 2.0**52 - 1)


class StepMemory(NamedTuple):
    """The memory of `solve`."""

    near: Floats  # (M, P), the vectors of one row's positives
    numbers: NDArray[np.int32]  # (M,), 0 to M
    vectors: Floats  # (5, P): x, residual, way, change, and what the steps divide by


X, RESIDUAL, WAY, CHANGE, INVERSE = range(5)
"""Rows of `StepMemory.vectors`."""


def new_work(n_factors: int) -> StepMemory:
    """Memory for one call of `solve`."""
    width = padded(n_factors)
    n_near = max(NEAR_BYTES // (4 * width), 1)
    return StepMemory(aligned(n_near, width), np.arange(n_near, dtype=np.int32), guarded(5, width))


def whole_vectors(factors: Floats) -> Floats:
    """The same factors in rows of whole vectors, (R, P)."""
    out = aligned(len(factors), padded(factors.shape[1]))
    out[:, : factors.shape[1]] = factors
    return out


@kernel(fastmath=True, is_inlined=True)
def _copy_near(index: NDArray[np.int32], others: Floats, near: Floats) -> None:
    """Copies the rows of `others` that the index names to the first rows of `near`."""
    n, width = len(index), near.shape[1]
    for place in range(n):
        ahead = index[min(place + AHEAD, n - 1)]
        for f in range(0, width, LANES):
            prefetch(others, ahead, f)
            store(near, place, f, load(others, index[place], f))


@kernel(is_inlined=True)
def _prefetch_rows(others: Floats, index: NDArray[np.int32]) -> None:
    for row in index:
        for f in range(0, others.shape[1], LANES):
            prefetch(others, row, f)


@kernel(fastmath=True)
def _add_errors(
    index: NDArray[np.int32],
    weight: Floats,
    others: Floats,
    vectors: Floats,
    rows: tuple[int, int],
    target: np.float32,
    is_far: bool,
) -> np.float32:
    """Adds the sum of w (target - x . y) y over the rows y of `others` that the index names.

    Args:
        vectors, rows: x is the first of the two rows, and the sum is added to the second.
        is_far: whether the rows are probably not in the cache.

    Returns:
        The sum of w (target - x . y)^2.
    """
    n, width, loss = len(index), others.shape[1], F32(0)
    x, sums = rows
    for place in range(0, n, 4):  # four at a time, which load x and the sums only once
        i1, i2, i3 = min(place + 1, n - 1), min(place + 2, n - 1), min(place + 3, n - 1)
        y0, y1, y2, y3 = index[place], index[i1], index[i2], index[i3]
        if is_far:
            _prefetch_rows(others, index[min(place + AHEAD, n) : min(place + AHEAD + 4, n)])
        p0, p1, p2, p3 = broadcast(F32(0)), broadcast(F32(0)), broadcast(F32(0)), broadcast(F32(0))
        for f in range(0, width, LANES):
            own = load(vectors, x, f)
            p0 = add_product(p0, own, load(others, y0, f))
            p1 = add_product(p1, own, load(others, y1, f))
            p2 = add_product(p2, own, load(others, y2, f))
            p3 = add_product(p3, own, load(others, y3, f))
        e0, e1, e2, e3 = (
            target - total(p0),
            target - total(p1),
            target - total(p2),
            target - total(p3),
        )
        w0, w1, w2, w3 = weight[place] * e0, F32(0), F32(0), F32(0)
        if place + 1 < n:
            w1 = weight[i1] * e1
        if place + 2 < n:
            w2 = weight[i2] * e2
        if place + 3 < n:
            w3 = weight[i3] * e3
        loss += w0 * e0 + w1 * e1 + w2 * e2 + w3 * e3
        b0, b1, b2, b3 = broadcast(w0), broadcast(w1), broadcast(w2), broadcast(w3)
        for f in range(0, width, LANES):
            added = add_product(load(vectors, sums, f), b0, load(others, y0, f))
            added = add_product(added, b1, load(others, y1, f))
            added = add_product(added, b2, load(others, y2, f))
            store(vectors, sums, f, add_product(added, b3, load(others, y3, f)))
    return loss


@kernel(fastmath=True, is_inlined=True)
def _steps(
    index: NDArray[np.int32],
    weight: Floats,
    others: Floats,
    vectors: Floats,
    stop: tuple[int, float],
    loss: np.float32,
    is_far: bool,
) -> np.float32:
    """Improves x, whose residual is known; see `solve`. Returns the objective, which was `loss`."""
    width, gain = vectors.shape[1], F32(0)
    for f in range(width):
        way = vectors[INVERSE, f] * vectors[RESIDUAL, f]
        vectors[WAY, f] = way
        gain += way * vectors[RESIDUAL, f]
    enough = max(F32(stop[1]) * gain, TINY)
    for _ in range(stop[0]):
        if gain <= enough:
            break
        for f in range(width):
            vectors[CHANGE, f] = -vectors[WAY, f] / vectors[INVERSE, f]
        _add_errors(index, weight, others, vectors, (WAY, CHANGE), F32(0), is_far)
        resistance = F32(0)
        for f in range(width):
            resistance -= vectors[WAY, f] * vectors[CHANGE, f]
        rate = gain / resistance
        loss -= rate * gain
        before, gain = gain, F32(0)
        for f in range(width):
            vectors[X, f] += rate * vectors[WAY, f]
            vectors[RESIDUAL, f] += rate * vectors[CHANGE, f]
            gain += vectors[INVERSE, f] * vectors[RESIDUAL, f] ** 2
        for f in range(width):
            vectors[WAY, f] *= gain / before
            vectors[WAY, f] += vectors[INVERSE, f] * vectors[RESIDUAL, f]
    return loss


@kernel(fastmath=True)
def solve(
    positives: Positives,
    rows: tuple[int, int],
    factors: tuple[Floats, Floats],
    penalty: tuple[Floats, Floats],
    stop: tuple[int, float],
    losses: NDArray[np.float64],
    work: StepMemory,
) -> None:
    """Improves the factors of the rows first:stop in place.

    A row without positives becomes zero, which is its minimum.

    Args:
        factors: of the rows to solve for, (R, F), and of the others in whole vectors, (O, P).
        penalty: curvature (F,) and pull (R,), all above zero.
        stop: the number of steps, and the part of the first step's gain at which steps end.
        losses: (R,), the objective at the new x.
        work: of this call alone.
    """
    (own, others), (curvature, pulls) = factors, penalty
    vectors, near = work.vectors, work.near
    n_factors = own.shape[1]
    vectors[:] = 0
    vectors[INVERSE] = 1
    for row in range(rows[0], rows[1]):
        index = positives.indices[positives.indptr[row] : positives.indptr[row + 1]]
        weight = positives.weight[positives.indptr[row] : positives.indptr[row + 1]]
        loss, n = F32(0), len(index)
        for f in range(n_factors):
            x, stiffness = own[row, f], curvature[f] + pulls[row]
            if n == 0:
                x = F32(0)
            vectors[X, f] = x
            vectors[INVERSE, f] = F32(1) / stiffness
            vectors[RESIDUAL, f] = -stiffness * x
            loss += stiffness * x * x
        is_far = n > len(near)
        if not is_far:
            _copy_near(index, others, near)
            index, table = work.numbers[:n], near
        else:
            table = others
        loss += _add_errors(index, weight, table, vectors, (X, RESIDUAL), F32(1), is_far)
        losses[row] = _steps(index, weight, table, vectors, stop, loss, is_far)
        for f in range(n_factors):
            own[row, f] = vectors[X, f]
