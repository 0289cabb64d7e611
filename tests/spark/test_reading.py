"""Tables on Spark mean the same as tables read on one machine, row by row."""

from pathlib import Path

import polars as pl
import pytest

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.spark.encoding import ClusterRatings, notes_on, read_ratings
from matinee.spark.session import Cluster, SparkOptions
from tests.helpers import error_message, table
from tests.spark.trained import write_csv

pytestmark = pytest.mark.xdist_group("spark")
Rows = list[tuple[object, object, float]]


def rows_of(table: ClusterRatings) -> Rows:
    users, items = table.user_vocabulary().ids.tolist(), table.items.ids.tolist()
    found = table.frame.select("user", "item", "value").collect()
    return sorted(((users[row[0]], items[row[1]], row[2]) for row in found), key=str)


def rows_here(path: Path, options: ReadOptions) -> Rows:
    ratings = read(path, options).ratings
    users, items = ratings.users.ids.tolist(), ratings.items.ids.tolist()
    pairs = zip(ratings.user_index.tolist(), ratings.item_index.tolist(), strict=True)
    values = ratings.value.tolist()
    found = ((users[u], items[i], value) for (u, i), value in zip(pairs, values, strict=True))
    return sorted(found, key=str)


CASES: dict[str, tuple[list[tuple[object, ...]], ReadOptions]] = {
    "texts, quotation marks, bad rows, dates, and the last of two ratings": (
        [
            ("user", "item", "rating", "date"),
            (" anna", "a,b", 3, "2001-02-03 10:00:00"),
            ("zoë", 'say "c"', 4.5, "1999-12-31"),
            ("anna ", "a,b", 1, "2001-02-01"),
            ("007", "a,b", 2, ""),
            ("007", "c", 3, "no day"),
            ("", "c", 3, "2001-02-01"),
            ("7", "NA", 3, "2001-02-01"),
            ("7", "c", "good", "2001-02-01"),
            ("7", "c", "nan", "2001-02-01"),
            ("7", "c"),
            ("7", "c", 5, "2001-02-01", 9),
            ("7", "c", 1, "2001-02-01"),
            ("zoë", "c", 2, "2001-02-01"),
            ("zoë", "c", 5, "2001-02-01"),
        ],
        ReadOptions(skip_bad_rows=True),
    ),
    "whole numbers with points, words for ratings, a value for missing": (
        [
            ("user", "item", "rating"),
            ("1.0", 7, "like"),
            ("2", 9, "dislike"),
            ("1", 9, "dislike"),
            ("10", "7.0", "like"),
            ("10", "9", "?!"),
        ],
        ReadOptions(missing=("?!",)),
    ),
    "counts are added": (
        [("user", "item", "plays"), (1, 5, 2), (1, 5, 4), (2, 6, 1), (2, 5, 9)],
        ReadOptions(),
    ),
}


@pytest.mark.parametrize("case", CASES, ids=lambda name: name.replace(" ", "-"))
def test_a_table_is_read_as_on_one_machine(spark: Cluster, in_folder: Path, case: str) -> None:
    rows, options = CASES[case]
    path = write_csv(in_folder / "table.csv", rows)
    table = read_ratings(spark, [str(path)], options)
    assert rows_of(table) == rows_here(path, options)
    assert table.scale == read(path, options).ratings.scale


def test_a_folder_of_parts_is_one_table_and_titles_lie_beside_a_file(
    spark: Cluster, lake: Path
) -> None:
    parts = read_ratings(spark, [str(lake / "parts")], ReadOptions())
    assert (parts.n_ratings, parts.n_users) == (len(table()), table().n_users)
    assert parts.items == table().items
    titled = read_ratings(spark, [str(lake / "titled")], ReadOptions())
    assert rows_of(titled) == rows_of(parts)
    assert titled.catalog[7].title == "Film 7 (1999)"
    assert titled.item_features is not None
    assert notes_on(titled)[0] == (
        "Read as CSV with a header: user from 'user', item from 'item', rating from 'rating'."
    )


