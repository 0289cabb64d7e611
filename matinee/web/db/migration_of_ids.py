"""Moves all ratings to the ids of another catalog: by ids on IMDb and TMDB, or by title and year.

What has no place in the other catalog is set aside, in its own table, so nothing is lost.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from matinee.data.kept_films import FilmMatcher, KeptFilm
from matinee.data.ratings import Scale
from matinee.web.db.catalog import ServedCatalog, is_on, kept_by_id, lock_catalog, served_row
from matinee.web.db.people import Store
from matinee.web.db.schema import (
    MAX_ITEM_ID_LENGTH,
    films,
    group_marks,
    served_catalogs,
    set_aside,
    tables_of_films,
    this_database,
)
from matinee.web.db.transactions import MOVE_LOCK, Database

_BATCH = 500
_Row = dict[str, Any]


class Unmapped(NamedTuple):
    """A film that the other catalog does not have, and the number of entries set aside."""

    film: KeptFilm
    n_entries: int


class MoveReport(NamedTuple):
    """What a move did, or would do."""

    n_films: int
    """Films that people have rated or marked."""
    n_new_ids: int
    """Those of them that have another id now."""
    unmapped: list[Unmapped]
    n_twice: int
    """Ratings that were set aside because the person has a later one of the same film."""
    n_rescaled: int
    """Ratings whose stars have changed; the former stars are set aside."""


def move_to_catalog(store: Store, catalog: ServedCatalog, *, is_trial: bool) -> MoveReport:
    """Moves everything that people have rated or marked to the ids of a catalog, in one
    transaction.

    Args:
        is_trial: whether to change nothing.
    """
    database = store.database
    with database.writing() as connection:
        if connection.dialect.name == "postgresql":
            # After this, no other process writes until the end of the transaction
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MOVE_LOCK)))
        lock_catalog(connection)
        report = _Move(connection, database, catalog).run()
        if is_trial:
            connection.rollback()
    return report


class _Move:
    """One move, inside a transaction."""

    def __init__(
        self, connection: sa.Connection, database: Database, catalog: ServedCatalog
    ) -> None:
        self._connection, self._database, self._catalog = connection, database, catalog
        self._films = [one for one in catalog.films if len(one.item_id) <= MAX_ITEM_ID_LENGTH]
        self._kept = kept_by_id(connection)
        scales = connection.execute(
            sa.select(served_catalogs).order_by(served_catalogs.c.first_served_at.desc())
        ).first()
        self._old_scale = catalog.scale
        if scales is not None:
            self._old_scale = Scale(scales.lowest, scales.highest, scales.step)
        self._n_twice = self._n_rescaled = 0
        self._n_entries: dict[str, int] = {}

    def run(self) -> MoveReport:
        """Moves the rows of all tables, and replaces what the ids mean."""
        used = self._used_ids()
        matcher = FilmMatcher(self._films)
        new_ids = {item: matcher.find(self._film(item)) for item in used} if self._kept else {}
        for table in tables_of_films():
            self._move_rows(table, new_ids)
        self._move_marks(new_ids)
        self._replace_films()
        unmapped = [
            Unmapped(self._film(item), self._n_entries.get(item, 0))
            for item, found in new_ids.items()
            if found is None
        ]
        n_new_ids = sum(found not in (None, item) for item, found in new_ids.items())
        return MoveReport(len(used), n_new_ids, unmapped, self._n_twice, self._n_rescaled)

    def _film(self, item_id: str) -> KeptFilm:
        return self._kept.get(item_id) or KeptFilm(item_id, "", None, "", None)

    def _used_ids(self) -> list[str]:
        found: set[str] = set()
        for table in (*tables_of_films(), group_marks):
            found.update(self._connection.execute(sa.select(table.c.item_id).distinct()).scalars())
        return sorted(found)

    def _move_rows(self, table: sa.Table, new_ids: dict[str, str | None]) -> None:
        """Rewrites the rows of a table. Films may swap their ids, so all rows that change are
        deleted before any is inserted."""
        time = table.c["rated_at" if "stars" in table.c else "added_at"]
        query = sa.select(table).order_by(time, table.c.item_id)
        last: dict[tuple[str, str], tuple[_Row, _Row]] = {}
        removed: list[_Row] = []
        for row in self._connection.execute(query).mappings().all():
            old = dict(row)
            new = self._moved(old, new_ids)
            if new is None:
                self._set_aside(table, old, "unknown")
                self._n_entries[old["item_id"]] = self._n_entries.get(old["item_id"], 0) + 1
                removed.append(old)
                continue
            key = (old["person_id"], new["item_id"])
            if key in last:
                self._set_aside(table, last[key][0], "twice")
                self._n_twice += 1
                removed.append(last[key][0])
            last[key] = old, new
        changes = [(old, new) for old, new in last.values() if new != old]
        for old, new in changes:
            if new.get("stars") != old.get("stars"):
                self._set_aside(table, old, "rescaled")
                self._n_rescaled += 1
        is_row = (table.c.person_id == sa.bindparam("of_person")) & (
            table.c.item_id == sa.bindparam("of_item")
        )
        deleted = [*removed, *(old for old, _ in changes)]
        keys = [{"of_person": row["person_id"], "of_item": row["item_id"]} for row in deleted]
        for batch in _batches(keys):
            self._connection.execute(table.delete().where(is_row), batch)
        for batch in _batches([new for _, new in changes]):
            self._connection.execute(table.insert(), batch)

    def _move_marks(self, new_ids: dict[str, str | None]) -> None:
        """Rewrites the marks in groups; those of films without a place are dropped."""
        rows = [dict(row) for row in self._connection.execute(sa.select(group_marks)).mappings()]
        moved = {}
        for row in rows:
            item_id = new_ids.get(row["item_id"], row["item_id"])
            if item_id is not None:
                moved[row["group_id"], row["person_id"], item_id] = row | {"item_id": item_id}
        if rows:
            self._connection.execute(group_marks.delete())
        for batch in _batches(list(moved.values())):
            self._connection.execute(group_marks.insert(), batch)

    def _moved(self, row: _Row, new_ids: dict[str, str | None]) -> _Row | None:
        """The row in the other catalog; None if its film is not there."""
        item_id = new_ids.get(row["item_id"], row["item_id"])
        if item_id is None:
            return None
        new = row | {"item_id": item_id}
        if "stars" in row:
            new["stars"] = rescaled(row["stars"], self._old_scale, self._catalog.scale)
        return new

    def _set_aside(self, table: sa.Table, row: _Row, reason: str) -> None:
        film = self._film(row["item_id"])
        values = {
            "person_id": row["person_id"],
            "kind": table.name,
            "item_id": row["item_id"],
            "title": film.title,
            "year": film.year,
            "stars": row.get("stars"),
            "given_at": row["rated_at"] if "stars" in row else row["added_at"],
            "reason": reason,
        }
        self._connection.execute(set_aside.insert(), values)

    def _replace_films(self) -> None:
        self._connection.execute(films.delete())
        self._connection.execute(served_catalogs.delete())
        for batch in _batches([film._asdict() for film in self._films]):
            self._connection.execute(films.insert(), batch)
        self._connection.execute(served_catalogs.insert(), served_row(self._films, self._catalog))
        moves = this_database.c.n_moves
        self._connection.execute(this_database.update().values(n_moves=moves + 1))


def rescaled(stars: float, old: Scale, new: Scale) -> float:
    """Stars of one scale on another: as they are if both end at the same rating, otherwise in
    proportion; rounded to the steps of the new scale."""
    if is_on(new, stars) and old.highest == new.highest:
        return stars
    if not (old.has_stars and new.has_stars):
        return min(max(stars, new.lowest), new.highest)
    value = stars
    if old.highest != new.highest:
        share = (stars - old.lowest) / (old.highest - old.lowest)
        value = new.lowest + share * (new.highest - new.lowest)
    if new.step:
        value = new.lowest + round((value - new.lowest) / new.step) * new.step
    return min(max(round(value, 6), new.lowest), new.highest)


def _batches(rows: list[_Row]) -> Iterator[list[_Row]]:
    yield from (rows[first : first + _BATCH] for first in range(0, len(rows), _BATCH))
