"""The forms about a film, without a script: rate, remove the rating, hide and show; and who may use them."""

import httpx
import pytest

from matinee.web.pages.rendering import is_local
from tests.web.pages.conftest import HTML, films_on, send_rating, words_on

FILM_IDS = [7, 17, 27, 37, 47, 57]


def test_the_first_rating_creates_a_person_and_changes_the_list(visitor: httpx.Client) -> None:
    assert "what most people like" in words_on(visitor.get("/for-you"))
    before = films_on(visitor.get("/for-you"))
    loved = before[0]
    response = send_rating(visitor, loved, 5)
    assert response.url.path == "/for-you"
    cookie = response.history[0].headers["set-cookie"]
    assert response.history[0].status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Based on your 1 film" in words_on(response)
    assert loved not in films_on(response)
    again = send_rating(visitor, films_on(response)[0], 1)
    assert "set-cookie" not in again.history[0].headers
    assert films_on(again) != films_on(response)


def test_a_hidden_film_is_left_out_until_it_is_shown_again(visitor: httpx.Client) -> None:
    first = films_on(visitor.get("/for-you"))[0]
    assert first not in films_on(visitor.post("/hide", data={"item_id": first, "back": "/for-you"}))
    assert first not in films_on(visitor.get("/"))
    assert "You marked this film as not interesting" in words_on(visitor.get(f"/films/{first}"))
    response = visitor.post("/show", data={"item_id": first, "back": f"/films/{first}"})
    assert "You marked this film as not interesting" not in words_on(response)
    assert first in films_on(visitor.get("/for-you"))


def test_the_script_gets_the_updated_page_with_one_more_film(visitor: httpx.Client) -> None:
    open_films = films_on(visitor.get("/"))
    more = {"back": "/", "shown": open_films, "skip": ["1177"]}
    request = {"item_id": open_films[0], "stars": "5"} | more
    response = visitor.post("/rate", data=request, headers={"X-Part": "page"})
    assert response.history == []
    assert "1 of 10. 9 to go." in words_on(response)
    (new,) = films_on(response)
    assert new not in {*open_films, "1177"}


@pytest.mark.parametrize("stars", ["0.5", "6", "nan", "", "five"])
def test_an_invalid_rating_is_refused_and_creates_no_person(
    visitor: httpx.Client, stars: str
) -> None:
    response = visitor.post("/rate", data={"item_id": "7", "stars": stars})
    assert response.status_code == 422
    assert "Something went wrong" in words_on(response)
    assert not visitor.cookies


def test_an_unknown_film_cannot_be_rated_and_creates_no_person(visitor: httpx.Client) -> None:
    response = send_rating(visitor, 8, 4)
    assert response.status_code == 404
    assert "No film has this address" in words_on(response)
    assert not visitor.cookies


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:1", "x", ""]
)
def test_forms_redirect_only_to_this_server(visitor: httpx.Client, back: str) -> None:
    visitor.follow_redirects = False
    assert send_rating(visitor, 7, 4, back=back).headers["location"] == "/"
    assert not is_local(back)


def test_people_cannot_see_or_change_other_peoples_data(site: str) -> None:
    with (
        httpx.Client(base_url=site, headers=HTML, follow_redirects=True) as ada,
        httpx.Client(base_url=site, headers=HTML, follow_redirects=True) as eve,
    ):
        for item_id in FILM_IDS:
            send_rating(ada, item_id, 5)
        fresh = films_on(eve.get("/for-you"))
        send_rating(eve, 1007, 3)
        assert "Based on your 1 film" in words_on(eve.get("/for-you"))
        assert "checked" not in eve.get("/films/17").text
        for address in ("/unrate", "/hide", "/show"):
            eve.post(address, data={"item_id": "17", "person_id": "ada", "back": "/"})
        assert "Based on your 6 films" in words_on(ada.get("/for-you"))
        assert "checked" in ada.get("/films/17").text
        assert "not interesting" not in words_on(ada.get("/films/17"))
        assert fresh == films_on(httpx.get(f"{site}/for-you"))


def test_forms_from_other_sites_are_refused(visitor: httpx.Client) -> None:
    response = visitor.post(
        "/rate", data={"item_id": "7", "stars": "4"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403
    assert "Request blocked" in words_on(response)
    assert not visitor.cookies


def test_a_visitor_without_data_cannot_remove_a_rating(visitor: httpx.Client) -> None:
    response = visitor.post("/unrate", data={"item_id": "7"})
    assert response.status_code == 401
    assert "Rate a film first." in words_on(response)
