"""Learning-rate schedules against PyTorch's own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.optim import lr_scheduler

from matinee.training.schedules import SCHEDULES, Schedule, ScheduleSettings, make_schedule

RATE = 0.02


def optimizer(momentum: float = 0.9) -> torch.optim.Optimizer:
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=RATE, betas=(momentum, 0.99))


def twin(one: torch.optim.Optimizer, n_steps: int, after_step: Callable[[int], Any]) -> Schedule:
    """The rate and the momentum that an optimiser has at every step; `after_step` moves its scheduler on."""
    rates, momenta = np.empty(n_steps), np.empty(n_steps)
    for step in range(n_steps):
        group = one.param_groups[0]
        rates[step], momenta[step] = group["lr"], group["betas"][0]
        one.step()
        after_step(step)
    return Schedule(rates, momenta)


def assert_equal(found: Schedule, expected: Schedule) -> None:
    np.testing.assert_allclose(found.rates, expected.rates, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found.momenta, expected.momenta, rtol=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("epochs", "steps_per_epoch"), [(1, 1), (1, 7), (5, 1), (3, 4)])
def test_every_step_has_a_rate_above_zero_and_a_momentum(
    name: str, epochs: int, steps_per_epoch: int
) -> None:
    rates, momenta = make_schedule(ScheduleSettings(name, RATE), epochs, steps_per_epoch)
    assert rates.shape == momenta.shape == (epochs * steps_per_epoch,)
    assert np.all((rates > 0) & (rates <= RATE * (1 + 1e-12)))
    assert np.all((momenta >= 0.85) & (momenta <= 0.95))


def test_constant_is_constant() -> None:
    assert_equal(
        make_schedule(ScheduleSettings("constant", RATE), 3, 4),
        Schedule(np.full(12, RATE), np.full(12, 0.9)),
    )


@pytest.mark.parametrize(
    ("factor", "length", "epochs"), [(0.5, 10, 30), (0.5, 10, 4), (0.0, 3, 5), (1.0, 1, 2)]
)
def test_warm_up_is_linear_lr_stepped_by_the_epoch(factor: float, length: int, epochs: int) -> None:
    n_batches = 7
    settings = ScheduleSettings("warm-up", RATE, warm_up_factor=factor, warm_up_epochs=length)
    one = optimizer()
    # LinearLR refuses to start from zero.
    scheduler = lr_scheduler.LinearLR(one, max(factor, 1e-12), total_iters=length)

    def after(step: int) -> None:
        if (step + 1) % n_batches == 0:
            scheduler.step()

    found, expected = (
        make_schedule(settings, epochs, n_batches),
        twin(one, epochs * n_batches, after),
    )
    np.testing.assert_allclose(found.rates, expected.rates, rtol=1e-9, atol=1e-13)
    assert np.array_equal(found.momenta, expected.momenta)


@pytest.mark.parametrize(("epochs", "n_batches"), [(5, 20), (1, 8), (3, 7)])
def test_one_cycle_is_one_cycle_lr_with_the_numbers_of_fastai(epochs: int, n_batches: int) -> None:
    n_steps = epochs * n_batches
    one = optimizer()
    scheduler = lr_scheduler.OneCycleLR(
        one,
        max_lr=RATE,
        # PyTorch's turn is one step early and its end on the last step; fastai's are at .25 and 1 of all steps.
        total_steps=n_steps + 1,
        pct_start=(0.25 * n_steps + 1) / (n_steps + 1),
        div_factor=25,
        final_div_factor=1e5 / 25,
        base_momentum=0.85,
        max_momentum=0.95,
    )
    found = make_schedule(ScheduleSettings("one-cycle", RATE), epochs, n_batches)
    assert_equal(found, twin(one, n_steps, lambda _: scheduler.step()))


def test_the_momentum_of_one_cycle_mirrors_its_rate() -> None:
    rates, momenta = make_schedule(ScheduleSettings("one-cycle", RATE), 4, 25)
    assert (momenta[0], momenta[25], rates[0], rates[25]) == pytest.approx(
        (0.95, 0.85, RATE / 25, RATE)
    )
    assert np.all(np.diff(rates[:26]) > 0)
    assert np.all(np.diff(momenta[:26]) < 0)
    assert np.all(np.diff(rates[25:]) < 0)
    assert np.all(np.diff(momenta[25:]) > 0)
    assert rates[-1] < RATE / 500
    assert momenta[-1] == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize(
    ("length", "multiplier", "epochs"), [(2, 1, 9), (2, 2, 16), (1, 3, 14), (5, 2, 3)]
)
def test_warm_restarts_are_those_of_pytorch_stepped_by_the_batch(
    length: int, multiplier: int, epochs: int
) -> None:
    n_batches = 8
    one = optimizer()
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(one, T_0=length, T_mult=multiplier)
    expected = twin(one, epochs * n_batches, lambda step: scheduler.step((step + 1) / n_batches))
    settings = ScheduleSettings(
        "warm-restarts", RATE, cycle_epochs=length, cycle_multiplier=multiplier
    )
    assert_equal(make_schedule(settings, epochs, n_batches), expected)


def test_warm_restarts_start_again_from_the_whole_rate() -> None:
    settings = ScheduleSettings("warm-restarts", RATE, cycle_epochs=2, cycle_multiplier=2)
    rates = make_schedule(settings, 14, 10).rates
    starts: NDArray[np.int64] = np.flatnonzero(rates == RATE)
    assert starts.tolist() == [0, 20, 60]
    assert np.all(rates[starts[1:] - 1] < RATE / 100)
