"""Groups of friends: who joins and leaves, how many may, and what happens at the same moment; on both databases."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import httpx
import pytest
import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db import groups as groups_module
from matinee.web.db.engine import open_engine
from matinee.web.db.groups import MAX_MEMBERS, FullGroupError
from matinee.web.db.people import Store, UnknownPersonError
from tests.web.conftest import newcomer


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store.open(database)
    yield opened
    opened.close()


def all_at_once(calls: list[Callable[[], object]]) -> list[BaseException]:
    """Runs calls in as many threads; the errors that they raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        start.wait()
        try:
            call()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return errors


# -- the store -----------------------------------------------------------------------------------------------------


def test_friends_join_a_group_by_its_link_and_leave_it(store: Store) -> None:
    ada, bo = store.create_person().id, store.create_person().id
    group = store.groups.create(ada, "Ada")
    found = store.groups.find(group.token)
    assert found == group.id
    store.groups.join(found, bo, "Bo")
    store.groups.join(found, bo, "Bob")
    assert sorted(member.name for member in store.groups.members(found)) == ["Ada", "Bob"]
    store.groups.leave(found, ada)
    store.groups.leave(found, bo)
    assert store.groups.find(group.token) is None
    with pytest.raises(UnknownPersonError, match=r"^This person or group has been deleted.$"):
        store.groups.join(found, ada, "Ada")


def test_the_groups_of_a_person_come_with_who_is_in_them(store: Store) -> None:
    ada, bo, cy = (store.create_person().id for _ in range(3))
    first, second = store.groups.create(ada, "Ada"), store.groups.create(bo, "Bo")
    store.groups.create(cy, "Cy")
    store.groups.join(second.id, ada, "A")
    found = {
        group.id: sorted(member.name for member in group.members)
        for group in store.groups.list_for(ada)
    }
    assert found == {first.id: ["Ada"], second.id: ["A", "Bo"]}
    assert [group.id for group in store.groups.list_for(bo)] == [second.id]
    assert store.groups.list_for("nobody") == []


def test_the_groups_of_a_person_are_asked_for_at_once(store: Store) -> None:
    ada = store.create_person().id
    for _ in range(5):
        store.groups.create(ada, "Ada")
    asked: list[str] = []
    sa.event.listen(
        store._database.engine, "before_cursor_execute", lambda *given: asked.append(given[2])
    )
    assert len(store.groups.list_for(ada)) == 5
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 1


def test_a_person_is_in_so_many_groups_and_not_in_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups_module, "MAX_GROUPS", 3)
    ada, bo = store.create_person().id, store.create_person().id
    mine = [store.groups.create(ada, "Ada").id for _ in range(3)]
    other = store.groups.create(bo, "Bo").id
    for change in (
        lambda: store.groups.create(ada, "Ada"),
        lambda: store.groups.join(other, ada, "Ada"),
    ):
        with pytest.raises(
            SettingError, match=r"^A person can be in at most 3 groups; leave one first\.$"
        ):
            change()
    store.groups.join(mine[0], ada, "Another name")
    store.groups.leave(mine[1], ada)
    store.groups.join(other, ada, "Ada")
    assert {group.id for group in store.groups.list_for(ada)} == {mine[0], mine[2], other}


def test_who_leaves_or_is_deleted_takes_only_their_own_empty_groups_along(
    store: Store, database: str
) -> None:
    ada, bo = store.create_person().id, store.create_person().id
    left, kept = store.groups.create(ada, "Ada"), store.groups.create(ada, "Ada")
    store.groups.join(kept.id, bo, "Bo")
    engine = open_engine(database)
    with engine.execution_options(
        writes=True
    ).begin() as connection:  # as one is between two statements of another
        connection.execute(sa.text("INSERT INTO viewing_groups VALUES ('another', 'hash', 1)"))
    engine.dispose()
    store.groups.leave(left.id, ada)
    assert store.groups.find(left.token) is None
    store.delete_person(ada)
    assert store.groups.find(kept.token) == kept.id
    store.delete_person(bo)
    store.delete_person(bo)
    assert store.groups.find(kept.token) is None
    assert store.counts()["groups"] == 1


def test_however_many_join_at_once_a_group_does_not_become_too_large(store: Store) -> None:
    group = store.groups.create(store.create_person().id, "Ada").id
    people = [store.create_person().id for _ in range(45)]
    errors = all_at_once([partial(store.groups.join, group, one, "Bo") for one in people])
    assert len(store.groups.members(group)) == MAX_MEMBERS
    assert {(type(error), str(error)) for error in errors} == {
        (FullGroupError, "This group is full: it has 20 members.")
    }
    assert len(errors) == 45 - (MAX_MEMBERS - 1)
    store.groups.join(group, store.groups.members(group)[3].person_id, "Another name")


def test_however_many_groups_are_made_at_once_a_person_is_not_in_too_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups_module, "MAX_GROUPS", 3)
    ada = store.create_person().id
    errors = all_at_once([partial(store.groups.create, ada, "Ada")] * 15)
    assert {type(error) for error in errors} == {SettingError}
    assert len(store.groups.list_for(ada)) == 3


def test_a_group_goes_when_all_leave_at_once_or_are_deleted(store: Store) -> None:
    for turn in range(8):
        people = [store.create_person().id for _ in range(4)]
        group = store.groups.create(people[0], "Ada").id
        for one in people[1:]:
            store.groups.join(group, one, "Bo")
        go = store.delete_person if turn % 2 else partial(store.groups.leave, group)
        assert all_at_once([partial(go, one) for one in people]) == []
        assert store.counts()["groups"] == 0


def test_who_joins_leaves_rates_and_is_deleted_at_the_same_time_waits_for_nobody_for_ever(
    store: Store,
) -> None:
    for _ in range(4):
        people = [store.create_person().id for _ in range(4)]
        groups = [store.groups.create(people[0], "Ada").id for _ in range(3)]
        calls: list[Callable[[], object]] = []
        for one in people:
            calls += [partial(store.groups.join, group, one, "Bo") for group in groups]
            calls += [
                partial(store.groups.leave, groups[1], one),
                partial(store.delete_person, one),
            ]
            calls += [
                partial(store.rate_many, one, order)
                for order in ({"7": 3, "8": 4}, {"8": 4, "7": 3})
            ]
        errors = all_at_once(calls)
        assert {type(error) for error in errors} <= {UnknownPersonError}, errors
    assert store.counts()["people"] == 0


# -- the pages -----------------------------------------------------------------------------------------------------


def test_who_comes_to_a_full_group_is_told_and_nobody_is_made(web: httpx.Client, site: str) -> None:
    link = web.post("/together", data={"name": "Ada"}).headers["location"]
    web.cookies.clear()
    for number in range(MAX_MEMBERS - 1):
        joined = httpx.post(f"{site}{link}/join", data={"name": f"Bo {number}"})
        assert joined.status_code == 303
    late = httpx.post(f"{site}{link}/join", data={"name": "Cy"})
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "This group is full: it has 20 members.",
    )
    assert "set-cookie" not in late.headers


def test_who_is_in_too_many_groups_is_told(
    web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups_module, "MAX_GROUPS", 2)
    ada = newcomer(web)
    made = [web.post("/together", data={"name": "Ada"}, headers=ada) for _ in range(3)]
    assert [answer.status_code for answer in made] == [303, 303, 422]
    assert made[2].json()["detail"] == "A person can be in at most 2 groups; leave one first."
    page = web.get("/together", headers=ada).text
    assert page.count("Only you so far") == 2
