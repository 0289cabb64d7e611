"""The store: what is kept, for whom, and what a database that others use does to it; on SQLite and PostgreSQL."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from matinee.errors import SettingError, StoreError
from matinee.web.db import engine as engine_module
from matinee.web.db import people as store_module
from matinee.web.db.engine import open_engine
from matinee.web.db.people import Store, UnknownPersonError
from matinee.web.db.schema import METADATA
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, newcomer, serving


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store.open(database)
    yield opened
    opened.close()


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    engine = open_engine(database)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found


def test_a_rating_is_kept_changed_and_deleted(store: Store) -> None:
    person = store.create_person().id
    store.rate(person, "7", 4.5)
    store.rate(person, "tt 映画", 2)
    store.rate(person, "7", 3)
    assert store.load_person(person).stars() == {"7": 3.0, "tt 映画": 2.0}
    assert store.unrate(person, "7")
    assert not store.unrate(person, "7")
    assert store.load_person(person).stars() == {"tt 映画": 2.0}


def test_several_ratings_are_kept_all_or_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = store.create_person().id
    store.rate_many(person, {str(item): 3.5 for item in range(1200)})
    assert len(store.load_person(person).ratings) == 1200
    monkeypatch.setattr(store_module, "MAX_RATINGS", 1201)
    with pytest.raises(
        SettingError, match=r"^A person can store at most 1,201 films; delete some first.$"
    ):
        store.rate_many(person, {"a": 1, "b": 1})
    store.rate(person, "5", 1)
    assert len(store.load_person(person).ratings) == 1200
    assert store.load_person(person).stars()["5"] == 1


def test_what_is_not_of_interest_is_kept_until_it_is_taken_back_or_rated(store: Store) -> None:
    person = store.create_person().id
    for _ in range(2):
        store.hide(person, "7")
    store.hide(person, "8")
    assert sorted(store.load_person(person).not_interested) == ["7", "8"]
    assert store.show(person, "8")
    assert not store.show(person, "8")
    store.rate(person, "7", 5)
    assert store.load_person(person).not_interested == []


def test_a_person_is_known_by_the_token_alone_and_only_its_hash_is_kept(
    store: Store, database: str
) -> None:
    made, other = store.create_person(), store.create_person()
    assert store.find_person(made.token) == made.id
    assert store.find_person(other.token) == other.id
    assert [store.find_person(wrong) for wrong in ("", made.id, made.token[:-1], "\ud800")] == [
        None
    ] * 4
    assert len(made.token) >= 43  # 256 bits
    store.groups.create(made.id, "Ada")
    kept = rows(database, "SELECT id, token_hash FROM people")
    assert (made.id, hashlib.sha256(made.token.encode()).hexdigest()) in kept
    assert made.token not in str(kept)


def test_the_file_of_a_database_does_not_hold_a_token(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    made = store.create_person()
    group = store.groups.create(made.id, "Ada")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    store.close()
    assert made.id.encode() in content
    assert made.token.encode() not in content
    assert group.token.encode() not in content


def test_somebody_who_is_deleted_leaves_nothing(store: Store, database: str) -> None:
    person, friend = store.create_person().id, store.create_person()
    store.rate_many(person, {"1": 1, "2": 2})
    store.hide(person, "3")
    alone, both = store.groups.create(person, "Ada"), store.groups.create(friend.id, "Bo")
    store.groups.join(both.id, person, "Ada")
    store.rate(friend.id, "1", 5)
    store.delete_person(person)
    assert store.counts() == {"people": 1, "ratings": 1, "not_interested": 0, "groups": 1}
    assert store.groups.find(alone.token) is None
    assert [member.name for member in store.groups.members(both.id)] == ["Bo"]
    for table in METADATA.sorted_tables:
        assert person not in str(rows(database, f"SELECT * FROM {table.name}"))
    for change in (
        lambda: store.rate(person, "1", 1),
        lambda: store.hide(person, "1"),
        lambda: store.export(person),
    ):
        with pytest.raises(UnknownPersonError):
            change()


def test_the_export_holds_all_that_is_kept(store: Store) -> None:
    person = store.create_person().id
    store.rate(person, "7", 4.5)
    store.hide(person, "8")
    group = store.groups.create(person, "Ada")
    told = store.export(person)
    times = [
        told["created_at"],
        told["ratings"][0]["rated_at"],
        told["not_interested"][0]["added_at"],
    ]
    assert all(isinstance(time, int) and time > 1_700_000_000 for time in times)
    assert told["ratings"] == [{"item_id": "7", "stars": 4.5, "rated_at": times[1]}]
    assert told["not_interested"] == [{"item_id": "8", "added_at": times[2]}]
    assert [(one["group_id"], one["name"]) for one in told["groups"]] == [(group.id, "Ada")]


def test_the_last_rating_is_the_first_even_within_a_second(store: Store) -> None:
    person = store.create_person().id
    order = ["5", "1", "9", "3", "7"]
    for item in [*order, "1"]:  # a rating that is changed is the last one again
        store.rate(person, item, 3)
    assert [one.item_id for one in store.load_person(person).ratings] == ["1", "7", "3", "9", "5"]
    store.rate_many(person, {"8": 1, "2": 2, "6": 3})
    assert [one.item_id for one in store.load_person(person).ratings][:4] == ["6", "2", "8", "1"]
    assert list(store.recent_raters(1, 1)[0].stars())[:4] == ["6", "2", "8", "1"]
    assert all(one.rated_at < 10**10 for one in store.load_person(person).ratings)  # seconds


def test_ratings_of_an_older_matinee_stay_and_keep_their_order(database: str) -> None:
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


def test_a_database_has_an_id_that_stays(database: str, tmp_path: Path) -> None:
    ids = []
    for url in (database, database, str(tmp_path / "other.db")):
        store = Store.open(url)
        ids.append(store.id)
        store.close()
    assert ids[0] == ids[1] != ids[2]


def test_many_threads_write_at_once_and_nothing_is_lost(store: Store) -> None:
    everybody = [store.create_person().id for _ in range(6)]

    def rate_all(person: str) -> None:
        for item in range(15):
            store.rate(person, str(item), 1 + item % 5)

    threads = [threading.Thread(target=rate_all, args=(person,)) for person in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()["ratings"] == 90


def test_processes_that_start_together_make_the_tables_once(database: str) -> None:
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
    assert rows(database, "SELECT version_num FROM alembic_version") == [("0002",)]


def test_the_migrations_make_the_tables_that_the_code_uses(database: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    Store.open(database).close()
    engine = open_engine(database)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_a_database_of_a_newer_matinee_is_refused(database: str) -> None:
    Store.open(database).close()
    engine = open_engine(database)
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="was created by a newer version of matinee"):
        Store.open(database)


def test_what_is_acknowledged_is_on_the_disk_by_the_settings_of_each_database(
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
        ("sqlite:///no/such/folder/people.db", "Cannot open the database sqlite:///no/such/folder/people.db: unable to open database file."),
        ("postgresql://u:secret@127.0.0.1:1/x", "Cannot open the database postgresql://127.0.0.1:1/x: connection failed"),
        (
            "postgresql://127.0.0.1:1/x?user=u&password=secret",
            "Cannot open the database postgresql://127.0.0.1:1/x: connection",
        ),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StoreError) as told:
        Store.open(url)
    assert says in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["people%41.db", "a b?mode=memory", "50%.db", "#1 & only.db"])
def test_a_name_of_a_file_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    store = Store.open(str(tmp_path / name))
    person = store.create_person().id
    store.rate(person, "7", 3)
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    again = Store.open(str(tmp_path / name))
    assert again.kept(person).stars() == {"7": 3}
    again.close()


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_nothing_is_acknowledged_once_the_file_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("backup.db", "people.db"):
        Store.open(name).close()
    store = Store.open("people.db")
    person, groups = store.create_person().id, store.groups
    store.check()
    os.rename("people.db", "moved.db")
    if what == "replaced":
        os.rename("backup.db", "people.db")
    changes: list[Callable[[], object]] = [
        store.check,
        store.create_person,
        lambda: store.rate(person, "7", 3),
        lambda: store.unrate(person, "7"),
        lambda: store.delete_person(person),
        lambda: groups.create(person, "Ada"),
        lambda: store.load_person(person),
    ]
    for change in changes:
        with pytest.raises(StoreError) as told:
            change()
        assert str(told.value) == (
            "The database file of sqlite:///people.db has been removed or replaced since it was opened, so nothing "
            "more can be stored in it. Stop the server, put the file back, and start the server again."
        )
    os.rename("moved.db", "people.db")
    store.rate(person, "7", 3)
    assert store.load_person(person).stars() == {"7": 3.0}
    store.close()


def test_a_server_whose_database_is_removed_says_so_and_acknowledges_nothing(
    model_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings((model_file,), str(tmp_path / "people.db"), limits=UNLIMITED)
    with serving(settings) as url, httpx.Client(base_url=url) as client:
        ada = newcomer(client)
        assert client.get("/health/ready").status_code == 200
        (tmp_path / "people.db").unlink()
        refused = client.put("/api/v1/me/ratings/7", json={"stars": 3}, headers=ada)
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:matinee:no-database")
        assert client.get("/health/ready").status_code == 503
        assert client.get("/").status_code == 200  # who asks for nothing that is kept is served
    assert "has been removed or replaced since it was opened" in capfd.readouterr().err


def test_what_is_written_while_the_file_is_replaced_is_not_acknowledged(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    person = store.create_person().id

    def write() -> None:
        with store._writing() as connection:
            connection.execute(sa.text("UPDATE people SET created_at = 7"))
            os.rename(tmp_path / "people.db", tmp_path / "moved.db")

    with pytest.raises(StoreError, match="has been removed or replaced"):
        write()
    os.rename(tmp_path / "moved.db", tmp_path / "people.db")
    assert store.export(person)["person_id"] == person
    store.close()


def test_a_database_that_is_gone_raises_one_kind_of_error(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    engine = open_engine(str(tmp_path / "people.db"))
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("DROP TABLE ratings"))
    engine.dispose()
    with pytest.raises(StoreError, match=r"^Cannot use the database sqlite:///.*people\.db: no such table: ratings\.$"):
        store.load_person("somebody")
    store.close()
