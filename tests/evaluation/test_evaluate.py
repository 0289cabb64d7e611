"""Reports: their fields, their means over folds, and intervals; the measures of lists are tested with `ranking`."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from matinee.data.ratings import Ratings
from matinee.data.split import Split, by_mask, k_fold, random_split, splits
from matinee.errors import SettingError
from matinee.evaluation import NO_STARS, error_sums, evaluate, metrics
from matinee.evaluation.ranking import PER_USER, judge, ranking_task, top_lists
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from tests.conftest import simulated
from tests.helpers import each_kind_of_model, error_message, history

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
def test_measures_of_folds_are_those_of_all_their_ratings_and_counts_are_sums(
    model: type[Recommender],
) -> None:
    """So a value and its interval are of the same quantity."""
    order = np.random.default_rng(0).permutation(len(TABLE))
    folds = [order[:100], order[100:500], order[500:]]
    parts = [by_mask(TABLE, np.isin(np.arange(len(TABLE)), rows), "mine") for rows in folds]
    single = [evaluate(model, [part], "simulated") for part in parts]
    whole = evaluate(model, parts, "simulated")
    assert (whole.folds, whole.protocol, whole.n_train, whole.n_test) == (3, "mine", 1_400, 100)
    assert whole.n_ranked_users == sum(one.n_ranked_users for one in single)
    told = dict(whole.rows())["lists for"]
    assert told.startswith(f"{whole.n_ranked_users:,} users, summed over the folds")
    assert whole.n_new_items == sum(one.n_new_items for one in single)
    weights = [one.n_ranked_users for one in single]
    for name in ("ndcg_at_10", "mrr", "recall_at_20"):
        values = [one[name] for one in single]
        assert whole[name] == pytest.approx(np.average(values, weights=weights))
        assert whole[name] != pytest.approx(np.mean(values))
    assert whole["coverage"] == pytest.approx(np.mean([one["coverage"] for one in single]))
    if whole.rmse is not None and whole.rmse_low is not None and whole.rmse_high is not None:
        squares = np.average([one["rmse"] ** 2 for one in single], weights=[100, 400, 1_000])
        assert whole.rmse == pytest.approx(math.sqrt(squares))
        assert whole.rmse_low < whole.rmse < whole.rmse_high


def test_test_ratings_that_are_known_are_left_out_of_errors_and_lists() -> None:
    clean = random_split(TABLE, 0.2)
    rows = np.flatnonzero(np.random.default_rng(0).random(len(clean.train)) < 0.2)
    known = clean.train.subset(rows)
    both = replace(
        clean.test,
        user_index=np.concatenate([clean.test.user_index, known.user_index]),
        item_index=np.concatenate([clean.test.item_index, known.item_index]),
        value=np.concatenate([clean.test.value, known.value]),
        timestamp=None,
    )
    expected = evaluate(ItemKNN, clean, "simulated")
    found = evaluate(ItemKNN, Split(clean.train, both, "random:0.2"), "simulated")
    assert found.note == (
        f"{len(rows)} of the {300 + len(rows)} test ratings are in the training part as well; "
        "they are left out."
    )
    assert found.n_test == 300
    assert dict(found) == pytest.approx(dict(expected))


@each_kind_of_model
def test_held_out_users_are_folded_in_and_measured(model: type[Recommender]) -> None:
    """The report is that of lists and stars of `recommend` and `predict` for a new person."""
    (part,) = splits(TABLE, "users:0.2")
    fitted = model().fit(part.train, n_threads=1)
    report = evaluate(model, part, "simulated", n_threads=1)
    assert part.folded_in is not None
    assert (report.n_folded_in, report.n_new_users) == (len(part.folded_in), 12)
    users = np.flatnonzero(part.test.user_counts).tolist()
    errors, gains = [], []
    for user in users:
        person = history(part.folded_in, part.train.users.id(user))
        mine = history(part.test, part.train.users.id(user))
        profile = fitted.fold_in(person)
        if fitted.has_stars:
            errors += [stars - fitted.predict(profile, item) for item, stars in mine.items()]
        liked = [item for item, stars in mine.items() if stars >= 4]
        if liked:
            best = [line.item_id for line in fitted.recommend(profile, 10)]
            gain = sum(1 / math.log2(best.index(item) + 2) for item in liked if item in best)
            gains.append(gain / sum(1 / math.log2(place + 2) for place in range(len(liked))))
    assert report.ndcg_at_10 == pytest.approx(np.mean(gains))
    if fitted.has_stars:
        assert report.rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-5)


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
