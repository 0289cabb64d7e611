"""The store: people, their ratings, and the films that they are not interested in.

Each method runs in its own transaction. When a method that writes returns, its changes are on the
disk (see `engine`). Methods block, so call them from a thread. A person is identified by a secret
token; the database stores only its SHA-256 hash, so a stolen database gives no access to accounts.
"""

import math
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from matinee.errors import SettingError, StoreError
from matinee.web.db import groups
from matinee.web.db.catalog import Catalogs
from matinee.web.db.devices import Devices, person_with_token
from matinee.web.db.engine import migrate, open_engine
from matinee.web.db.film_lists import (
    LISTS,
    MAX_FILMS,
    PersonalList,
    check_film_limit,
    delete_row,
    rows_of,
)
from matinee.web.db.overview import Overview
from matinee.web.db.rate_tokens import RateTokens
from matinee.web.db.schema import (
    films,
    group_marks,
    group_members,
    not_interested,
    not_seen,
    people,
    ratings,
    set_aside,
    this_database,
    viewing_groups,
    watchlist,
)
from matinee.web.db.traffic import TrafficLog
from matinee.web.db.training_jobs import TrainingJobs
from matinee.web.db.transactions import (
    Credentials,
    Database,
    UnknownPersonError,
    hash_token,
    lock_person,
    now,
)

__all__ = ["Credentials", "PersonData", "Store", "StoredRating", "UnknownPersonError"]

MAX_RATINGS = MAX_FILMS
"""The maximum number of ratings of a person."""


class StoredRating(NamedTuple):
    """One rating. The item id is text, even if the model's ids are integers."""

    item_id: str
    stars: float
    rated_at: int
    """Unix seconds."""


class PersonData(NamedTuple):
    """The ratings and marked films of a person, read in one transaction."""

    ratings: list[StoredRating]
    """Latest first."""
    not_interested: list[str]
    """Item ids, like those of the other lists; the one added last first."""
    watchlist: Sequence[str] = ()
    not_seen: Sequence[str] = ()

    def stars(self) -> dict[str, float]:
        """Item id -> stars."""
        return {rating.item_id: rating.stars for rating in self.ratings}


