"""One small file of each site: its films, its scale, its dates, and the rows without a rating."""

import io
import json
import zipfile
from pathlib import Path

import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.personal.match_films import Import, match_films
from matinee.data.personal.personal_ratings import read_personal_ratings
from matinee.data.ratings import PAIRS, Scale
from matinee.data.reading.options import ValueRange
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError
from tests.helpers import error_message

FILMS: dict[Id, Film] = {
    1: Film("Quiet Harbor, The (1999)", 1999, imdb="tt9000001", tmdb=501),
    2: Film("Paper Lanterns II (2001)", 2001, imdb="tt9000002", tmdb=502),
    3: Film("Łódź Nights (Noce) (1977)", 1977),
    9: Film("Never Seen (2020)", 2020, imdb="tt9000009"),
}
ITEMS = Vocabulary([1, 2, 3], "item")
HALVES = Scale(0.5, 5, 0.5)

TRAKT = [
    {
        "rated_at": "2023-05-01T10:00:00.000Z",
        "rating": 8,
        "type": "movie",
        "movie": {
            "title": "Other Name",
            "year": 1990,
            "ids": {"trakt": 7, "slug": "x", "imdb": "tt9000001", "tmdb": 1},
        },
    },
    {
        "rated_at": "2023-05-02T10:00:00.000Z",
        "rating": 4,
        "type": "show",
        "show": {"title": "Series", "year": 2001, "ids": {"trakt": 8, "tmdb": 502}},
    },
]
MATINEE = {
    "person_id": "p",
    "created_at": 1,
    "ratings": [{"item_id": "1", "stars": 4.0, "rated_at": 1700000000}],
    "not_interested": [{"item_id": "2", "since": 1}],
    "groups": [],
}
SITES = {
    "Letterboxd diary": (
        "Letterboxd",
        "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        "2021-03-01,The Quiet Harbor,1999,https://x/1,4,,,2021-02-28\n"
        "2021-03-02,Paper Lanterns 2,2001,https://x/2,,,,2021-03-01\n",
    ),
    "IMDb by its ids alone": (
        "IMDb",
        "Position,Const,Created,Your Rating,Date Rated\n1,tt9000001,,8,2021-02-28\n2,tt9000002,,,\n",
    ),
    "IMDb of before": (
        "IMDb",
        '"position","const","Title","Title type","You rated","IMDb Rating","Year"\n'
        '"1","tt9000001","Harbor","Feature Film","8","7.9","1999"\n',
    ),
    "Trakt CSV": (
        "Trakt",
        "rated_at,type,title,year,trakt_rating,trakt_id,imdb_id,tmdb_id,url,genres,rating\n"
        "2021-02-28T00:00:00Z,movie,Harbor,1999,6.1,5,tt9000001,501,u,drama,8\n"
        "2021-02-28T00:00:00Z,movie,Lanterns,2001,6.1,5,tt9000002,502,u,drama,\n",
    ),
    "Trakt JSON": ("Trakt", json.dumps(TRAKT[:1])),
    "Goodreads": (
        "Goodreads",
        "Book Id,Title,Author,ISBN,ISBN13,My Rating,Average Rating,Year Published,Date Read\n"
        '91,Quiet Harbor,A,"=""""","=""""",4,3.9,1999,2021/02/28\n'
        '92,Paper Lanterns 2,A,"=""""","=""""",0,3.9,2001,\n',
    ),
    "filmweb": (
        "filmweb",
        "timestamp,iso_date,user_comment,user_vote,global_rating,original_title,pl_title,year\n"
        "1614470400,2021-02-28T00:00:00,,8,7.1,,Quiet Harbor,1999\n"
        "1614470400,2021-02-28T00:00:00,,,7.1,Paper Lanterns Two,Lampiony,2001\n",
    ),
    "Criticker": (
        "Criticker",
        "Score,Film Name,Year,Date Rated,IMDB ID\n80,Harbor,1999,2021-02-28,tt9000001\n",
    ),
    "Criticker XML": (
        "Criticker",
        '<?xml version="1.0"?><recentratings><film><filmid>4</filmid><filmname>Quiet Harbor (1999)'
        "</filmname><rating>80</rating></film></recentratings>",
    ),
    "TMDB": (
        "TMDB",
        "TMDb ID,IMDb ID,Type,Name,Release Date,Rating,Your Rating,Date Rated\n"
        "501,,movie,Harbor,1999-05-01,6.6,8,2021-02-28\n502,,movie,Lanterns,2001-05-01,6.6,,\n",
    ),
    "Simkl": (
        "Simkl",
        "simkl_id,IMDB_ID,Type,Title,Year,Rating\n4,tt9000001,movie,Harbor,1999,8\n",
    ),
    "MovieLens": (
        "MovieLens",
        'movie_id,imdb_id,tmdb_id,rating,average_rating,title\n77,9000001,501,4,3.1,"Harbor (1999)"\n',
    ),
    "matinee": ("matinee", "item_id,title,year,stars,rated_at\n1,x,,4,1614470400\n"),
    "matinee JSON": ("matinee", json.dumps(MATINEE)),
    "Letterboxd's form": ("Your table", "imdbID,Title,Year,Rating10\ntt9000001,Harbor,1999,8\n"),
    "out of ten": ("Your table", "title,year,rating\nQuiet Harbor,1999,8/10\n"),
    "percent": ("Your table", "title,rating\nQuiet Harbor (1999),80%\n"),
    "stars": ("Your table", "title,rating\nQuiet Harbor (1999),★★★★☆\n"),
}


