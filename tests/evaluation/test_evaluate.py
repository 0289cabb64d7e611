"""Reports: their fields, their means over folds, and intervals; the measures of lists are tested with `ranking`."""

import json
import math
from typing import Any

import numpy as np
import pytest

from matinee.data.ratings import Ratings
from matinee.data.split import Split, by_mask, k_fold, random_split
from matinee.errors import SettingError
from matinee.evaluation import NO_STARS, error_sums, evaluate, metrics
from matinee.evaluation.ranking import PER_USER, judge, ranking_task, top_lists
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from tests.conftest import simulated
from tests.helpers import error_message

TABLE = simulated(60, 50, 1_500)
RATING_MEASURES = ("rmse", "mae", "rmse_per_user", "mae_per_user")
RANKING_MEASURES = ("ndcg_at_10", "recall_at_20", "hit_rate_at_10", "mrr", "coverage")
PROMISED = {
    *(
        "model",
        "dataset",
        "protocol",
        "n_train",
        "n_test",
        "rmse",
        "mae",
        "fit_seconds",
        "predict_seconds",
    ),
    *("peak_rss_mb", "seed", "hyperparameters", "version", *RANKING_MEASURES),
}


def test_a_report_holds_what_the_command_line_promises() -> None:
    report = evaluate(
        lambda: Baseline(seed=3), [random_split(TABLE, 0.2)], "simulated", n_threads=1
    )
    found = report.to_dict()
    assert set(found) >= PROMISED
    assert json.loads(json.dumps(found)) == found
    assert (report.model, report.dataset, report.protocol, report.folds) == (
        "baseline",
        "simulated",
        "random:0.2",
        1,
    )
    assert (report.n_train, report.n_test, report.seed) == (1_200, 300, 3)
    assert report.hyperparameters == {"user_shrinkage": 5.0, "item_shrinkage": 5.0, "epochs": 10}
    assert report.fit_seconds >= 0
    assert report.predict_seconds >= 0


def test_the_rating_measures_are_those_of_the_predictions() -> None:
    part = random_split(TABLE, 0.2)
    report = evaluate(MatrixFactorization, [part], "simulated", n_threads=1)
    stars = MatrixFactorization().fit(part.train, n_threads=1).predict_ratings(part.test)
    assert report.rmse == metrics.rmse(part.test.value, stars)
    assert report.mae == metrics.mae(part.test.value, stars)
    errors = [
        np.abs(stars - part.test.value)[part.test.user_index == user]
        for user in np.unique(part.test.user_index)
    ]
    assert report.mae_per_user == pytest.approx(np.mean([one.mean() for one in errors]), rel=1e-6)
    assert report.rmse_per_user == pytest.approx(
        np.sqrt(np.mean([(one**2).mean() for one in errors])), rel=1e-6
    )


def test_a_model_that_predicts_stars_is_ranked_too_unless_not_asked_for() -> None:
    part = random_split(TABLE, 0.2)
    report = evaluate(Baseline, [part], "simulated")
    assert all(0 < getattr(report, name) <= 1 for name in RANKING_MEASURES)
    without = evaluate(Baseline, [part], "simulated", with_ranking=False)
    assert all(getattr(without, name) is None for name in (*RANKING_MEASURES, "recommend_seconds"))
    assert without.rmse == report.rmse
    assert "NDCG@10" not in dict(without.rows())
    assert evaluate(Popularity, [part], "simulated", with_ranking=False).mrr is not None


def test_all_measures_of_lists_are_in_the_report() -> None:
    part = random_split(TABLE, 0.2)
    report = evaluate(Popularity, [part], "simulated").to_dict()
    task = ranking_task(part.test)
    fitted = Popularity().fit(part.train)
    ranked = judge(fitted, task, top_lists(fitted, task.users))
    assert {name: report[name] for name in ranked.means()} == ranked.means()
    assert report["n_ranked_users"] == len(task.users)
    assert set(report["intervals"]) == set(PER_USER)
    for name, (low, high) in report["intervals"].items():
        assert low <= report[name] <= high


def test_the_interval_of_the_rmse_is_over_users() -> None:
    """Here everybody's errors are all alike, so that ratings say less than their number promises."""
    rng = np.random.default_rng(0)
    test = simulated(200, 100, 8_000)
    predicted = test.value + rng.choice([-1.0, -0.1, 0.1, 1.0], test.n_users)[test.user_index]
    low, high = error_sums(test, predicted).intervals()["rmse"]
    ratings = (predicted - test.value) ** 2
    naive = 2 * 1.96 * ratings.std() / np.sqrt(len(test)) / (2 * np.sqrt(ratings.mean()))
    squares = np.array(
        [np.mean((predicted - test.value)[test.user_index == user] ** 2) for user in range(200)]
    )
    by_users = (
        2 * 1.96 * squares.std() / np.sqrt(200) / (2 * np.sqrt(squares.mean()))
    )  # about, by the delta method
    assert low < metrics.rmse(test.value, predicted) < high
    assert high - low == pytest.approx(by_users, rel=0.15)
    assert high - low > 2 * naive


