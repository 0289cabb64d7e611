"""The kernels of implicit alternating least squares against slow twins in NumPy."""

from itertools import pairwise
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.kernels import als
from matinee.threads import workers

N_ROWS, N_OTHERS, N_FACTORS = 30, 21, 6
WORD = 2**64


def make_positives(seed: int = 0) -> als.Positives:
    """Rows of 0 to 12 positives with weights; row 3 has none."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 13, N_ROWS)
    counts[3], counts[4] = 0, 12
    index = [np.sort(rng.choice(N_OTHERS, count, replace=False)) for count in counts]
    weight = rng.uniform(0.2, 3, counts.sum()).astype(np.float32)
    return als.Positives(
        np.append(0, np.cumsum(counts)), np.concatenate(index).astype(np.int32), weight
    )


def make_factors(n: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 0.5, (n, N_FACTORS)).astype(np.float32)


def make_penalty() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(5)
    return rng.uniform(0, 4, N_FACTORS).astype(np.float32), rng.uniform(0.3, 2, N_ROWS).astype(
        np.float32
    )


def quadratic(
    positives: als.Positives, row: int, others: NDArray[Any], diagonal: Doubles
) -> tuple[Doubles, Doubles]:
    """The matrix, (F, F), and the right side, (F,), of the normal equations of one row."""
    mine = slice(positives.indptr[row], positives.indptr[row + 1])
    y, w = (
        others[positives.indices[mine]].astype(np.float64),
        positives.weight[mine].astype(np.float64),
    )
    return y.T * w @ y + np.diag(diagonal), y.T @ w


def solve_twin(
    matrix: Doubles, right: Doubles, diagonal: Doubles, start: Doubles, steps: int
) -> Doubles:
    """Conjugate gradients with the diagonal as preconditioner (Hestenes, Stiefel, 1952), as in any textbook."""
    x = start.copy()
    residual = right - matrix @ x
    z = residual / diagonal
    direction = z.copy()
    for _ in range(steps):
        rate = (residual @ z) / (direction @ matrix @ direction)
        x = x + rate * direction
        after = residual - rate * (matrix @ direction)
        z_after = after / diagonal
        direction = z_after + (after @ z_after) / (residual @ z) * direction
        residual, z = after, z_after
    return x


@pytest.mark.parametrize("run", [als.solve, als.solve.py_func], ids=["compiled", "python"])  # type: ignore[attr-defined]
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_steps_and_losses_agree_with_the_twin(run: FunctionType, steps: int) -> None:
    positives, others, own = make_positives(), make_factors(N_OTHERS, 1), make_factors(N_ROWS, 2)
    before, (curvature, pulls), losses = own.astype(np.float64), make_penalty(), np.zeros(N_ROWS)
    whole, work = als.whole_vectors(others), als.new_work(N_FACTORS)
    run(positives, (0, N_ROWS), (own, whole), (curvature, pulls), (steps, 0.0), losses, work)
    for row in range(N_ROWS):
        diagonal = curvature.astype(np.float64) + pulls[row]
        matrix, right = quadratic(positives, row, others, diagonal)
        if not right.any():
            assert not own[row].any()
            assert losses[row] == 0
            continue
        expected = solve_twin(matrix, right, diagonal, before[row], steps)
        np.testing.assert_allclose(own[row], expected, atol=2e-5)
        weights = positives.weight[positives.indptr[row] : positives.indptr[row + 1]].astype(
            np.float64
        )
        loss = expected @ matrix @ expected - 2 * right @ expected + weights.sum()
        assert losses[row] == pytest.approx(loss, abs=1e-4)


def test_many_steps_solve_the_equations() -> None:
    positives, others, own = make_positives(), make_factors(N_OTHERS, 1), make_factors(N_ROWS, 2)
    curvature, pulls = make_penalty()
    tables, work = (own, als.whole_vectors(others)), als.new_work(N_FACTORS)
    given = (curvature, pulls), (50, 1e-12), np.zeros(N_ROWS)
    als.solve(positives, (0, N_ROWS), tables, *given, work)
    for row in range(N_ROWS):
        matrix, right = quadratic(positives, row, others, curvature.astype(np.float64) + pulls[row])
        np.testing.assert_allclose(own[row], np.linalg.solve(matrix, right), atol=1e-5)


def test_a_span_is_all_that_changes_and_threads_change_no_bit() -> None:
    positives, others = make_positives(), als.whole_vectors(make_factors(N_OTHERS, 1))
    results = []
    for n_threads, ends in ((1, [0, N_ROWS]), (3, [0, 4, 5, 17, N_ROWS])):
        own, losses = make_factors(N_ROWS, 2), np.zeros(N_ROWS)
        given = (own, others), make_penalty(), (2, 0.0), losses
        with workers(n_threads) as run:
            spans = pairwise(ends)
            run(als.solve, [(positives, at, *given, als.new_work(N_FACTORS)) for at in spans])
        results.append((own, losses))
    assert all(np.array_equal(one, other) for one, other in zip(*results, strict=True))
    own = make_factors(N_ROWS, 2)
    rest = make_penalty(), (2, 0.0), np.zeros(N_ROWS), als.new_work(N_FACTORS)
    als.solve(positives, (5, 9), (own, others), *rest)
    changed = (own != make_factors(N_ROWS, 2)).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [5, 6, 7, 8]


# -- the start ---------------------------------------------------------------------------------------------------


def mix_twin(number: int) -> int:
    """The last three lines of SplitMix64, in Python's own integers."""
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB % WORD
    return number ^ (number >> 31)


def test_colors_and_the_numbers_drawn_from_them_agree_with_the_twin() -> None:
    positives, golden = make_positives(), 0x9E3779B97F4A7C15
    others = np.random.default_rng(1).integers(0, WORD, N_OTHERS, np.uint64)
    colors = np.arange(N_ROWS, dtype=np.uint64)
    als.refine(positives, colors, others)
    for row in range(N_ROWS):
        total = mix_twin(row + golden)
        for place in range(positives.indptr[row], positives.indptr[row + 1]):
            weight = int(positives.weight[place] * np.float32(2**20))
            total += mix_twin((int(others[positives.indices[place]]) + weight * golden) % WORD)
        assert int(colors[row]) == mix_twin(total % WORD)
    out = np.empty((N_ROWS, 4), np.float32)
    als.draw(colors, 0.5, out)
    expected = [
        [
            0.5 * ((mix_twin((int(color) + (f + 1) * golden) % WORD) >> 11) / 2**52 - 1)
            for f in range(4)
        ]
        for color in colors
    ]
    np.testing.assert_allclose(out, expected, atol=1e-7)


def test_a_color_depends_on_the_weights_of_the_others_but_not_on_their_order() -> None:
    others = np.array([5, 6, 7], np.uint64)
    indptr, index = np.array([0, 3, 6, 9]), np.array([0, 1, 2, 2, 0, 1, 0, 1, 2], np.int32)
    weight = np.array([1, 2, 3, 3, 1, 2, 1, 3, 2], np.float32)
    colors = np.zeros(3, np.uint64)
    als.refine(als.Positives(indptr, index, weight), colors, others)
    assert colors[0] == colors[1] != colors[2]


def test_the_numbers_drawn_fill_their_range_evenly() -> None:
    out = np.empty((500, 40), np.float32)
    als.draw(np.arange(500, dtype=np.uint64), 0.25, out)
    assert abs(out).max() <= 0.25
    assert np.histogram(out, 5, (-0.25, 0.25))[0] == pytest.approx(4_000, rel=0.06)
    assert abs(np.corrcoef(out.T) - np.eye(40)).max() < 0.2
