"""Ratings from a database, through SQLAlchemy; and how the URLs of databases are read and shown."""

from pathlib import Path

import polars as pl
import sqlalchemy
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from matinee.errors import DataError

EXAMPLES = "Give a file, as in sqlite:///people.db, or postgresql://user:password@host/name."


def address_of(url: str) -> sqlalchemy.URL:
    """Where a server keeps people's ratings: a database URL, or without `://` the very name of a file of SQLite.

    Raises:
        DataError: it is no such URL, or one of SQLite's own `file:` names, which may mean memory.
    """
    if "://" not in url:
        address = sqlalchemy.URL.create("sqlite", database=url)
    else:
        try:
            address = sqlalchemy.make_url(url)
        except (ArgumentError, ValueError):
            raise DataError(f"This is no URL of a database. {EXAMPLES}") from None
    if address.get_backend_name() == "sqlite" and (address.database or "").startswith("file:"):
        raise DataError(f"A name that begins with 'file:' is not taken for a database. {EXAMPLES}")
    is_postgresql = address.get_backend_name() in ("postgresql", "postgres")
    return address.set(drivername="postgresql+psycopg") if is_postgresql else address


def shown_url(address: sqlalchemy.URL) -> str:
    """A database URL for people and logs: without user and password, and without its query, which may hold both too."""
    bare = sqlalchemy.URL.create(
        address.get_backend_name(), host=address.host, port=address.port, database=address.database
    )
    return bare.render_as_string()


def frame_of_query(url: str | sqlalchemy.URL, query: str | None) -> tuple[str, pl.DataFrame]:
    """The name of a database and the rows of a query; without a query, those of its table `ratings`.

    Args:
        url: a database URL, such as sqlite:///films.db; a password in it is not shown.

    Raises:
        DataError: the database, its driver or the table is missing, or the query fails.
    """
    try:
        address = sqlalchemy.make_url(url)
        shown = shown_url(address)
        _refuse_missing_file(address, shown)
        engine = sqlalchemy.create_engine(address)
    except (NoSuchModuleError, ArgumentError, ValueError):
        kind = str(url).split("://")[0]
        hint = " Fetch the file first." if kind in {"http", "https", "ftp", "s3", "gs"} else ""
        raise DataError(f"'{kind}://' is no kind of database that is known here.{hint}") from None
    except ModuleNotFoundError as error:
        raise DataError(f"{shown} needs the driver {error.name}: pip install {error.name}") from None
    try:
        with engine.connect() as connection:
            statement = query or _default_query(connection, shown)
            frame = pl.read_database(statement, connection, infer_schema_length=None)
    except DataError:
        raise
    except Exception as error:  # drivers raise errors of their own beside SQLAlchemy's
        cause = error.orig if isinstance(error, SQLAlchemyError) and hasattr(error, "orig") else error
        reason = str(cause).split("\n")[0] or type(cause).__name__
        raise DataError(f"{shown}: the query failed: {reason}") from None
    finally:
        engine.dispose()
    return Path(address.database or address.get_backend_name()).stem, frame


def _refuse_missing_file(address: sqlalchemy.URL, shown: str) -> None:
    """SQLite would make an empty database of a name that is misspelt."""
    path = address.database
    if address.get_backend_name() != "sqlite" or not path or path == ":memory:" or path.startswith("file:"):
        return
    if not Path(path).is_file():
        raise DataError(f"There is no database file {path} ({shown}).")


def _default_query(connection: sqlalchemy.Connection, shown: str) -> str:
    tables = sqlalchemy.inspect(connection).get_table_names()
    name = next((table for table in tables if table.lower() == "ratings"), None)
    if name is None:
        found = ", ".join(tables[:12]) or "none"
        raise DataError(f"{shown} has no table named ratings; its tables are: {found}. Give a query with --query.")
    quoted = connection.dialect.identifier_preparer.quote(name)
    return f"SELECT * FROM {quoted}"
