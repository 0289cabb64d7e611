"""What the neural models share: their settings as plans for the training loop, and the fit of the dot product."""

from typing import TYPE_CHECKING, Any

import numpy as np

from matinee.errors import SettingError, did_you_mean
from matinee.models.base import Fitting
from matinee.ratings import Ratings, Scale
from matinee.training.checkpoints import Checkpoint, fingerprint
from matinee.training.loop import Engine, History, Plan
from matinee.training.loop import train as run_loop
from matinee.training.schedules import SCHEDULES, ScheduleSettings
from matinee.training.start import start_table

if TYPE_CHECKING:
    from matinee.models.dot_product import DotProduct

LARGEST_DENSE_TABLE = 20_000
"""Rows; up to here every row is updated at every step, as the tutorials do. A larger table makes an epoch cost
users x steps that way, so only the rows of the batch are."""


def sigmoid_bounds(text: str, scale: Scale | None) -> tuple[float, float]:
    """Low and high of the sigmoid from a text such as "0:5.5"; equal for "none".

    "auto" is a step below the scale and half a step above it, so that the ends can be reached: 0 to 5.5 for stars
    from 1 to 5. A scale without steps is widened by a tenth of its length instead.
    """
    if text == "none":
        return 0.0, 0.0
    if text == "auto":
        lowest, highest, step = scale or (0.0, 1.0, 1.0)
        step = step or (highest - lowest) / 10
        return lowest - step, highest + step / 2
    try:
        low, high = (float(end) for end in text.split(":"))
    except ValueError:
        low = high = 0.0
    if not low < high:
        raise SettingError(f"sigmoid_range must be auto, none or LOW:HIGH such as 0:5.5, not '{text}'.")
    return low, high


def schedule_settings(model: Any) -> ScheduleSettings:
    """The schedule of a model from its hyperparameters.

    Raises:
        SettingError: there is no schedule of this name.
    """
    if model.schedule not in SCHEDULES:
        hint = did_you_mean(model.schedule, SCHEDULES)
        raise SettingError(f"{model.name}: no schedule '{model.schedule}'. There are {', '.join(SCHEDULES)}.{hint}")
    return ScheduleSettings(
        model.schedule,
        model.learning_rate,
        model.warm_up_factor,
        model.warm_up_epochs,
        model.cycle_epochs,
        model.cycle_multiplier,
    )


def run(model: Any, engine: Engine, train: Ratings, how: Fitting) -> History:
    """The training loop with the settings of a model."""
    plan = Plan(model.epochs, model.batch_size, schedule_settings(model), model.seed, model.patience, model.keep_best)
    checkpoint = None
    if how.checkpoint is not None:
        name = fingerprint({"model": model.name} | model.settings(), train, how.valid)
        checkpoint = Checkpoint(how.checkpoint, name)
    return run_loop(engine, plan, train, how.valid, progress=how.progress, checkpoint=checkpoint)


def is_lazy(update: str, n_rows: int) -> bool:
    """Whether only the rows of a batch are updated."""
    if update not in ("auto", "dense", "lazy"):
        raise SettingError(f"update must be auto, dense or lazy, not '{update}'.")
    return update == "lazy" or (update == "auto" and n_rows > LARGEST_DENSE_TABLE)


def fit_dot_product(model: "DotProduct", train: Ratings, how: Fitting) -> None:
    """Trains and sets the tables and the history of a dot-product model."""
    n_users, n_rows, n_factors = train.n_users, train.n_users + train.n_items, model.factors
    rng = np.random.default_rng(model.seed)
    weights = start_table(model.start, (n_rows, n_factors + model.biases), rng)
    low, high = model.range_.tolist()
    engine: Engine
    if model.device == "cpu":
        from matinee.kernels.adam import Adam, Shape
        from matinee.training.fused import FusedDotProduct

        lazy = is_lazy(model.update, n_rows)
        adam = Adam(model.square_momentum, model.epsilon, model.weight_decay, model.decoupled, lazy)
        engine = FusedDotProduct(weights, Shape(n_users, n_factors, low, high), adam)
    else:
        from matinee.training.modules import DotProductModule
        from matinee.training.network import NetworkEngine, network_settings

        module = DotProductModule(weights, n_users, n_factors, (low, high), is_lazy(model.update, n_rows))
        engine = NetworkEngine(module, network_settings(model))
    history = run(model, engine, train, how)
    weights = engine.state()["weights" if model.device == "cpu" else "module.table.weight"]
    biases = weights[:, n_factors] if model.biases else np.zeros(n_rows, np.float32)
    model.user_factors_, model.item_factors_ = (side.copy() for side in np.split(weights[:, :n_factors], [n_users]))
    model.user_bias_, model.item_bias_ = (side.copy() for side in np.split(biases, [n_users]))
    model.losses_, model.step_losses_ = np.array(history.epochs), np.array(history.steps)
