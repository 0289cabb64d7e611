"""Ratings from other sites' files: which films they are, which are uncertain, and what a hostile file can do."""

import csv
import io
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.data.catalog import Catalog, Film
from matinee.data.personal.given_scales import on_scale
from matinee.data.personal.match_films import Import, match_films
from matinee.data.personal.own_files import MOST_BYTES, MOST_ROWS
from matinee.data.personal.site_exports import plain_cell, read_rows
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import DataError
from matinee.models.baseline import Baseline
from matinee.models.popularity import Popularity
from matinee.recommendation.guide import Guide

FILMS: dict[Id, Film] = {
    1: Film("Matrix, The (1999)", 1999),
    2: Film("Amelie (Fabuleux destin d'Amélie Poulain, Le) (2001)", 2001),
    3: Film("Star Wars: Episode IV - A New Hope (1977)", 1977),
    4: Film("Seven (a.k.a. Se7en) (1995)", 1995),
    5: Film("Donnie Darko (2001)", 2001),
    6: Film("Emma (1996)", 1996),
    7: Film("Emma (1996)", 1996),
    8: Film("Fargo (1996)", 1996),
    9: Film("Moonlight"),
    10: Film("=HYPERLINK(0) (2020)", 2020),
    11: Film("Parasite (1982)", 1982),
}
LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating\n"
IMDB = "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres\n"


HALVES = Scale(0.5, 5, 0.5)


def guide(scale: Scale = HALVES, films: dict[Id, Film] = FILMS, n: int = 12) -> Guide:
    """A model of items 1 to n, of which the last has no title."""
    items = list(range(1, n + 1)) * 2
    values = [scale.lowest if place % 2 else scale.highest for place in range(len(items))]
    ratings = Ratings.from_ids([1] * n + [2] * n, items, values, scale=scale)
    model = Baseline() if scale.has_stars else Popularity()
    return Guide(model.fit(ratings, n_threads=1), Catalog(films))


def read_export(content: bytes, guide: Guide) -> Import:
    return match_films(content, guide.model.items_, guide.catalog, guide.model.scale_, seconds=100)


def letterboxd(*rows: str) -> Import:
    """What is found of rows "name,year,stars"."""
    lines = (
        f"2024-05-01,{','.join(row.rsplit(',', 1)[:1])},https://boxd.it/x,{row.rsplit(',', 1)[1]}"
        for row in rows
    )
    return read_export((LETTERBOXD + "\n".join(lines)).encode(), guide())


# -- which films ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "item_id"),
    [
        ("The Matrix,1999,5", 1),
        ("matrix,1999,5", 1),
        ("Amélie,2001,4", 2),
        ("Amelie,2001,4", 2),
        ("Le fabuleux destin d'Amélie Poulain,2001,4", 2),
        ("Se7en,1995,4", 4),
        ("Donnie Darko,2001,3.5", 5),
    ],
)
def test_a_film_is_found_by_any_of_its_names_and_its_year(row: str, item_id: int) -> None:
    found = letterboxd(row)
    assert [(one.item_id, one.row, one.doubt) for one in found.matched] == [(item_id, 2, "")]
    assert not found.doubtful
    assert not found.unmatched


@pytest.mark.parametrize(
    ("row", "item_id", "doubt"),
    [
        ("Donnie Darko,2002,4", 5, "it is from 2001 here, and from 2002 in the file"),
        ("Star Wars,1977,4", 3, "the title differs slightly"),
        ("Fargo,,4", 8, "the file gives no year"),
        ("Moonlight,2016,4", 9, "there is no year here"),
    ],
)
def test_likely_matches_are_distinguished_from_certain_ones(
    row: str, item_id: int, doubt: str
) -> None:
    found = letterboxd(row)
    assert [(one.item_id, one.doubt) for one in found.doubtful] == [(item_id, doubt)]
    assert not found.matched


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Parasite,2019,5", "the film of this title here is from 1982"),
        ("No Such Film,2000,5", "no film here has this title"),
        ("Emma,1996,5", "2 films here match: Emma (1996); Emma (1996)"),
        ("The Matrix,1999,", "it has no rating"),
        ("The Matrix,1999,9", "the rating '9' is not a number from 0.5 to 5"),
        ("The Matrix,1999,nan", "it has no rating"),
        ("The Matrix,1999,great", "the rating 'great' is not a number from 0.5 to 5"),
        (",1999,4", "it names no film"),
    ],
)
def test_unmatched_rows_are_listed_with_the_reason(row: str, reason: str) -> None:
    (left_out,) = letterboxd(row).unmatched
    assert (left_out.row, left_out.reason) == (2, reason)


def test_of_two_rows_about_one_film_the_later_counts() -> None:
    found = letterboxd("The Matrix,1999,2", "x,1,1", "matrix,1999,4")
    assert [(one.row, one.stars) for one in found.matched] == [(4, 4.0)]
    told = {one.row: one.reason for one in found.unmatched}
    assert told[2] == "row 4 is about the same film, and the later one counts"


