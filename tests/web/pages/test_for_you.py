"""The page For you: filters and rows of similar films."""

import re

import httpx
import pytest

from tests.web.pages.conftest import films_on, send_rating, words_on


def test_filters_are_read_from_the_address_and_kept_in_links(visitor: httpx.Client) -> None:
    query = "genre=Sci-Fi&not_genre=&year_from=1960&year_to=&min_ratings=&popularity=0.5&diversity=0&k=4"
    response = visitor.get(f"/for-you?{query}")
    assert response.status_code == 200
    assert len(films_on(response)) == 4
    assert response.text.count("Sci-Fi</span>") >= 4
    assert re.search(r'name="genre" value="Sci-Fi" checked', response.text)
    assert 'name="year_from" min="1950" max="2009" placeholder="1950" value="1960"' in response.text
    assert "/for-you?k=28&amp;genre=Sci-Fi&amp;year_from=1960&amp;popularity=0.5" in response.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("genre=Nope", "No genre 'Nope'"),
        ("year_from=soon", "The first year must be a whole number."),
        ("min_ratings=-1", "The number of ratings must be at least 0."),
        ("genre=" + "x" * 5_000, "A genre to include must not be longer than"),
        ("popularity=7", "The popularity must be at most 1."),
        ("diversity=nan", "The variety must be a number."),
        ("taste=2", "The taste must be at most 1."),
    ],
)
def test_an_invalid_filter_is_explained(visitor: httpx.Client, query: str, said: str) -> None:
    response = visitor.get(f"/for-you?{query}")
    assert response.status_code == 422
    assert said in words_on(response)


def test_an_empty_list_says_why(visitor: httpx.Client) -> None:
    response = visitor.get("/for-you?year_from=2200")
    assert films_on(response) == []
    assert "No films match. 0 instead of 24" in words_on(response)


def test_the_taste_changes_the_list_and_is_kept_in_links(visitor: httpx.Client) -> None:
    send_rating(visitor, 17, 5)
    send_rating(visitor, 27, 1)
    usual, own = (visitor.get(f"/for-you?k=8&taste={taste}") for taste in ("", "1"))
    assert films_on(usual)[:8] != films_on(own)[:8]
    assert "taste=1" in own.text
    assert "taste=" not in usual.text


def test_rows_name_the_liked_film_and_repeat_no_film(visitor: httpx.Client) -> None:
    send_rating(visitor, 17, 5)
    response = send_rating(visitor, 27, 5, back="/for-you?k=6")
    assert "Because you gave 5 stars to Star Wars: Episode IV" in words_on(response)
    films = films_on(response)
    assert len(films) == len(set(films)) > 6
