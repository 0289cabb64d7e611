"""A whole sweep: that it leaves the joint distribution of everything unknown, and of the ratings, as it is."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Vocabulary
from matinee.models.bayes import gibbs as bayes_gibbs
from matinee.models.bayes.gibbs import FactorState, Sampler, SideInformation, Targets
from matinee.models.bayes.side_information import feature_block, set_block
from matinee.models.bayes.time_effects import TimeKeys
from matinee.threads import Run, workers
from tests.conftest import simulated

N_USERS, N_ITEMS, N_FACTORS = 6, 5, 2
POOLING = 6.0
RATED = [
    (0, 0),
    (0, 1),
    (0, 3),
    (1, 1),
    (1, 2),
    (2, 0),
    (2, 1),
    (2, 2),
    (2, 3),
    (2, 4),
    (3, 4),
    (4, 2),
    (4, 3),
]
"""Who rated what: user 5 nothing, item 0 twice."""


@pytest.fixture
def run() -> Iterator[Run]:
    with workers(1) as one:
        yield one


def tiny(run: Run) -> tuple[Ratings, SideInformation]:
    """Thirteen ratings with times, the sets of who rated what, and features of users."""
    users, items = Vocabulary(np.arange(N_USERS), "user"), Vocabulary(np.arange(N_ITEMS), "item")
    index = np.array(RATED, np.int32).T
    times = np.array([0, 0, 100, 5, 90_000, 0, 7, 7, 200_000, 200_001, 3, 4, 4], np.int64)
    scale = simulated(20, 10, 50).scale
    ratings = Ratings(
        users, items, index[0], index[1], np.zeros(len(RATED), np.float32), times, scale
    )
    rng = np.random.default_rng(0)
    features = feature_block(np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1], [0, 0]], np.float32))
    by_user, by_item = ratings.by_user, ratings.by_item
    blocks = (
        [set_block(run, by_user, by_item, 2, rng), features],
        [set_block(run, by_item, by_user, 3, rng)],
    )
    return ratings, SideInformation(*blocks, TimeKeys.from_ratings(ratings.user_index, times), True)


# -- the prior, written down once more ---------------------------------------------------------------------------


def gamma(rng: np.random.Generator, shape: tuple[int, ...] = ()) -> Any:
    return rng.gamma(bayes_gibbs.SHAPE, 1 / bayes_gibbs.RATE, shape)


def draw_side(rng: np.random.Generator, side: FactorState) -> None:
    """Everything of one side from its prior."""
    n_rows, size = side.table.shape
    side.mean, side.precision = rng.standard_normal(size), gamma(rng, (size,))
    for number, block in enumerate(side.blocks):
        side.penalties[number] = gamma(rng, (size,))
        weights = rng.standard_normal((len(block.lengths), size)) / np.sqrt(side.penalties[number])
        side.weights[number] = weights
        side.parts[number] = (block.rows @ (block.lengths[:, None] * weights)).astype(np.float32)
    around = rng.standard_normal((n_rows, size)) / np.sqrt(side.precision)
    side.table = (side.mean + sum(side.parts) + around).astype(np.float32)


def draw_from_prior(rng: np.random.Generator, one: Sampler, pooling: float) -> None:
    """The state of a sampler, and ratings that fit it."""
    draw_side(rng, one.users)
    draw_side(rng, one.items)
    total = np.zeros(len(RATED))
    if one.effects is not None:
        for level, place in enumerate(one.effects.positions):
            one.effects.precision[level] = float(gamma(rng))
            effects = rng.standard_normal(len(one.effects.effects[level])) / np.sqrt(
                one.effects.precision[level]
            )
            effects[-1] = 0
            one.effects.effects[level] = effects
            total += effects[place]
        one.effects.total = total.astype(np.float32)
    if pooling:
        rate = float(gamma(rng))
        one.common_noise = pooling / (2 * rate)
        one.noise = rng.gamma(pooling / 2, 1 / rate, N_USERS)
    else:
        one.common_noise = float(gamma(rng))
        one.noise = np.full(N_USERS, one.common_noise)
    user, item = np.array(RATED).T  # in the users' order already
    x, y = one.users.table[user], one.items.table[item]
    mean = (x[:, :-1] * y[:, :-1]).sum(axis=1) + x[:, -1] + y[:, -1] + total
    one.value = (mean + rng.standard_normal(len(RATED)) / np.sqrt(one.noise[user])).astype(
        np.float32
    )


def summary(one: Sampler) -> NDArray[np.float64]:
    """Numbers of all kinds that stand for the state."""
    found = [np.log(one.common_noise), *np.log(one.noise[[0, 2, 5]])]
    for side in (one.users, one.items):
        found += [side.mean[0], side.mean[-1], *np.log(side.precision[[0, -1]])]
        found += [
            side.table[0, 0],
            side.table[1, -1],
            side.table[4, -1],
            side.table[2, 0] * side.table[2, 1],
        ]
        for weights, pulls in zip(side.weights, side.penalties, strict=True):
            found += [weights[0, 0], weights[-1, -1], np.log(pulls[0]), np.log(pulls[-1])]
    found += [
        one.users.table[0, :-1] @ one.items.table[0, :-1],
        one.users.table[2, :-1] @ one.items.table[3, :-1],
    ]
    if one.effects is not None:
        for level, effects in enumerate(one.effects.effects):
            found += [effects[0], effects[-2], np.log(one.effects.precision[level])]
    return np.array(found, np.float64)


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The statistic of Kolmogorov and Smirnov for two samples of one variable; above 2.4 once in 100,000 times."""
    every = np.concatenate([one, other])
    gaps = [np.searchsorted(np.sort(of), every, "right") / len(of) for of in (one, other)]
    return float(np.abs(gaps[0] - gaps[1]).max() * np.sqrt(len(one) * len(other) / len(every)))