def found_in(content: str | bytes, scale: Scale = HALVES) -> Import:
    content = content.encode() if isinstance(content, str) else content
    return match_films(content, ITEMS, Catalog(FILMS), scale)


@pytest.mark.parametrize("name", SITES)
def test_the_file_of_every_site_gives_its_rating_on_the_scale_of_the_model(name: str) -> None:
    source, content = SITES[name]
    found = found_in(content)
    assert (found.source, found.is_typed) == (source, source == "Your table")
    matches = found.matched + found.doubtful
    if name == "matinee":  # the title differs, and the id counts only with a title
        assert [one.reason for one in found.unmatched] == ["no film here has this title"]
    else:
        assert [(one.item_id, one.stars) for one in matches] == [(1, 4.0)]
        assert all(row.is_unrated for row in found.unmatched)


@pytest.mark.parametrize("name", ["Letterboxd diary", "Trakt CSV", "Goodreads", "filmweb", "TMDB"])
def test_the_dates_are_kept_and_films_without_a_rating_are_told(name: str) -> None:
    found = found_in(SITES[name][1])
    assert [one.rated_at for one in found.matched] == [1614470400]
    assert [(row.is_unrated, row.reason) for row in found.unmatched] == [(True, "it has no rating")]


def test_a_series_with_the_number_of_a_film_is_not_taken_for_it() -> None:
    found = found_in(json.dumps(TRAKT))
    assert [(one.item_id, one.rated_at) for one in found.matched] == [(1, 1682935200)]
    assert [(row.row, row.title) for row in found.unmatched] == [(2, "Series (2001)")]


@pytest.mark.parametrize(
    ("title", "item_id"),
    [
        ("Paper Lanterns 2", 2), ("Paper Lanterns Part Two", 2), ("Paper lanterns ii", 2),
        ("Lodz Nights", 3), ("łódź nights", 3), ("Noce", 3), ("The Quiet Harbor", 1),
    ],
)  # fmt: skip
def test_numerals_letters_and_other_titles_are_the_same_film(title: str, item_id: int) -> None:
    year = FILMS[item_id].year
    found = found_in(f"Date,Name,Year,Letterboxd URI,Rating\n,{title},{year},u,4\n")
    assert [one.item_id for one in found.matched] == [item_id]


def test_a_film_that_nobody_has_rated_is_told_from_an_unknown_one() -> None:
    found = found_in(
        "Const,Your Rating,Title,Year\ntt9000009,8,Never Seen,2020\ntt1,8,Never Seen,2020\n"
        "tt2,8,No Such Film,2020\n"
    )
    unrated = "it is in the catalog, but nobody has rated it"
    assert [row.reason for row in found.unmatched] == [
        unrated,
        unrated,
        "no film here has this title",
    ]


def test_the_newer_of_two_ratings_counts_wherever_it_stands() -> None:
    rows = "2022-01-01,Quiet Harbor,1999,u,5\n2020-01-01,Quiet Harbor,1999,u,1\n"
    found = found_in(f"Date,Name,Year,Letterboxd URI,Rating\n{rows}")
    assert [one.stars for one in found.matched] == [5.0]
    assert [row.reason for row in found.unmatched] == [
        "row 2 is about the same film, and its rating is newer"
    ]


def test_lines_before_the_header_are_passed_over() -> None:
    found = found_in(
        "Letterboxd list export v7\nDate,Name,Tags\n2020-01-01,Mine,x\n\n"
        "Position,Name,Year,Letterboxd URI,Rating\n1,Quiet Harbor,1999,u,4\n"
    )
    assert [(one.row, one.item_id) for one in found.matched] == [(6, 1)]


def test_a_row_with_too_many_fields_is_left_out_and_told() -> None:
    found = found_in("Date,Name,Year,Letterboxd URI,Rating\n,Quiet, Harbor,1999,u,4\n")
    assert [row.reason for row in found.unmatched] == [
        "it has 6 fields instead of 5: a text that holds commas needs quotes"
    ]


