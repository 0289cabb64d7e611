"""The start of coordinate descent: the strongest tastes of the table, by singular vectors.

From random factors, coordinate descent first fits noise and approaches the tastes slowly: on sparse
tables it needs hundreds of epochs. Singular vectors are found at once. The matrix has the ratings
less their biases; each is divided by the square root of the number of ratings of its user and of
its item. The mean number is added to both. Without it, users and items with few ratings would
dominate the vectors (Keshavan, Montanari, Oh, "Matrix completion from a few entries", 2010; Le,
Levina, Vershynin, "Concentration and regularization of random graphs", 2017).
"""

from collections.abc import Callable

import numpy as np

from matinee._types import Doubles, Floats

STEPS = 40
"""Of the bidiagonalization: products with the matrix and with its transpose."""
ROUNDING = 1e-5
"""The part of the largest value below which there is nothing but rounding."""
FIRST_FACTOR = 0.3
"""The root mean square of each factor over the ratings, in standard deviations."""

Product = Callable[[Floats], Floats]


def leading_directions(
    times: Product, transposed: Product, start: Floats, n_steps: int = STEPS
) -> tuple[Doubles, Floats]:
    """The largest singular values of a matrix, (K,), descending, and its right vectors, (n, K).

    Golub-Kahan bidiagonalization; only the right vectors are made orthogonal again (Simon, Zha,
    "Low-rank matrix approximation using the Lanczos bidiagonalization process", 2000). The first
    ones are good approximations, the last ones are not.

    Args:
        times, transposed: multiply the matrix, and its transpose, by a vector.
        start: (n,) any vector.
        n_steps: the most values.
    """
    basis = np.zeros((min(n_steps, len(start)), len(start)), np.float32)
    diagonal, beside = np.zeros(len(basis)), np.zeros(len(basis))
    right = start / max(float(np.linalg.norm(start)), 1e-30)
    left, n_found = np.zeros(1, np.float32), 0
    for step in range(len(basis)):
        basis[step] = right
        left = times(right) - np.float32(beside[step - 1] if step else 0) * left
        diagonal[step] = np.linalg.norm(left)
        if diagonal[step] <= ROUNDING * diagonal.max():
            break
        left /= np.float32(diagonal[step])
        right = transposed(left) - np.float32(diagonal[step]) * right
        n_found = step + 1
        for _ in range(2):  # once is not enough in single precision
            right -= basis[:n_found].T @ (basis[:n_found] @ right)
        beside[step] = np.linalg.norm(right)
        if beside[step] <= ROUNDING * diagonal.max():
            break
        right /= np.float32(beside[step])
    bidiagonal = np.diag(diagonal[:n_found]) + np.diag(beside[: max(n_found - 1, 0)], 1)
    _, values, vectors = np.linalg.svd(bidiagonal)
    return values, (basis[:n_found].T @ vectors.T.astype(np.float32)).astype(np.float32)
