"""People, their ratings, what they are not interested in, and groups of friends."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "people",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("token_hash", name="uq_people_token_hash"),
    )
    _of_person("ratings", sa.Column("stars", sa.Double, nullable=False), time="rated_at")
    _of_person("not_interested", time="added_at")
    op.create_table(
        "viewing_groups",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("link_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_viewing_groups"),
        sa.UniqueConstraint("link_hash", name="uq_viewing_groups_link_hash"),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("joined_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "person_id", name="pk_group_members"),
        _refers("group_members", "group_id", "viewing_groups"),
        _refers("group_members", "person_id", "people"),
    )
    op.create_index("ix_group_members_person_id", "group_members", ["person_id"])


def downgrade() -> None:
    """Drops the tables and everything in them."""
    for table in ("group_members", "viewing_groups", "not_interested", "ratings", "people"):
        op.drop_table(table)


def _of_person(name: str, *columns: "sa.Column[float]", time: str) -> None:
    op.create_table(
        name,
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("item_id", sa.String(200), nullable=False),
        *columns,
        sa.Column(time, sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "item_id", name=f"pk_{name}"),
        _refers(name, "person_id", "people"),
    )


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")
