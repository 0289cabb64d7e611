"""`matinee serve` as a process: killed under load, stopped, with several workers, and with invalid arguments."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click.testing
import httpx
import pytest

from matinee.cli import main
from matinee.web.db.people import Store
from tests.web.conftest import OPERATOR, Cluster, Process, ServerForker, newcomer

KILLS = 10
WRITERS = 3


class Writer(threading.Thread):
    """Rates films one after another until the server is gone, and records the acknowledged ratings."""

    def __init__(self, url: str, token: str, already: dict[str, float]) -> None:
        super().__init__()
        self.url, self.token, self.acknowledged, self.others = url, token, already, set[int]()

    def run(self) -> None:
        header = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.url, headers=header, verify=False) as client:
            turn = len(self.acknowledged)
            while True:
                turn += 1
                item, stars = str(7 + 10 * (turn % 120)), 1 + turn % 9 / 2
                try:
                    answer = client.put(f"/api/v1/me/ratings/{item}", json={"stars": stars})
                except httpx.TransportError:
                    # The request was sent but not acknowledged, so the rating may or may not be stored
                    self.acknowledged.pop(item, None)
                    return
                if answer.status_code == 204:
                    self.acknowledged[item] = stars
                else:
                    self.others.add(answer.status_code)


@pytest.fixture(scope="module")
def forking() -> Iterator[ServerForker]:
    made = ServerForker()
    yield made
    made.close()


def test_every_acknowledged_rating_survives_ten_kills(
    model_file: Path, database: str, forking: ServerForker
) -> None:
    store = Store.open(database)
    people = [store.create_person() for _ in range(WRITERS)]
    known: list[dict[str, float]] = [{} for _ in people]
    n_checked = 0
    for _ in range(KILLS):
        server = forking.serve(str(model_file), "--db", database, "--quiet")
        writers = [
            Writer(server.url, one.token, already)
            for one, already in zip(people, known, strict=True)
        ]
        for writer in writers:
            writer.start()
        deadline = time.monotonic() + 20
        started = sum(map(len, known))
        while (
            sum(map(len, known)) < started + 10
            and sum(map(len, known)) < 300
            and time.monotonic() < deadline
        ):
            time.sleep(0.005)
        server.kill()
        for writer in writers:
            writer.join()
        assert [writer.others for writer in writers] == [set()] * WRITERS
        for one, acknowledged in zip(people, known, strict=True):
            stored = store.load_person(one.id).stars()
            assert {item: stored.get(item) for item in acknowledged} == acknowledged
            n_checked += len(acknowledged)
    store.close()
    assert n_checked > 10 * KILLS


def test_sigterm_closes_the_database_cleanly(model_file: Path, tmp_path: Path) -> None:
    server = Process(str(model_file), "--db", str(tmp_path / "people.db"))
    server.wait()
    assert " for localhost, 127.0.0.1 and [::1] at http://127.0.0.1:" in server.told
    with httpx.Client(base_url=server.url) as client:
        ada = newcomer(client)
        client.put("/api/v1/me/ratings/7", json={"stars": 5}, headers=ada)
        assert client.get("/you", headers={"host": "evil.example"}).status_code == 400
    assert server.stop() == -signal.SIGTERM
    assert not (tmp_path / "people.db-wal").exists()  # closed cleanly: all data is in the main file


def test_ctrl_c_exits_without_an_error(model_file: Path, tmp_path: Path) -> None:
    server = Process(str(model_file), "--db", str(tmp_path / "people.db"))
    server.wait()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=30) == 0
    server.stop()


def test_several_workers_share_address_database_metrics_and_limits(
    model_file: Path, cluster: Cluster
) -> None:
    options = ("--db", cluster.new_database("two_workers"), "--workers", "2", "--quiet")
    secret = {"MATINEE_OPERATOR_TOKEN": OPERATOR}
    server = Process(str(model_file), *options, environment=secret, rate="8")
    server.wait()
    close = {"connection": "close"}  # a new connection each time, so that both workers handle some
    with httpx.Client(base_url=server.url, headers=close, verify=False) as client:
        ada = newcomer(client)
        for _ in range(12):
            answer = client.put("/api/v1/me/ratings/7", json={"stars": 5}, headers=ada)
            assert answer.status_code == 204
        assert len(client.get("/api/v1/me/ratings", headers=ada).json()["ratings"]) == 1
        text = client.get("/metrics", headers={"Authorization": f"Bearer {OPERATOR}"}).text
        assert "matinee_ratings_written_total 12.0" in text
        time.sleep(4)  # until the client may send a burst of 32 again
        began, n_allowed = time.monotonic(), 0
        for _ in range(6):
            n_allowed += sum(client.get("/api/v1/genres").status_code == 200 for _ in range(15))
            time.sleep(0.3)
        seconds = time.monotonic() - began
    assert server.stop() in (0, -signal.SIGTERM)
    # One worker would allow so many, and two that share it some more between two exchanges
    assert 30 <= n_allowed <= 32 + 8 * seconds + 15


def test_workers_release_the_address_after_the_main_process_was_killed(
    model_file: Path, tmp_path: Path
) -> None:
    server = Process(
        str(model_file), "--db", str(tmp_path / "people.db"), "--workers", "2", "--quiet"
    )
    server.wait()
    port = int(server.url.rpartition(":")[2])
    server.kill()
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_server(("127.0.0.1", port)).close()
            break
        except OSError:
            assert time.monotonic() < deadline, "the workers still hold the address"
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.matinee"], "Error: There is no model file 'none.matinee'."),
        (
            ["MODEL", "--db", "mysql://x/y"],
            "Error: Ratings can be stored in SQLite or PostgreSQL, not in mysql.",
        ),
        (["MODEL", "MODEL"], "Error: Two models are called 'films'; rename one of the files."),
        (
            ["MODEL", "--operator-token", "short"],
            "Error: The operator's token needs at least 16 characters;",
        ),
        (
            ["MODEL", "--allowed-hosts", "films.example,https://films.example"],
            "Error: An allowed host is a name such as films.example,",
        ),
    ],
)
def test_startup_errors_are_reported_in_one_line(
    model_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(model_file) if one == "MODEL" else one for one in arguments]
    done = click.testing.CliRunner().invoke(main, ["serve", *given, "--port", "0"])
    assert done.exit_code == 1
    assert next(line for line in done.stderr.splitlines() if line[0] != "{").startswith(says)


def test_an_address_in_use_is_an_error(model_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = click.testing.CliRunner().invoke(
            main, ["serve", str(model_file), "--port", str(port)]
        )
    assert done.exit_code == 1
    hint = "Choose another address with --host or --port."
    assert (
        done.stderr == f"Error: Cannot listen on 127.0.0.1:{port}: Address already in use. {hint}\n"
    )


def test_missing_packages_are_named(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["matinee.cli.serve"], "find_spec", lambda _: None)
    done = click.testing.CliRunner().invoke(main, ["serve", str(model_file)])
    assert done.exit_code == 1
    ways = "pip install 'matinee[serve]', or in a clone: pip install '.[serve]'"
    assert done.stderr == f"Error: matinee serve needs more packages: {ways}\n"


def test_importing_matinee_does_not_import_the_web() -> None:
    code = (
        "import sys, matinee, matinee.cli; "
        "print([name for name in ('fastapi', 'uvicorn', 'alembic', 'matinee.web') if name in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )
