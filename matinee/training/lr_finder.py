"""The learning-rate range test: how the loss answers to rates from tiny to huge, and the rate it suggests.

Smith, "Cyclical learning rates for training neural networks", 2017: raise the rate from step to step and stop when the
loss runs away. A good rate is a tenth of the one at which the loss was lowest: there it still falls, and safely.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from matinee.ratings import Ratings
from matinee.training.loop import Batches, Engine
from matinee.training.schedules import Schedule


@dataclass(frozen=True, eq=False)
class LearningRates:
    """What was tried: rates (steps,), losses (steps,) smoothed, and the suggestion."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float


class Trainable(Protocol):
    """A model that is trained by gradient steps on batches."""

    seed: int

    def engine(self, train: Ratings) -> Engine:
        """Untrained weights."""
        ...

    def settings(self) -> dict[str, Any]:
        """With the size of a batch, `batch_size`."""
        ...


def lr_find(
    model: Trainable,
    train: Ratings,
    lowest: float = 1e-5,
    highest: float = 10.0,
    steps: int = 200,
) -> LearningRates:
    """Trains a fresh copy of a neural model's weights for some steps, each with a higher rate; the model is unchanged.

    Raises:
        UnsupportedError: the model is not trained by gradient steps on batches.
    """
    engine, batch_size = model.engine(train), int(model.settings()["batch_size"])
    rates = np.geomspace(lowest, highest, steps)
    order = np.random.default_rng(model.seed).permutation(len(train))
    rows = np.resize(order, steps * batch_size)
    losses: list[float] = []
    smooth = 0.0
    for step, rate in enumerate(rates):
        part = rows[step * batch_size : (step + 1) * batch_size]
        batch = Batches(train.user_index[part], train.item_index[part], train.value[part])
        schedule = Schedule(np.array([rate]), np.array([0.9]))
        loss = float(engine.epoch(batch, batch_size, schedule, step, step)[0])
        smooth = 0.95 * smooth + 0.05 * loss
        losses.append(smooth / (1 - 0.95 ** (step + 1)))
        if not np.isfinite(loss) or losses[-1] > 4 * min(losses):
            break
    curve = np.array(losses)
    tried = rates[: len(curve)]
    return LearningRates(tried, curve, float(tried[int(np.nanargmin(curve))]) / 10)
