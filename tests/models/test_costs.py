"""The estimate of a training: which fits it has, how their time grows, and that it is about right."""

from typing import Any

import numpy as np
import pytest

from matinee.data.ratings import Ratings
from matinee.models import costs, model_named
from matinee.models.costs import Cost, _fits, _Line, estimated_cost, memory_of
from tests.conftest import simulated

TABLE = simulated(300, 120, 12_000)


@pytest.fixture
def small_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "ENOUGH", 1000)
    monkeypatch.setattr(costs, "PROBES", (1000, 3000))
    monkeypatch.setattr(costs, "WARM_UP", 300)


def test_a_small_table_needs_no_estimate() -> None:
    assert estimated_cost(model_named("bayes")(), TABLE, 1) is None


def test_time_is_linear_between_the_probes_and_beyond_them() -> None:
    line = _Line(np.array([100.0, 300.0]), np.array([1.0, 2.0]), np.array([0.1, 0.3]), 10)
    assert line.seconds(300) == pytest.approx(2.0 + 10 * 0.3)
    assert line.seconds(500) == pytest.approx(3.0 + 10 * 0.5)
    noisy = line._replace(epoch=np.array([0.3, 0.3]))  # as if more ratings took no longer
    assert noisy.seconds(3300) == pytest.approx(17.0 + 10 * (0.3 + 0.5 * 0.001 * 3000))


def test_the_fits_of_a_hybrid_are_those_on_a_part_and_those_on_all() -> None:
    found = [(one.name, n, stays) for one, n, stays in _fits(model_named("hybrid")(), TABLE)]
    part, n = int(0.9 * len(TABLE)), len(TABLE)
    lists = [("ials", part, False), ("ease", part, False), ("ials", part, False)]
    whole = [("mf", n, True), ("ials", n, True), ("ease", n, True), ("ials", n, True)]
    assert found == lists + whole
    blend = model_named("blend").from_settings({"models": "mf"})
    assert [n_ratings for _, n_ratings, _ in _fits(blend, TABLE)] == [part, n]


@pytest.mark.usefixtures("small_probes")
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("mf", {"factors": 4}),
        ("bayes", {"factors": 2, "samples": 50, "set_rank": 4}),
        ("ease", {}),
        ("hybrid", {"ials.factors": 4, "ials-all.factors": 4, "mf.factors": 4}),
    ],
)
def test_probes_change_nothing_and_tell_time_and_memory(name: str, settings: Any) -> None:
    model = model_named(name).from_settings(settings)
    cost = estimated_cost(model, TABLE, 1)
    assert cost is not None
    assert 0 < cost.seconds < 600
    assert 1e5 < cost.n_bytes < 1e9
    assert not model.is_fitted
    assert model.settings() == model_named(name).from_settings(settings).settings()


@pytest.mark.usefixtures("small_probes")
def test_more_epochs_take_longer() -> None:
    """By a clock that counts the steps of the training."""
    ticks = iter(np.arange(10_000.0))

    def seconds(epochs: int) -> float:
        model = model_named("mf").from_settings({"epochs": epochs, "factors": 4})
        cost = estimated_cost(model, TABLE, 1, lambda: float(next(ticks)))
        assert cost is not None
        return cost.seconds

    assert seconds(200) > 3 * seconds(20)


def test_memory_grows_with_ratings_factors_and_draws() -> None:
    def memory(name: str, n: int, **settings: int) -> float:
        return memory_of(model_named(name).from_settings(settings), TABLE, n)

    assert memory("mf", 2000) - memory("mf", 1000) == 1000 * costs.BYTES_PER_RATING["mf"]
    assert memory("mf", 1000, factors=64) - memory("mf", 1000, factors=32) == 6 * 4 * 32 * 420
    assert memory("bayes", 1000, kept=32) > memory("bayes", 1000, kept=16)
    ease = memory("ease", 1000) - 1000 * costs.OTHER_BYTES
    assert ease == 2 * 4 * 120**2


def test_costs_add_up_in_time_and_the_most_memory_counts() -> None:
    assert Cost(2.0, 5.0).plus(Cost(3.0, 4.0)) == Cost(5.0, 5.0)


def test_a_probe_has_the_rows_of_some_users_alone() -> None:
    part: Ratings = costs._some_users(TABLE, np.arange(TABLE.n_users), 200)
    assert 100 < len(part) < 300
    assert part.user_counts.min() > 0
    assert part.item_counts.min() > 0
