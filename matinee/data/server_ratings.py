"""Ratings that `matinee serve` collected from people, added to the data that a model is
trained on.

People get new user ids: numbers after the largest one, or "person 1", "person 2", ... where
ids are text. The ids of the database stay in the database, so a model file leads nobody back
to a person.

Stable ids are the same at any time, so that an update knows who is in a model already: a hash of
the person's id in the database, which is random, with the id of the database as the key. Nobody can
tell the person from it who does not have the database.
"""

import hmac
import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
import sqlalchemy as sa
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.kept_films import (
    KeptFilm,
    contradictions,
    describe_contradictions,
    is_other_catalog,
    kept_films,
)
from matinee.data.ratings import NO_TIME, Ratings, Scale
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


class CollectedNews(NamedTuple):
    """What differs between a model and the database."""

    given: Ratings | None
    """New and changed ratings, by stable ids."""
    withdrawn: Ratings | None
    """Ratings of people of the database that are not there any more."""
    note: str

    @property
    def is_empty(self) -> bool:
        """Whether the model knows all of the database."""
        return self.given is None and self.withdrawn is None


class _Collected(NamedTuple):
    """The usable ratings of the database: the n that fit the data, given by P people."""

    people: list[str]  # their ids in the database
    person: NDArray[np.int64]  # (n,) 0 to P - 1
    item_index: NDArray[np.int32]  # (n,)
    value: NDArray[np.float32]  # (n,)
    timestamp: NDArray[np.int64]  # (n,) `NO_TIME` where unknown
    n_left_out: int


