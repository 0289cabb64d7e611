"""Time effects: how a user's general level of ratings changes from day to day and within a
day.

Each user has a small effect for each day, for each run of 40 and of 10 consecutive ratings,
and for each instant at which they rated (on MovieLens, the films of one page share an
instant). The effects are normal about 0, with a learned variance for each level. They refine
the day-specific biases of timeSVD++ (Koren, "Collaborative filtering with temporal dynamics",
2009). Only the times of the training ratings define days, runs and instants. A time to predict
for is looked up in them, and has no effect if none is near.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Longs
from matinee.data.ratings import NO_TIME

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
        for keys in self.keys[1:-1]:
            levels.append(_run_positions(keys, instant))
        levels.append(_exact_positions(self.keys[-1], instant))
        return [
            np.where(known & (position >= 0), position, len(keys))
            for position, keys in zip(levels, self.keys, strict=True)
        ]


def _exact_positions(keys: Longs, wanted: Longs) -> Longs:
    """The position of each wanted key, (N,); -1 if it does not occur."""
    position = np.searchsorted(keys, wanted, "right") - 1
    if len(keys) == 0:
        return position
    return np.where(keys[np.maximum(position, 0)] == wanted, position, -1)


def _run_positions(keys: Longs, wanted: Longs) -> Longs:
    """The position of the run of the same user that each key belongs to, (N,); -1 if none."""
    position = np.searchsorted(keys, wanted, "right") - 1
    if len(keys) == 0:
        return position
    is_same_user = keys[np.maximum(position, 0)] >> SHIFT == wanted >> SHIFT
    return np.where(is_same_user, position, -1)


def _is_known(timestamp: Longs) -> NDArray[np.bool_]:
    return np.asarray((timestamp != NO_TIME) & (timestamp >= 0) & (timestamp < 1 << SHIFT))


def _key(user_index: NDArray[np.integer], time: Longs) -> Longs:
    return (user_index.astype(np.int64) << SHIFT) | time
