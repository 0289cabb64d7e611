"""The page For you: filters and rows of similar films."""

import re

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Longs
from matinee.models.base import UserState
from matinee.models.matrix_factorization import MatrixFactorization
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


def because(
    self: MatrixFactorization, profile: UserState, item_index: NDArray[np.int32]
) -> list[Longs]:
    """Each film is in the list because of all that the person likes."""
    del self
    return [np.flatnonzero(profile.value >= 4)] * len(item_index)


@pytest.fixture
def with_taste(monkeypatch: pytest.MonkeyPatch, visitor: httpx.Client) -> httpx.Client:
    """`visitor`, served by a model with another usual taste, and with reasons."""
    monkeypatch.setattr(MatrixFactorization, "usual_taste", 0.3)
    monkeypatch.setattr(MatrixFactorization, "because", because)
    return visitor


def test_the_slider_stands_at_the_usual_taste_and_sends_others(with_taste: httpx.Client) -> None:
    send_rating(with_taste, 17, 5)
    usual = with_taste.get("/for-you?k=8")
    slider = re.search(r'<input type="range" name="taste"[^>]*>', usual.text)
    assert slider is not None
    assert 'value="0.3" data-usual="0.3"' in slider[0]
    assert "what you are likely to choose \u2013 what fits your taste" in slider[0]
    same = with_taste.get("/for-you?k=8&taste=0.3&popularity=0&diversity=0")  # without a script
    assert films_on(same) == films_on(usual)
    assert 'class="count"' not in same.text
    assert "taste=0.3" not in same.text
    other = with_taste.get("/for-you?k=8&taste=0")
    assert 'class="count">1</b>' in other.text
    assert "/for-you?k=32&amp;taste=0.0" in other.text
    assert re.search(r'name="taste"[^>]* value="0.0"', other.text)


def test_cards_name_the_liked_films_that_put_the_film_there(with_taste: httpx.Client) -> None:
    assert "People who like" not in with_taste.get("/for-you").text
    send_rating(with_taste, 17, 5)
    send_rating(with_taste, 27, 1)
    response = send_rating(with_taste, 7, 4)
    said = (
        r"People who like (Amélie and Star Wars: Episode IV|Star Wars: Episode IV and Amélie) like"
    )
    # The two films are named once on five cards in a row
    assert 5 <= len(re.findall(said, words_on(response))) <= 10
    film = words_on(with_taste.get("/films/1007"))
    assert "like this; you would give it" in film


def test_films_of_equal_stars_have_their_place(visitor: httpx.Client) -> None:
    for item_id in range(7, 207, 10):
        send_rating(visitor, item_id, 5)
    response = visitor.get("/for-you")
    shown = re.findall(r'class="predicted">.*?<b>([\d.]+)</b>', response.text)
    assert len(set(shown)) < len(shown)
    assert "5.0" not in shown
    places = [int(place) for place in re.findall(r"#(\d+) for you", response.text)]
    assert places == list(range(1, 25))


def test_rows_name_the_liked_film_and_repeat_no_film(visitor: httpx.Client) -> None:
    send_rating(visitor, 17, 5)
    response = send_rating(visitor, 27, 5, back="/for-you?k=6")
    assert "Films like Star Wars: Episode IV, which you gave 5 stars" in words_on(response)
    films = films_on(response)
    assert len(films) == len(set(films)) > 6