def with_collected(dataset: Dataset, url: str, *, stable: bool = False) -> Joined:
    """A data set followed by the ratings in the database of a server.

    Ratings of items that the data does not know, and stars outside its scale, are left out and
    counted. Users and items keep their features; people from the database have none.

    Args:
        url: as of `matinee serve --db`: an SQLite file or a database URL.
        stable: whether the people get stable ids, so that `collected_news` knows them.

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
        _refuse_other_films(address, dataset.ratings, dataset.catalog, dataset.name)
    collected = _usable(frame, dataset.ratings)
    note = _note(collected, shown_url(address))
    if len(collected.value) == 0:
        return Joined(dataset, note)
    users = dataset.ratings.users
    if stable:
        ids = _stable_ids(address, collected.people, is_integer=users.is_integer)
    else:
        ids = _new_ids(users, len(collected.people))
    merged = _merged(dataset.ratings, collected, ids)
    return Joined(replace(dataset, ratings=merged, source_rows=None), note)


def collected_news(known: Ratings, catalog: Catalog, name: str, url: str) -> CollectedNews:
    """What an update must bring into a model, so that it knows the ratings in a database.

    Stars are rounded to the steps of the scale.

    Args:
        known: the ratings that the model has learned from.
        catalog, name: the films and the name of the model.
        url: as for `with_collected`.

    Raises:
        DataError: as for `with_collected`.
    """
    address = address_of(url)
    _, frame = frame_of_query(address, _QUERY)
    if len(frame):
        _refuse_other_films(address, known, catalog, name)
    collected = _usable(frame, known)
    ids = _stable_ids(address, collected.people, is_integer=known.users.is_integer)
    value, n_items = _on_scale(collected.value, known.scale), len(known.items)
    users = known.users.lookup(ids) if ids else np.empty(0, np.int32)
    pair = users[collected.person].astype(np.int64) * n_items + collected.item_index
    known_pair = known.user_index.astype(np.int64) * n_items + known.item_index
    order = np.argsort(known_pair)
    place = np.minimum(np.searchsorted(known_pair[order], pair), len(order) - 1)
    place = order[place]
    is_known = (known_pair[place] == pair) & (pair >= 0)
    rows = np.flatnonzero(~(is_known & (known.value[place] == value)))
    given = None
    if len(rows):
        names, items = np.array(ids)[collected.person[rows]], collected.item_index[rows]
        given = Ratings.from_ids(names, known.items.ids[items], value[rows], scale=known.scale)
    is_gone = _is_stable(known.users)[known.user_index] & ~np.isin(known_pair, pair)
    withdrawn = known.subset(is_gone) if is_gone.any() else None
    people = counted(len(np.unique(collected.person[rows])), "person", "people")
    note = f"Added {counted(len(rows), 'new or changed rating')} by {people}"
    if withdrawn is not None:
        note += f", and withdrew {len(withdrawn):,},"
    return CollectedNews(given, withdrawn, f"{note} from {shown_url(address)}.")


def _refuse_other_films(address: sa.URL, known: Ratings, catalog: Catalog, name: str) -> None:
    """Raises DataError if the ids in the database mean other films than those of the data."""
    if not has_table(address, FILMS_TABLE):
        return
    _, frame = frame_of_query(address, _FILMS_QUERY)
    kept = {row[0]: KeptFilm(*row) for row in frame.iter_rows()}
    films = kept_films(known.items, catalog)
    found, shown = contradictions(kept, films), shown_url(address)
    problem = ""
    if found:
        problem = describe_contradictions(found)
    elif is_other_catalog(kept, films):
        problem = "most ids are unknown there, and there are no titles to compare"
    if problem:
        raise DataError(
            f"{name} contradicts {shown}: {problem}. Train a model without --db, move the "
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
        people=people.tolist(),
        person=person,
        item_index=item_index[fits],
        value=value[fits],
        timestamp=times[fits],
        n_left_out=int((~fits).sum()),
    )


def _note(collected: _Collected, database: str) -> str:
    n_ratings = len(collected.value)
    people = counted(len(collected.people), "person", "people")
    note = f"Added {counted(n_ratings, 'rating')} by {people} from {database}"
    if collected.n_left_out:
        note += f"; {collected.n_left_out:,} left out, of unknown items or outside the scale"
    return f"{note}."


def _merged(own: Ratings, collected: _Collected, new_ids: "list[int] | list[str]") -> Ratings:
    users = own.users.merge(Vocabulary(np.sort(np.array(new_ids)), "user"))
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


STABLE_FROM, STABLE_WORD = 2**52, "person "
"""Stable ids that are numbers are from here to twice as much; texts begin with the word, and have
`STABLE_DIGITS` hexadecimal digits."""
STABLE_DIGITS = 16
_STABLE = re.compile(f"{STABLE_WORD}[0-9a-f]{{{STABLE_DIGITS}}}")
_KEY_QUERY = "SELECT id FROM this_database"


def _stable_ids(address: sa.URL, people: list[str], *, is_integer: bool) -> "list[int] | list[str]":
    """The stable ids of people of a database, in the same order."""
    if not people:
        return list[str]()
    _, frame = frame_of_query(address, _KEY_QUERY)
    key = str(frame.item()).encode()
    digests = [hmac.digest(key, person.encode(), "sha256").hex() for person in people]
    if is_integer:
        return [STABLE_FROM + int(digest, 16) % STABLE_FROM for digest in digests]
    return [STABLE_WORD + digest[:STABLE_DIGITS] for digest in digests]


def _is_stable(users: Vocabulary) -> NDArray[np.bool_]:
    """Which ids are stable ids of people of a database, (U,)."""
    if users.is_integer:
        return np.asarray((users.ids >= STABLE_FROM) & (users.ids < 2 * STABLE_FROM))
    return np.array([bool(_STABLE.fullmatch(name)) for name in users.ids.tolist()], bool)


def _on_scale(value: NDArray[np.float32], scale: Scale) -> NDArray[np.float32]:
    """Stars, rounded to the steps of a scale."""
    if not scale.step:
        return value
    steps = np.round((value.astype(np.float64) - scale.lowest) / scale.step)
    return np.minimum(scale.lowest + steps * scale.step, scale.highest).astype(np.float32)
