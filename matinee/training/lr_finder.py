"""The learning-rate range test: how the loss responds to learning rates from tiny to huge.

Smith, "Cyclical learning rates for training neural networks", 2017: raise the learning rate
from step to step and stop when the loss diverges. The suggestion is a tenth of the rate at
which the loss was lowest: there the loss still falls, at a safe distance from divergence.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from matinee.data.arguments import RatingsLike, ratings_of
from matinee.data.ratings import Ratings
from matinee.training.loop import Batches, Engine
from matinee.training.schedules import Schedule


@dataclass(frozen=True, eq=False)
class LearningRates:
    """The result of a range test.

    Attributes:
        rates: the learning rate of each step, (steps,).
        losses: the loss of each step, smoothed, (steps,).
        suggestion: a learning rate for training.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float


class Trainable(Protocol):
    """A model that is trained by gradient steps on batches."""

    seed: int

    def engine(self, train: Ratings) -> Engine:
        """Initial weights and an optimizer."""
        ...

    def settings(self) -> dict[str, Any]:
        """Hyperparameters by name, `batch_size` among them."""
        ...


def lr_find(
    model: Trainable,
    train: RatingsLike,
    lowest: float = 1e-5,
    highest: float = 10.0,
    steps: int = 200,
) -> LearningRates:
    """Trains new weights with a rising learning rate; the model itself does not change.

    Smith, "Cyclical learning rates for training neural networks", 2017.

    Args:
        model: such as `DotProduct()`; its `seed` and `batch_size` count.
        train: `Ratings`; a `Dataset`, a frame or a path is read as `matinee.read` does.
        lowest, highest: learning rates of the first and the last step.
        steps: number of steps, unless the loss diverges before.

    Returns:
        The rates that were tried, (steps,), the smoothed loss at each, (steps,), and a suggestion:
        a tenth of the rate with the lowest loss.

    Raises:
        UnsupportedError: the model is not trained by gradient steps on batches.

    Example:
        >>> found = matinee.lr_find(matinee.DotProduct(factors=8), few, steps=50)
        >>> 0.001 < found.suggestion < 1
        True
    """
    train = ratings_of(train, "lr_find")
    engine, batch_size = model.engine(train), int(model.settings()["batch_size"])
    rates = np.geomspace(lowest, highest, steps)
    order = np.random.default_rng(model.seed).permutation(len(train))
    rows = np.resize(order, steps * batch_size)
    losses: list[float] = []
    smoothed = 0.0
    for step, rate in enumerate(rates):
        part = rows[step * batch_size : (step + 1) * batch_size]
        batch = Batches(train.user_index[part], train.item_index[part], train.value[part])
        schedule = Schedule(np.array([rate]), np.array([0.9]))
        loss = float(engine.epoch(batch, batch_size, schedule, step, step)[0])
        smoothed = 0.95 * smoothed + 0.05 * loss
        losses.append(smoothed / (1 - 0.95 ** (step + 1)))
        if not np.isfinite(loss) or losses[-1] > 4 * min(losses):
            break
    curve = np.array(losses)
    tried = rates[: len(curve)]
    return LearningRates(tried, curve, float(tried[int(np.nanargmin(curve))]) / 10)
