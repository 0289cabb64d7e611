"""Groups of friends who look for something to watch: who is in them, and the secrets of their
links."""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db.schema import group_members, viewing_groups
from matinee.web.db.transactions import (
    DELETED,
    Created,
    Database,
    UnknownPersonError,
    hash_of,
    lock_person,
    now,
)

MOST_MEMBERS = 20
"""Of one group."""
MOST_GROUPS = 50
"""Of one person."""


class Member(NamedTuple):
    """A member of a group."""

    person_id: str
    name: str


class Group(NamedTuple):
    """A group, and who is in it, in the order in which they came."""

    id: str
    members: list[Member]


class FullGroupError(SettingError):
    """The group has the maximum number of members."""


class Groups:
    """The groups in a database; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, person_id: str, name: str) -> Created:
        """A new group with its first member; the token belongs into the link that they send to
        friends.

        Raises:
            UnknownPersonError: there is no such person.
            SettingError: they are in `MOST_GROUPS` already.
        """
        made = Created(secrets.token_hex(16), secrets.token_urlsafe(16))
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            _refuse_too_many(connection, person_id)
            row = {"id": made.id, "link_hash": hash_of(made.token), "created_at": now()}
            connection.execute(viewing_groups.insert(), row)
            connection.execute(group_members.insert(), _membership(made.id, person_id, name))
        return made

    def find(self, token: str) -> str | None:
        """The id of the group with this secret in its link; None if there is none."""
        with self._database.reading() as connection:
            query = sa.select(viewing_groups.c.id).where(
                viewing_groups.c.link_hash == hash_of(token)
            )
            found: str | None = connection.execute(query).scalar()
        return found

    def of(self, person_id: str) -> list[Group]:
        """The groups that a person is in, the last one that they joined first."""
        mine, everybody = group_members.alias("mine"), group_members.c
        query = sa.select(everybody.group_id, everybody.person_id, everybody.name)
        query = query.join(mine, mine.c.group_id == everybody.group_id).where(
            mine.c.person_id == person_id
        )
        query = query.order_by(
            mine.c.joined_at.desc(), everybody.group_id, everybody.joined_at, everybody.person_id
        )
        found: dict[str, Group] = {}
        with self._database.reading() as connection:
            for group_id, *member in connection.execute(query):
                found.setdefault(group_id, Group(group_id, [])).members.append(Member(*member))
        return list(found.values())

    def members(self, group_id: str) -> list[Member]:
        """Who is in a group, in the order in which they came."""
        columns = group_members.c
        query = sa.select(columns.person_id, columns.name).where(columns.group_id == group_id)
        with self._database.reading() as connection:
            return [
                Member(*row)
                for row in connection.execute(query.order_by(columns.joined_at, columns.person_id))
            ]

    def renew_link(self, group_id: str) -> str:
        """Another token for a group's link; the one before opens nothing any more."""
        token = secrets.token_urlsafe(16)
        with self._database.writing() as connection:
            connection.execute(
                viewing_groups.update()
                .where(viewing_groups.c.id == group_id)
                .values(link_hash=hash_of(token))
            )
        return token

    def join(self, group_id: str, person_id: str, name: str) -> None:
        """Adds a person to a group, or gives them another name there.

        Raises:
            UnknownPersonError: the person or the group is gone.
            FullGroupError: `MOST_MEMBERS` others are in it.
            SettingError: the person is in `MOST_GROUPS` already.
        """
        put = self._database.insert(group_members)
        put = put.on_conflict_do_update(
            index_elements=["group_id", "person_id"], set_={"name": put.excluded.name}
        )
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            if not lock_groups(connection, [group_id]):
                raise UnknownPersonError(DELETED)
            inside = sa.select(group_members.c.person_id).where(
                group_members.c.group_id == group_id
            )
            others = set(connection.execute(inside).scalars())
            if person_id not in others:
                if len(others) >= MOST_MEMBERS:
                    raise FullGroupError(f"This group is full: {len(others)} people are in it.")
                _refuse_too_many(connection, person_id)
            connection.execute(put, _membership(group_id, person_id, name))

    def leave(self, group_id: str, person_id: str) -> None:
        """Takes a person out of a group; a group without members goes."""
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            lock_groups(connection, [group_id])
            theirs = (group_members.c.group_id == group_id) & (
                group_members.c.person_id == person_id
            )
            connection.execute(group_members.delete().where(theirs))
            drop_empty(connection, [group_id])


def ids_of(connection: sa.Connection, person_id: str) -> list[str]:
    """The ids of the groups that a person is in."""
    query = sa.select(group_members.c.group_id).where(group_members.c.person_id == person_id)
    return list(connection.execute(query).scalars())


def lock_groups(connection: sa.Connection, group_ids: Sequence[str]) -> list[str]:
    """Until the end of the transaction nobody else joins or leaves these groups; gives those
    that there are."""
    query = (
        sa.select(viewing_groups.c.id)
        .where(viewing_groups.c.id.in_(group_ids))
        .order_by(viewing_groups.c.id)
    )
    return list(connection.execute(query.with_for_update(key_share=True)).scalars())


def drop_empty(connection: sa.Connection, group_ids: Sequence[str]) -> None:
    """Deletes those of some groups, locked before, that nobody is in any more."""
    has_members = sa.exists().where(group_members.c.group_id == viewing_groups.c.id)
    connection.execute(
        viewing_groups.delete().where(viewing_groups.c.id.in_(group_ids) & ~has_members)
    )


def _membership(group_id: str, person_id: str, name: str) -> dict[str, Any]:
    return {"group_id": group_id, "person_id": person_id, "name": name, "joined_at": now()}


def _refuse_too_many(connection: sa.Connection, person_id: str) -> None:
    if len(ids_of(connection, person_id)) >= MOST_GROUPS:
        raise SettingError(
            f"One person can be in at most {MOST_GROUPS} groups here; leave one first."
        )
