"""Titles, years and genres in the ratings table itself, and ids that are titles."""

from pathlib import Path

import polars as pl
import pytest

from matinee.data.catalog import Film
from matinee.data.dataset import Dataset
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read

NAMES = {11: "Pelt (1988)", 12: "Quay", 13: "Rust (1990)"}
ROWS = [
    (user, item, 1 + (user + item) % 5, NAMES[item], 2003 if item == 12 else None, ["Drama", "War"])
    for user in (1, 2, 3)
    for item in NAMES
]
COLUMNS = ("user", "item", "rating", "title", "year", "genres")
FILMS = {
    11: Film("Pelt (1988)", 1988, ("Drama", "War")),
    12: Film("Quay", 2003, ("Drama", "War")),
    13: Film("Rust (1990)", 1990, ("Drama", "War")),
}
NOTE = (
    "The columns 'title', 'year' and 'genres' of the ratings table gave the catalog its titles, "
    "years and genres."
)


def written(path: Path) -> Dataset:
    """The rows in a file of the kind that the name says."""
    frame = pl.DataFrame(ROWS, COLUMNS, orient="row")
    flat = frame.with_columns(pl.col("genres").list.join("|"))
    match path.suffix:
        case ".csv":
            flat.write_csv(path)
        case ".tsv":
            flat.write_csv(path, separator="\t")
        case ".parquet":
            frame.write_parquet(path)
        case _:
            frame.write_ndjson(path)
    return read(path)


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.parquet", "r.jsonl"])
def test_the_columns_of_the_ratings_table_make_the_catalog(name: str, tmp_path: Path) -> None:
    dataset = written(tmp_path / name)
    assert dataset.catalog.films == FILMS
    assert (dataset.note, dataset.titles_file) == (NOTE, tmp_path / name)
    assert dataset.ratings.item_features is not None


def test_a_frame_brings_its_titles_along() -> None:
    dataset = read(pl.DataFrame(ROWS, COLUMNS, orient="row"))
    assert (dataset.catalog.films, dataset.note, dataset.titles_file) == (FILMS, NOTE, None)


def test_titles_beside_the_table_count_and_its_own_fill_the_gaps(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\n11,Pelt Returns\n99,Never Rated\n")
    dataset = written(tmp_path / "r.csv")
    assert dataset.catalog.films == {**FILMS, 11: Film("Pelt Returns"), 99: Film("Never Rated")}
    assert dataset.note == "The ratings table gave the titles of 2 more items."
    assert dataset.titles_file == tmp_path / "items.csv"


def test_a_column_that_varies_within_items_is_not_theirs(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating,title,year\n1,1,2,One,2001\n2,1,3,One,2002\n2,2,4,Two,2003\n")
    dataset = read(path)
    assert dataset.catalog.films == {1: Film("One"), 2: Film("Two")}
    assert dataset.note == (
        "The column 'year' has several values for one item, so it was not used as the year of the "
        "items. The column 'title' of the ratings table gave the catalog its titles."
    )


def test_quotation_marks_and_bad_rows_do_not_hide_the_titles(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        'user,item,rating,title\n1,1.0,2,"One, Two"\n2,1.0,3,"One, Two"\n\n2,2.0,4,Three\n'
    )
    assert read(path).catalog.films == {1: Film("One, Two"), 2: Film("Three")}


@pytest.mark.parametrize("header", ["user,title,rating\n", "user,thing,rating\n", ""])
def test_ids_that_are_titles_are_titles_with_their_years(header: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"{header}1,Pelt (1988),2\n1,Quay (2003),3\n2,Quay (2003),4\n")
    options = ReadOptions(item="thing" if "thing" in header else None)
    dataset = read(path, options)
    assert dataset.catalog.films == {
        "Pelt (1988)": Film("Pelt (1988)", 1988),
        "Quay (2003)": Film("Quay (2003)", 2003),
    }
    assert (dataset.titles_file, dataset.ratings.item_features) == (None, None)


def test_genres_beside_ids_that_are_titles_are_used(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,title,rating,genre\n1,Pelt,2,War\n1,Quay (2003),3,Drama\n2,Pelt,4,War\n")
    assert read(path).catalog.films == {
        "Pelt": Film("Pelt", None, ("War",)),
        "Quay (2003)": Film("Quay (2003)", 2003, ("Drama",)),
    }


def test_codes_are_no_titles(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating\n1,ab,2\n1,cd,3\n2,ab,4\n")
    assert not read(path).catalog


def test_titles_of_reviews_are_not_those_of_items(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    rows = "".join(f"{user},item{user % 20},{1 + user % 5},Review {user}\n" for user in range(30))
    path.write_text(f"user_id,parent_asin,rating,title\n{rows}")
    dataset = read(path, ReadOptions(item="parent_asin"))
    assert not dataset.catalog
    assert dataset.note == (
        "The column 'title' has several values for one item, so it was not used as the title of the "
        "items."
    )
