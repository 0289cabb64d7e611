"""The tables of the database."""

from matinee.web.db.engine import open_engine
from matinee.web.db.people import Store
from matinee.web.db.schema import METADATA


def test_the_migrations_create_the_tables_of_the_schema(database: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    Store.open(database).close()
    engine = open_engine(database)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()
