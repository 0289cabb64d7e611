"""Store: people, their ratings and what they are not interested in. Every method is one transaction.

When a method that writes returns, the write is on the disk (see `engine`). Methods block: call them from a thread.
A person is known by a secret token; only its SHA-256 is kept, so that a stolen database opens no account.
"""

import hashlib
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from matinee.errors import SettingError, StoreError
from matinee.web.engine import migrate, open_engine, reason, shown_url
from matinee.web.tables import group_members, not_interested, people, ratings, viewing_groups

MOST_RATINGS = 5_000
"""Of one person; as many films that they are not interested in; both are more than anybody enters by hand."""


class Created(NamedTuple):
    """A new person or group, and the only time that their secret is seen."""

    id: str
    token: str


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


class Member(NamedTuple):
    """Somebody in a group."""

    person_id: str
    name: str


class UnknownPersonError(StoreError):
    """The person is not, or no longer, there."""


class Store:
    """The database; safe for use by many threads and processes at once."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    @classmethod
    def open(cls, url: str) -> Self:
        """The store of a database URL, its tables made or brought up to date.

        Raises:
            StoreError: it cannot be opened; says why.
        """
        engine = open_engine(url)
        try:
            migrate(engine)
        except StoreError:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    @property
    def kind(self) -> str:
        """sqlite or postgresql."""
        return self._engine.dialect.name

    def check(self) -> None:
        """Raises StoreError if the database does not answer."""
        with self._reading() as connection:
            connection.execute(sa.select(people.c.id).limit(1)).all()

    # -- people ------------------------------------------------------------------------------------------------

    def create_person(self) -> Created:
        """Somebody new, with a random secret of 256 bits."""
        made = Created(secrets.token_hex(16), secrets.token_urlsafe(32))
        with self._writing() as connection:
            row = {"id": made.id, "token_hash": _hash(made.token), "created_at": _now()}
            connection.execute(people.insert(), row)
        return made

    def person_of(self, token: str) -> str | None:
        """The id of the person with this secret; None if there is none."""
        with self._reading() as connection:
            query = sa.select(people.c.id).where(people.c.token_hash == _hash(token))
            found: str | None = connection.execute(query).scalar()
        return found

    def forget(self, person_id: str) -> None:
        """Deletes a person with all that is theirs, and the groups that nobody else is in."""
        with self._writing() as connection:
            connection.execute(people.delete().where(people.c.id == person_id))
            _drop_empty_groups(connection)

    def export(self, person_id: str) -> dict[str, Any]:
        """All that is kept of a person, for JSON; times are seconds since 1970.

        Raises:
            UnknownPersonError: there is no such person.
        """
        with self._reading() as connection:
            created = connection.execute(sa.select(people.c.created_at).where(people.c.id == person_id)).scalar()
            if created is None:
                raise UnknownPersonError("This person has been deleted.")
            joined = sa.select(group_members.c.group_id, group_members.c.name, group_members.c.joined_at)
            return {
                "person_id": person_id,
                "created_at": created,
                "ratings": [row._asdict() for row in connection.execute(_ratings_of(person_id))],
                "not_interested": [row._asdict() for row in connection.execute(_not_interested_of(person_id))],
                "groups": [
                    dict(row._mapping)
                    for row in connection.execute(joined.where(group_members.c.person_id == person_id))
                ],
            }

    # -- what they say of films --------------------------------------------------------------------------------

    def kept(self, person_id: str) -> Kept:
        """A person's ratings and what they are not interested in; both are empty for somebody unknown."""
        with self._reading() as connection:
            rated = [Rated(*row) for row in connection.execute(_ratings_of(person_id))]
            return Kept(rated, [row.item_id for row in connection.execute(_not_interested_of(person_id))])

    def rate(self, person_id: str, item_id: str, stars: float) -> None:
        """Keeps a rating, in place of an earlier one of the same film; see `rate_many`."""
        self.rate_many(person_id, {item_id: stars})

    def rate_many(self, person_id: str, stars: Mapping[str, float]) -> None:
        """Keeps ratings, all or none, each in place of an earlier one; rated films are no longer "not interested".

        Args:
            stars: item id -> stars; whether the model knows them is the caller's to check.

        Raises:
            UnknownPersonError: there is no such person.
            SettingError: it would be more than `MOST_RATINGS`.
        """
        if not stars:
            return
        now, items = _now(), list(stars)
        rows = [{"person_id": person_id, "item_id": item, "stars": stars[item], "rated_at": now} for item in items]
        put = self._insert(ratings)
        put = put.on_conflict_do_update(
            index_elements=["person_id", "item_id"],
            set_={"stars": put.excluded.stars, "rated_at": put.excluded.rated_at},
        )
        with self._writing() as connection:
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
        row = {"person_id": person_id, "item_id": item_id, "added_at": _now()}
        with self._writing() as connection:
            connection.execute(self._insert(not_interested).on_conflict_do_nothing(), row)
            _refuse_too_many(connection, not_interested, person_id)

    def show(self, person_id: str, item_id: str) -> bool:
        """Takes back `hide`; False if there was nothing to take back."""
        return self._remove(not_interested, person_id, item_id)

    def _remove(self, table: sa.Table, person_id: str, item_id: str) -> bool:
        with self._writing() as connection:
            theirs = (table.c.person_id == person_id) & (table.c.item_id == item_id)
            return connection.execute(table.delete().where(theirs)).rowcount > 0

    # -- groups ------------------------------------------------------------------------------------------------

    def create_group(self, person_id: str, name: str) -> Created:
        """A new group with its first member; the token belongs into the link that they send to friends."""
        made = Created(secrets.token_hex(16), secrets.token_urlsafe(16))
        with self._writing() as connection:
            row = {"id": made.id, "link_hash": _hash(made.token), "created_at": _now()}
            connection.execute(viewing_groups.insert(), row)
            connection.execute(group_members.insert(), _membership(made.id, person_id, name))
        return made

    def group_of(self, token: str) -> str | None:
        """The id of the group with this secret in its link; None if there is none."""
        with self._reading() as connection:
            query = sa.select(viewing_groups.c.id).where(viewing_groups.c.link_hash == _hash(token))
            found: str | None = connection.execute(query).scalar()
        return found

    def groups_of(self, person_id: str) -> list[str]:
        """The ids of the groups that a person is in, the last one that they joined first."""
        columns = group_members.c
        query = sa.select(columns.group_id).where(columns.person_id == person_id)
        with self._reading() as connection:
            return list(connection.execute(query.order_by(columns.joined_at.desc(), columns.group_id)).scalars())

    def renew_link(self, group_id: str) -> str:
        """Another token for a group's link; the one before opens nothing any more."""
        token = secrets.token_urlsafe(16)
        with self._writing() as connection:
            connection.execute(
                viewing_groups.update().where(viewing_groups.c.id == group_id).values(link_hash=_hash(token))
            )
        return token

    def join(self, group_id: str, person_id: str, name: str) -> None:
        """Adds a person to a group, or gives them another name there; raises UnknownPersonError if either is gone."""
        put = self._insert(group_members)
        put = put.on_conflict_do_update(index_elements=["group_id", "person_id"], set_={"name": put.excluded.name})
        with self._writing() as connection:
            connection.execute(put, _membership(group_id, person_id, name))

    def leave(self, group_id: str, person_id: str) -> None:
        """Takes a person out of a group; a group without members goes."""
        with self._writing() as connection:
            theirs = (group_members.c.group_id == group_id) & (group_members.c.person_id == person_id)
            connection.execute(group_members.delete().where(theirs))
            _drop_empty_groups(connection)

    def members(self, group_id: str) -> list[Member]:
        """Who is in a group, in the order in which they came."""
        columns = group_members.c
        query = sa.select(columns.person_id, columns.name).where(columns.group_id == group_id)
        with self._reading() as connection:
            return [Member(*row) for row in connection.execute(query.order_by(columns.joined_at, columns.person_id))]

    # -- the operator ------------------------------------------------------------------------------------------

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

    def last_raters(self, limit: int, enough: int) -> list[list[tuple[str, float]]]:
        """The ratings of the people who rated last, of those with enough: (item id, stars), the last one first."""
        columns = ratings.c
        query = sa.select(columns.person_id).group_by(columns.person_id).having(sa.func.count() >= enough)
        last = sa.func.max(columns.rated_at)
        with self._reading() as connection:
            found = connection.execute(query.order_by(last.desc(), columns.person_id).limit(limit)).scalars().all()
            rated = [connection.execute(_ratings_of(person_id)) for person_id in found]
            return [[(row.item_id, row.stars) for row in rows] for rows in rated]

    # -- transactions ------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._told(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._told(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise UnknownPersonError("This person, or this group, has been deleted.") from None
        except SQLAlchemyError as error:
            raise StoreError(f"{shown_url(self._engine)} does not answer: {reason(error)}.") from error


