"""Tables of films and stars that a person wrote, and a sentence for every row that cannot be read."""

import pytest

from matinee.data.personal.given_ratings import rating_in
from matinee.data.personal.own_files import read_file
from matinee.data.personal.rows import Row
from matinee.data.personal.typed_tables import typed_rows
from matinee.errors import DataError
from tests.helpers import error_message

EXAMPLE = "It needs lines such as:  Toy Story (1995),4.5"


def read(content: str | bytes) -> list[Row]:
    content = content if isinstance(content, bytes) else content.encode()
    return typed_rows(read_file(content).rows, has_stars=True)[0]


def pairs(rows: list[Row]) -> list[tuple[str, float]]:
    assert not any(row.problem for row in rows)
    ratings = [rating_in(row.rating) for row in rows]
    return [
        (row.typed, given.value)
        for row, given in zip(rows, ratings, strict=True)
        if given is not None
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("title,rating\nAlien (1979),5\nHeat,3.5\n", {"title:Alien (1979)": 5.0, "title:Heat": 3.5}),
        ("Alien (1979),5\nHeat,3.5", {"Alien (1979)": 5.0, "Heat": 3.5}),
        ("296,5\n593,4.5\n", {"296": 5.0, "593": 4.5}),
        ("userId,movieId,rating,time\n1,296,5.0,1147880044\n1,306,3.5,1147868817\n", {"id:296": 5.0, "id:306": 3.5}),
        ("Rating , TITLE\n5,Alien\n", {"title:Alien": 5.0}),
        ("title\trating\nAlien\t5\nGood, Bad\t4\n", {"title:Alien": 5.0, "title:Good, Bad": 4.0}),
        ("Alien\t5\n", {"Alien": 5.0}),
        ("title;rating\nAlien;5\n", {"title:Alien": 5.0}),
        ('title,rating\n"Good, the Bad and the Ugly, The",5\n"Say ""Hi""",4\n', {
            "title:Good, the Bad and the Ugly, The": 5.0, 'title:Say "Hi"': 4.0,
        }),
        ("\ufefftitle,rating\nAmélie,5\n", {"title:Amélie": 5.0}),
        ("title,rating\r\nAlien,5\r\n\r\n , \r\nHeat,4\r\n", {"title:Alien": 5.0, "title:Heat": 4.0}),
        ("title,rating\nA\u2028B,5\n", {"title:A\u2028B": 5.0}),
        ("  Alien  , 5 \n", {"Alien": 5.0}),
        ("movie_id,title,rating\n7,Alien,5\n", {"title:Alien": 5.0}),
        ("Alien,-1\n", {"Alien": -1.0}),
    ],
    ids=[
        "header", "no header", "ids", "movielens", "order and case", "tabs", "tabs, no header", "semicolons", "quotes",
        "byte order mark", "blank lines", "line separator", "spaces", "title before id", "negative",
    ],
)  # fmt: skip
def test_the_films_and_stars_are_found(content: str, expected: dict[str, float]) -> None:
    assert pairs(read(content)) == list(expected.items())


def test_every_row_is_kept_with_its_number_and_the_film_as_written() -> None:
    found = read("title,rating\nAlien,5\n\nHeat,3\nAlien,2\n")
    assert [(one.typed, one.rating, one.row) for one in found] == [
        ("title:Alien", "5", 2),
        ("title:Heat", "3", 4),
        ("title:Alien", "2", 5),
    ]
    assert [one.shown for one in found] == ["Alien", "Heat", "Alien"]
    assert [one.shown for one in read("movieId,rating\n7,5\n")] == ["no. 7"]


def test_a_letterboxd_export_gives_titles_with_years() -> None:
    content = (
        "Date,Name,Year,Letterboxd URI,Rating\n"
        "2024-01-01,Alien,1979,https://boxd.it/2awY,4.5\n"
        "2024-01-02,Serial,,https://boxd.it/1,3\n"
    )
    assert pairs(read(content)) == [("title:Alien (1979)", 4.5), ("title:Serial", 3.0)]


def test_an_imdb_export_gives_titles_with_years() -> None:
    content = (
        "Const,Your Rating,Date Rated,Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres\n"
        'tt0078748,9,2024-01-01,Alien,https://www.imdb.com/title/tt0078748,movie,8.5,117,1979,"Horror, Sci-Fi"\n'
    )
    assert pairs(read(content)) == [("title:Alien (1979)", 9.0)]


def test_a_title_that_holds_its_year_does_not_get_it_twice() -> None:
    assert pairs(read("title,year,rating\nAlien (1979),1979,5\n")) == [("title:Alien (1979)", 5.0)]


def test_headers_are_compared_without_spaces_and_signs() -> None:
    assert pairs(read("Movie ID,Your-Rating\n7,5\n")) == [("id:7", 5.0)]
    assert pairs(read("Movie Title,Stars,Year\nAlien,5,1979.0\nHeat,4,soon\n")) == [
        ("title:Alien (1979)", 5.0),
        ("title:Heat", 4.0),
    ]


