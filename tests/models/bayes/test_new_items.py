"""Items that nobody has rated: the regression on features against NumPy, and predictions in a known world."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.features import Features
from matinee.data.ratings import Ratings
from matinee.errors import UnsupportedError
from matinee.models.base import Person, Recommender
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.models.bayes.new_items import ItemRegression
from matinee.models.bayes.side_information import feature_block
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.helpers import error_message

LIKED, OTHER, UNKNOWN = ["genre: Liked"], ["genre: Other"], ["genre: Never seen"]


@cache
def table(*, has_features: bool = True) -> Ratings:
    """100 users of 60 items. Users 0 to 49 give the genre Liked about 4.5 and Other about 1.5, the others the
    reverse."""
    rng = np.random.default_rng(3)
    user, item = (index.ravel() for index in np.indices((100, 60)))
    chosen = rng.random(len(user)) < 0.3
    user, item = user[chosen], item[chosen]
    likes = (user < 50) == (item % 2 == 0)
    stars = np.clip(np.round(np.where(likes, 4.5, 1.5) + rng.normal(0, 0.5, len(user))), 1, 5)
    ratings = Ratings.from_ids(user, item, stars)
    labels = [LIKED if item_id % 2 == 0 else OTHER for item_id in ratings.items.ids.tolist()]
    return replace(ratings, item_features=Features.of(labels) if has_features else None)


@cache
def fitted(likelihood: str = "regression", *, has_features: bool = True) -> BayesianMF:
    """None may change it."""
    model = BayesianMF(factors=4, samples=60, burn_in=30, likelihood=likelihood)
    return model.fit(table(has_features=has_features), n_threads=1)


def test_the_regression_is_that_of_ridge_with_its_own_penalties() -> None:
    rng = np.random.default_rng(0)
    features = Features.of([[f"a: {k}" for k in rng.choice(6, 2, False)] for _ in range(200)])
    assert features is not None
    truth = rng.normal(size=(6, 3))
    draw = (features.table @ truth + 0.3 * rng.normal(size=(200, 3)) + 2).astype(np.float32)
    counts = np.where(np.arange(200) < 150, 3, 0)
    draw[150:] = 1e6  # what the sampler has for items without ratings must not matter
    found = ItemRegression.of(feature_block(features.table), counts).draw(draw)
    assert found.shape == (6 + 2, 3)
    predicted = features.table @ found[:-2] + found[-2]
    np.testing.assert_allclose(predicted, features.table @ truth + 2, atol=0.2)
    np.testing.assert_allclose(found[-1], 0.3, atol=0.05)
    x = features.table[:150] - features.table[:150].mean(axis=0)
    y = draw[:150] - draw[:150].mean(axis=0)
    for column in range(3):
        weights = found[:-2, column]
        gap = x.T @ (y[:, column] - x @ weights)  # penalty times weights, in each direction
        penalty = float(gap @ weights / (weights @ weights))
        assert penalty > 0
        expected = np.linalg.solve(x.T @ x + penalty * np.eye(6), x.T @ y[:, column])
        np.testing.assert_allclose(x @ weights, x @ expected, atol=1e-3)


@pytest.mark.parametrize("likelihood", ["regression", "probit"])
def test_a_new_item_is_predicted_as_the_rated_ones_of_its_genre(likelihood: str) -> None:
    model = fitted(likelihood)
    newcomer: dict[int | str, float] = {0: 5.0, 2: 5.0, 1: 1.0}
    cases: list[tuple[Person, float, float]] = [(7, 4.5, 1.5), (93, 1.5, 4.5), (newcomer, 4.5, 1.5)]
    for person, liked, other in cases:
        assert model.predict_new_item(person, LIKED) == pytest.approx(liked, abs=0.7)
        assert model.predict_new_item(person, OTHER) == pytest.approx(other, abs=0.7)
    average = model.predict_new_item({}, LIKED)
    assert average == pytest.approx(model.predict_new_item({}, OTHER), abs=0.5)


def test_labels_that_no_item_has_are_ignored() -> None:
    model = fitted()
    for_nothing = model.predict_new_item(7, [])
    assert model.predict_new_item(7, UNKNOWN) == for_nothing
    assert 1.5 < for_nothing < 4.5


def test_several_items_get_what_each_gets_and_are_less_certain_than_rated_ones() -> None:
    model = fitted()
    both = model.score_new_items(7, [LIKED, OTHER])
    assert [one.stars for one in both] == [
        model.predict_new_item(7, labels) for labels in (LIKED, OTHER)
    ]
    rated = model.deviations(7, np.arange(60))
    assert rated is not None
    for one in both:
        assert one.deviation is not None
        assert 0.98 * np.median(rated) < one.deviation < 2  # 60 draws tell it to 2%
    assert model.score_new_items(7, []) == []


def test_a_file_keeps_what_new_items_need(tmp_path: Path) -> None:
    save_model(tmp_path / "m.matinee", fitted(), Catalog(), Origin())
    loaded, _, _ = load_model(tmp_path / "m.matinee")
    assert loaded.predict_new_item(7, LIKED) == fitted().predict_new_item(7, LIKED)


@pytest.mark.parametrize("case", ["no features", "no histories"])
def test_a_model_without_features_says_what_it_needs(case: str, tmp_path: Path) -> None:
    model: Recommender = fitted(has_features=False)
    if case == "no histories":
        save_model(tmp_path / "m.matinee", fitted(), Catalog(), Origin(has_history=False))
        model, _, _ = load_model(tmp_path / "m.matinee")
    expected = (
        "bayes predicts items without ratings from features such as genres, and this model has "
        "none; train it on data with genres, and save its histories."
    )
    assert (
        error_message(UnsupportedError, lambda: model.predict_new_item({0: 5.0}, LIKED)) == expected
    )


@pytest.mark.parametrize("model", [Baseline, MatrixFactorization, ItemKNN])
def test_other_models_say_who_can(model: type[Recommender]) -> None:
    one = model().fit(table(), n_threads=1)
    expected = (
        f"{model.name} needs ratings of an item to predict it; only bayes, trained with features "
        "of the items such as genres, does not."
    )
    assert error_message(UnsupportedError, lambda: one.predict_new_item(7, LIKED)) == expected
