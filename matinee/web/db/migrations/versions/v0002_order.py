"""Adds the order of ratings within a second, and an id of the database."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds a column, which is 0 for existing ratings, and a table with one row."""
    op.add_column("ratings", sa.Column("rated_ns", sa.Integer, nullable=False, server_default="0"))
    made = op.create_table(
        "this_database",
        sa.Column("id", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_this_database"),
    )
    op.bulk_insert(made, [{"id": secrets.token_hex(4)}])


def downgrade() -> None:
    """Drops the column and the table."""
    op.drop_table("this_database")
    op.drop_column("ratings", "rated_ns")
