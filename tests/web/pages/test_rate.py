"""The start page: films to rate."""

import re
from pathlib import Path

import httpx

from matinee.data.ratings import Ratings
from tests.web.pages.conftest import (
    browsing,
    films_on,
    fitted_guide,
    send_rating,
    settings_for,
    words_on,
)


def test_skipped_films_are_replaced_by_others(visitor: httpx.Client) -> None:
    first = films_on(visitor.get("/"))
    assert len(first) == len(set(first)) == 18
    second = films_on(visitor.get("/", params={"skip": first[:3]}))
    assert len(second) == 18
    assert not set(first[:3]) & set(second)


def test_all_films_can_be_rated(tmp_path: Path) -> None:
    ratings = Ratings.from_ids(
        [1, 1, 2, 2, 3, 3], ["a", "b", "b", "c", "a", "c"], [5.0, 1.0, 4.0, 2.0, 3.0, 5.0]
    )
    with browsing(settings_for(fitted_guide("baseline", ratings), tmp_path)) as client:
        assert sorted(films_on(client.get("/"))) == ["a", "b", "c"]
        for item_id in "abc":
            response = send_rating(client, item_id, 4)
        assert "That's everything. 0 instead of 24: there are 3 films" in words_on(response)
        assert "You have gone through all films." in words_on(client.get("/"))


def test_real_ratings_are_not_called_a_sample(tmp_path: Path) -> None:
    ratings = Ratings.from_ids([1, 1, 2], ["a", "b", "b"], [5.0, 1.0, 4.0])
    with browsing(settings_for(fitted_guide("baseline", ratings), tmp_path)) as client:
        assert "Sample data" not in words_on(client.get("/"))


def test_nobody_is_told_of_their_taste_before_they_have_rated(visitor: httpx.Client) -> None:
    for path in ("/", "/for-you", "/films/7"):
        words = words_on(visitor.get(path))
        for false in (
            "Predicted for you",
            "your taste.",
            "for you\b#",
            "High on your list",
            "Predicted 4",
        ):
            assert false not in words, path
    assert "Expected of most people" in words_on(visitor.get("/for-you"))
    assert "Predicted" in words_on(send_rating(visitor, 17, 5))


def test_the_link_to_the_list_keeps_its_words(visitor: httpx.Client) -> None:
    def link(page: httpx.Response) -> list[str]:
        return re.findall(r'class="button" href="/for-you">([^<]+)<', page.text)

    before = link(visitor.get("/"))
    assert len(before) == 1
    send_rating(visitor, 17, 5)
    assert link(visitor.get("/")) == before