def test_one_user_has_no_interval() -> None:
    part = by_mask(TABLE, (TABLE.user_index == 5) & (TABLE.item_index % 2 == 0), "mine")
    report = evaluate(Baseline, [part], "simulated")
    assert report.rmse is not None
    assert (report.rmse_low, report.rmse_high, report.intervals) == (None, None, {})
    assert dict(report.rows())["RMSE"] == f"{report.rmse:.4f} stars"


def test_ratings_that_are_all_the_same_are_only_ranked() -> None:
    table = Ratings.from_ids(TABLE.user_index, TABLE.item_index, np.ones(len(TABLE)))
    report = evaluate(ItemKNN, [random_split(table, 0.2)], "simulated")
    assert report.rmse is None
    assert (report.unit, report.note) == ("pair", NO_STARS)
    assert dict(report.rows())["tested on"] == f"{report.n_test:,} pairs"
    assert report.ndcg_at_10 is not None
    assert report.n_without_relevant == 0


def test_a_model_that_only_ranks_has_ranking_measures_and_no_rmse() -> None:
    report = evaluate(Popularity, [random_split(TABLE, 0.2)], "simulated")
    assert all(getattr(report, name) is None for name in RATING_MEASURES)
    assert all(0 < getattr(report, name) <= 1 for name in RANKING_MEASURES)


@pytest.mark.parametrize("model", [Baseline, Popularity])
def test_measures_of_folds_are_means_and_times_are_sums(model: type[Recommender]) -> None:
    parts = list(k_fold(TABLE, 5))
    single = [evaluate(model, [part], "simulated") for part in parts]
    whole = evaluate(model, parts, "simulated")
    assert (whole.folds, whole.protocol, whole.n_train, whole.n_test) == (5, "kfold:5", 1_200, 300)
    for name in ("rmse", "mae", "rmse_per_user", "ndcg_at_10", "mrr", "coverage"):
        values = [getattr(one, name) for one in single]
        expected = None if values[0] is None else pytest.approx(np.mean(values))
        assert getattr(whole, name) == expected
    if whole.rmse is not None and whole.rmse_low is not None and whole.rmse_high is not None:
        assert whole.rmse_low < whole.rmse < whole.rmse_high
        widths = [(one.rmse_high or 0) - (one.rmse_low or 0) for one in single]
        # Between that of five times as many people and that of the same people again.
        assert np.mean(widths) / math.sqrt(5) < whole.rmse_high - whole.rmse_low < np.mean(widths)


def test_each_fold_is_fitted_by_a_fresh_model() -> None:
    made: list[Baseline] = []

    def make() -> Baseline:
        made.append(Baseline())
        return made[-1]

    evaluate(make, k_fold(TABLE, 3), "simulated")
    assert sum(one.is_fitted for one in made) == 3


def test_new_users_and_items_are_counted() -> None:
    part = by_mask(TABLE, (TABLE.user_index < 3) | (TABLE.item_index == 0), "mine")
    report = evaluate(Baseline, [part], "simulated")
    assert (report.n_new_users, report.n_new_items) == (3, 1)
    assert report.rmse is not None
    assert math.isfinite(report.rmse)


def test_without_any_liked_item_the_ranking_measures_are_none() -> None:
    rows = np.flatnonzero(TABLE.value < 4)
    disliked = Split(TABLE.subset(rows[100:]), TABLE.subset(rows[:100]), "mine")
    report = evaluate(Popularity, [disliked], "simulated")
    assert all(getattr(report, name) is None for name in RANKING_MEASURES)


def test_a_table_of_the_report_has_a_line_for_each_measure() -> None:
    report = evaluate(Popularity, [random_split(TABLE, 0.2)], "simulated")
    lines = dict(report.rows())
    assert lines["trained on"] == "1,200 ratings"
    low, high = report.intervals["ndcg_at_10"]
    assert lines["NDCG@10"] == f"{report.ndcg_at_10:.4f} (95% interval {low:.4f} to {high:.4f})"
    assert (
        lines["lists for"]
        == f"{report.n_ranked_users} users; {report.n_without_relevant} liked nothing in the test part"
    )
    assert "RMSE" not in lines
    assert "RMSE" in dict(evaluate(Baseline, [random_split(TABLE, 0.2)], "simulated").rows())


# -- what is taken -----------------------------------------------------------------------


def test_a_model_is_copied_and_stays_unfitted() -> None:
    model = MatrixFactorization(epochs=2)
    part = random_split(TABLE, 0.2)
    report = evaluate(model, [part], "simulated", with_ranking=False)
    made = evaluate(lambda: MatrixFactorization(epochs=2), [part], "simulated", with_ranking=False)
    assert report.rmse == made.rmse
    assert not model.is_fitted


def test_ratings_alone_are_split_and_the_report_says_how() -> None:
    report = evaluate(Baseline, TABLE)
    assert (report.protocol, report.dataset) == ("random:0.2", "unnamed")
    assert report.rmse == evaluate(Baseline, random_split(TABLE, 0.2)).rmse


@pytest.mark.parametrize(("made", "shown"), [("mf", "'mf'"), (None, "None"), (lambda: 3, "'3'")])
def test_what_makes_no_model_is_refused(made: Any, shown: str) -> None:
    assert error_message(SettingError, evaluate, made, TABLE) == (
        "evaluate takes a model class, a function that makes a model, or a model, such as "
        f"matinee.MatrixFactorization, not {shown}."
    )
