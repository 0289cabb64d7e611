"""When somebody rated: how high they rate in general changes from day to day and, within a day, from film to film.

Each user has a small effect for each day, for each run of 40 and of 10 of their ratings in a row, and for each moment
at which they rated (on MovieLens many films share one: they were on one page). The effects are normal around 0, with a
variance for each level that is learned. After the day-specific biases of timeSVD++ (Koren, "Collaborative filtering
with temporal dynamics", 2009), with finer levels. Only the times of the training ratings make up days, runs and
moments; a time to predict for is looked up in them, and has no effect where nothing is near.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Longs
from matinee.data.ratings import NO_TIME

RUNS = (40, 10)
DAY = 86_400
SHIFT = 34
"""Bits for the seconds since 1970, until the year 2514, in a key of user and time."""


class Moments(NamedTuple):
    """Sorted keys of user and time, one array for each level: day, runs, moment."""

    keys: tuple[Longs, ...]

    @classmethod
    def of(cls, user_index: NDArray[np.int32], timestamp: Longs) -> "Moments":
        """The days, runs and moments of training ratings, (N,) and (N,)."""
        known = _is_known(timestamp)
        instants = np.sort(_key(user_index[known], timestamp[known]))
        users = instants >> SHIFT
        rank = np.arange(len(instants)) - np.searchsorted(users, users)
        runs = (np.unique(instants[rank % length == 0]) for length in RUNS)
        days = np.unique(_key(users, (instants & ((1 << SHIFT) - 1)) // DAY))
        return cls((days, *runs, np.unique(instants)))

    @classmethod
    def unpack(cls, keys: Longs, sizes: Longs) -> "Moments":
        """From all keys in a row and how many each level has, as a model keeps them."""
        return cls(tuple(np.split(keys, np.cumsum(sizes)[:-1])))

    def places(self, user_index: NDArray[np.int32], timestamp: Longs) -> list[Longs]:
        """For each level which of its keys each rating belongs to, (N,), or their number if it belongs to none."""
        known = _is_known(timestamp) & (user_index >= 0)
        time = np.where(known, timestamp, 0)
        instant = _key(user_index, time)
        exact = (0, len(self.keys) - 1)
        found = []
        for level, keys in enumerate(self.keys):
            wanted = _key(user_index, time // DAY) if level == 0 else instant
            place = np.searchsorted(keys, wanted, "right") - 1
            near = keys[np.maximum(place, 0)] if len(keys) else wanted
            fits = near == wanted if level in exact else near >> SHIFT == user_index
            found.append(np.where(known & (place >= 0) & fits, place, len(keys)))
        return found


def _is_known(timestamp: Longs) -> NDArray[np.bool_]:
    return np.asarray((timestamp != NO_TIME) & (timestamp >= 0) & (timestamp < 1 << SHIFT))


def _key(user_index: NDArray[np.integer], time: Longs) -> Longs:
    return (user_index.astype(np.int64) << SHIFT) | time
