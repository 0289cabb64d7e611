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
from matinee.kernels.vectors import (
    LANES,
    TILE,
    Floats,
    add_product,
    add_products,
    aligned,
    broadcast,
    inverse_root,
    load,
    padded,
    prefetch,
    store,
    subtract_product,
    times,
    total,
)

F32 = np.float32
LEAST_GRAM = 1e-12
AT_ONCE = 64
"""Ratings whose rows stay in the first cache while all sums over them are formed."""
AHEAD = 8
"""Ratings to prefetch ahead."""


class Rated(NamedTuple):
    """The ratings by row: row r is at indptr[r]:indptr[r + 1]."""

    indptr: NDArray[np.int64]  # (R + 1,)
    indices: NDArray[np.int32]  # (N,) the other side's rows
    target: NDArray[np.float32]  # (N,) the residual of each rating


class Others(NamedTuple):
    """The fixed side, in the form in which it is summed; see `weighted`."""

    vectors: Floats  # sqrt(w) q, (O, P): the F columns and zeros
    roots: Floats  # sqrt(w), (O,)
    biases: Floats  # (O,)


class DrawMemory(NamedTuple):
    """The memory of `draw_rows`. The lanes of a vector are 16 rows, solved at the same time."""

    gram: Floats  # (P, P), the sum of w q q', of which the lower half is used
    border: Floats  # (2, P), the sums of w q and of w t q
    scaled: Floats  # (2, AT_ONCE), sqrt(w) and sqrt(w) t of some ratings
    triangle: Floats  # (1, (F + 2)(F + 3) / 2 * LANES), row by row; the last row is sum w t y
    draws: Floats  # (1, (F + 1) * LANES)


def weighted(table: Floats, weights: Floats) -> Others:
    """The other side for `draw_rows`.

    Args:
        table: factors and bias, (O, F + 1).
        weights: factors of the precision of a rating's noise, (O,).
    """
    n_factors = table.shape[1] - 1
    roots = np.sqrt(weights)
    vectors = aligned(len(table), padded(n_factors))
    np.multiply(table[:, :n_factors], roots[:, None], out=vectors[:, :n_factors])
    return Others(vectors, roots, table[:, n_factors].copy())


