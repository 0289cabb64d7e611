"""The watchlist, films not seen, and the way back of an export."""

import csv
import io
from pathlib import Path

import httpx
import pytest

from matinee.web.settings import Settings
from tests.web.conftest import UNLIMITED, newcomer, read_problem, serving
from tests.web.pages.conftest import HTML, films_on, rate, send_rating, stored_ratings, words_on

BROWSER = HTML | {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}


def mark(client: httpx.Client, action: str, item_id: int) -> httpx.Response:
    return client.post(action, data={"item_id": str(item_id), "back": "/watchlist"})


def test_films_are_put_on_the_watchlist_and_taken_off(visitor: httpx.Client) -> None:
    page = mark(visitor, "/watchlist/add", 7)
    assert str(page.url).endswith("/watchlist")
    mark(visitor, "/watchlist/add", 17)
    page = visitor.get("/watchlist")
    assert films_on(page) == ["17", "7"] or set(films_on(page)) == {"7", "17"}
    assert "2 films you want to watch." in words_on(page)
    film = visitor.get("/films/7").text
    assert 'action="/watchlist/remove"' in film
    assert "On your watchlist: Amélie (2001). Remove it" in film
    assert films_on(mark(visitor, "/watchlist/remove", 7)) == ["17"]
    assert 'action="/watchlist/add"' in visitor.get("/films/7").text


def test_the_watchlist_can_be_sorted_and_rated_films_are_apart(visitor: httpx.Client) -> None:
    for item in (7, 17, 27):
        mark(visitor, "/watchlist/add", item)
    assert films_on(visitor.get("/watchlist?sort=newest"))[0] == "7"
    best = films_on(visitor.get("/watchlist?sort=best"))
    assert sorted(best) == ["17", "27", "7"]
    send_rating(visitor, 27, 4)
    page = visitor.get("/watchlist")
    assert "2 films you want to watch." in words_on(page)
    assert "Rated since" in words_on(page)
    assert films_on(page)[-1] == "27"


def test_films_on_the_watchlist_stay_in_lists_and_are_marked(visitor: httpx.Client) -> None:
    send_rating(visitor, 7, 5)
    first = films_on(visitor.get("/for-you"))
    mark(visitor, "/watchlist/add", int(first[0]))
    page = visitor.get("/for-you")
    assert films_on(page) == first
    assert page.text.count('action="/watchlist/remove"') >= 1


def test_a_film_not_seen_is_not_asked_for_again(visitor: httpx.Client) -> None:
    first = films_on(visitor.get("/"))
    page = visitor.post("/not-seen", data={"item_id": first[0], "back": "/"})
    assert first[0] not in films_on(page)
    assert first[0] not in films_on(visitor.get("/"))
    visitor.post("/not-seen/undo", data={"item_id": first[0], "back": "/"})
    assert first[0] in films_on(visitor.get("/"))
    visitor.post("/not-seen", data={"item_id": first[0], "back": "/"})
    send_rating(visitor, first[0], 4)
    visitor.post("/unrate", data={"item_id": first[0], "back": "/"})
    assert first[0] in films_on(visitor.get("/"))  # who rates a film has seen it


def test_the_api_has_the_watchlist(web: httpx.Client) -> None:
    ada = newcomer(web)
    assert web.put("/api/v1/me/watchlist/7", headers=ada).status_code == 204
    answer = web.get("/api/v1/me/watchlist", headers=ada).json()
    assert answer == {"films": [{"item_id": 7, "title": "Amélie (2001)"}]}
    assert web.delete("/api/v1/me/watchlist/7", headers=ada).status_code == 204
    status, sentence = read_problem(web.delete("/api/v1/me/watchlist/7", headers=ada))
    assert (status, sentence[:31]) == (404, "This film is not on the watchli")
    assert read_problem(web.put("/api/v1/me/watchlist/8", headers=ada))[0] == 404
    assert web.put("/api/v1/me/not-seen/7", headers=ada).status_code == 204
    assert web.delete("/api/v1/me/not-seen/7", headers=ada).status_code == 204
    assert web.delete("/api/v1/me/not-seen/7", headers=ada).status_code == 404


