"""Groups in the store: joining, leaving, limits and concurrent changes, on both databases."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
import sqlalchemy as sa

from matinee.errors import SettingError
from matinee.web.db import groups as groups_module
from matinee.web.db.engine import open_engine
from matinee.web.db.groups import MAX_MEMBERS, FullGroupError
from matinee.web.db.people import Store, UnknownPersonError


def run_concurrently(calls: list[Callable[[], object]]) -> list[BaseException]:
    """Runs each call in a thread of its own; returns the errors raised."""
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
    with pytest.raises(UnknownPersonError, match=r"^This person or group has been deleted\.$"):
        store.groups.join(found, ada, "Ada")


def test_the_groups_of_a_person_include_their_members(store: Store) -> None:
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


def test_the_groups_of_a_person_are_read_in_one_query(store: Store) -> None:
    ada = store.create_person().id
    for _ in range(5):
        store.groups.create(ada, "Ada")
    asked: list[str] = []
    sa.event.listen(
        store.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2])
    )
    assert len(store.groups.list_for(ada)) == 5
    assert len([statement for statement in asked if "group_members" in statement]) == 1


def test_the_number_of_groups_per_person_is_limited(
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


def test_leaving_or_deletion_removes_only_the_persons_own_empty_groups(
    store: Store, database: str
) -> None:
    ada, bo = store.create_person().id, store.create_person().id
    left, kept = store.groups.create(ada, "Ada"), store.groups.create(ada, "Ada")
    store.groups.join(kept.id, bo, "Bo")
    engine = open_engine(database)
    with engine.execution_options(
        writes=True
    ).begin() as connection:  # as one is between two statements of another
        connection.execute(
            sa.text(
                "INSERT INTO viewing_groups (id, link_hash, created_at) VALUES ('another', 'hash', 1)"
            )
        )
    engine.dispose()
    store.groups.leave(left.id, ada)
    assert store.groups.find(left.token) is None
    store.delete_person(ada)
    assert store.groups.find(kept.token) == kept.id
    store.delete_person(bo)
    store.delete_person(bo)
    assert store.groups.find(kept.token) is None
    assert store.counts()["groups"] == 1


def test_concurrent_joins_do_not_exceed_the_limit_on_members(store: Store) -> None:
    group = store.groups.create(store.create_person().id, "Ada").id
    people = [store.create_person().id for _ in range(45)]
    errors = run_concurrently([partial(store.groups.join, group, one, "Bo") for one in people])
    assert len(store.groups.members(group)) == MAX_MEMBERS
    assert {(type(error), str(error)) for error in errors} == {
        (FullGroupError, "This group is full: it has 20 members.")
    }
    assert len(errors) == 45 - (MAX_MEMBERS - 1)
    store.groups.join(group, store.groups.members(group)[3].person_id, "Another name")


def test_concurrent_creations_do_not_exceed_the_limit_on_groups(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups_module, "MAX_GROUPS", 3)
    ada = store.create_person().id
    errors = run_concurrently([partial(store.groups.create, ada, "Ada")] * 15)
    assert {type(error) for error in errors} == {SettingError}
    assert len(store.groups.list_for(ada)) == 3


def test_a_group_is_deleted_when_all_members_leave_or_are_deleted_at_once(store: Store) -> None:
    for turn in range(8):
        people = [store.create_person().id for _ in range(4)]
        group = store.groups.create(people[0], "Ada").id
        for one in people[1:]:
            store.groups.join(group, one, "Bo")
        go = store.delete_person if turn % 2 else partial(store.groups.leave, group)
        assert run_concurrently([partial(go, one) for one in people]) == []
        assert store.counts()["groups"] == 0


def test_concurrent_changes_to_people_and_groups_do_not_deadlock(
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
        errors = run_concurrently(calls)
        assert {type(error) for error in errors} <= {UnknownPersonError}, errors
    assert store.counts()["people"] == 0
