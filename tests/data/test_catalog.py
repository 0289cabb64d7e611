"""Titles, years and genres, and how a title finds its item."""

import time

import pytest

from matinee.data.catalog import Catalog, Film, find_item
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import UnknownNameError

CATALOG = Catalog(
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
    assert CATALOG.ids_of_title(text) == [1]


def test_a_year_in_brackets_tells_two_films_of_one_title_apart() -> None:
    assert CATALOG.ids_of_title("sabrina") == [2, 3]
    assert CATALOG.ids_of_title("Sabrina (1995)") == [3]
    assert CATALOG.ids_of_title("Sabrina (2000)") == []


def test_an_apostrophe_and_a_foreign_article_do_not_hide_a_title() -> None:
    assert CATALOG.ids_of_title("oceans eleven") == [4]
    assert CATALOG.ids_of_title("Les Misérables") == [5]
    assert CATALOG.ids_of_title("Nothing") == []


def test_an_exact_title_alone_wins() -> None:
    films = Catalog({1: Film("Thing, The"), 2: Film("Thing")})
    assert films.ids_of_title("thing") == [2]
    assert films.ids_of_title("The Thing") == [1, 2]


def test_an_item_without_a_title_gets_its_id() -> None:
    assert CATALOG[99] == Film("99")
    assert Catalog()["x"] == Film("x")


def test_genres_are_listed_and_found_without_case() -> None:
    assert CATALOG.genres == ["Comedy", "Crime", "Drama", "Romance"]
    assert CATALOG.genre_named("comedy") == "Comedy"
    with pytest.raises(UnknownNameError) as caught:
        CATALOG.genre_named("Western")
    assert str(caught.value) == "No genre 'Western'. The genres are: Comedy, Crime, Drama, Romance."
    with pytest.raises(UnknownNameError) as caught:
        Catalog().genre_named("Western")
    assert str(caught.value) == "No genre 'Western'. The data has no genres."


def test_labels_say_which_items_have_one_of_some_genres() -> None:
    films: dict[Id, Film] = {
        1: Film("A", genres=("Drama",)),
        2: Film("B", 1999, ("War", "Drama")),
        3: Film("C", genres=("War", "War")),
        5: Film("never rated", genres=("Horror",)),
    }
    labels = Catalog(films).labels(Vocabulary([1, 2, 3, 4], "item"))
    assert labels.years.tolist() == [0, 1999, 0, 0]
    assert labels.has_one_of(["Drama"]).tolist() == [True, True, False, False]
    assert labels.has_one_of(["Drama", "War"]).tolist() == [True, True, True, False]
    assert not labels.has_one_of(["Horror"]).any()
    assert not labels.has_one_of([]).any()


def test_a_large_number_of_genres_takes_time_in_proportion() -> None:
    n = 20_000
    films: dict[Id, Film] = {item: Film(f"F {item}", genres=(f"G {item}",)) for item in range(n)}
    items, catalog = Vocabulary(list(range(n)), "item"), Catalog(films)
    started = time.process_time()
    assert catalog.labels(items).has_one_of(["G 7"]).sum() == 1
    assert time.process_time() - started < 1


def test_restricting_keeps_the_given_items_only() -> None:
    assert list(CATALOG.restrict([3, 1, 77]).films) == [3, 1]


def test_an_item_is_found_by_id_or_by_title() -> None:
    assert find_item(3, ITEMS, CATALOG) == find_item("3", ITEMS, CATALOG) == 2
    assert find_item("the godfather", ITEMS, CATALOG) == 0


def test_a_title_of_several_items_is_refused_with_their_ids() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_item("sabrina", ITEMS, CATALOG)
    assert str(caught.value) == (
        "'sabrina' is the title of 2 items: 2 = Sabrina (1954); 3 = Sabrina (1995). "
        "Give the id or the year in brackets."
    )


def test_a_title_whose_other_namesake_was_never_rated_is_clear() -> None:
    assert find_item("sabrina", Vocabulary([1, 3], "item"), CATALOG) == 1


def test_an_unknown_title_suggests_the_nearest_one_that_was_rated() -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_item("godfathr", ITEMS, CATALOG)
    assert str(caught.value).startswith(
        "No item or title 'godfathr' among the 6 items. Did you mean 'Godfather, The (1972)' (id 1)"
    )
    with pytest.raises(UnknownNameError, match=r"^No item or title 'zzzzzz' among the 6 items\.$"):
        find_item("zzzzzz", ITEMS, CATALOG)


def test_without_a_catalog_only_ids_are_known() -> None:
    with pytest.raises(
        UnknownNameError, match=r"^No item '77' among the 6 this model was trained on\."
    ):
        find_item(77, ITEMS, Catalog())


def test_a_number_that_is_both_id_and_title_needs_a_prefix() -> None:
    items = Vocabulary([7, 300], "item")
    catalog = Catalog({7: Film("300 (2007)", 2007), 300: Film("Quiz Show (1994)", 1994)})
    with pytest.raises(UnknownNameError) as caught:
        find_item("300", items, catalog)
    assert str(caught.value) == (
        "'300' is the id of Quiz Show (1994) and the title of 300 (2007). Give 'id:300' or 'title:300'."
    )
    assert [find_item(text, items, catalog) for text in ("id:300", "title:300", 300)] == [1, 0, 1]


def test_an_id_that_begins_with_the_word_id_is_found_as_it_is() -> None:
    assert find_item("id:7", Vocabulary(["7", "id:7"], "item"), Catalog()) == 1


ACCENTED = Catalog(
    {
        1: Film("Amélie (2001)", 2001),
        2: Film("Seven (a.k.a. Se7en) (1995)", 1995),
        3: Film("Seven (1979)", 1979),
        4: Film("City of Lost Children, The (Cité des enfants perdus, La) (1995)", 1995),
        5: Film("Me & You (2012)", 2012),
    }
)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Amelie", [1]),
        ("amelie", [1]),
        ("Amélie", [1]),
        ("Amélie (2001)", [1]),
        ("AMELIE (2001)", [1]),
        ("Amelie (1999)", []),
        ("Se7en", [2]),
        ("Seven", [3]),
        ("Seven (1995)", [2]),
        ("the city of lost children", [4]),
        ("la cite des enfants perdus", [4]),
        ("Cité des enfants perdus, La (1995)", [4]),
        ("City of Lost Children (La cité des enfants perdus) (1995)", [4]),
        ("me and you", [5]),
    ],
)
def test_a_title_is_found_without_accents_and_by_its_other_names(text: str, ids: list[int]) -> None:
    assert ACCENTED.ids_of_title(text) == ids


