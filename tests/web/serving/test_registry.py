"""ModelRegistry that are served: a new file takes the place of the old one, a bad one does not, and nobody notices."""

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from matinee.errors import ModelFileError, SettingError
from matinee.web.db.engine import open_engine
from matinee.web.http.problems import Problem
from matinee.web.serving import snapshot as snapshot_module
from matinee.web.serving.registry import ModelRegistry, RegisteredModel
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, newcomer, serving

HEADER = {"Authorization": f"Bearer {OPERATOR}"}


@pytest.fixture
def copy(model_file: Path, tmp_path: Path) -> Path:
    """A model file that may be changed."""
    return Path(shutil.copy(model_file, tmp_path / "films.matinee"))


@pytest.fixture
def url(copy: Path, tmp_path: Path) -> Iterator[str]:
    """A server that looks at its model file every few hundredths of a second."""
    settings = Settings(
        (copy,), str(tmp_path / "people.db"), OPERATOR, UNLIMITED, 0.03, log_requests=False
    )
    with serving(settings) as served:
        yield served


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


def ready(url: str) -> dict[str, str | None]:
    (model,) = httpx.get(f"{url}/health/ready").json()["models"]
    return dict(model)


def test_models_are_swapped_under_load_without_a_failed_request(
    url: str, copy: Path, tmp_path: Path
) -> None:
    others = []
    for number in range(2):
        guide_of(number, baseline=bool(number)).save(tmp_path / f"other{number}.matinee")
        others.append((tmp_path / f"other{number}.matinee").read_bytes())
    answers: list[tuple[int, str]] = []
    done = threading.Event()

    def ask() -> None:
        body = {"ratings": [{"item_id": 7, "stars": 5}], "k": 5}
        with httpx.Client(base_url=url, timeout=60) as client:
            ada = newcomer(client)
            while not done.is_set():
                for answer in (
                    client.post("/api/v1/recommend", json=body),
                    client.get("/api/v1/me/recommendations", headers=ada),
                    client.get("/api/v1/films?q=film"),
                ):
                    answers.append((answer.status_code, answer.json().get("version", "")))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(6):
        before = ready(url)["version"]
        new = tmp_path / "new"
        new.write_bytes(others[turn % 2])
        os.replace(new, copy)
        wait_for(lambda before=before: ready(url)["version"] != before)  # type: ignore[misc]
    done.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}
    assert len({version for _, version in answers if version}) >= 4
    assert len(answers) > 30


def test_a_bad_file_is_refused_and_told_while_the_old_model_goes_on(url: str, copy: Path) -> None:
    good, version = copy.read_bytes(), ready(url)["version"]
    flipped = bytearray(good)
    flipped[-100] ^= 1
    for content, says in (
        (
            good[:-1000],
            "is not a complete model file (it is truncated, damaged, or of another kind); train the model again.",
        ),
        (bytes(flipped), "was damaged or altered after it was saved; train the model again."),
        (b"", "is not a complete model file"),
        (b"#!/bin/sh\nrm -r x\n", "is not a complete model file"),
    ):
        copy.write_bytes(content)
        wait_for(lambda says=says: says in (ready(url)["refused"] or ""))  # type: ignore[misc]
        told = httpx.get(f"{url}/health/ready")
        assert (told.status_code, told.json()["status"]) == (200, "degraded")
        assert ready(url)["version"] == version
        assert httpx.get(f"{url}/api/v1/films/7").status_code == 200
    copy.unlink()
    wait_for(lambda: "There is no model file" in (ready(url)["refused"] or ""))
    copy.write_bytes(good)
    wait_for(lambda: ready(url)["refused"] is None)
    assert ready(url)["version"] != version


def test_the_operator_reloads_and_is_told_of_a_bad_file(url: str, copy: Path) -> None:
    loaded = float(ready(url)["loaded_at"] or 0)
    assert httpx.post(f"{url}/api/v1/operator/reload", headers=HEADER).status_code == 200
    assert float(ready(url)["loaded_at"] or 0) > loaded
    copy.write_bytes(b"no model")
    told = httpx.post(f"{url}/api/v1/operator/reload", headers=HEADER)
    assert told.status_code == 409
    assert told.json()["detail"].startswith("The previous model stays in use. '")


