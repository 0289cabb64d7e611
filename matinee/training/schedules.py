"""Learning-rate schedules: arrays of the learning rate and of Adam's momentum at every
step."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SCHEDULES = ("constant", "warm-up", "one-cycle", "warm-restarts")


class Schedule(NamedTuple):
    """One value per step, (steps,) float64."""

    rates: NDArray[np.float64]
    momenta: NDArray[np.float64]


class ScheduleSettings(NamedTuple):
    """The name of a schedule and its parameters; those of other schedules are ignored."""

    name: str
    learning_rate: float
    warm_up_factor: float = 0.5
    warm_up_epochs: int = 10
    cycle_epochs: int = 2
    cycle_multiplier: int = 1


def make_schedule(settings: ScheduleSettings, epochs: int, steps_per_epoch: int) -> Schedule:
    """The schedule of a whole training run of epochs * steps_per_epoch steps.

    - constant: the learning rate throughout.
    - warm-up: starts at warm_up_factor times the learning rate and rises linearly, once per
      epoch, to the full rate after warm_up_epochs (PyTorch's LinearLR).
    - one-cycle: rises from 1/25 of the rate during the first quarter of the steps, then falls
      to 1/100,000 of it, both along half a cosine; the momentum goes from .95 to .85 and back
      (Smith, "A disciplined approach to neural network hyper-parameters", 2018, as in fastai's
      fit_one_cycle).
    - warm-restarts: repeatedly falls from the rate to 0 along half a cosine; the first cycle
      takes cycle_epochs, and each one is cycle_multiplier times as long as the one before
      (Loshchilov, Hutter, "SGDR", 2017).
    """
    n_steps = epochs * steps_per_epoch
    step = np.arange(n_steps)
    rate = settings.learning_rate
    momenta = np.full(n_steps, 0.9)
    if settings.name == "constant":
        return Schedule(np.full(n_steps, rate), momenta)
    if settings.name == "warm-up":
        progress = np.minimum(step // steps_per_epoch / settings.warm_up_epochs, 1)
        factors = settings.warm_up_factor + (1 - settings.warm_up_factor) * progress
        return Schedule(rate * factors, momenta)
    if settings.name == "one-cycle":
        return _one_cycle(step / n_steps, rate)
    epoch = step / steps_per_epoch
    factors = _restarts(epoch, settings.cycle_epochs, settings.cycle_multiplier)
    return Schedule(rate * factors, momenta)


def _one_cycle(progress: NDArray[np.float64], rate: float) -> Schedule:
    """`progress` runs from 0 to 1, (steps,)."""
    is_rising = progress < 0.25
    # 0 to 1 in each phase
    within = np.where(is_rising, progress / 0.25, (progress - 0.25) / 0.75)
    rising = _half_cosine(rate / 25, rate, within)
    falling = _half_cosine(rate, rate / 1e5, within)
    momenta_down = _half_cosine(0.95, 0.85, within)
    momenta_up = _half_cosine(0.85, 0.95, within)
    return Schedule(
        np.where(is_rising, rising, falling), np.where(is_rising, momenta_down, momenta_up)
    )


def _half_cosine(start: float, end: float, progress: NDArray[np.float64]) -> NDArray[np.float64]:
    return start + (end - start) * (1 - np.cos(np.pi * progress)) / 2


def _restarts(epoch: NDArray[np.float64], length: int, multiplier: int) -> NDArray[np.float64]:
    """From 1 to 0 within each cycle; `epoch` is the time of each step in epochs, (steps,)."""
    starts, lengths = [0.0], [float(length)]
    while starts[-1] + lengths[-1] <= epoch[-1]:
        starts.append(starts[-1] + lengths[-1])
        lengths.append(lengths[-1] * multiplier)
    cycle = np.searchsorted(starts, epoch, side="right") - 1
    return _half_cosine(1.0, 0.0, (epoch - np.array(starts)[cycle]) / np.array(lengths)[cycle])