def _hash(token: str) -> str:
    """A fast hash is enough: the secrets are random and long, so there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> int:
    return int(time.time())


def _ratings_of(person_id: str) -> "sa.Select[Any]":
    columns = ratings.c
    query = sa.select(columns.item_id, columns.stars, columns.rated_at).where(columns.person_id == person_id)
    return query.order_by(columns.rated_at.desc(), columns.item_id)


def _not_interested_of(person_id: str) -> "sa.Select[Any]":
    columns = not_interested.c
    query = sa.select(columns.item_id, columns.added_at).where(columns.person_id == person_id)
    return query.order_by(columns.added_at.desc(), columns.item_id)


def _membership(group_id: str, person_id: str, name: str) -> dict[str, Any]:
    return {"group_id": group_id, "person_id": person_id, "name": name, "joined_at": _now()}


def _refuse_too_many(connection: sa.Connection, table: sa.Table, person_id: str) -> None:
    """After the insert, in its transaction, which the error rolls back."""
    query = sa.select(sa.func.count()).select_from(table).where(table.c.person_id == person_id)
    if connection.execute(query).scalar_one() > MOST_RATINGS:
        raise SettingError(f"One person can keep at most {MOST_RATINGS:,} films here; delete some first.")


def _drop_empty_groups(connection: sa.Connection) -> None:
    has_members = sa.exists().where(group_members.c.group_id == viewing_groups.c.id)
    connection.execute(viewing_groups.delete().where(~has_members))


def _parts(items: list[str]) -> Iterator[list[str]]:
    """As many at a time as a statement may have parameters."""
    yield from (items[first : first + 500] for first in range(0, len(items), 500))
