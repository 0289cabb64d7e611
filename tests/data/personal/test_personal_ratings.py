"""A person's own ratings, typed by hand or exported by a site: one reader for the commands."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.personal.personal_ratings import PersonalRatings, read_personal_ratings
from matinee.data.ratings import PAIRS, Ratings, Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin
from tests.helpers import error_message, good, refused

FILMS: dict[Id, Film] = {
    1: Film("Quiet Harbor, The (1999)", 1999),
    2: Film("Paper Lanterns (2001)", 2001),
    3: Film("Ninth Orchard: A New Spring (1977)", 1977),
    4: Film("Glass Meridian (1995)", 1995),
    5: Film("Salt Road (1996)", 1996),
}
ITEMS = Vocabulary([1, 2, 3, 4, 5], "item")
HALVES = Scale(0.5, 5, 0.5)
LETTERBOXD = """\
Date,Name,Year,Letterboxd URI,Rating
2024-05-01,The Quiet Harbor,1999,https://boxd.it/aa11,4.5
2024-05-02,Paper Lanterns,2002,https://boxd.it/bb22,3
2024-05-03,No Such Film,2010,https://boxd.it/cc33,5
2024-05-04,Glass Meridian,1995,https://boxd.it/dd44,2
2024-06-04,Glass Meridian,1995,https://boxd.it/dd44,4
"""
LETTERBOXD_NOTES = [
    "Read {path} as ratings from Letterboxd: found 3 of 4 films. The stars are taken as they are.",
    "Likely but not certain: 1 film: row 3, 'Paper Lanterns (2002)', is read as Paper Lanterns "
    "(2001): it is from 2001 here, and from 2002 in the file.",
    "Skipped 1 row in {path}: row 4, 'No Such Film (2010)': no film here has this title.",
    "Repeated ratings in {path}: 1 row; the last rating counts.",
]
IMDB = """\
Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres
tt9000001,9,2024-05-01,Glass Meridian,Glasmeridian,https://example.org/1,Movie,7.1,101,1995,Drama
tt9000002,4,2024-05-02,Salt Road,Salt Road,https://example.org/2,TV Series,8.0,45,1996,Drama
"""


def write(path: Path, content: str) -> Path:
    path.write_text(content, "utf-8")
    return path


def zipped(path: Path, files: dict[str, str]) -> Path:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.write_bytes(packed.getvalue())
    return path


def read(path: Path, scale: Scale = HALVES) -> PersonalRatings:
    return read_personal_ratings(path, ITEMS, Catalog(FILMS), scale)


def error(path: Path, scale: Scale = HALVES) -> str:
    return error_message(DataError, read, path, scale)


def test_a_letterboxd_export_is_matched_and_every_film_is_accounted_for(tmp_path: Path) -> None:
    path = write(tmp_path / "ratings.csv", LETTERBOXD)
    found = read(path)
    assert found.stars == {1: 4.5, 2: 3.0, 4: 4.0}
    assert found.notes == [note.format(path=path) for note in LETTERBOXD_NOTES]


def test_the_zip_file_of_letterboxd_gives_the_same(tmp_path: Path) -> None:
    files = {
        "profile.csv": "Date Joined\n",
        "deleted/ratings.csv": "x\n",
        "ratings.csv": LETTERBOXD,
    }
    path = zipped(tmp_path / "letterboxd.zip", files)
    found = read(path)
    assert found.stars == {1: 4.5, 2: 3.0, 4: 4.0}
    assert found.notes == [note.format(path=path) for note in LETTERBOXD_NOTES]


def test_ratings_from_imdb_are_converted_to_the_scale_of_the_model(tmp_path: Path) -> None:
    path = write(tmp_path / "ratings.csv", IMDB)
    found = read(path)
    assert found.stars == {4: 4.5, 5: 2.0}
    assert found.notes == [
        f"Read {path} as ratings from IMDb: found 2 of 2 films. IMDb rates from 1 to 10; the scale here is 0.5 to 5 in "
        "steps of 0.5: 1 becomes 0.5, 7 becomes 3.5, 10 becomes 5.",
        "Likely but not certain: 1 film: row 3, 'Salt Road (1996)', is read as Salt Road (1996): the "
        "file calls it a TV Series.",
    ]
    assert read(path, Scale(1, 10, 1)).stars == {4: 9.0, 5: 4.0}


@pytest.mark.parametrize(
    ("content", "site"),
    [
        ("item_id,title,year,stars,rated_at\n4,Glass Meridian (1995),1995,4.5,0\n", "matinee"),
        (
            "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n77,1,2,4.5,3.1,Glass Meridian (1995)\n",
            "MovieLens",
        ),
    ],
)
def test_exports_of_matinee_and_movielens_are_known_by_their_columns(
    content: str, site: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "mine.csv", content)
    assert read(path).stars == {4: 4.5}
    assert read(path).notes == [
        f"Read {path} as ratings from {site}: found 1 of 1 film. The stars are taken as they are."
    ]


@pytest.mark.parametrize(
    "content",
    [
        "title,rating\nGlass Meridian,4.5\n",
        "Glass Meridian (1995),4.5\n",
        "movieId,rating\n4,4.5\n",
        "movieId,title,rating\n999,Glass Meridian,4.5\n",
        "item_id,stars\n4,4.5\n",
    ],
)
def test_a_table_that_a_person_may_have_typed_is_taken_as_it_is(
    content: str, tmp_path: Path
) -> None:
    assert read(write(tmp_path / "mine.csv", content)) == PersonalRatings({4: 4.5}, [])


def test_a_typed_table_is_on_the_scale_of_the_model(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.csv", "movieId,title,rating\n4,Glass Meridian,4\n")
    assert read(path, Scale(1, 10, 1)).stars == {4: 4.0}
    write(path, "title,rating\nSalt Road,2\nGlass Meridian,9\n")
    assert error(path) == (
        f"In {path}, row 3: the rating 9 for 'Glass Meridian' is outside the scale 0.5 to 5 in steps of 0.5. If the "
        "ratings are out of 10, call their column rating10 or give --ratings-scale 1:10; --skip-bad-rows leaves out "
        "such rows."
    )


def test_unknown_and_repeated_films_of_a_table_are_reported(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.csv",
        "title,rating\nNo Such Film,3\nSalt Road,2\nNone,1\nSalt Road (1996),4\n",
    )
    found = read(path)
    assert found.stars == {5: 4.0}
    assert found.notes == [
        f"Skipped 2 rows in {path}:\n"
        "  row 2, 'No Such Film': No item or title 'No Such Film' among the 5 items.\n"
        "  row 4, 'None': No item or title 'None' among the 5 items.",
        f"Repeated ratings in {path}: 1 row; the last rating counts.",
    ]


def test_for_a_model_without_stars_every_film_of_an_export_counts_as_seen(tmp_path: Path) -> None:
    path = write(tmp_path / "ratings.csv", LETTERBOXD)
    found = read(path, PAIRS)
    assert found.stars == {1: 1.0, 2: 1.0, 4: 1.0}
    assert found.notes[0] == (
        f"Read {path} as ratings from Letterboxd: found 3 of 4 films. This model does not use stars, only what people "
        "have seen: every film of the file counts as seen."
    )
    assert found.notes[-1] == f"Repeated films in {path}: 1 row; each film counts once."


def test_a_list_of_seen_films_is_enough_for_a_model_without_stars(tmp_path: Path) -> None:
    path = write(
        tmp_path / "watched.csv",
        "Date,Name,Year,Letterboxd URI\n2024-01-01,Salt Road,1996,https://x\n",
    )
    assert read(path, PAIRS) == PersonalRatings({5: 1.0}, [], {5: 1704067200})
    assert error(path) == (
        f"In {path}: This Letterboxd file holds only films, no ratings. Give the file of ratings from Letterboxd, "
        "IMDb, MovieLens, Trakt, Goodreads, filmweb, Criticker or matinee, or a table with the columns title and rating."
    )


def test_an_export_without_a_known_film_is_refused_with_the_first_row(tmp_path: Path) -> None:
    lines = LETTERBOXD.splitlines(keepends=True)
    path = write(tmp_path / "ratings.csv", lines[0] + lines[3])
    assert error(path) == (
        f"{path} has no rating of a film that this model knows: row 2, 'No Such Film (2010)': "
        "no film here has this title."
    )
    write(path, lines[0])
    assert error(path) == f"In {path}: this Letterboxd file holds no ratings."


def test_a_zip_file_without_ratings_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "mine.zip", {"films.csv": "title\nSalt Road\n"})
    assert error(path) == f"In {path}: The zip file holds no ratings.csv; give that file itself."


def test_a_missing_file_and_a_folder_are_reported(tmp_path: Path) -> None:
    example = "It needs lines such as:  Toy Story (1995),4.5"
    missing = tmp_path / "none.csv"
    assert (
        error(missing)
        == f"Cannot read the ratings in '{missing}': No such file or directory. {example}"
    )
    assert error(tmp_path) == f"Cannot read the ratings in '{tmp_path}': Is a directory. {example}"


@pytest.mark.parametrize(
    "content", [LETTERBOXD, "title,rating\nSalt Road,2\n"], ids=["export", "typed"]
)
def test_a_file_may_be_a_pipe_which_can_be_read_once(content: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, content.encode())
    os.close(writing)
    assert read(Path(f"/dev/fd/{reading}")).stars
    os.close(reading)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    users = [user for user in range(1, 9) for _ in range(5)]
    stars = [0.5 + (3 * user + item) % 10 / 2 for user in range(1, 9) for item in range(1, 6)]
    ratings = Ratings.from_ids(users, [1, 2, 3, 4, 5] * 8, stars, scale=HALVES)
    path = tmp_path_factory.mktemp("model") / "films.matinee"
    Guide(
        MatrixFactorization(factors=2, epochs=3).fit(ratings, n_threads=1),
        Catalog(FILMS),
        Origin("own", len(ratings)),
    ).save(path)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("recommend", "{model}", "-k", 2),
        ("explain", "{model}", "--item", "Salt Road"),
        ("neighbors", "{model}", "-k", 2),
        ("predict", "{model}", "--item", "Salt Road"),
    ],
    ids=lambda words: words[0],
)
def test_the_commands_read_exports_and_report_what_was_matched(
    words: tuple[object, ...], model_file: Path, tmp_path: Path
) -> None:
    command = [str(word).format(model=model_file) for word in words]
    export = zipped(tmp_path / "letterboxd.zip", {"ratings.csv": LETTERBOXD})
    typed = write(
        tmp_path / "typed.csv",
        "title,rating\nQuiet Harbor,4.5\nPaper Lanterns,3\nGlass Meridian,4\n",
    )
    from_export = good(*command, "--ratings", export)
    from_typed = good(*command, "--ratings", typed)
    assert from_export.stdout == from_typed.stdout
    notes = [note.format(path=export) + "\n" for note in LETTERBOXD_NOTES]
    assert from_export.stderr == "".join(notes) + from_typed.stderr


def test_a_file_of_a_site_that_cannot_be_used_ends_the_command(
    model_file: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "ratings.csv", LETTERBOXD.splitlines()[0] + "\n")
    assert (
        refused("recommend", model_file, "--ratings", path)
        == f"In {path}: this Letterboxd file holds no ratings."
    )
