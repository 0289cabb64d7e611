"""What the operator browses: the people, and what all of them said about each film."""

from typing import Literal, NamedTuple

import sqlalchemy as sa

from matinee.web.db.schema import (
    not_interested,
    not_seen,
    people,
    ratings,
    watchlist,
)
from matinee.web.db.transactions import Database

PeopleSort = Literal["active", "newest", "oldest", "ratings"]
PEOPLE_SORTS: tuple[PeopleSort, ...] = ("active", "newest", "oldest", "ratings")


class PersonLine(NamedTuple):
    """A person; times are in Unix seconds."""

    person_id: str
    created_at: int
    active_at: int
    """When they last rated or marked a film, or else were created."""
    n_ratings: int


class PeopleFound(NamedTuple):
    """One page of people, and the number of people on all pages."""

    people: list[PersonLine]
    total: int


class FilmCounts(NamedTuple):
    """What all people here said about a film."""

    n_ratings: int = 0
    mean: float | None = None
    """Mean stars; None without ratings."""
    n_hidden: int = 0
    """People who are not interested in it."""
    n_watchlists: int = 0
    """People who want to watch it."""


class Overview:
    """Queries over all people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def people(
        self, prefix: str = "", sort: PeopleSort = "active", page: int = 1, page_size: int = 50
    ) -> PeopleFound:
        """The people whose ids start with `prefix`."""
        matches = people.c.id.startswith(prefix, autoescape=True)
        marks = [
            sa.select(table.c.person_id, table.c.added_at, sa.literal(0))
            for table in (not_interested, watchlist, not_seen)
        ]
        acts = sa.union_all(
            sa.select(
                ratings.c.person_id, ratings.c.rated_at.label("at"), sa.literal(1).label("n")
            ),
            *marks,
        ).subquery()
        last, n = sa.func.max(acts.c.at).label("last"), sa.func.sum(acts.c.n).label("n")
        query_sums = sa.select(acts.c.person_id, last, n).group_by(acts.c.person_id)
        if prefix:
            query_sums = query_sums.where(acts.c.person_id.startswith(prefix, autoescape=True))
        sums = query_sums.subquery()
        created = people.c.created_at
        active = sa.case((sums.c.last > created, sums.c.last), else_=created).label("active")
        n_ratings = sa.func.coalesce(sums.c.n, 0).label("n_ratings")
        query = sa.select(people.c.id, created, active, n_ratings)
        query = query.outerjoin_from(people, sums, sums.c.person_id == people.c.id).where(matches)
        order = {
            "active": active.desc(),
            "newest": created.desc(),
            "oldest": created.asc(),
            "ratings": n_ratings.desc(),
        }[sort]
        query = query.order_by(order, people.c.id).limit(page_size).offset((page - 1) * page_size)
        n_found = sa.select(sa.func.count()).select_from(people).where(matches)
        with self._database.reading() as connection:
            found = [
                PersonLine(row[0], row[1], row[2], int(row[3])) for row in connection.execute(query)
            ]
            return PeopleFound(found, connection.execute(n_found).scalar_one())

    def films(self) -> dict[str, FilmCounts]:
        """Item id -> what people said about it, for all films that they rated or marked."""
        columns = ratings.c
        rated = sa.select(columns.item_id, sa.func.count(), sa.func.avg(columns.stars))
        found: dict[str, FilmCounts] = {}
        with self._database.reading() as connection:
            for item_id, n, mean in connection.execute(rated.group_by(columns.item_id)):
                found[item_id] = FilmCounts(n, float(mean))
            for table, name in ((not_interested, "n_hidden"), (watchlist, "n_watchlists")):
                marked = sa.select(table.c.item_id, sa.func.count()).group_by(table.c.item_id)
                for item_id, n in connection.execute(marked):
                    found[item_id] = found.get(item_id, FilmCounts())._replace(**{name: n})
        return found
