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


def test_before_a_search_there_are_films_and_examples_that_find_them(
    visitor: httpx.Client,
) -> None:
    page = visitor.get("/search")
    shown = films_on(page)
    assert len(shown) == 12
    examples = re.findall(r'<a href="(/search\?q=[^"]+)"', page.text)
    assert [films_on(visitor.get(one))[0] for one in examples] == shown[:3]


@pytest.mark.parametrize("text", ["Amelie", "amelie", "Amélie", "Amélie (2001)", "AMELIE (2001)"])
def test_search_ignores_case_and_accents(visitor: httpx.Client, text: str) -> None:
    assert films_on(visitor.get("/search", params={"q": text})) == ["7"]


def test_results_show_the_persons_rating_and_a_button_to_remove_it(
    visitor: httpx.Client,
) -> None:
    send_rating(visitor, 17, 4.5)
    card = visitor.get("/search?q=star wars").text
    assert re.search(r'value="4.5" checked', card)
    assert 'formaction="/unrate"' in card
    response = visitor.post("/unrate", data={"item_id": "17", "back": "/search?q=star+wars"})
    assert "checked" not in response.text
    assert response.url.query == b"q=star+wars"


def test_search_has_pages_filters_and_orders_in_its_address(visitor: httpx.Client) -> None:
    films = [films_on(visitor.get(f"/search?q=film&page={page}")) for page in range(1, 7)]
    assert [len(page) for page in films] == [24, 24, 24, 24, 20, 20]  # the last page again
    assert len({film for page in films[:5] for film in page}) == 116
    page = visitor.get("/search?q=film&genre=Horror&decade=1960&order=newest").text
    assert re.findall(r"<option value=\"1960\" selected>|<option selected>(\w+)", page)
    years = [int(year) for year in re.findall(r'class="year">(\d+)', page)]
    assert years == sorted(years, reverse=True)
    assert {year // 10 for year in years} == {196}
    assert visitor.get("/search?q=film&page=x").status_code == 422


def test_browse_lists_genres_decades_and_tags_best_first(visitor: httpx.Client) -> None:
    start = visitor.get("/browse").text
    assert 'href="/browse?genre=Sci-Fi"' in start
    assert 'href="/browse?decade=1970"' in start
    comedies = visitor.get("/browse?genre=Comedy&decade=1950").text
    means = [float(mean) for mean in re.findall(r"Average (\d\.\d)", comedies)]
    assert len(means) > 3
    assert max(means) in means[:3]
    assert "No films match." in words_on(visitor.get("/browse?decade=1800"))
    assert visitor.get("/browse?genre=Nope").status_code == 422


def test_a_pick_for_tonight_is_of_the_list_and_neither_rated_nor_hidden(
    visitor: httpx.Client,
) -> None:
    two = films_on(visitor.get("/browse?genre=Romance"))
    assert "7" in two
    for _ in range(3):
        page = visitor.get("/browse/random?genre=Romance")
        assert page.url.path.removeprefix("/films/") in two
    for film in two:
        send_rating(visitor, int(film), 3)
    assert visitor.get("/browse/random?genre=Romance").status_code == 404
