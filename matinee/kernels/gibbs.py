"""Half of a Gibbs sweep: draws the factors and biases of users (or items), given the others.

Given the others, the vector x = (p, b) of a row is normal, with

    precision A = diag(prior precision) + sum w y y'
    mean A^-1 (prior precision * prior mean + sum w t y)

over its ratings: t is the residual of a rating, w the precision of its noise, y = (q, 1) the
vector of the other side. The draw is L'^-1 (L^-1 (..) + z) with A = L L' and z standard normal
(Salakhutdinov, Mnih, "Bayesian probabilistic matrix factorization using Markov chain Monte
Carlo", 2008, equations 11 to 13). The random numbers are arguments, so that any number of
threads can share the rows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel
from matinee.kernels.prefetch import prefetch_row

F32 = np.float32
LEAST_GRAM = 1e-12
AT_ONCE = 8
"""Ratings added at a time, so that the sums are loaded and stored once for all of them."""


class Rated(NamedTuple):
    """The ratings by row: row r is at indptr[r]:indptr[r + 1]."""

    indptr: NDArray[np.int64]  # (R + 1,)
    indices: NDArray[np.int32]  # (N,) the other side's rows
    target: NDArray[np.float32]  # (N,) the residual of each rating


@kernel(fastmath=True, is_inlined=True)
def _add_ratings(
    rated: Rated,
    span: tuple[int, int],
    others: NDArray[np.float32],
    precisions: tuple[np.float32, NDArray[np.float32]],
    work: NDArray[np.float32],
    gram: NDArray[np.float32],
    vectors: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> None:
    """Adds sums over the ratings of a span: w q q' to `gram`, (F + 1, F + 1), and two vectors.

    The vectors, (F + 1,), get w t y, and w y, the last column. `work`, (AT_ONCE, F), holds
    sqrt(w) q.
    """
    sums, border = vectors
    _, index, target = rated
    own, theirs = precisions
    n_factors, stop = gram.shape[0] - 1, span[1]
    y0, y1, y2, y3, y4, y5, y6, y7 = (
        work[0],
        work[1],
        work[2],
        work[3],
        work[4],
        work[5],
        work[6],
        work[7],
    )
    for first in range(span[0], stop, AT_ONCE):
        for ahead in range(first + AT_ONCE, min(first + 2 * AT_ONCE, stop)):
            prefetch_row(others, np.intp(index[ahead]))
        n = min(AT_ONCE, stop - first)
        for j in range(n):
            other, out = others[index[first + j]], work[j]
            weight = own * theirs[index[first + j]]
            root = np.sqrt(weight)
            left = root * (target[first + j] - other[n_factors])
            for f in range(n_factors):
                out[f] = other[f] * root
                sums[f] += left * out[f]
                border[f] += root * out[f]
            sums[n_factors] += root * left
            border[n_factors] += weight
        work[n:] = 0
        for f in range(n_factors):
            row = gram[f]
            c0, c1, c2, c3, c4, c5, c6, c7 = y0[f], y1[f], y2[f], y3[f], y4[f], y5[f], y6[f], y7[f]
            for g in range(
                n_factors
            ):  # whole rows: half of them would do, but loops that start at 0 are vectorized
                row[g] += (c0 * y0[g] + c1 * y1[g] + c2 * y2[g] + c3 * y3[g]) + (
                    c4 * y4[g] + c5 * y5[g] + c6 * y6[g] + c7 * y7[g]
                )


@kernel(fastmath=True, is_inlined=True)
def _solve(
    gram: NDArray[np.float32],
    sums: NDArray[np.float32],
    noise: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Writes a draw with precision `gram` and precision times mean `sums`; overwrites both.

    All loops cover whole rows, which are vectorized; values left of the diagonal have no
    effect.
    """
    size = len(gram)
    for k in range(size):
        row = gram[k]
        inverse = F32(1) / np.sqrt(row[k])
        for g in range(size):
            row[g] *= inverse
        value = sums[k] * inverse
        for g in range(size):
            sums[g] -= value * row[g]
        out[k] = value + noise[k]
        for i in range(k + 1, size):
            factor, below = row[i], gram[i]
            for g in range(size):
                below[g] -= factor * row[g]
    sums[:] = 0
    for k in range(size - 1, -1, -1):
        row, value = gram[k], F32(0)
        for g in range(size):
            value += row[g] * sums[g]
        sums[k] = (out[k] - value) / row[k]
    out[:] = sums


