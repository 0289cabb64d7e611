"""Tables of the database, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MAX_ITEM_ID_LENGTH = 200
MAX_NAME_LENGTH = 40


def _person() -> Column[str]:
    """A column that refers to a person; deleting the person deletes the row."""
    return Column(
        "person_id", String(32), ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )


this_database = Table(  # has exactly one row
    "this_database",
    METADATA,
    Column("id", String(16), primary_key=True),  # random; distinguishes databases
)

people = Table(
    "people",
    METADATA,
    Column("id", String(32), primary_key=True),
    # SHA-256 of the token, which itself is not stored
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),  # Unix seconds, like all times here
)

ratings = Table(
    "ratings",
    METADATA,
    _person(),
    # Integer ids are stored as text; models look up ids in either form
    Column("item_id", String(MAX_ITEM_ID_LENGTH), primary_key=True),
    Column("stars", Double, nullable=False),
    Column("rated_at", BigInteger, nullable=False),
    # The nanoseconds within that second; used only for ordering
    Column("rated_ns", Integer, nullable=False, server_default="0"),
)

not_interested = Table(
    "not_interested",
    METADATA,
    _person(),
    Column("item_id", String(MAX_ITEM_ID_LENGTH), primary_key=True),
    Column("added_at", BigInteger, nullable=False),
)

viewing_groups = Table(
    "viewing_groups",
    METADATA,
    Column("id", String(32), primary_key=True),
    # SHA-256 of the token in the invitation link
    Column("link_hash", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

group_members = Table(
    "group_members",
    METADATA,
    Column(
        "group_id",
        String(32),
        ForeignKey("viewing_groups.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _person(),
    Column("name", String(MAX_NAME_LENGTH), nullable=False),  # as shown to the other members
    Column("joined_at", BigInteger, nullable=False),
    Index("ix_group_members_person_id", "person_id"),
)
