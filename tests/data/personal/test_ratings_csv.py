"""A person's own ratings from a file: every usual export, and a sentence for every file that cannot be read."""

import pytest

from matinee.data.personal.ratings_csv import PersonalRating, read_own_ratings
from matinee.errors import DataError
from tests.helpers import error_message

EXAMPLE = "It needs lines such as:  Toy Story (1995),4.5"


def read(content: str | bytes) -> list[PersonalRating]:
    return read_own_ratings(content if isinstance(content, bytes) else content.encode(), "FILE")


def pairs(ratings: list[PersonalRating]) -> list[tuple[str, float]]:
    return [(one.item, one.stars) for one in ratings]


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


def test_every_row_has_its_number_and_the_film_as_written() -> None:
    found = read("title,rating\nAlien,5\n\nHeat,3\nAlien,2\n")
    assert [one[:3] for one in found] == [
        ("title:Alien", 5.0, 2),
        ("title:Heat", 3.0, 4),
        ("title:Alien", 2.0, 5),
    ]
    assert [one.film for one in found] == ["Alien", "Heat", "Alien"]
    assert [one.film for one in read("movieId,rating\n7,5\n")] == ["7"]


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
    ("content", "told"),
    [
        ("", f"'FILE' holds no ratings. {EXAMPLE}"),
        ("\n\n", f"'FILE' holds no ratings. {EXAMPLE}"),
        ("title,rating\n", f"'FILE' holds no ratings. {EXAMPLE}"),
        ("title,rating\nAlien,5\nHeat\n", f"FILE, row 3: 'Heat' is not a film and its stars. {EXAMPLE}"),
        ("title,rating\n,5\n", f"FILE, row 2: ',5' is not a film and its stars. {EXAMPLE}"),
        ("title,rating\n\nAlien,great\n", f"FILE, row 3: the stars 'great' are not a number. {EXAMPLE}"),
        ("title,rating\nAlien,\n", f"FILE, row 2: the stars '' are not a number. {EXAMPLE}"),
        (
            "what,ever\nAlien,5\n",
            "FILE, row 1: the stars 'ever' are not a number. If this is a header, call the columns title (or item_id) "
            f"and rating. {EXAMPLE}",
        ),
        (
            "title,rating\nThe Good, the Bad and the Ugly,5\n",
            "FILE, row 2: the stars ' the Bad and the Ugly' are not a number. Put a title that holds commas into "
            'quotes: "The Good, the Bad and the Ugly",5',
        ),
        ("Amélie,5\n".encode("latin-1"), f"'FILE' is not a text file in UTF-8. {EXAMPLE}"),
        ("Alien,5\n".encode("utf-16"), f"'FILE' is not a text file in UTF-8. {EXAMPLE}"),
        (
            '"' + "x" * 200_000,
            f"'FILE' is not a table of films and stars (field larger than field limit (131072)). {EXAMPLE}",
        ),
    ],
    ids=[
        "empty", "blank", "only a header", "one cell", "no film", "words", "no stars", "unknown header", "commas",
        "latin-1", "utf-16", "endless",
    ],
)  # fmt: skip
def test_unreadable_rows_are_reported_with_their_number(content: str | bytes, told: str) -> None:
    assert error_message(DataError, read, content) == told
