"""What the item ids of the database mean, so that no rating is taken for one of another film.

The first model that is served says what the ids mean, and further models add films. A model that
contradicts the database is refused; `matinee migrate` moves the ratings to its ids.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from matinee.data.kept_films import (
    KeptFilm,
    contradictions,
    describe_contradictions,
    fingerprint,
    is_other_catalog,
)
from matinee.data.ratings import Scale
from matinee.data.reading.sql import shown_url
from matinee.errors import SettingError
from matinee.text import counted
from matinee.web.db.schema import (
    MAX_ITEM_ID_LENGTH,
    films,
    ratings,
    served_catalogs,
    this_database,
)
from matinee.web.db.transactions import Database, now

_BATCH = 2_000
_OTHER_SCALE = 1.5
"""Scales whose highest ratings differ by this factor do not mean the same by a number."""


class CatalogConflictError(SettingError):
    """A model's films or scale contradict what the database keeps."""


class ServedCatalog(NamedTuple):
    """What a model says about its films."""

    films: Sequence[KeptFilm]
    scale: Scale
    dataset: str
    """Name of the data set; empty if unknown."""


class Catalogs:
    """The films and scales that the database knows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, catalog: ServedCatalog, source: str, model_file: str) -> str:
        """Checks a model against the database, and adds the films that are new in it.

        Args:
            source: what to call the model in messages.
            model_file: its file, for the command in the message.

        Returns:
            A sentence if ratings from before had no films yet; otherwise an empty text.

        Raises:
            CatalogConflictError: the model contradicts the database.
        """
        known_films = [film for film in catalog.films if len(film.item_id) <= MAX_ITEM_ID_LENGTH]
        row = served_row(known_films, catalog)
        with self._database.writing() as connection:
            lock_catalog(connection)
            served = [known._asdict() for known in connection.execute(sa.select(served_catalogs))]
            url = shown_url(self._database.engine.url)
            way = f"To move its ratings to this catalog:  matinee migrate {model_file} --db {url}"
            is_known = any(known["fingerprint"] == row["fingerprint"] for known in served)
            kept = {} if is_known else kept_by_id(connection)
            problem = _film_problem(kept, known_films, served)
            if served and not problem:
                problem = _scale_problem(connection, served, catalog.scale)
            if problem:
                raise CatalogConflictError(f"{source} contradicts {url}: {problem}. {way}")
            if is_known:
                self._add_row(connection, row)
                return ""
            self._add_films(connection, kept, known_films)
            self._add_row(connection, row)
            if kept:
                return ""
            n_ratings = connection.execute(sa.select(sa.func.count()).select_from(ratings))
            return _first_sentence(n_ratings.scalar_one(), catalog.dataset, source)

    def kept(self) -> dict[str, KeptFilm]:
        """What the ids mean."""
        with self._database.reading() as connection:
            return kept_by_id(connection)

    def titles_of(self, item_ids: Sequence[str]) -> dict[str, str]:
        """The titles of those films that have one."""
        found: dict[str, str] = {}
        if not item_ids:
            return found
        with self._database.reading() as connection:
            for first in range(0, len(item_ids), 500):
                batch = item_ids[first : first + 500]
                query = sa.select(films.c.item_id, films.c.title)
                rows = connection.execute(query.where(films.c.item_id.in_(batch)))
                found |= {row[0]: row[1] for row in rows if row[1]}
        return found

    def _add_films(
        self, connection: sa.Connection, kept: dict[str, KeptFilm], known: Sequence[KeptFilm]
    ) -> None:
        """Adds new films, and what is new about known ones."""
        rows = []
        for film in known:
            old = kept.get(film.item_id)
            merged = film if old is None else _merged(old, film)
            if merged != old:
                rows.append(merged._asdict())
        upsert = self._database.insert(films)
        upsert = upsert.on_conflict_do_update(
            index_elements=["item_id"],
            set_={name: upsert.excluded[name] for name in ("title", "year", "imdb", "tmdb")},
        )
        for first in range(0, len(rows), _BATCH):
            connection.execute(upsert, rows[first : first + _BATCH])

    def _add_row(self, connection: sa.Connection, row: dict[str, str | float]) -> None:
        connection.execute(self._database.insert(served_catalogs).on_conflict_do_nothing(), row)


def served_row(known: Sequence[KeptFilm], catalog: ServedCatalog) -> dict[str, str | float]:
    """The row of `served_catalogs` for a catalog."""
    lowest, highest, step = catalog.scale
    return {
        "fingerprint": fingerprint(known),
        "lowest": lowest,
        "highest": highest,
        "step": step,
        "dataset": catalog.dataset,
        "first_served_at": now(),
    }


def lock_catalog(connection: sa.Connection) -> None:
    """Waits until no other process changes what the ids mean, and keeps them from doing so until
    the end of the transaction."""
    connection.execute(sa.select(this_database.c.id).with_for_update())


def kept_by_id(connection: sa.Connection) -> dict[str, KeptFilm]:
    """What the ids mean."""
    return {row.item_id: KeptFilm(*row) for row in connection.execute(sa.select(films))}


def is_on(scale: Scale, stars: float) -> bool:
    """Whether stars are on a scale and one of its steps."""
    if not scale.allows(stars):
        return False
    steps = (stars - scale.lowest) / scale.step if scale.step else 0.0
    return math.isclose(steps, round(steps), abs_tol=1e-3)


def _film_problem(
    kept: dict[str, KeptFilm], known: Sequence[KeptFilm], served: Sequence[dict[str, object]]
) -> str:
    """Why films contradict those that are kept; empty if they do not."""
    found = contradictions(kept, known)
    if found:
        return describe_contradictions(found)
    if kept and is_other_catalog(kept, known):
        names = [str(row["dataset"]) for row in served if row["dataset"]]
        made_with = f", which was made with {names[0]}" if names else ""
        n_known = sum(film.item_id in kept for film in known)
        return (
            f"only {n_known:,} of its {counted(len(known), 'id')} are among the {len(kept):,} of "
            f"the database{made_with}, and there are no titles to compare"
        )
    return ""


def _scale_problem(
    connection: sa.Connection, served: Sequence[dict[str, object]], scale: Scale
) -> str:
    """Why stored ratings do not fit a scale; empty if they do."""
    own = [Scale(row["lowest"], row["highest"], row["step"]) for row in served]  # type: ignore[arg-type]
    if scale in own:
        return ""
    query = sa.select(ratings.c.stars, sa.func.count()).group_by(ratings.c.stars)
    rows = connection.execute(query.order_by(ratings.c.stars)).all()
    counts: dict[float, int] = {row[0]: row[1] for row in rows}
    total = sum(counts.values())
    if not total:
        return ""
    if any(one.has_stars != scale.has_stars for one in own):
        return f"its ratings are on the scale {own[0]}, and those here on {scale}"
    off = {stars: n for stars, n in counts.items() if not is_on(scale, stars)}
    if off:
        examples = ", ".join(f"{stars:g}" for stars in list(off)[:3])
        return (
            f"{sum(off.values()):,} of its {counted(total, 'rating')}, such as {examples}, are not "
            f"on the scale {scale}"
        )
    highest = max(one.highest for one in own)
    if scale.has_stars and not highest / _OTHER_SCALE < scale.highest < highest * _OTHER_SCALE:
        return f"its ratings go up to {highest:g}, and those here up to {scale.highest:g}"
    return ""


def _merged(old: KeptFilm, new: KeptFilm) -> KeptFilm:
    """What is kept of a film, completed from another catalog."""
    return KeptFilm(
        old.item_id,
        old.title or new.title,
        old.year or new.year,
        old.imdb or new.imdb,
        old.tmdb or new.tmdb,
    )


def _first_sentence(n_ratings: int, dataset: str, source: str) -> str:
    if not n_ratings:
        return ""
    of_data = f" ({dataset})" if dataset else ""
    return (
        f"The database had no titles for its {counted(n_ratings, 'rating')}; from now on their ids "
        f"mean the films of {source}{of_data}."
    )
