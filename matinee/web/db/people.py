"""Store: people, their ratings and what they are not interested in. Every method is one
transaction.

When a method that writes returns, the write is on the disk (see `engine`). Methods block: call
them from a thread. A person is known by a secret token; only its SHA-256 is kept, so that a
stolen database opens no account.
"""

import math
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

import sqlalchemy as sa

from matinee.errors import SettingError, StoreError
from matinee.web.db import groups
from matinee.web.db.engine import migrate, open_engine
from matinee.web.db.schema import (
    group_members,
    not_interested,
    people,
    ratings,
    this_database,
    viewing_groups,
)
from matinee.web.db.transactions import (
    Created,
    Database,
    UnknownPersonError,
    hash_of,
    lock_person,
    now,
)

__all__ = ["Created", "Kept", "Rated", "Store", "UnknownPersonError"]

MOST_RATINGS = 5_000
"""Of one person; as many films that they are not interested in; both are more than anybody
enters by hand."""


class Rated(NamedTuple):
    """One rating; the item's id is text, whichever kind the model's ids are."""

    item_id: str
    stars: float
    rated_at: int


class Kept(NamedTuple):
    """What is known of a person, read at one moment."""

    ratings: list[Rated]
    """The last one first."""
    not_interested: list[str]
    """Item ids."""

    def stars(self) -> dict[str, float]:
        """Item id -> stars."""
        return {one.item_id: one.stars for one in self.ratings}


