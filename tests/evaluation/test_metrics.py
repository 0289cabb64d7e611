"""Each metric against a list worked out by hand."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.evaluation import metrics

TRUE = np.array([1, 2, 3, 4], np.float32)
PREDICTED = np.array([1, 4, 2, 4], np.float32)  # errors 0, 2, 1, 0
HITS = np.array(
    [[True, False, True], [False, False, True], [False, False, False], [True, True, True]]
)
N_RELEVANT = np.array([2, 5, 1, 7])


def test_rmse_is_the_root_of_the_mean_square() -> None:
    assert metrics.rmse(TRUE, PREDICTED) == pytest.approx(math.sqrt(5 / 4))
    assert metrics.rmse(TRUE, TRUE) == 0


def test_mae_is_the_mean_of_the_errors_without_sign() -> None:
    assert metrics.mae(TRUE, PREDICTED) == pytest.approx(3 / 4)
    assert metrics.mae(PREDICTED, TRUE) == pytest.approx(3 / 4)


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


def test_precision_divides_by_the_length_of_the_list() -> None:
    np.testing.assert_allclose(metrics.precision(HITS), [2 / 3, 1 / 3, 0, 1])


def test_average_precision_by_hand() -> None:
    expected = [(1 + 2 / 3) / 2, (1 / 3) / 3, 0, 1]
    np.testing.assert_allclose(metrics.average_precision(HITS, N_RELEVANT), expected)


# What ranx 0.3.21 (an independent implementation) says of the lists that `random_lists` makes, as run by
#   evaluate(Qrels({str(u): {str(i): 1 for i in liked[u]} ...}), Run({str(u): {str(i): 20.0 - place ...} ...}), [...])
RANX = {
    "ndcg": {5: 0.2771907968, 10: 0.2723220447, 20: 0.3164632633},
    "map": {5: 0.0621347749, 10: 0.0902130543, 20: 0.1377551943},
    "precision": {5: 0.27, 10: 0.25, 20: 0.2375},
    "recall": {5: 0.1052892768, 10: 0.1932706780, 20: 0.3603907833},
    "hit_rate": {5: 0.775, 10: 0.95, 20: 0.975},
    "mrr": {5: 0.4595833333, 10: 0.4838095238, 20: 0.4857326007},
}


def random_lists() -> tuple[NDArray[np.bool_], NDArray[np.integer]]:
    """Hits of 40 lists of 20 of 60 items, and how many items are relevant, 1 to 24."""
    rng = np.random.default_rng(0)
    lists = [rng.permutation(60)[:20] for _ in range(40)]
    liked = [rng.permutation(60)[: rng.integers(1, 25)] for _ in range(40)]
    hits = np.array([np.isin(one, of) for one, of in zip(lists, liked, strict=True)])
    return hits, np.array([len(of) for of in liked])


@pytest.mark.parametrize("k", [5, 10, 20])
def test_the_ranking_metrics_agree_with_those_of_ranx(k: int) -> None:
    hits, n_relevant = random_lists()
    first = hits[:, :k]
    cut = (
        np.minimum(n_relevant, k) / n_relevant
    )  # ranx divides recall and MAP by n_relevant, however short the list
    found = {
        "ndcg": metrics.ndcg(first, n_relevant),
        "map": metrics.average_precision(first, n_relevant) * cut,
        "precision": metrics.precision(first),
        "recall": metrics.recall(first, n_relevant) * cut,
        "hit_rate": metrics.hit_rate(first),
        "mrr": metrics.reciprocal_rank(first),
    }
    assert {name: values.mean() for name, values in found.items()} == pytest.approx(
        {name: RANX[name][k] for name in found}, abs=1e-9
    )


def test_self_information_is_in_bits() -> None:
    np.testing.assert_allclose(metrics.self_information(np.array([8, 4, 1, 0]), 8), [0, 1, 3, 3])


def test_gini_is_the_area_beside_the_diagonal() -> None:
    assert metrics.gini(np.array([3, 3, 3, 3])) == 0
    assert metrics.gini(np.array([0, 0, 0, 0])) == 0
    assert metrics.gini(np.array([0, 7, 0, 0])) == pytest.approx(3 / 4)  # (n - 1) / n
    amounts = np.array([1, 5, 2, 0, 9])
    pairs = np.abs(amounts[:, None] - amounts).sum() / (
        2 * len(amounts) * amounts.sum()
    )  # half the mean difference
    assert metrics.gini(amounts) == pytest.approx(pairs)
