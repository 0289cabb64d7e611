"""Intervals and tests against exact enumeration, and by simulation: do they err as often as they say?"""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.evaluation import significance
from matinee.evaluation.significance import (
    best_of_many_test,
    bootstrap,
    differences_of,
    holm,
    interval,
    sign_flip_test,
)

Numbers = NDArray[np.number]


def column(values: Numbers) -> Doubles:
    return np.asarray(values, np.float64)[:, None]


def interval_of(
    totals: Numbers, counts: Numbers, draws: int = 300, seed: int = 0
) -> tuple[float, float]:
    return interval(bootstrap(column(totals), column(counts), draws, seed)[:, 0])


# -- bootstrap -----------------------------------------------------------------------------------------------------


def test_samples_of_three_users_are_their_27_combinations() -> None:
    totals, counts = np.array([[1.0], [2.0], [6.0]]), np.array([[1.0], [4.0], [2.0]])
    found = bootstrap(totals, counts, draws=40_000)[:, 0]
    exact = [
        totals[list(drawn)].sum() / counts[list(drawn)].sum()
        for drawn in product(range(3), repeat=3)
    ]
    values, times = np.unique(np.round(exact, 9), return_counts=True)
    assert set(np.round(found, 9)) == set(values)
    frequency = [np.mean(np.isclose(found, value)) for value in values]
    np.testing.assert_allclose(frequency, times / 27, atol=0.01)


def test_the_spread_of_the_samples_is_the_standard_error_of_a_mean() -> None:
    values = np.random.default_rng(0).exponential(size=(2_000, 3))
    found = bootstrap(values, np.ones_like(values))
    assert found.shape == (1_000, 3)
    np.testing.assert_allclose(found.std(axis=0), values.std(axis=0) / np.sqrt(2_000), rtol=0.1)
    np.testing.assert_allclose(found.mean(axis=0), values.mean(axis=0), atol=0.005)


def test_the_interval_holds_the_true_mean_about_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(500):
        low, high = interval_of(rng.exponential(size=120), np.ones(120))
        held += low <= 1 <= high
    assert 0.91 <= held / 500 <= 0.98


def test_the_interval_of_an_rmse_holds_it_although_the_ratings_of_a_person_are_alike() -> None:
    """Each of 100 users has a number of ratings and a level of errors of their own; both are redrawn each time."""
    rng = np.random.default_rng(0)
    held = held_naive = 0
    for _ in range(400):
        n, level = rng.integers(5, 60, 100), rng.exponential(size=100)
        low, high = interval_of(n * level, n)
        held += low <= 1 <= high
        squares = np.repeat(level, n)
        half = 1.96 * squares.std() / np.sqrt(len(squares))
        held_naive += abs(squares.mean() - 1) <= half
    assert 0.90 <= held / 400 <= 0.98
    assert held_naive / 400 < 0.5  # what an interval over ratings would do


def test_the_same_seed_draws_the_same_people_for_every_model() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(500, 1))
    other = one + 0.1
    ones = np.ones((500, 1))
    np.testing.assert_allclose(bootstrap(other, ones) - bootstrap(one, ones), 0.1)
    assert (bootstrap(one, ones, seed=1) != bootstrap(one, ones)).any()


def test_a_measure_that_applies_to_nobody_has_no_interval() -> None:
    samples = bootstrap(np.zeros((5, 1)), np.zeros((5, 1)), 10)
    assert samples.shape == (10, 1)
    assert np.isnan(samples).all()
    assert np.isnan(interval(samples[:, 0])).all()
    assert bootstrap(np.zeros((0, 2)), np.zeros((0, 2))).shape == (0, 2)
    low, high = interval_of(
        np.array([0, 0, 0, 2.0]), np.array([0, 0, 0, 1.0])
    )  # samples without the last are left out
    assert (low, high) == (2, 2)


def test_groups_of_users_have_the_same_interval_and_the_same_p_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    totals, counts = rng.exponential(size=4_000), rng.integers(1, 9, 4_000).astype(float)
    differences = column(rng.normal(0.01, 1, 4_000))
    whole, p_value = interval_of(totals, counts, 1_000), sign_flip_test(differences).item()
    monkeypatch.setattr(significance, "GROUPS", 1_000)
    grouped = interval_of(totals, counts, 1_000)
    assert grouped != whole
    assert np.mean(grouped) == pytest.approx(np.mean(whole), abs=0.05 * (whole[1] - whole[0]))
    assert np.diff(grouped) == pytest.approx(np.diff(whole), rel=0.1)
    assert 0.01 < p_value < 0.5
    assert sign_flip_test(differences).item() == pytest.approx(p_value, abs=0.03)


