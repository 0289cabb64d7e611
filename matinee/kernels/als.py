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
from matinee.kernels.prefetch import prefetch_row

F32 = np.float32
TINY = F32(1e-20)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


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


@kernel(fastmath=True)
def _add_errors(
    positives: Positives,
    span: tuple[np.int64, np.int64],
    others: NDArray[np.float32],
    x: NDArray[np.float32],
    target: np.float32,
    sums: NDArray[np.float32],
) -> np.float32:
    """Adds the sum of w (target - x . y) y over a span of positives to `sums`.

    Returns:
        The sum of w (target - x . y)^2.
    """
    _, index, weight = positives
    n_factors, (first, stop) = len(x), span
    loss = F32(0)
    whole = first + (stop - first) // 4 * 4
    for place in range(first, whole, 4):  # four at a time, which load x and the sums only once
        for ahead in range(place + 4, min(place + 8, stop)):  # type: ignore[call-overload]
            prefetch_row(others, np.intp(index[ahead]))
        y0, y1 = others[index[place]], others[index[place + 1]]
        y2, y3 = others[index[place + 2]], others[index[place + 3]]
        e0, e1, e2, e3 = target, target, target, target
        for f in range(n_factors):
            e0 -= x[f] * y0[f]
            e1 -= x[f] * y1[f]
            e2 -= x[f] * y2[f]
            e3 -= x[f] * y3[f]
        w0, w1 = weight[place] * e0, weight[place + 1] * e1
        w2, w3 = weight[place + 2] * e2, weight[place + 3] * e3
        loss += w0 * e0 + w1 * e1 + w2 * e2 + w3 * e3
        for f in range(n_factors):
            sums[f] += w0 * y0[f] + w1 * y1[f] + w2 * y2[f] + w3 * y3[f]
    for place in range(whole, stop):
        y, error = others[index[place]], target
        for f in range(n_factors):
            error -= x[f] * y[f]
        weighted = weight[place] * error
        loss += weighted * error
        for f in range(n_factors):
            sums[f] += weighted * y[f]
    return loss


@kernel(fastmath=True)
def solve(
    positives: Positives,
    rows: tuple[int, int],
    factors: tuple[NDArray[np.float32], NDArray[np.float32]],
    penalty: tuple[NDArray[np.float32], NDArray[np.float32]],
    stop: tuple[int, float],
    losses: NDArray[np.float64],
) -> None:
    """Improves the factors of the rows first:stop in place.

    A row without positives becomes zero, which is its minimum.

    Args:
        factors: of the rows to solve for, (R, F), and of the others, (O, F).
        penalty: curvature (F,) and pull (R,), all above zero.
        stop: the number of steps, and the part of the first step's gain at which steps end.
        losses: (R,), the objective at the new x.
    """
    own, others = factors
    curvature, pulls = penalty
    n_factors = own.shape[1]
    residual, way = np.empty(n_factors, np.float32), np.empty(n_factors, np.float32)
    change, inverse = np.empty(n_factors, np.float32), np.empty(n_factors, np.float32)
    for row in range(rows[0], rows[1]):
        x, span, loss = own[row], (positives.indptr[row], positives.indptr[row + 1]), F32(0)
        if span[0] == span[1]:
            x[:] = 0
        for f in range(n_factors):
            stiffness = curvature[f] + pulls[row]
            inverse[f] = F32(1) / stiffness
            residual[f] = -stiffness * x[f]
            loss -= residual[f] * x[f]
        loss += _add_errors(positives, span, others, x, F32(1), residual)
        gain = F32(0)
        for f in range(n_factors):
            way[f] = inverse[f] * residual[f]
            gain += way[f] * residual[f]
        enough = max(F32(stop[1]) * gain, TINY)
        for _ in range(stop[0]):
            if gain <= enough:
                break
            for f in range(n_factors):
                change[f] = -way[f] / inverse[f]
            _add_errors(positives, span, others, way, F32(0), change)
            resistance = F32(0)
            for f in range(n_factors):
                resistance -= way[f] * change[f]
            rate = gain / resistance
            loss -= rate * gain
            before, gain = gain, F32(0)
            for f in range(n_factors):
                x[f] += rate * way[f]
                residual[f] += rate * change[f]
                gain += inverse[f] * residual[f] * residual[f]
            for f in range(n_factors):
                way[f] = inverse[f] * residual[f] + gain / before * way[f]
        losses[row] = loss