@kernel(fastmath=True)
def draw_rows(
    rated: Rated,
    rows: tuple[int, int],
    tables: tuple[NDArray[np.float32], NDArray[np.float32]],
    precisions: tuple[NDArray[np.float32], NDArray[np.float32]],
    prior: tuple[NDArray[np.float32], NDArray[np.float32]],
    noise: NDArray[np.float32],
) -> None:
    """Draws the rows first:stop of the first table, in place, given the second.

    Args:
        tables: factors and bias of the rows to draw, (R, F + 1), and of the others, (O, F +
            1).
        precisions: factors of the precision of a rating's noise, by row, (R,), and by other,
            (O,).
        prior: mean (R, F + 1) and precision (F + 1,).
        noise: standard normal numbers, (R, F + 1).
    """
    own, others = tables
    mean, precision = prior
    size = own.shape[1]
    n_factors = size - 1
    gram, sums, border = (
        np.empty((size, size), np.float32),
        np.empty(size, np.float32),
        np.empty(size, np.float32),
    )
    work = np.zeros((AT_ONCE, n_factors), np.float32)
    for row in range(rows[0], rows[1]):
        gram[:] = 0
        for f in range(size):
            sums[f] = precision[f] * mean[row, f]
            border[f] = 0
        span = rated.indptr[row], rated.indptr[row + 1]
        _add_ratings(
            rated, span, others, (precisions[0][row], precisions[1]), work, gram, (sums, border)
        )
        for f in range(size):
            gram[f, n_factors] = gram[n_factors, f] = border[f]
        for f in range(size):
            gram[f, f] += precision[f]
        _solve(gram, sums, noise[row], own[row])


@kernel(fastmath=True)
def add_errors(
    rated: Rated,
    rows: tuple[int, int],
    tables: tuple[NDArray[np.float32], NDArray[np.float32]],
    errors: NDArray[np.float32],
) -> None:
    """Writes the residuals of the targets of the rows first:stop into errors, (N,).

    The tables are those of `draw_rows`.
    """
    own, others = tables
    n_factors = own.shape[1] - 1
    for row in range(rows[0], rows[1]):
        x = own[row]
        for place in range(rated.indptr[row], rated.indptr[row + 1]):
            y = others[rated.indices[place]]
            error = rated.target[place] - x[n_factors] - y[n_factors]
            for f in range(n_factors):
                error -= x[f] * y[f]
            errors[place] = error


@kernel(fastmath=True)
def sum_rows(
    indptr: NDArray[np.int64],
    index: NDArray[np.int32],
    rows: tuple[int, int],
    table: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Sums the table rows, (O, K), that each row first:stop refers to, into out, (R, K)."""
    for row in range(rows[0], rows[1]):
        total = out[row]
        total[:] = 0
        for place in range(indptr[row], indptr[row + 1]):
            one = table[index[place]]
            for k in range(len(total)):
                total[k] += one[k]


@kernel(fastmath=True, is_inlined=True)
def _draw_scale(
    moments: tuple[float, float],
    prior: NDArray[np.float64],
    normal: NDArray[np.float64],
    log_uniform: NDArray[np.float64],
) -> float:
    """See `scale_factors`.

    Args:
        moments: the sums of w c^2 and of w c (e + c), c being the products and e the errors.
    """
    gram, right = moments
    power, square, inverse = prior[0], prior[1], prior[2]
    scale = 1.0
    for step in range(len(normal)):
        proposed = right / gram + normal[step] / np.sqrt(gram)
        gain = power * np.log(abs(proposed / scale))
        gain -= square / 2 * (proposed**2 - scale**2)
        gain -= inverse * (proposed**-2 - scale**-2)
        if log_uniform[step] < gain:
            scale = proposed
    return scale


@kernel(fastmath=True)
def scale_factors(
    rated: Rated,
    tables: tuple[NDArray[np.float32], NDArray[np.float32]],
    weights: NDArray[np.float32],
    errors: NDArray[np.float32],
    prior: NDArray[np.float64],
    random: tuple[NDArray[np.float64], NDArray[np.float64]],
    out: NDArray[np.float64],
) -> None:
    """Draws what each factor of the first table is multiplied by, given all else in units of it.

    Changes the errors, but neither table. The density of a multiple s is that of the ratings times

        |s|^prior[0] * exp(-prior[1] s^2 / 2 - prior[2] / s^2),

    from which Metropolis-Hastings steps draw, whose proposals come from the ratings alone.

    Args:
        tables: factors and bias of the rows that have the ratings, (R, F + 1), and of the
            others, (O, F + 1).
        weights: the precision of a rating's noise, by row, (R,).
        errors: the residuals, (N,).
        prior: (F, 3).
        random: normal numbers, and logarithms of uniform ones, (F, T) each, of T steps.
        out: the multiples, (F,).
    """
    own, others = tables
    normal, log_uniform = random
    products = np.empty(len(errors), np.float32)
    for f in range(len(out)):
        x, y = own[:, f].copy(), others[:, f].copy()
        gram, right = 0.0, 0.0
        for row in range(len(x)):
            squares, cross = F32(0), F32(0)
            for place in range(rated.indptr[row], rated.indptr[row + 1]):
                product = x[row] * y[rated.indices[place]]
                products[place] = product
                squares += product * product
                cross += product * (errors[place] + product)
            gram += weights[row] * squares
            right += weights[row] * cross
        scale = 1.0
        if gram > LEAST_GRAM:
            scale = _draw_scale((gram, right), prior[f], normal[f], log_uniform[f])
        out[f] = scale
        change = F32(1 - scale)
        for place in range(len(errors)):
            errors[place] += change * products[place]
