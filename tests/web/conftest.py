"""Fixtures for tests of the web: a small model, both databases, and running servers."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from matinee.data.catalog import Catalog, Film
from matinee.models.baseline import Baseline
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.app import create_app
from matinee.web.server import Address, uvicorn_config
from matinee.web.settings import Limits, Settings
from tests.conftest import simulated

OPERATOR = "the-operator-of-the-tests"
UNLIMITED = Limits(per_second=0, people_per_minute=0, connections=0, guesses_per_minute=0)
NEEDED = "needs PostgreSQL's initdb and pg_ctl: apt-get install postgresql"


def guide_of(seed: int = 0, *, baseline: bool = False) -> Guide:
    """A model of 120 films with the ids 7, 17, 27, ...; those with ids 1187 and above have no title."""
    ratings = simulated(seed=seed)
    genres = ("Drama", "Comedy", "Sci-Fi", "Horror")
    films = {
        item_id: Film(
            f"Film {place} ({1950 + place % 60})", 1950 + place % 60, (genres[place % 4],)
        )
        for place, item_id in enumerate(ratings.items.ids.tolist()[:118])
    }
    films[7] = Film(
        "Amélie (2001)", 2001, ("Comedy", "Romance"), "tt0211915", 194, ("quirky", "R&B?")
    )
    films[17] = Film("Star Wars: Episode IV (1977)", 1977, ("Sci-Fi",))
    model = Baseline() if baseline else MatrixFactorization(factors=8, epochs=12, seed=seed)
    return Guide(model.fit(ratings, n_threads=1), Catalog(films), Origin("simulated", len(ratings)))


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small model, which tests must not change."""
    path = tmp_path_factory.mktemp("model") / "films.matinee"
    guide_of().save(path)
    return path


