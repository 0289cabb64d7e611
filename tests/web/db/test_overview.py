"""What the operator browses, in both databases; and the migration with people in the database."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from matinee.web.db import engine as engine_module
from matinee.web.db.engine import open_engine
from matinee.web.db.overview import FilmCounts
from matinee.web.db.people import Store
from tests.web.db.conftest import select_rows


def test_people_are_found_by_their_ids_and_sorted(store: Store) -> None:
    ids = [store.create_person().id for _ in range(5)]
    store.rate_many(ids[2], {"1": 4.0, "2": 5.0})
    store.rate(ids[3], "1", 2.0)
    store.watchlist.add_many(ids[0], {"7": 10**10})  # clipped to now
    with store.database.writing() as connection:
        for place, person in enumerate(ids):
            connection.execute(
                sa.text("UPDATE people SET created_at = :at WHERE id = :id"),
                {"at": 1_000 + place, "id": person},
            )
    found = store.overview.people(sort="ratings")
    assert found.total == 5
    assert [(one.person_id, one.n_ratings) for one in found.people[:2]] == [
        (ids[2], 2),
        (ids[3], 1),
    ]
    newest = store.overview.people(sort="newest").people
    assert [one.person_id for one in newest] == ids[::-1]
    active = store.overview.people(sort="active").people
    assert {one.person_id for one in active[:3]} == {ids[0], ids[2], ids[3]}
    assert active[0].active_at > 10**9
    assert active[4].active_at == active[4].created_at == 1_001
    second_page = store.overview.people(sort="oldest", page=2, page_size=2)
    assert [one.person_id for one in second_page.people] == ids[2:4]
    assert [one.person_id for one in store.overview.people(ids[1][:12]).people] == [ids[1]]
    assert store.overview.people("%").total == 0


def test_films_are_counted_over_all_people(store: Store) -> None:
    ada, ben = store.create_person().id, store.create_person().id
    store.rate(ada, "1", 4.0)
    store.rate(ben, "1", 3.0)
    store.hide(ben, "2")
    store.watchlist.add(ada, "2")
    store.watchlist.add(ben, "2")
    assert store.overview.films() == {
        "1": FilmCounts(2, 3.5, 0, 0),
        "2": FilmCounts(0, None, 1, 2),
    }


def migrate_to(database: str, revision: str) -> None:
    engine = open_engine(database)
    config = Config()
    config.set_main_option("script_location", str(engine_module._MIGRATIONS))
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_a_database_with_people_gets_the_new_tables(database: str) -> None:
    migrate_to(database, "0004")
    engine = open_engine(database)
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("INSERT INTO people VALUES ('ada', 'hash', 7)"))
        connection.execute(
            sa.text(
                "INSERT INTO ratings (person_id, item_id, stars, rated_at) VALUES ('ada','1',4,8)"
            )
        )
    with pytest.raises(sa.exc.DBAPIError), engine.connect() as connection:
        connection.execute(sa.text("SELECT * FROM traffic"))
    engine.dispose()
    store = Store.open(database)
    (ada,) = store.overview.people().people
    assert ada == ("ada", 7, 8, 1)
    assert store.training.latest() == []
    store.traffic.count_request(200, 0.1)
    store.traffic.flush()
    store.close()
    assert select_rows(database, "SELECT requests FROM traffic") == [(1,)]
