"""Transactions, translation of database errors, and a check that the SQLite file has not been
removed or replaced.

Also holds what the modules for people and groups share: tokens, hashes and locks.
"""

import hashlib
import os
import secrets
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
from matinee.web.db.engine import TIMEOUT_SECONDS, error_reason, write_problem
from matinee.web.db.schema import people, traffic

MOVE_LOCK = 0x6D_61_74_69_6E_65_6D
"""The key of the PostgreSQL advisory lock that writers share and a move of all ratings holds
alone."""
_SECONDS_BETWEEN_CHECKS = 5.0
_WAIT_MILLISECONDS = 300
DELETED_MESSAGE = "This person or group has been deleted."


class Credentials(NamedTuple):
    """The id and token of a new person or group. The token cannot be read again later."""

    id: str
    token: str


class UnknownPersonError(StoreError):
    """The person or group does not exist, or has been deleted."""


class WriteError(StoreError):
    """The database can be read, but not written.

    Attributes:
        reason: why, as the end of a sentence.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


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
        self._written_at = float("-inf")

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
            WriteError: the database is read-only, full or locked.
            UnknownPersonError: a row refers to a person or group that does not exist.
        """
        with self._translated_errors(writes=True):
            self._check_file()
            with self._writer.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(MOVE_LOCK)))
                self._check_moves(connection)
                yield connection
            # If the file was replaced during the transaction, the changes are in the old file
            self._check_file()
            self._written_at = time.monotonic()

    @contextmanager
    def unsafe_writing(self) -> Iterator[sa.Connection]:
        """Opens a write transaction for what may be lost; it does not wait for the disk.

        Raises:
            StoreError: as for `writing`.
        """
        with self._translated_errors(), self._writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection

    def check_writes(self) -> None:
        """Writes a row and deletes it, unless something has been written a moment ago.

        Raises:
            StoreError, WriteError: as for `writing`; sooner if the database is locked.
        """
        if time.monotonic() - self._written_at < _SECONDS_BETWEEN_CHECKS:
            return
        # Larger than a page, so that it needs room on the disk
        row = {"starts_at": -1 - secrets.randbits(60), "seconds": 0, "durations": " " * 10_000}
        numbers = dict.fromkeys(("requests", "refusals", "errors", "lists", "ratings", "people"), 0)
        with self._translated_errors(writes=True):
            self._check_file()
            with self._writer.connect() as connection, _short_wait(connection), connection.begin():
                connection.execute(traffic.insert(), row | numbers)
                connection.execute(traffic.delete().where(traffic.c.starts_at == row["starts_at"]))
            self._written_at = time.monotonic()

    @contextmanager
    def _translated_errors(self, *, writes: bool = False) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise UnknownPersonError(DELETED_MESSAGE) from None
        except SQLAlchemyError as error:
            shown = shown_url(self.engine.url)
            reason = write_problem(error) if writes else None
            if reason is not None:
                self._written_at = float("-inf")
                message = f"The database {shown} {reason}: {error_reason(error)}."
                raise WriteError(message, reason) from error
            raise StoreError(f"Cannot use the database {shown}: {error_reason(error)}.") from error

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


@contextmanager
def _short_wait(connection: sa.Connection) -> Iterator[None]:
    """Waits only for a moment if SQLite is locked."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.cursor()
    driver.execute(f"PRAGMA busy_timeout = {_WAIT_MILLISECONDS}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout = {1000 * TIMEOUT_SECONDS}")
        driver.close()


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