@pytest.mark.parametrize(
    ("has_sides", "has_times", "pooling", "scales"),
    [(False, False, 0.0, False), (True, True, POOLING, False), (True, True, POOLING, True)],
    ids=["plain", "with everything", "with scales"],
)
def test_sweeps_leave_prior_draws_and_their_ratings_as_they_are(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    has_sides: bool,
    has_times: bool,
    pooling: float,
    scales: bool,
) -> None:
    """Whoever draws unknowns from the prior and ratings given these, and then sweeps given the ratings, has draws from
    the prior again (Geweke, "Getting it right", 2004): a wrong step of the sweep would move them."""
    monkeypatch.setattr(
        bayes_gibbs, "SHAPE", 3.0
    )  # a less vague prior, so that a few ratings count beside it
    monkeypatch.setattr(bayes_gibbs, "RATE", 2.0)
    monkeypatch.setattr(bayes_gibbs, "SPANS", 2)
    ratings, beside = tiny(run)
    beside = beside if has_sides else SideInformation([], [], None, False)
    beside = beside if has_times else beside._replace(time_keys=None)
    tables = (
        np.ones((N_USERS, N_FACTORS + 1), np.float32),
        np.ones((N_ITEMS, N_FACTORS + 1), np.float32),
    )
    one = Sampler(ratings, Targets(ratings.by_user.value, None), *tables, beside, pooling, run)
    one.scales = scales
    rng = np.random.default_rng(7)
    before, after = [], []
    for number in range(1_500):
        draw_from_prior(rng, one, pooling)
        if number % 5:
            before.append(summary(one))
            continue
        for _ in range(5):
            one.sweep(rng)
        after.append(summary(one))
    differences = [
        difference(*columns) for columns in zip(np.array(before).T, np.array(after).T, strict=True)
    ]
    assert len(after) == 300
    assert max(differences) < 2.4, np.round(differences, 2).tolist()


# -- one sweep ---------------------------------------------------------------------------------------------------