@pytest.mark.parametrize("name", ["ratings-movies.json", "trakt/ratings_movies.json"])
def test_the_ratings_in_a_zip_file_of_trakt_are_found(name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("watched-movies.json", "[]")
        archive.writestr(name, json.dumps(TRAKT))
    assert [one.item_id for one in found_in(packed.getvalue()).matched] == [1]


def test_a_film_seen_and_not_rated_counts_for_a_model_without_stars() -> None:
    found = found_in(SITES["Letterboxd diary"][1], PAIRS)
    assert [one.item_id for one in found.matched] == [1, 2]


def test_the_average_of_all_people_is_never_taken_for_a_rating() -> None:
    seen = [{"plays": 1, "movie": {"title": "Quiet Harbor", "year": 1999, "rating": 7.1}}]
    with pytest.raises(DataError, match="no column of"):
        found_in(json.dumps(seen))
    columns = "TMDb ID,Type,Name,Release Date,Rating,Your Rating\n"
    found = found_in(f"{columns}501,movie,Quiet Harbor,1999-01-01,7.1,\n")
    assert [row.reason for row in found.unmatched] == ["it has no rating"]


def test_of_several_lists_in_a_json_file_only_the_first_is_read_and_a_note_says_so() -> None:
    movies = [{"title": "Quiet Harbor", "year": 1999, "rating10": 8}]
    found = found_in(json.dumps({"movies": movies, "shows": [{"title": "x"}]}))
    assert [one.stars for one in found.matched] == [4.0]
    assert found.notes == [
        "Of the lists 'movies' and 'shows' in the file, only the first was read."
    ]


# -- scales ------------------------------------------------------------------------------


def own(path: Path, content: str, **how: object) -> dict[Id, float]:
    path.write_text(content, "utf-8")
    return read_personal_ratings(path, ITEMS, Catalog(FILMS), HALVES, **how).stars  # type: ignore[arg-type]


def test_low_ratings_under_the_name_of_imdb_are_never_taken_for_stars(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    content = "Title,Your Rating\nQuiet Harbor,4\n"
    told = error_message(DataError, own, path, content)
    assert told == (
        f"In {path}: The ratings may be on IMDb's scale, 1 to 10, or on the scale here, 0.5 to 5 in "
        "steps of 0.5: none is above 5. Give --ratings-scale 1:10 or --ratings-scale 0.5:5, or "
        "call the column rating10 or rating5."
    )
    assert own(path, content, file_scale=ValueRange(1, 10)) == {1: 2.0}
    assert own(path, content, file_scale=ValueRange(0.5, 5)) == {1: 4.0}
    assert own(path, "Title,Rating10\nQuiet Harbor,4\n") == {1: 2.0}
    assert own(path, "Title,Rating5\nQuiet Harbor,4\n") == {1: 4.0}
    assert own(path, "Title,Rating (1-10)\nQuiet Harbor,4\n") == {1: 2.0}
    assert error_message(DataError, own, path, "imdb_id,rating\ntt9000001,4\n").startswith(
        f"In {path}: The ratings may be on IMDb's scale"
    )
    assert own(path, "imdb_id,rating\ntt9000001,4.5\n") == {1: 4.5}


def test_bad_rows_can_be_skipped_and_are_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("title,rating\nQuiet Harbor,great\nNoce,9\nPaper Lanterns II,3\n")
    read = read_personal_ratings
    told = error_message(DataError, read, path, ITEMS, Catalog(FILMS), HALVES)
    assert told.startswith(f"In {path}, row 3: the rating 9 for 'Noce' is outside the scale")
    found = read(path, ITEMS, Catalog(FILMS), HALVES, skip_bad_rows=True)
    assert found.stars == {2: 3.0}
    assert found.notes == [
        f"Skipped 2 rows in {path}:\n"
        "  row 2, 'Quiet Harbor': the stars 'great' are not a number. It needs lines such as:  "
        "Toy Story (1995),4.5.\n"
        "  row 3, 'Noce': the rating '9' is not a number from 0.5 to 5."
    ]


def test_ratings_that_say_their_scale_only_in_part_are_refused(tmp_path: Path) -> None:
    content = "title,rating\nQuiet Harbor,4/5\nNoce,3\n"
    assert "Some ratings have a denominator" in error_message(
        DataError, own, tmp_path / "mine.csv", content
    )


def test_a_number_that_is_an_id_and_a_title_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("2,4\n3,4\n")
    films = Catalog({**FILMS, 1: Film("2 (1999)", 1999)})
    found = read_personal_ratings(path, ITEMS, films, HALVES)
    assert found.stars == {3: 4.0}
    assert found.notes == [
        f"Skipped 1 row in {path}: row 1, '2': '2' is the id of Paper Lanterns II (2001) and the title "
        "of 2 (1999). Give 'id:2' or 'title:2'."
    ]


def test_a_watchlist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "watchlist.csv"
    assert error_message(DataError, own, path, "Date,Name,Year,Letterboxd URI\n") == (
        f"In {path}: a watchlist holds films that the person has not seen, and no ratings."
    )


@pytest.mark.parametrize(
    "content", [b"title,rating\n" + b"a," * 2_000, b"[" + b"1," * 5_000 + b"1]"]
)
def test_a_row_of_thousands_of_fields_is_refused(content: bytes) -> None:
    said = error_message(DataError, lambda: match_films(content, ITEMS, Catalog(FILMS), HALVES))
    assert "fields; a table of ratings has a few." in said
