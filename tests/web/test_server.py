"""`matinee serve` as a process: killed under load, stopped, in several workers, and what it refuses."""

import os
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
from matinee.web.http.monitoring import remove_dead_gauges
from tests.web.conftest import OPERATOR, Forking, Process, newcomer

KILLS = 10
WRITERS = 3


class Writer(threading.Thread):
    """Rates one film after the other until the server is gone, and remembers what was acknowledged."""

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
                    # It was sent, and not acknowledged: it may have been kept or not.
                    self.acknowledged.pop(item, None)
                    return
                if answer.status_code == 204:
                    self.acknowledged[item] = stars
                else:
                    self.others.add(answer.status_code)


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    made = Forking()
    yield made
    made.close()


def test_every_rating_that_was_acknowledged_is_there_after_ten_kills(
    model_file: Path, database: str, forking: Forking
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
            kept = store.load_person(one.id).stars()
            assert {item: kept.get(item) for item in acknowledged} == acknowledged
            n_checked += len(acknowledged)
    store.close()
    assert n_checked > 10 * KILLS


def test_a_server_that_is_told_to_stop_finishes_what_it_began(
    model_file: Path, tmp_path: Path
) -> None:
    server = Process(str(model_file), "--db", str(tmp_path / "people.db"))
    server.wait()
    with httpx.Client(base_url=server.url) as client:
        ada = newcomer(client)
        client.put("/api/v1/me/ratings/7", json={"stars": 5}, headers=ada)
    assert server.stop() == -signal.SIGTERM
    assert not (
        tmp_path / "people.db-wal"
    ).exists()  # closed in order: all of it is in the one file


def test_ctrl_c_ends_it_without_an_error(model_file: Path, tmp_path: Path) -> None:
    server = Process(str(model_file), "--db", str(tmp_path / "people.db"))
    server.wait()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=30) == 0
    server.stop()


def test_several_workers_share_the_address_the_database_and_the_figures(
    model_file: Path, tmp_path: Path
) -> None:
    options = ("--db", str(tmp_path / "people.db"), "--workers", "2", "--quiet")
    server = Process(str(model_file), *options, environment={"MATINEE_OPERATOR_TOKEN": OPERATOR})
    server.wait()
    with httpx.Client(base_url=server.url) as client:
        ada = newcomer(client)
    for _ in range(12):  # each on a connection of its own, so that both workers are asked
        assert (
            httpx.put(
                f"{server.url}/api/v1/me/ratings/7", json={"stars": 5}, headers=ada
            ).status_code
            == 204
        )
    assert len(httpx.get(f"{server.url}/api/v1/me/ratings", headers=ada).json()["ratings"]) == 1
    text = httpx.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {OPERATOR}"}).text
    assert "matinee_ratings_written_total 12.0" in text
    assert server.stop() in (0, -signal.SIGTERM)


def test_workers_whose_first_process_was_killed_do_not_hold_the_address(
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
            assert time.monotonic() < deadline, "the workers hold the address"
            time.sleep(0.1)


def test_what_dead_workers_have_left_of_living_figures_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [
        f"gauge_livesum_{dead.pid}.db",
        f"counter_{dead.pid}.db",
        f"gauge_livesum_{os.getpid()}.db",
    ]
    for name in names:
        (tmp_path / name).touch()
    remove_dead_gauges(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


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
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
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


def test_an_address_that_is_taken_is_told(model_file: Path) -> None:
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


def test_without_its_packages_it_says_what_to_install(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["matinee.cli.serve"], "find_spec", lambda _: None)
    done = click.testing.CliRunner().invoke(main, ["serve", str(model_file)])
    assert done.exit_code == 1
    ways = "pip install 'matinee[serve]', or in a clone: pip install '.[serve]'"
    assert done.stderr == f"Error: matinee serve needs more packages: {ways}\n"


def test_matinee_and_its_command_line_load_nothing_of_the_web() -> None:
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
