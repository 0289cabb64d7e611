"""Several tables as one: which of several ratings counts, whose title, and what cannot be merged."""

from pathlib import Path

import polars as pl

import matinee
from matinee.data.merge import merge
from matinee.errors import DataError
from tests.helpers import error_message, good, misused, refused, rows_of

FIRST = "user,item,rating,timestamp\n1,10,2,200\n1,20,3,100\n2,10,5,100\n"
SECOND = "user,item,rating,timestamp\n1,10,4,100\n3,30,1,100\n"


def write(folder: Path, **texts: str) -> list[str]:
    paths = []
    for name, text in texts.items():
        path = folder / name / "ratings.csv"
        path.parent.mkdir()
        path.write_text(text)
        paths.append(str(path))
    return paths


def test_the_last_rating_by_time_counts(tmp_path: Path) -> None:
    merged = merge([matinee.read(path) for path in write(tmp_path, a=FIRST, b=SECOND)])
    assert sorted(rows_of(merged)) == [
        (1, 10, 2, 200),
        (1, 20, 3, 100),
        (2, 10, 5, 100),
        (3, 30, 1, 100),
    ]
    assert merged.n_duplicates == 1


def test_without_times_the_last_table_counts_and_ids_may_be_text(tmp_path: Path) -> None:
    first = "user,item,rating\n1,10,2\n2,20,3\n"
    second = "user,item,rating\n1,10,4\nz,tt7,3\n"
    merged = merge([matinee.read(path) for path in write(tmp_path, a=first, b=second)])
    assert sorted(rows_of(merged)) == [
        ("1", "10", 4, None),
        ("2", "20", 3, None),
        ("z", "tt7", 3, None),
    ]


def test_counts_are_added(tmp_path: Path) -> None:
    first = "user,item,plays\n1,10,2\n2,20,3\n"
    second = "user,item,plays\n1,10,4\n3,20,1\n"
    merged = merge([matinee.read(path) for path in write(tmp_path, a=first, b=second)])
    assert sorted(rows_of(merged)) == [(1, 10, 6, None), (2, 20, 3, None), (3, 20, 1, None)]


def test_scales_that_differ_are_refused(tmp_path: Path) -> None:
    paths = write(
        tmp_path, a="user,item,rating\n1,1,1\n2,2,5\n", b="user,item,rating\n1,2,10\n2,1,2\n"
    )
    assert error_message(DataError, merge, [matinee.read(path) for path in paths]) == (
        "The scales differ: ratings.csv has ratings of 1 to 5 in steps of 1, ratings.csv of 2 to 10 in "
        "steps of 1. Convert one of them first, or give --scale LOW:HIGH if it is the scale of both."
    )
    assert "The scales differ" in refused("data", "merge", *paths, tmp_path / "out.csv")
    good("data", "merge", "--scale", "1:10", *paths, tmp_path / "out.csv")


def test_the_command_writes_the_ratings_and_the_titles_of_all(tmp_path: Path) -> None:
    paths = write(tmp_path, a=FIRST, b=SECOND)
    (tmp_path / "a" / "items.csv").write_text("item_id,title\n10,Heat (1995)\n")
    (tmp_path / "b" / "items.csv").write_text("item_id,title\n10,Other (1990)\n30,Alien (1979)\n")
    out = tmp_path / "all" / "ratings.csv"
    out.parent.mkdir()
    done = good("data", "merge", *paths, out)
    assert "Wrote 4 ratings" in done.stdout
    assert "Repeated in several tables: 1 row; the last counts." in done.stderr
    assert sorted(pl.read_csv(out.with_name("items.csv"))["title"]) == [
        "Alien (1979)",
        "Heat (1995)",
    ]


def test_a_source_is_needed() -> None:
    assert "Missing argument 'DATA...'" in misused("data", "merge", "only.csv")