def test_accents_tell_titles_apart_only_where_they_are_typed() -> None:
    films = Catalog({1: Film("Résumé"), 2: Film("Resume")})
    items = Vocabulary([1, 2], "item")
    assert [find_item(text, items, films) for text in ("résumé", "RESUME")] == [0, 1]
    with pytest.raises(UnknownNameError) as caught:
        find_item("resumé", items, films)
    assert str(caught.value) == (
        "'resumé' is the title of 2 items: 1 = Résumé; 2 = Resume. Give the id or the year in brackets."
    )


def test_an_id_has_priority_over_a_name_that_folds_to_it() -> None:
    items = Vocabulary(["Amelie", "x"], "item")
    films = Catalog({"Amelie": Film("Amelie"), "x": Film("Heat")})
    assert find_item("Amelie", items, films) == 0


@pytest.mark.parametrize("text", [7, "7", "id:7", "Late Arrival", "late arrival (2024)"])
def test_an_item_of_the_catalog_that_nobody_has_rated_is_told_from_an_unknown_one(
    text: int | str,
) -> None:
    films = Catalog({1: Film("Early Bird (1950)", 1950), 7: Film("Late Arrival (2024)", 2024)})
    name = str(text).removeprefix("id:")
    with pytest.raises(UnknownNameError) as caught:
        find_item(text, Vocabulary([1, 2], "item"), films)
    assert str(caught.value) == f"'{name}' is in the catalog, but nobody has rated it."


def test_a_text_id_gives_the_year_it_ends_in() -> None:
    assert Catalog()["Salt Road (1996)"] == Film("Salt Road (1996)", 1996)
    assert Catalog()[1996] == Film("1996")


def test_ids_that_are_titles_and_differ_in_case_are_both_found() -> None:
    films = Catalog({"Heat": Film("Heat"), "heat": Film("heat")})
    items = Vocabulary(["Heat", "heat"], "item")
    assert [find_item(text, items, films) for text in ("Heat", "heat")] == [0, 1]


def test_items_are_found_by_their_ids_on_other_sites() -> None:
    films = Catalog({1: Film("One", imdb="tt0000001", tmdb=11), 2: Film("Two")})
    assert (films.id_of_imdb("tt0000001"), films.id_of_imdb("tt0000002")) == (1, None)
    assert (films.id_of_tmdb(11), films.id_of_tmdb(12)) == (1, None)
