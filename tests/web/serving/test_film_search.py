"""Search by title, genre and year."""

from dataclasses import replace

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.web.serving.film_search import FilmIndex
from tests.web.conftest import guide_of


@pytest.fixture(scope="module")
def films() -> FilmIndex:
    return FilmIndex(guide_of())


def titles(films: FilmIndex, text: str) -> list[str]:
    indices = films.search(text, Filters(), "relevance").indices
    return [films.summary(index)["title"] for index in indices.tolist()]


@pytest.mark.parametrize("text", ["amelie", "AMÉLIE", "amel", "amelie 2001", "2001 amel"])
def test_titles_are_found_without_accents_and_case_and_by_word_beginnings(
    films: FilmIndex, text: str
) -> None:
    assert titles(films, text) == ["Amélie (2001)"]


def test_a_number_is_a_word_of_the_title_and_never_the_start_of_a_year(films: FilmIndex) -> None:
    assert titles(films, "film 11")[0] == "Film 11 (1961)"
    assert titles(films, "film 19") == ["Film 19 (1969)"]  # not all films of the 20th century
    assert titles(films, "film 1969")[0] == "Film 19 (1969)"
    assert films.search("film 195", Filters(), "relevance").is_guess


def test_films_that_only_resemble_the_text_come_last_in_any_order(films: FilmIndex) -> None:
    for order in ("relevance", "popular", "best", "title", "newest", "oldest"):
        result = films.search("amelei", Filters(), order)
        assert result.n_guesses == len(result.indices) >= 1
        assert films.search("film", Filters(), order).n_guesses == 0
    newest = films.search("film", Filters(), "newest").indices.tolist()
    years = [films.summary(index)["year"] or 0 for index in newest]
    assert years == sorted(years, reverse=True)


def test_similar_titles_are_guesses_and_short_texts_have_none(films: FilmIndex) -> None:
    result = films.search("amelei", Filters(), "popular")
    assert result.is_guess
    assert films.summary(int(result.indices[0]))["title"] == "Amélie (2001)"
    assert films.search("zq", Filters(), "popular").indices.tolist() == []


def test_an_empty_text_finds_all_films_in_the_given_order(films: FilmIndex) -> None:
    def years(order: str) -> list[int]:
        indices = films.search("", Filters(), order).indices.tolist()
        return [year for index in indices if (year := films.summary(index)["year"])]

    assert years("oldest") == sorted(years("popular"))
    assert years("newest") == sorted(years("popular"), reverse=True)
    counts = [
        films.summary(index)["n_ratings"]
        for index in films.search("", Filters(), "popular").indices.tolist()
    ]
    assert (np.diff(counts) <= 0).all()
    assert len(counts) == 120


def test_films_are_found_by_tag_in_any_case_and_tags_of_many_films_are_listed() -> None:
    plain = guide_of()
    tagged = {
        item_id: replace(film, tags=("Dark", "rare") if place == 5 else ("dark",))
        for place, (item_id, film) in enumerate(plain.catalog.films.items())
        if place % 10 == 5
    }
    films = FilmIndex(Guide(plain.model, Catalog({**plain.catalog.films, **tagged})))
    assert films.top_tags == ["dark"]
    found = films.search("", Filters(), "popular", "DARK").indices.tolist()
    assert {films.summary(index)["item_id"] for index in found} == set(tagged)
    assert len(films.search("", Filters(), "popular", "rare").indices) == 1
    assert len(films.search("film", Filters(), "relevance", "none").indices) == 0
    assert films.decades == sorted(films.decades, reverse=True)
