"""Further devices of a person: links that work once, and recovery codes.

The database stores only hashes of links, codes and tokens.
"""

import secrets

import sqlalchemy as sa

from matinee.web.db.schema import device_links, device_tokens, people, recovery_codes
from matinee.web.db.transactions import Credentials, Database, hash_token, lock_person, now

LINK_SECONDS = 15 * 60
"""How long a link for another device works."""
MAX_DEVICES = 20
"""The maximum number of further devices of a person; the oldest one is signed out."""
_CODE_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that are easily confused."""
_CODE_GROUPS = 5
_GROUP_LENGTH = 5


class Devices:
    """Links, codes and tokens of all people. Each method runs in its own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def new_link(self, person_id: str) -> str:
        """A secret that gives one other device access; an earlier one stops working."""
        code = secrets.token_urlsafe(24)
        values: dict[str, str | int] = {"code_hash": hash_token(code)}
        values |= {"expires_at": now() + LINK_SECONDS}
        self._replace(device_links, person_id, values)
        return code

    def new_recovery_code(self, person_id: str) -> str:
        """A code of 124 bits that gives access at any time; an earlier one stops working."""
        code = "-".join(
            "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_GROUP_LENGTH))
            for _ in range(_CODE_GROUPS)
        )
        values: dict[str, str | int] = {"code_hash": hash_token(plain_code(code))}
        values |= {"created_at": now()}
        self._replace(recovery_codes, person_id, values)
        return code

    def has_recovery_code(self, person_id: str) -> bool:
        """Whether the person has a recovery code."""
        query = sa.select(recovery_codes.c.person_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(recovery_codes.c.person_id == person_id))
            return rows.first() is not None

    def is_link(self, code: str) -> bool:
        """Whether a link works."""
        with self._database.reading() as connection:
            return _person_of_link(connection, code) is not None

    def use_link(self, code: str) -> Credentials | None:
        """A new token of the person who made the link, which stops working; None if the link was
        used before, has expired, or never was one."""
        with self._database.writing() as connection:
            person_id = _person_of_link(connection, code)
            if person_id is None:
                return None
            is_link = device_links.c.code_hash == hash_token(code)
            # Of two devices that use a link at once, one deletes the row
            if not connection.execute(device_links.delete().where(is_link)).rowcount:
                return None
            return _new_token(connection, person_id)

    def use_recovery_code(self, code: str) -> Credentials | None:
        """A new token of the person with this code; None if there is none. The code stays valid."""
        with self._database.writing() as connection:
            columns = recovery_codes.c
            query = sa.select(columns.person_id).where(
                columns.code_hash == hash_token(plain_code(code))
            )
            person_id = connection.execute(query).scalar()
            return None if person_id is None else _new_token(connection, person_id)

    def _replace(self, table: sa.Table, person_id: str, values: dict[str, str | int]) -> None:
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            connection.execute(table.delete().where(table.c.person_id == person_id))
            connection.execute(table.insert(), {"person_id": person_id} | values)


def plain_code(code: str) -> str:
    """A recovery code as it is compared: in lower case, without spaces and hyphens."""
    return "".join(letter for letter in code.casefold() if letter.isalnum())


def person_with_token(connection: sa.Connection, token: str) -> str | None:
    """The id of the person with a token, of the first or of a further device."""
    hashed = hash_token(token)
    first = sa.select(people.c.id).where(people.c.token_hash == hashed)
    further = sa.select(device_tokens.c.person_id).where(device_tokens.c.token_hash == hashed)
    person_id: str | None = connection.execute(first.union_all(further)).scalar()
    return person_id


def _person_of_link(connection: sa.Connection, code: str) -> str | None:
    columns = device_links.c
    query = sa.select(columns.person_id).where(
        (columns.code_hash == hash_token(code)) & (columns.expires_at > now())
    )
    person_id: str | None = connection.execute(query).scalar()
    return person_id


def _new_token(connection: sa.Connection, person_id: str) -> Credentials:
    lock_person(connection, person_id)
    created = Credentials(person_id, secrets.token_urlsafe(32))
    row = {
        "token_hash": hash_token(created.token),
        "person_id": person_id,
        "created_at": now(),
    }
    connection.execute(device_tokens.insert(), row)
    columns = device_tokens.c
    query = sa.select(columns.token_hash).where(columns.person_id == person_id)
    hashes = connection.execute(query.order_by(columns.created_at.desc())).scalars().all()
    for old in hashes[MAX_DEVICES:]:
        connection.execute(device_tokens.delete().where(columns.token_hash == old))
    return created
