"""Opening the database: SQLite in a file, or PostgreSQL by a URL; each keeps what it has
acknowledged.

A commit returns when the data is on the disk: SQLite in WAL mode with synchronous=FULL,
PostgreSQL with synchronous_commit=on. So what was acknowledged survives SIGKILL, and a power
cut as far as the disk is honest.
"""

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from matinee.data.reading.sql import EXAMPLES, address_of, shown_url
from matinee.errors import DataError, StoreError

CONNECTIONS = 16
"""At most, in each process."""
SECONDS = 5
"""The longest that one statement, or the wait for a lock or a connection, may take."""

_MIGRATIONS = Path(__file__).parent / "migrations"
# The advisory lock of PostgreSQL under which one process migrates; "matinee"
_MIGRATING = 0x6D_61_74_69_6E_65_65


def open_engine(url: str) -> sa.Engine:
    """An engine for a database URL; nothing is connected yet. A path without `://` is a file
    of SQLite.

    Raises:
        StoreError: the URL is none, of another kind of database, or of one in memory, which
            would keep nothing.
    """
    try:
        address = address_of(url)
        kind = address.get_backend_name()
        if kind == "sqlite":
            return _sqlite(address)
        if kind == "postgresql":
            return _postgresql(address)
    except DataError as error:
        raise StoreError(str(error)) from None
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise StoreError(f"This is not a valid database URL. {EXAMPLES}") from None
    raise StoreError(f"Ratings can be kept in SQLite or PostgreSQL, not in {kind}. {EXAMPLES}")


def migrate(engine: sa.Engine) -> None:
    """Brings the tables up to date, or makes them; of several processes one does, and the
    others wait for it.

    Raises:
        StoreError: the database cannot be reached or written, or a newer matinee has made it.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    shown = shown_url(engine.url)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SET LOCAL statement_timeout = '60s'"))
                connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"{shown} was made by a newer matinee than this one ({error}); update this one."
        ) from None
    except SQLAlchemyError as error:
        raise StoreError(f"{shown} cannot be opened: {reason(error)}. {EXAMPLES}") from error


def reason(error: SQLAlchemyError) -> str:
    """The first line of what the database says, without the statement and its values, which
    may be personal."""
    cause: object = (
        error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    )
    return str(cause).strip().split("\n")[0].rstrip(".") or type(cause).__name__


def _sqlite(address: sa.URL) -> sa.Engine:
    if not address.database or address.database == ":memory:" or "mode" in address.query:
        raise StoreError(
            f"A database in memory forgets everything when the server stops. {EXAMPLES}"
        )
    engine = sa.create_engine(
        address,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=SECONDS,
        connect_args={"timeout": SECONDS},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # so that BEGIN is said where `_begin_sqlite` says it
    cursor = connection.cursor()
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(
        "PRAGMA secure_delete = ON"
    )  # what somebody deletes is overwritten, not only forgotten
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """The switch to WAL waits for nobody when two processes make it at once, so it is tried
    again."""
    import sqlite3

    deadline = time.monotonic() + SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: sa.Connection) -> None:
    # Who is going to write takes the lock first: who has read before cannot get it while
    # somebody
    # else writes.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(address: sa.URL) -> sa.Engine:
    limits = f"-c synchronous_commit=on -c statement_timeout={SECONDS}s -c lock_timeout={SECONDS}s"
    return sa.create_engine(
        address,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=SECONDS,
        # A connection that a restarted database has dropped is replaced, and nobody notices
        pool_pre_ping=True,
        connect_args={"options": limits, "connect_timeout": SECONDS, "application_name": "matinee"},
    )
