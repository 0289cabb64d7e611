"""Reports: their fields, their means over folds, and the ranking measures against a slow direct computation."""

import json
import math

import numpy as np
import pytest

from matinee import metrics
from matinee.evaluation import RANKING_MEASURES, RATING_MEASURES, evaluate, peak_memory_mb, ranking_measures
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.ratings import Ratings, Scale
from matinee.split import Split, by_mask, k_fold, random_split
from tests.conftest import simulated

TABLE = simulated(60, 50, 1_500)
PROMISED = {
    *("model", "dataset", "protocol", "n_train", "n_test", "rmse", "mae", "fit_seconds", "predict_seconds"),
    *("peak_rss_mb", "seed", "hyperparameters", "version", *RANKING_MEASURES, "coverage"),
}


def test_a_report_holds_what_the_command_line_promises() -> None:
    report = evaluate(lambda: Baseline(seed=3), [random_split(TABLE, 0.2)], "simulated", n_threads=1)
    found = report.to_dict()
    assert set(found) >= PROMISED
    assert json.loads(json.dumps(found)) == found
    assert (report.model, report.dataset, report.protocol, report.folds) == ("baseline", "simulated", "random:0.2", 1)
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
    assert (report.rmse_low, report.rmse_high) == metrics.rmse_interval(part.test.value, stars)
    errors = [np.abs(stars - part.test.value)[part.test.user_index == user] for user in np.unique(part.test.user_index)]
    assert report.mae_per_user == pytest.approx(np.mean([one.mean() for one in errors]), rel=1e-6)
    assert report.rmse_per_user == pytest.approx(np.sqrt(np.mean([(one**2).mean() for one in errors])), rel=1e-6)
    assert all(getattr(report, name) is None for name in (*RANKING_MEASURES, "coverage"))


def test_a_model_that_only_ranks_has_ranking_measures_and_no_rmse() -> None:
    report = evaluate(Popularity, [random_split(TABLE, 0.2)], "simulated")
    assert all(getattr(report, name) is None for name in RATING_MEASURES)
    assert all(0 < getattr(report, name) <= 1 for name in (*RANKING_MEASURES, "coverage"))


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
        assert whole.rmse_high - whole.rmse_low == pytest.approx(np.mean(widths) / math.sqrt(5), rel=0.05)


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


def slow_ranking(model: Recommender, part: Split, liked: float) -> dict[str, float]:
    """The same measures, one user and one item at a time."""
    test = part.test
    rows: list[list[float]] = []
    shown: set[int] = set()
    for user in sorted(set(test.user_index.tolist())):
        relevant = set(test.item_index[(test.user_index == user) & (test.value >= liked)].tolist())
        if not relevant:
            continue
        top = [test.items.index(one.item_id) for one in model.recommend(test.users.id(user), 20)]
        shown |= set(top[:10])
        places = [place for place, item in enumerate(top, 1) if item in relevant]
        gain = sum(1 / math.log2(place + 1) for place in places if place <= 10)
        ideal = sum(1 / math.log2(place + 1) for place in range(1, min(10, len(relevant)) + 1))
        first = 1 / places[0] if places else 0
        hit = float(any(place <= 10 for place in places))
        rows.append([gain / ideal, len(places) / min(20, len(relevant)), hit, first])
    means = np.mean(rows, axis=0).tolist()
    return dict(zip(RANKING_MEASURES, means, strict=True)) | {"coverage": len(shown) / test.n_items}


@pytest.mark.parametrize("model", [Baseline, Popularity, MatrixFactorization])
def test_ranking_measures_agree_with_a_direct_computation(model: type[Recommender]) -> None:
    part = random_split(simulated(700, 50, 10_000), 0.3)  # more users than are ranked at once
    fitted = model().fit(part.train, n_threads=1)
    found, expected = ranking_measures(fitted, part.test), slow_ranking(fitted, part, liked=4.0)
    assert list(found) == [*RANKING_MEASURES, "coverage"]
    assert found == pytest.approx(expected)


def test_users_who_have_seen_nearly_everything_are_shown_nothing_twice() -> None:
    part = random_split(simulated(20, 12, 230), 0.1)
    fitted = Popularity().fit(part.train)
    assert ranking_measures(fitted, part.test) == pytest.approx(slow_ranking(fitted, part, liked=4.0))


def test_without_any_liked_item_the_ranking_measures_are_none() -> None:
    rows = np.flatnonzero(TABLE.value < 4)
    disliked = Split(TABLE.subset(rows[100:]), TABLE.subset(rows[:100]), "mine")
    report = evaluate(Popularity, [disliked], "simulated")
    assert all(getattr(report, name) is None for name in (*RANKING_MEASURES, "coverage"))


def test_an_item_is_liked_in_the_upper_quarter_of_any_scale() -> None:
    users, items = np.repeat(np.arange(4), 4), np.tile(np.arange(4), 4)
    for low, high in ((1, 5), (0, 1), (-10, 10), (1, 100)):
        value = np.where(items == 3, high, low)
        table = Ratings.from_ids(users, items, value, scale=Scale(low, high, 1))
        part = by_mask(table, (items == 3) & (users < 2) | (items == 2) & (users == 3), "mine")
        found = ranking_measures(Popularity().fit(part.train), part.test)
        assert found == pytest.approx(slow_ranking(Popularity().fit(part.train), part, liked=high))


def test_a_table_of_the_report_has_a_line_for_each_measure() -> None:
    report = evaluate(Popularity, [random_split(TABLE, 0.2)], "simulated")
    lines = dict(report.rows())
    assert lines["trained on"] == "1,200 ratings"
    assert lines["NDCG@10"] == f"{report.ndcg_at_10:.4f}"
    assert "RMSE" not in lines
    assert "RMSE" in dict(evaluate(Baseline, [random_split(TABLE, 0.2)], "simulated").rows())


def test_peak_memory_is_in_megabytes() -> None:
    assert 20 < peak_memory_mb() < 20_000
