"""Coordinate descent on the factors and biases of one side of a factorization.

Each bias and factor in turn gets the value that minimizes the expected objective of `mf`, given the
means and variances of all others (Raiko, Ilin, Karhunen, "Principal component analysis for large
scale problems with lots of missing values", 2007).
"""

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel

F32 = np.float32


@kernel(fastmath=True)
def descend(
    rated: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]],
    own: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    others: tuple[NDArray[np.float32], NDArray[np.float32]],
    penalties: tuple[NDArray[np.float32], np.float32],
    noise: np.float32,
    errors: NDArray[np.float32],
) -> None:
    """Changes the factors and biases of all rows with ratings, and the errors, in place.

    Args:
        rated: the ratings by row: row r has the others' rows index[indptr[r]:indptr[r + 1]],
            with the weights of their squared errors; (R + 1,), (N,) and (N,).
        own: the factors, (R, F), their variances, (R, F), and the biases, (R,), to change.
        others: the factors of the other side and their variances, (O, F) each.
        penalties: of each factor, (F,), and of biases; above 0.
        noise: the variance of a rating, which the variances of the factors follow from; 0 if they
            have none.
        errors: the residuals, (N,).
    """
    indptr, index, weight = rated
    factors, variances, bias = own
    slopes, doubts = others
    factor_penalties, bias_penalty = penalties
    for row in range(len(factors)):
        first, stop = indptr[row], indptr[row + 1]
        if first == stop:
            continue
        square, right = F32(0), F32(0)
        for place in range(first, stop):
            square += weight[place]
            right += weight[place] * errors[place]
        change = (right + square * bias[row]) / (square + bias_penalty) - bias[row]
        bias[row] += change
        for place in range(first, stop):
            errors[place] -= change
        for f in range(factors.shape[1]):
            value = factors[row, f]
            square, right = F32(0), F32(0)
            for place in range(first, stop):
                slope = slopes[index[place], f]
                square += weight[place] * (slope * slope + doubts[index[place], f])
                right += weight[place] * slope * (errors[place] + value * slope)
            change = right / (square + factor_penalties[f]) - value
            factors[row, f] += change
            variances[row, f] = noise / (square + factor_penalties[f])
            for place in range(first, stop):
                errors[place] -= change * slopes[index[place], f]


@kernel(fastmath=True)
def doubt(
    rated: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]],
    own: tuple[NDArray[np.float32], NDArray[np.float32]],
    others: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> float:
    """The sum of the variances of all predictions, each times the weight of its squared error.

    Args:
        rated: see `descend`.
        own, others: the factors and their variances, (R, F) and (O, F).
    """
    indptr, index, weight = rated
    factors, variances = own
    slopes, doubts = others
    total = 0.0
    for row in range(len(factors)):
        for place in range(indptr[row], indptr[row + 1]):
            other, variance = index[place], F32(0)
            for f in range(factors.shape[1]):
                square = factors[row, f] * factors[row, f] + variances[row, f]
                variance += square * doubts[other, f]
                variance += slopes[other, f] * slopes[other, f] * variances[row, f]
            total += weight[place] * variance
    return total


@kernel(fastmath=True)
def multiply(
    rated: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]],
    vector: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """The product of a sparse matrix by rows and a vector.

    Args:
        rated: the matrix: row r has values[indptr[r]:indptr[r + 1]] in the columns with these
            places of index; (R + 1,), (N,) and (N,).
        vector: (O,)
        out: (R,) the product.
    """
    indptr, index, values = rated
    for row in range(len(out)):
        total = F32(0)
        for place in range(indptr[row], indptr[row + 1]):
            total += values[place] * vector[index[place]]
        out[row] = total
