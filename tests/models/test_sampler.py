"""A whole sweep: that it leaves the joint distribution of everything unknown, and of the ratings, as it is."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from matinee.models import sampler as module
from matinee.models.moments import Moments
from matinee.models.relations import Block, feature_block, set_block
from matinee.models.sampler import Beside, Sampler, Side
from matinee.ratings import Ratings, Vocabulary
from matinee.threads import Run, workers
from tests.conftest import simulated

N_USERS, N_ITEMS, N_FACTORS = 6, 5, 2
POOLING = 6.0
RATED = [(0, 0), (0, 1), (0, 3), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3), (2, 4), (3, 4), (4, 2), (4, 3)]
"""Who rated what: user 5 nothing, item 0 twice."""


@pytest.fixture
def run() -> Iterator[Run]:
    with workers(1) as one:
        yield one


def tiny(run: Run) -> tuple[Ratings, Beside]:
    """Thirteen ratings with times, the sets of who rated what, and features of users."""
    users, items = Vocabulary(np.arange(N_USERS), "user"), Vocabulary(np.arange(N_ITEMS), "item")
    index = np.array(RATED, np.int32).T
    times = np.array([0, 0, 100, 5, 90_000, 0, 7, 7, 200_000, 200_001, 3, 4, 4], np.int64)
    scale = simulated(20, 10, 50).scale
    ratings = Ratings(users, items, index[0], index[1], np.zeros(len(RATED), np.float32), times, scale)
    rng = np.random.default_rng(0)
    features = feature_block(np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1], [0, 0]], np.float32))
    by_user, by_item = ratings.by_user, ratings.by_item
    blocks = [set_block(run, by_user, by_item, 2, rng), features], [set_block(run, by_item, by_user, 3, rng)]
    return ratings, Beside(*blocks, Moments.of(ratings.user_index, times), True)


# -- the prior, written down once more ---------------------------------------------------------------------------


def gamma(rng: np.random.Generator, shape: tuple[int, ...] = ()) -> Any:
    return rng.gamma(module.SHAPE, 1 / module.RATE, shape)


def draw_side(rng: np.random.Generator, side: Side) -> None:
    """Everything of one side from its prior."""
    n_rows, size = side.table.shape
    side.mean, side.precision = rng.standard_normal(size), gamma(rng, (size,))
    for number, block in enumerate(side.blocks):
        side.pulls[number] = gamma(rng, (size,))
        weights = rng.standard_normal((len(block.lengths), size)) / np.sqrt(side.pulls[number])
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
        for level, place in enumerate(one.effects.places):
            one.effects.precision[level] = float(gamma(rng))
            effects = rng.standard_normal(len(one.effects.effects[level])) / np.sqrt(one.effects.precision[level])
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
    one.value = (mean + rng.standard_normal(len(RATED)) / np.sqrt(one.noise[user])).astype(np.float32)


def summary(one: Sampler) -> NDArray[np.float64]:
    """Numbers of all kinds that stand for the state."""
    found = [np.log(one.common_noise), *np.log(one.noise[[0, 2, 5]])]
    for side in (one.users, one.items):
        found += [side.mean[0], side.mean[-1], *np.log(side.precision[[0, -1]])]
        found += [side.table[0, 0], side.table[1, -1], side.table[4, -1], side.table[2, 0] * side.table[2, 1]]
        for weights, pulls in zip(side.weights, side.pulls, strict=True):
            found += [weights[0, 0], weights[-1, -1], np.log(pulls[0]), np.log(pulls[-1])]
    found += [one.users.table[0, :-1] @ one.items.table[0, :-1], one.users.table[2, :-1] @ one.items.table[3, :-1]]
    if one.effects is not None:
        for level, effects in enumerate(one.effects.effects):
            found += [effects[0], effects[-2], np.log(one.effects.precision[level])]
    return np.array(found, np.float64)


@pytest.mark.parametrize(
    ("has_sides", "has_times", "pooling"),
    [(False, False, 0.0), (True, False, POOLING), (True, True, POOLING)],
    ids=["plain", "with sets, features and a noise for each user", "with times"],
)
def test_sweeps_leave_prior_draws_and_their_ratings_as_they_are(
    run: Run, monkeypatch: pytest.MonkeyPatch, has_sides: bool, has_times: bool, pooling: float
) -> None:
    """Whoever draws unknowns from the prior and ratings given these, and then sweeps given the ratings, has draws from
    the prior again (Geweke, "Getting it right", 2004): a wrong step of the sweep would move them."""
    monkeypatch.setattr(module, "SHAPE", 3.0)  # a less vague prior, so that a few ratings count beside it
    monkeypatch.setattr(module, "RATE", 2.0)
    ratings, beside = tiny(run)
    beside = beside if has_sides else Beside([], [], None, False)
    beside = beside if has_times else beside._replace(moments=None)
    tables = np.ones((N_USERS, N_FACTORS + 1), np.float32), np.ones((N_ITEMS, N_FACTORS + 1), np.float32)
    one = Sampler(ratings, ratings.value, tables, beside, pooling, run)
    rng = np.random.default_rng(7)
    before, after = [], []
    for number in range(3_600):
        draw_from_prior(rng, one, pooling)
        if number % 6:
            before.append(summary(one))
            continue
        for _ in range(6):
            one.sweep(rng)
        after.append(summary(one))
    chances = [ks_2samp(*columns).pvalue for columns in zip(np.array(before).T, np.array(after).T, strict=True)]
    assert len(after) == 600
    assert min(chances) > 1e-3 / len(chances), np.round(chances, 4).tolist()
