"""Lists of films, further devices and recovery codes, and their migration with data in it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db import devices as devices_module
from matinee.web.db import film_lists
from matinee.web.db.people import Store
from matinee.web.db.transactions import UnknownPersonError, now
from tests.web.db.conftest import select_rows


def test_lists_keep_what_was_added_last_first(store: Store) -> None:
    ada = store.create_person().id
    store.watchlist.add_many(ada, {"1": 100, "2": 300, "3": 200})
    store.not_seen.add(ada, "4")
    store.watchlist.add(ada, "1")  # it stays where it is
    data = store.load_person(ada)
    assert (data.watchlist, data.not_seen) == (["2", "3", "1"], ["4"])
    assert store.watchlist.remove(ada, "2")
    assert not store.watchlist.remove(ada, "2")
    store.rate_many(ada, {"4": 3, "3": 4})
    data = store.load_person(ada)
    assert (data.watchlist, data.not_seen) == (["3", "1"], [])
    with pytest.raises(UnknownPersonError):
        store.watchlist.add("nobody", "1")


def test_lists_are_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_lists, "MAX_FILMS", 2)
    ada = store.create_person().id
    store.watchlist.add_many(ada, {"1": 1, "2": 2})
    with pytest.raises(SettingError, match="at most 2 films"):
        store.watchlist.add(ada, "3")
    assert len(store.load_person(ada).watchlist) == 2


def test_a_link_for_another_device_works_once_and_expires(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = store.create_person()
    first, link = store.devices.new_link(ada.id), store.devices.new_link(ada.id)
    assert store.devices.use_link(first) is None  # a newer one replaces it
    assert store.devices.is_link(link)
    made = store.devices.use_link(link)
    assert made is not None
    assert made.id == ada.id
    assert store.find_person(made.token) == store.find_person(ada.token) == ada.id
    assert store.devices.use_link(link) is None
    late = store.devices.new_link(ada.id)
    later = now() + devices_module.LINK_SECONDS
    monkeypatch.setattr(devices_module, "now", lambda: later)
    assert not store.devices.is_link(late)
    assert store.devices.use_link(late) is None


def test_of_two_devices_that_use_a_link_at_once_one_gets_in(store: Store) -> None:
    ada = store.create_person().id
    for _ in range(5):
        link = store.devices.new_link(ada)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(store.devices.use_link, [link] * 4))
        assert sum(answer is not None for answer in answers) == 1


def test_a_recovery_code_works_in_any_spelling_until_it_is_replaced(store: Store) -> None:
    ada = store.create_person().id
    assert not store.devices.has_recovery_code(ada)
    code = store.devices.new_recovery_code(ada)
    assert store.devices.has_recovery_code(ada)
    for text in (code, code.upper(), code.replace("-", " "), f" {code} "):
        made = store.devices.use_recovery_code(text)
        assert made is not None
        assert store.find_person(made.token) == ada
    assert store.devices.use_recovery_code(code[:-1]) is None
    new = store.devices.new_recovery_code(ada)
    assert store.devices.use_recovery_code(code) is None
    assert store.devices.use_recovery_code(new) is not None


def test_devices_are_limited_and_go_with_the_person(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices_module, "MAX_DEVICES", 2)
    ada = store.create_person()
    code = store.devices.new_recovery_code(ada.id)
    for _ in range(4):
        store.devices.use_recovery_code(code)
    assert len(select_rows(database, "SELECT * FROM device_tokens")) == 2
    assert store.find_person(ada.token) == ada.id  # the first device stays
    store.devices.new_link(ada.id)
    store.delete_person(ada.id)
    for table in ("device_tokens", "device_links", "recovery_codes"):
        assert select_rows(database, f"SELECT * FROM {table}") == []


def test_groups_of_the_earlier_version_get_a_maker_and_keep_their_members(database: str) -> None:
    from alembic import command
    from alembic.config import Config

    from matinee.web.db import engine as engines
    from matinee.web.db.groups import maker_of

    engine = engines.open_engine(database)
    config = Config()
    config.set_main_option("script_location", str(engines._MIGRATIONS))
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for statement in (
            "INSERT INTO people VALUES ('zoe', 'h1', 5), ('ada', 'h2', 6)",
            "INSERT INTO ratings VALUES ('ada', '1', 4.5, 7, 8)",
            "INSERT INTO not_interested VALUES ('ada', '2', 9)",
            "INSERT INTO viewing_groups VALUES ('g', 'hash', 1)",
            "INSERT INTO group_members VALUES ('g', 'ada', 'Ada', 20), ('g', 'zoe', 'Zoe', 10)",
        ):
            connection.execute(sa.text(statement))
    engine.dispose()
    store = Store.open(database)
    group = store.groups.load("g")
    assert group is not None
    assert [member.name for member in group.members] == ["Zoe", "Ada"]
    assert (group.name, group.link, maker_of(group)) == ("", None, "zoe")
    data = store.load_person("ada")
    assert (data.stars(), data.not_interested) == ({"1": 4.5}, ["2"])
    token = store.groups.renew_link("g")
    assert store.groups.find(token) == "g"
    store.close()
