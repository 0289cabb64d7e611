"""Transactions: database errors, and files that are removed or replaced."""

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from matinee.errors import StoreError
from matinee.web.db.engine import open_engine
from matinee.web.db.people import Store
from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, newcomer, serving


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_every_method_fails_once_the_file_is_removed_or_replaced(
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
        with pytest.raises(StoreError) as caught:
            change()
        assert str(caught.value) == (
            "The database file of sqlite:///people.db has been removed or replaced since it was opened, so nothing "
            "more can be stored in it. Stop the server, put the file back, and start the server again."
        )
    os.rename("moved.db", "people.db")
    store.rate(person, "7", 3)
    assert store.load_person(person).stars() == {"7": 3.0}
    store.close()


def test_a_server_whose_database_is_removed_answers_503_and_logs_why(
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
        assert client.get("/").status_code == 200  # needs no database
    assert "has been removed or replaced since it was opened" in capfd.readouterr().err


def test_a_write_fails_if_the_file_is_replaced_during_the_transaction(tmp_path: Path) -> None:
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


def test_database_errors_become_store_errors(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "people.db"))
    engine = open_engine(str(tmp_path / "people.db"))
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("DROP TABLE ratings"))
    engine.dispose()
    with pytest.raises(
        StoreError,
        match=r"^Cannot use the database sqlite:///.*people\.db: no such table: ratings\.$",
    ):
        store.load_person("unknown")
    store.close()
