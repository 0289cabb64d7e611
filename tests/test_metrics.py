"""Each metric against a list worked out by hand."""

import math

import numpy as np
import pytest

from matinee import metrics

TRUE = np.array([1, 2, 3, 4], np.float32)
PREDICTED = np.array([1, 4, 2, 4], np.float32)  # errors 0, 2, 1, 0
HITS = np.array([[True, False, True], [False, False, True], [False, False, False], [True, True, True]])
N_RELEVANT = np.array([2, 5, 1, 7])


def test_rmse_is_the_root_of_the_mean_square() -> None:
    assert metrics.rmse(TRUE, PREDICTED) == pytest.approx(math.sqrt(5 / 4))
    assert metrics.rmse(TRUE, TRUE) == 0


def test_mae_is_the_mean_of_the_errors_without_sign() -> None:
    assert metrics.mae(TRUE, PREDICTED) == pytest.approx(3 / 4)
    assert metrics.mae(PREDICTED, TRUE) == pytest.approx(3 / 4)


def test_the_interval_is_that_of_the_mean_square() -> None:
    mean, deviation = 5 / 4, math.sqrt(((1.25**2) * 2 + 2.75**2 + 0.25**2) / 3)  # of the squares 0, 4, 1, 0
    half = 1.96 * deviation / 2
    low, high = metrics.rmse_interval(TRUE, PREDICTED)
    assert low == pytest.approx(math.sqrt(max(0, mean - half)))
    assert high == pytest.approx(math.sqrt(mean + half))
    assert metrics.rmse_interval(TRUE[:1], TRUE[:1]) == (0, math.inf)
    assert metrics.rmse_interval(TRUE, TRUE) == (0, 0)


def test_the_interval_holds_the_true_value_about_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        low, high = metrics.rmse_interval(np.zeros(500), rng.normal(0, 0.9, 500))
        held += low <= 0.9 <= high
    assert 0.92 <= held / 400 <= 0.98


def test_each_user_counts_the_same_in_a_mean_over_users() -> None:
    users = np.array([0, 0, 0, 2])  # user 1 has none
    assert metrics.per_user_mean(users, np.array([1, 2, 3, 6.0])) == pytest.approx((2 + 6) / 2)


def test_ndcg_by_hand() -> None:
    two, three = 1 / math.log2(3), 1 / math.log2(4)
    best = 1 + two + three
    expected = [(1 + three) / (1 + two), three / best, 0, 1]
    np.testing.assert_allclose(metrics.ndcg(HITS, N_RELEVANT), expected)


def test_recall_divides_by_no_more_than_the_list_can_hold() -> None:
    np.testing.assert_allclose(metrics.recall(HITS, N_RELEVANT), [2 / 2, 1 / 3, 0, 1])


def test_hit_rate_asks_whether_there_is_any() -> None:
    assert metrics.hit_rate(HITS).tolist() == [1, 1, 0, 1]


def test_reciprocal_rank_is_one_over_the_first_place() -> None:
    np.testing.assert_allclose(metrics.reciprocal_rank(HITS), [1, 1 / 3, 0, 1])
