"""Groups of friends who choose a film together: members and invitation links."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db.schema import group_members, viewing_groups
from matinee.web.db.transactions import (
    DELETED_MESSAGE,
    Credentials,
    Database,
    UnknownPersonError,
    hash_token,
    lock_person,
    now,
)

MAX_MEMBERS = 20
"""The maximum number of members of a group."""
MAX_GROUPS = 50
"""The maximum number of groups that a person can be in."""


class Member(NamedTuple):
    """A member of a group."""

    person_id: str
    name: str


class Group(NamedTuple):
    """A group and its members, in the order in which they joined."""

    id: str
    members: list[Member]


class FullGroupError(SettingError):
    """The group has the maximum number of members."""


class Groups:
    """The groups in a database. Each method runs in its own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, person_id: str, name: str) -> Credentials:
        """Creates a group with its first member; the token goes into the invitation link.

        Raises:
            UnknownPersonError: there is no such person.
            SettingError: the person is in `MAX_GROUPS` groups already.
        """
        group = Credentials(secrets.token_hex(16), secrets.token_urlsafe(16))
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            _check_group_limit(connection, person_id)
            row = {"id": group.id, "link_hash": hash_token(group.token), "created_at": now()}
            connection.execute(viewing_groups.insert(), row)
            connection.execute(group_members.insert(), _membership(group.id, person_id, name))
        return group

    def find(self, token: str) -> str | None:
        """The id of the group with this token in its link; None if there is none."""
        with self._database.reading() as connection:
            query = sa.select(viewing_groups.c.id).where(
                viewing_groups.c.link_hash == hash_token(token)
            )
            group_id: str | None = connection.execute(query).scalar()
        return group_id

    def list_for(self, person_id: str) -> list[Group]:
        """The groups that a person is in, the one joined last first."""
        own, members = group_members.alias("own"), group_members.c
        query = sa.select(members.group_id, members.person_id, members.name)
        query = query.join(own, own.c.group_id == members.group_id).where(
            own.c.person_id == person_id
        )
        query = query.order_by(
            own.c.joined_at.desc(), members.group_id, members.joined_at, members.person_id
        )
        groups: dict[str, Group] = {}
        with self._database.reading() as connection:
            for group_id, *member in connection.execute(query):
                groups.setdefault(group_id, Group(group_id, [])).members.append(Member(*member))
        return list(groups.values())

    def members(self, group_id: str) -> list[Member]:
        """The members of a group, in the order in which they joined."""
        columns = group_members.c
        query = sa.select(columns.person_id, columns.name).where(columns.group_id == group_id)
        with self._database.reading() as connection:
            return [
                Member(*row)
                for row in connection.execute(query.order_by(columns.joined_at, columns.person_id))
            ]

    def renew_link(self, group_id: str) -> str:
        """Replaces the token of a group's link; the old link stops working."""
        token = secrets.token_urlsafe(16)
        with self._database.writing() as connection:
            connection.execute(
                viewing_groups.update()
                .where(viewing_groups.c.id == group_id)
                .values(link_hash=hash_token(token))
            )
        return token

    def join(self, group_id: str, person_id: str, name: str) -> None:
        """Adds a person to a group, or changes their name if they are in it.

        Raises:
            UnknownPersonError: the person or the group does not exist.
            FullGroupError: the group has `MAX_MEMBERS` members.
            SettingError: the person is in `MAX_GROUPS` groups already.
        """
        upsert = self._database.insert(group_members)
        upsert = upsert.on_conflict_do_update(
            index_elements=["group_id", "person_id"], set_={"name": upsert.excluded.name}
        )
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            if not lock_groups(connection, [group_id]):
                raise UnknownPersonError(DELETED_MESSAGE)
            query = sa.select(group_members.c.person_id).where(group_members.c.group_id == group_id)
            members = set(connection.execute(query).scalars())
            if person_id not in members:
                if len(members) >= MAX_MEMBERS:
                    raise FullGroupError(f"This group is full: it has {len(members)} members.")
                _check_group_limit(connection, person_id)
            connection.execute(upsert, _membership(group_id, person_id, name))

    def leave(self, group_id: str, person_id: str) -> None:
        """Removes a person from a group, and deletes the group if it has no members left."""
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            lock_groups(connection, [group_id])
            is_membership = (group_members.c.group_id == group_id) & (
                group_members.c.person_id == person_id
            )
            connection.execute(group_members.delete().where(is_membership))
            delete_empty_groups(connection, [group_id])


def group_ids_of(connection: sa.Connection, person_id: str) -> list[str]:
    """The ids of the groups that a person is in."""
    query = sa.select(group_members.c.group_id).where(group_members.c.person_id == person_id)
    return list(connection.execute(query).scalars())


def lock_groups(connection: sa.Connection, group_ids: Sequence[str]) -> list[str]:
    """Locks the membership of groups until the end of the transaction; returns the ids of those
    that exist."""
    query = (
        sa.select(viewing_groups.c.id)
        .where(viewing_groups.c.id.in_(group_ids))
        .order_by(viewing_groups.c.id)
    )
    return list(connection.execute(query.with_for_update(key_share=True)).scalars())


def delete_empty_groups(connection: sa.Connection, group_ids: Sequence[str]) -> None:
    """Deletes those of the given groups that have no members. Lock the groups first."""
    has_members = sa.exists().where(group_members.c.group_id == viewing_groups.c.id)
    connection.execute(
        viewing_groups.delete().where(viewing_groups.c.id.in_(group_ids) & ~has_members)
    )


def _membership(group_id: str, person_id: str, name: str) -> dict[str, str | int]:
    return {"group_id": group_id, "person_id": person_id, "name": name, "joined_at": now()}


def _check_group_limit(connection: sa.Connection, person_id: str) -> None:
    if len(group_ids_of(connection, person_id)) >= MAX_GROUPS:
        raise SettingError(f"A person can be in at most {MAX_GROUPS} groups; leave one first.")