def test_parquet_with_typed_columns_and_a_table_of_spark(spark: Cluster, in_folder: Path) -> None:
    path = in_folder / "typed.parquet"
    when = pl.Series([10**9, 10**9 + 9, 10**9 + 5, 10**9]) * 1000
    table = pl.DataFrame(
        {"user_id": [3, 1, 1, 1], "movie": ["b", "a", "b", "b"], "stars": [1.5, 2.0, 3.0, 5.0]}
    ).with_columns(timestamp=when.cast(pl.Datetime("ms")))
    table.write_parquet(path)
    found = read_ratings(spark, [str(path)], ReadOptions())
    assert rows_of(found) == [(1, "a", 2.0), (1, "b", 3.0), (3, "b", 1.5)]
    assert (found.n_duplicates, found.has_times) == (1, True)
    spark.session.read.parquet(str(path)).createOrReplaceTempView("ratings_view")
    assert rows_of(read_ratings(spark, ["ratings_view"], ReadOptions())) == rows_of(found)


# -- what is wrong -------------------------------------------------------------------------------


def test_a_bad_row_is_named_with_its_file_and_line(spark: Cluster, in_folder: Path) -> None:
    folder = in_folder / "parts"
    folder.mkdir()
    header = ("user", "item", "rating")
    write_csv(folder / "part-0.csv", [header, (1, 5, 4), (1, 6, 2)])
    write_csv(folder / "part-1.csv", [header, (2, 5, 3), (2, 6, "good"), (2, 7, 1, 1)])
    message = error_message(DataError, lambda: read_ratings(spark, [str(folder)], ReadOptions()))
    assert message == (
        "part-1.csv, line 3: the rating 'good' is not a number. There are 2 bad rows in all. "
        "Use --skip-bad-rows to leave out such rows."
    )
    table = read_ratings(spark, [str(folder)], ReadOptions(skip_bad_rows=True))
    assert notes_on(table)[-1] == (
        f"Skipped 2 bad rows: 2 in part-1.csv; listed in {in_folder / 'parts.skipped.csv'}."
    )
    assert (in_folder / "parts.skipped.csv").read_text() == (
        "line,reason,content\n"
        "3,part-1.csv: the rating 'good' is not a number,\"2,6,good\"\n"
        '4,"part-1.csv: it has 4 fields instead of 3: \'2,7,1,1\'","2,7,1,1"\n'
    )


@pytest.mark.parametrize(
    ("name", "text", "kind", "told"),
    [
        ("none.csv", None, DataError, "Spark finds neither a file, a folder nor a table"),
        (
            "json.csv",
            '{"user": 1}\n',
            UnsupportedError,
            "not JSON. Convert the table once:  matinee",
        ),
        ("more.csv", "# a\nuser;item;rating\n1;2;3\n2;3;4\n", UnsupportedError, "its text has"),
        ("one.csv", "user,item,rating\n1,2,3\n1,3,4\n", DataError, "ratings of only one user, '1'"),
        ("same.csv", "user,item,rating\n1,2,3\n2,3,3\n", DataError, "every rating is 3; at least"),
        ("odd.csv", "who,what,stars\n1,2,3\n2,3,1\n", DataError, "No user and no item column was"),
        ("ratings.zip", "PK", UnsupportedError, "Spark does not read the archive ratings.zip"),
    ],
)
def test_what_is_no_table_is_said_in_a_sentence(
    spark: Cluster, in_folder: Path, name: str, text: str | None, kind: type[Exception], told: str
) -> None:
    if text is not None:
        (in_folder / name).write_text(text)
    path = str(in_folder / name)
    assert told in error_message(kind, lambda: read_ratings(spark, [path], ReadOptions()))


def test_a_setting_of_spark_has_a_value() -> None:
    told = error_message(SettingError, SparkOptions(conf=("spark.executor.memory",)).settings)
    assert told.startswith("--conf spark.executor.memory is not of the form KEY=VALUE")
