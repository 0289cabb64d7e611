"""The API for the operator: traffic, people, films, comparison and trainings."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, newcomer, read_problem, serving

HEADER = {"Authorization": f"Bearer {OPERATOR}"}
BASE = "/api/v1/operator"
PATHS = (
    *("traffic", "routes", "people", "people/abc", "films", "unknown-films"),
    *("accuracy", "comparison", "trainings"),
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("own")
    guide_of().save(folder / "mf.matinee")
    guide_of(baseline=True).save(folder / "baseline.matinee")
    files: tuple[Path, ...] = (folder / "mf.matinee", folder / "baseline.matinee")
    with serving(
        Settings(files, str(folder / "people.db"), OPERATOR, UNLIMITED, log_requests=False)
    ) as url:
        yield url


@pytest.fixture
def client(own: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=own, timeout=30) as opened:
        yield opened


def ask(client: httpx.Client, path: str, **query: str | int) -> Any:
    answer = client.get(f"{BASE}/{path}", params=query, headers=HEADER)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rater(client: httpx.Client, shift: int = 0) -> str:
    header = newcomer(client)
    ratings = [{"item_id": 7 + 10 * n, "stars": 1.0 + (n + shift) % 5} for n in range(12)]
    client.post("/api/v1/me/ratings", json={"ratings": ratings}, headers=header).raise_for_status()
    return str(client.get("/api/v1/me", headers=header).json()["person_id"])


def test_nothing_is_told_without_the_token_of_the_operator(client: httpx.Client) -> None:
    ada = newcomer(client)
    for path in PATHS:
        for header in ({}, ada, {"Authorization": "Bearer x"}):
            assert read_problem(client.get(f"{BASE}/{path}", headers=header))[0] == 401, path
    person = rater(client)
    assert read_problem(client.delete(f"{BASE}/people/{person}", headers=ada))[0] == 401
    assert read_problem(client.post(f"{BASE}/trainings", json={}, headers=ada))[0] == 401


def test_traffic_counts_requests_ratings_people_and_lists(client: httpx.Client) -> None:
    before = ask(client, "traffic", window="hour")
    assert (before["seconds"], len(before["periods"])) == (60, 60)
    rater(client)
    for _ in range(5):
        client.post("/api/v1/recommend", json={}).raise_for_status()
    client.get("/no/such/page")
    after = ask(client, "traffic", window="hour")

    def gained(name: str) -> int:
        sums = [sum(one[name] for one in answer["periods"]) for answer in (before, after)]
        return int(sums[1] - sums[0])

    assert gained("requests") == 3 + 5 + 1 + 1  # and the first question itself
    assert (gained("lists"), gained("refusals"), gained("errors")) == (5, 1, 0)
    assert (gained("ratings"), gained("people")) == (12, 1)
    last = next(one for one in reversed(after["periods"]) if one["requests"])
    assert 0 < last["median_ms"] <= last["p99_ms"]
    for window, seconds in (("day", 900), ("week", 7_200), ("month", 86_400), ("year", 432_000)):
        answer = ask(client, "traffic", window=window)
        assert answer["seconds"] == seconds
        assert sum(one["requests"] for one in answer["periods"]) > 10
    assert ask(client, "routes")["routes"][-1]["route"] == "other"


def test_people_are_listed_exported_and_deleted(client: httpx.Client) -> None:
    ids = [rater(client, shift) for shift in range(3)]
    page = ask(client, "people", page_size=2, sort="newest")
    assert len(page["people"]) == 2
    assert page["total"] >= 3
    (found,) = ask(client, "people", q=ids[1][:12])["people"]
    assert (found["person_id"], found["n_ratings"]) == (ids[1], 12)
    assert ask(client, f"people/{ids[1]}")["ratings"][0]["stars"] >= 1
    assert client.delete(f"{BASE}/people/{ids[1]}", headers=HEADER).status_code == 204
    for method in ("GET", "DELETE"):
        answer = client.request(method, f"{BASE}/people/{ids[1]}", headers=HEADER)
        assert read_problem(answer)[0] == 404
    assert ask(client, "people", q=ids[1])["total"] == 0


def test_films_and_models_are_measured_on_the_people_here(client: httpx.Client) -> None:
    for shift in range(6):
        rater(client, shift)
    (film,) = ask(client, "films", q="amelie")["films"]
    assert film["item_id"] == 7
    assert film["n_ratings_here"] >= 6
    assert 1 <= film["mean_here"] <= 5
    films = ask(client, "films", sort="here", page_size=12)["films"]
    assert {one["item_id"] for one in films} == {7 + 10 * n for n in range(12)}
    assert ask(client, "unknown-films") == {"films": []}
    measured = ask(client, "accuracy")["models"]
    assert [one["model"] for one in measured] == ["mf", "baseline"]
    assert all(one["rmse"] > 0 and one["n_people"] >= 5 for one in measured)
    shared = ask(client, "comparison")
    assert (shared["left"], shared["right"], shared["list_length"]) == ("mf", "baseline", 15)
    assert 0 <= shared["mean_shared"] <= 15
    assert ask(client, "comparison", left="mf", right="mf")["mean_shared"] == 15
    assert read_problem(client.get(f"{BASE}/films?model=x", headers=HEADER))[0] == 404