def test_a_series_with_the_title_of_a_film_is_doubted() -> None:
    found = read_export(
        (IMDB + "tt1,8,2020-01-01,Fargo,Fargo,u,TV Series,8.9,60,1996,Crime\n").encode(), guide()
    )
    assert [one.doubt for one in found.doubtful] == ["the file calls it a TV Series"]


# -- whose file ----------------------------------------------------------------------------------------------------


def test_ratings_of_imdb_are_converted_and_the_note_says_how() -> None:
    rows = "tt1,10,2020,The Matrix,The Matrix,u,Movie,8,136,1999,x\ntt2,7,2020,Seven,Se7en,u,Movie,8,127,1995,x\n"
    found = read_export((IMDB + rows).encode(), guide())
    assert found.source == "IMDb"
    assert [(one.item_id, one.given, one.stars) for one in found.matched] == [
        (1, 10.0, 5.0),
        (4, 7.0, 3.5),
    ]
    start = "IMDb rates from 1 to 10; the scale here is 0.5 to 5 in steps of 0.5: "
    expected = f"{start}1 becomes 0.5, 7 becomes 3.5, 10 becomes 5."
    assert found.scale_note == expected


def test_a_person_of_movielens_is_matched_by_title_and_a_data_set_by_number_with_a_doubt() -> None:
    own = 'movie_id,imdb_id,tmdb_id,rating,average_rating,title\n900,0133093,603,4.5,4.1,"Matrix, The (1999)"\n'
    assert [(one.item_id, one.doubt) for one in read_export(own.encode(), guide()).matched] == [
        (1, "")
    ]
    found = read_export(b"userId,movieId,rating,timestamp\n7,1,4.5,1\n7,999,3,1\n", guide())
    assert [(one.item_id, one.title, one.doubt) for one in found.doubtful] == [
        (1, "no. 1", "the file gives its number and no title")
    ]
    assert [one.reason for one in found.unmatched] == ["no film here has this number"]
    with pytest.raises(
        DataError, match="holds the ratings of several people; give only the rows of one"
    ):
        read_export(b"userId,movieId,rating,timestamp\n7,1,4.5,1\n8,1,3,1\n", guide())


def test_what_matinee_writes_it_reads_again_formulas_too() -> None:
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(("item_id", "title", "year", "stars", "rated_at"))
    for item_id, film in FILMS.items():
        rows.writerow((item_id, plain_cell(film.title), film.year or "", 4.5, 0))
    rows.writerow((12, "12", "", 3, 0))
    assert "'=HYPERLINK(0)" in written.getvalue()
    found = read_export(written.getvalue().encode(), guide())
    assert {one.item_id for one in found.matched} == {*FILMS, 12}


def test_semicolons_a_mark_and_other_encodings_are_read() -> None:
    text = "Date;Name;Year;Letterboxd URI;Rating\n2024;Amélie;2001;u;4,5\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert [one.stars for one in read_export(text.encode(encoding), guide()).matched] == [
            4.5
        ], encoding


def zipped(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/") + ".csv", content)
    return made.getvalue()


def test_the_ratings_in_the_zip_file_of_letterboxd_are_found() -> None:
    rows = (LETTERBOXD + "2024,The Matrix,1999,u,5\n").encode()
    old = (LETTERBOXD + "2024,Fargo,1996,u,5\n").encode()
    found = read_export(zipped(deleted__ratings=old, ratings=rows, watched=b"Date,Name\n"), guide())
    assert [one.item_id for one in found.matched] == [1]


# -- scales --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "given_on", "model_scale", "stars"),
    [
        (7, Scale(1, 10, 1), Scale(1, 5, 1), 4.0),
        (1, Scale(1, 10, 1), Scale(1, 5, 1), 1.0),
        (3.5, Scale(0.5, 5, 0.5), Scale(1, 10, 1), 7.0),
        (2.5, Scale(0.5, 5, 0.5), Scale(1, 5, 1), 3.0),
        (10, Scale(1, 10, 1), Scale(-10, 10, 0), 10.0),
        (1, Scale(1, 10, 1), Scale(-10, 10, 0), -10.0),
        (4, Scale(1, 10, 1), PAIRS, 1.0),
    ],
)
def test_a_rating_is_put_on_the_scale_of_the_model(
    given: float, given_on: Scale, model_scale: Scale, stars: float
) -> None:
    assert on_scale(given, given_on, model_scale) == stars


def test_a_rating_below_zero_stays_below_zero() -> None:
    written = b"item_id,title,year,stars\n5,Donnie Darko (2001),2001,-2.5\n"
    found = read_export(written, guide(Scale(-10, 10, 0.5)))
    assert [(match.given, match.stars) for match in found.matched] == [(-2.5, -2.5)]


