"""The training loop of the neural models: epochs, validation, early stopping, checkpoints.

An engine decides what a step is: `fused.py` has one for the dot product on the CPU,
`network.py` one for any PyTorch module on any device.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.data.ratings import Ratings
from matinee.errors import DataError, SettingError
from matinee.progress import Progress, Step
from matinee.training.checkpoints import (
    Checkpoint,
    State,
    check_like,
    number_of,
    prefixed,
    rows_of,
    with_prefix,
)
from matinee.training.schedules import Schedule, ScheduleSettings, make_schedule

HISTORY_POINTS = 2_000
"""The history of steps is averaged down to about this many points."""


class Batches(NamedTuple):
    """The ratings of one epoch, (N,) each, ordered by batch."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    values: NDArray[np.float32]


class Engine(Protocol):
    """Weights and an optimizer."""

    def epoch(
        self, batches: Batches, batch_size: int, schedule: Schedule, n_before: int, seed: int
    ) -> Doubles:
        """Takes one step per batch.

        Args:
            n_before: number of steps taken in earlier epochs.
            seed: of everything random except the order of the ratings, such as dropout.
        Returns: the mean squared error of each batch before its step, (steps,) float64.
        """

    def predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Stars, (N,), not clipped to the scale."""

    def state(self) -> State:
        """Everything that the next step depends on."""

    def restore(self, state: State) -> None:
        """Goes back to a state that `state` returned.

        Raises:
            DataError, LookupError, ValueError, RuntimeError: it is the state of another engine.
        """


@dataclass(frozen=True)
class TrainingPlan:
    """How to train.

    Attributes:
        patience: stop this many epochs after the best validation error, and restore that
            epoch; 0 never stops early.
        keep_best: restore the epoch with the best validation error.
    """

    epochs: int
    batch_size: int
    schedule: ScheduleSettings
    seed: int = 0
    patience: int = 0
    keep_best: bool = False


@dataclass
class TrainingLog:
    """The errors of a training run.

    Attributes:
        epochs: for each epoch the learning rate of its last step, the mean squared error of
            its batches and that of the validation ratings (NaN without any), not clipped to
            the scale, as the tutorials measure them.
        steps: for each step the learning rate and the mean squared error of its batch;
            averaged down to `HISTORY_POINTS`.
        best_epoch: from 0; the last one unless the best weights were restored.
    """

    epochs: list[tuple[float, float, float]] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)
    best_epoch: int = 0


class Best(NamedTuple):
    """The lowest validation error so far, and the engine's state then; empty if it is not
    kept."""

    error: float
    state: State


def train(
    engine: Engine,
    plan: TrainingPlan,
    ratings: Ratings,
    valid: Ratings | None = None,
    *,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainingLog:
    """Trains an engine; it ends with the last weights, or with the best ones if the plan says
    so.

    Raises:
        SettingError: the loss is not finite, or grows without bound.
    """
    steps_per_epoch = -(-len(ratings) // plan.batch_size)
    schedule = make_schedule(plan.schedule, plan.epochs, steps_per_epoch)
    log, best = TrainingLog(), Best(np.inf, {})
    is_watched = valid is not None and (plan.patience > 0 or plan.keep_best)
    if checkpoint is not None and (saved := checkpoint.load()) is not None:
        with checkpoint.reading():
            log, best = _resume(engine, saved, plan)
    while len(log.epochs) < plan.epochs:
        epoch = len(log.epochs)
        if is_watched and plan.patience and epoch - log.best_epoch > plan.patience:
            break
        steps = slice(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch)
        part = Schedule(schedule.rates[steps], schedule.momenta[steps])
        batches = _shuffled(ratings, plan.seed, epoch)
        losses = engine.epoch(batches, plan.batch_size, part, steps.start, epoch)
        _stop_if_diverging(losses, part.rates, epoch, ratings)
        error = np.nan
        if valid is not None:
            error = _mean_squared_error(engine, valid)
        log.epochs.append((float(part.rates[-1]), float(losses.mean()), error))
        log.steps += _thinned(part.rates, losses, HISTORY_POINTS // plan.epochs + 1)
        if not is_watched:
            log.best_epoch = epoch
        elif error < best.error:
            log.best_epoch, best = epoch, Best(error, engine.state())
        end_epoch(checkpoint, partial(_snapshot, engine, log, best), progress, _report(log, plan))
    if best.state:
        engine.restore(best.state)
    return log


def end_epoch(
    checkpoint: Checkpoint | None,
    state: Callable[[], State],
    progress: Progress | None,
    step: Step,
) -> None:
    """Reports an epoch, and saves the state after it if it is time to.

    Args:
        state: see `Checkpoint.after_epoch`.
    """
    if checkpoint is not None:
        checkpoint.after_epoch(state, None if progress is None else partial(progress, step))
    elif progress is not None:
        progress(step)


def _shuffled(ratings: Ratings, seed: int, epoch: int) -> Batches:
    """The ratings in an order that depends on seed and epoch only, so that training can
    resume."""
    order = np.random.default_rng((seed, epoch)).permutation(len(ratings))
    return Batches(ratings.user_index[order], ratings.item_index[order], ratings.value[order])


def _mean_squared_error(engine: Engine, valid: Ratings) -> float:
    predicted = engine.predict(valid.user_index, valid.item_index)
    return float(np.mean((predicted.astype(np.float64) - valid.value) ** 2))


def _stop_if_diverging(
    losses: NDArray[np.float64], rates: NDArray[np.float64], epoch: int, ratings: Ratings
) -> None:
    limit = 100 * float(np.mean(ratings.value.astype(np.float64) ** 2)) + 100
    diverging = np.flatnonzero(~(losses < limit))
    if len(diverging) == 0:
        return
    step = diverging[0]
    raise SettingError(
        f"The training diverged: at step {step + 1} of epoch {epoch + 1}, with a learning rate of "
        f"{rates[step]:.3g}, the loss was {losses[step]:.3g}. Choose a smaller learning_rate; "
        "matinee.lr_find suggests one."
    )


def _thinned(
    rates: NDArray[np.float64], losses: NDArray[np.float64], n_points: int
) -> list[tuple[float, float]]:
    """Learning rates and losses of an epoch, averaged down to some points."""
    parts = np.array_split(np.arange(len(losses)), min(n_points, len(losses)))
    return [(float(rates[part].mean()), float(losses[part].mean())) for part in parts]


def _report(log: TrainingLog, plan: TrainingPlan) -> Step:
    """The last epoch, with root mean squared errors."""
    _, train_error, valid_error = log.epochs[-1]
    n_epochs = plan.epochs
    if np.isnan(valid_error):
        return Step(len(log.epochs), n_epochs, f"RMSE {np.sqrt(train_error):.4f}")
    validation = float(np.sqrt(valid_error))
    return Step(len(log.epochs), n_epochs, f"RMSE {validation:.4f}", validation)


def _snapshot(engine: Engine, log: TrainingLog, best: Best) -> State:
    """Everything that `_resume` needs."""
    return {
        **prefixed(engine.state(), "engine."),
        **prefixed(best.state, "best."),
        "history.epochs": np.array(log.epochs),
        "history.steps": np.array(log.steps),
        "history.best_epoch": np.array(float(log.best_epoch)),
        "history.best_error": np.array(best.error),
    }


def _resume(engine: Engine, saved: State, plan: TrainingPlan) -> tuple[TrainingLog, Best]:
    """Restores the engine, the log and the best epoch from a snapshot.

    Raises:
        DataError, ValueError, RuntimeError: this is no snapshot of such a training.
    """
    state, best = with_prefix(saved, "engine."), with_prefix(saved, "best.")
    engine.restore(state)
    if best:
        check_like(best, state)
    rows = rows_of(saved, "history.epochs", 3)
    epochs = [(rate, loss, error) for rate, loss, error in rows.tolist()]
    steps = [(rate, loss) for rate, loss in rows_of(saved, "history.steps", 2).tolist()]
    best_epoch = int(number_of(saved, "history.best_epoch", 0, len(epochs)))
    if not 0 < len(epochs) <= plan.epochs:
        raise DataError(f"{len(epochs)} epochs of {plan.epochs}")
    log = TrainingLog(epochs, steps, best_epoch)
    return log, Best(number_of(saved, "history.best_error", 0, np.inf), best)
