"""Transactions, translation of database errors, and a check that the SQLite file has not been
removed or replaced.

Also holds what the modules for people and groups share: tokens, hashes and locks.
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
from matinee.web.db.engine import error_reason
from matinee.web.db.schema import people

MOVE_LOCK = 0x6D_61_74_69_6E_65_6D
"""The key of the PostgreSQL advisory lock that writers share and a move of all ratings holds
alone."""
DELETED_MESSAGE = "This person or group has been deleted."


class Credentials(NamedTuple):
    """The id and token of a new person or group. The token cannot be read again later."""

    id: str
    token: str


class UnknownPersonError(StoreError):
    """The person or group does not exist, or has been deleted."""


class Database:
    """An open, migrated database; safe for concurrent use by threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(writes=True)
        self.insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        is_file = engine.dialect.name == "sqlite"
        self._file = Path(str(engine.url.database)).absolute() if is_file else None
        self._opened_file = self._file_identity()  # None on PostgreSQL
        self._n_moves: int | None = None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Opens a read-only transaction.

        Raises:
            StoreError: the database does not respond, or its file has been removed or replaced.
        """
        with self._translated_errors():
            self._check_file()
            with self.engine.connect() as connection:
                self._check_moves(connection)
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Opens a write transaction; when the block ends, its changes are on the disk.

        Raises:
            StoreError: as for `reading`.
            UnknownPersonError: a row refers to a person or group that does not exist.
        """
        with self._translated_errors():
            self._check_file()
            with self._writer.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(MOVE_LOCK)))
                self._check_moves(connection)
                yield connection
            # If the file was replaced during the transaction, the changes are in the old file
            self._check_file()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise UnknownPersonError(DELETED_MESSAGE) from None
        except SQLAlchemyError as error:
            raise StoreError(
                f"Cannot use the database {shown_url(self.engine.url)}: {error_reason(error)}."
            ) from error

    def _check_moves(self, connection: sa.Connection) -> None:
        """Raises StoreError if all ratings have been moved to the ids of another catalog since
        the database was opened: this process would take them for those of other films."""
        n_moves = connection.exec_driver_sql("SELECT n_moves FROM this_database").scalar_one()
        if self._n_moves is None:
            self._n_moves = n_moves
        elif n_moves != self._n_moves:
            raise StoreError(
                f"The ratings in {shown_url(self.engine.url)} have been moved to another catalog "
                "since it was opened. Restart the server with a model of that catalog."
            )

    def _check_file(self) -> None:
        """Raises StoreError if the SQLite file has been removed or replaced. The old file would
        stay open, and everything written to it would be lost when this process ends."""
        if self._file is not None and (
            self._opened_file is None or self._file_identity() != self._opened_file
        ):
            raise StoreError(
                f"The database file of {shown_url(self.engine.url)} has been removed or replaced "
                "since it was opened, so nothing more can be stored in it. Stop the server, put "
                "the file back, and start the server again."
            )

    def _file_identity(self) -> tuple[int, int] | None:
        """Device and inode of the file at the database's path; None if there is no file."""
        if self._file is None:
            return None
        try:
            status = os.stat(self._file)
        except OSError:
            return None
        return status.st_dev, status.st_ino


def hash_token(token: str) -> str:
    """The SHA-256 of a token. A fast hash is enough, because tokens are long and random."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def now() -> int:
    """The current time in Unix seconds."""
    return int(time.time())


def lock_person(connection: sa.Connection, person_id: str) -> None:
    """Locks a person's data until the end of the transaction, so that rows can be counted before
    others are added. To avoid deadlocks, call it before `groups.lock_groups`, never after.
    On SQLite the lock has no effect, because there is only one writer at a time.

    Raises:
        UnknownPersonError: there is no such person.
    """
    query = sa.select(people.c.id).where(people.c.id == person_id).with_for_update(key_share=True)
    if connection.execute(query).first() is None:
        raise UnknownPersonError(DELETED_MESSAGE)
