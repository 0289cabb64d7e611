"""The search page."""

import re

import httpx
import pytest

from tests.web.pages.conftest import films_on, send_rating, words_on


def test_search_finds_words_and_says_when_it_guesses(visitor: httpx.Client) -> None:
    assert films_on(visitor.get("/search?q=amelie")) == ["7"]
    assert "116 films, showing 1 to 24" in words_on(visitor.get("/search?q=film"))
    assert "No films found for \u201camelei\u201d. Did you mean:" in words_on(
        visitor.get("/search?q=amelei")
    )
    assert "No films found for \u201czz\u201d." in words_on(visitor.get("/search?q=zz"))
    assert films_on(visitor.get("/search", params={"q": "\0 ' %"})) == []


@pytest.mark.parametrize("text", ["Amelie", "amelie", "Amélie", "Amélie (2001)", "AMELIE (2001)"])
def test_search_ignores_case_and_accents(visitor: httpx.Client, text: str) -> None:
    assert films_on(visitor.get("/search", params={"q": text})) == ["7"]


def test_results_show_the_persons_rating_and_a_button_to_remove_it(
    visitor: httpx.Client,
) -> None:
    send_rating(visitor, 17, 4.5)
    card = visitor.get("/search?q=star wars").text
    assert re.search(r'value="4.5" required checked', card)
    assert 'formaction="/unrate"' in card
    response = visitor.post("/unrate", data={"item_id": "17", "back": "/search?q=star+wars"})
    assert "checked" not in response.text
    assert response.url.query == b"q=star+wars"
