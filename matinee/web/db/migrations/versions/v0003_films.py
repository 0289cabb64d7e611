"""Adds what the item ids mean, and a place for what cannot be moved to other ids."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds a column and empty tables; the first model that is served fills them."""
    op.add_column(
        "this_database", sa.Column("n_moves", sa.Integer, nullable=False, server_default="0")
    )
    op.create_table(
        "films",
        sa.Column("item_id", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("year", sa.Integer),
        sa.Column("imdb", sa.Text, nullable=False),
        sa.Column("tmdb", sa.BigInteger),
        sa.PrimaryKeyConstraint("item_id", name="pk_films"),
    )
    op.create_table(
        "served_catalogs",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("lowest", sa.Double, nullable=False),
        sa.Column("highest", sa.Double, nullable=False),
        sa.Column("step", sa.Double, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("first_served_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "fingerprint", "lowest", "highest", "step", name="pk_served_catalogs"
        ),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("item_id", sa.String(200), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("year", sa.Integer),
        sa.Column("stars", sa.Double),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_set_aside"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name="fk_set_aside_person_id_people", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_set_aside_person_id", "set_aside", ["person_id"])


def downgrade() -> None:
    """Drops the column and the tables."""
    for table in ("set_aside", "served_catalogs", "films"):
        op.drop_table(table)
    op.drop_column("this_database", "n_moves")