def test_with_few_users_of_uneven_weight_the_interval_of_an_rmse_is_too_narrow() -> None:
    """As the documentation says: some users have far more ratings and larger errors than others."""
    rng = np.random.default_rng(0)
    shares = []
    for n_users in (10, 100):
        n_inside = 0
        for case in range(300):
            counts = np.maximum(1, rng.lognormal(2.5, 1, n_users)).round()
            squares = rng.gamma(1.5, 1 / 1.5, n_users) * rng.chisquare(counts)
            draws = bootstrap(column(squares), column(counts), draws=200, seed=case)
            low, high = interval(np.sqrt(draws[:, 0]))
            n_inside += low <= 1 <= high
        shares.append(n_inside / 300)
    assert 0.76 < shares[0] < 0.87
    assert 0.88 < shares[1] < 0.96


# -- paired test ---------------------------------------------------------------------------------------------------


def test_the_p_value_is_that_of_all_flips() -> None:
    differences = np.array([0.3, -0.1, 0.5, 0.2, 0.9, -0.4, 0.05, 0.6, 0.1])
    sums = [float(np.dot(signs, differences)) for signs in product([1, -1], repeat=9)]
    exact = np.mean(np.abs(sums) >= differences.sum() - 1e-12)
    assert 0.01 < exact < 0.2
    found = sign_flip_test(column(differences), flips=40_000).item()
    assert found == pytest.approx(exact, abs=0.005)
    assert sign_flip_test(column(-differences), flips=40_000).item() == found


def test_rounding_is_no_difference() -> None:
    errors = np.random.default_rng(0).uniform(0, 2, (500, 1))
    rounded = errors * (1 - 2**-22)  # a little better for everybody
    assert sign_flip_test(differences_of(rounded, errors)).item() == 1
    assert sign_flip_test(differences_of(errors, 1.001 * errors)).item() < 0.001


def test_models_that_do_the_same_do_not_differ() -> None:
    same = np.zeros(50)
    one_user = np.eye(50)[0]
    np.testing.assert_array_equal(sign_flip_test(np.stack([same, one_user], axis=1)), [1, 1])


def test_equally_good_models_are_called_different_5_times_in_100() -> None:
    rng = np.random.default_rng(0)
    differences = (
        rng.exponential(size=(60, 1_000))
        * rng.choice([-1, 1], (60, 1_000))
        * rng.exponential(size=(60, 1))
    )
    rate = np.mean(sign_flip_test(differences, flips=1_000) < 0.05)
    assert 0.03 < rate < 0.07


def test_skewed_differences_of_few_users_are_called_different_too_often() -> None:
    """As the documentation says; with a few hundred users they are not."""
    rng = np.random.default_rng(0)
    rates = []
    for n_users in (10, 300):
        skewed = rng.exponential(size=(n_users, 1_000)) ** 1.5
        centered = skewed - 1.3293403881791370  # the expectation
        rates.append(np.mean(sign_flip_test(centered, flips=500) < 0.05))
    assert 0.12 < rates[0] < 0.2
    assert 0.03 < rates[1] < 0.08


def test_a_better_model_is_found_out() -> None:
    rng = np.random.default_rng(0)
    differences = rng.normal(
        0.5, 1, (60, 300)
    )  # half a deviation over 60 users: a t-test has a power of 0.97
    assert np.mean(sign_flip_test(differences, flips=1_000) < 0.05) > 0.93


# -- many pairs ----------------------------------------------------------------------------------------------------


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.9, 0.8])), [1, 1])
    assert holm(np.array([])).shape == (0,)


def test_of_many_pairs_none_is_called_different_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    wrong = [holm(rng.random(20)).min() < 0.05 for _ in range(2_000)]
    assert 0.035 < np.mean(wrong) < 0.06
    assert (
        np.mean([rng.random(20).min() < 0.05 for _ in range(200)]) > 0.5
    )  # without the correction


def test_the_best_of_many_is_compared_with_the_largest_of_all_flips() -> None:
    """Two candidates of four users: all 16 flips by hand."""
    differences = np.array([[3.0, 1.0], [2.0, -1.0], [4.0, 2.0], [1.0, 1.0]])
    signs = np.array(list(product([1, -1], repeat=4)))
    ratios = np.abs(signs @ (differences / np.sqrt((differences**2).sum(axis=0))))
    expected = [
        np.mean(ratios.max(axis=1) >= ratio - 1e-12) for ratio in ratios[0]
    ]  # the first flip changes no sign
    found = best_of_many_test(differences, flips=40_000)
    np.testing.assert_allclose(found, expected, atol=0.01)
    alone = best_of_many_test(differences[:, :1], flips=40_000)
    np.testing.assert_array_equal(alone, sign_flip_test(differences[:, :1], flips=40_000))
    assert found[0] > alone[0]
