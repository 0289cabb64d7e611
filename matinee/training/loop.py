"""The training loop of all neural models: epochs, schedule, validation, patience, history, checkpoints.

What a step is belongs to an engine: `fused.py` has one for the dot product on the CPU, `network.py` one for any
PyTorch module on any device.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from matinee.errors import SettingError
from matinee.progress import Progress, Step
from matinee.ratings import Ratings
from matinee.training.checkpoints import Checkpoint, State
from matinee.training.schedules import Schedule, ScheduleSettings, make_schedule

HISTORY_POINTS = 2_000


class Batches(NamedTuple):
    """The ratings of one epoch in the order of the batches, (N,) each."""

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    values: NDArray[np.float32]


class Engine(Protocol):
    """Weights and an optimiser."""

    def epoch(self, batches: Batches, batch_size: int, schedule: Schedule, n_before: int, seed: int) -> Any:
        """Takes a step for each batch; returns the mean squared error of each, (steps,) float64, before its step.

        `seed` is for whatever is random besides the order, such as dropout; n_before counts the steps done before.
        """

    def predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> NDArray[np.float32]:
        """Stars, (N,), not clipped."""

    def state(self) -> State:
        """Everything that the next step depends on."""

    def restore(self, state: State) -> None:
        """Back to what `state` returned."""


@dataclass(frozen=True)
class Plan:
    """How to train."""

    epochs: int
    batch_size: int
    schedule: ScheduleSettings
    seed: int = 0
    patience: int = 0
    keep_best: bool = False


@dataclass
class History:
    """What happened.

    Attributes:
        epochs: for each epoch the learning rate of its last step and the mean squared errors of its batches and of
            the valid part (NaN without one), not clipped, as the tutorials measure them.
        steps: for each step the learning rate and the batch's mean squared error; thinned by averaging.
        best_epoch: from 0; the last one unless the best weights were restored.
    """

    epochs: list[tuple[float, float, float]] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)
    best_epoch: int = 0


def train(
    engine: Engine,
    plan: Plan,
    ratings: Ratings,
    valid: Ratings | None = None,
    *,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Trains, and leaves the engine with the final weights, or with the best ones where the plan says so.

    Raises:
        SettingError: the loss is no longer finite, or grows beyond all bounds.
    """
    steps_per_epoch = -(-len(ratings) // plan.batch_size)
    schedule = make_schedule(plan.schedule, plan.epochs, steps_per_epoch)
    history, best = History(), (np.inf, State())
    watched = valid is not None and (plan.patience > 0 or plan.keep_best)
    if checkpoint is not None and (saved := checkpoint.load()) is not None:
        history, best = _resume(engine, saved)
    while len(history.epochs) < plan.epochs:
        epoch = len(history.epochs)
        if watched and plan.patience and epoch - history.best_epoch > plan.patience:
            break
        part = slice(epoch * steps_per_epoch, (epoch + 1) * steps_per_epoch)
        piece = Schedule(schedule.rates[part], schedule.momenta[part])
        losses = engine.epoch(_shuffled(ratings, plan.seed, epoch), plan.batch_size, piece, part.start, epoch)
        _stop_if_diverging(losses, piece.rates, epoch, ratings)
        error = np.nan if valid is None else _error(engine, valid)
        history.epochs.append((float(piece.rates[-1]), float(losses.mean()), error))
        history.steps += _thinned(piece.rates, losses, HISTORY_POINTS // plan.epochs + 1)
        if not watched or error < best[0]:
            history.best_epoch = epoch
            best = (error, engine.state() if watched else State())
        if checkpoint is not None:
            checkpoint.save(_snapshot(engine, history, best))
        if progress:
            progress(_step(epoch + 1, plan.epochs, float(losses.mean()), None if valid is None else error))
    if best[1]:
        engine.restore(best[1])
    if checkpoint is not None:
        checkpoint.path.unlink(missing_ok=True)
    return history


def _step(done: int, total: int, training_error: float, valid_error: float | None) -> Step:
    """A report from mean squared errors."""
    if valid_error is None:
        return Step(done, total, f"RMSE {np.sqrt(training_error):.4f}")
    validation = float(np.sqrt(valid_error))
    return Step(done, total, f"RMSE {validation:.4f}", validation)


def _shuffled(ratings: Ratings, seed: int, epoch: int) -> Batches:
    """A new order for each epoch that depends on seed and epoch alone, so that a resumed training meets the same."""
    order = np.random.default_rng((seed, epoch)).permutation(len(ratings))
    return Batches(ratings.user_index[order], ratings.item_index[order], ratings.value[order])


def _error(engine: Engine, valid: Ratings) -> float:
    predicted = engine.predict(valid.user_index, valid.item_index)
    return float(np.mean((predicted.astype(np.float64) - valid.value) ** 2))


def _stop_if_diverging(losses: NDArray[np.float64], rates: NDArray[np.float64], epoch: int, ratings: Ratings) -> None:
    limit = 100 * float(np.mean(ratings.value.astype(np.float64) ** 2)) + 100
    bad = np.flatnonzero(~(losses < limit))
    if len(bad):
        rate = rates[bad[0]]
        raise SettingError(
            f"The training diverged: at step {bad[0] + 1} of epoch {epoch + 1}, with a learning rate of {rate:.3g}, "
            f"the loss was {losses[bad[0]]:.3g}. Take a smaller learning_rate; matinee.lr_find suggests one."
        )


def _thinned(rates: NDArray[np.float64], losses: NDArray[np.float64], points: int) -> list[tuple[float, float]]:
    parts = np.array_split(np.arange(len(losses)), min(points, len(losses)))
    return [(float(rates[part].mean()), float(losses[part].mean())) for part in parts]


def _snapshot(engine: Engine, history: History, best: tuple[float, State]) -> State:
    return {
        **{f"engine.{name}": array for name, array in engine.state().items()},
        **{f"best.{name}": array for name, array in best[1].items()},
        "history.epochs": np.array(history.epochs),
        "history.steps": np.array(history.steps),
        "history.best": np.array([history.best_epoch, best[0]]),
    }


def _resume(engine: Engine, saved: State) -> tuple[History, tuple[float, State]]:
    engine.restore({name[7:]: array for name, array in saved.items() if name.startswith("engine.")})
    best = {name[5:]: array for name, array in saved.items() if name.startswith("best.")}
    epochs: list[tuple[float, float, float]] = [(row[0], row[1], row[2]) for row in saved["history.epochs"].tolist()]
    steps: list[tuple[float, float]] = [(row[0], row[1]) for row in saved["history.steps"].tolist()]
    best_epoch, best_error = saved["history.best"].tolist()
    return History(epochs, steps, int(best_epoch)), (best_error, best)
