"""Cells of tables of items: ids in the form of the ratings, genres, ids on other sites."""

import pytest

from matinee.data.catalog import Film
from matinee.data.reading.item_table import (
    GenreFormat,
    canonical_id,
    catalog_of,
    decoded,
    imdb_id,
    rows_of,
    tmdb_id,
    year_in,
)
from matinee.data.vocabulary import Id, Vocabulary

NUMBERS = Vocabulary([7, 120], "item")
TEXTS = Vocabulary(["007", "12", "9.0", "ab"], "item")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        ("7.0", 7),
        (" 7. ", 7),
        ("1.2e2", 120),
        ("1.2E+02", 120),
        ("-3.0", -3),
        ("007", None),
        ("7.5", None),
        ("x", None),
        ("", None),
        ("1.23e1", None),
        ("9e30", None),
    ],
)
def test_a_number_is_one_id_however_it_is_written(text: str, expected: int | None) -> None:
    assert canonical_id(text, NUMBERS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("007", "007"), ("12.0", "12"), ("9.0", "9.0"), ("99.0", "99.0"), (" ab ", "ab"), ("", None)],
)
def test_a_text_id_loses_its_decimals_only_where_the_ratings_have_none(
    text: str, expected: Id | None
) -> None:
    assert canonical_id(text, TEXTS) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Drama|War", "Sci-Fi, Noir"], [("Drama", "War"), ("Sci-Fi, Noir",)]),
        (["Drama, War", "Noir"], [("Drama", "War"), ("Noir",)]),
        (["Drama,War", ""], [("Drama", "War"), ()]),
        (["Drama / War", "Sci-Fi/Noir"], [("Drama", "War"), ("Sci-Fi/Noir",)]),
        (["Drama;War", "(no genres listed)"], [("Drama", "War"), ()]),
        (["['Drama', 'War']", "[]"], [("Drama", "War"), ()]),
        (['["Drama", "War"]'], [("Drama", "War")]),
        (["[{'id': 1, 'name': 'Drama'}]"], [("Drama",)]),
        (["[Drama, War]"], [("Drama", "War")]),
        (["Drama", "\\N"], [("Drama",), ()]),
    ],
)
def test_genres_are_split_as_the_column_writes_them(
    cells: list[str], expected: list[tuple[str, ...]]
) -> None:
    genres = GenreFormat.of(cells)
    assert [genres.split(cell) for cell in cells] == expected


def test_a_separator_other_than_the_usual_one_is_told() -> None:
    assert GenreFormat.of(["a|b"]).note("items.csv") == ""
    assert GenreFormat.of(["a"]).note("items.csv") == ""
    assert GenreFormat.of(["a,b"]).note("items.csv") == "The genres in items.csv were split at ','."
    assert (
        GenreFormat.of(["['a']"]).note("items.csv") == "The genres in items.csv were read as lists."
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0114709", "tt0114709"),
        ("tt0114709", "tt0114709"),
        ("114709.0", "tt0114709"),
        ("https://www.imdb.com/title/tt10872600/", "tt10872600"),
        ("", ""),
        ("0", ""),
        ("x1", ""),
    ],
)
def test_an_imdb_id_has_one_form(text: str, expected: str) -> None:
    assert imdb_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("862", 862), ("862.0", 862), ("", None), ("0", None), ("tt1", None)]
)
def test_a_tmdb_id_is_a_number(text: str, expected: int | None) -> None:
    assert tmdb_id(text) == expected


def test_a_year_stands_in_dates_and_numbers() -> None:
    assert [year_in(text) for text in ("1995.0", "2001-05-06", "12", "")] == [
        1995,
        2001,
        None,
        None,
    ]


def test_text_is_read_in_three_encodings() -> None:
    text = "Amélie"
    assert {decoded(text.encode(name)) for name in ("utf-8", "utf-16", "latin-1")} == {text}


def test_quotation_marks_behind_backslashes_are_read() -> None:
    assert rows_of('id;title\n1;"The \\"Best\\" One"\n') == (
        [["id", "title"], ["1", 'The "Best" One']],
        "",
    )


def test_a_table_that_breaks_off_is_told() -> None:
    rows, problem = rows_of('id,title\n1,One\n2,"' + "x" * 200_000)
    assert rows == [["id", "title"], ["1", "One"]]
    assert problem.startswith("it could only be read up to row 2 (field larger")


def test_repeated_ids_are_told_and_rows_of_one_title_are_joined() -> None:
    rows = [
        ("7", Film("One (1950)", 1950, ("Drama",))),
        ("7.0", Film("One (1950)", 1950, ("War",))),
        ("120", Film("Old Title", None, ("Noir",))),
        ("120", Film("New Title", None, ("War",))),
        ("x", Film("No Number")),
    ]
    catalog, notes = catalog_of(rows, NUMBERS, "items.csv")
    both = Film("One (1950)", 1950, ("Drama", "War"))
    assert catalog.films == {7: both, 120: Film("New Title", None, ("Noir", "War"))}
    assert notes == [
        "items.csv has several titles for 1 id; the last title counts "
        "(120 is 'New Title', not 'Old Title'), and the genres of all rows."
    ]
