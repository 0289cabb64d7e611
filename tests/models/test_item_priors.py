"""Biases of items that follow their popularity."""

from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.data.stored.conversion import write_dataset
from matinee.evaluation.metrics import rmse
from matinee.models.baseline import Baseline
from matinee.models.descent import FactorPlan, TrainingTable
from matinee.models.item_priors import biases_of, item_prior
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
    by_user = ratings.by_user
    assert by_user.order is None or (np.diff(ratings.user_index) >= 0).all()
    return TrainingTable(ratings, importance)


def test_the_line_is_that_of_the_items() -> None:
    table = table_of(popular_is_good())
    prior, counts = item_prior(table, PLAN), table.ratings.item_counts
    slope = np.polyfit(np.log1p(counts), prior, 1)[0]
    assert slope == pytest.approx(SLOPE, abs=0.08)
    assert (
        abs(
            np.polyfit(
                np.log1p(counts),
                item_prior(table_of(popular_is_good(slope=0.0)), PLAN)[: len(counts)],
                1,
            )[0]
        )
        < 0.08
    )


def test_without_the_wish_or_without_ratings_nothing_is_expected() -> None:
    table = table_of(popular_is_good())
    assert not item_prior(table, PLAN._replace(follows_popularity=False)).any()
    few = table.part(table.ratings.item_index < 500)
    unrated = few.ratings.item_counts == 0
    assert unrated.any()
    assert not item_prior(few, PLAN)[unrated].any()
    assert not item_prior(table.part(np.zeros(len(table), bool)), PLAN).any()


def test_a_weight_of_two_is_a_rating_twice() -> None:
    ratings = popular_is_good()
    twice = np.full(len(ratings), 2, np.float32)
    weighted = item_prior(table_of(ratings, twice), PLAN)
    halved = PLAN._replace(bias_shrinkage=2.5, item_bias_shrinkage=2.5)
    np.testing.assert_allclose(
        weighted - weighted.mean(),
        (lambda prior: prior - prior.mean())(item_prior(table_of(ratings), halved)),
        atol=0.05,
    )


def test_an_item_with_few_ratings_is_shrunk_to_the_line() -> None:
    table = table_of(popular_is_good())
    _, with_line = biases_of(table, PLAN)
    _, without = biases_of(table, PLAN._replace(follows_popularity=False))
    rare = table.ratings.item_counts <= 2
    assert with_line[rare].mean() < without[rare].mean() - 0.1


def test_mf_follows_popularity_where_held_out_ratings_say_so(tmp_path: Path) -> None:
    part = random_split(popular_is_good(), 0.2)
    errors = [
        rmse(part.test.value, one.fit(part.train, n_threads=1).predict_ratings(part.test))
        for one in (MatrixFactorization(), Baseline())
    ]
    assert errors[0] < 0.99 * errors[1]
    stored = write_dataset(
        Dataset("popular", part.train, Catalog()), tmp_path / "t.ratings"
    ).ratings
    first, second = (MatrixFactorization().fit(each, n_threads=1) for each in (part.train, stored))
    np.testing.assert_array_equal(first.item_bias_, second.item_bias_)
