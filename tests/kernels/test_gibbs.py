"""The kernels of the Gibbs sampler against slow twins in NumPy, and its draws against the exact posterior."""

from itertools import pairwise
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs
from matinee.kernels import gibbs, read_only
from matinee.threads import workers

N_ROWS, N_OTHERS, N_FACTORS = 25, 80, 5
SIZE = N_FACTORS + 1

both_forms = pytest.mark.parametrize(
    "draw_rows",
    [gibbs.draw_rows, gibbs.draw_rows.py_func],  # type: ignore[attr-defined]
    ids=["compiled", "python"],
)


def make_rated(seed: int = 0) -> gibbs.Rated:
    """Rows of 0 to 80 ratings: row 3 has none, row 4 has one, row 5 has exactly as many as are added at once."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, N_OTHERS + 1, N_ROWS)
    counts[3:7] = 0, 1, gibbs.AT_ONCE, gibbs.AT_ONCE + 1
    index = [np.sort(rng.choice(N_OTHERS, count, replace=False)) for count in counts]
    target = rng.normal(size=counts.sum()).astype(np.float32)
    return rated_of(np.append(0, np.cumsum(counts)), np.concatenate(index), target)


def rated_of(indptr: Longs, index: Longs, target: NDArray[np.floating]) -> gibbs.Rated:
    return gibbs.Rated(indptr, read_only(index.astype(np.int32)), target.astype(np.float32))


class Given(NamedTuple):
    """What a draw of rows is conditioned on, beside the ratings."""

    others: Floats
    precisions: tuple[Floats, Floats]
    prior: tuple[Floats, Floats]
    noise: Floats


def make_given(seed: int = 1) -> Given:
    rng = np.random.default_rng(seed)

    def positive(n: int) -> Floats:
        return rng.uniform(0.3, 3, n).astype(np.float32)

    def normal(n: int) -> Floats:
        return rng.standard_normal((n, SIZE), np.float32)

    return Given(
        normal(N_OTHERS),
        (positive(N_ROWS), positive(N_OTHERS)),
        (normal(N_ROWS), positive(SIZE)),
        normal(N_ROWS),
    )


def posterior(rated: gibbs.Rated, row: int, given: Given) -> tuple[Doubles, Doubles]:
    """Precision, (F + 1, F + 1), and mean, (F + 1,), of a row, by the formula of the module, one rating at a time."""
    own, theirs = (one.astype(np.float64) for one in given.precisions)
    mean, precision = (one.astype(np.float64) for one in given.prior)
    form, right = np.diag(precision), precision * mean[row]
    for place in range(rated.indptr[row], rated.indptr[row + 1]):
        other = rated.indices[place]
        weight = own[row] * theirs[other]
        y = np.append(given.others[other, :-1], 1).astype(np.float64)
        form = form + weight * np.outer(y, y)
        right = right + weight * (float(rated.target[place]) - given.others[other, -1]) * y
    return form, np.linalg.solve(form, right)


def drawn_twin(rated: gibbs.Rated, row: int, given: Given) -> Doubles:
    form, mean = posterior(rated, row, given)
    return mean + np.linalg.solve(np.linalg.cholesky(form).T, given.noise[row].astype(np.float64))


def draw(
    rated: gibbs.Rated, given: Given, rows: tuple[int, int], function: Any = gibbs.draw_rows
) -> Floats:
    own = np.full((len(rated.indptr) - 1, SIZE), np.float32(7))
    function(rated, rows, own, *conditions(given))
    return own


def conditions(given: Given) -> tuple[Any, ...]:
    """The last arguments of `draw_rows`."""
    weights, theirs = given.precisions
    others = gibbs.weighted(given.others, theirs)
    work = gibbs.new_work(given.others.shape[1] - 1)
    return others, weights, given.prior, given.noise, work


# -- draws -------------------------------------------------------------------------------------------------------


@both_forms
def test_draws_agree_with_the_twin_for_the_same_random_numbers(draw_rows: FunctionType) -> None:
    rated, given = make_rated(), make_given()
    drawn = draw(rated, given, (0, N_ROWS), draw_rows)
    for row in range(N_ROWS):
        np.testing.assert_allclose(drawn[row], drawn_twin(rated, row, given), rtol=2e-4, atol=2e-4)


def test_a_row_without_ratings_is_drawn_from_its_prior() -> None:
    rated, given = make_rated(), make_given()
    mean, precision = given.prior
    expected = mean[3] + given.noise[3] / np.sqrt(precision)
    np.testing.assert_allclose(draw(rated, given, (0, N_ROWS))[3], expected, rtol=1e-5)


def test_draws_with_hundreds_of_ratings_and_factors_stay_exact() -> None:
    rng = np.random.default_rng(5)
    n, n_factors = 700, 64
    rated = rated_of(np.array([0, n]), np.arange(n), rng.standard_normal(n, np.float32))
    others = rng.normal(0, 0.2, (n, n_factors + 1)).astype(np.float32)
    weights = np.ones(1, np.float32), np.full(n, 1.7, np.float32)
    prior = np.zeros((1, n_factors + 1), np.float32), np.full(n_factors + 1, 20, np.float32)
    given = Given(others, weights, prior, rng.standard_normal((1, n_factors + 1), np.float32))
    own = np.zeros((1, n_factors + 1), np.float32)
    gibbs.draw_rows(rated, (0, 1), own, *conditions(given))
    np.testing.assert_allclose(own[0], drawn_twin(rated, 0, given), atol=2e-5)


def test_sums_of_single_precision_over_many_ratings_lose_nothing_that_a_draw_would_show() -> None:
    rng = np.random.default_rng(6)
    n, n_factors = 50_000, 8
    others = np.append(rng.normal(0.5, 0.4, (n, n_factors)), rng.normal(size=(n, 1)), axis=1)
    rated = rated_of(np.array([0, n]), np.arange(n), rng.normal(3, 1, n))
    prior = np.zeros((1, n_factors + 1), np.float32), np.full(n_factors + 1, 20, np.float32)
    weights = np.ones(1, np.float32), np.ones(n, np.float32)
    noise = np.zeros((1, n_factors + 1), np.float32)
    given = Given(others.astype(np.float32), weights, prior, noise)
    own = np.zeros((1, n_factors + 1), np.float32)
    gibbs.draw_rows(rated, (0, 1), own, *conditions(given))
    y = np.append(given.others[:, :-1], np.ones((n, 1)), axis=1)
    form = np.diag(prior[1].astype(float)) + y.T @ y
    mean = np.linalg.solve(form, y.T @ (rated.target.astype(float) - given.others[:, -1]))
    deviations = np.sqrt(np.diag(np.linalg.inv(form)))
    assert np.abs((own[0] - mean) / deviations).max() < 0.05


def test_many_draws_have_the_mean_and_covariance_of_the_posterior() -> None:
    n, n_ratings = 60_000, 4  # the same person again and again, with other random numbers
    rng, one = np.random.default_rng(2), make_given()
    index, target = np.array([2, 5, 11, 17]), np.array([0.5, -1, 2, 0.1])
    rated = rated_of(np.arange(n + 1) * n_ratings, np.tile(index, n), np.tile(target, n))
    precisions = np.full(n, 1.3, np.float32), one.precisions[1]
    prior = np.tile(one.prior[0][:1], (n, 1)), one.prior[1]
    given = Given(one.others, precisions, prior, rng.standard_normal((n, SIZE), np.float32))
    drawn = draw(rated, given, (0, n)).astype(np.float64)
    form, mean = posterior(rated, 0, given)
    covariance = np.linalg.inv(form)
    deviations = np.sqrt(np.diag(covariance))
    # five standard errors each: of means, and of the entries of the covariance scaled to a correlation
    assert np.abs((drawn.mean(axis=0) - mean) / deviations).max() < 5 / np.sqrt(n)
    error = (np.cov(drawn.T) - covariance) / np.outer(deviations, deviations)
    assert np.abs(error).max() < 5 * np.sqrt(2 / n)


def test_only_the_rows_of_a_span_change_and_threads_change_no_bit() -> None:
    rated, given = make_rated(), make_given()
    whole = draw(rated, given, (0, N_ROWS))
    part = draw(rated, given, (5, 9))
    assert np.flatnonzero((part != 7).any(axis=1)).tolist() == [5, 6, 7, 8]
    assert np.array_equal(part[5:9], whole[5:9])
    own = np.full((N_ROWS, SIZE), np.float32(7))
    with workers(3) as run:
        spans = pairwise([0, 4, 5, 17, N_ROWS])
        run(gibbs.draw_rows, [(rated, span, own, *conditions(given)) for span in spans])
    assert np.array_equal(own, whole)


def test_what_was_there_before_does_not_matter() -> None:
    rated, given = make_rated(), make_given()
    own = given.prior[0].copy()
    gibbs.draw_rows(rated, (0, N_ROWS), own, *conditions(given))
    assert np.array_equal(own, draw(rated, given, (0, N_ROWS)))


# -- errors and sums ---------------------------------------------------------------------------------------------


def test_errors_are_what_two_tables_leave_of_the_targets() -> None:
    rated, given = make_rated(), make_given()
    own = given.prior[0]
    errors = np.full(len(rated.target), np.float32(9))
    others = gibbs.weighted(given.others, np.ones(N_OTHERS, np.float32))
    gibbs.add_errors(rated, (0, N_ROWS), own, others, errors)
    rows = np.repeat(np.arange(N_ROWS), np.diff(rated.indptr))
    x, y = own[rows].astype(np.float64), given.others[rated.indices].astype(np.float64)
    expected = rated.target - (x[:, :-1] * y[:, :-1]).sum(axis=1) - x[:, -1] - y[:, -1]
    np.testing.assert_allclose(errors, expected, atol=1e-5)
    part = np.full(len(errors), np.float32(9))
    gibbs.add_errors(rated, (5, 9), own, others, part)
    inside = (rows >= 5) & (rows < 9)
    assert np.array_equal(part, np.where(inside, errors, np.float32(9)))


def test_squares_are_summed_by_row_and_values_put_in_another_order() -> None:
    rated, order = make_rated(), np.random.default_rng(0).permutation(7)
    squares, out = np.full(N_ROWS, 9.0), np.full(7, 9, np.float32)
    gibbs.sum_squares(rated.indptr, (0, N_ROWS - 1), rated.target, squares)
    row = np.repeat(np.arange(N_ROWS), np.diff(rated.indptr))
    expected = np.bincount(row, rated.target.astype(float) ** 2, minlength=N_ROWS)
    np.testing.assert_allclose(squares[:-1], expected[:-1])
    assert squares[-1] == 9
    gibbs.reorder(rated.target, order, (2, 7), out)
    assert out.tolist() == [9, 9, *rated.target[order[2:]].tolist()]


def test_sums_of_rows_are_those_of_a_matrix_product() -> None:
    rated, table = make_rated(), make_given().others
    members = np.zeros((N_ROWS, N_OTHERS))
    members[np.repeat(np.arange(N_ROWS), np.diff(rated.indptr)), rated.indices] = 1
    out = np.full((N_ROWS, SIZE), np.float32(9))
    gibbs.sum_rows(rated.indptr, rated.indices, (2, N_ROWS), table, out)
    np.testing.assert_allclose(out[2:], (members @ table)[2:], atol=1e-5)
    assert not out[3].any()
    assert (out[:2] == 9).all()
