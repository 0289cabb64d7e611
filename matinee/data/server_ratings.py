"""Ratings that `matinee serve` collected from people, added to the data that a model is
trained on.

People get new user ids: numbers after the largest one, or "person 1", "person 2", ... where
ids are text. The ids of the database stay in the database, so a model file leads nobody back
to a person.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
import sqlalchemy as sa
from numpy.typing import NDArray

from matinee.data.dataset import Dataset
from matinee.data.kept_films import (
    KeptFilm,
    contradictions,
    describe_contradictions,
    is_other_catalog,
    kept_films,
)
from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.reading.sql import address_of, frame_of_query, has_table, shown_url
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError
from matinee.text import counted

#: The table of ratings in the server's database, and its columns; a test compares both with its
#: schema.
TABLE = "ratings"
COLUMNS = ("person_id", "item_id", "stars", "rated_at")
#: The table of what the ids mean, and its columns; databases of earlier versions lack it.
FILMS_TABLE = "films"
FILMS_COLUMNS = KeptFilm._fields

_QUERY = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY {COLUMNS[0]}, {COLUMNS[1]}"
_FILMS_QUERY = f"SELECT {', '.join(FILMS_COLUMNS)} FROM {FILMS_TABLE}"


class Joined(NamedTuple):
    """A data set that includes people's ratings, and a sentence about them."""

    dataset: Dataset
    note: str


class _Collected(NamedTuple):
    """The usable ratings of the database: the n that fit the data, given by P people."""

    n_people: int
    person: NDArray[np.int64]  # (n,) 0 to P - 1
    item_index: NDArray[np.int32]  # (n,)
    value: NDArray[np.float32]  # (n,)
    timestamp: NDArray[np.int64]  # (n,) `NO_TIME` where unknown
    n_left_out: int


def with_collected(dataset: Dataset, url: str) -> Joined:
    """A data set followed by the ratings in the database of a server.

    Ratings of items that the data does not know, and stars outside its scale, are left out and
    counted. Users and items keep their features; people from the database have none.

    Args:
        url: as of `matinee serve --db`: an SQLite file or a database URL.

    Raises:
        DataError: the database cannot be read, the data has no stars, or the ids of the database
            mean other films.
    """
    address = address_of(url)
    if not dataset.ratings.scale.has_stars:
        raise DataError(
            f"{dataset.name} has no stars, but the ratings in {shown_url(address)} are stars, "
            "so they cannot be added."
        )
    _, frame = frame_of_query(address, _QUERY)
    if len(frame):
        _refuse_other_films(address, dataset)
    collected = _usable(frame, dataset.ratings)
    note = _note(collected, shown_url(address))
    if len(collected.value) == 0:
        return Joined(dataset, note)
    return Joined(
        replace(dataset, ratings=_merged(dataset.ratings, collected), source_rows=None), note
    )


def _refuse_other_films(address: sa.URL, dataset: Dataset) -> None:
    """Raises DataError if the ids in the database mean other films than those of the data."""
    if not has_table(address, FILMS_TABLE):
        return
    _, frame = frame_of_query(address, _FILMS_QUERY)
    kept = {row[0]: KeptFilm(*row) for row in frame.iter_rows()}
    films = kept_films(dataset.ratings.items, dataset.catalog)
    found, shown = contradictions(kept, films), shown_url(address)
    problem = ""
    if found:
        problem = describe_contradictions(found)
    elif is_other_catalog(kept, films):
        problem = "most ids are unknown there, and there are no titles to compare"
    if problem:
        raise DataError(
            f"{dataset.name} contradicts {shown}: {problem}. Train a model without --db, move the "
            f"ratings to its catalog with  matinee migrate MODEL --db {shown}  and train again."
        )


def _usable(frame: pl.DataFrame, known: Ratings) -> _Collected:
    """The rows of the database that have a known item and stars on the scale."""
    person_ids, item_ids, stars, rated_at = (frame[name] for name in COLUMNS)
    item_index = known.items.lookup([str(item_id) for item_id in item_ids.to_list()])
    value = stars.to_numpy().astype(np.float32)
    fits = (item_index >= 0) & (value >= known.scale.lowest) & (value <= known.scale.highest)
    people, person = np.unique(np.array(person_ids.to_list(), str)[fits], return_inverse=True)
    times = np.array(rated_at.fill_null(NO_TIME).to_list(), np.int64)
    return _Collected(
        n_people=len(people),
        person=person,
        item_index=item_index[fits],
        value=value[fits],
        timestamp=times[fits],
        n_left_out=int((~fits).sum()),
    )


def _note(collected: _Collected, database: str) -> str:
    n_ratings = len(collected.value)
    people = counted(collected.n_people, "person", "people")
    note = f"Added {counted(n_ratings, 'rating')} by {people} from {database}"
    if collected.n_left_out:
        note += f"; {collected.n_left_out:,} left out, of unknown items or outside the scale"
    return f"{note}."


def _merged(own: Ratings, collected: _Collected) -> Ratings:
    new_ids = _new_ids(own.users, collected.n_people)
    users = own.users.merge(Vocabulary(new_ids, "user"))
    widened = own.with_vocabularies(users, own.items)
    timestamp = None
    if own.timestamp is not None:
        timestamp = np.concatenate([own.timestamp, collected.timestamp])
    return replace(
        widened,
        user_index=np.concatenate([widened.user_index, users.lookup(new_ids)[collected.person]]),
        item_index=np.concatenate([widened.item_index, collected.item_index]),
        value=np.concatenate([widened.value, collected.value]),
        stored=None,
        timestamp=timestamp,
    )


def _new_ids(users: Vocabulary, n: int) -> "list[int] | list[str]":
    """n ids that no user has, in ascending order."""
    if users.is_integer:
        first = int(users.ids[-1]) + 1 if len(users) else 1
        return list(range(first, first + n))
    taken: set[Id] = set(users.ids.tolist())
    candidates = (f"person {number}" for number in range(1, n + len(taken) + 1))
    return sorted([name for name in candidates if name not in taken][:n])