@given(
    st.integers(1, 10),
    st.sampled_from([Scale(0.5, 5, 0.5), Scale(1, 5, 1), Scale(0, 100, 1), Scale(-1, 1, 0.25)]),
)
def test_whatever_is_given_lies_on_the_scale_and_more_never_becomes_less(
    given: int, scale: Scale
) -> None:
    stars = on_scale(given, Scale(1, 10, 1), scale)
    assert scale.lowest <= stars <= scale.highest
    assert ((stars - scale.lowest) / scale.step).is_integer()
    assert on_scale(min(given + 1, 10), Scale(1, 10, 1), scale) >= stars


def test_for_a_model_without_stars_every_film_counts_as_seen() -> None:
    found = read_export((LETTERBOXD + "2024,The Matrix,1999,u,0.5\n").encode(), guide(PAIRS))
    assert [one.stars for one in found.matched] == [1.0]
    assert found.scale_note.startswith("This model does not use stars")


def test_without_titles_nothing_is_found_and_nothing_breaks() -> None:
    found = read_export((LETTERBOXD + "2024,The Matrix,1999,u,5\n").encode(), guide(films={}))
    assert [one.reason for one in found.unmatched] == ["no film here has this title"]


# -- hostile files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty. Give the file of ratings from Letterboxd, IMDb, MovieLens, Trakt,"),
        (b"\0\1\2\3", "The file is not a text file"),
        (b"a,b\n1,2\n", "The first row has no number, so it is a header, and it has no column of films"),
        (b"Date,Name,Year,Letterboxd URI\n1,2,3,4\n", "This Letterboxd file holds only films, no ratings"),
        (b"PK\x03\x04 but no archive", "The zip file is damaged or locked"),
        (zipped(films=b"x"), "The zip file holds no ratings.csv"),
        (zipped(ratings=b"x" * (MOST_BYTES + 1)), "The ratings.csv in the zip file is larger than 2 MB"),
        (b"x" * (MOST_BYTES + 1), "The file is larger than 2 MB"),
        (LETTERBOXD.encode() + b"," * 4 + b"\n" * (MOST_ROWS + 2), "has more than 20,000 rows"),
        (LETTERBOXD.encode() + b'2024,"' + b"x" * 200_000, r"The file is not a table \(field larger than field limit"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_with_a_sentence(
    content: bytes, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read_export(content, guide())


@pytest.mark.parametrize(
    "packing",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
    ids=str,
)
def test_a_zip_that_is_damaged_anywhere_is_read_or_refused_with_a_sentence(packing: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", packing) as archive:
        rows = (f"2024,The Matrix,1999,{number},{number % 10 / 2 or 5}" for number in range(60))
        archive.writestr("ratings.csv", LETTERBOXD + "\n".join(rows))
    whole = packed.getvalue()
    assert len(read_export(whole, SMALL).matched) == 1
    refused = 0
    for place in range(len(whole)):
        damaged = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        try:
            read_export(damaged, SMALL)
        except DataError as error:
            refused += (
                str(error)
                == "The zip file is damaged or locked; unpack it and give its ratings.csv."
            )
    assert refused > len(whole) / 2


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for start in (b"", LETTERBOXD.encode(), IMDB.encode(), b"item_id,stars,title\n", b"PK\x03\x04"):
        try:
            found = read_export(start + content, SMALL)
        except DataError:
            continue
        assert found.n_rows == len(found.matched) + len(found.doubtful) + len(found.unmatched)


SMALL = guide()


def test_a_title_is_cut_before_it_is_compared() -> None:
    title = "The Matrix" + " " * 131_000 + "x"
    _, rows = read_rows((LETTERBOXD + f"2020,{title},1999,u,4\n").encode())
    (row,) = rows
    assert row.titles == (title[:300],)


def test_a_file_that_takes_too_long_is_refused() -> None:
    content, model = (LETTERBOXD + "2024,The Matrix,1999,u,5\n").encode(), SMALL.model
    with pytest.raises(
        DataError, match=r"^Reading the file took longer than -1 seconds; give a part of it\.$"
    ):
        match_films(content, model.items_, SMALL.catalog, model.scale_, seconds=-1)


@pytest.mark.parametrize(
    "title", [" " * 1_000 + "b", "(a) " * 300, "a: " * 400, "\u0301\u0323" * 150], ids=ascii
)
def test_the_work_for_a_row_is_bounded(title: str) -> None:
    rows = "".join(f"2020,x{number}{title},1999,u,4\n" for number in range(1_000))
    started = time.process_time()
    assert read_export((LETTERBOXD + rows).encode(), guide()).n_rows == 1_000
    assert time.process_time() - started < 2


def test_a_long_title_is_shown_in_part() -> None:
    (left_out,) = letterboxd(f"{'x' * 500},2000,4").unmatched
    assert len(left_out.title) == 80
