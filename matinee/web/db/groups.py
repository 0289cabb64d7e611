"""Groups of friends who choose a film together: members and invitation links."""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db.schema import group_marks, group_members, viewing_groups
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
MAX_MARKS = 500
"""The maximum number of films that a member can mark in a group."""


class Member(NamedTuple):
    """A member of a group."""

    person_id: str
    name: str


class Group(NamedTuple):
    """A group and its members, in the order in which they joined."""

    id: str
    members: list[Member]
    name: str = ""
    """Empty for groups of earlier versions."""
    maker_id: str | None = None
    """The member who can renew the link and remove members."""
    link: str | None = None
    """The token in the invitation link; None for groups of earlier versions."""


class Mark(NamedTuple):
    """What a member said about a film."""

    person_id: str
    item_id: str
    kind: str
    """"seen" or "veto"."""


class FullGroupError(SettingError):
    """The group has the maximum number of members."""


class Groups:
    """The groups in a database. Each method runs in its own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, person_id: str, name: str, group_name: str = "") -> Credentials:
        """Creates a group with its first member; the token goes into the invitation link.

        Args:
            name: that of the member.

        Raises:
            UnknownPersonError: there is no such person.
            SettingError: the person is in `MAX_GROUPS` groups already.
        """
        group = Credentials(secrets.token_hex(16), secrets.token_urlsafe(16))
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            _check_group_limit(connection, person_id)
            row = {
                "id": group.id,
                "link_hash": hash_token(group.token),
                "created_at": now(),
                "name": group_name,
                "maker_id": person_id,
                "link_token": group.token,
            }
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
        group_columns = viewing_groups.c
        query = sa.select(
            members.group_id,
            members.person_id,
            members.name,
            group_columns.name,
            group_columns.maker_id,
            group_columns.link_token,
        ).join(viewing_groups, group_columns.id == members.group_id)
        query = query.join(own, own.c.group_id == members.group_id).where(
            own.c.person_id == person_id
        )
        query = query.order_by(
            own.c.joined_at.desc(),
            members.group_id,
            members.joined_at,
            members.person_id != group_columns.maker_id,
            members.person_id,
        )
        groups: dict[str, Group] = {}
        with self._database.reading() as connection:
            for group_id, person, name, *more in connection.execute(query):
                group = groups.setdefault(group_id, Group(group_id, [], *more))
                group.members.append(Member(person, name))
        return list(groups.values())

    def load(self, group_id: str) -> Group | None:
        """A group and its members; None if it does not exist."""
        columns, groups = group_members.c, viewing_groups.c
        about = sa.select(groups.name, groups.maker_id, groups.link_token)
        query = sa.select(columns.person_id, columns.name).where(columns.group_id == group_id)
        with self._database.reading() as connection:
            found = connection.execute(about.where(groups.id == group_id)).first()
            if found is None:
                return None
            is_other = columns.person_id != found.maker_id  # times are in whole seconds
            order = columns.joined_at, is_other, columns.person_id
            rows = connection.execute(query.order_by(*order))
            return Group(group_id, [Member(*row) for row in rows], *found)

    def members(self, group_id: str) -> list[Member]:
        """The members of a group, in the order in which they joined."""
        group = self.load(group_id)
        return [] if group is None else group.members

    def mark(self, group_id: str, person_id: str, item_id: str, kind: str) -> None:
        """Marks a film for a member as "seen" or "veto"; an empty kind removes the mark."""
        columns = group_marks.c
        is_mark = (
            (columns.group_id == group_id)
            & (columns.person_id == person_id)
            & (columns.item_id == item_id)
        )
        row = {"group_id": group_id, "person_id": person_id, "item_id": item_id, "kind": kind}
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            connection.execute(group_marks.delete().where(is_mark))
            if not kind:
                return
            of_member = (columns.group_id == group_id) & (columns.person_id == person_id)
            count = sa.select(sa.func.count()).select_from(group_marks).where(of_member)
            if connection.execute(count).scalar_one() >= MAX_MARKS:
                raise SettingError(f"A member can mark at most {MAX_MARKS} films of a group.")
            connection.execute(group_marks.insert(), row)

    def marks(self, group_id: str) -> list[Mark]:
        """What all members said about films."""
        columns = group_marks.c
        query = sa.select(columns.person_id, columns.item_id, columns.kind)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(columns.group_id == group_id))
            return [Mark(*row) for row in rows]

    def renew_link(self, group_id: str) -> str:
        """Replaces the token of a group's link; the old link stops working."""
        token = secrets.token_urlsafe(16)
        with self._database.writing() as connection:
            connection.execute(
                viewing_groups.update()
                .where(viewing_groups.c.id == group_id)
                .values(link_hash=hash_token(token), link_token=token)
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
            is_own = (group_marks.c.group_id == group_id) & (group_marks.c.person_id == person_id)
            connection.execute(group_marks.delete().where(is_own))
            delete_empty_groups(connection, [group_id])


def maker_of(group: Group) -> str | None:
    """The member who can renew the link and remove members: who made the group or, after they
    left, the one who joined first."""
    ids = [member.person_id for member in group.members]
    if group.maker_id in ids:
        return group.maker_id
    return ids[0] if ids else None


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
