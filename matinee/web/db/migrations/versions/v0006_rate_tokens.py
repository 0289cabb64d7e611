"""Adds the token buckets that worker processes share; only PostgreSQL uses them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds a table, in PostgreSQL one that is not logged."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "rate_tokens",
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("tokens", sa.Double, nullable=False),
        sa.Column("counted_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_rate_tokens"),
        prefixes=["UNLOGGED"] if is_postgresql else [],
    )


def downgrade() -> None:
    """Drops the table."""
    op.drop_table("rate_tokens")
