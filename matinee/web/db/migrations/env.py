"""Alembic's environment script: runs the migrations on the connection that
`matinee.web.db.engine.migrate` has opened."""

from alembic import context

from matinee.web.db.schema import METADATA

# SQLite's DDL is transactional too, because the engine sends BEGIN itself; so a migration is
# applied completely or not at all on both databases.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
