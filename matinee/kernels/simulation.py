"""Simulated ratings, user by user: the items, the liking behind the stars, and the times.

Every user has a stream of random numbers of their own (SplitMix64: Steele, Lea, Flood, "Fast
splittable pseudorandom number generators", 2014), so the rows of a user depend neither on the
users before nor on the threads.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.kernels import kernel

F32 = np.float32
DAY = 86_400.0

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)

NEW_SITTING = 0.02
"""The chance that a rating begins another sitting."""
GAP_MEDIAN, GAP_SPREAD = 6 * DAY, 2.0
"""The time between sittings, lognormal: its median, and the deviation of its logarithm."""
SAME_SECOND, PAUSE = 0.45, 60.0
"""Within a sitting: the chance of no time between two ratings, and the mean time otherwise."""
BELOVED = 2.0
"""Tastes from here on, in deviations, are rated whenever they are come across."""


class Items(NamedTuple):
    """What users choose from.

    Attributes:
        weight: (I,) how often an item is come across, relative to the others.
        keep, alias: (I,) a table for drawing items by weight (see `alias_table`).
        bias: (I,) how much better than the average it is.
        factors: (I, F) its tastes.
        order: (I,) every item once: at least one user rates each, and this says who.
    """

    weight: NDArray[np.float32]
    keep: NDArray[np.float32]
    alias: NDArray[np.int32]
    bias: NDArray[np.float32]
    factors: NDArray[np.float32]
    order: NDArray[np.int32]


class Habits(NamedTuple):
    """Numbers that all users share; deviations are those of the liking.

    Attributes:
        n_ratings: of the whole table, N.
        bias: the deviation of the users' biases.
        strictness: their correlation with the logarithm of the number of ratings.
        activity, activity_spread: mean and deviation of that logarithm.
        taste: the deviation of the part that factors explain.
        noise: the deviation of the part that nothing explains.
        choice: how much taste decides what is rated; 0 is not at all.
        first, last: the times between which people rate, in seconds since 1970.
        rush: users join at first + (last - first) * uniform ** rush.
    """

    n_ratings: int
    bias: float
    strictness: float
    activity: float
    activity_spread: float
    taste: float
    noise: float
    choice: float
    first: float
    last: float
    rush: float


class Users(NamedTuple):
    """The users to draw: their numbers, how many ratings each has, and how many all before have."""

    number: NDArray[np.int64]
    n_rated: NDArray[np.int64]
    n_before: NDArray[np.int64]


class Chooser(NamedTuple):
    """One user: the number, the tastes (F,), (I,) who had each item last, the random numbers."""

    number: int
    own: NDArray[np.float32]
    mark: NDArray[np.int64]
    state: NDArray[np.uint64]


class Drawn(NamedTuple):
    """What `draw` fills: for each rating the item, what the user expects, what they feel, when."""

    item: NDArray[np.int32]
    expected: NDArray[np.float32]
    felt: NDArray[np.float32]
    time: NDArray[np.int64]


@kernel()
def _next(state: NDArray[np.uint64]) -> np.uint64:
    """The next 64 random bits of a stream."""
    state[0] += _STEP
    bits: np.uint64 = state[0]
    bits = (bits ^ (bits >> _30)) * _FIRST
    bits = (bits ^ (bits >> _27)) * _SECOND
    return bits ^ (bits >> _31)


@kernel()
def _uniform(state: NDArray[np.uint64]) -> float:
    """A number in (0, 1)."""
    return (float(_next(state) >> _11) + 0.5) * 2.0**-53


@kernel()
def _normal(state: NDArray[np.uint64]) -> float:
    """A standard normal number (Box and Muller)."""
    radius = math.sqrt(-2 * math.log(_uniform(state)))
    return radius * math.cos(2 * math.pi * _uniform(state))


@kernel()
def alias_table(
    weight: NDArray[np.float32], keep: NDArray[np.float32], alias: NDArray[np.int32]
) -> None:
    """Fills the table from which one uniform number draws an item by weight (Walker, 1977; Vose).

    A column i, all equally likely, gives item i with probability keep[i], otherwise alias[i].
    """
    n = len(weight)
    share = weight.astype(np.float64)
    share *= n / share.sum()
    poor, rich = np.empty(n, np.int64), np.empty(n, np.int64)
    n_poor, n_rich = 0, 0
    for item in range(n):
        keep[item], alias[item] = 1, item
        if share[item] < 1:
            poor[n_poor] = item
            n_poor += 1
        else:
            rich[n_rich] = item
            n_rich += 1
    while n_poor > 0 and n_rich > 0:
        n_poor -= 1
        low, high = poor[n_poor], rich[n_rich - 1]
        keep[low], alias[low] = share[low], high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            n_rich -= 1
            poor[n_poor] = high
            n_poor += 1


@kernel()
def _taste(own: NDArray[np.float32], factors: NDArray[np.float32]) -> float:
    total = F32(0)
    for factor in range(len(own)):
        total += own[factor] * factors[factor]
    return float(total)


@kernel()
def _chance(taste: float, choice: float) -> float:
    """Whether a user who comes across an item rates it."""
    return math.exp(min(choice * (taste - BELOVED), 0.0))


@kernel()
def _race(row: int, end: int, person: Chooser, items: Items, choice: float, rows: Drawn) -> None:
    """Chooses the items of the last rows of a user at once.

    The items that arrive first, after exponential times at the rates of their weights, are
    distributed as those that would be drawn one by one.
    """
    number, own, mark, state = person
    n = len(mark)
    arrival = np.full(n, np.inf)
    for item in range(n):
        if mark[item] != number:
            rate = items.weight[item] * _chance(_taste(own, items.factors[item]), choice)
            arrival[item] = min(-math.log(_uniform(state)) / rate, 1e300)
    latest = np.partition(arrival, end - row - 1)[end - row - 1]
    for item in range(n):
        if row < end and arrival[item] <= latest:
            rows.item[row] = item
            row += 1


@kernel()
def _choose(row: int, end: int, person: Chooser, items: Items, choice: float, rows: Drawn) -> None:
    """Chooses the items of the rows up to `end`, by weight and taste, none twice."""
    number, own, mark, state = person
    n = len(mark)
    misses, most = 0, 2 * (end - row) + n // 4  # then a race is the shorter way
    while row < end and misses < most:
        place = _uniform(state) * n
        item = min(int(place), n - 1)
        if place - item >= items.keep[item]:
            item = items.alias[item]
        if mark[item] == number or _uniform(state) >= _chance(
            _taste(own, items.factors[item]), choice
        ):
            misses += 1
            continue
        mark[item] = number
        rows.item[row] = item
        row += 1
    if row < end:
        _race(row, end, person, items, choice, rows)


@kernel()
def _rate(begin: int, end: int, person: Chooser, items: Items, habits: Habits, rows: Drawn) -> None:
    """Fills what the user of the rows expects and feels."""
    own, state = person.own, person.state
    activity = (math.log(end - begin) - habits.activity) / habits.activity_spread
    leaning = habits.strictness * activity
    leaning += math.sqrt(1 - habits.strictness**2) * _normal(state)
    for row in range(begin, end):
        item = rows.item[row]
        expected = habits.bias * leaning + items.bias[item]
        expected += habits.taste * _taste(own, items.factors[item])
        rows.expected[row] = expected
        rows.felt[row] = expected + habits.noise * _normal(state)


@kernel()
def _date(begin: int, end: int, habits: Habits, rows: Drawn, state: NDArray[np.uint64]) -> None:
    """Fills the times of a user's rows: sittings, most of them days apart; they never decrease."""
    time = habits.first + (habits.last - habits.first) * _uniform(state) ** habits.rush
    for row in range(begin, end):
        rows.time[row] = int(time)
        gap = 0.0
        if _uniform(state) < NEW_SITTING:
            gap = GAP_MEDIAN * math.exp(GAP_SPREAD * _normal(state))
        elif _uniform(state) >= SAME_SECOND:
            gap = -PAUSE * math.log(_uniform(state))
        time += min(gap, (habits.last - time) / 2)


