"""Transactions on the database, their errors, and whether its file is still the one that was
opened.

What the tables of people and of groups share is here too: secrets of which only a hash is
kept.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from matinee.data.reading.sql import shown_url
from matinee.errors import StoreError
from matinee.web.db.engine import reason
from matinee.web.db.schema import people

DELETED = "This person, or this group, has been deleted."


class Created(NamedTuple):
    """A new person or group, and the only time that their secret is seen."""

    id: str
    token: str


class UnknownPersonError(StoreError):
    """The person is not, or no longer, there."""


class Database:
    """An open database, its tables up to date; safe for use by many threads and processes at
    once."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(writes=True)
        self.insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        is_file = engine.dialect.name == "sqlite"
        self._file = Path(str(engine.url.database)).absolute() if is_file else None
        self._identity = self._identity_now()  # None on PostgreSQL

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing.

        Raises:
            StoreError: the database does not answer, or its file is another than the one that
                was opened.
        """
        with self._told():
            self._refuse_another_file()
            with self.engine.connect() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction; what it wrote is on the disk at its end.

        Raises:
            StoreError: as for `reading`.
            UnknownPersonError: it was about somebody, or a group, that is not there.
        """
        with self._told():
            self._refuse_another_file()
            with self._writer.begin() as connection:
                yield connection
            # Or what is acknowledged could be in a file that nobody finds any more
            self._refuse_another_file()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise UnknownPersonError(DELETED) from None
        except SQLAlchemyError as error:
            raise StoreError(
                f"{shown_url(self.engine.url)} does not answer: {reason(error)}."
            ) from error

    def _refuse_another_file(self) -> None:
        """A file that is removed or replaced stays open here, and SQLite goes on with what
        ends with this process."""
        if self._file is not None and (
            self._identity is None or self._identity_now() != self._identity
        ):
            raise StoreError(
                f"{shown_url(self.engine.url)} has been removed or replaced since it was opened, "
                "so nothing more is "
                "kept in it; stop the server, put the file in its place, and start again."
            )

    def _identity_now(self) -> tuple[int, int] | None:
        """Of the file that is now under the name of the database; None if there is none."""
        if self._file is None:
            return None
        try:
            found = os.stat(self._file)
        except OSError:
            return None
        return found.st_dev, found.st_ino


def hash_of(token: str) -> str:
    """A fast hash is enough: the secrets are random and long, so there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> int:
    """Seconds since 1970, as all times in the database."""
    return int(time.time())


def lock_person(connection: sa.Connection, person_id: str) -> None:
    """Until the end of the transaction nobody else changes what is this person's: so it can be
    counted, and then added to. Always before `groups.lock_groups`, so that no two wait for
    each other. SQLite has one writer at a time anyway.

    Raises:
        UnknownPersonError: there is no such person.
    """
    query = sa.select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)
    if connection.execute(query).first() is None:
        raise UnknownPersonError(DELETED)
