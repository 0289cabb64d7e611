"""The training loop: order of the ratings, history, patience, best weights, divergence."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.errors import SettingError
from matinee.models.base import Recommender
from matinee.models.declarations import state_of
from matinee.models.neural.dot_product import DotProduct, PlainMF
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.progress import Step
from matinee.training.checkpoints import State
from matinee.training.loop import Batches, TrainingLog, TrainingPlan, train
from matinee.training.schedules import Schedule, ScheduleSettings
from tests.conftest import simulated

pytestmark = pytest.mark.usefixtures("one_torch_thread")

CONSTANT = ScheduleSettings("constant", 0.01)
SMALL = simulated(40, 30, 600)


class Scripted:
    """An engine whose error on the valid part is given for each epoch; it remembers what it was handed."""

    def __init__(self, valid_errors: list[float]) -> None:
        self.valid_errors, self.done = valid_errors, 0
        self.orders: list[Batches] = []
        self.calls: list[tuple[int, int, int]] = []

    def epoch(
        self, batches: Batches, batch_size: int, schedule: Schedule, n_before: int, seed: int
    ) -> NDArray[np.float64]:
        self.orders.append(batches)
        self.calls.append((batch_size, n_before, seed))
        self.done += 1
        return np.full(len(schedule.rates), 10.0 - self.done)

    def predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        del item_index
        return np.full(len(user_index), 3 + np.sqrt(self.valid_errors[self.done - 1]), np.float32)

    def state(self) -> State:
        return {"done": np.array([self.done])}

    def restore(self, state: State) -> None:
        self.done = int(state["done"][0])


def threes(n: int = 10) -> Ratings:
    return Ratings.from_ids(np.arange(n), np.arange(n), np.full(n, 3.0))


def run(
    errors: list[float], *, patience: int = 0, keep_best: bool = False
) -> tuple[Scripted, TrainingLog]:
    engine = Scripted(errors)
    plan = TrainingPlan(len(errors), 4, CONSTANT, patience=patience, keep_best=keep_best)
    return engine, train(engine, plan, threes(), threes())


# -- epochs ------------------------------------------------------------------------------------------------------


def test_every_epoch_sees_every_rating_once_in_an_order_of_its_own() -> None:
    engine = Scripted([1.0] * 3)
    train(engine, TrainingPlan(3, 64, CONSTANT, seed=5), SMALL)
    rows = sorted(
        zip(SMALL.user_index.tolist(), SMALL.item_index.tolist(), SMALL.value.tolist(), strict=True)
    )
    orders = [
        list(zip(*(column.tolist() for column in order), strict=True)) for order in engine.orders
    ]
    assert all(sorted(order) == rows for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert [call[1:] for call in engine.calls] == [(0, 0), (10, 1), (20, 2)]


def test_the_order_depends_on_the_seed_alone() -> None:
    orders = []
    for seed in (1, 1, 2):
        engine = Scripted([1.0])
        train(engine, TrainingPlan(1, 64, CONSTANT, seed=seed), SMALL)
        orders.append(engine.orders[0].values)
    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_progress_reports_the_epoch_and_the_root_of_the_error_that_is_watched() -> None:
    steps: list[Step] = []
    plan = TrainingPlan(2, 4, CONSTANT)
    train(Scripted([1.0, 2.0]), plan, threes(), progress=steps.append)
    assert steps == [Step(1, 2, "RMSE 3.0000"), Step(2, 2, "RMSE 2.8284")]
    steps.clear()
    train(Scripted([1.0, 0.25]), plan, threes(), threes(), progress=steps.append)
    assert steps == [Step(1, 2, "RMSE 1.0000", 1.0), Step(2, 2, "RMSE 0.5000", 0.5)]


def test_the_history_has_a_row_for_each_epoch() -> None:
    _, history = run([4.0, 1.0, 2.25], keep_best=True)
    assert history.epochs == [(0.01, 9.0, 4.0), (0.01, 8.0, 1.0), (0.01, 7.0, 2.25)]
    assert history.steps == [(0.01, float(loss)) for loss in (9, 9, 9, 8, 8, 8, 7, 7, 7)]
    assert history.best_epoch == 1


def test_without_a_valid_part_its_error_is_nan_and_the_last_epoch_counts() -> None:
    history = train(
        Scripted([1.0] * 4), TrainingPlan(4, 4, CONSTANT, patience=1, keep_best=True), threes()
    )
    assert np.isnan([epoch[2] for epoch in history.epochs]).all()
    assert (len(history.epochs), history.best_epoch) == (4, 3)


def test_a_long_history_of_steps_is_thinned_by_averaging() -> None:
    many = threes(5_000)
    history = train(Scripted([1.0] * 4), TrainingPlan(4, 1, CONSTANT), many)
    assert len(history.steps) == 4 * 501
    assert np.array(history.steps)[:501, 1] == pytest.approx(9)


@pytest.mark.parametrize("model", [DotProduct, PlainMF, EmbeddingMLP], ids=lambda model: model.name)
def test_models_keep_the_history(model: type[Recommender]) -> None:
    part = random_split(SMALL, 0.2)
    one = model.from_settings({"epochs": 3, "batch_size": 100})
    with_valid: Any = one.fit(part.train, valid=part.test)
    assert with_valid.curve_.rows.shape == (3, 3)
    assert np.isfinite(with_valid.curve_.rows).all()
    assert with_valid.step_losses_.shape == (3 * 5, 2)
    without: Any = one.fit(part.train)
    assert np.isnan(without.curve_.rows[:, 2]).all()
    assert np.isfinite(without.curve_.rows[:, :2]).all()


@pytest.mark.parametrize("model", [DotProduct, EmbeddingMLP], ids=lambda model: model.name)
def test_watching_a_valid_part_changes_no_weight(model: type[Recommender]) -> None:
    part = random_split(SMALL, 0.2)
    one, other = (
        model.from_settings({"epochs": 2}).fit(part.train, valid=valid)
        for valid in (None, part.test)
    )
    found = state_of(other)
    for name, array in state_of(one).items():
        assert name == "losses_" or np.array_equal(array, found[name], equal_nan=True), name


@pytest.mark.parametrize("model", [DotProduct, PlainMF, EmbeddingMLP], ids=lambda model: model.name)
def test_another_seed_gives_other_numbers_and_the_same_seed_the_same(
    model: type[Recommender],
) -> None:
    one, same, other = (
        model.from_settings({"epochs": 2, "seed": seed}).fit(SMALL) for seed in (3, 3, 4)
    )
    first, second, third = map(state_of, (one, same, other))
    for name, array in first.items():
        assert np.array_equal(array, second[name], equal_nan=True), name
    assert not np.array_equal(first["item_factors_"], third["item_factors_"])


# -- patience and the best epoch ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patience", "n_epochs"),
    [(1, 3), (2, 6), (3, 7), (0, 8)],
)
def test_patience_is_the_number_of_epochs_without_a_better_one(
    patience: int, n_epochs: int
) -> None:
    errors = [5.0, 4.0, 4.5, 3.0, 3.0, 3.5, 3.25, 3.125]
    _, history = run(errors, patience=patience, keep_best=True)
    assert len(history.epochs) == n_epochs
    assert history.best_epoch == int(np.argmin(errors[:n_epochs]))


def test_the_weights_of_the_best_epoch_are_restored_when_asked() -> None:
    errors = [5.0, 2.0, 3.0, 2.5]
    assert [run(errors, keep_best=keep_best)[0].done for keep_best in (True, False)] == [2, 4]
    assert run(errors, keep_best=True)[1].best_epoch == 1


def test_keeping_the_best_epoch_keeps_the_model_of_that_epoch() -> None:
    part = random_split(SMALL, 0.3)
    settings = {"schedule": "constant", "learning_rate": 0.005, "weight_decay": 0.0}
    kept = DotProduct.from_settings({"epochs": 25, "keep_best": True} | settings).fit(
        part.train, valid=part.test
    )
    best = int(kept.curve_.rows[:, 2].argmin())
    assert 0 < best < 24
    stopped = DotProduct.from_settings({"epochs": best + 1} | settings).fit(part.train)
    assert np.array_equal(kept.item_factors_, stopped.item_factors_)
    assert np.array_equal(kept.item_bias_, stopped.item_bias_)
    assert np.array_equal(kept.crowd_mean_, stopped.crowd_mean_)


# -- divergence --------------------------------------------------------------------------------------------------


def test_diverging_training_reports_the_epoch_and_a_remedy() -> None:
    with pytest.raises(SettingError) as caught:
        PlainMF(learning_rate=50.0, schedule="constant").fit(simulated())
    assert re.fullmatch(
        r"The training diverged: at step \d+ of epoch 1, with a learning rate of 50, the loss was [\d.e+]+\. "
        r"Choose a smaller learning_rate; matinee\.lr_find suggests one\.",
        str(caught.value),
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e9])
def test_a_loss_that_is_not_finite_or_huge_stops_at_its_step(bad: float) -> None:
    class Diverging(Scripted):
        def epoch(self, *given: Any, **named: Any) -> NDArray[np.float64]:
            losses = super().epoch(*given, **named)
            losses[1] = bad if self.done == 2 else 1
            return losses

    with pytest.raises(
        SettingError, match=r"^The training diverged: at step 2 of epoch 2, with a learning rate"
    ):
        train(Diverging([1.0] * 3), TrainingPlan(3, 4, CONSTANT), threes())
