"""The page For you: filters and rows of similar films."""

import re
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Longs
from matinee.data.ratings import Ratings
from matinee.models.base import UserState
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.web.pages import for_you
from tests.web.pages.conftest import (
    browsing,
    films_on,
    fitted_guide,
    send_rating,
    settings_for,
    words_on,
)


def test_filters_are_read_from_the_address_and_kept_in_links(visitor: httpx.Client) -> None:
    query = "genre=Sci-Fi&not_genre=&year_from=1960&year_to=&min_ratings=&popularity=0.5&diversity=0&k=4"
    response = visitor.get(f"/for-you?{query}")
    assert response.status_code == 200
    assert len(films_on(response)) == 4
    assert response.text.count(">Sci-Fi</a>") >= 4
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
    assert "like it." in film


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
    send_rating(visitor, 47, 5)
    response = send_rating(visitor, 27, 5, back="/for-you?k=6")
    assert "Films like Film 4, which you gave 5 stars" in words_on(response)
    films = films_on(response)
    assert len(films) == len(set(films)) > 6


@pytest.mark.parametrize("dial", ["diversity=1", "diversity=0.5&min_ratings=0", "popularity=-1"])
def test_variety_never_brings_films_predicted_clearly_below_the_persons_mean(
    visitor: httpx.Client, dial: str
) -> None:
    for item_id in range(7, 207, 10):
        send_rating(visitor, item_id, 5 if item_id % 3 else 3)
    own = np.mean([5 if item_id % 3 else 3 for item_id in range(7, 207, 10)])
    everyone = visitor.post(
        "/api/v1/recommend",
        json={
            "ratings": [{"item_id": i, "stars": 5 if i % 3 else 3} for i in range(7, 207, 10)],
            "k": 100,
        },
    ).json()["items"]
    upper = np.quantile([film["stars"] for film in everyone], 0.75)
    listed, *rows = visitor.get(f"/for-you?{dial}").text.split('<section class="row"')
    middle = np.quantile([film["stars"] for film in everyone], 0.5)
    for part, enough in ((listed, upper), ("".join(rows), middle)):
        shown = re.findall(r'class="predicted">.*?<b>([\d.]+)</b>', part)
        assert shown
        assert min(map(float, shown)) >= min(own - 0.25, enough) - 0.1


def test_a_list_ends_with_a_sentence(
    visitor: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(for_you, "MAX_K", 24)
    response = visitor.get("/for-you")
    assert "These are the 24 best." in words_on(response)
    assert "Show more" not in words_on(response)


def test_films_with_few_ratings_are_left_out_unless_they_are_asked_for(tmp_path: Path) -> None:
    rows = [(user, item, 3.0 + item % 2) for user in range(30) for item in range(40)]
    rows += [(user, 100 + item, 5.0) for user in range(2) for item in range(5)]
    users, items, stars = zip(*rows, strict=True)
    with browsing(
        settings_for(
            fitted_guide("mf", Ratings.from_ids(list(users), list(items), list(stars))), tmp_path
        )
    ) as client:
        assert not {film for film in films_on(client.get("/for-you")) if int(film) >= 100}
        every = client.get("/for-you?min_ratings=0&k=45")
        assert {film for film in films_on(every) if int(film) >= 100}
        assert 'class="count">1</b>' in every.text
