"""Run by Alembic: applies the steps on the connection that `matinee.web.db.engine.migrate` has
opened."""

from alembic import context

from matinee.web.db.schema import METADATA

# DDL of SQLite is transactional too, once BEGIN is said by us; so a step happens whole or not
# at
# all on both.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
