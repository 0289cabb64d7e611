"""Database engines for SQLite files and PostgreSQL URLs, configured so that commits are durable.

A commit returns when the data is on the disk: SQLite runs in WAL mode with synchronous=FULL,
PostgreSQL with synchronous_commit=on. Committed data therefore survives SIGKILL, and a power
failure if the disk does not report writes too early.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from matinee.data.reading.sql import EXAMPLES, address_of, shown_url
from matinee.errors import DataError, StoreError

if TYPE_CHECKING:
    import sqlite3

MAX_CONNECTIONS = 16
"""The maximum number of connections per process."""
TIMEOUT_SECONDS = 5
"""The timeout of a statement, and of waiting for a lock or a connection."""

_MIGRATIONS = Path(__file__).parent / "migrations"
# The key of the PostgreSQL advisory lock that is held during migrations: "matinee" in ASCII
_MIGRATION_LOCK = 0x6D_61_74_69_6E_65_65


def open_engine(url: str) -> sa.Engine:
    """Creates an engine for a database URL without connecting. Text without `://` is the path of
    an SQLite file.

    Raises:
        StoreError: the URL is invalid, or names an unsupported or in-memory database.
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
    raise StoreError(f"Ratings can be stored in SQLite or PostgreSQL, not in {kind}. {EXAMPLES}")


def migrate(engine: sa.Engine) -> None:
    """Creates the tables, or migrates them to the newest version. If several processes call this,
    one migrates and the others wait for it.

    Raises:
        StoreError: the database cannot be reached or written, or a newer version of matinee has
            created it.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    shown = shown_url(engine.url)
    try:
        with engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SET LOCAL statement_timeout = '60s'"))
                connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"The database {shown} was created by a newer version of matinee ({error}). "
            "Update matinee."
        ) from None
    except SQLAlchemyError as error:
        raise StoreError(
            f"Cannot open the database {shown}: {error_reason(error)}. {EXAMPLES}"
        ) from error


def error_reason(error: SQLAlchemyError) -> str:
    """The first line of the database's own message. The statement and its values are left out,
    because they may contain personal data."""
    cause: object = (
        error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    )
    return str(cause).strip().split("\n")[0].rstrip(".") or type(cause).__name__


def write_problem(error: SQLAlchemyError) -> str | None:
    """What keeps a database that answers from being written, as the end of a sentence; None for
    an error of another kind."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    name = str(getattr(cause, "sqlite_errorname", "") or getattr(cause, "sqlstate", "") or "")
    return next((text for start, text in _WRITE_PROBLEMS.items() if name.startswith(start)), None)


_WRITE_PROBLEMS = {
    "SQLITE_READONLY": "is read-only",
    "SQLITE_PERM": "is read-only",
    "SQLITE_FULL": "has no more room on its disk",
    "SQLITE_IOERR": "cannot be written on its disk",
    "SQLITE_BUSY": "is locked by another program",
    "SQLITE_LOCKED": "is locked by another program",
    "25006": "is read-only",
    "53100": "has no more room on its disk",
    "58030": "cannot be written on its disk",
    "55P03": "is locked by another program",
    "57014": "takes too long to write",
}
"""Beginning of SQLite's name of an error, or PostgreSQL's code -> what it means."""


def _sqlite(address: sa.URL) -> sa.Engine:
    if not address.database or address.database == ":memory:" or "mode" in address.query:
        raise StoreError(
            f"An in-memory database loses everything when the server stops. {EXAMPLES}"
        )
    engine = sa.create_engine(
        address,
        pool_size=MAX_CONNECTIONS,
        max_overflow=0,
        pool_timeout=TIMEOUT_SECONDS,
        connect_args={"timeout": TIMEOUT_SECONDS},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: "sqlite3.Connection", _record: object) -> None:
    connection.isolation_level = None  # the driver must not send BEGIN; `_begin_sqlite` does
    cursor = connection.cursor()
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # overwrites deleted rows with zeros
    cursor.close()


def _use_wal(cursor: "sqlite3.Cursor") -> None:
    """Switches to WAL mode. Retries, because SQLite's busy timeout does not apply when two
    processes switch at the same time."""
    import sqlite3

    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that will write takes the write lock at once: after a read, it could not get
    # the lock while another connection writes
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(address: sa.URL) -> sa.Engine:
    timeouts = f"-c statement_timeout={TIMEOUT_SECONDS}s -c lock_timeout={TIMEOUT_SECONDS}s"
    return sa.create_engine(
        address,
        pool_size=MAX_CONNECTIONS,
        max_overflow=0,
        pool_timeout=TIMEOUT_SECONDS,
        pool_pre_ping=True,  # replaces connections that a restarted database has dropped
        connect_args={
            "options": f"-c synchronous_commit=on {timeouts}",
            "connect_timeout": TIMEOUT_SECONDS,
            "application_name": "matinee",
        },
    )
