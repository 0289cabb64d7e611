"""Opening and migrating databases, and the settings that make commits durable."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from matinee.errors import StoreError
from matinee.web.db import engine as engine_module
from matinee.web.db.engine import open_engine
from matinee.web.db.people import Store
from tests.web.db.conftest import select_rows


def test_concurrent_starts_create_the_tables_once(database: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            Store.open(database).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert select_rows(database, "SELECT version_num FROM alembic_version") == [("0006",)]


def test_a_migration_keeps_ratings_and_their_order(database: str) -> None:
    store = Store.open(database)
    store.close()
    engine = open_engine(database)
    with engine.execution_options(writes=True).begin() as connection:
        config = Config()
        config.set_main_option(
            "script_location", str(Path(engine_module.__file__).parent / "migrations")
        )
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        connection.execute(sa.text("INSERT INTO people VALUES ('ada', 'hash', 1)"))
        for item, stars, seconds in (("7", 4.5, 100), ("8", 2, 300), ("9", 3, 200)):
            connection.execute(
                sa.text(f"INSERT INTO ratings VALUES ('ada', '{item}', {stars}, {seconds})")
            )
    engine.dispose()
    store = Store.open(database)
    assert [tuple(one) for one in store.load_person("ada").ratings] == [
        ("8", 2.0, 300),
        ("9", 3.0, 200),
        ("7", 4.5, 100),
    ]
    store.rate("ada", "7", 5)
    assert next(iter(store.load_person("ada").stars().items())) == ("7", 5.0)
    store.close()


def test_a_database_of_a_newer_version_is_refused(database: str) -> None:
    Store.open(database).close()
    engine = open_engine(database)
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="was created by a newer version of matinee"):
        Store.open(database)


def test_the_settings_of_each_database_make_commits_durable(
    database: str,
) -> None:
    engine = open_engine(database)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            ask = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ask}
            assert found == {
                "journal_mode": "wal",
                "synchronous": 2,
                "foreign_keys": 1,
                "secure_delete": 1,
            }
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/name", "Ratings can be stored in SQLite or PostgreSQL, not in mysql."),
        ("sqlite://", "An in-memory database loses everything when the server stops."),
        ("sqlite:///:memory:", "An in-memory database loses everything when the server stops."),
        ("a b://x", "This is not a valid database URL."),
        ("file:people.db", "Database names that begin with 'file:' are not supported."),
        (
            "sqlite:///file::memory:?uri=true",
            "Database names that begin with 'file:' are not supported.",
        ),
        (
            "sqlite:///file:x?mode=memory&cache=shared&uri=true",
            "Database names that begin with 'file:' are not",
        ),
        ("", "An in-memory database loses everything when the server stops."),
        ("nonsense://x", "Ratings can be stored in SQLite or PostgreSQL, not in nonsense."),
        (
            "sqlite:///no/such/folder/people.db",
            "Cannot open the database sqlite:///no/such/folder/people.db: unable to open database file.",
        ),
        (
            "postgresql://u:secret@127.0.0.1:1/x",
            "Cannot open the database postgresql://127.0.0.1:1/x: connection failed",
        ),
        (
            "postgresql://127.0.0.1:1/x?user=u&password=secret",
            "Cannot open the database postgresql://127.0.0.1:1/x: connection",
        ),
    ],
)
def test_an_error_message_names_the_database_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["people%41.db", "a b?mode=memory", "50%.db", "#1 & only.db"])
def test_special_characters_in_a_file_name_have_no_meaning(tmp_path: Path, name: str) -> None:
    store = Store.open(str(tmp_path / name))
    person = store.create_person().id
    store.rate(person, "7", 3)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    again = Store.open(str(tmp_path / name))
    assert again.load_person(person).stars() == {"7": 3}
    again.close()
