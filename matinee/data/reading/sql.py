"""Ratings from a database, by SQLAlchemy; how database URLs are parsed and shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import sqlalchemy
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from matinee.errors import DataError

_BATCH = 1 << 15  # rows, which are Python objects at first
EXAMPLES = "Give a file, as in sqlite:///people.db, or postgresql://user:password@host/name."


def address_of(url: str) -> sqlalchemy.URL:
    """The address of a server's database, from a URL or, without `://`, the name of an SQLite
    file.

    Raises:
        DataError: it is not a database URL, or an SQLite `file:` name, which may mean memory.
    """
    if "://" not in url:
        address = sqlalchemy.URL.create("sqlite", database=url)
    else:
        try:
            address = sqlalchemy.make_url(url)
        except (ArgumentError, ValueError):
            raise DataError(f"This is not a valid database URL. {EXAMPLES}") from None
    if address.get_backend_name() == "sqlite" and (address.database or "").startswith("file:"):
        raise DataError(f"Database names that begin with 'file:' are not supported. {EXAMPLES}")
    if address.get_backend_name() in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    return address


def shown_url(address: sqlalchemy.URL) -> str:
    """A database URL for messages and logs, without anything that may hold a user or
    password."""
    bare = sqlalchemy.URL.create(
        address.get_backend_name(), host=address.host, port=address.port, database=address.database
    )
    return bare.render_as_string()


def frame_of_query(url: str | sqlalchemy.URL, query: str | None) -> tuple[str, pl.DataFrame]:
    """The name of a database, and the rows of a query; without one, those of the table
    `ratings`.

    Args:
        url: a database URL, such as sqlite:///films.db; messages never show its password.

    Raises:
        DataError: the database, its driver or the table is missing, or the query fails.
    """
    address, engine = _engine_of(url)
    shown = shown_url(address)
    try:
        with engine.connect() as connection:
            statement = query or _default_query(connection, shown)
            frame = pl.read_database(statement, connection, infer_schema_length=None)
    except DataError:
        raise
    except Exception as error:  # drivers raise errors of their own besides SQLAlchemy's
        raise DataError(f"{shown}: the query failed: {_reason_of(error)}") from None
    finally:
        engine.dispose()
    return Path(address.database or address.get_backend_name()).stem, frame


@contextmanager
def rows_of_query(
    url: str | sqlalchemy.URL, query: str | None
) -> Iterator[tuple[str, Iterator[pl.DataFrame]]]:
    """`frame_of_query`, as frames that are fetched one after the other within the block."""
    address, engine = _engine_of(url)
    shown = shown_url(address)

    def frames(connection: sqlalchemy.Connection, statement: str) -> Iterator[pl.DataFrame]:
        try:
            yield from pl.read_database(
                statement,
                connection,
                iter_batches=True,
                batch_size=_BATCH,
                infer_schema_length=None,
            )
        except Exception as error:  # drivers raise errors of their own besides SQLAlchemy's
            raise DataError(f"{shown}: the query failed: {_reason_of(error)}") from None

    try:
        with engine.connect().execution_options(stream_results=True) as connection:
            statement = query or _default_query(connection, shown)
            yield (
                Path(address.database or address.get_backend_name()).stem,
                frames(connection, statement),
            )
    except SQLAlchemyError as error:
        raise DataError(f"{shown}: the query failed: {_reason_of(error)}") from None
    finally:
        engine.dispose()


def has_table(url: str | sqlalchemy.URL, name: str) -> bool:
    """Whether a database has a table.

    Raises:
        DataError: the database or its driver is missing, or it does not respond.
    """
    address, engine = _engine_of(url)
    try:
        return sqlalchemy.inspect(engine).has_table(name)
    except SQLAlchemyError as error:
        raise DataError(f"{shown_url(address)}: {_reason_of(error)}") from None
    finally:
        engine.dispose()


def _engine_of(url: str | sqlalchemy.URL) -> tuple[sqlalchemy.URL, sqlalchemy.Engine]:
    try:
        address = sqlalchemy.make_url(url)
        shown = shown_url(address)
        _refuse_missing_file(address, shown)
        return address, sqlalchemy.create_engine(address)
    except (NoSuchModuleError, ArgumentError, ValueError):
        kind = str(url).split("://")[0]
        hint = ""
        if kind in {"http", "https", "ftp", "s3", "gs"}:
            hint = " Download the file first."
        raise DataError(f"'{kind}://' is not a supported kind of database.{hint}") from None
    except ModuleNotFoundError as error:
        raise DataError(
            f"{shown} needs the driver {error.name}: pip install {error.name}"
        ) from None


def _reason_of(error: Exception) -> str:
    """The first line of the driver's own message."""
    cause: object = error
    if isinstance(error, SQLAlchemyError) and hasattr(error, "orig"):
        cause = error.orig
    return str(cause).split("\n")[0] or type(cause).__name__


def _refuse_missing_file(address: sqlalchemy.URL, shown: str) -> None:
    """Raises DataError if the file is missing: SQLite would create an empty database."""
    path = address.database
    if address.get_backend_name() != "sqlite" or not path or path == ":memory:":
        return
    if not path.startswith("file:") and not Path(path).is_file():
        raise DataError(f"There is no database file {path} ({shown}).")


def _default_query(connection: sqlalchemy.Connection, shown: str) -> str:
    tables = sqlalchemy.inspect(connection).get_table_names()
    for table in tables:
        if table.lower() == "ratings":
            return f"SELECT * FROM {connection.dialect.identifier_preparer.quote(table)}"
    found = ", ".join(tables[:12]) or "none"
    raise DataError(
        f"{shown} has no table named ratings; its tables are: {found}. Give a query with --query."
    )
