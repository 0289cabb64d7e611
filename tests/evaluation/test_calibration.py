"""Calibration: which ratings are inside their intervals, and whose they are."""

import numpy as np
import pytest

from matinee.data.split import by_mask, random_split, splits
from matinee.evaluation import evaluate
from matinee.evaluation.calibration import (
    coverage_in_words,
    groups,
    interval_coverage,
    is_inside,
)
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.models.blend import Blend
from tests.conftest import simulated

TABLE = simulated(60, 50, 1_500)


def test_normal_errors_are_inside_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    deviations = rng.uniform(0.1, 2, 100_000)
    errors = rng.normal(0, deviations)
    inside = is_inside(3 + errors, np.full(100_000, 3.0), deviations)
    assert inside.mean(axis=0) == pytest.approx([0.5, 0.8, 0.95], abs=0.005)


def test_the_groups_are_those_of_whom_little_is_known() -> None:
    part = by_mask(TABLE, (TABLE.user_index < 2) | (TABLE.item_index < 1), "mine")
    found = groups(part)
    counts, test = part.train.user_counts, part.test
    assert found["all"].all()
    assert found["new_users"].tolist() == (test.user_index < 2).tolist()
    assert found["rare_items"].tolist() == (part.train.item_counts[test.item_index] <= 4).tolist()
    light = np.unique(test.user_index[found["light_users"]])
    others = np.setdiff1d(np.unique(test.user_index), [0, 1, *light])
    assert counts[light].max() < counts[others].min()
    assert 0.2 < len(light) / (len(light) + len(others)) < 0.5


def test_shares_are_over_the_ratings_of_all_folds() -> None:
    counts = np.array([[10, 4, 8, 9], [0, 0, 0, 0], [2, 1, 1, 2], [0, 0, 0, 0]])
    found = interval_coverage([counts, 2 * counts])
    assert found["all"] == {"n_ratings": 30, "in_50": 0.4, "in_80": 0.8, "in_95": 0.9}
    assert found["rare_items"]["in_80"] == 0.5
    assert list(found) == ["all", "rare_items"]
    assert coverage_in_words(found) == "80.0%; rare items 50.0%"
    assert coverage_in_words({"all": found["all"]}) == "80.0%"
    assert interval_coverage([]) == {}


@pytest.mark.parametrize("spec", ["random:0.2", "users:0.3"])
def test_a_model_with_intervals_reports_how_many_hold(spec: str) -> None:
    (part,) = splits(TABLE, spec)
    report = evaluate(BayesianMF(samples=40, burn_in=20), part, "simulated", n_threads=1)
    shares = report.to_dict()["interval_coverage"]
    assert shares["all"]["n_ratings"] == report.n_test
    assert 0.6 < shares["all"]["in_80"] < 0.95
    assert shares["all"]["in_50"] < shares["all"]["in_80"] < shares["all"]["in_95"]
    assert ("new_users" in shares) == (spec == "users:0.3")
    line = dict(report.rows())["inside the 80% intervals"]
    assert line.startswith(f"{shares['all']['in_80']:.1%}; light users ")


def test_intervals_of_single_predictions_are_counted_for_models_without_many_at_once() -> None:
    model = Blend(models="baseline,bayes", member_settings="bayes.samples=40 bayes.burn_in=20")
    report = evaluate(model, random_split(TABLE, 0.2), "simulated", n_threads=1)
    assert 0.6 < report.interval_coverage["all"]["in_80"] < 0.95


def test_a_model_without_intervals_has_none() -> None:
    report = evaluate(Baseline, random_split(TABLE, 0.2), "simulated")
    assert report.interval_coverage == {}
    assert "inside the 80% intervals" not in dict(report.rows())