class Store:
    """The database; safe for use by many threads and processes at once."""

    def __init__(self, engine: sa.Engine) -> None:
        self._database = Database(engine)
        self._reading, self._writing = self._database.reading, self._database.writing
        self.groups = groups.Groups(self._database)
        """Of friends."""
        with self._reading() as connection:
            self.id: str = connection.execute(sa.select(this_database.c.id)).scalar_one()
            """Of the database: a few random letters, made with it."""

    @classmethod
    def open(cls, url: str) -> Self:
        """The store of a database URL, its tables made or brought up to date.

        Raises:
            StoreError: it cannot be opened; says why.
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
        self._database.engine.dispose()

    @property
    def kind(self) -> str:
        """sqlite or postgresql."""
        return self._database.engine.dialect.name

    def check(self) -> None:
        """Raises StoreError if the database does not answer, or its file is another than the
        one that was opened."""
        with self._reading() as connection:
            connection.execute(sa.select(people.c.id).limit(1)).all()

    # -- people --------------------------------------------------------------------------

    def create_person(self) -> Created:
        """A new person, with a random secret of 256 bits."""
        made = Created(secrets.token_hex(16), secrets.token_urlsafe(32))
        with self._writing() as connection:
            row = {"id": made.id, "token_hash": hash_of(made.token), "created_at": now()}
            connection.execute(people.insert(), row)
        return made

    def person_of(self, token: str) -> str | None:
        """The id of the person with this secret; None if there is none."""
        with self._reading() as connection:
            query = sa.select(people.c.id).where(people.c.token_hash == hash_of(token))
            found: str | None = connection.execute(query).scalar()
        return found

    def forget(self, person_id: str) -> None:
        """Deletes a person with all that is theirs, and the groups that nobody else is in."""
        with self._writing() as connection:
            try:
                lock_person(connection, person_id)
            except UnknownPersonError:
                return
            theirs = groups.lock_groups(connection, groups.ids_of(connection, person_id))
            connection.execute(people.delete().where(people.c.id == person_id))
            groups.drop_empty(connection, theirs)

    def export(self, person_id: str) -> dict[str, Any]:
        """All that is kept of a person, for JSON; times are seconds since 1970.

        Raises:
            UnknownPersonError: there is no such person.
        """
        with self._reading() as connection:
            created = connection.execute(
                sa.select(people.c.created_at).where(people.c.id == person_id)
            ).scalar()
            if created is None:
                raise UnknownPersonError("This person has been deleted.")
            joined = sa.select(
                group_members.c.group_id, group_members.c.name, group_members.c.joined_at
            )
            return {
                "person_id": person_id,
                "created_at": created,
                "ratings": [row._asdict() for row in connection.execute(_ratings_of(person_id))],
                "not_interested": [
                    row._asdict() for row in connection.execute(_not_interested_of(person_id))
                ],
                "groups": [
                    dict(row._mapping)
                    for row in connection.execute(
                        joined.where(group_members.c.person_id == person_id)
                    )
                ],
            }

    # -- what they say of films ----------------------------------------------------------

    def kept(self, person_id: str) -> Kept:
        """A person's ratings and what they are not interested in; both are empty for a person
        unknown."""
        with self._reading() as connection:
            return _kept(connection, person_id)

    def rate(self, person_id: str, item_id: str, stars: float) -> None:
        """Keeps a rating, in place of an earlier one of the same film; see `rate_many`."""
        self.rate_many(person_id, {item_id: stars})

    def rate_many(
        self,
        person_id: str,
        stars: Mapping[str, float],
        rated_at: Mapping[str, int] | None = None,
    ) -> None:
        """Keeps ratings, all or none, each in place of an earlier one; rated films are no
        longer "not interested".

        Args:
            stars: item id -> stars, the last one last; whether the model knows them is the
                caller's to check.
            rated_at: item id -> seconds since 1970, for ratings that were given before now.

        Raises:
            UnknownPersonError: there is no such person.
            SettingError: it would be more than `MOST_RATINGS`.
        """
        if not stars:
            return
        if not all(map(math.isfinite, stars.values())):
            raise SettingError("Stars must be numbers, neither infinite nor NaN.")
        items, (second, nanoseconds) = list(stars), divmod(time.time_ns(), 10**9)
        times = rated_at or {}
        rows = [
            {
                "person_id": person_id,
                "item_id": item,
                "stars": stars[item],
                "rated_at": min(second, max(0, times.get(item, second))),
                "rated_ns": nanoseconds + place,
            }
            for place, item in enumerate(items)
        ]
        put = self._database.insert(ratings)
        put = put.on_conflict_do_update(
            index_elements=["person_id", "item_id"],
            set_={name: put.excluded[name] for name in ("stars", "rated_at", "rated_ns")},
        )
        with self._writing() as connection:
            lock_person(connection, person_id)
            connection.execute(put, rows)
            _refuse_too_many(connection, ratings, person_id)
            for part in _parts(items):
                hidden = not_interested.c
                mine = (hidden.person_id == person_id) & hidden.item_id.in_(part)
                connection.execute(not_interested.delete().where(mine))

    def unrate(self, person_id: str, item_id: str) -> bool:
        """Deletes a rating; False if there was none."""
        return self._remove(ratings, person_id, item_id)

    def hide(self, person_id: str, item_id: str) -> None:
        """Keeps that a person is not interested in a film; raises as `rate_many` does."""
        row = {"person_id": person_id, "item_id": item_id, "added_at": now()}
        with self._writing() as connection:
            lock_person(connection, person_id)
            connection.execute(self._database.insert(not_interested).on_conflict_do_nothing(), row)
            _refuse_too_many(connection, not_interested, person_id)

    def show(self, person_id: str, item_id: str) -> bool:
        """Takes back `hide`; False if there was nothing to take back."""
        return self._remove(not_interested, person_id, item_id)

    def _remove(self, table: sa.Table, person_id: str, item_id: str) -> bool:
        with self._writing() as connection:
            theirs = (table.c.person_id == person_id) & (table.c.item_id == item_id)
            return connection.execute(table.delete().where(theirs)).rowcount > 0

    # -- the operator --------------------------------------------------------------------
    # -

    def counts(self) -> dict[str, int]:
        """How many people, ratings, films not of interest and groups there are."""
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

    def last_raters(self, limit: int, enough: int) -> list[Kept]:
        """What the people said who rated last, of those with enough ratings."""
        columns = ratings.c
        query = (
            sa.select(columns.person_id)
            .group_by(columns.person_id)
            .having(sa.func.count() >= enough)
        )
        last = sa.func.max(columns.rated_at)
        with self._reading() as connection:
            found = (
                connection.execute(query.order_by(last.desc(), columns.person_id).limit(limit))
                .scalars()
                .all()
            )
            return [_kept(connection, person_id) for person_id in found]


def _kept(connection: sa.Connection, person_id: str) -> Kept:
    rated = [Rated(*row) for row in connection.execute(_ratings_of(person_id))]
    return Kept(rated, [row.item_id for row in connection.execute(_not_interested_of(person_id))])


def _ratings_of(person_id: str) -> "sa.Select[Any]":
    columns = ratings.c
    query = sa.select(columns.item_id, columns.stars, columns.rated_at).where(
        columns.person_id == person_id
    )
    return query.order_by(columns.rated_at.desc(), columns.rated_ns.desc(), columns.item_id)


def _not_interested_of(person_id: str) -> "sa.Select[Any]":
    columns = not_interested.c
    query = sa.select(columns.item_id, columns.added_at).where(columns.person_id == person_id)
    return query.order_by(columns.added_at.desc(), columns.item_id)


def _refuse_too_many(connection: sa.Connection, table: sa.Table, person_id: str) -> None:
    """After the insert, in its transaction, which the error rolls back."""
    query = sa.select(sa.func.count()).select_from(table).where(table.c.person_id == person_id)
    if connection.execute(query).scalar_one() > MOST_RATINGS:
        raise SettingError(
            f"One person can keep at most {MOST_RATINGS:,} films here; delete some first."
        )


def _parts(items: list[str]) -> Iterator[list[str]]:
    """As many at a time as a statement may have parameters."""
    yield from (items[first : first + 500] for first in range(0, len(items), 500))
