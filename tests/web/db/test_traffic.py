"""Traffic over time in both databases: sums over processes, a bounded number of rows."""

import threading
import time

import pytest
import sqlalchemy as sa

from matinee.errors import StoreError
from matinee.web.db.engine import open_engine
from matinee.web.db.people import Store
from matinee.web.db.traffic import DAY, HOUR, MINUTE, TrafficCounts
from tests.web.db.conftest import select_rows


def at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(time, "time", lambda: seconds)


def test_processes_add_to_the_row_of_a_minute(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 600.0)
    stores = [Store.open(database) for _ in range(2)]

    def work(store: Store) -> None:
        for _ in range(10):
            store.traffic.count_request(200, 0.004, is_list=True)
            store.traffic.count_request(503, 0.3)
            store.traffic.count_stored(ratings=2, people=1)
            store.traffic.flush()

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (counts,) = stores[0].traffic.periods(600, MINUTE, 1)
    assert (counts.requests, counts.errors, counts.lists) == (40, 20, 20)
    assert (counts.ratings, counts.people) == (40, 20)
    assert 3 < (counts.milliseconds(0.25) or 0) <= 4.01
    assert 250 < (counts.milliseconds(0.99) or 0) <= 320
    assert select_rows(database, "SELECT starts_at, seconds FROM traffic") == [(600, 60)]
    for store in stores:
        store.close()


def test_old_minutes_become_hours_and_old_hours_are_deleted(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 40_000_000 // DAY * DAY
    for age in (400 * DAY, 9 * DAY, 9 * DAY - 5 * MINUTE, 8 * DAY, 2 * DAY, 0):
        at(monkeypatch, now - age)
        store.traffic.count_request(200, 0.01)
        store.traffic._add_rows(store.traffic._pending)
        store.traffic._pending.clear()
    store.traffic.condense(now)
    rows = select_rows(database, "SELECT starts_at, seconds, requests FROM traffic ORDER BY 1")
    assert rows == [
        (now - 9 * DAY, HOUR, 2),
        (now - 8 * DAY, HOUR, 1),
        (now - 2 * DAY, MINUTE, 1),
        (now, MINUTE, 1),
    ]
    store.traffic.condense(now)
    assert len(select_rows(database, "SELECT 1 FROM traffic")) == 4
    days = store.traffic.periods(now - 9 * DAY, DAY, 10)
    assert [one.requests for one in days] == [2, 1, 0, 0, 0, 0, 0, 1, 0, 1]


def test_counts_wait_while_the_database_does_not_respond(store: Store, database: str) -> None:
    store.traffic.flush()
    store.traffic.count_request(200, 0.01)
    engine = open_engine(database)
    rename = "ALTER TABLE {} RENAME TO {}"
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text(rename.format("traffic", "gone")))
    with pytest.raises(StoreError):
        store.traffic.flush()
    store.traffic.count_request(200, 0.01)
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text(rename.format("gone", "traffic")))
    engine.dispose()
    store.traffic.flush()
    start = int(time.time()) // MINUTE * MINUTE - 9 * MINUTE
    assert sum(one.requests for one in store.traffic.periods(start, MINUTE, 10)) == 2


def test_people_and_ratings_are_counted_when_they_are_stored(store: Store) -> None:
    ada = store.create_person()
    store.rate_many(ada.id, {"1": 4.0, "2": 3.0})
    store.traffic.flush()
    total = TrafficCounts()
    for one in store.traffic.periods(int(time.time()) // MINUTE * MINUTE - MINUTE, MINUTE, 2):
        total.add(one)
    assert (total.people, total.ratings) == (1, 2)
