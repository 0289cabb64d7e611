"""Ridge regressions of many users at once: factors and bias of each from the items they rated.

Each x = (p, b) minimizes, over the ratings of a user with their weights w,

    sum w (r - b - p . q)^2 + penalty |p|^2 + bias_penalty b^2

by conjugate gradients to the precision of the numbers, starting at the present x. The
preconditioner is the diagonal of the expected normal equations. It is a good one after the
factors are rotated so that the Gram matrix of all rated items is diagonal. An iteration costs
two products with each rated item's factors, half of what a step of gradient descent costs, and
few are needed, where Cholesky's method costs F^2 for each rating.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel
from matinee.kernels.vectors import GUARD, LANES, prefetch

F32 = np.float32


class RatedByUser(NamedTuple):
    """The ratings by user: user u is at indptr[u]:indptr[u + 1]."""

    indptr: NDArray[np.int64]  # (U + 1,)
    indices: NDArray[np.int32]  # (N,) the items
    residual: NDArray[np.float32]  # (N,) the ratings less the mean and item biases
    weight: NDArray[np.float32]  # (N,)


@kernel(fastmath=True, is_inlined=True)
def _add_errors(
    rated: RatedByUser,
    span: tuple[np.int64, np.int64],
    item_factors: NDArray[np.float32],
    x: NDArray[np.float32],
    scale: np.float32,
    sums: NDArray[np.float32],
) -> None:
    """Adds the sum of w (scale r - b - p . q) (q, 1) over a span of ratings to `sums`."""
    _, index, residual, weight = rated
    n_factors, (first, stop) = item_factors.shape[1], span
    bias, total = x[n_factors], F32(0)
    whole = first + (stop - first) // 4 * 4
    for place in range(first, whole, 4):  # four at a time, which load x and the sums only once
        for ahead in range(place + 4, min(place + 8, int(stop))):
            for f in range(0, n_factors, LANES):
                prefetch(item_factors, index[ahead], f)
        q0, q1 = item_factors[index[place]], item_factors[index[place + 1]]
        q2, q3 = item_factors[index[place + 2]], item_factors[index[place + 3]]
        e0, e1 = scale * residual[place] - bias, scale * residual[place + 1] - bias
        e2, e3 = scale * residual[place + 2] - bias, scale * residual[place + 3] - bias
        for f in range(n_factors):
            e0 -= x[f] * q0[f]
            e1 -= x[f] * q1[f]
            e2 -= x[f] * q2[f]
            e3 -= x[f] * q3[f]
        e0, e1 = weight[place] * e0, weight[place + 1] * e1
        e2, e3 = weight[place + 2] * e2, weight[place + 3] * e3
        total += (e0 + e1) + (e2 + e3)
        for f in range(n_factors):
            sums[f] += e0 * q0[f] + e1 * q1[f] + e2 * q2[f] + e3 * q3[f]
    for place in range(whole, stop):
        q, error = item_factors[index[place]], scale * residual[place] - bias
        for f in range(n_factors):
            error -= x[f] * q[f]
        error *= weight[place]
        total += error
        for f in range(n_factors):
            sums[f] += error * q[f]
    sums[n_factors] += total


@kernel(fastmath=True, is_inlined=True)
def _prepare(
    rated: RatedByUser,
    span: tuple[np.int64, np.int64],
    item_factors: NDArray[np.float32],
    x: NDArray[np.float32],
    stiffness: NDArray[np.float32],
    expected: tuple[NDArray[np.float32], np.float32],
    buffers: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
) -> np.float32:
    """Computes the residual at x and the inverse of the preconditioner.

    Args:
        stiffness: the penalty of each number, (F + 1,).
        expected: the mean squares of the factors, (F,), and the sum of the user's weights.
        buffers: for the residual, for a step, and for the inverse, (F + 1,) each.
    Returns: the squared error at x = 0, the scale of all others, however good the start is.
    """
    residual, way, inverse = buffers
    spectrum, total = expected
    n_factors, enough = len(spectrum), F32(0)
    for f in range(n_factors):
        inverse[f] = F32(1) / (stiffness[f] + total * spectrum[f])
    inverse[n_factors] = F32(1) / (stiffness[n_factors] + total)
    residual[:] = 0
    way[:] = 0
    _add_errors(rated, span, item_factors, way, F32(1), residual)
    for f in range(n_factors + 1):
        enough += inverse[f] * residual[f] * residual[f]
        residual[f] = -stiffness[f] * x[f]
    _add_errors(rated, span, item_factors, x, F32(1), residual)
    return enough


@kernel(fastmath=True)
def solve_users(
    rated: RatedByUser,
    users: tuple[int, int],
    item_factors: NDArray[np.float32],
    spectrum: NDArray[np.float32],
    penalty: tuple[NDArray[np.float32], NDArray[np.float32], np.float32],
    out: NDArray[np.float32],
    stop: tuple[int, float],
) -> None:
    """Solves for the x of the users first:stop, in place in `out`, (U, F + 1), the bias last.

    A user without ratings gets zeros.

    Args:
        spectrum: the mean of the squares of each rotated factor over all ratings, (F,).
        penalty: of the factors of each user, (U,), the sum of their weights, (U,), and the
            penalty of the bias.
        stop: the number of iterations at most, and the part of the first error at which they
            end.
    """
    n_factors = item_factors.shape[1]
    size = n_factors + 1
    pulls, sums, bias_pull = penalty
    memory = np.empty((6, GUARD + size), np.float32)  # the last row is a guard
    residual, way, inverse = memory[0, GUARD:], memory[1, GUARD:], memory[2, GUARD:]
    change, stiffness = memory[3, GUARD:], memory[4, GUARD:]
    buffers = residual, way, inverse
    for user in range(users[0], users[1]):
        x, span = out[user], (rated.indptr[user], rated.indptr[user + 1])
        if span[0] == span[1]:
            x[:] = 0
            continue
        stiffness[:n_factors] = pulls[user]
        stiffness[n_factors] = bias_pull
        enough = _prepare(rated, span, item_factors, x, stiffness, (spectrum, sums[user]), buffers)
        enough *= F32(stop[1])
        gain = F32(0)
        for f in range(size):
            way[f] = inverse[f] * residual[f]
            gain += way[f] * residual[f]
        for _ in range(stop[0]):
            if gain <= enough:
                break
            for f in range(size):
                change[f] = -stiffness[f] * way[f]
            _add_errors(rated, span, item_factors, way, F32(0), change)
            resistance = F32(0)
            for f in range(size):
                resistance -= way[f] * change[f]
            rate = gain / resistance
            before, gain = gain, F32(0)
            for f in range(size):
                x[f] += rate * way[f]
                residual[f] += rate * change[f]
                gain += inverse[f] * residual[f] * residual[f]
            for f in range(size):
                way[f] = inverse[f] * residual[f] + gain / before * way[f]
