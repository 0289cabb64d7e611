"""Biases of items that follow their popularity."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.data.stored.conversion import write_dataset
from matinee.evaluation.metrics import rmse
from matinee.models import matrix_factorization
from matinee.models.baseline import Baseline
from matinee.models.declarations import state_of
from matinee.models.descent import FactorPlan, TrainingTable
from matinee.models.item_priors import biases_of, item_prior, without_prior
from matinee.models.matrix_factorization import MatrixFactorization

PLAN = FactorPlan(4, 20, 0.04, 0.05, 0.04, 2.0, 5.0, 5.0, 0.01, follows_popularity=True)
SLOPE = 0.3


def popular_is_good(*, slope: float = SLOPE, seed: int = 0) -> Ratings:
    """8,000 ratings of 1,000 items, whose mean grows by `slope` with the logarithm of their number of ratings."""
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1.3, 1_000)
    item = rng.choice(1_000, 9_000, p=weight / weight.sum())
    user = rng.integers(0, 800, 9_000)
    pairs = np.unique(user * 1_000 + item)
    user, item = pairs // 1_000, pairs % 1_000
    bias = slope * np.log(weight) + rng.normal(0, 0.2, 1_000)
    value = bias[item] + rng.normal(0, 0.4, 800)[user] + rng.normal(0, 0.8, len(pairs))
    return Ratings.from_ids(user + 1, item + 1, value)


def table_of(ratings: Ratings, importance: np.ndarray | None = None) -> TrainingTable:
    return TrainingTable(ratings, importance)


def slope_of(prior: np.ndarray, ratings: Ratings) -> float:
    return float(np.polyfit(np.log1p(ratings.item_counts), prior, 1)[0])


@pytest.mark.parametrize("slope", [SLOPE, 0.0, -0.2])
def test_the_line_is_that_of_the_items(slope: float) -> None:
    ratings = popular_is_good(slope=slope)
    assert slope_of(item_prior(table_of(ratings), PLAN), ratings) == pytest.approx(slope, abs=0.08)


def test_without_the_wish_or_without_ratings_there_is_no_prior() -> None:
    table = table_of(popular_is_good())
    same, plan, prior = without_prior(table, PLAN._replace(follows_popularity=False))
    assert same is table
    assert not prior.any()
    assert not plan.follows_popularity
    few = table.part(table.ratings.item_index < 500)
    unrated = few.ratings.item_counts == 0
    assert unrated.any()
    assert not item_prior(few, PLAN)[unrated].any()
    assert not item_prior(table.part(np.zeros(len(table), bool)), PLAN).any()


def test_a_rating_that_weighs_three_is_like_three_ratings() -> None:
    ratings = popular_is_good()
    times = np.random.default_rng(1).choice([1, 3], len(ratings))
    rows = np.repeat(np.arange(len(ratings)), times)
    repeated = item_prior(table_of(ratings.subset(rows)), PLAN)
    weighted = item_prior(table_of(ratings, times.astype(np.float32)), PLAN)
    np.testing.assert_allclose(weighted, repeated, atol=1e-5)
    assert np.abs(weighted - item_prior(table_of(ratings), PLAN)).max() > 0.01


def test_an_item_with_few_ratings_is_shrunk_toward_the_line() -> None:
    table = table_of(popular_is_good())
    _, with_line = biases_of(table, PLAN)
    _, without = biases_of(table, PLAN._replace(follows_popularity=False))
    rare = table.ratings.item_counts <= 2
    assert with_line[rare].mean() < without[rare].mean() - 0.1


def test_mf_follows_popularity_where_held_out_ratings_say_so() -> None:
    part = random_split(popular_is_good(), 0.2)
    errors = [
        rmse(part.test.value, one.fit(part.train, n_threads=1).predict_ratings(part.test))
        for one in (MatrixFactorization(), Baseline())
    ]
    assert errors[0] < 0.99 * errors[1]


def plan_with_everything(plan: FactorPlan, *_: object) -> FactorPlan:
    return plan._replace(
        factors=2, epochs=4, by_coordinates=True, follows_popularity=True, strength=0.7
    )


def test_validation_losses_are_those_of_the_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix_factorization, "adapted", plan_with_everything)
    part = random_split(popular_is_good(), 0.2)
    one = MatrixFactorization(factors=4, epochs=6, learning_rate=0.2)
    one.fit(part.train, valid=part.test, n_threads=1)
    told = one.curve_.rows[-1, -1]
    assert told == pytest.approx(rmse(part.test.value, one.predict_ratings(part.test)), rel=0.02)


@pytest.mark.parametrize("half_life", [0.0, 100.0])
def test_a_table_on_a_disk_gives_the_same_bits(
    half_life: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix_factorization, "adapted", plan_with_everything)
    times = np.random.default_rng(2).integers(0, 300 * 86_400, len(popular_is_good()))
    ratings = replace(popular_is_good(), timestamp=times)
    dataset = write_dataset(Dataset("popular", ratings, Catalog()), tmp_path / "t.ratings")
    first, second = (
        MatrixFactorization(factors=4, epochs=6, half_life=half_life).fit(each, n_threads=1)
        for each in (ratings, dataset.ratings)
    )
    for name, array in state_of(first).items():
        np.testing.assert_array_equal(array, state_of(second)[name], err_msg=name)
