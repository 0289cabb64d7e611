"""Titles, years and genres, and how a title finds its item."""

import pytest

from matinee.catalogue import Catalogue, Film, find_item, year_of
from matinee.errors import UnknownNameError
from matinee.ratings import Vocabulary

CATALOGUE = Catalogue(
    {
        1: Film("Godfather, The (1972)", 1972, ("Crime", "Drama")),
        2: Film("Sabrina (1954)", 1954, ("Comedy",)),
        3: Film("Sabrina (1995)", 1995, ("Comedy", "Romance")),
        4: Film("Ocean's Eleven (2001)", 2001),
        5: Film("Misérables, Les (1998)", 1998),
        6: Film("M"),
    }
)
ITEMS = Vocabulary([1, 2, 3, 4, 5, 9], "item")


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Heat (1995)", 1995),
        ("Heat (1995) ", 1995),
        ("Serial (2004-2006)", 2004),
        ("Serial (2004-)", 2004),
        ("Serial (2004–2006)", 2004),  # noqa: RUF001  the dash of some editions
        ("2001: A Space Odyssey", None),
        ("(1995) Heat", None),
        ("", None),
    ],
)
def test_the_year_is_the_number_in_brackets_at_the_end(title: str, year: int | None) -> None:
    assert year_of(title) == year


@pytest.mark.parametrize(
    "text",
    [
        "Godfather, The (1972)",
        "the godfather",
        "GODFATHER",
        "The Godfather (1972)",
        "godfather, the",
        " Godfather! ",
    ],
)
def test_a_title_is_found_without_case_article_year_or_punctuation(text: str) -> None:
    assert CATALOGUE.ids_of_title(text) == [1]


def test_a_year_in_brackets_tells_two_films_of_one_title_apart() -> None:
    assert CATALOGUE.ids_of_title("sabrina") == [2, 3]
    assert CATALOGUE.ids_of_title("Sabrina (1995)") == [3]
    assert CATALOGUE.ids_of_title("Sabrina (2000)") == []


def test_an_apostrophe_and_a_foreign_article_do_not_hide_a_title() -> None:
    assert CATALOGUE.ids_of_title("oceans eleven") == [4]
    assert CATALOGUE.ids_of_title("Les Misérables") == [5]
    assert CATALOGUE.ids_of_title("Nothing") == []


def test_an_exact_title_alone_wins() -> None:
    films = Catalogue({1: Film("Thing, The"), 2: Film("Thing")})
    assert films.ids_of_title("thing") == [2]
    assert films.ids_of_title("The Thing") == [1, 2]


def test_an_item_without_a_title_gets_its_id() -> None:
    assert CATALOGUE[99] == Film("99")
    assert Catalogue()["x"] == Film("x")


def test_genres_are_listed_and_found_without_case() -> None:
    assert CATALOGUE.genres == ["Comedy", "Crime", "Drama", "Romance"]
    assert CATALOGUE.genre_named("comedy") == "Comedy"
    with pytest.raises(UnknownNameError) as caught:
        CATALOGUE.genre_named("Western")
    assert str(caught.value) == "no genre 'Western'. The genres are: Comedy, Crime, Drama, Romance."
    with pytest.raises(UnknownNameError) as caught:
        Catalogue().genre_named("Western")
    assert str(caught.value) == "no genre 'Western'. The data has no genres."


def test_restricting_keeps_the_given_items_only() -> None:
    assert list(CATALOGUE.restrict([3, 1, 77]).films) == [3, 1]


def test_an_item_is_found_by_id_or_by_title() -> None:
    assert find_item(3, ITEMS, CATALOGUE) == find_item("3", ITEMS, CATALOGUE) == 2
    assert find_item("the godfather", ITEMS, CATALOGUE) == 0


def test_a_title_of_several_items_is_refused_with_their_ids() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_item("sabrina", ITEMS, CATALOGUE)
    assert str(caught.value) == (
        "'sabrina' is the title of 2 items: 2 = Sabrina (1954); 3 = Sabrina (1995). "
        "Give the id or the year in brackets."
    )


def test_a_title_whose_other_namesake_was_never_rated_is_clear() -> None:
    assert find_item("sabrina", Vocabulary([1, 3], "item"), CATALOGUE) == 1


def test_an_unknown_title_suggests_the_nearest_one_that_was_rated() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_item("godfathr", ITEMS, CATALOGUE)
    assert str(caught.value).startswith(
        "no item or title 'godfathr' among the 6 items. Did you mean 'Godfather, The (1972)' (id 1)"
    )
    with pytest.raises(UnknownNameError, match=r"^no item or title 'zzzzzz' among the 6 items\.$"):
        find_item("zzzzzz", ITEMS, CATALOGUE)


def test_without_a_catalogue_only_ids_are_known() -> None:
    with pytest.raises(UnknownNameError, match=r"^no item '77' among the 6 this model was trained on\."):
        find_item(77, ITEMS, Catalogue())


def test_a_number_that_is_an_id_and_a_title_must_say_which_is_meant() -> None:
    items = Vocabulary([7, 300], "item")
    catalogue = Catalogue({7: Film("300 (2007)", 2007), 300: Film("Quiz Show (1994)", 1994)})
    with pytest.raises(UnknownNameError) as caught:
        find_item("300", items, catalogue)
    assert str(caught.value) == (
        "'300' is the id of Quiz Show (1994) and the title of 300 (2007). Give 'id:300' or 'title:300'."
    )
    assert [find_item(text, items, catalogue) for text in ("id:300", "title:300", 300)] == [1, 0, 1]


def test_an_id_that_begins_with_the_word_id_is_found_as_it_is() -> None:
    assert find_item("id:7", Vocabulary(["7", "id:7"], "item"), Catalogue()) == 1