class Store:
    """People's data in a database; safe for concurrent use by threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self.database = Database(engine)
        self._reading, self._writing = self.database.reading, self.database.writing
        self.groups = groups.Groups(self.database)
        """The groups of friends in the same database."""
        self.catalogs = Catalogs(self.database)
        """What the item ids in the same database mean."""
        self.devices = Devices(self.database)
        """The further devices of the people."""
        self.watchlist = PersonalList(self.database, watchlist)
        """The films that people want to watch."""
        self.not_seen = PersonalList(self.database, not_seen)
        """The films that people need not be asked for, because they have not seen them."""
        self.not_interested = PersonalList(self.database, not_interested)
        """The films that people's lists leave out."""
        self.lists = {
            "watchlist": self.watchlist,
            "not_seen": self.not_seen,
            "not_interested": self.not_interested,
        }
        """All lists, by the names of their tables."""
        self.overview = Overview(self.database)
        """All people and films, for the operator."""
        self.traffic = TrafficLog(self.database)
        """Requests and what people stored, over time."""
        self.rate_tokens = RateTokens(self.database)
        """What clients may still send, if worker processes share it."""
        self.training = TrainingJobs(self.database)
        """The trainings that the operator has started."""
        with self._reading() as connection:
            self.id: str = connection.execute(sa.select(this_database.c.id)).scalar_one()
            """The id of the database: random characters, created with it."""

    @classmethod
    def open(cls, url: str) -> Self:
        """Opens the database at a URL, and creates or migrates its tables.

        Raises:
            StoreError: the database cannot be opened.
        """
        engine = open_engine(url)
        try:
            migrate(engine)
            return cls(engine)
        except StoreError:
            engine.dispose()
            raise

    def close(self) -> None:
        """Closes all connections."""
        self.database.engine.dispose()

    @property
    def kind(self) -> str:
        """The kind of database: "sqlite" or "postgresql"."""
        return self.database.engine.dialect.name

    def check(self) -> None:
        """Raises StoreError if the database does not respond, or its file has been removed or
        replaced."""
        with self._reading() as connection:
            connection.execute(sa.select(people.c.id).limit(1)).all()

    def check_writes(self) -> None:
        """Raises WriteError if nothing can be stored; other errors as in `check`."""
        self.database.check_writes()

    # -- people --------------------------------------------------------------------------

    def create_person(self) -> Credentials:
        """Creates a person with a random token of 256 bits."""
        person = Credentials(secrets.token_hex(16), secrets.token_urlsafe(32))
        with self._writing() as connection:
            row = {"id": person.id, "token_hash": hash_token(person.token), "created_at": now()}
            connection.execute(people.insert(), row)
        self.traffic.count_stored(people=1)
        return person

    def find_person(self, token: str) -> str | None:
        """The id of the person with this token; None if there is none."""
        with self._reading() as connection:
            return person_with_token(connection, token)

    def delete_person(self, person_id: str) -> None:
        """Deletes a person, all their data, and the groups that have no other members."""
        with self._writing() as connection:
            try:
                lock_person(connection, person_id)
            except UnknownPersonError:
                return
            group_ids = groups.lock_groups(connection, groups.group_ids_of(connection, person_id))
            connection.execute(people.delete().where(people.c.id == person_id))
            groups.delete_empty_groups(connection, group_ids)

    def export(self, person_id: str) -> dict[str, Any]:
        """All stored data of a person, as JSON values; times are in Unix seconds.

        Raises:
            UnknownPersonError: there is no such person.
        """
        with self._reading() as connection:
            created = connection.execute(
                sa.select(people.c.created_at).where(people.c.id == person_id)
            ).scalar()
            if created is None:
                raise UnknownPersonError("This person has been deleted.")
            memberships = sa.select(
                group_members.c.group_id,
                group_members.c.name,
                group_members.c.joined_at,
                viewing_groups.c.name.label("group_name"),
                viewing_groups.c.link_token.label("link"),
            ).join(viewing_groups, viewing_groups.c.id == group_members.c.group_id)

            def rows_with_titles(query: "sa.Select[Any]") -> list[dict[str, Any]]:
                rows = query.subquery()
                joined = sa.select(rows, films.c.title, films.c.year, films.c.imdb, films.c.tmdb)
                joined = joined.outerjoin_from(rows, films, films.c.item_id == rows.c.item_id)
                return [row._asdict() for row in connection.execute(joined)]

            return {
                "person_id": person_id,
                "created_at": created,
                "ratings": rows_with_titles(_ratings_of(person_id)),
                **{
                    name: rows_with_titles(rows_of(table, person_id))
                    for name, table in LISTS.items()
                },
                "groups": [
                    row._asdict()
                    for row in connection.execute(
                        memberships.where(group_members.c.person_id == person_id)
                    )
                ],
                "group_marks": [row._asdict() for row in connection.execute(_marks_of(person_id))],
                "set_aside": [
                    row._asdict() for row in connection.execute(_set_aside_of(person_id))
                ],
            }

    # -- ratings and hidden films --------------------------------------------------------

    def load_person(self, person_id: str) -> PersonData:
        """A person's ratings and hidden films; both are empty if the person does not exist."""
        with self._reading() as connection:
            return _load_person(connection, person_id)

    def rate(self, person_id: str, item_id: str, stars: float) -> None:
        """Stores a rating, or replaces the earlier one of the same film; see `rate_many`."""
        self.rate_many(person_id, {item_id: stars})

    def rate_many(
        self,
        person_id: str,
        stars: Mapping[str, float],
        rated_at: Mapping[str, int] | None = None,
    ) -> None:
        """Stores ratings, all or none, replacing earlier ones of the same films. Rated films are
        no longer marked as not interesting or not seen; they stay on the watchlist.

        Args:
            stars: item id -> stars, latest rating last. The caller checks that the model knows
                the items.
            rated_at: item id -> seconds since 1970, for ratings that were given before now.

        Raises:
            UnknownPersonError: there is no such person.
            SettingError: the person would have more than `MAX_RATINGS` ratings, or a number of
                stars is not finite.
        """
        if not stars:
            return
        if not all(map(math.isfinite, stars.values())):
            raise SettingError("Stars must be finite numbers.")
        items, (seconds, nanoseconds) = list(stars), divmod(time.time_ns(), 10**9)
        times = rated_at or {}
        rows = [
            {
                "person_id": person_id,
                "item_id": item,
                "stars": stars[item],
                "rated_at": min(seconds, max(0, times.get(item, seconds))),
                "rated_ns": nanoseconds + position,
            }
            for position, item in enumerate(items)
        ]
        upsert = self.database.insert(ratings)
        upsert = upsert.on_conflict_do_update(
            index_elements=["person_id", "item_id"],
            set_={name: upsert.excluded[name] for name in ("stars", "rated_at", "rated_ns")},
        )
        with self._writing() as connection:
            lock_person(connection, person_id)
            connection.execute(upsert, rows)
            check_film_limit(connection, ratings, person_id)
            for batch in _batches(items):
                for table in (not_interested, not_seen):
                    columns = table.c
                    is_rated = (columns.person_id == person_id) & columns.item_id.in_(batch)
                    connection.execute(table.delete().where(is_rated))
        self.traffic.count_stored(ratings=len(rows))

    def unrate(self, person_id: str, item_id: str) -> bool:
        """Deletes a rating; returns False if there was none."""
        return delete_row(self.database, ratings, person_id, item_id)

    def hide(self, person_id: str, item_id: str) -> None:
        """Marks a film as not interesting for a person; see `PersonalList.add`."""
        self.not_interested.add(person_id, item_id)

    def show(self, person_id: str, item_id: str) -> bool:
        """Reverses `hide`; returns False if the film was not hidden."""
        return self.not_interested.remove(person_id, item_id)

    # -- statistics for the operator -----------------------------------------------------

    def counts(self) -> dict[str, int]:
        """The numbers of people, ratings, hidden films and groups."""
        with self._reading() as connection:
            return {
                name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
                for name, table in (
                    ("people", people),
                    ("ratings", ratings),
                    ("not_interested", not_interested),
                    ("groups", viewing_groups),
                )
            }

    def recent_raters(self, limit: int, min_ratings: int) -> list[PersonData]:
        """The data of the people who rated most recently and have at least `min_ratings`
        ratings."""
        columns = ratings.c
        query = (
            sa.select(columns.person_id)
            .group_by(columns.person_id)
            .having(sa.func.count() >= min_ratings)
        )
        last_rated_at = sa.func.max(columns.rated_at)
        query = query.order_by(last_rated_at.desc(), columns.person_id).limit(limit)
        with self._reading() as connection:
            person_ids = connection.execute(query).scalars().all()
            return [_load_person(connection, person_id) for person_id in person_ids]


