"""Learning-rate schedules: the rate, and Adam's momentum, of every step of a training, as arrays made beforehand."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SCHEDULES = ("constant", "warm-up", "one-cycle", "warm-restarts")


class Schedule(NamedTuple):
    """One value for each step, (steps,) float64."""

    rates: NDArray[np.float64]
    momenta: NDArray[np.float64]


class ScheduleSettings(NamedTuple):
    """Which schedule, and its numbers; those of other schedules are not looked at."""

    name: str
    learning_rate: float
    warm_up_factor: float = 0.5
    warm_up_epochs: int = 10
    cycle_epochs: int = 2
    cycle_multiplier: int = 1


def make_schedule(settings: ScheduleSettings, epochs: int, steps_per_epoch: int) -> Schedule:
    """The schedule of a whole training of epochs * steps_per_epoch steps.

    - constant: the learning rate throughout.
    - warm-up: starts at warm_up_factor times the rate and rises by the epoch, in a straight line, to the whole rate
      after warm_up_epochs (PyTorch's LinearLR).
    - one-cycle: up from a 25th of the rate for a quarter of the steps and down to a 100,000th, both as half a cosine;
      the momentum goes from .95 to .85 and back (Smith, "A disciplined approach to neural network hyper-parameters",
      2018, in the form of fastai's fit_one_cycle).
    - warm-restarts: from the rate to 0 as half a cosine, again and again; each cycle is cycle_multiplier times as long
      as the one before, the first has cycle_epochs (Loshchilov, Hutter, "SGDR", 2017).
    """
    n_steps = epochs * steps_per_epoch
    step = np.arange(n_steps)
    rate = settings.learning_rate
    momenta = np.full(n_steps, 0.9)
    if settings.name == "constant":
        return Schedule(np.full(n_steps, rate), momenta)
    if settings.name == "warm-up":
        done = np.minimum(step // steps_per_epoch / settings.warm_up_epochs, 1)
        return Schedule(rate * (settings.warm_up_factor + (1 - settings.warm_up_factor) * done), momenta)
    if settings.name == "one-cycle":
        return _one_cycle(step / n_steps, rate)
    return Schedule(rate * _restarts(step / steps_per_epoch, settings.cycle_epochs, settings.cycle_multiplier), momenta)


def _one_cycle(done: NDArray[np.float64], rate: float) -> Schedule:
    rising = done < 0.25
    way = np.where(rising, done / 0.25, (done - 0.25) / 0.75)  # 0 to 1 within each part
    return Schedule(
        np.where(rising, _half_cosine(rate / 25, rate, way), _half_cosine(rate, rate / 1e5, way)),
        np.where(rising, _half_cosine(0.95, 0.85, way), _half_cosine(0.85, 0.95, way)),
    )


def _half_cosine(start: float, end: float, way: NDArray[np.float64]) -> NDArray[np.float64]:
    return start + (end - start) * (1 - np.cos(np.pi * way)) / 2


def _restarts(epoch: NDArray[np.float64], length: int, multiplier: int) -> NDArray[np.float64]:
    """From 1 down to 0 within each cycle; `epoch` is a time in epochs, with fractions."""
    starts, lengths = [0.0], [float(length)]
    while starts[-1] + lengths[-1] <= epoch[-1]:
        starts.append(starts[-1] + lengths[-1])
        lengths.append(lengths[-1] * multiplier)
    cycle = np.searchsorted(starts, epoch, side="right") - 1
    return _half_cosine(1.0, 0.0, (epoch - np.array(starts)[cycle]) / np.array(lengths)[cycle])
