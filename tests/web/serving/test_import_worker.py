"""The process that reads uploaded files, and its ends."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from matinee.errors import DataError
from matinee.web.http.problems import Problem
from matinee.web.serving import import_process, import_worker
from matinee.web.serving.import_worker import ImportWorker
from matinee.web.serving.snapshot import ModelSnapshot
from matinee.web.serving.uploads import FilmsOfModel
from tests.web.conftest import Process, guide_of

FILE = b"Title,Year,Rating\nAm\xc3\xa9lie,2001,4.5\nNothing of the kind,1990,3\n"
SLOW = b"Title,Year,Rating\n" + b"".join(b"Nearly Film %dx,1990,4\n" % row for row in range(19_000))


@pytest.fixture(scope="module")
def snapshot() -> ModelSnapshot:
    return ModelSnapshot("films", guide_of(), "1")


def run(work: Callable[[ImportWorker], Awaitable[Any]]) -> Any:
    """Runs an async function of a new worker."""

    async def run_and_close() -> Any:
        worker = ImportWorker()
        try:
            return await work(worker)
        finally:
            await worker.close()

    return asyncio.run(run_and_close())


def test_a_file_is_read_in_another_process_which_stays(snapshot: ModelSnapshot) -> None:
    async def work(worker: ImportWorker) -> None:
        await worker.prepare(snapshot)
        process = worker._process
        for _ in range(2):
            found = (await worker.read(snapshot, FILE)).ratings
            (match,), (left_out,) = found.matched, found.unmatched
            assert (match.item_id, match.stars) == (7, 4.5)
            assert match.film is snapshot.guide.catalog[7]
            assert (left_out.row, left_out.title) == (3, "Nothing of the kind (1990)")
        with pytest.raises(DataError, match="not a text file"):
            await worker.read(snapshot, b"\0\1\2")
        assert worker._process is process

    run(work)


def test_a_file_that_takes_too_long_ends_the_process(
    snapshot: ModelSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_worker, "MOST_SECONDS", -0.4)  # half a second more is waited

    async def work(worker: ImportWorker) -> None:
        await worker.prepare(snapshot)
        process = worker._process
        assert process is not None
        with pytest.raises(DataError, match="takes too much time or memory; give a part of it"):
            await worker.read(snapshot, SLOW)
        assert process.returncode is not None
        monkeypatch.setattr(import_worker, "MOST_SECONDS", 8)
        assert (await worker.read(snapshot, FILE)).ratings.matched

    run(work)


def test_a_request_that_is_given_up_ends_the_process(snapshot: ModelSnapshot) -> None:
    async def work(worker: ImportWorker) -> None:
        await worker.prepare(snapshot)
        process = worker._process
        assert process is not None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await worker.read(snapshot, SLOW)
        assert process.returncode is not None

    run(work)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_file_that_takes_too_much_memory_is_refused(
    snapshot: ModelSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import matinee.web.serving.import_process as p; p.MAX_MEGABYTES = 150; p.main()"
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # threads need memory, as on a server
    monkeypatch.setattr(import_worker, "COMMAND", (sys.executable, "-c", code))

    async def work(worker: ImportWorker) -> None:
        with pytest.raises(DataError, match="too much"):
            await worker.read(snapshot, b"[" + b"[{}]," * 400_000 + b"[]]")
        assert (await worker.read(snapshot, FILE)).ratings.matched

    run(work)


def test_the_process_limits_its_own_time(
    snapshot: ModelSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import matinee.web.serving.import_process as p; p.MOST_SECONDS = 0.01; p.main()"
    monkeypatch.setattr(import_worker, "COMMAND", (sys.executable, "-c", code))

    async def work(worker: ImportWorker) -> None:
        await worker.prepare(snapshot)
        process = worker._process
        assert process is not None
        with pytest.raises(DataError, match="too much time"):
            await worker.read(snapshot, SLOW)
        await asyncio.wait_for(process.wait(), 20)

    run(work)


def test_a_process_that_was_killed_is_replaced_and_an_idle_one_ends(
    snapshot: ModelSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(worker: ImportWorker) -> None:
        await worker.prepare(snapshot)
        process = worker._process
        assert process is not None
        process.kill()
        await process.wait()
        monkeypatch.setattr(import_worker, "IDLE_SECONDS", 0.01)
        assert (await worker.read(snapshot, FILE)).ratings.matched
        process = worker._process
        assert process is not None
        await asyncio.wait_for(process.wait(), 20)
        assert (await worker.read(snapshot, FILE)).ratings.matched

    run(work)


def test_too_many_waiting_files_are_refused(
    snapshot: ModelSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_worker, "MAX_WAITING", 2)

    async def work(worker: ImportWorker) -> list[object]:
        asked = [worker.read(snapshot, FILE) for _ in range(3)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    *found, refused = run(work)
    assert all(one.ratings.matched for one in found)
    assert isinstance(refused, Problem)
    assert refused.status_code == 503


def test_a_bug_is_logged_without_what_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    films: Any = FilmsOfModel.from_json(b'{"items": [], "films": [], "scale": [1, 5, 1]}')
    broken = films._replace(catalog=None)
    answer = import_process._answer(b"null\n" + FILE, broken, import_worker._LIMITS)
    assert answer["bug"] == "AttributeError"
    assert "Am" not in str(answer)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_process_ends_with_its_server(
    model_file: Path, tmp_path: Path, end: signal.Signals
) -> None:
    server = Process(str(model_file), "--db", str(tmp_path / "people.db"), "--quiet")
    server.wait()
    httpx.get(f"{server.url}/you/import")
    deadline = time.monotonic() + 20
    while not (started := psutil.Process(server.process.pid).children()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(server.process.pid, end)
    server._wait_for_exit()
    assert psutil.wait_procs(started, timeout=10)[1] == []


def test_the_server_answers_while_it_reads_the_worst_files(site: str) -> None:
    files = (
        b"Title,Year,Rating\n" + (b"a" + b" " * 131_000 + b"b,1990,4\n") * 15,
        b"[" + b"[]," * 650_000 + b"[]]",
        SLOW[:100_000],
    )

    def send(content: bytes) -> None:
        httpx.post(f"{site}/you/import", files={"file": ("ratings.csv", content)}, timeout=60)

    threads = [threading.Thread(target=send, args=(content,)) for content in files]
    for thread in threads:
        thread.start()
    longest = 0.0
    with httpx.Client(base_url=site, timeout=60) as client:
        while any(thread.is_alive() for thread in threads):
            began = time.perf_counter()
            assert client.get("/health/live").status_code == 200
            longest = max(longest, time.perf_counter() - began)
            time.sleep(0.01)
    assert longest < 2  # usually .05 s; benchmarks/liveness.py measures it on a quiet machine
