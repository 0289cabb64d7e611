"""The store: people, their ratings and hidden films, on SQLite and PostgreSQL."""

import hashlib
import threading
from pathlib import Path

import pytest

from matinee.errors import SettingError
from matinee.web.db import film_lists
from matinee.web.db.people import Store, UnknownPersonError
from matinee.web.db.schema import METADATA
from tests.web.db.conftest import select_rows


def test_ratings_are_stored_changed_and_deleted(store: Store) -> None:
    person = store.create_person().id
    store.rate(person, "7", 4.5)
    store.rate(person, "tt 映画", 2)
    store.rate(person, "7", 3)
    assert store.load_person(person).stars() == {"7": 3.0, "tt 映画": 2.0}
    assert store.unrate(person, "7")
    assert not store.unrate(person, "7")
    assert store.load_person(person).stars() == {"tt 映画": 2.0}


def test_several_ratings_are_stored_all_or_none(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = store.create_person().id
    store.rate_many(person, {str(item): 3.5 for item in range(1200)})
    assert len(store.load_person(person).ratings) == 1200
    monkeypatch.setattr(film_lists, "MAX_FILMS", 1201)
    with pytest.raises(
        SettingError, match=r"^A person can store at most 1,201 films; delete some first.$"
    ):
        store.rate_many(person, {"a": 1, "b": 1})
    store.rate(person, "5", 1)
    assert len(store.load_person(person).ratings) == 1200
    assert store.load_person(person).stars()["5"] == 1


def test_a_film_stays_hidden_until_it_is_shown_again_or_rated(store: Store) -> None:
    person = store.create_person().id
    for _ in range(2):
        store.hide(person, "7")
    store.hide(person, "8")
    assert sorted(store.load_person(person).not_interested) == ["7", "8"]
    assert store.show(person, "8")
    assert not store.show(person, "8")
    store.rate(person, "7", 5)
    assert store.load_person(person).not_interested == []


def test_a_person_is_found_by_the_token_and_only_its_hash_is_stored(
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
    stored = select_rows(database, "SELECT id, token_hash FROM people")
    assert (made.id, hashlib.sha256(made.token.encode()).hexdigest()) in stored
    assert made.token not in str(stored)


def test_the_database_file_contains_no_token(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    made = store.create_person()
    link, code = store.devices.new_link(made.id), store.devices.new_recovery_code(made.id)
    other = store.devices.use_link(store.devices.new_link(made.id))
    assert other is not None
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    store.close()
    assert made.id.encode() in content
    assert made.token.encode() not in content
    for secret in (link, code, code.replace("-", ""), other.token):
        assert secret.encode() not in content


def test_deleting_a_person_deletes_all_their_data(store: Store, database: str) -> None:
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
        assert person not in str(select_rows(database, f"SELECT * FROM {table.name}"))
    for change in (
        lambda: store.rate(person, "1", 1),
        lambda: store.hide(person, "1"),
        lambda: store.export(person),
    ):
        with pytest.raises(UnknownPersonError):
            change()


def test_the_export_contains_all_stored_data(store: Store) -> None:
    person = store.create_person().id
    store.rate(person, "7", 4.5)
    store.hide(person, "8")
    group = store.groups.create(person, "Ada")
    result = store.export(person)
    times = [
        result["created_at"],
        result["ratings"][0]["rated_at"],
        result["not_interested"][0]["added_at"],
    ]
    assert all(isinstance(time, int) and time > 1_700_000_000 for time in times)
    film = dict.fromkeys(("title", "year", "imdb", "tmdb"))  # no model has been served
    assert result["ratings"] == [{"item_id": "7", "stars": 4.5, "rated_at": times[1]} | film]
    assert result["not_interested"] == [{"item_id": "8", "added_at": times[2]} | film]
    assert [(one["group_id"], one["name"]) for one in result["groups"]] == [(group.id, "Ada")]


def test_ratings_are_listed_latest_first_even_within_a_second(store: Store) -> None:
    person = store.create_person().id
    order = ["5", "1", "9", "3", "7"]
    for item in [*order, "1"]:  # a rating that is changed is the last one again
        store.rate(person, item, 3)
    assert [one.item_id for one in store.load_person(person).ratings] == ["1", "7", "3", "9", "5"]
    store.rate_many(person, {"8": 1, "2": 2, "6": 3})
    assert [one.item_id for one in store.load_person(person).ratings][:4] == ["6", "2", "8", "1"]
    assert list(store.recent_raters(1, 1)[0].stars())[:4] == ["6", "2", "8", "1"]
    assert all(one.rated_at < 10**10 for one in store.load_person(person).ratings)  # seconds


def test_a_database_keeps_its_id(database: str, tmp_path: Path) -> None:
    ids = []
    for url in (database, database, str(tmp_path / "other.db")):
        store = Store.open(url)
        ids.append(store.id)
        store.close()
    assert ids[0] == ids[1] != ids[2]


def test_concurrent_writes_lose_no_ratings(store: Store) -> None:
    people = [store.create_person().id for _ in range(6)]

    def rate_all(person: str) -> None:
        for item in range(15):
            store.rate(person, str(item), 1 + item % 5)

    threads = [threading.Thread(target=rate_all, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()["ratings"] == 90