def test_a_refusal_is_logged(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    live = RegisteredModel(copy)
    copy.write_bytes(b"no model")
    live.poll()
    assert "refused" not in capsys.readouterr().err  # whoever writes it may not be done
    live.poll()
    logged = capsys.readouterr().err
    assert str(live.refusal) in logged
    assert '"event":"model refused","model":"films"' in logged
    assert logged.count("model refused") == 1
    live.poll()
    assert "refused" not in capsys.readouterr().err


def test_a_request_keeps_the_model_with_which_it_began(copy: Path) -> None:
    live = RegisteredModel(copy)
    before = live.current
    guide_of(1).save(copy)
    assert live.reload()
    assert live.current is not before
    assert (
        before.guide.recommend({7: 5.0}, 3).items != live.current.guide.recommend({7: 5.0}, 3).items
    )


def test_ratings_that_are_older_than_the_model_are_taken_to_its_scale(copy: Path) -> None:
    snapshot = RegisteredModel(copy).current
    kept = snapshot.fold_in({"7": 10.0, "gone": 3.0}, strict=False)
    assert kept.profile.value.tolist() == [5.0]
    assert kept.unknown == ["gone"]


def test_several_models_are_served_by_the_names_of_their_files(copy: Path, tmp_path: Path) -> None:
    guide_of(baseline=True).save(tmp_path / "plain.matinee")
    models = ModelRegistry([copy, tmp_path / "plain.matinee"])
    assert [models.snapshot(name).guide.model.name for name in (None, "films", "plain")] == [
        "mf",
        "mf",
        "baseline",
    ]
    with pytest.raises(Problem) as told:
        models.snapshot("best")
    assert told.value.detail == "There is no model 'best'. The models are: films, plain."
    (tmp_path / "sub").mkdir()
    shutil.copy(copy, tmp_path / "sub" / "films.matinee")
    with pytest.raises(
        SettingError, match="Two models are called 'films'; rename one of the files"
    ):
        ModelRegistry([copy, tmp_path / "sub" / "films.matinee"])


def test_a_server_does_not_start_on_a_bad_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="There is no model file"):
        ModelRegistry([tmp_path / "none.matinee"])


def test_a_server_whose_database_does_not_answer_is_not_ready_and_says_so(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(str(tmp_path / "people.db"))
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE people RENAME TO others")
    engine.dispose()
    told = httpx.get(f"{url}/health/ready")
    assert (told.status_code, told.json()["status"]) == (503, "not ready")
    made = httpx.post(f"{url}/api/v1/people")
    assert (made.status_code, made.headers["retry-after"]) == (503, "1")
    assert (
        made.json()["detail"]
        == "The database is not available; nothing was changed. Try again in a moment."
    )
    assert '"event":"database failed"' in capsys.readouterr().err
    assert (
        httpx.post(f"{url}/api/v1/recommend", json={}).status_code == 200
    )  # for which no database is needed


def test_what_is_quick_is_answered_at_once_and_what_is_not_in_a_thread(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def threads() -> list[bool]:
        snapshot, here = RegisteredModel(copy).current, threading.get_ident()
        return [
            await snapshot.run_async(threading.get_ident, explained=n) == here
            for n in (0, 1, 10_000_000)
        ]

    monkeypatch.setattr(snapshot_module, "INLINE_SECONDS", 60.0)
    assert asyncio.run(threads()) == [True, True, False]
    monkeypatch.setattr(snapshot_module, "INLINE_SECONDS", 0.0)
    assert asyncio.run(threads()) == [False, False, False]


def test_a_model_that_is_asked_by_one_at_a_time_keeps_nobody_waiting_who_does_not_ask_it(
    tmp_path: Path,
) -> None:
    guide_of(0, baseline=True).save(tmp_path / "plain.matinee")
    go_on, ran = threading.Event(), threading.Event()

    def long() -> bool:
        ran.set()
        return go_on.wait(30)

    async def both() -> tuple[int, bool, int]:
        snapshot = RegisteredModel(tmp_path / "plain.matinee").current
        first = asyncio.create_task(snapshot.run_async(long, explained=10_000_000))
        while not ran.is_set():
            await asyncio.sleep(0.001)
        second = asyncio.create_task(snapshot.run_async(threading.get_ident))
        for _ in range(20):
            await asyncio.sleep(0.001)  # goes on, although the model is in use
        waited = not second.done()
        go_on.set()
        assert await first
        return await second, waited, threading.get_ident()

    answered, waited, here = asyncio.run(both())
    assert waited
    assert answered != here
