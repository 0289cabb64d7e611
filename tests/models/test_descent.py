"""The groups of users and items, and the weights between epochs."""

from typing import Any

import numpy as np
import pytest

from matinee.kernels import sgd
from matinee.models import descent
from matinee.models.descent import Descent, DescentWeights, FactorPlan, TrainingTable
from matinee.threads import workers
from tests.conftest import simulated

PLAN = FactorPlan(5, 4, 0.05, 0.5, 0.02, 0.1, 1.0, 1.0, 0.1)


def table() -> TrainingTable:
    return TrainingTable(simulated(60, 40, 900), None)


def started(n_threads: int = 1) -> tuple[Descent, DescentWeights, Any]:
    rng = np.random.default_rng(0)
    weights = DescentWeights.start(table(), PLAN, rng)
    pool = workers(n_threads)
    return Descent(table(), weights, rng, pool.__enter__(), n_threads), weights, pool


def test_a_small_table_is_one_block() -> None:
    assert len(descent._groups(table(), 5, np.random.default_rng(0))[0].starts) == 2


def test_groups_are_so_many_that_their_factors_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descent, "BLOCK_BYTES", 100 * 4 * (16 + 4) / 4)
    monkeypatch.setattr(descent, "LEAST_BLOCK", 1)
    groups = descent._groups(table(), 5, np.random.default_rng(0))
    assert [len(each.starts) - 1 for each in groups] == [4, 4]
    assert [len(each.order) for each in groups] == [60, 40]
    monkeypatch.setattr(descent, "LEAST_BLOCK", 900 / 4)  # but blocks keep some ratings
    groups = descent._groups(table(), 5, np.random.default_rng(0))
    assert [len(each.starts) - 1 for each in groups] == [2, 2]


def test_no_group_has_more_rows_than_its_numbers_can_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sgd, "MOST_IN_GROUP", 20)
    groups = descent._groups(table(), 5, np.random.default_rng(0))
    assert max(np.diff(each.starts).max() for each in groups) <= 20
    assert all(sorted(each.order.tolist()) == list(range(len(each.order))) for each in groups)


def test_the_weights_are_current_between_epochs_and_may_be_changed() -> None:
    one, weights, pool = started()
    before = weights.copy()
    one.epoch(0.05)
    after = weights.copy()
    assert (after.user_factors != before.user_factors).any()
    assert (after.item_side[:, 0] != before.item_side[:, 0]).any()
    for mine, old in zip(weights, before, strict=True):
        mine[:] = old
    one.rng = np.random.default_rng(0)
    one.epoch(0.05)
    assert all(np.array_equal(*pair) for pair in zip(weights, after, strict=True))
    pool.__exit__(None, None, None)


def test_the_gain_is_that_of_the_ratings_held_out() -> None:
    one, weights, pool = started()
    one.hold_out(0.1)
    one.epoch(0.05)
    user_group, item_group = one.groups
    last = slice(one.stops[0], one.ratings.ends[0])
    user = user_group.order[one.ratings.users[last]]
    item = item_group.order[one.ratings.items[last]]
    left = one.ratings.values[last] - weights.user_side[user, 0] - weights.item_side[item, 0]
    dots = (weights.user_factors[user] * weights.item_factors[item]).sum(axis=1)
    expected = 1 - ((left - dots) ** 2).sum() / (left**2).sum()
    assert len(user) == 90
    assert one.gain_of_factors() == pytest.approx(expected, rel=1e-3)
    assert one.gain_of_factors() is None
    pool.__exit__(None, None, None)
