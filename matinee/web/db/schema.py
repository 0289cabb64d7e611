"""The tables in which people's ratings are kept, as the newest migration leaves them."""

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

LONGEST_ITEM_ID = 200
LONGEST_NAME = 40


def _person() -> Column[str]:
    """Whose row it is; their rows go with them."""
    return Column("person_id", String(32), ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)


this_database = Table(  # one row
    "this_database",
    METADATA,
    Column("id", String(16), primary_key=True),  # random, to tell it from others
)

people = Table(
    "people",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),  # SHA-256 of the secret; the secret is not kept
    Column("created_at", BigInteger, nullable=False),  # seconds since 1970, as all times here
)

ratings = Table(
    "ratings",
    METADATA,
    _person(),
    Column("item_id", String(LONGEST_ITEM_ID), primary_key=True),  # integers as text, which models find too
    Column("stars", Double, nullable=False),
    Column("rated_at", BigInteger, nullable=False),
    Column("rated_ns", Integer, nullable=False, server_default="0"),  # nanoseconds after that, for the order alone
)

not_interested = Table(
    "not_interested",
    METADATA,
    _person(),
    Column("item_id", String(LONGEST_ITEM_ID), primary_key=True),
    Column("added_at", BigInteger, nullable=False),
)

viewing_groups = Table(
    "viewing_groups",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("link_hash", String(64), nullable=False, unique=True),  # of the secret in the link for friends
    Column("created_at", BigInteger, nullable=False),
)

group_members = Table(
    "group_members",
    METADATA,
    Column("group_id", String(32), ForeignKey("viewing_groups.id", ondelete="CASCADE"), primary_key=True),
    _person(),
    Column("name", String(LONGEST_NAME), nullable=False),  # what the others call them
    Column("joined_at", BigInteger, nullable=False),
    Index("ix_group_members_person_id", "person_id"),
)
