"""The kernels of simulated ratings: what is drawn by weight and taste, and what becomes of a feeling."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.kernels import simulation as kernels
from matinee.kernels.simulation import BELOVED, Drawn, Habits, Items, Users
from tests.reference import chance_of_choice

N_ITEMS, N_FACTORS = 12, 2


def make_items(seed: int = 0) -> Items:
    rng = np.random.default_rng(seed)
    weight = rng.lognormal(0, 1.5, N_ITEMS).astype(np.float32)
    keep, alias = np.empty(N_ITEMS, np.float32), np.empty(N_ITEMS, np.int32)
    kernels.alias_table(weight, keep, alias)
    factors = rng.standard_normal((N_ITEMS, N_FACTORS)).astype(np.float32)
    order = rng.permutation(N_ITEMS).astype(np.int32)
    bias = rng.standard_normal(N_ITEMS).astype(np.float32)
    return Items(weight, keep, alias, bias, factors, order)


def habits(**changes: Any) -> Habits:
    usual = Habits(10**9, 0.5, 0.0, 2.0, 1.0, 0.5, 0.7, 1.0, first=1e9, last=1.1e9, rush=1.0)
    return usual._replace(**changes)


def drawn(items: Items, habits: Habits, n_users: int, each: int, seed: int = 7) -> Drawn:
    numbers = np.arange(n_users)
    users = Users(numbers, np.full(n_users, each), 10**6 + numbers * each)
    n = n_users * each
    expected, felt = np.empty(n, np.float32), np.empty(n, np.float32)
    rows = Drawn(np.empty(n, np.int32), expected, felt, np.empty(n, np.int64))
    kernels.draw(users, items, habits, np.uint64(seed), rows)
    return rows


def test_an_alias_table_gives_each_item_the_share_of_its_weight() -> None:
    items = make_items()
    share = items.keep.astype(np.float64)
    np.add.at(share, items.alias, 1 - items.keep)
    assert share / N_ITEMS == pytest.approx(items.weight / items.weight.sum(), rel=1e-5)


@pytest.mark.parametrize("each", [3, 11], ids=["one by one", "by a race"])
def test_items_are_chosen_as_if_one_by_one_by_weight(each: int) -> None:
    """Three of twelve are drawn; eleven of twelve, of which some are rare, are raced for."""
    items = make_items()
    n_users = 20_000
    rows = drawn(items, habits(choice=0.0), n_users, each)
    found = np.bincount(rows.item, minlength=N_ITEMS) / n_users
    wanted = chance_of_choice(items.weight, each)
    assert np.abs(found - wanted).max() < 4 * np.sqrt(0.25 / n_users)
    together = np.sort(rows.item.reshape(n_users, each), axis=1)
    assert (np.diff(together, axis=1) > 0).all()


def test_taste_decides_what_is_rated() -> None:
    """Expectations beyond biases are tastes: their mean is 0 without choice, and above it with it."""
    items = make_items()._replace(bias=np.zeros(N_ITEMS, np.float32))
    means = [
        float(drawn(items, habits(bias=0.0, choice=choice), 5_000, 3).expected.mean())
        for choice in (0.0, 1.0)
    ]
    assert abs(means[0]) < 0.02
    assert means[1] > 0.2
    assert kernels._chance(BELOVED, 1.0) == 1
    assert kernels._chance(BELOVED - 1, 1.0) == pytest.approx(np.exp(-1))


def test_feelings_are_expectations_with_noise() -> None:
    rows = drawn(make_items(), habits(noise=0.7), 5_000, 5)
    noise = rows.felt - rows.expected
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(0.7, abs=0.02)
    assert abs(np.corrcoef(noise, rows.expected)[0, 1]) < 0.03


def test_users_do_not_depend_on_each_other() -> None:
    items = make_items()
    one, many = drawn(items, habits(), 1, 6), drawn(items, habits(), 5, 6)
    for name in Drawn._fields:
        alone, together = getattr(one, name), getattr(many, name)
        assert (alone == together[:6]).all()
        assert not (together[:6] == together[6:12]).all()


def test_times_never_decrease_and_stay_within_the_ends() -> None:
    time = drawn(make_items(), habits(), 2_000, 12).time.reshape(2_000, 12)
    gaps = np.diff(time, axis=1)
    assert gaps.min() == 0
    assert time.min() >= 1e9
    assert time.max() <= 1.1e9
    assert (gaps == 0).mean() == pytest.approx(0.45, abs=0.03)
    assert (gaps > 3_600).mean() == pytest.approx(kernels.NEW_SITTING, abs=0.006)


def test_stars_and_the_variance_of_each_row() -> None:
    felt = np.array([-9, -1, 0.5, 0.6, 9], np.float32)
    expected = np.array([0, 0.25, 0.5, 1, 7], np.float32)
    rows = Drawn(np.zeros(5, np.int32), expected, felt, np.zeros(5, np.int64))
    rating = np.empty(5, np.float32)
    limits, stars = np.array([-1, 0.55], np.float32), np.array([1, 2, 3], np.float32)
    variance: NDArray[np.float64] = np.array([0.0, 1, 4, 9])
    total = kernels.grade(rows, limits, stars, variance, 0.0, 0.5, rating)
    assert rating.tolist() == [1, 1, 2, 3, 3]
    assert total == pytest.approx(0 + 0.5 + 1 + 4 + 9, abs=0.01)
