"""Retraining: a real training in a process of its own, whose file replaces the served model."""

import csv
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.errors import SettingError
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from matinee.web.settings import Settings
from tests.conftest import simulated
from tests.web.conftest import OPERATOR, UNLIMITED, Process, newcomer, read_problem, serving

HEADER = {"Authorization": f"Bearer {OPERATOR}"}


def write_table(ratings: Ratings, folder: Path, titles: dict[int, str]) -> Path:
    """A folder with ratings.csv and movies.csv, as MovieLens has them."""
    folder.mkdir(exist_ok=True)
    with (folder / "ratings.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["userId", "movieId", "rating", "timestamp"])
        for user, item, value in zip(
            ratings.user_index, ratings.item_index, ratings.value, strict=True
        ):
            row = [ratings.users.id(int(user)), ratings.items.id(int(item)), float(value), 1000]
            rows.writerow(row)
    with (folder / "movies.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["movieId", "title", "genres"])
        rows.writerows([item, title, "Drama"] for item, title in titles.items())
    return folder


def titles_of(ratings: Ratings, word: str = "Film") -> dict[int, str]:
    return {
        item: f"{word} {place} ({1950 + place % 60})"
        for place, item in enumerate(ratings.items.ids.tolist())
    }


def save_model(ratings: Ratings, path: Path, model: Recommender | None = None) -> Path:
    films: dict[Id, Film] = {
        item: Film(title, int(title[-5:-1])) for item, title in titles_of(ratings).items()
    }
    fitted = (model or Baseline()).fit(ratings, n_threads=1)
    Guide(fitted, Catalog(films), Origin("small", len(ratings))).save(path)
    return path


@contextmanager
def retrainable(folder: Path, source: Path, model: Path | None = None) -> Iterator[httpx.Client]:
    """A client of a server that can retrain its model on a source."""
    settings = Settings(
        (model or folder / "films.matinee",),
        str(folder / "people.db"),
        OPERATOR,
        UNLIMITED,
        log_requests=False,
        retrain=(str(source),),
    )
    with serving(settings) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def start(client: httpx.Client) -> httpx.Response:
    return client.post("/api/v1/operator/trainings", json={}, headers=HEADER)


def wait_for_end(client: httpx.Client, seconds: float = 90) -> dict[str, Any]:
    """Waits until no training runs; returns the last one."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get("/api/v1/operator/trainings", headers=HEADER).json()[
            "jobs"
        ][0]
        if job["state"] != "running":
            return job
        time.sleep(0.1)
    raise AssertionError("the training does not end")


def version(client: httpx.Client) -> str:
    (model,) = client.get("/health/ready").json()["models"]
    assert model["refused"] is None
    return str(model["version"])


def test_a_retrained_model_with_the_ratings_here_is_served(tmp_path: Path) -> None:
    ratings = simulated()
    save_model(ratings, tmp_path / "films.matinee", MatrixFactorization(factors=4, epochs=5))
    source = write_table(ratings, tmp_path / "data", titles_of(ratings))
    with retrainable(tmp_path, source) as client:
        ada = newcomer(client)
        for item in (7, 17, 27):
            body = {"stars": 4.5}
            client.put(f"/api/v1/me/ratings/{item}", json=body, headers=ada).raise_for_status()
        before = client.get("/api/v1/operator/model", headers=HEADER).json()[0]
        answer = start(client)
        assert (answer.status_code, answer.json()["state"]) == (202, "running")
        assert read_problem(start(client))[0] == 409
        job = wait_for_end(client)
        assert job["state"] == "done", job
        assert job["message"].startswith("Added 3 ratings by 1 person from ")
        after = client.get("/api/v1/operator/model", headers=HEADER).json()[0]
        assert after["version"] != before["version"]
        assert after["version"] == version(client)
        assert after["n_ratings"] == len(ratings) + 3
        assert after["kind"] == "mf"
        assert after["settings"] == before["settings"]
        assert client.post("/api/v1/recommend", json={}).json()["version"] == after["version"]
    assert sorted(path.name for path in tmp_path.glob("*.matinee")) == ["films.matinee"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_training_can_be_canceled(tmp_path: Path) -> None:
    ratings = simulated()
    model = MatrixFactorization(factors=64, epochs=1, adapt=False)
    model.fit(ratings, n_threads=1)
    model.set_params(epochs=10_000)  # the retraining takes longer than the test
    films: dict[Id, Film] = {item: Film(one, 1950) for item, one in titles_of(ratings).items()}
    Guide(model, Catalog(films), Origin("small", len(ratings))).save(tmp_path / "films.matinee")
    source = write_table(ratings, tmp_path / "data", titles_of(ratings))
    with retrainable(tmp_path, source) as client:
        before = version(client)
        job = start(client).json()
        address = f"/api/v1/operator/trainings/{job['id']}"
        deadline = time.monotonic() + 60
        seen: list[float] = [0.0]
        while not seen[-1] and time.monotonic() < deadline:
            listed = client.get("/api/v1/operator/trainings", headers=HEADER).json()["jobs"][0]
            seen.append(listed["progress"])
            time.sleep(0.1)
        assert 0 < seen[-1] < 1
        assert client.delete(address, headers=HEADER).status_code == 202
        ended = wait_for_end(client, 20)
        assert (ended["state"], ended["message"]) == (
            "canceled",
            "Canceled; the served model is unchanged.",
        )
        assert read_problem(client.delete(address, headers=HEADER))[0] == 404
        assert version(client) == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("has_ratings", [False, True])
def test_a_model_of_other_films_never_replaces_the_served_one(
    tmp_path: Path, has_ratings: bool
) -> None:
    ratings = simulated()
    save_model(ratings, tmp_path / "films.matinee")
    source = write_table(ratings, tmp_path / "data", titles_of(ratings, "Other story"))
    with retrainable(tmp_path, source) as client:
        before = version(client)
        if has_ratings:
            ada = newcomer(client)
            client.put("/api/v1/me/ratings/7", json={"stars": 4}, headers=ada).raise_for_status()
        start(client).raise_for_status()
        job = wait_for_end(client)
        assert job["state"] == "failed"
        assert " contradicts " in job["message"]
        assert "'Film 0 (1950)' in the database" in job["message"]
        assert version(client) == before


def test_a_model_without_titles_never_replaces_one_with_titles(tmp_path: Path) -> None:
    ratings = simulated()
    save_model(ratings, tmp_path / "films.matinee")
    source = write_table(ratings, tmp_path / "data", {})
    with retrainable(tmp_path, source / "ratings.csv") as client:
        before = version(client)
        start(client).raise_for_status()
        job = wait_for_end(client)
        assert job["state"] == "failed"
        assert "120 of 120 films would lose their titles" in job["message"]
        assert version(client) == before


def test_missing_data_fail_with_a_sentence_and_the_next_training_can_start(
    tmp_path: Path,
) -> None:
    save_model(simulated(), tmp_path / "films.matinee")
    with retrainable(tmp_path, tmp_path / "nothing.csv") as client:
        for _ in range(2):
            start(client).raise_for_status()
            job = wait_for_end(client)
            assert job["state"] == "failed"
            assert "nothing.csv" in job["message"]
            assert "Traceback" not in job["message"]


def test_without_data_there_is_no_retraining(web: httpx.Client) -> None:
    status, sentence = read_problem(start(web))
    assert status == 409
    assert "--retrain" in sentence
    listed = web.get("/api/v1/operator/trainings", headers=HEADER).json()
    assert (listed["is_enabled"], listed["jobs"]) == (False, [])


def test_two_workers_serve_the_new_model_and_the_secrets_are_not_passed_on(
    tmp_path: Path,
) -> None:
    ratings = simulated()
    save_model(ratings, tmp_path / "films.matinee")
    source = write_table(ratings, tmp_path / "data", titles_of(ratings))
    files = (str(tmp_path / "films.matinee"), "--db", str(tmp_path / "people.db"))
    server = Process(
        *files,
        *("--workers", "2", "--retrain", str(source)),
        environment={"MATINEE_OPERATOR_TOKEN": OPERATOR},
    )
    try:
        server.wait()
        with httpx.Client(base_url=server.url, timeout=30, verify=False) as client:
            before = version(client)
            start(client).raise_for_status()
            shown = [
                (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
                for path in trainings_of(server.process.pid)
            ]
            assert OPERATOR.encode() not in b"".join(shown)
            assert wait_for_end(client)["state"] == "done"
            deadline, versions = time.monotonic() + 20, {before}
            while before in versions:
                assert time.monotonic() < deadline, (before, versions)
                # Each connection may reach another worker
                close = {"connection": "close"}
                answers = [
                    client.post("/api/v1/recommend", json={}, headers=close) for _ in range(12)
                ]
                versions = {json.loads(answer.text)["version"] for answer in answers}
    finally:
        assert server.stop() == 0


def trainings_of(parent: int) -> list[Path]:
    """The folders in /proc of the trainings among a process's descendants."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().split(b"\0")
            group = os.getsid(int(path.name))
        except OSError:
            continue
        if b"train" in command and group == os.getsid(parent):
            found.append(path)
    return found


# -- updating ----------------------------------------------------------------------------


@contextmanager
def updating(folder: Path, **others: Any) -> Iterator[httpx.Client]:
    """A client of a server that updates its model several times a second."""
    settings = Settings(
        (folder / "films.matinee",),
        str(folder / "people.db"),
        OPERATOR,
        UNLIMITED,
        log_requests=False,
        update_seconds=0.2,
        **others,
    )
    with serving(settings) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def wait_for_ratings(client: httpx.Client, n: int) -> None:
    """Waits until the served model has learned from so many ratings."""
    deadline, found = time.monotonic() + 60, -1
    while found != n:
        assert time.monotonic() < deadline, (found, n)
        found = client.get("/api/v1/operator/model", headers=HEADER).json()[0]["n_ratings"]
        time.sleep(0.05)


def test_new_changed_and_deleted_ratings_come_into_the_served_model(tmp_path: Path) -> None:
    """A rating and a deletion at a time; the ids in the file are not those of the database."""
    ratings = simulated()
    file = save_model(
        ratings, tmp_path / "films.matinee", MatrixFactorization(factors=4, epochs=2, adapt=False)
    )
    with updating(tmp_path) as client:
        ada, bob = newcomer(client), newcomer(client)
        before = version(client)
        for person, item, stars in ((ada, 7, 4.5), (ada, 17, 1.0), (bob, 7, 2.0)):
            body = {"stars": stars}
            client.put(f"/api/v1/me/ratings/{item}", json=body, headers=person).raise_for_status()
        wait_for_ratings(client, len(ratings) + 3)
        assert version(client) != before
        model = Guide.load(file).model
        assert len(model.users_) == 302
        new = {
            tuple(sorted(zip(*(part.tolist() for part in model.history_.of(user)), strict=True)))
            for user in (300, 301)
        }
        seven, seventeen = model.items_.indices([7, 17]).tolist()
        assert new == {((seven, 4.5), (seventeen, 1.0)), ((seven, 2.0),)}
        client.delete("/api/v1/me", headers=bob).raise_for_status()
        client.put("/api/v1/me/ratings/17", json={"stars": 5}, headers=ada).raise_for_status()
        wait_for_ratings(client, len(ratings) + 2)
        job = client.get("/api/v1/operator/trainings", headers=HEADER).json()["jobs"][0]
        assert job["message"].startswith(
            "Added 1 new or changed rating by 1 person, and withdrew 1"
        )
        updated = version(client)
        time.sleep(0.6)  # nothing is new: nothing happens
        assert version(client) == updated
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_retrained_model_knows_the_same_people(tmp_path: Path) -> None:
    """They keep their ids, so that nobody is added twice."""
    ratings = simulated()
    save_model(
        ratings, tmp_path / "films.matinee", MatrixFactorization(factors=4, epochs=2, adapt=False)
    )
    source = write_table(ratings, tmp_path / "data", titles_of(ratings))
    with updating(tmp_path, retrain=(str(source),)) as client:
        ada = newcomer(client)
        client.put("/api/v1/me/ratings/7", json={"stars": 4}, headers=ada).raise_for_status()
        wait_for_ratings(client, len(ratings) + 1)
        while start(client).status_code == 409:
            time.sleep(0.1)
        assert wait_for_end(client)["message"].startswith("Added 1 rating by 1 person from ")
        client.put("/api/v1/me/ratings/17", json={"stars": 5}, headers=ada).raise_for_status()
        wait_for_ratings(client, len(ratings) + 2)


def test_a_model_that_cannot_be_updated_is_refused_at_the_start(tmp_path: Path) -> None:
    file = save_model(simulated(), tmp_path / "films.matinee")
    with pytest.raises(SettingError) as caught, updating(tmp_path):
        pass
    assert str(caught.value).startswith(f"--update-every: '{file}': baseline cannot be updated; ")
