"""The operator's pages of people, films, models and trainings, without a browser."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from matinee.web.db.people import Store
from matinee.web.settings import Settings
from tests.web.conftest import OPERATOR, UNLIMITED, guide_of, newcomer, serving
from tests.web.pages.conftest import words_on


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with one model and its own database."""
    folder = tmp_path_factory.mktemp("small")
    guide_of().save(folder / "films.matinee")
    settings = Settings(
        (folder / "films.matinee",),
        str(folder / "people.db"),
        OPERATOR,
        UNLIMITED,
        log_requests=False,
        retrain=(str(folder / "missing.csv"),),
    )
    with serving(settings) as url:
        yield url


@pytest.fixture
def operator(small: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=small, timeout=30, follow_redirects=True) as client:
        assert client.post("/operator", data={"token": OPERATOR}).status_code == 200
        yield client


@pytest.fixture
def guest(small: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=small, timeout=30) as client:
        yield client


def rater(client: httpx.Client, stars: dict[int, float]) -> str:
    """Creates a person with ratings; returns their id."""
    header = newcomer(client)
    body = {"ratings": [{"item_id": item, "stars": value} for item, value in stars.items()]}
    client.post("/api/v1/me/ratings", json=body, headers=header).raise_for_status()
    return str(client.get("/api/v1/me", headers=header).json()["person_id"])


PATHS = (
    "/operator",
    "/operator/people",
    "/operator/people/abc",
    "/operator/people/abc/export",
    "/operator/people/abc/delete",
    "/operator/films",
    "/operator/models",
    "/operator/training",
)


def test_every_page_is_for_the_operator_alone(guest: httpx.Client) -> None:
    for path in PATHS:
        answer = guest.get(path)
        assert answer.status_code == 401, path
        assert "Sign in" in answer.text
    for path in ("/operator/people/abc/delete", "/operator/training", "/operator/training/cancel"):
        assert guest.post(path, data={"sure": "true"}).status_code == 401, path


def test_signing_in_leads_back_to_the_page_that_was_asked_for(guest: httpx.Client) -> None:
    form = guest.get("/operator/people?sort=ratings").text
    back = re.search(r'name="back" value="([^"]*)"', form)
    assert back
    assert back[1] == "/operator/people?sort=ratings"
    for given, leads_to in (
        (back[1], back[1]),
        ("//evil.example/operator", "/operator"),
        ("/operatorx", "/operator"),
        ("https://evil.example", "/operator"),
    ):
        answer = guest.post("/operator", data={"token": OPERATOR, "back": given})
        assert answer.headers["location"] == leads_to


def test_forms_of_other_sites_are_refused(operator: httpx.Client, guest: httpx.Client) -> None:
    person = rater(guest, {7: 4.0})
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        for path in (f"/operator/people/{person}/delete", "/operator/training"):
            answer = operator.post(path, data={"sure": "true"}, headers=headers)
            assert answer.status_code == 403
    assert operator.get(f"/operator/people/{person}").status_code == 200


def test_the_state_is_said_in_words(operator: httpx.Client) -> None:
    operator.get("/no/such/page")
    operator.get("/static/app.css")
    page = operator.get("/operator")
    words = words_on(page)
    assert "SQLite OK · 1 request in progress" in words
    assert "Reload models" in words
    assert words.index("Unknown addresses") > words.rindex("/ operator")
    assert "99% within, ms" in words
    assert re.search(r"/ static/ \{file\} \d+ ", words)  # not an unknown address
    after = operator.post("/operator/reload")
    assert "The models have been reloaded." in words_on(after)


def test_a_reload_that_fails_is_said(tmp_path: Path) -> None:
    guide_of().save(tmp_path / "films.matinee")
    settings = Settings((tmp_path / "films.matinee",), str(tmp_path / "db"), OPERATOR, UNLIMITED)
    with serving(settings) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        client.post("/operator", data={"token": OPERATOR})
        (tmp_path / "films.matinee").write_bytes(b"garbage")
        words = words_on(client.post("/operator/reload"))
        assert "A model was not reloaded" in words
        assert "New file rejected: " in words


def test_charts_show_the_traffic_over_time(operator: httpx.Client, guest: httpx.Client) -> None:
    rater(guest, {7: 4.0, 17: 3.0})
    guest.get("/for-you")
    for window in ("hour", "day", "week", "month", "year", "nonsense"):
        page = operator.get("/operator", params={"window": window})
        charts = re.findall(r'<figure class="columns" data-chart="(\w+)"', page.text)
        assert charts == ["requests", "times", "lists", "ratings", "people"]
        assert page.text.count("<rect") >= 4
        assert '<polyline class="p99"' in page.text
        words = words_on(page)
        assert re.search(r"[\d,]+ requests; 0 errors\. At most [\d,]+ in ", words)
        assert re.search(r"Half within [\d.]+ ms, 99% within [\d.]+ m?s; at worst ", words)
        assert re.search(r"[1-9]\d* ratings; at most ", words)
        assert re.search(r"[1-9]\d* (person|people); at most ", words)