def test_a_year_is_not_added_to_an_id() -> None:
    assert pairs(read("movieId,year,rating\n7,1979,5\n")) == [("id:7", 5.0)]


@pytest.mark.parametrize(
    ("content", "row", "problem"),
    [
        ("title,rating\nAlien,5\nHeat\n", 3, f"'Heat' is not a film and its stars. {EXAMPLE}"),
        ("title,rating\n,5\n", 2, f"',5' is not a film and its stars. {EXAMPLE}"),
        ("title,rating\n\nAlien,great\n", 3, f"the stars 'great' are not a number. {EXAMPLE}"),
        ("Alien,5\nHeat,bad\n", 2, f"the stars 'bad' are not a number. {EXAMPLE}"),
        ("Alien\nHeat\n", 1, f"'Alien' is not a film and its stars. {EXAMPLE}"),
        (
            "title,rating\nThe Good, the Bad and the Ugly,5\n",
            2,
            "the stars ' the Bad and the Ugly' are not a number. Put a title that holds commas into "
            'quotes: "The Good, the Bad and the Ugly",5',
        ),
        (
            "title,rating\nAlien,4,5\n",
            2,
            "it has 3 fields instead of 2; put a text that holds commas, or a number with a decimal "
            "comma, into quotes",
        ),
        (
            "Alien,4,5\nHeat,3\n",
            1,
            "'4,5' may be one number with a decimal comma; put it into quotes, or separate the fields "
            "with semicolons",
        ),
    ],
    ids=["one cell", "no film", "words", "words, no header", "films", "commas", "long", "decimal comma"],
)  # fmt: skip
def test_a_row_that_cannot_be_read_says_why(content: str, row: int, problem: str) -> None:
    assert next((one.row, one.problem) for one in read(content) if one.problem) == (row, problem)


@pytest.mark.parametrize(
    "content",
    [
        "title,rating\nAlien,\n",
        "Alien,\nHeat,4\n",
        "title,rating\nAlien,N/A\n",
        "Alien,-\nHeat,4\n",
    ],
)
def test_an_empty_rating_is_none(content: str) -> None:
    first = read(content)[0]
    assert (first.rating, first.problem) == ("", "")


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        ("what,ever\nAlien,5\n", "films (title or item_id) and none of ratings (rating)"),
        ("title,ever\nAlien,5\n", "ratings (rating)"),
        ("what,rating\nAlien,5\n", "films (title or item_id)"),
        ("film,judgement (1-10)\nAlien,5\n", "ratings (rating)"),
    ],
)
def test_a_first_row_without_a_number_is_a_header_that_lacks_a_column(
    content: str, missing: str
) -> None:
    names = ", ".join(f"'{name}'" for name in content.partition("\n")[0].split(","))
    assert error_message(DataError, read, content) == (
        "The first row has no number, so it is a header, and it has no column of "
        f"{missing}; its columns are {names}. {EXAMPLE}"
    )


def test_comments_among_films_are_skipped_and_told() -> None:
    content = "# mine\ntitle,my score (1-10)\nAlien,5\n# seen in May\n#Alive,3\n"
    rows, notes = typed_rows(read_file(content.encode()).rows, has_stars=True)
    assert [(row.typed, row.rating, row.row) for row in rows] == [
        ("title:Alien", "5", 3),
        ("title:#Alive", "3", 5),
    ]
    assert notes == ["Skipped 2 comment lines."]
    films, _ = typed_rows(read_file(b"Alien\n#Alive\n").rows, has_stars=False)
    assert [row.shown for row in films] == ["Alien", "#Alive"]


def test_columns_that_no_header_names_are_told() -> None:
    rows, notes = typed_rows([["Alien", "5", "2020-01-01"], ["Heat", "4"]], has_stars=True)
    assert [row.rating for row in rows] == ["5", "4"]
    assert notes == [
        "Without a header, the first column was read as films and the second as stars; the others "
        "were not used."
    ]


def test_the_ratings_of_several_people_are_refused() -> None:
    content = "userId,title,rating\n1,Alien,5\n2,Heat,4\n"
    assert error_message(DataError, read, content) == (
        "The file holds the ratings of several people; give only the rows of one person."
    )


@pytest.mark.parametrize(
    ("content", "rating"),
    [
        ("title;rating\nAlien;4,5\n", "4,5"),
        ("Alien;4,5\nGood, Bad;3,5\n", "4,5"),
        ('title,rating\nAlien,"4,5"\n', "4,5"),
        ("Title|Rating (1-10)\nAlien|8\n", "8"),
        ("imdb_id,rating10\ntt0078748,8\n", "8"),
        ("Amélie;4,5\n".encode("cp1252"), "4,5"),
        ("Amélie,4.5\n".encode("utf-16"), "4.5"),
        ('[{"title": "Alien", "rating": 4.5}]', "4.5"),
        ("sep=;\nAlien;4,5\n", "4,5"),
        ("[REC] (2007),4\n", "4"),
        ("{title},4\n", "4"),
    ],
)
def test_separators_encodings_and_json_are_recognized(content: str | bytes, rating: str) -> None:
    first = read(content)[0]
    assert (first.rating, first.problem) == (rating, "")
