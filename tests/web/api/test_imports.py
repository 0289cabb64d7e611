"""Files of other sites through the API."""

from typing import Any

import httpx

from tests.web.conftest import newcomer

FILE = """Date,Name,Year,Letterboxd URI,Rating
2024-01-01,Amélie,2001,u,5
2024-01-02,Star Wars,1977,u,4
2024-01-03,Nothing Like It,1999,u,2
"""


def send(web: httpx.Client, token: dict[str, str], content: str, **query: Any) -> httpx.Response:
    files = {"file": ("ratings.csv", content.encode())}
    return web.post("/api/v1/me/import", files=files, params=query, headers=token)


def test_certain_rows_are_stored_with_their_dates(web: httpx.Client) -> None:
    token = newcomer(web)
    tried = send(web, token, FILE, dry_run=True).json()
    assert tried["n_stored"] == 0
    assert web.get("/api/v1/me", headers=token).json()["n_ratings"] == 0
    found = send(web, token, FILE).json()
    assert found | {"n_stored": 0} == tried
    assert found["source"] == "Letterboxd"
    assert [line["item_id"] for line in found["matched"]] == [7]
    assert [line["text"] for line in found["left_out"]] == ["Nothing Like It (1999)"]
    (doubtful,) = found["doubtful"]
    assert doubtful["item_id"] == 17
    assert doubtful["doubt"]
    (kept,) = web.get("/api/v1/me/ratings", headers=token).json()["ratings"]
    assert (kept["item_id"], kept["stars"]) == (7, 5.0)
    assert kept["rated_at"] == found["matched"][0]["rated_at"] < 1_704_200_000


def test_likely_rows_are_stored_if_asked(web: httpx.Client) -> None:
    token = newcomer(web)
    assert send(web, token, FILE, include_doubtful=True).json()["n_stored"] == 2
    assert web.get("/api/v1/me", headers=token).json()["n_ratings"] == 2


def test_a_file_that_is_none_is_refused_in_a_sentence(web: httpx.Client) -> None:
    token = newcomer(web)
    refused = send(web, token, "a,b\n1,2\n")
    assert refused.status_code == 422
    assert len(refused.json()["detail"]) > 20
    too_large = send(web, token, "x" * 3_000_000)
    assert too_large.status_code == 413
    assert too_large.json()["detail"].startswith("The file is too large")
    assert web.post("/api/v1/me/import", headers=token).status_code == 422
