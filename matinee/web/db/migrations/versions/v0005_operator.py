"""Adds the traffic over time, and the trainings that the operator has started."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds two tables."""
    numbers = ("requests", "refusals", "errors", "lists", "ratings", "people")
    op.create_table(
        "traffic",
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in numbers),
        sa.Column("durations", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("starts_at", "seconds", name="pk_traffic"),
    )
    op.create_table(
        "training_jobs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("started_ns", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("reported_at", sa.BigInteger, nullable=False),
        sa.Column("slot", sa.Integer),
        sa.Column("is_canceled", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_training_jobs"),
        sa.UniqueConstraint("slot", name="uq_training_jobs_slot"),
    )


def downgrade() -> None:
    """Drops the tables."""
    op.drop_table("training_jobs")
    op.drop_table("traffic")
