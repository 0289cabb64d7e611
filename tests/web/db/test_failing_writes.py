"""A database that can be read but not written: reads go on, and writes say why they fail."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from matinee.errors import StoreError
from matinee.web.app import create_app
from matinee.web.db.engine import open_engine
from matinee.web.db.people import Store
from matinee.web.db.schema import films
from matinee.web.db.transactions import WriteError
from matinee.web.settings import Settings
from tests.web.conftest import (
    OPERATOR,
    UNLIMITED,
    Cluster,
    newcomer,
    read_problem,
    serving_app,
)

RATE = "/api/v1/me/ratings/7"


@contextmanager
def pragma(store: Store, statement: str) -> Iterator[None]:
    """Runs a statement on every connection to SQLite that is opened within the block."""
    engine = store.database.engine

    def prepare(connection: object, _record: object) -> None:
        connection.execute(statement)  # type: ignore[attr-defined]

    sa.event.listen(engine, "connect", prepare)
    engine.dispose()
    yield
    sa.event.remove(engine, "connect", prepare)
    engine.dispose()


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    with pragma(store, "PRAGMA query_only = ON"):
        yield


@contextmanager
def full(store: Store) -> Iterator[None]:
    with pragma(store, "PRAGMA max_page_count = 1"):  # SQLite takes the size of the file instead
        yield


@contextmanager
def locked(store: Store) -> Iterator[None]:
    engine = open_engine(str(store.database.engine.url))
    with engine.execution_options(writes=True).begin():
        yield
    engine.dispose()


def check(
    settings: Settings, fail: Callable[[Store], AbstractContextManager[None]], reason: str
) -> None:
    """What a server answers while its database cannot be written."""
    app = create_app(settings)
    store: Store = app.state.server.store
    with serving_app(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        ada = newcomer(client)
        assert client.put(RATE, json={"stars": 4}, headers=ada).status_code == 204
        assert client.get("/health/ready").json()["writes"] == "work"
        with fail(store):
            store.database._written_at = float("-inf")
            ready = client.get("/health/ready")
            told = ready.json()
            assert (ready.status_code, told["status"], told["database"]) == (
                200,
                "degraded",
                "answers",
            )
            assert told["writes"] == f"fail: the database {reason}"
            rated = client.get("/api/v1/me/ratings", headers=ada).json()["ratings"]
            assert [one["stars"] for one in rated] == [4]
            assert client.get("/api/v1/me/recommendations", headers=ada).status_code == 200
            token = {"Authorization": f"Bearer {OPERATOR}"}
            if "locked" not in reason:  # every write would wait five seconds for the lock
                assert client.get("/api/v1/operator/traffic", headers=token).status_code == 200
                check_writes(client, store, reason)
        assert client.get("/health/ready").json()["status"] == "ready"
        assert client.put(RATE, json={"stars": 5}, headers=ada).status_code == 204


def check_writes(client: httpx.Client, store: Store, reason: str) -> None:
    row = {"item_id": "x", "title": "x" * 100_000, "year": None, "imdb": "", "tmdb": None}
    with pytest.raises(WriteError, match=reason), store.database.writing() as connection:
        connection.execute(films.insert(), row)
    for _ in range(40):  # until there is no room for another person
        answer = client.post("/api/v1/people")
        if answer.status_code != 201:
            break
    status, detail = read_problem(answer)
    assert (status, detail) == (
        503,
        f"Nothing can be stored at the moment, because the database {reason}; nothing was changed. "
        "What is stored can still be read. Try again later.",
    )
    accepts = {"accept": "text/html"}
    page = client.post("/rate", data={"item_id": "7", "stars": "3"}, headers=accepts)
    assert (page.status_code, reason in page.text) == (503, True)


@pytest.mark.parametrize(
    ("fail", "reason"),
    [
        (read_only, "is read-only"),
        (full, "has no more room on its disk"),
        (locked, "is locked by another program"),
    ],
)
def test_sqlite_that_cannot_be_written_can_be_read(
    model_file: Path,
    tmp_path: Path,
    fail: Callable[[Store], AbstractContextManager[None]],
    reason: str,
) -> None:
    check(Settings((model_file,), str(tmp_path / "people.db"), OPERATOR, UNLIMITED), fail, reason)


def test_postgresql_that_is_read_only_can_be_read(model_file: Path, cluster: Cluster) -> None:
    url = cluster.new_database("read_only")

    @contextmanager
    def fail(store: Store) -> Iterator[None]:
        set_read_only(cluster, "on")
        store.database.engine.dispose()
        yield
        set_read_only(cluster, "off")
        store.database.engine.dispose()

    check(Settings((model_file,), url, OPERATOR, UNLIMITED), fail, "is read-only")


def set_read_only(cluster: Cluster, value: str) -> None:
    import psycopg

    with psycopg.connect(
        f"host={cluster.folder} user=matinee dbname=postgres", autocommit=True
    ) as connection:
        connection.execute(
            f"ALTER DATABASE read_only SET default_transaction_read_only = {value}".encode()
        )


def test_an_error_of_a_read_is_no_error_of_writes(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    with pytest.raises(StoreError) as caught, store.database.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM nothing")
    assert not isinstance(caught.value, WriteError)
    store.check_writes()
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM traffic").scalar_one() == 0
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 5000
    store.close()
