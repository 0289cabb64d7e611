"""Fixtures of the tests of the database."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from matinee.web.db.engine import open_engine
from matinee.web.db.people import Store


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """An open store on an empty database of either kind."""
    opened = Store.open(database)
    yield opened
    opened.close()


def select_rows(database: str, query: str) -> list[tuple[object, ...]]:
    """The rows of a query on a database."""
    engine = open_engine(database)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found
