"""Days, runs and moments, against an obvious twin."""

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Longs
from matinee.data.ratings import NO_TIME
from matinee.models.bayes.time_effects import DAY, RUNS, TimeKeys

DAY_LEVEL, LONG_RUN, SHORT_RUN, INSTANT = range(4)


def simulated_times(n: int = 300, n_users: int = 5) -> tuple[NDArray[np.int32], Longs]:
    """Users who rate on a few days, several films at the same second; one rating of each user has no time."""
    rng = np.random.default_rng(0)
    user = rng.integers(0, n_users, n).astype(np.int32)
    time = 900_000_000 + DAY * rng.integers(0, 9, n) + 30 * rng.integers(0, 40, n)
    time[np.unique(user, return_index=True)[1]] = NO_TIME
    return user, time


def same(one: list[object]) -> NDArray[np.bool_]:
    """Which of some labels, each with each, are the same."""
    return np.array([[a == b for b in one] for a in one])


def twin(user: NDArray[np.int32], time: Longs) -> list[list[object]]:
    """Labels of the ratings with times at each level; a run begins at every 40th (10th) rating of a user in order, and
    holds all ratings from that second on until the next begins."""
    known = np.flatnonzero(time != NO_TIME).tolist()
    levels: list[list[object]] = [[(user[row], time[row] // DAY) for row in known]]
    for length in RUNS:
        starts = {}
        for one in set(user[known].tolist()):
            mine = sorted(time[row] for row in known if user[row] == one)
            starts[one] = sorted(set(mine[::length]))
        levels.append(
            [(user[row], max(s for s in starts[int(user[row])] if s <= time[row])) for row in known]
        )
    return [*levels, [(user[row], time[row]) for row in known]]


def test_days_runs_and_moments_are_those_of_the_twin() -> None:
    user, time = simulated_times()
    keys_of = TimeKeys.from_ratings(user, time)
    known = time != NO_TIME
    for keys, place, labels in zip(
        keys_of.keys, keys_of.positions(user, time), twin(user, time), strict=True
    ):
        assert (place[~known] == len(keys)).all()
        assert len(set(place[known].tolist())) == len(keys) == len(set(labels))
        assert np.array_equal(same(place[known].tolist()), same(labels))


def test_a_time_to_predict_for_is_looked_up_in_the_training_ratings() -> None:
    start = 10 * DAY
    user = np.array([0] * 12 + [1], np.int32)
    time = np.append(start + 60 * np.arange(12), 5)
    keys_of = TimeKeys.from_ratings(user, time)

    def levels(of_user: int, when: int) -> list[bool]:
        """At which levels a rating at this time belongs to something."""
        places = keys_of.positions(np.array([of_user], np.int32), np.array([when]))
        return [
            bool(place[0] < len(keys)) for place, keys in zip(places, keys_of.keys, strict=True)
        ]

    assert levels(0, start + 60) == [True, True, True, True]
    assert levels(0, start + 61) == [True, True, True, False]
    last = start + 60 * 11
    assert levels(0, last + DAY) == [False, True, True, False]  # the run may go on the next day
    assert levels(0, last + DAY + 1) == [False, False, False, False]
    assert levels(0, start - 1) == [False, False, False, False]
    assert levels(1, start) == [False, False, False, False]  # days after their only rating
    assert levels(2, start) == [False, False, False, False]  # nobody who was there
    assert levels(-1, start) == [False, False, False, False]


def test_runs_are_cut_at_every_tenth_and_fortieth_rating() -> None:
    user = np.zeros(95, np.int32)
    time = 1_000 * DAY + np.arange(95)
    places = TimeKeys.from_ratings(user, time).positions(user, time)
    assert np.bincount(places[DAY_LEVEL]).tolist() == [95]
    assert np.bincount(places[LONG_RUN]).tolist() == [40, 40, 15]
    assert np.bincount(places[SHORT_RUN]).tolist() == [10] * 9 + [5]
    assert np.bincount(places[INSTANT]).tolist() == [1] * 95


@pytest.mark.parametrize(
    "when", [NO_TIME, -5, 1 << 34], ids=["no time", "before 1970", "after 2514"]
)
def test_an_unknown_time_belongs_to_no_effect(when: int) -> None:
    user = np.zeros(3, np.int32)
    keys_of = TimeKeys.from_ratings(user, np.array([10, 20, when]))
    places = keys_of.positions(user, np.array([10, 20, when]))
    assert [len(keys) for keys in keys_of.keys] == [1, 1, 1, 2]
    assert [place.tolist() for place in places] == [[0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 1, 2]]


def test_without_any_time_there_is_nothing_to_belong_to() -> None:
    user, nothing = np.zeros(3, np.int32), np.full(3, NO_TIME)
    keys_of = TimeKeys.from_ratings(user, nothing)
    assert [len(keys) for keys in keys_of.keys] == [0, 0, 0, 0]
    assert all(
        place.tolist() == [0, 0, 0] for place in keys_of.positions(user, np.array([NO_TIME, 5, 6]))
    )


def test_what_a_model_keeps_gives_the_same_places() -> None:
    user, time = simulated_times()
    keys_of = TimeKeys.from_ratings(user, time)
    again = TimeKeys.unpack(
        np.concatenate(keys_of.keys), np.array([len(keys) for keys in keys_of.keys])
    )
    for one, other in zip(keys_of.positions(user, time), again.positions(user, time), strict=True):
        assert np.array_equal(one, other)