def test_people_are_listed_exported_and_deleted_after_a_question(
    operator: httpx.Client, guest: httpx.Client
) -> None:
    ada = rater(guest, {7: 4.5, 17: 3.0, 27: 2.0})
    ben = rater(guest, {7: 1.0})
    page = operator.get("/operator/people")
    assert f"/operator/people/{ada}" in page.text
    assert ada not in words_on(page)  # shortened
    assert ada[:8] in words_on(page)
    found = operator.get("/operator/people", params={"q": ada[:10].upper()})
    assert f"/operator/people/{ada}" in found.text
    assert f"/operator/people/{ben}" not in found.text
    assert "No id starts with" in words_on(operator.get("/operator/people?q=zz"))
    assert "No id starts with" in words_on(operator.get("/operator/people", params={"q": "é\0"}))
    assert "Amélie (2001)" in words_on(operator.get(f"/operator/people/{ada}"))
    export = operator.get(f"/operator/people/{ada}/export")
    assert "attachment" in export.headers["content-disposition"]
    assert len(json.loads(export.text)["ratings"]) == 3
    question = operator.get(f"/operator/people/{ada}/delete")
    assert "3 ratings" in words_on(question)
    unsure = operator.post(f"/operator/people/{ada}/delete")
    assert "Delete this person?" in words_on(unsure)
    assert operator.get(f"/operator/people/{ada}").status_code == 200
    done = operator.post(f"/operator/people/{ada}/delete", data={"sure": "true"})
    assert "The person and all their data have been deleted." in words_on(done)
    assert operator.get(f"/operator/people/{ada}").status_code == 404
    assert operator.get(f"/operator/people/{ben}").status_code == 200


def test_films_show_what_the_people_here_said(operator: httpx.Client, guest: httpx.Client) -> None:
    for _ in range(3):
        rater(guest, {37: 1.0})
    rater(guest, {47: 5.0})
    page = operator.get("/operator/films", params={"sort": "mean"})
    first = re.search(r"<tbody>\s*<tr>(.*?)</tr>", page.text, re.S)
    assert first
    assert ">Film 4<" in first[1]
    assert "5.00" in first[1]
    matrix = operator.get("/operator/films", params={"q": "amelie"})
    assert "1 film" in words_on(matrix)
    assert ">Amélie<" in matrix.text
    assert "No films found" in words_on(operator.get("/operator/films?q=zzzzzzzzzzzzz"))
    for sort in ("best match", "title", "model", "here", "hidden", "watchlists"):
        assert (
            operator.get("/operator/films", params={"sort": sort, "q": "film"}).status_code == 200
        )
    assert operator.get("/operator/films?page=3").text.count('<th scope="row">') == 20
    assert operator.get("/operator/films?sort=nonsense").status_code == 422


def test_films_that_the_model_does_not_know_are_listed(tmp_path: Path) -> None:
    guide_of().save(tmp_path / "films.matinee")
    store = Store.open(str(tmp_path / "people.db"))
    store.rate_many(store.create_person().id, {"7": 4.0, "unknown": 2.0})
    store.close()
    settings = Settings(
        (tmp_path / "films.matinee",), str(tmp_path / "people.db"), OPERATOR, UNLIMITED
    )
    with serving(settings) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        client.post("/operator", data={"token": OPERATOR})
        words = words_on(client.get("/operator/films"))
        assert "rated or marked 1 film that the model does not know" in words
        assert "no title unknown 1 2.00 0 0" in words
        header = {"Authorization": f"Bearer {OPERATOR}"}
        (film,) = client.get("/api/v1/operator/unknown-films", headers=header).json()["films"]
        assert (film["item_id"], film["n_ratings_here"], film["mean_here"]) == ("unknown", 1, 2)


def test_the_comparison_is_on_the_people_here(three_models: str) -> None:
    with httpx.Client(base_url=three_models, timeout=60, follow_redirects=True) as client:
        client.post("/operator", data={"token": OPERATOR})
        for name in ("Rate", "For you", "Together"):
            assert f">{name}</a>" in client.get("/").text
        assert ">Models</a>" not in client.get("/").text
        words = words_on(client.get("/models"))
        assert "Too few people here have rated enough films to tell." in words
        ids = [
            rater(client, {7 + 10 * place: 1.0 + (place + shift) % 5 for place in range(12)})
            for shift in range(6)
        ]
        page = client.get("/operator/models", params={"person": ids[0][:10]})
        words = words_on(page)
        assert f"The lists of person {ids[0][:8]}, based on 12 films." in words
        assert "Typical error, stars" in words
        assert re.search(
            r"For the 6 people who rated last, the lists share [\d.]+ of 15 films", words
        )
        assert "Where the predictions differ most" in words
        assert words.count("Average error on this person's ratings") == 2
        other = words_on(client.get("/models", params={"left": "baseline", "right": "plain"}))
        assert "no, it only ranks films" in other
        assert "Where the predictions differ most" not in other
        assert "The lists for a new user" in other
        nobody = words_on(client.get("/operator/models", params={"person": "zz"}))
        assert "No person's id starts with" in nobody
        assert client.get("/operator/models?left=nonsense").status_code == 200


def test_a_training_needs_a_tick_and_says_why_it_fails(operator: httpx.Client) -> None:
    page = operator.get("/operator/training")
    assert "No training yet." in words_on(page)
    unsure = operator.post("/operator/training")
    assert unsure.status_code == 422
    assert "Tick the box first" in words_on(unsure)
    started = operator.post("/operator/training", data={"sure": "true"})
    assert "Training films" in words_on(started)
    assert "<progress" in started.text
    again = operator.post("/operator/training", data={"sure": "true"})
    assert again.status_code == 409
    assert "Another training is running" in words_on(again)
    job = re.search(r'name="job" value="(\w+)"', started.text)
    assert job
    asked = operator.post("/operator/training/cancel", data={"job": job[1]})
    assert "The training" in words_on(asked)


def test_without_data_the_page_says_how_to_retrain(site: str) -> None:
    with httpx.Client(base_url=site, follow_redirects=True) as client:
        client.post("/operator", data={"token": OPERATOR})
        words = words_on(client.get("/operator/training"))
        assert "--retrain" in words
        assert client.get("/operator/training").text.count("<button") == 2  # search, sign out
        answer = client.post("/operator/training", data={"sure": "true"})
        assert answer.status_code == 409
        assert "--retrain DATA" in words_on(answer)
