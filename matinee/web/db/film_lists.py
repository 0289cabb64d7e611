"""Films that a person has marked: the watchlist, films not seen, and films not interesting."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db.schema import not_interested, not_seen, watchlist
from matinee.web.db.transactions import Database, lock_person, now

MAX_FILMS = 5_000
"""The maximum number of films in each list of a person, and of their ratings. It is far above what
people enter by hand."""
LISTS = {"watchlist": watchlist, "not_seen": not_seen, "not_interested": not_interested}


class PersonalList:
    """One kind of list, for all people. Each method runs in its own transaction."""

    def __init__(self, database: Database, table: sa.Table) -> None:
        self._database, self._table = database, table

    def add(self, person_id: str, item_id: str) -> None:
        """Adds a film to a person's list; see `add_many`."""
        self.add_many(person_id, {item_id: now()})

    def add_many(self, person_id: str, added_at: Mapping[str, int]) -> None:
        """Adds films to a person's list, all or none. Films that are in it stay as they are.

        Args:
            added_at: item id -> seconds since 1970.

        Raises:
            UnknownPersonError: there is no such person.
            SettingError: the list would have more than `MAX_FILMS` films.
        """
        if not added_at:
            return
        rows = [
            {"person_id": person_id, "item_id": item, "added_at": min(now(), max(0, time))}
            for item, time in added_at.items()
        ]
        with self._database.writing() as connection:
            lock_person(connection, person_id)
            insert = self._database.insert(self._table).on_conflict_do_nothing()
            connection.execute(insert, rows)
            check_film_limit(connection, self._table, person_id)

    def remove(self, person_id: str, item_id: str) -> bool:
        """Removes a film from a person's list; returns False if it was not in it."""
        return delete_row(self._database, self._table, person_id, item_id)


def delete_row(database: Database, table: sa.Table, person_id: str, item_id: str) -> bool:
    """Deletes what a person said about a film; returns False if there was nothing."""
    with database.writing() as connection:
        is_row = (table.c.person_id == person_id) & (table.c.item_id == item_id)
        return connection.execute(table.delete().where(is_row)).rowcount > 0


def rows_of(table: sa.Table, person_id: str) -> "sa.Select[Any]":
    """A query of a person's list, the film added last first."""
    columns = table.c
    query = sa.select(columns.item_id, columns.added_at).where(columns.person_id == person_id)
    return query.order_by(columns.added_at.desc(), columns.item_id)


def check_film_limit(connection: sa.Connection, table: sa.Table, person_id: str) -> None:
    """Raises SettingError if a person has too many rows. Call it after the insert, in the same
    transaction, which the error rolls back."""
    query = sa.select(sa.func.count()).select_from(table).where(table.c.person_id == person_id)
    if connection.execute(query).scalar_one() > MAX_FILMS:
        raise SettingError(f"A person can store at most {MAX_FILMS:,} films; delete some first.")
