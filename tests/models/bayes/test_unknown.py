"""What `bayes` says where little is known: newcomers, unknown times, sparse tables, short limits."""

import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from matinee._types import Floats
from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.split import random_split
from matinee.evaluation.metrics import rmse
from matinee.models.bayes import start
from matinee.models.bayes.model import BayesianMF
from matinee.models.matrix_factorization import MatrixFactorization
from tests.conftest import simulated
from tests.helpers import table


@cache
def fitted() -> BayesianMF:
    return BayesianMF(samples=30, burn_in=20).fit(table(), n_threads=1)


def predicted(times: np.ndarray | None) -> Floats:
    return fitted().predict_ratings(replace(table(), timestamp=times))


def test_a_missing_time_a_far_time_and_a_table_without_times_are_alike() -> None:
    n = len(table())
    without = predicted(None)
    assert np.array_equal(predicted(np.full(n, NO_TIME)), without)
    assert np.array_equal(predicted(np.full(n, 1 << 33)), without)
    assert not np.array_equal(predicted(table().timestamp), without)


def test_without_a_time_the_effects_of_times_are_uncertain() -> None:
    known, unknown = table(), replace(table(), timestamp=None)
    one = fitted()
    assert one.predict_deviations(unknown).mean() > one.predict_deviations(known).mean()


def test_without_a_time_predictions_are_neither_too_high_nor_too_low() -> None:
    for times in (None, table().timestamp):
        assert abs((predicted(times) - table().value).mean()) < 0.005


def test_a_day_on_which_the_user_rated_nothing_is_less_certain_than_one_of_their_days() -> None:
    one, n = fitted(), len(table())
    missing, far = np.full(n, NO_TIME), np.full(n, 1 << 33)
    some, new = (
        one.predict_deviations(replace(table(), timestamp=times)) for times in (missing, far)
    )
    assert (new > some).all()
    added = (new**2 - some**2).mean() / float(one.deviation_) ** 2
    assert added > one.moment_variance_.sum() - one.effect_variance_.sum()


def test_a_newcomer_with_one_rating_is_between_the_average_person_and_their_rating() -> None:
    one = fitted()
    average, trust = one._people[-1].astype(np.float64), 1 / 16
    prior = one._prior(1)
    np.testing.assert_allclose(
        prior.mean, trust * one.mean_draws_ + (1 - trust) * average, atol=1e-6
    )
    np.testing.assert_allclose(one._prior(0).mean, average.astype(np.float64))
    assert (one._prior(0).precision <= one._prior(30).precision + 1e-9).all()


def test_nobody_is_more_certain_of_what_they_know_nothing_about() -> None:
    one, everything = fitted(), np.arange(table().n_items)
    known, nothing = one.deviations(5, everything), one.deviations({}, everything)
    assert known is not None
    assert nothing is not None
    assert nothing.mean() > known.mean()
    stranger = Ratings.from_ids([-1] * 3, [7, 17, 27], [3.0] * 3)
    np.testing.assert_allclose(one.predict_deviations(stranger), nothing[:3], rtol=0.15)


def test_an_item_without_ratings_is_less_certain_than_any_other() -> None:
    train = table().subset(np.flatnonzero(table().item_index != 3))
    one = BayesianMF(samples=30, burn_in=20).fit(train, n_threads=1)
    deviations = one.deviations(5, np.arange(table().n_items))
    assert deviations is not None
    assert deviations.argmax() == 3


def sparse(signal: float) -> Ratings:
    """3,000 ratings by 300 people."""
    return simulated(300, 120, 3_000, signal=signal, seed=4)


def test_draws_of_scales_find_tastes_in_a_sparse_table(monkeypatch: pytest.MonkeyPatch) -> None:
    part = random_split(sparse(1.0), 0.2)
    errors = []
    for is_sparse in (True, False):
        monkeypatch.setattr(start, "DENSE", 20 if is_sparse else 0)
        one = BayesianMF(start="near", samples=40, burn_in=60, factors=8)
        stars = one.fit(part.train, n_threads=1).predict_ratings(part.test)
        errors.append(rmse(part.test.value, stars))
    assert errors[0] < errors[1] - 0.005


def test_few_factors_are_the_strongest_of_mf() -> None:
    """Many ratings of each user, few of each film, and one strong taste."""
    rng = np.random.default_rng(6)
    pairs = np.sort(rng.choice(200 * 1_200, 15_000, replace=False))
    user, item = pairs // 1_200, pairs % 1_200
    taste = 0.7 * rng.standard_normal(200)[user] * rng.standard_normal(1_200)[item]
    stars = np.clip(np.round(3.5 + taste + 0.85 * rng.standard_normal(15_000)), 1, 5)
    part = random_split(Ratings.from_ids(user, item, stars), 0.2)
    mf = MatrixFactorization().fit(part.train, n_threads=1)
    one = BayesianMF(start="few", samples=40, burn_in=40).fit(part.train, n_threads=1)
    errors = [rmse(part.test.value, each.predict_ratings(part.test)) for each in (mf, one)]
    assert errors[1] < errors[0] + 0.005


@pytest.mark.parametrize("signal", [0.0, 1.0])
def test_a_sparse_table_without_tastes_gets_few_factors(signal: float) -> None:
    train = simulated(300, 120, 3_000, signal=signal, seed=4)
    one = BayesianMF(samples=40, burn_in=60, factors=8).fit(train, n_threads=1)
    is_used = one.item_draws_[:, :, :-1].any(axis=(0, 1))
    assert is_used.tolist() == [True] * 2 + [signal > 0] * 6
    assert np.isfinite(one.predict_deviations(train)).all()


def test_a_dense_table_needs_no_short_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "random_split", None)
    BayesianMF(samples=2, burn_in=1).fit(table(), n_threads=1)


@pytest.mark.parametrize("seconds", [1e-3, 0.3])
def test_a_time_limit_is_kept_and_never_ends_worse_than_mf(seconds: float) -> None:
    part = random_split(sparse(0.7), 0.2)
    mf = MatrixFactorization(factors=32).fit(part.train, n_threads=1)
    began = time.monotonic()
    one = BayesianMF(seconds=seconds).fit(part.train, n_threads=1)
    assert time.monotonic() - began < seconds + 1
    least = rmse(part.test.value, mf.predict_ratings(part.test))
    assert rmse(part.test.value, one.predict_ratings(part.test)) < least * 1.005
