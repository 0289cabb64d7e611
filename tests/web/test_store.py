"""The store: what is kept, for whom, and what a database that others use does to it; on SQLite and PostgreSQL."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from matinee.errors import SettingError, StoreError
from matinee.web import store as store_module
from matinee.web.engine import open_engine
from matinee.web.store import Store, UnknownPersonError
from matinee.web.tables import METADATA


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
    assert store.kept(person).stars() == {"7": 3.0, "tt 映画": 2.0}
    assert store.unrate(person, "7")
    assert not store.unrate(person, "7")
    assert store.kept(person).stars() == {"tt 映画": 2.0}


def test_several_ratings_are_kept_all_or_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    person = store.create_person().id
    store.rate_many(person, {str(item): 3.5 for item in range(1200)})
    assert len(store.kept(person).ratings) == 1200
    monkeypatch.setattr(store_module, "MOST_RATINGS", 1201)
    with pytest.raises(SettingError, match=r"^One person can keep at most 1,201 films here; delete some first.$"):
        store.rate_many(person, {"a": 1, "b": 1})
    store.rate(person, "5", 1)
    assert len(store.kept(person).ratings) == 1200
    assert store.kept(person).stars()["5"] == 1


def test_what_is_not_of_interest_is_kept_until_it_is_taken_back_or_rated(store: Store) -> None:
    person = store.create_person().id
    for _ in range(2):
        store.hide(person, "7")
    store.hide(person, "8")
    assert sorted(store.kept(person).not_interested) == ["7", "8"]
    assert store.show(person, "8")
    assert not store.show(person, "8")
    store.rate(person, "7", 5)
    assert store.kept(person).not_interested == []


def test_a_person_is_known_by_the_token_alone_and_only_its_hash_is_kept(store: Store, database: str) -> None:
    made, other = store.create_person(), store.create_person()
    assert store.person_of(made.token) == made.id
    assert store.person_of(other.token) == other.id
    assert [store.person_of(wrong) for wrong in ("", made.id, made.token[:-1], "\ud800")] == [None] * 4
    assert len(made.token) >= 43  # 256 bits
    store.create_group(made.id, "Ada")
    kept = rows(database, "SELECT id, token_hash FROM people")
    assert (made.id, hashlib.sha256(made.token.encode()).hexdigest()) in kept
    assert made.token not in str(kept)


def test_the_file_of_a_database_does_not_hold_a_token(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    made = store.create_person()
    group = store.create_group(made.id, "Ada")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    store.close()
    assert made.id.encode() in content
    assert made.token.encode() not in content
    assert group.token.encode() not in content


def test_somebody_who_is_deleted_leaves_nothing(store: Store, database: str) -> None:
    person, friend = store.create_person().id, store.create_person()
    store.rate_many(person, {"1": 1, "2": 2})
    store.hide(person, "3")
    alone, both = store.create_group(person, "Ada"), store.create_group(friend.id, "Bo")
    store.join(both.id, person, "Ada")
    store.rate(friend.id, "1", 5)
    store.forget(person)
    assert store.counts() == {"people": 1, "ratings": 1, "not_interested": 0, "groups": 1}
    assert store.group_of(alone.token) is None
    assert [member.name for member in store.members(both.id)] == ["Bo"]
    for table in METADATA.sorted_tables:
        assert person not in str(rows(database, f"SELECT * FROM {table.name}"))
    for change in (lambda: store.rate(person, "1", 1), lambda: store.hide(person, "1"), lambda: store.export(person)):
        with pytest.raises(UnknownPersonError):
            change()


def test_the_export_holds_all_that_is_kept(store: Store) -> None:
    person = store.create_person().id
    store.rate(person, "7", 4.5)
    store.hide(person, "8")
    group = store.create_group(person, "Ada")
    told = store.export(person)
    times = [told["created_at"], told["ratings"][0]["rated_at"], told["not_interested"][0]["added_at"]]
    assert all(isinstance(time, int) and time > 1_700_000_000 for time in times)
    assert told["ratings"] == [{"item_id": "7", "stars": 4.5, "rated_at": times[1]}]
    assert told["not_interested"] == [{"item_id": "8", "added_at": times[2]}]
    assert [(one["group_id"], one["name"]) for one in told["groups"]] == [(group.id, "Ada")]


def test_friends_join_a_group_by_its_link_and_leave_it(store: Store) -> None:
    ada, bo = store.create_person().id, store.create_person().id
    group = store.create_group(ada, "Ada")
    found = store.group_of(group.token)
    assert found == group.id
    store.join(found, bo, "Bo")
    store.join(found, bo, "Bob")
    assert sorted(member.name for member in store.members(found)) == ["Ada", "Bob"]
    store.leave(found, ada)
    store.leave(found, bo)
    assert store.group_of(group.token) is None
    with pytest.raises(UnknownPersonError, match=r"^This person, or this group, has been deleted.$"):
        store.join(found, ada, "Ada")


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
    assert rows(database, "SELECT version_num FROM alembic_version") == [("0001",)]


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
    with pytest.raises(StoreError, match="was made by a newer matinee than this one"):
        Store.open(database)


def test_what_is_acknowledged_is_on_the_disk_by_the_settings_of_each_database(database: str) -> None:
    engine = open_engine(database)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            ask = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ask}
            assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
        else:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/name", "Ratings can be kept in SQLite or PostgreSQL, not in mysql."),
        ("sqlite://", "A database in memory forgets everything when the server stops."),
        ("sqlite:///:memory:", "A database in memory forgets everything when the server stops."),
        ("a b://x", "This is no URL of a database."),
        ("nonsense://x", "Ratings can be kept in SQLite or PostgreSQL, not in nonsense."),
        ("sqlite:///no/such/folder/people.db", "cannot be opened: unable to open database file."),
        ("postgresql://u:secret@127.0.0.1:1/x", "cannot be opened: connection failed"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(url: str, says: str) -> None:
    with pytest.raises(StoreError) as told:
        Store.open(url)
    assert says in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_database_that_is_gone_raises_one_kind_of_error(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    engine = open_engine(str(tmp_path / "people.db"))
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("DROP TABLE ratings"))
    engine.dispose()
    with pytest.raises(StoreError, match=r"people.db does not answer: no such table: ratings\.$"):
        store.kept("somebody")
    store.close()
