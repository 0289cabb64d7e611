"""The pages about the person: taste, export and deletion."""

import json

import httpx

from tests.web.pages.conftest import SURE_ROWS, rate, stored_ratings, upload


def test_the_page_compares_the_person_with_other_people(web: httpx.Client) -> None:
    assert "Rate a few films to see your taste profile." in web.get("/you").text
    for item_id, stars in ((7, 5.0), (17, 1.5), (27, 4.0), (37, 3.0)):
        rate(web, item_id, stars)
    page = web.get("/you").text
    assert "You have rated 4 films. Your average is 3.38," in page
    assert page.count("<svg") == 1 + page.count('class="lean"')
    assert page.count('<rect class="own"') == 4
    assert page.index(">Sci-Fi <small>") > 0
    assert ">Comedy <small>" not in page  # one film says nothing about a genre
    assert "Where you disagree most with others" in page
    ratings = web.get("/you/ratings").text
    assert ratings.count('action="/rate"') == 4
    assert 'formaction="/unrate"' in ratings


def test_exported_ratings_can_be_imported(web: httpx.Client, friend: httpx.Client) -> None:
    for item_id, stars in ((7, 5.0), (1187, 2.0)):
        rate(web, item_id, stars)
    exported = web.get("/you/ratings.csv")
    assert exported.headers["content-type"].startswith("text/csv")
    assert "attachment" in exported.headers["content-disposition"]
    found = SURE_ROWS.search(upload(friend, exported.text).text)
    assert found
    rows = sorted(json.loads(found[1].replace("&#34;", '"')))
    assert [row[:2] for row in rows] == [[7, 5.0], [1187, 2.0]]
    assert {one["item_id"] for one in web.get("/you/matinee.json").json()["ratings"]} == {
        "7",
        "1187",
    }
    for path in ("/you/ratings.csv", "/you/matinee.json", "/you/delete"):
        assert friend.get(path).status_code == 303


def test_data_is_deleted_only_after_confirmation(web: httpx.Client) -> None:
    rate(web, 7, 5.0)
    assert "Your 1 rating, the films you are not interested in" in web.get("/you/delete").text
    assert web.post("/you/delete").status_code == 303
    assert stored_ratings(web) == {7: 5.0}
    gone = web.post("/you/delete", data={"sure": "true"})
    assert "Your data has been deleted" in gone.text
    assert not web.cookies
    assert web.get("/api/v1/me").status_code == 401


def test_a_genre_of_one_or_two_films_does_not_lead(web: httpx.Client) -> None:
    for item_id in range(57, 57 + 40 * 12, 40):  # each fourth film: all of one genre
        rate(web, item_id, 3.0)
    rate(web, 7, 5.0)
    page = web.get("/you").text
    assert ">Romance <small>" not in page
    assert page.count('<th scope="row">') > 0


def test_the_page_of_somebody_without_ratings_shows_an_example(web: httpx.Client) -> None:
    page = web.get("/you").text
    assert "What you will see here" in page
    assert "made-up ratings" in page
    assert page.count('<rect class="own"') >= 4
    assert page.count('<svg class="lean"') == 4
    rate(web, 7, 5.0)
    assert "What you will see here" not in web.get("/you").text