def new_work(n_factors: int) -> DrawMemory:
    """Memory for one call of `draw_rows`."""
    width, size = padded(n_factors), n_factors + 1
    return DrawMemory(
        aligned(width, width),
        aligned(2, width),
        aligned(2, AT_ONCE),
        aligned(1, (size + 1) * (size + 2) // 2 * LANES),
        aligned(1, size * LANES),
    )


@kernel(fastmath=True, is_inlined=True)
def _add_border(
    rated: Rated, places: tuple[int, int, int], others: Others, work: DrawMemory
) -> None:
    """Adds w q and w t q over the first places of three, and loads rows up to the third."""
    vectors, index = others.vectors, rated.indices
    border, scaled = work.border, work.scaled
    first, stop, end = places
    for column in range(0, vectors.shape[1], LANES):
        plain, signed = load(border, 0, column), load(border, 1, column)
        for place in range(first, stop):
            prefetch(vectors, index[min(place + AT_ONCE, end - 1)], column)
            y = load(vectors, index[place], column)
            plain = add_product(plain, y, broadcast(scaled[0, place - first]))
            signed = add_product(signed, y, broadcast(scaled[1, place - first]))
        store(border, 0, column, plain)
        store(border, 1, column, signed)


@kernel(fastmath=True, is_inlined=True)
def _add_ratings(
    rated: Rated, span: tuple[int, int], others: Others, work: DrawMemory
) -> tuple[np.float32, np.float32]:
    """Sets the sums over the ratings of a span, with the weights of the others alone.

    Returns:
        The sums of w and of w t.
    """
    vectors, roots, biases = others
    gram, scaled, index, width = work.gram, work.scaled, rated.indices, others.vectors.shape[1]
    gram[:] = 0
    work.border[:] = 0
    weight, right = F32(0), F32(0)
    for first in range(span[0], span[1], AT_ONCE):
        stop = min(first + AT_ONCE, span[1])
        for place in range(first, stop):
            other = index[place]
            root = roots[other]
            left = root * (rated.target[place] - biases[other])
            weight += root * root
            right += root * left
            scaled[0, place - first], scaled[1, place - first] = root, left
        _add_border(rated, (first, stop, span[1]), others, work)
        for row in range(0, width, TILE):
            for column in range(0, row + 1, LANES):
                add_products(gram, (row, column), vectors, index, (first, stop))
    return weight, right


@kernel(fastmath=True, is_inlined=True)
def _fill_lane(
    lane: int,
    scalars: tuple[np.float32, np.float32, np.float32],
    mean: Floats,
    precision: Floats,
    work: DrawMemory,
) -> None:
    """Writes the sums over the ratings of a row, with its prior, into its lane of the triangle.

    Args:
        scalars: the sums of w and of w t, and what all sums are multiplied by.
        mean, precision: of the prior, (F + 1,).
    """
    gram, border, triangle = work.gram, work.border, work.triangle[0]
    weight, right, by = scalars
    n_factors, target = len(mean) - 1, lane
    for f in range(n_factors):
        for g in range(f + 1):
            triangle[target] = by * gram[f, g]
            target += LANES
        triangle[target - LANES] += precision[f]
    for f in range(n_factors):
        triangle[target] = by * border[0, f]
        target += LANES
    triangle[target] = by * weight + precision[n_factors]
    for f in range(n_factors):
        target += LANES
        triangle[target] = by * border[1, f] + precision[f] * mean[f]
    triangle[target + LANES] = by * right + precision[n_factors] * mean[n_factors]


@kernel(fastmath=True, is_inlined=True)
def _solve(triangle: Floats, draws: Floats, size: int) -> None:
    """Draws the rows of 16 lanes; `draws` has standard normal numbers and gets the draws.

    Four rows of L at a time are solved, for each of its columns. The last row of the triangle
    becomes L^-1 (sum w t y).
    """
    for k in range(size):
        pivot = k * (k + 1) // 2
        value = load(triangle, 0, (pivot + k) * LANES)
        for j in range(k):
            one = load(triangle, 0, (pivot + j) * LANES)
            value = subtract_product(value, one, one)
        inverse = inverse_root(value)
        store(triangle, 0, (pivot + k) * LANES, inverse)
        for i in range(k + 1, size + 1, 4):
            # The last rows may be beyond the end; then they are the same row once more.
            i1, i2, i3 = min(i + 1, size), min(i + 2, size), min(i + 3, size)
            p0, p1 = i * (i + 1) // 2, i1 * (i1 + 1) // 2
            p2, p3 = i2 * (i2 + 1) // 2, i3 * (i3 + 1) // 2
            v0, v1 = load(triangle, 0, (p0 + k) * LANES), load(triangle, 0, (p1 + k) * LANES)
            v2, v3 = load(triangle, 0, (p2 + k) * LANES), load(triangle, 0, (p3 + k) * LANES)
            for j in range(k):
                one = load(triangle, 0, (pivot + j) * LANES)
                v0 = subtract_product(v0, load(triangle, 0, (p0 + j) * LANES), one)
                v1 = subtract_product(v1, load(triangle, 0, (p1 + j) * LANES), one)
                v2 = subtract_product(v2, load(triangle, 0, (p2 + j) * LANES), one)
                v3 = subtract_product(v3, load(triangle, 0, (p3 + j) * LANES), one)
            store(triangle, 0, (p0 + k) * LANES, times(v0, inverse))
            store(triangle, 0, (p1 + k) * LANES, times(v1, inverse))
            store(triangle, 0, (p2 + k) * LANES, times(v2, inverse))
            store(triangle, 0, (p3 + k) * LANES, times(v3, inverse))
    last = size * (size + 1) // 2
    for k in range(size * LANES):
        draws[0, k] += triangle[0, last * LANES + k]
    for k in range(size - 1, -1, -1):
        pivot = k * (k + 1) // 2
        draw = times(load(draws, 0, k * LANES), load(triangle, 0, (pivot + k) * LANES))
        store(draws, 0, k * LANES, draw)
        for j in range(k):
            one = load(triangle, 0, (pivot + j) * LANES)
            store(draws, 0, j * LANES, subtract_product(load(draws, 0, j * LANES), one, draw))


@kernel(fastmath=True)
def draw_rows(
    rated: Rated,
    rows: tuple[int, int],
    own: Floats,
    others: Others,
    weights: Floats,
    prior: tuple[Floats, Floats],
    noise: Floats,
    work: DrawMemory,
) -> None:
    """Draws the rows first:stop of a table, in place, given the other side.

    Args:
        own: factors and bias of the rows to draw, (R, F + 1).
        weights: factors of the precision of a rating's noise, by row, (R,).
        prior: mean (R, F + 1) and precision (F + 1,).
        noise: standard normal numbers, (R, F + 1).
        work: of this call alone.
    """
    mean, precision = prior
    size, draws = own.shape[1], work.draws[0]
    work.triangle[:] = 1  # in lanes without a row, too, roots exist
    for start in range(rows[0], rows[1], LANES):
        n_lanes = min(LANES, rows[1] - start)
        for lane in range(n_lanes):
            row = start + lane
            span = rated.indptr[row], rated.indptr[row + 1]
            weight, right = _add_ratings(rated, span, others, work)
            _fill_lane(lane, (weight, right, weights[row]), mean[row], precision, work)
            for f in range(size):
                draws[f * LANES + lane] = noise[row, f]
        _solve(work.triangle, work.draws, size)
        for lane in range(n_lanes):
            for f in range(size):
                own[start + lane, f] = draws[f * LANES + lane]


@kernel(fastmath=True)
def add_errors(
    rated: Rated, rows: tuple[int, int], own: Floats, others: Others, errors: Floats
) -> None:
    """Writes the residuals of the targets of the rows first:stop into errors, (N,).

    Args:
        own: factors and bias, (R, F + 1).
        others: with all weights 1.
    """
    vectors, biases, index = others.vectors, others.biases, rated.indices
    n_factors, width = own.shape[1] - 1, vectors.shape[1]
    x = np.zeros((1, width), np.float32)
    for row in range(rows[0], rows[1]):
        x[0, :n_factors] = own[row, :n_factors]
        stop = rated.indptr[row + 1]
        for place in range(rated.indptr[row], stop):
            other, ahead = index[place], index[min(place + AHEAD, stop - 1)]
            sums = broadcast(F32(0))
            for column in range(0, width, LANES):
                prefetch(vectors, ahead, column)
                sums = add_product(sums, load(x, 0, column), load(vectors, other, column))
            errors[place] = rated.target[place] - own[row, n_factors] - biases[other] - total(sums)


@kernel()
def reorder(values: Floats, order: NDArray[np.int64], span: tuple[int, int], out: Floats) -> None:
    """out[place] = values[order[place]] for a span of places."""
    for place in range(span[0], span[1]):
        out[place] = values[order[place]]


@kernel()
def sum_squares(
    indptr: NDArray[np.int64], rows: tuple[int, int], errors: Floats, out: NDArray[np.float64]
) -> None:
    """The sum of the squared errors of each row first:stop, (R,)."""
    for row in range(rows[0], rows[1]):
        squares = 0.0
        for place in range(indptr[row], indptr[row + 1]):
            squares += np.float64(errors[place]) ** 2
        out[row] = squares


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
    work: tuple[NDArray[np.float32], NDArray[np.float32]],
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
        work: the residuals, and memory for the products, (N,) each.
        prior: (F, 3).
        random: normal numbers, and logarithms of uniform ones, (F, T) each, of T steps.
        out: the multiples, (F,).
    """
    own, others = tables
    normal, log_uniform = random
    errors, products = work
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