@dataclass(frozen=True)
class Cluster:
    """A temporary PostgreSQL server; its folder contains its data and its socket."""

    folder: Path

    def new_database(self, name: str) -> str:
        """Creates an empty database; returns its URL."""
        import psycopg

        with psycopg.connect(
            f"host={self.folder} user=matinee dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://matinee@/{name}?host={self.folder}"

    def empty(self, name: str) -> None:
        """Removes all that is in a database, and ends its connections."""
        import psycopg

        with psycopg.connect(
            f"host={self.folder} user=matinee dbname={name}", autocommit=True
        ) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid != pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")


def _tool(name: str) -> str:
    found = shutil.which(name) or next(
        iter(sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")))), None
    )
    if found is None and os.environ.get("MATINEE_REQUIRE_ALL"):
        pytest.fail(f"MATINEE_REQUIRE_ALL is set; {NEEDED}")
    if found is None:
        pytest.skip(NEEDED)
    return found


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server with its default settings for durability; skips the test if it is not installed."""
    initdb, control = _tool("initdb"), _tool("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL does not run as root
    if user:
        shutil.chown(folder, user)
    data, options = (
        folder / "data",
        f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=60",
    )
    made = [
        initdb,
        "--no-sync",
        "-A",
        "trust",
        "-U",
        "matinee",
        "-E",
        "UTF8",
        "--locale=C",
        "-D",
        str(data),
    ]
    quiet = {"cwd": folder, "user": user, "stdout": subprocess.DEVNULL, "check": True}
    subprocess.run(made, **quiet)  # type: ignore[call-overload]
    run = [control, "-D", str(data), "-w", "-l", str(folder / "log")]
    subprocess.run([*run, "-o", options, "start"], **quiet)  # type: ignore[call-overload]
    yield Cluster(folder)
    subprocess.run([*run, "-m", "immediate", "stop"], **quiet)  # type: ignore[call-overload]
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def emptied(cluster: Cluster) -> str:
    """The URL of a database that is emptied for each test: a new one is 300 files of 7 MB."""
    return cluster.new_database("emptied")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'people.db'}"
        return
    url: str = request.getfixturevalue("emptied")
    yield url
    cluster: Cluster = request.getfixturevalue("cluster")
    cluster.empty("emptied")


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Runs a server in a thread of this process, on a free port; yields its URL."""
    with serving_app(create_app(settings)) as url:
        yield url


@contextmanager
def serving_app(app: FastAPI) -> Iterator[str]:
    """As `serving`, for an application that a test looks into."""
    server = uvicorn.Server(uvicorn_config(app, Address(port=0)))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


class Process:
    """`matinee serve` as a process, on a free port."""

    def __init__(
        self, *arguments: str, environment: dict[str, str] | None = None, rate: str = "0"
    ) -> None:
        command = [sys.executable, "-m", "matinee", "serve", *arguments]
        self.process = subprocess.Popen(
            [*command, "--port", "0", "--rate", rate],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | (environment or {}),
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.told = self.process.stdout.readline()
        found = re.search(r"http://\S+", self.told)
        assert found, f"the server did not start: {self.told!r}"
        self.url = found[0]

    def wait(self) -> None:
        """Waits until the server responds."""
        wait_for_answer(self.url)

    def stop(self) -> int:
        """Sends SIGTERM; returns the exit code."""
        self.process.terminate()
        return self._wait_for_exit()

    def kill(self) -> None:
        """Sends SIGKILL to the main process only."""
        self.process.kill()
        self._wait_for_exit()

    def _wait_for_exit(self) -> int:
        code = self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


class ForkedServer:
    """A `matinee serve` that `ServerForker` has started."""

    def __init__(self, url: str, process_id: int) -> None:
        self.url, self.process_id = url, process_id

    def kill(self) -> None:
        """Sends SIGKILL."""
        os.kill(self.process_id, signal.SIGKILL)


class ServerForker:
    """Starts `matinee serve` many times without the seconds that imports take: one process imports everything, then
    forks one child at a time and waits until the child has ended."""

    _CODE = """
import os, sys
import matinee.web.server
from matinee.cli import main
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        main(["serve", *line.split(), "--port", "0", "--rate", "0"])
    print(child, flush=True)
    os.waitpid(child, 0)
"""

    def __init__(self) -> None:
        command = [sys.executable, "-c", self._CODE]
        pipes = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.DEVNULL,
            "text": True,
        }
        self._process = subprocess.Popen(command, **pipes)  # type: ignore[call-overload]

    def serve(self, *arguments: str) -> ForkedServer:
        """Starts a server; returns when it responds."""
        self._process.stdin.write(" ".join(arguments) + "\n")
        self._process.stdin.flush()
        output = "".join(self._process.stdout.readline() for _ in range(2))
        url = re.search(r"http://\S+", output)
        process_id = re.search(r"^\d+$", output, re.MULTILINE)
        assert url, output
        assert process_id, output
        wait_for_answer(url[0])
        return ForkedServer(url[0], int(process_id[0]))

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def wait_for_answer(url: str) -> None:
    """Waits until a server responds."""
    deadline = time.monotonic() + 30
    # Preparing TLS verification takes time, and these servers do not use TLS
    with httpx.Client(verify=False) as client:
        while time.monotonic() < deadline:
            try:
                client.get(f"{url}/health/live", timeout=30)
                return
            except httpx.TransportError:
                time.sleep(0.02)
    raise AssertionError("the server does not respond")


@pytest.fixture(scope="module")
def site(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with SQLite and an operator, without rate limits."""
    database = f"sqlite:///{tmp_path_factory.mktemp('site') / 'people.db'}"
    with serving(Settings((model_file,), database, OPERATOR, UNLIMITED, log_requests=False)) as url:
        yield url


@pytest.fixture
def web(site: str) -> Iterator[httpx.Client]:
    """A client of `site` with its own cookies."""
    with httpx.Client(base_url=site, timeout=30) as client:
        yield client


def newcomer(client: httpx.Client) -> dict[str, str]:
    """Creates a person; returns the header that signs in as them."""
    return {"Authorization": f"Bearer {client.post('/api/v1/people').json()['token']}"}


def read_problem(response: httpx.Response) -> tuple[int, str]:
    """The status and the sentence of a complete problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert set(document) - {"errors"} == {"type", "title", "status", "detail", "request_id"}
    assert document["status"] == response.status_code
    assert document["type"].startswith("urn:matinee:")
    assert document["request_id"] == response.headers["x-request-id"]
    return response.status_code, document["detail"]
