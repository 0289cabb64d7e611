"""Time effects: how a user's general level of ratings changes from day to day and within a
day.

Each user has a small effect for each day, for each run of 40 and of 10 consecutive ratings,
and for each instant at which they rated (on MovieLens, the films of one page share an
instant). The effects are normal about 0, with a learned variance for each level. They refine
the day-specific biases of timeSVD++ (Koren, "Collaborative filtering with temporal dynamics",
2009). Only the times of the training ratings define days, runs and instants. A time to predict
for is looked up in them. At a level where none is near, the effect is the mean effect of the
user; a time that is near none at any level is predicted as a missing one, with a larger
variance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs
from matinee.data.ratings import NO_TIME
from matinee.errors import DataError

RUNS = (40, 10)
DAY = 86_400
SHIFT = 34
"""Bits for the seconds since 1970 in a key of user and time; enough until the year 2514."""


class TimeKeys(NamedTuple):
    """Sorted keys of user and time, one array for each level: day, runs, instant."""

    keys: tuple[Longs, ...]

    @classmethod
    def from_ratings(cls, user_index: NDArray[np.int32], timestamp: Longs) -> "TimeKeys":
        """The keys of training ratings with these users and times, (N,) each."""
        known = _is_known(timestamp)
        instants = np.sort(_key(user_index[known], timestamp[known]))
        users = instants >> SHIFT
        rank = np.arange(len(instants)) - np.searchsorted(users, users)
        runs = (np.unique(instants[rank % length == 0]) for length in RUNS)
        days = np.unique(_key(users, (instants & ((1 << SHIFT) - 1)) // DAY))
        return cls((days, *runs, np.unique(instants)))

    @classmethod
    def unpack(cls, keys: Longs, sizes: Longs) -> "TimeKeys":
        """The levels from all keys in one array and their sizes, as in a saved model."""
        return cls(tuple(np.split(keys, np.cumsum(sizes)[:-1])))

    def positions(self, user_index: NDArray[np.int32], timestamp: Longs) -> list[Longs]:
        """The position of each rating's key at each level, (N,); the number of keys if
        none."""
        known = _is_known(timestamp) & (user_index >= 0)
        time = np.where(known, timestamp, 0)
        day, instant = _key(user_index, time // DAY), _key(user_index, time)
        levels = [_exact_positions(self.keys[0], day)]
        last = _last_positions(self.keys[-1], instant)
        is_near = last >= 0
        is_near[is_near] = instant[is_near] - self.keys[-1][last[is_near]] <= DAY
        for keys in self.keys[1:-1]:
            levels.append(np.where(is_near, _last_positions(keys, instant), -1))
        levels.append(_exact_positions(self.keys[-1], instant))
        return [
            np.where(known & (position >= 0), position, len(keys))
            for position, keys in zip(levels, self.keys, strict=True)
        ]

    def lookup(
        self, moments: "Moments", user_index: NDArray[np.int32], timestamp: Longs
    ) -> "TimedRatings":
        """What is known of the effects at each rating.

        Args:
            moments: the effects and variances of these keys.
        """
        is_given = _is_known(timestamp)
        positions = self.positions(user_index, timestamp)
        levels = np.split(moments.effects, np.cumsum([len(keys) for keys in self.keys])[:-1])
        is_timed = np.zeros(len(user_index), bool)
        effect, variance = np.zeros((2, len(user_index)))
        for keys, level, position, around, new in zip(
            self.keys,
            levels,
            positions,
            moments.variances.tolist(),
            moments.new_variances.tolist(),
            strict=True,
        ):
            is_found = position < len(keys)
            means, counts = _user_means(keys, level, int(user_index.max(initial=-1)) + 1)
            n = counts[user_index]
            spread = np.where(is_given & (n > 0), new * (1 + 1 / np.maximum(n, 1)), around)
            effect += np.where(is_found, np.append(level, 0)[position], means[user_index])
            variance += np.where(is_found, 0, spread)
            is_timed |= is_found
        return TimedRatings(is_timed, np.where(is_timed, effect, 0), variance)


class TimedRatings(NamedTuple):
    """What is known of the time effects on some ratings, (N,) each."""

    is_timed: NDArray[np.bool_]
    """Whether the time is near that of a training rating of the user, at some level."""
    effect: Doubles
    """The sum over the levels; 0 where the time is unknown."""
    variance: Doubles
    """The variance of the effects of the levels where the time is near none.

    A missing time is one of those of the training ratings, whose effects vary around the user's
    mean. Any other time is a new day, run and instant, whose effects have the variance of their
    prior around 0, and the mean of the user's n effects has an n-th of it.
    """


class Moments(NamedTuple):
    """The keys and effects of all levels, as in a saved model."""

    keys: Longs  # (M,)
    sizes: Longs  # (L,)
    effects: Floats  # (M,)
    variances: Floats  # (L,), around the users' means, or empty in files of earlier versions
    new_variances: Floats  # (L,), of a new day, run and instant, or empty

    def at(self, user_index: NDArray[np.int32], timestamp: Longs | None) -> TimedRatings:
        """What is known of the effects at some times, (N,); None if no time is known."""
        variances, new = self.variances, self.new_variances
        if len(variances) == 0:
            variances = np.zeros(len(self.sizes), np.float32)
        if len(new) == 0:
            new = variances
        if timestamp is None or len(self.sizes) == 0:
            n, total = len(user_index), float(variances.sum())
            return TimedRatings(np.zeros(n, bool), np.zeros(n), np.full(n, total))
        keys = TimeKeys.unpack(self.keys, self.sizes)
        moments = self._replace(variances=variances, new_variances=new)
        return keys.lookup(moments, user_index, timestamp)


def check_keys(keys: Longs, sizes: Longs, n_users: int) -> None:
    """Checks the keys of all levels, (M,), and the sizes of the levels, (L,).

    Raises:
        DataError: a level is missing, or its keys do not ascend or are of other users.
    """
    if len(sizes) not in (0, len(RUNS) + 2):
        raise DataError(f"bayes: moment_sizes_ has {len(sizes)} levels")
    is_first = np.zeros(len(keys) + 1, bool)
    is_first[np.cumsum(sizes)] = True
    if not (is_first[1:-1] | (keys[1:] > keys[:-1])).all():
        raise DataError("bayes: moment_keys_ does not ascend")
    if keys.size and not (keys.min() >= 0 and keys.max() >> SHIFT < n_users):
        raise DataError("bayes: moment_keys_ holds a key of another user")


def _exact_positions(keys: Longs, wanted: Longs) -> Longs:
    """The position of each wanted key, (N,); -1 if it does not occur."""
    position = np.searchsorted(keys, wanted, "right") - 1
    if len(keys) == 0:
        return position
    return np.where(keys[np.maximum(position, 0)] == wanted, position, -1)


def _last_positions(keys: Longs, wanted: Longs) -> Longs:
    """The position of the last key of the same user up to each wanted key, (N,); -1 if none."""
    position = np.searchsorted(keys, wanted, "right") - 1
    if len(keys) == 0:
        return position
    is_same_user = keys[np.maximum(position, 0)] >> SHIFT == wanted >> SHIFT
    return np.where(is_same_user, position, -1)


def _user_means(keys: Longs, effects: Floats, n_users: int) -> tuple[Doubles, Longs]:
    """The mean effect of each user over the keys of a level, then 0, and their number, (U + 1,)."""
    user = np.minimum(keys >> SHIFT, n_users)
    sums = np.bincount(user, effects, minlength=n_users + 1)
    counts = np.bincount(user, minlength=n_users + 1)
    sums[n_users] = counts[n_users] = 0
    return np.asarray(sums / np.maximum(counts, 1), np.float64), counts


def _is_known(timestamp: Longs) -> NDArray[np.bool_]:
    return np.asarray((timestamp != NO_TIME) & (timestamp >= 0) & (timestamp < 1 << SHIFT))


def _key(user_index: NDArray[np.integer], time: Longs) -> Longs:
    return (user_index.astype(np.int64) << SHIFT) | time
