"""Adds watchlists, films not seen, further devices, and names, makers and marks of groups."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds tables and columns. The maker of an existing group is the member who joined first."""
    for name in ("watchlist", "not_seen"):
        _create(name, ("item_id", 200), sa.Column("added_at", sa.BigInteger, nullable=False))
    op.create_table(
        "device_tokens",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_device_tokens"),
        _refers("device_tokens", "person_id", "people"),
    )
    op.create_index("ix_device_tokens_person_id", "device_tokens", ["person_id"])
    for name, time in (("device_links", "expires_at"), ("recovery_codes", "created_at")):
        _create(
            name,
            None,
            sa.Column("code_hash", sa.String(64), nullable=False),
            sa.Column(time, sa.BigInteger, nullable=False),
            sa.UniqueConstraint("code_hash", name=f"uq_{name}_code_hash"),
        )
    op.create_table(
        "group_marks",
        sa.Column("group_id", sa.String(32), nullable=False),
        sa.Column("person_id", sa.String(32), nullable=False),
        sa.Column("item_id", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "person_id", "item_id", name="pk_group_marks"),
        _refers("group_marks", "group_id", "viewing_groups"),
        _refers("group_marks", "person_id", "people"),
    )
    op.create_index("ix_group_marks_person_id", "group_marks", ["person_id"])
    for column in (
        sa.Column("name", sa.String(40), nullable=False, server_default=""),
        sa.Column("maker_id", sa.String(32)),
        sa.Column("link_token", sa.String(64)),
    ):
        op.add_column("viewing_groups", column)
    op.execute(
        "UPDATE viewing_groups SET maker_id = (SELECT person_id FROM group_members "
        "WHERE group_id = viewing_groups.id ORDER BY joined_at, person_id LIMIT 1)"
    )


def downgrade() -> None:
    """Drops the tables and columns."""
    for column in ("link_token", "maker_id", "name"):
        op.drop_column("viewing_groups", column)
    for table in (
        *("group_marks", "recovery_codes", "device_links", "device_tokens"),
        *("not_seen", "watchlist"),
    ):
        op.drop_table(table)


def _create(name: str, key: tuple[str, int] | None, *columns: sa.schema.SchemaItem) -> None:
    """Creates a table with a row per person or, with a key, per person and key."""
    keys = ["person_id"]
    key_columns = [sa.Column("person_id", sa.String(32), nullable=False)]
    if key is not None:
        keys.append(key[0])
        key_columns.append(sa.Column(key[0], sa.String(key[1]), nullable=False))
    op.create_table(
        name,
        *key_columns,
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"),
        _refers(name, "person_id", "people"),
    )


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")
