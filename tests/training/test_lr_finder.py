"""The learning-rate range test."""

from typing import Any

import numpy as np
import pytest

import matinee
from matinee.data.ratings import Ratings
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.declarations import state_of
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.dot_product import DotProduct, PlainMF
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.training.lr_finder import lr_find

pytestmark = pytest.mark.usefixtures("one_torch_thread")

MODELS: list[tuple[type[Recommender], dict[str, Any]]] = [
    (DotProduct, {"factors": 10}),
    (PlainMF, {}),
    (EmbeddingMLP, {"hidden": "20", "batch_size": 128}),
]
every_model = pytest.mark.parametrize(
    ("model", "settings"), MODELS, ids=[model.name for model, _ in MODELS]
)


def last_loss(
    model: type[Recommender], settings: dict[str, Any], ratings: Ratings, rate: float
) -> float:
    """The error of the training ratings in the second epoch, infinite where the training diverges."""
    given = settings | {"learning_rate": rate, "schedule": "constant", "epochs": 2}
    try:
        one: Any = model.from_settings(given).fit(ratings)
    except SettingError:
        return np.inf
    return float(one.curve_.rows[-1, 1])


@every_model
def test_training_at_the_suggested_rate_reduces_the_loss_and_far_above_it_does_not(
    model: type[Recommender], settings: dict[str, Any], ratings: Ratings
) -> None:
    found = lr_find(model.from_settings(settings), ratings)
    assert 1e-4 < found.suggestion < 1
    good = last_loss(model, settings, ratings, found.suggestion)
    assert good < 0.7 * found.losses[0]
    assert last_loss(model, settings, ratings, min(100, 1e4 * found.suggestion)) > 2 * good
    assert last_loss(model, settings, ratings, 1e-4 * found.suggestion) > good


@every_model
def test_the_curve_starts_at_the_lowest_rate_and_stops_when_the_loss_runs_away(
    model: type[Recommender], settings: dict[str, Any], ratings: Ratings
) -> None:
    found = lr_find(model.from_settings(settings), ratings, lowest=1e-5, highest=100, steps=120)
    assert found.rates.shape == found.losses.shape
    assert 10 < len(found.rates) <= 120
    assert found.rates[0] == pytest.approx(1e-5)
    assert np.all(np.diff(found.rates) > 0)
    assert found.suggestion == pytest.approx(found.rates[found.losses.argmin()] / 10)
    assert np.all(found.losses[:-1] <= 4 * found.losses[:-1].min())


@every_model
def test_the_model_is_not_changed_and_the_same_rate_is_found_again(
    model: type[Recommender], settings: dict[str, Any], ratings: Ratings
) -> None:
    one = model.from_settings(settings)
    first, second = (matinee.lr_find(one, ratings, steps=30) for _ in range(2))
    assert not one.is_fitted
    assert np.array_equal(first.losses, second.losses, equal_nan=True)
    assert first.suggestion == second.suggestion
    fitted: Any = model.from_settings(settings | {"epochs": 1}).fit(ratings)
    before = {name: np.array(array) for name, array in state_of(fitted).items()}
    lr_find(fitted, ratings, steps=30)
    after = state_of(fitted)
    assert all(np.array_equal(after[name], array, equal_nan=True) for name, array in before.items())


@pytest.mark.parametrize("model", [MatrixFactorization, Baseline], ids=lambda model: model.name)
def test_a_model_without_steps_on_batches_names_those_that_have_them(
    model: type[Recommender], ratings: Ratings
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        lr_find(model(), ratings)
    assert (
        str(caught.value)
        == f"{model.name} has no learning rate to find; use dot-product, plain-mf or mlp."
    )


def test_the_ratings_may_be_a_data_set() -> None:
    data = matinee.load("sample")
    found = lr_find(DotProduct(), data, steps=5)
    assert found.losses.tolist() == lr_find(DotProduct(), data.ratings, steps=5).losses.tolist()
    table: Any = [1, 2]
    with pytest.raises(DataError, match=r"^lr_find takes Ratings, a Dataset, a frame or a path"):
        lr_find(DotProduct(), table)