def _load_person(connection: sa.Connection, person_id: str) -> PersonData:
    rated = [StoredRating(*row) for row in connection.execute(_ratings_of(person_id))]
    marked = {
        name: [row.item_id for row in connection.execute(rows_of(table, person_id))]
        for name, table in LISTS.items()
    }
    return PersonData(rated, **marked)


def _ratings_of(person_id: str) -> "sa.Select[Any]":
    columns = ratings.c
    query = sa.select(columns.item_id, columns.stars, columns.rated_at).where(
        columns.person_id == person_id
    )
    return query.order_by(columns.rated_at.desc(), columns.rated_ns.desc(), columns.item_id)


def _marks_of(person_id: str) -> "sa.Select[Any]":
    columns = group_marks.c
    query = sa.select(columns.group_id, columns.item_id, columns.kind)
    return query.where(columns.person_id == person_id)


def _set_aside_of(person_id: str) -> "sa.Select[Any]":
    columns = [column for column in set_aside.c if column.name not in ("id", "person_id")]
    return sa.select(*columns).where(set_aside.c.person_id == person_id).order_by(set_aside.c.id)


def _batches(items: list[str]) -> Iterator[list[str]]:
    """Batches below the limit on parameters of one statement."""
    yield from (items[first : first + 500] for first in range(0, len(items), 500))
