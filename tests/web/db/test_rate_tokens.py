"""Limits per client that worker processes share."""

import time
from pathlib import Path

import pytest

from matinee.errors import StoreError
from matinee.web.db import rate_tokens
from matinee.web.db.people import Store
from matinee.web.http.client_limits import ClientLimiters, SharedLimits
from matinee.web.settings import Limits
from tests.web.conftest import Cluster
from tests.web.db.conftest import select_rows

LIMITS = Limits(per_second=0.001, burst=10, people_per_minute=0)


def worker(store: Store, key: str = "key") -> tuple[ClientLimiters, SharedLimits]:
    limiters = ClientLimiters(LIMITS)
    return limiters, SharedLimits(limiters, store.rate_tokens, key)


def take(limiters: ClientLimiters, n: int, client: str = "192.0.2.7") -> int:
    """How many of n requests are allowed."""
    return sum(limiters.requests.acquire(client) == 0 for _ in range(n))


def test_workers_share_what_a_client_may_send(cluster: Cluster) -> None:
    url = cluster.new_database("shared_limits")
    store = Store.open(url)
    (one, sharing_one), (two, sharing_two) = worker(store), worker(store)
    assert (take(one, 4), take(two, 4)) == (4, 4)
    sharing_one.exchange()
    sharing_two.exchange()
    assert take(two, 9) == 2  # of ten, eight are taken
    sharing_two.exchange()
    assert take(one, 1) == 1  # it does not know yet
    sharing_one.exchange()
    assert (take(one, 9), take(two, 9)) == (0, 0)
    assert take(two, 3, "192.0.2.8") == 3
    assert one.requests.wait("192.0.2.7") == pytest.approx(2000, rel=0.1)  # one too many
    other, sharing_other = worker(store, "another server's key")
    assert take(other, 10) == 10
    sharing_other.exchange()
    assert take(other, 1) == 0
    sharing_two.exchange()
    rows = select_rows(url, "SELECT bucket, tokens FROM rate_tokens")
    assert sorted(round(float(str(tokens))) for _, tokens in rows) == [-1, 0, 7]
    assert "192.0.2" not in str([bucket for bucket, _ in rows])
    store.close()


def test_a_client_owes_at_most_one_burst_and_old_buckets_are_deleted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = cluster.new_database("shared_debts")
    store = Store.open(url)
    tokens = store.rate_tokens
    assert tokens.take({"a": 4}, 100.0, 10) == {"a": 6}
    assert tokens.take({"a": 500, "b": 1}, 0.001, 10) == {"a": -10, "b": 9}
    time.sleep(0.01)
    assert -9.9 < tokens.take({"a": 0}, 100.0, 10)["a"] <= 10
    monkeypatch.setattr(rate_tokens, "KEEP_SECONDS", -1)
    tokens._clean()
    assert select_rows(url, "SELECT bucket FROM rate_tokens") == []
    kind = "SELECT relpersistence::text FROM pg_class WHERE relname = 'rate_tokens'"
    assert select_rows(url, kind) == [("u",)]  # not logged
    store.close()


def test_without_the_database_each_worker_goes_on(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))  # SQLite does not know the statement
    limiters, sharing = worker(store)
    assert take(limiters, 4) == 4
    for _ in range(2):
        with pytest.raises(StoreError):
            sharing.exchange()
    assert limiters.requests.take_counts() == {"192.0.2.7": 4}
    assert take(limiters, 9) == 6
    store.close()