@kernel()
def draw(users: Users, items: Items, habits: Habits, key: np.uint64, rows: Drawn) -> None:
    """Fills the rows of some users, one user after the other.

    Args:
        key: what the streams of random numbers start from.
        rows: sum of users.n_rated rows.
    """
    n_items, n_factors = items.factors.shape
    mark = np.full(n_items, -1, np.int64)  # the last user who has the item
    own, state = np.empty(n_factors, np.float32), np.empty(1, np.uint64)
    begin = 0
    for position in range(len(users.number)):
        user, end = users.number[position], begin + users.n_rated[position]
        state[0] = key + np.uint64(user)
        state[0] = _next(state)  # streams of neighbors start far apart
        for factor in range(n_factors):
            own[factor] = _normal(state)
        # All items in a fixed order, spread over all rows of the table.
        start = users.n_before[position]
        item_begin = -(-start * n_items // habits.n_ratings)
        item_end = -(-(start + end - begin) * n_items // habits.n_ratings)
        n_given = item_end - item_begin
        for given in range(n_given):
            rows.item[begin + given] = items.order[item_begin + given]
            mark[rows.item[begin + given]] = user
        person = Chooser(user, own, mark, state)
        _choose(begin + n_given, end, person, items, habits.choice, rows)
        for given in range(n_given):
            row = begin + given
            other = begin + int(_uniform(state) * (end - begin))
            rows.item[row], rows.item[other] = rows.item[other], rows.item[row]
        _rate(begin, end, person, items, habits, rows)
        _date(begin, end, habits, rows, state)
        begin = end


@kernel()
def grade(
    rows: Drawn,
    limits: NDArray[np.float32],
    stars: NDArray[np.float32],
    variance: NDArray[np.float64],
    lowest: float,
    step: float,
    rating: NDArray[np.float32],
) -> float:
    """Turns feelings into stars; returns the sum of the variances that no model can explain.

    Args:
        limits: (L - 1,) ascending: a feeling above j of them gets stars[j].
        stars: (L,) the stars of the scale.
        variance: of the stars, where lowest + step * j is expected.
        rating: (N,) to fill.
    """
    total = 0.0
    for row in range(len(rating)):
        star = 0
        while star < len(limits) and rows.felt[row] > limits[star]:
            star += 1
        rating[row] = stars[star]
        place = min(max((rows.expected[row] - lowest) / step, 0.0), len(variance) - 1.001)
        below = int(place)
        total += variance[below] + (place - below) * (variance[below + 1] - variance[below])
    return total