def swept(ratings: Ratings, n_threads: int, n_sweeps: int = 4) -> Sampler:
    """A sampler of a simulated table with sets and times, after some sweeps."""
    rng = np.random.default_rng(3)
    value = ((ratings.value - ratings.value.mean()) / ratings.value.std()).astype(np.float32)
    assert ratings.timestamp is not None
    with workers(n_threads) as run:
        by_user, by_item = ratings.by_user, ratings.by_item
        blocks = (
            [set_block(run, by_user, by_item, 20, rng)],
            [set_block(run, by_item, by_user, 20, rng)],
        )
        beside = SideInformation(
            *blocks, TimeKeys.from_ratings(ratings.user_index, ratings.timestamp), True
        )
        start = [
            0.5 * rng.standard_normal((n, 9), np.float32)
            for n in (ratings.n_users, ratings.n_items)
        ]
        one = Sampler(
            ratings,
            Targets(ratings.by_user.take(value), None),
            start[0],
            start[1],
            beside,
            30.0,
            run,
        )
        for _ in range(n_sweeps):
            one.sweep(rng)
    return one


def test_mirrored_draws_have_the_mean_of_all_draws(run: Run) -> None:
    ratings, beside = tiny(run)
    tables = [np.ones((n, N_FACTORS + 1), np.float32) for n in (N_USERS, N_ITEMS)]
    one = Sampler(
        ratings, Targets(ratings.by_user.value, None), tables[0], tables[1], beside, POOLING, run
    )
    rng = np.random.default_rng(0)
    first, second = one.mirrored_users(rng, one.timed())
    mean = one.draw_users(rng, one.timed(), np.zeros_like(first))
    np.testing.assert_allclose((first + second) / 2, mean, atol=1e-6)
    assert np.abs(first - mean).min() > 0
    assert (one.users.table == 1).all()


def test_threads_change_no_bit(ratings: Ratings) -> None:
    one, two = swept(ratings, 1), swept(ratings, 2)
    for side, other in ((one.users, two.users), (one.items, two.items)):
        assert np.array_equal(side.table, other.table)
        assert np.array_equal(side.mean, other.mean)
        assert np.array_equal(side.precision, other.precision)
        assert all(np.array_equal(*parts) for parts in zip(side.parts, other.parts, strict=True))
    assert np.array_equal(one.noise, two.noise)
    assert one.effects
    assert two.effects
    assert np.array_equal(one.effects.total, two.effects.total)


def test_the_error_is_that_of_the_present_state(ratings: Ratings) -> None:
    one = swept(ratings, 1)
    assert one.effects
    user = np.repeat(np.arange(ratings.n_users), one.counts)
    x, y = one.users.table[user], one.items.table[ratings.by_user.indices]
    predicted = (x[:, :-1] * y[:, :-1]).sum(axis=1) + x[:, -1] + y[:, -1] + one.effects.total
    assert one.error == pytest.approx(np.sqrt(np.mean((one.value - predicted) ** 2)), rel=1e-5)


def test_sweeps_find_the_noise_of_a_simulated_table() -> None:
    ratings = simulated(300, 120, 9_000)  # noise of deviation .5, and the rounding to half stars
    one = swept(ratings, 1, 60)
    noise = float(ratings.value.std()) / np.sqrt(one.common_noise)
    assert 0.45 < noise < 0.55


def test_pieces_of_work_cover_all_rows_once() -> None:
    for counts in ([1, 0, 5, 1000, 2], [0] * 100, [7] * 1000, [3]):
        indptr = np.append(0, np.cumsum(counts))
        spans = bayes_gibbs._spans(indptr)
        assert spans[0][0] == 0
        assert spans[-1][1] == len(counts)
        assert all(one[1] == other[0] for one, other in pairwise(spans))


def test_products_in_blocks_are_those_of_numpy(run: Run) -> None:
    rng = np.random.default_rng(0)
    rows, weights = (
        rng.standard_normal((2_500, 7), np.float32),
        rng.standard_normal((7, 3), np.float32),
    )
    np.testing.assert_allclose(
        bayes_gibbs._products(run, rows, weights), rows @ weights, rtol=1e-4, atol=1e-5
    )
    table = rng.standard_normal((2_500, 3), np.float32)
    expected = rows.T.astype(np.float64) @ table
    np.testing.assert_allclose(
        bayes_gibbs._sum_products(run, rows, table), expected, rtol=1e-4, atol=1e-3
    )
