"""Years, spoken names and keys of titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data.titles import (
    article_first,
    fold,
    names_of,
    split_year,
    spoken,
    title_key,
    year_of,
)


@pytest.mark.parametrize(
    ("title", "year"),
    [
        ("Heat (1995)", 1995),
        ("Heat (1995) ", 1995),
        ("Heat(1995)", 1995),
        ("Serial (2004-2006)", 2004),
        ("Serial (2004-)", 2004),
        ("Serial (2004\u20132006)", 2004),
        ("2001: A Space Odyssey", None),
        ("(1995) Heat", None),
        ("Heat (1995) (1996)", 1996),
        ("Heat (19951)", None),
        ("", None),
    ],
)
def test_the_year_is_the_number_in_brackets_at_the_end(title: str, year: int | None) -> None:
    assert year_of(title) == year


def test_a_title_is_split_from_its_year() -> None:
    assert split_year(" Heat  (1995) ") == ("Heat", 1995)
    assert split_year(" Heat ") == ("Heat", None)
    assert split_year("(1999)") == ("", 1999)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Matrix, The (1999)", ("The Matrix", "")),
        ("Seven (a.k.a. Se7en) (1995)", ("Seven", "Se7en")),
        (
            "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
            ("The City of Lost Children", "La Cité des enfants perdus"),
        ),
        ("Avventura, L' (a.k.a. Adventure, The) (1960)", ("L'Avventura", "The Adventure")),
        ("Avventura, L\u2019 (1960)", ("L\u2019Avventura", "")),
        ("(500) Days of Summer (2009)", ("(500) Days of Summer", "")),
        ("One (Two) (Three)", ("One", "Two, Three")),
        ("One (Two (Three))", ("One (Two (Three))", "")),
        ("One(Two)", ("One", "Two")),
        ("(Two)", ("(Two)", "")),
        ("(1999)", ("(1999)", "")),
        ("Up, Down", ("Up, Down", "")),
        (", The", (", The", "")),
        ("()", ("()", "")),
        ("One )", ("One )", "")),
        ("", ("", "")),
    ],
)
def test_titles_as_spoken(title: str, expected: tuple[str, str]) -> None:
    assert spoken(title) == expected


def test_a_comma_does_not_divide_another_name() -> None:
    title = "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)"
    assert names_of(title) == ["The Good, the Bad and the Ugly", "Il Buono, il brutto, il cattivo"]


def test_at_most_ten_other_names_are_taken() -> None:
    assert names_of("One" + " (a)" * 12) == ["One (a) (a)", *["a"] * 10]


def test_an_article_moves_to_the_front() -> None:
    names = ["Matrix, The", "Misérables, LES", "Avventura, L'", "Tough and Deadly", "Me, Myself"]
    assert [article_first(name) for name in names] == [
        "The Matrix",
        "LES Misérables",
        "L'Avventura",
        "Tough and Deadly",
        "Me, Myself",
    ]


def test_folded_text_has_neither_case_nor_accents_nor_punctuation() -> None:
    assert fold("  Amélie & Co. (2001)") == "amelie and co 2001"
    assert fold("Ocean's M*A*S*H_2") == "oceans m a s h 2"
    assert fold("STRASSE Straße") == "strasse strasse"
    assert fold("\ufb01lm") == "film"
    assert fold("!?") == ""


@pytest.mark.parametrize(
    "titles",
    [
        ("Amélie (2001)", "Amelie", "amelie", "AMÉLIE", "Ame\u0301lie (2001) "),
        (
            "Godfather, The (1972)",
            "the godfather",
            "Godfather",
            "The Godfather (1972)",
            " Godfather! ",
        ),
        ("Misérables, Les (1998)", "les miserables"),
        ("Avventura, L' (1960)", "L'Avventura", "l\u2019avventura"),
        ("Me & You", "me and you"),
        ("???", " ??? (1999)"),
    ],
)
def test_titles_that_people_take_for_the_same_have_one_key(titles: tuple[str, ...]) -> None:
    assert len({title_key(title) for title in titles}) == 1


def test_titles_that_differ_have_different_keys() -> None:
    titles = ["The", "A", "Alien", "Aliens", "???", "!!!", "Les Misérables", "300", "Se7en"]
    assert len({title_key(title) for title in titles}) == len(titles)


@given(st.text())
def test_a_key_is_its_own_key_and_names_are_never_lost(title: str) -> None:
    assert fold(fold(title)) == fold(title)
    assert bool(title_key(title)) == bool(title.strip())
    assert names_of(title)
    assert all(names_of(title)) == bool(title.strip())
