"""How many ratings users and items have, and what makes an item popular and liked."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from matinee._types import Doubles, Floats, Longs
from matinee.data.simulation.shapes import FEWEST, Liking, TableShape

if TYPE_CHECKING:
    from matinee.kernels.simulation import Items

GROUPS = 32
"""Groups of users of equal activity, and of items of equal popularity, for `_weights`."""


def ratings_of_users(
    shape: TableShape, n_ratings: int, n_users: int, n_items: int, rng: np.random.Generator
) -> Longs:
    """The number of ratings of each user, (U,): at least `FEWEST`, `n_ratings` together."""
    excess = np.exp(shape.user_spread * rng.standard_normal(n_users))
    reach = _reach(shape.user_reach * n_items, n_items, n_ratings / n_users) - FEWEST
    amount = _bounded(excess, n_ratings - FEWEST * n_users, reach)
    return FEWEST + _whole(amount, n_ratings - FEWEST * n_users)


def ratings_of_items(
    shape: TableShape, n_ratings: int, n_users: int, n_items: int, rng: np.random.Generator
) -> Doubles:
    """The number of ratings that each item is to have, (I,): at least 1, `n_ratings` together.

    Chance decides by how much an item has more or fewer.
    """
    place = rng.standard_normal(n_items)
    spread = np.where(place < 0, shape.low_spread, shape.high_spread)
    reach = _reach(shape.item_reach * n_users, n_users, n_ratings / n_items) - 1
    amount: Doubles = 1 + _bounded(np.exp(spread * place), n_ratings - n_items, reach)
    return amount


def _reach(usual: float, most: int, mean: float) -> float:
    """The largest number of ratings that one user or item can have; more in a crowded table."""
    if mean > usual / 2:
        return float(most)
    return usual


def _bounded(amount: Doubles, total: float, most: float) -> Doubles:
    """Amounts in proportion as long as they are small, below `most`, with a given sum."""
    if total <= 0 or most <= 0:
        return np.zeros(len(amount))

    def at(log_scale: Doubles) -> Doubles:
        scaled = np.exp(log_scale) * amount
        bounded: Doubles = scaled * most / (scaled + most)
        return bounded

    scale = _root(lambda log_scale: np.array([at(log_scale).sum() - total]), np.zeros(1), 45)
    found = at(scale)
    found *= total / found.sum()
    return found


def _root(function: Callable[[Doubles], Doubles], center: Doubles, radius: float) -> Doubles:
    """Where increasing functions become 0, by halving."""
    low, high = center - radius, center + radius
    for _ in range(60):
        middle = (low + high) / 2
        is_above = function(middle) > 0
        high, low = np.where(is_above, middle, high), np.where(is_above, low, middle)
    return high


def _whole(amount: Doubles, total: int) -> Longs:
    """The amounts, rounded up or down so that their sum is exact."""
    np.cumsum(amount, out=amount)
    np.round(amount, out=amount)
    ends = amount.astype(np.int64)
    ends[-1] = total
    return np.diff(ends, prepend=0)


def make_items(
    wanted: Doubles, user_counts: Longs, liking: Liking, rng: np.random.Generator
) -> "Items":
    """The items that have about `wanted` ratings each if users have `user_counts`."""
    from matinee.kernels.simulation import Items, alias_table

    n_items = len(wanted)
    fame = np.log(wanted)
    fame = (fame - fame.mean()) / max(float(fame.std()), 1e-9)
    own = rng.standard_normal(n_items)
    quality = liking.item * (liking.fame * fame + np.sqrt(1 - liking.fame**2) * own)
    size = 1 / np.sqrt(np.arange(1, liking.factors + 1))
    size /= np.sqrt((size**2).sum())
    factors = rng.standard_normal((n_items, liking.factors), np.float32)
    factors *= size.astype(np.float32)
    weight = _weights(wanted - 1, user_counts)
    keep, alias = np.empty(n_items, np.float32), np.empty(n_items, np.int32)
    alias_table(weight, keep, alias)
    order = rng.permutation(n_items).astype(np.int32)
    return Items(weight, keep, alias, quality.astype(np.float32), factors, order)


def _weights(wanted: Doubles, user_counts: Longs) -> Floats:
    """How often items must be come across so that chance gives them the wanted ratings.

    A user with many ratings has run out of popular items. A user who looks for a time t has
    rated an item of weight w with probability 1 - exp(-t w); times and weights are fitted in
    turns, for groups of users and items of the same size.
    """
    n_ratings = user_counts.sum()
    ladder = np.geomspace(max(wanted.min(), 1e-3), max(wanted.max(), 2e-3) * 1.001, 4 * GROUPS)
    sizes = np.bincount(
        np.searchsorted(ladder, wanted).clip(max=len(ladder) - 1), minlength=len(ladder)
    )
    activity = np.quantile(user_counts, (np.arange(GROUPS) + 0.5) / GROUPS)
    activity *= n_ratings / len(user_counts) / activity.mean()
    activity = activity.clip(max=0.999 * len(wanted)) * max(wanted.sum() / n_ratings, 1e-9)
    each = len(user_counts) / GROUPS
    most = 0.999 * len(user_counts)
    log_weight = np.log(ladder / n_ratings)

    def rated(log_time: Doubles, log_weight: Doubles) -> Doubles:
        chance: Doubles = -np.expm1(-np.exp(np.add.outer(log_time, log_weight)))
        return chance

    def times(log_weight: Doubles) -> Doubles:
        return _root(lambda t: rated(t, log_weight) @ sizes - activity, np.log(activity), 25)

    def weights(log_time: Doubles) -> Doubles:
        wish = ladder.clip(max=most)
        return _root(lambda w: each * rated(log_time, w).sum(axis=0) - wish, log_weight, 25)

    for _ in range(6):
        log_weight = weights(times(log_weight))
    found = np.interp(np.log(wanted.clip(min=ladder[0])), np.log(ladder), log_weight)
    weight: Floats = np.exp(found - found.max()).clip(min=1e-30).astype(np.float32)
    return weight