@pytest.mark.parametrize("action", ["/rate", "/hide", "/watchlist/add", "/not-seen", "/together"])
def test_a_browser_that_refuses_cookies_is_told_and_leaves_no_person(
    model_file: Path, tmp_path: Path, action: str
) -> None:
    settings = Settings(
        (model_file,), str(tmp_path / "people.db"), "", UNLIMITED, log_requests=False
    )
    form = {"item_id": "7", "stars": "4", "back": "/", "name": "Ada"}
    if action == "/together":
        form = {"name": "Ada"}
    with serving(settings) as url:
        header = BROWSER | {"Origin": url}
        for _ in range(3):
            with httpx.Client(base_url=url, headers=header) as refusing:
                answer = refusing.post(action, data=form)
                assert answer.status_code == 307
                refusing.cookies.clear()
                answer = refusing.post(answer.headers["location"], data=form)
                assert answer.status_code == 403
                assert "Allow cookies to keep your ratings." in words_on(answer)
        with httpx.Client(base_url=url, headers=header, follow_redirects=True) as keeping:
            assert keeping.post(action, data=form).status_code == 200
            assert keeping.get("/you/matinee.json").json()["person_id"]
    from matinee.web.db.people import Store

    store = Store.open(str(tmp_path / "people.db"))
    assert store.counts()["people"] == 1
    store.close()


def test_an_export_of_everything_comes_back(web: httpx.Client) -> None:
    rate(web, 7, 4.5)
    rate(web, 17, 2)
    for action, item in (("/watchlist/add", 27), ("/not-seen", 37), ("/hide", 47)):
        mark(web, action, item)
    web.post("/together", data={"name": "Ada", "group_name": "Friday"})
    content = web.get("/you/matinee.json").content
    before = web.get("/you/matinee.json").json()
    assert {"title", "year", "imdb", "tmdb"} <= before["ratings"][0].keys()
    web.post("/you/delete", data={"sure": "true"})
    review = web.post("/you/import", files={"file": ("matinee.json", content)})
    said = words_on(review)
    for expected in ("Ratings, with their dates 2", "On your watchlist 1", "The group Friday"):
        assert expected in said
    assert web.get("/you/matinee.json").status_code == 303  # nothing is stored yet
    kept = web.post("/you/import/everything", data={"content": content.decode()})
    assert kept.status_code == 303
    after = web.get("/you/matinee.json").json()
    for name in ("ratings", "watchlist", "not_seen", "not_interested"):
        assert after[name] == before[name]
    assert [group["group_name"] for group in after["groups"]] == ["Friday"]
    assert after["person_id"] != before["person_id"]


def test_an_export_comes_back_to_a_server_with_other_ids(web: httpx.Client) -> None:
    rate(web, 7, 4.5)
    content = web.get("/you/matinee.json").text.replace('"item_id":"7"', '"item_id":"9999"')
    with httpx.Client(base_url=web.base_url, timeout=30) as other:
        other.post("/you/import/everything", data={"content": content})
        assert stored_ratings(other) == {7: 4.5}


@pytest.mark.parametrize(
    "content",
    [
        '{"person_id": 1, "ratings": 5}',
        '{"person_id": 1, "ratings": [{"item_id": "7"}]}',
        '{"person_id": 1, "ratings": [{"item_id": "7", "stars": "x", "rated_at": 1}]}',
        '{"person_id": 1, "ratings": [{"item_id": "7", "stars": 1, "rated_at": -1}]}',
        '{"person_id": 1, "ratings": [], "groups": [{"name": "\\u0000"}]}',
        '{"person_id": 1, "ratings": [], "watchlist": [7]}',
        "{",
        "",
    ],
)
def test_a_damaged_export_is_refused(web: httpx.Client, content: str) -> None:
    response = web.post("/you/import/everything", data={"content": content})
    assert response.status_code == 422
    assert "The file is damaged." in response.json()["detail"]


def test_the_table_is_one_that_letterboxd_takes_and_that_comes_back(web: httpx.Client) -> None:
    rate(web, 7, 4.5)
    text = web.get("/you/ratings.csv").text
    (row,) = csv.DictReader(io.StringIO(text))
    assert {"Title", "Year", "Rating", "WatchedDate", "imdbID", "tmdbID"} <= row.keys()
    assert (row["Title"], row["Year"], row["Rating"]) == ("Amélie", "2001", "4.5")
    assert len(row["WatchedDate"]) == len("2024-01-31")
    review = web.post("/you/import", files={"file": ("ratings.csv", text.encode())})
    assert "matched" in words_on(review)
    assert 'name="sure" value="[[7,4.5,' in review.text.replace("&#34;", '"')
