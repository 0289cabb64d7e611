"""The model registry: new files replace old ones without failed requests, invalid ones are refused."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from matinee.errors import ModelFileError, SettingError
from matinee.web.http.problems import Problem
from matinee.web.serving.registry import ModelRegistry, RegisteredModel
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, newcomer, serving

HEADER = {"Authorization": f"Bearer {OPERATOR}"}


@pytest.fixture
def url(model_copy: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of a server that checks its model file every 0.03 seconds."""
    settings = Settings(
        (model_copy,), str(tmp_path / "people.db"), OPERATOR, UNLIMITED, 0.03, log_requests=False
    )
    with serving(settings) as served:
        yield served


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


def read_state(url: str) -> dict[str, str | None]:
    (model,) = httpx.get(f"{url}/health/ready").json()["models"]
    return dict(model)


def test_models_are_replaced_under_load_without_failed_requests(
    url: str, model_copy: Path, tmp_path: Path
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
        before = read_state(url)["version"]
        new = tmp_path / "new"
        new.write_bytes(others[turn % 2])
        os.replace(new, model_copy)
        wait_for(lambda before=before: read_state(url)["version"] != before)  # type: ignore[misc]
    done.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {200}
    assert len({version for _, version in answers if version}) >= 4
    assert len(answers) > 30


def test_an_invalid_file_is_refused_while_the_old_model_stays_in_use(
    url: str, model_copy: Path
) -> None:
    good, version = model_copy.read_bytes(), read_state(url)["version"]
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
        model_copy.write_bytes(content)
        wait_for(lambda says=says: says in (read_state(url)["refused"] or ""))  # type: ignore[misc]
        response = httpx.get(f"{url}/health/ready")
        assert (response.status_code, response.json()["status"]) == (200, "degraded")
        assert read_state(url)["version"] == version
        assert httpx.get(f"{url}/api/v1/films/7").status_code == 200
    model_copy.unlink()
    wait_for(lambda: "There is no model file" in (read_state(url)["refused"] or ""))
    model_copy.write_bytes(good)
    wait_for(lambda: read_state(url)["refused"] is None)
    assert read_state(url)["version"] != version


def test_the_operator_reloads_and_is_told_of_an_invalid_file(url: str, model_copy: Path) -> None:
    loaded = float(read_state(url)["loaded_at"] or 0)
    assert httpx.post(f"{url}/api/v1/operator/reload", headers=HEADER).status_code == 200
    assert float(read_state(url)["loaded_at"] or 0) > loaded
    model_copy.write_bytes(b"no model")
    response = httpx.post(f"{url}/api/v1/operator/reload", headers=HEADER)
    assert response.status_code == 409
    assert response.json()["detail"].startswith("The previous model stays in use. '")


def test_a_refusal_is_logged_once(model_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = RegisteredModel(model_copy)
    model_copy.write_bytes(b"no model")
    model.poll()
    assert "refused" not in capsys.readouterr().err  # the file may still be incomplete
    model.poll()
    logged = capsys.readouterr().err
    assert str(model.refusal) in logged
    assert '"event":"model refused","model":"films"' in logged
    assert logged.count("model refused") == 1
    model.poll()
    assert "refused" not in capsys.readouterr().err


def test_a_request_keeps_the_snapshot_that_it_started_with(model_copy: Path) -> None:
    model = RegisteredModel(model_copy)
    before = model.current
    guide_of(1).save(model_copy)
    assert model.reload()
    assert model.current is not before
    assert (
        before.guide.recommend({7: 5.0}, 3).items
        != model.current.guide.recommend({7: 5.0}, 3).items
    )


def test_several_models_are_served_by_the_names_of_their_files(
    model_copy: Path, tmp_path: Path
) -> None:
    guide_of(baseline=True).save(tmp_path / "plain.matinee")
    models = ModelRegistry([model_copy, tmp_path / "plain.matinee"])
    assert [models.snapshot(name).guide.model.name for name in (None, "films", "plain")] == [
        "mf",
        "mf",
        "baseline",
    ]
    with pytest.raises(Problem) as caught:
        models.snapshot("best")
    assert caught.value.detail == "There is no model 'best'. The models are: films, plain."
    (tmp_path / "sub").mkdir()
    shutil.copy(model_copy, tmp_path / "sub" / "films.matinee")
    with pytest.raises(
        SettingError, match="Two models are called 'films'; rename one of the files"
    ):
        ModelRegistry([model_copy, tmp_path / "sub" / "films.matinee"])


def test_a_server_does_not_start_without_its_model_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="There is no model file"):
        ModelRegistry([tmp_path / "none.matinee"])
