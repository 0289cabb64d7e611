"""What the neural models share: their settings as plans for the training loop, and how they meet it."""

from importlib.util import find_spec
from typing import Any

import numpy as np

from matinee.errors import SettingError, UnsupportedError
from matinee.models.base import Fitting
from matinee.models.declarations import curve_of
from matinee.ratings import Ratings, Scale
from matinee.training.checkpoints import Checkpoint, fingerprint
from matinee.training.loop import Engine, Plan
from matinee.training.loop import train as run_loop
from matinee.training.schedules import ScheduleSettings

UPDATES = ("auto", "dense", "lazy")
LARGEST_DENSE_TABLE = 20_000
"""Rows; up to here every row is updated at every step, as the tutorials do. A larger table makes an epoch cost
users x steps that way, so only the rows of the batch are."""


def require_torch(model: str) -> None:
    """A sentence instead of an ImportError where PyTorch is not installed."""
    if find_spec("torch") is None:
        raise UnsupportedError(f"{model} needs PyTorch, which is not installed:  pip install 'matinee[neural]'")


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
    if not -np.inf < low < high < np.inf:
        raise SettingError(f"sigmoid_range must be auto, none or LOW:HIGH such as 0:5.5, not '{text}'.")
    return low, high


def schedule_settings(model: Any) -> ScheduleSettings:
    """The schedule of a model from its hyperparameters."""
    return ScheduleSettings(
        model.schedule,
        model.learning_rate,
        model.warm_up_factor,
        model.warm_up_epochs,
        model.cycle_epochs,
        model.cycle_multiplier,
    )


def train_engine(model: Any, engine: Engine, train: Ratings, how: Fitting) -> None:
    """Runs the training loop with the settings of a model, and sets the model's history."""
    plan = Plan(model.epochs, model.batch_size, schedule_settings(model), model.seed, model.patience, model.keep_best)
    checkpoint = None
    if how.checkpoint is not None:
        name = fingerprint({"model": model.name} | model.settings(), train, how.valid)
        checkpoint = Checkpoint(how.checkpoint, name)
    history = run_loop(engine, plan, train, how.valid, progress=how.progress, checkpoint=checkpoint)
    model.curve_ = curve_of(model, np.array(history.epochs))
    model.step_losses_ = np.array(history.steps)


def is_lazy(update: str, n_rows: int) -> bool:
    """Whether only the rows of a batch are updated."""
    return update == "lazy" or (update == "auto" and n_rows > LARGEST_DENSE_TABLE)
