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
    Text,
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
    # Counts the moves of all ratings to the ids of another catalog
    Column("n_moves", Integer, nullable=False, server_default="0"),
)

films = Table(  # what the item ids mean: all films of all models that were served
    "films",
    METADATA,
    Column("item_id", String(MAX_ITEM_ID_LENGTH), primary_key=True),
    Column("title", Text, nullable=False),  # empty if unknown
    Column("year", Integer),
    Column("imdb", Text, nullable=False),  # empty if unknown
    Column("tmdb", BigInteger),
)

served_catalogs = Table(  # the catalogs and scales that agree with `films`
    "served_catalogs",
    METADATA,
    Column("fingerprint", String(64), primary_key=True),
    Column("lowest", Double, primary_key=True),
    Column("highest", Double, primary_key=True),
    Column("step", Double, primary_key=True),
    Column("dataset", Text, nullable=False),  # empty if unknown
    Column("first_served_at", BigInteger, nullable=False),
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

watchlist = Table(
    "watchlist",
    METADATA,
    _person(),
    Column("item_id", String(MAX_ITEM_ID_LENGTH), primary_key=True),
    Column("added_at", BigInteger, nullable=False),
)

not_seen = Table(  # films that a person has not seen, so they are not asked for a rating
    "not_seen",
    METADATA,
    _person(),
    Column("item_id", String(MAX_ITEM_ID_LENGTH), primary_key=True),
    Column("added_at", BigInteger, nullable=False),
)

device_tokens = Table(  # of further devices; that of the first is in `people`
    "device_tokens",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("person_id", String(32), ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_device_tokens_person_id", "person_id"),
)

device_links = Table(  # at most one per person, which works once
    "device_links",
    METADATA,
    _person(),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("expires_at", BigInteger, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    METADATA,
    _person(),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)

viewing_groups = Table(
    "viewing_groups",
    METADATA,
    Column("id", String(32), primary_key=True),
    # SHA-256 of the token in the invitation link
    Column("link_hash", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("name", String(MAX_NAME_LENGTH), nullable=False, server_default=""),
    # The person who renews the link and removes members
    Column("maker_id", String(32)),
    # The token itself, so that members can see the link; null for groups of earlier versions
    Column("link_token", String(64)),
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

group_marks = Table(  # films that a member has seen, or does not want to watch
    "group_marks",
    METADATA,
    Column(
        "group_id",
        String(32),
        ForeignKey("viewing_groups.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _person(),
    Column("item_id", String(MAX_ITEM_ID_LENGTH), primary_key=True),
    Column("kind", String(8), nullable=False),  # "seen" or "veto"
    Index("ix_group_marks_person_id", "person_id"),
)

set_aside = Table(  # what could not be moved to the ids of another catalog
    "set_aside",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("person_id", String(32), ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(20), nullable=False),  # the table that it was in
    Column("item_id", String(MAX_ITEM_ID_LENGTH), nullable=False),
    Column("title", Text, nullable=False),  # empty if unknown
    Column("year", Integer),
    Column("stars", Double),  # of a rating
    Column("given_at", BigInteger, nullable=False),
    Column("reason", String(20), nullable=False),  # "unknown", "twice" or "rescaled"
    Index("ix_set_aside_person_id", "person_id"),
)

traffic = Table(  # sums over all processes of a server: a row for each minute, later for each hour
    "traffic",
    METADATA,
    Column("starts_at", BigInteger, primary_key=True, autoincrement=False),
    Column("seconds", Integer, primary_key=True, autoincrement=False),  # 60 or 3600
    Column("requests", BigInteger, nullable=False),
    Column("refusals", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("lists", BigInteger, nullable=False),
    Column("ratings", BigInteger, nullable=False),
    Column("people", BigInteger, nullable=False),
    Column("durations", Text, nullable=False),  # requests per bucket of `latency.EDGES`, as JSON
)

rate_tokens = Table(  # requests that clients may still send, if worker processes share that
    "rate_tokens",
    METADATA,
    Column("bucket", String(64), primary_key=True),  # a keyed hash of a limit and an address
    Column("tokens", Double, nullable=False),
    Column("counted_at", Double, nullable=False),
)

training_jobs = Table(
    "training_jobs",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("model", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("started_ns", BigInteger, nullable=False),  # Unix nanoseconds, for the order
    Column("finished_at", BigInteger),
    Column("progress", Double, nullable=False),
    Column("message", Text, nullable=False),
    Column("reported_at", BigInteger, nullable=False),
    Column("slot", Integer, unique=True),  # 1 while it is running, so that only one is
    Column("is_canceled", Integer, nullable=False),
)


def tables_of_films() -> tuple[Table, ...]:
    """The tables in which people rate or mark films."""
    return ratings, not_interested, watchlist, not_seen
