"""Search by title on a few films: which forms find a title, the order, and guesses."""

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film, find_item
from matinee.data.title_search import TitleSearch
from matinee.data.title_words import words_of
from matinee.data.titles import display_title, year_of
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import UnknownNameError

FILMS = {
    "Salt Road, The (1996)": 90,
    "Salt Road II (1999)": 40,
    "Salt Road: The Return (2003)": 30,
    "Salt-Mine (1950)": 20,
    "Hate (Haine, La) (1995)": 8,
    "U.F.O. the Visitor (1982)": 50,
    "G*R*I*T (a.k.a. GRIT) (1970)": 30,
    "It (2017)": 3,
    "Italian for Two (1990)": 200,
    "Ember (1980)": 60,
    "Embers (1987)": 50,
    "Ember Garden (1983)": 2,
    "Twelve Boats (2001)": 12,
    "12 Boats (1960)": 5,
    "1984 (1956)": 4,
    "Lost Garden (1984)": 70,
    "King of the Hills: The First Ride (2001)": 100,
    "King of the Hills: The Two Bridges (2002)": 90,
    "King of the Hills: The Last Ride (2003)": 80,
    "Vivid & Bright (2005)": 10,
    "Dr. Sorrow (1962)": 9,
    "Blue Café (2010)": 15,
    "Glorious Outlaws (1978)": 1,
    "Glourious Outlaws (2009)": 80,
}
TITLES = list(FILMS)
SEARCH = TitleSearch(TITLES, [year_of(title) for title in TITLES], np.array(list(FILMS.values())))


def found(text: str) -> list[str]:
    return [TITLES[place] for place in SEARCH.search(text).places.tolist()]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("the salt road", "Salt Road, The (1996)"),
        ("salt road, the", "Salt Road, The (1996)"),
        ("saltroad", "Salt Road, The (1996)"),
        ("salt road 2", "Salt Road II (1999)"),
        ("salt road two", "Salt Road II (1999)"),
        ("saltroad2", "Salt Road II (1999)"),
        ("salt road 3", "Salt Road: The Return (2003)"),
        ("salt road 1", "Salt Road, The (1996)"),
        ("saltmine", "Salt-Mine (1950)"),
        ("salt mine", "Salt-Mine (1950)"),
        ("la haine", "Hate (Haine, La) (1995)"),
        ("haine", "Hate (Haine, La) (1995)"),
        ("ufo", "U.F.O. the Visitor (1982)"),
        ("u.f.o.", "U.F.O. the Visitor (1982)"),
        ("u f o", "U.F.O. the Visitor (1982)"),
        ("grit", "G*R*I*T (a.k.a. GRIT) (1970)"),
        ("it", "It (2017)"),
        ("ember", "Ember (1980)"),
        ("ember 2", "Embers (1987)"),
        ("12 boats", "Twelve Boats (2001)"),
        ("boats 1960", "12 Boats (1960)"),
        ("1984", "1984 (1956)"),
        ("garden 1984", "Lost Garden (1984)"),
        ("koth", "King of the Hills: The First Ride (2001)"),
        ("koth 2", "King of the Hills: The Two Bridges (2002)"),
        ("king of the hills 3", "King of the Hills: The Last Ride (2003)"),
        ("the two bridges", "King of the Hills: The Two Bridges (2002)"),
        ("vivid and bright", "Vivid & Bright (2005)"),
        ("doctor sorrow", "Dr. Sorrow (1962)"),
        ("blue cafe", "Blue Café (2010)"),
        ("blue caffe", "Blue Café (2010)"),
        ("teh salt road", "Salt Road, The (1996)"),
        ("slat road", "Salt Road, The (1996)"),
        ("king of hils 3", "King of the Hills: The Last Ride (2003)"),
        ("salt r", "Salt Road, The (1996)"),
    ],
)
def test_a_title_is_found_first_in_the_forms_that_people_type(text: str, title: str) -> None:
    assert found(text)[:1] == [title]


def test_the_films_of_a_year_follow_the_film_that_is_named_like_it() -> None:
    assert found("1984")[:2] == ["1984 (1956)", "Lost Garden (1984)"]
    assert found("198")[:1] != ["Ember (1980)"]  # the start of a year is no year


def test_guesses_come_after_hits_and_only_if_they_are_much_better_known() -> None:
    result = SEARCH.search("glorious outlaws")
    assert result.n_hits == 1
    assert [TITLES[place] for place in result.places.tolist()] == [
        "Glorious Outlaws (1978)",
        "Glourious Outlaws (2009)",
    ]
    assert SEARCH.search("glourious outlaws").places.tolist() == [
        TITLES.index("Glourious Outlaws (2009)")
    ]


@pytest.mark.parametrize("text", ["", "?!", "%", "\U0001f600", "\0", "zzzzqq", "q" * 500])
def test_what_resembles_no_title_finds_nothing(text: str) -> None:
    result = SEARCH.search(text)
    assert (len(result.places), result.n_hits) == (0, 0)


def test_films_that_are_not_allowed_are_neither_hits_nor_guesses() -> None:
    allowed = np.array(["Road" not in title for title in TITLES])
    for text in ("salt road", "slat road", "salt road 2", "1996"):
        assert all("Road" not in TITLES[place] for place in SEARCH.search(text, allowed).places)


def test_no_films_are_searched_without_an_error() -> None:
    assert len(TitleSearch([], [], np.array([])).search("heat").places) == 0


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("Part Two: Episode IV", "part 2 4"),
        ("The One", "the one"),
        ("Twenty-One Jumps", "21 jumps"),
        ("One Hundred and One Dogs", "101 dogs"),
        ("Four Hundred Blows", "400 blows"),
        ("X Ten", "x 10"),
        ("Third Mr. Fox vs. St. Ives", "3rd mister fox versus saint ives"),
        ("R.E.M. & L.A.", "rem and la"),
    ],
)
def test_numbers_and_abbreviations_have_one_form(text: str, usual: str) -> None:
    assert " ".join(words_of(text).usual) == usual


def test_an_item_is_given_by_the_forms_that_name_one_title_and_asked_for_otherwise() -> None:
    items = Vocabulary(list(range(len(TITLES))), "item")
    films: dict[Id, Film] = {
        place: Film(title, year_of(title)) for place, title in enumerate(TITLES)
    }
    catalog, counts = Catalog(films), np.array(list(FILMS.values()))

    def item(text: str) -> str:
        return TITLES[find_item(text, items, catalog, counts)]

    assert item("saltroad2") == "Salt Road II (1999)"
    assert item("doctor sorrow") == "Dr. Sorrow (1962)"
    assert item("12 boats (1960)") == "12 Boats (1960)"
    with pytest.raises(UnknownNameError) as asked:
        item("12 boats")
    assert str(asked.value) == (
        "'12 boats' is the title of 2 items: 13 = 12 Boats (1960); 12 = Twelve Boats (2001). "
        "Give the id or the year in brackets."
    )
    for text in ("slat road", "koth 2", "ember 2"):  # guesses and numbers by year are not taken
        with pytest.raises(UnknownNameError) as unknown:
            item(text)
        assert f" Did you mean '{found(text)[0]}' (id " in str(unknown.value)


def test_a_title_is_shown_as_people_say_it() -> None:
    assert display_title("Matrix, The (1999)", 1999) == "The Matrix (1999)"
    assert display_title("Hate (Haine, La) (1995)", 1995) == "Hate (1995)"
    assert display_title("Heat", 1995) == "Heat (1995)"
    assert display_title("Heat", None) == "Heat"
