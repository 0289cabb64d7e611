"""The loop closes: ratings that `matinee serve` has collected from people join the data that a model is trained on.

People get new user ids: numbers after the largest, or "person 1", "person 2", ... where ids are text. The ids of the
database stay there, so that nobody can go back from a model file to a person.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from matinee.databases import address_of, frame_of_query, shown_url
from matinee.errors import DataError
from matinee.ratings import NO_TIME, Id, Ratings, Vocabulary
from matinee.readers import Dataset

_QUERY = "SELECT person_id, item_id, stars, rated_at FROM ratings ORDER BY person_id, item_id"


class Joined(NamedTuple):
    """A data set with people's ratings in it, and what to say of it."""

    dataset: Dataset
    note: str


def with_collected(dataset: Dataset, url: str) -> Joined:
    """A data set and, after its own rows, the ratings in the database of a server.

    Ratings of items that the data does not know, and stars outside its scale, are left out and counted.

    Args:
        url: as of `matinee serve --db`: a file of SQLite or a database URL.

    Raises:
        DataError: the database cannot be read, or the data has no stars.
    """
    own, address = dataset.ratings, address_of(url)
    if not own.scale.has_stars:
        raise DataError(f"{dataset.name} has no stars, and what people gave films in {shown_url(address)} are stars.")
    _, frame = frame_of_query(address, _QUERY)
    item_index = own.items.lookup([str(item) for item in frame["item_id"].to_list()])
    value = frame["stars"].to_numpy().astype(np.float32)
    fits = (item_index >= 0) & (value >= own.scale.lowest) & (value <= own.scale.highest)
    person, of_person = np.unique(np.array(frame["person_id"].to_list(), str)[fits], return_inverse=True)
    left_out = f"; {int((~fits).sum()):,} left out, of unknown items or outside the scale" if not fits.all() else ""
    n, people = int(fits.sum()), f"{len(person):,} {'person' if len(person) == 1 else 'people'}"
    note = f"Added {n:,} rating{'s' * (n != 1)} by {people} from {shown_url(address)}{left_out}."
    if not fits.any():
        return Joined(dataset, note)
    users = own.users.merge(Vocabulary(_new_ids(own.users, len(person)), "user"))
    new_index = users.lookup(_new_ids(own.users, len(person)))[of_person]
    timestamp = None
    if own.timestamp is not None:
        times = np.array([NO_TIME if time is None else time for time in frame["rated_at"].to_list()], np.int64)
        timestamp = np.concatenate([own.timestamp, times[fits]])
    ratings = Ratings(
        users,
        own.items,
        np.concatenate([users.lookup(own.users.ids)[own.user_index], new_index]).astype(np.int32),
        np.concatenate([own.item_index, item_index[fits]]).astype(np.int32),
        np.concatenate([own.value, value[fits]]),
        timestamp,
        own.scale,
    )
    return Joined(replace(dataset, ratings=ratings, source_rows=None), note)


def _new_ids(users: Vocabulary, n: int) -> "list[int] | list[str]":
    """Ids that no user has, in ascending order."""
    if users.is_integer:
        first = int(users.ids[-1]) + 1 if len(users) else 1
        return list(range(first, first + n))
    taken: set[Id] = set(users.ids.tolist())
    free = (f"person {number}" for number in range(1, n + len(taken) + 1))
    return sorted([name for name in free if name not in taken][:n])
