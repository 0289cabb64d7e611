"""Reading ratings tables: MovieLens' layouts, files of all kinds, frames, databases.

The rows of all files here are invented.
"""

import gzip
import os
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from matinee.data.catalog import Film
from matinee.data.ratings import NO_TIME, Scale
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.data.reading.schema import ALIASES, column_of, plain_name
from matinee.errors import SettingError
from tests.helpers import reading_error, rows_of

ROWS = [
    (1, 10, 4.0, 978300000),
    (1, 20, 3.5, 978300060),
    (2, 10, 5.0, 978300120),
    (3, 30, 0.5, 978300180),
]
U_ITEM = (
    "10|Café (1995)|01-Jan-1995||http://x|0|1|0|0|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
    "20|Nameless|02-Feb-1996||http://x|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
)
MOVIES_CSV = 'movieId,title,genres\r\n10,"Thaw, The (1995)",Comedy|Drama\r\n20,Ice (1996),(no genres listed)\r\n'


def lines(separator: str, rows: list[tuple[int, int, float, int]] = ROWS, fields: int = 4) -> str:
    return "".join(
        separator.join(f"{cell:g}" if i == 2 else str(cell) for i, cell in enumerate(row[:fields]))
        + "\n"
        for row in rows
    )


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def make_100k(folder: Path) -> None:
    write(folder / "u.data", lines("\t"))
    write(folder / "u.item", U_ITEM.encode("latin-1"))
    write(
        folder / "u.genre",
        "unknown|0\nAction|1\nAdventure|2\nAnimation|3\nChildren's|4\nComedy|5\n\n",
    )


def make_1m(folder: Path) -> None:
    write(folder / "ratings.dat", lines("::"))
    write(
        folder / "movies.dat",
        "10::Café (1995)::Action|Comedy\n20::A::B (1996)::Drama\n".encode("latin-1"),
    )


def make_1m_without_times(folder: Path) -> None:
    write(folder / "ratings.dat", lines("::", fields=3))
    write(folder / "movies.dat", "10::Café (1995)::Action|Comedy\n".encode("latin-1"))


def make_10m(folder: Path) -> None:
    write(folder / "ratings.dat", lines("::"))
    write(
        folder / "movies.dat",
        "10::Café (1995)::Action|Comedy\n20::Łódź (1996)::(no genres listed)\n",
    )


def make_latest(folder: Path) -> None:
    write(
        folder / "ratings.csv",
        ("userId,movieId,rating,timestamp\n" + lines(",")).replace("\n", "\r\n"),
    )
    write(folder / "movies.csv", MOVIES_CSV)


LAYOUTS: list[tuple[Callable[[Path], None], dict[int, Film]]] = [
    (make_100k, {10: Film("Café (1995)", 1995, ("Action", "Comedy")), 20: Film("Nameless", 1996)}),
    (
        make_1m,
        {
            10: Film("Café (1995)", 1995, ("Action", "Comedy")),
            20: Film("A::B (1996)", 1996, ("Drama",)),
        },
    ),
    (make_1m_without_times, {10: Film("Café (1995)", 1995, ("Action", "Comedy"))}),
    (
        make_10m,
        {10: Film("Café (1995)", 1995, ("Action", "Comedy")), 20: Film("Łódź (1996)", 1996)},
    ),
    (
        make_latest,
        {10: Film("Thaw, The (1995)", 1995, ("Comedy", "Drama")), 20: Film("Ice (1996)", 1996)},
    ),
]


@pytest.mark.parametrize(("make", "films"), LAYOUTS, ids=lambda make: getattr(make, "__name__", ""))
@pytest.mark.parametrize("packing", ["folder", "zip", "nested folder"])
def test_every_movielens_layout_reads_from_a_folder_and_from_the_zip(
    make: Callable[[Path], None], films: dict[int, Film], packing: str, tmp_path: Path
) -> None:
    make(tmp_path / "made" / "ml-tiny")
    source = tmp_path / "made" / "ml-tiny"
    if packing == "nested folder":
        source = source.rename(tmp_path / "made" / "inner").parent.rename(tmp_path / "ml-tiny")
    if packing == "zip":
        source = tmp_path / "ml-tiny.zip"
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted((tmp_path / "made" / "ml-tiny").iterdir()):
                archive.write(file, f"ml-tiny/{file.name}")
    dataset = read(source)
    expected = [(*row[:3], None) if make is make_1m_without_times else row for row in ROWS]
    assert rows_of(dataset) == expected
    assert dataset.catalog.films == films
    assert dataset.titles_file is not None
    assert dataset.titles_file.is_file() or packing == "zip"
    assert str(dataset.titles_file).startswith(str(source))
    assert dataset.name == "ml-tiny"
    assert (dataset.n_duplicates, dataset.n_bad_rows, dataset.source_rows) == (0, 0, None)


def test_an_official_fold_takes_its_titles_from_u_item_beside_it(tmp_path: Path) -> None:
    make_100k(tmp_path)
    dataset = read(write(tmp_path / "u1.base", lines("\t", ROWS[:3])))
    assert dataset.name == "u1.base"
    assert len(dataset.ratings) == 3
    assert dataset.catalog[10].genres == ("Action", "Comedy")


def test_a_table_of_items_beside_any_file_becomes_the_catalog(tmp_path: Path) -> None:
    write(
        tmp_path / "items.csv",
        "Item_ID,Name,Genre,Release Year\na,One,x| y,1999\nb,Two,,\n,Three,x,\nc\n",
    )
    dataset = read(write(tmp_path / "mine.csv", "user,item,stars\nu,a,1\nv,b,2\n"))
    assert dataset.catalog.films == {"a": Film("One", 1999, ("x", "y")), "b": Film("Two")}


def test_a_catalog_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    write(tmp_path / "movies.csv", b"\xff\x00,\n\r\r\n" + b'"' * 7)
    dataset = read(write(tmp_path / "r.csv", "user,item,rating\n1,1,1\n2,2,2\n"))
    assert (len(dataset.catalog), dataset.titles_file) == (0, None)
    assert dataset.note.startswith(
        "movies.csv next to the ratings was not used: it has no column of item ids "
    )


@pytest.mark.parametrize(
    ("titles", "option"),
    [
        ("item_id;title\n1;One\n2;Two, too\n", None),
        ("item_id\ttitle\n1\tOne\n2\tTwo, too\n", None),
        ('product,title\n1,One\n2,"Two, too"\n', None),
        ('id,thing,title\n7,1,One\n8,2,"Two, too"\n', "thing"),
    ],
)
def test_a_table_of_items_may_have_semicolons_and_the_ratings_own_column_of_items(
    titles: str, option: str | None, tmp_path: Path
) -> None:
    write(tmp_path / "items.csv", titles)
    name = option or "product"
    dataset = read(
        write(tmp_path / "r.csv", f"user,{name},rating\n1,1,1\n2,2,2\n"), ReadOptions(item=option)
    )
    assert dataset.catalog.films == {1: Film("One"), 2: Film("Two, too")}
    assert (dataset.titles_file, dataset.note) == (tmp_path / "items.csv", "")


@pytest.mark.parametrize(
    ("titles", "reason"),
    [
        ("foo,bar\n1,One\n", "it has no column of item ids (its columns are foo, bar)"),
        ("foo,title\n1,One\n", "it has no column of item ids (its columns are foo, title)"),
        ("item_id,bar\n1,One\n", "it has no column of titles (its columns are item_id, bar)"),
        ("", "it is empty"),
        (
            "item_id,title\n9,Nine\n",
            "it has no title of a rated item (an id in it is '9', one in the ratings '1')",
        ),
        (
            "item_id,title\nx,One\n",
            "it has no title of a rated item (an id in it is 'x', one in the ratings '1')",
        ),
    ],
)
def test_a_table_of_items_that_cannot_be_used_is_named_and_not_passed_over(
    titles: str, reason: str, tmp_path: Path
) -> None:
    write(tmp_path / "items.csv", titles)
    path = write(tmp_path / "r.csv", "user,item,rating\n1,1,1\n2,2,2\n")
    dataset = read(path)
    assert (len(dataset.catalog), dataset.titles_file) == (0, None)
    assert dataset.note == f"items.csv next to the ratings was not used: {reason}."
    write(tmp_path / "films.csv", "item,title\n1,One\n")
    assert (read(path).titles_file, read(path).note) == (tmp_path / "films.csv", "")


def test_ratings_with_the_name_of_a_file_of_titles_are_not_taken_for_titles(tmp_path: Path) -> None:
    dataset = read(write(tmp_path / "films.csv", "user,film,rating\na,x,1\nb,y,2\n"))
    assert (len(dataset.catalog), dataset.note) == (0, "")


@pytest.mark.parametrize("separator", [",", "\t", ";", "::"])
@pytest.mark.parametrize("time", ["", "1700000000"])
def test_a_table_of_text_ids_needs_no_header(separator: str, time: str, tmp_path: Path) -> None:
    rows = [["cust-000", "SKU_35", "3.0"], ["cust-001", "SKU_36", "4.0"]]
    text = "".join(separator.join([*row, time] if time else row) + "\n" for row in rows)
    seconds = int(time) if time else None
    assert rows_of(read(write(tmp_path / "r.txt", text))) == [
        ("cust-000", "SKU_35", 3.0, seconds),
        ("cust-001", "SKU_36", 4.0, seconds),
    ]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", " "])
@pytest.mark.parametrize("header", ["USER_ID,Movie Id,Stars,Date", "uid,film,score,time", ""])
def test_text_tables_with_any_separator_and_the_usual_names_read(
    separator: str, header: str, tmp_path: Path
) -> None:
    header = header.replace("Movie Id", "MovieId").replace(",", separator)
    assert (
        rows_of(read(write(tmp_path / "r.txt", f"{header}\n" * bool(header) + lines(separator))))
        == ROWS
    )


def test_parquet_json_lines_and_gzip_read(tmp_path: Path) -> None:
    frame = pl.DataFrame(ROWS, schema=["userId", "movieId", "rating", "timestamp"], orient="row")
    frame.write_parquet(tmp_path / "r.parquet")
    frame.write_ndjson(tmp_path / "r.jsonl")
    text = "userId,movieId,rating,timestamp\n" + lines(",")
    (tmp_path / "r.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("r.parquet", "r.jsonl", "r.csv.gz"):
        dataset = read(tmp_path / name)
        assert rows_of(dataset) == ROWS
        assert dataset.name == name


def test_frames_of_polars_pandas_and_pyarrow_read() -> None:
    frame = pl.DataFrame(ROWS, schema=["extra", "item", "rating", "ts"], orient="row").with_columns(
        user=pl.col("extra")
    )
    pandas = pd.DataFrame({name: frame[name].to_list() for name in frame.columns})
    arrow = frame.to_arrow()
    for source, name in [(frame, "DataFrame"), (pandas, "DataFrame"), (arrow, "Table")]:
        dataset = read(source)
        assert rows_of(dataset) == ROWS
        assert dataset.name == name


def test_a_frame_gives_times_as_dates_and_ids_as_categories() -> None:
    frame = pl.DataFrame(
        {
            "user": ["b", "a", "b"],
            "item": [1.0, 2.0, 3.0],
            "rating": [1, 2, 3],
            "date": ["2001-01-01", None, "1969-12-31"],
        }
    ).with_columns(pl.col("user").cast(pl.Categorical), pl.col("date").str.to_date())
    assert rows_of(read(frame)) == [
        ("b", 1, 1.0, 978307200),
        ("a", 2, 2.0, NO_TIME),
        ("b", 3, 3.0, -86400),
    ]
    zoned = frame.with_columns(
        pl.col("date").cast(pl.Datetime("ms")).dt.replace_time_zone("Asia/Tokyo")
    )
    assert read(zoned).ratings.timestamp is not None
    assert rows_of(read(zoned))[0][3] == 978307200 - 9 * 3600


def make_database(path: Path, name: str = "ratings") -> str:
    with sqlite3.connect(path) as connection:
        connection.execute(
            f"CREATE TABLE {name} (user_id INTEGER, film TEXT, stars REAL, time INTEGER)"
        )
        connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?)", ROWS)
    connection.close()
    return f"sqlite:///{path}"


def test_a_database_gives_its_ratings_table_or_a_query(tmp_path: Path) -> None:
    url = make_database(tmp_path / "films.db")
    dataset = read(url)
    assert rows_of(dataset) == ROWS
    assert dataset.name == "films"
    some = read(url, ReadOptions(query="SELECT * FROM ratings WHERE stars > 1"))
    assert rows_of(some) == ROWS[:3]


def test_databases_that_cannot_be_read_are_explained(tmp_path: Path) -> None:
    url = make_database(tmp_path / "films.db", "votes")
    assert reading_error(url) == (
        f"{url} has no table named ratings; its tables are: votes. Give a query with --query."
    )
    assert reading_error(url, ReadOptions(query="SELECT * FROM voted")) == (
        f"{url}: the query failed: no such table: voted"
    )
    assert reading_error(f"{url}x") == f"There is no database file {tmp_path}/films.dbx ({url}x)."
    assert not (tmp_path / "films.dbx").exists()
    assert reading_error("https://example.org/r.csv") == (
        "'https://' is not a supported kind of database. Download the file first."
    )
    assert "secret" not in reading_error("mysql+pymysql://me:secret@localhost/films")
    with pytest.raises(
        SettingError, match=r"^A query needs a database URL as source, such as sqlite:///films.db.$"
    ):
        read(tmp_path, ReadOptions(query="SELECT 1"))


def test_columns_are_taken_by_the_names_that_a_person_gives(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "who,rating,what,stars,user\nx,9,a,1,7\ny,9,b,2,8\n")
    assert rows_of(read(path, ReadOptions(user="WHO", item="what", rating="stars"))) == [
        ("x", "a", 1.0, None),
        ("y", "b", 2.0, None),
    ]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ("1 2 3", [1, 2, 3]),
        ("-1 0 3", [-1, 0, 3]),
        ("1 2 x", ["1", "2", "x"]),
        ("7 007 8", ["7", "007", "8"]),
        ("1.0 2.0 3.0", [1, 2, 3]),
        ("1.0 2.5 3.0", ["1.0", "2.5", "3.0"]),
        ("99999999999999999999 1 2", ["99999999999999999999", "1", "2"]),
        ("é ß 日", ["é", "ß", "日"]),
    ],
)
def test_ids_are_integers_if_all_are_and_strings_otherwise(
    ids: str, expected: list[int | str], tmp_path: Path
) -> None:
    text = "".join(f"{user},{item},{item}\n" for item, user in enumerate(ids.split(), 1))
    fast = read(write(tmp_path / "r.csv", "user,item,rating\n" + text))
    careful = read(
        write(tmp_path / "bad.csv", "user,item,rating\n" + text + "1,1,bad\n"),
        ReadOptions(skip_bad_rows=True),
    )
    for dataset in (fast, careful):
        assert [row[0] for row in rows_of(dataset)] == expected


def test_an_id_with_a_leading_zero_far_down_makes_all_of_them_strings(tmp_path: Path) -> None:
    rows = "".join(f"{user},{user % 7},{user % 5}\n" for user in range(1, 60_000))
    dataset = read(write(tmp_path / "r.csv", "user,item,rating\n" + rows + "01,3,1\n"))
    assert len(dataset.ratings.users) == 60_000
    assert dataset.ratings.users.find("01") != dataset.ratings.users.find("1")


def test_times_may_be_dates_milliseconds_or_missing(tmp_path: Path) -> None:
    def times(*cells: str) -> list[int | None]:
        text = "".join(f"{i},{i},{i},{cell}\n" for i, cell in enumerate(cells))
        return [
            row[3]
            for row in rows_of(read(write(tmp_path / "r.csv", "user,item,rating,time\n" + text)))
        ]

    assert times("5", "", "7") == [5, NO_TIME, 7]
    assert times("", "") == [None, None]
    assert times("978307200000", "978307201999") == [978307200, 978307201]
    assert times("2001-01-01", "2001-01-02") == [978307200, 978393600]
    assert times("2001-01-01 00:00:10", "") == [978307210, NO_TIME]
    assert times("2001-01-01T00:00:10.9Z", "2001-01-01T01:00:00+01:00") == [978307210, 978307200]
    assert times("978307200.0", "978307201.5") == [978307200, 978307201]


def test_blank_lines_spaces_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    expected = [(1, 10, 4.0, None), (2, 20, 5.0, None)]
    for text in (
        "\ufeffuser,item,rating\n1,10,4\n2,20,5\n",
        "\ufeff1,10,4\n2,20,5\n",
        "\n\nuser,item,rating\n1,10,4\n\n2,20,5\n",
        "user, item, rating\n1, 10, 4\n 2 ,20, 5 \n\n\n",
        "user,item,rating\r\n1,10,4\r\n\r\n2,20,5",
        '"user","item","rating"\n"1","10","4"\n"2","20","5"\n',
    ):
        dataset = read(write(tmp_path / "r.csv", text))
        assert rows_of(dataset) == expected
        assert dataset.source_rows is None


def test_quoted_fields_hold_separators_and_line_ends(tmp_path: Path) -> None:
    text = 'user,item,rating,review\n1,"a,b",4,"good\nvery good"\n2,"say ""x""",5,\n'
    expected = [(1, "a,b", 4.0, None), (2, 'say "x"', 5.0, None)]
    assert rows_of(read(write(tmp_path / "r.csv", text))) == expected
    path = write(tmp_path / "bad.csv", text + "3,c,?,\n")
    assert rows_of(read(path, ReadOptions(skip_bad_rows=True))) == expected
    assert "bad.csv, line 5: the rating '?' is not a number" in reading_error(path)


def test_the_last_rating_of_a_pair_by_time_wins(tmp_path: Path) -> None:
    text = "user,item,rating,time\n1,1,1,30\n2,1,2,10\n1,1,3,20\n2,1,4,10\n1,2,5,\n1,2,1,1\n"
    dataset = read(write(tmp_path / "r.csv", text))
    assert rows_of(dataset) == [(1, 1, 1.0, 30), (2, 1, 4.0, 10), (1, 2, 1.0, 1)]
    assert dataset.n_duplicates == 3
    assert dataset.source_rows is not None
    assert dataset.source_rows.tolist() == [0, 3, 5]


def test_without_times_the_last_row_of_a_pair_wins_and_bad_rows_are_counted_in_source_rows(
    tmp_path: Path,
) -> None:
    text = "user,item,rating\n1,1,1\n1,2,bad\n2,2,2\n\n1,1,3\n"
    dataset = read(write(tmp_path / "r.csv", text), ReadOptions(skip_bad_rows=True))
    assert rows_of(dataset) == [(2, 2, 2.0, None), (1, 1, 3.0, None)]
    assert (dataset.n_duplicates, dataset.n_bad_rows) == (1, 1)
    assert dataset.source_rows is not None
    assert dataset.source_rows.tolist() == [2, 3]


@pytest.mark.parametrize("repeated", [True, False])
def test_pairs_are_compared_in_large_sparse_tables_too(
    repeated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.data.repeats._BITMAP_CELLS", 0)
    frame = pl.DataFrame(
        {"user": [3, 1, 2, 3], "item": [1, 1, 2, 1 if repeated else 2], "rating": [1, 2, 3, 4]}
    )
    assert read(frame).n_duplicates == int(repeated)
    assert read(frame.head(3).sort("user")).n_duplicates == 0


def test_a_declared_scale_is_used_and_checked(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "user,item,rating\n1,1,2\n2,2,3.5\n")
    assert read(path).ratings.scale == Scale(2.0, 3.5, 0.5)
    assert read(path, ReadOptions(scale=(0.5, 5))).ratings.scale == Scale(0.5, 5.0, 0.5)
    assert reading_error(path, ReadOptions(scale=(1, 3))) == (
        f"{path}, line 3: the rating '3.5' is outside the scale 1 to 3. Use --skip-bad-rows to leave out such rows."
    )
    with pytest.raises(
        SettingError, match=r"^The scale 5 to 1 is not valid; give LOWEST:HIGHEST, as in 1:5.$"
    ):
        ReadOptions(scale=(5, 1))


def test_the_careful_way_gives_what_the_fast_way_gives(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = "".join(
        f"{u},{i},{v / 2:g},{t}\n"
        for u, i, v, t in rng.integers((1, 1, 1, 10**9), (90, 60, 11, 2 * 10**9), (2000, 4))
    )
    fast = read(write(tmp_path / "fast.csv", "user,item,rating,time\n" + rows))
    careful = read(
        write(tmp_path / "careful.csv", "user,item,rating,time\n" + rows + "x\n"),
        ReadOptions(skip_bad_rows=True),
    )
    assert rows_of(fast) == rows_of(careful)
    assert fast.ratings.users == careful.ratings.users
    assert fast.n_duplicates == careful.n_duplicates > 0


REAL = [
    ("ml-100k", 100_000, 943, 1682, 1682, Scale(1, 5, 1), True),
    ("ml-100k/u1.base", 80_000, 943, 1650, 1682, Scale(1, 5, 1), True),
    ("ml-1m", 1_000_209, 6040, 3706, 3883, Scale(1, 5, 1), False),
    ("ml-1m-users-1-2999", 487_650, 2999, 3615, 3883, Scale(1, 5, 1), True),
    ("ml-latest-small", 100_836, 610, 9724, 9742, Scale(0.5, 5, 0.5), True),
    ("ml-1m-ncf/ml-1m.test.rating", 6040, 6040, 1921, 0, Scale(1, 5, 1), True),
]


@pytest.mark.skipif(
    "MATINEE_DATA" not in os.environ, reason="MATINEE_DATA does not name a folder of real data"
)
@pytest.mark.parametrize(("name", "n", "users", "items", "films", "scale", "timed"), REAL)
def test_real_data_has_the_published_counts(
    name: str, n: int, users: int, items: int, films: int, scale: Scale, timed: bool
) -> None:  # parameters of a table
    dataset = read(Path(os.environ["MATINEE_DATA"]) / name)
    ratings = dataset.ratings
    assert (len(ratings), ratings.n_users, ratings.n_items, len(dataset.catalog)) == (
        n,
        users,
        items,
        films,
    )
    assert (ratings.scale, ratings.timestamp is not None) == (scale, timed)
    assert (dataset.n_duplicates, dataset.source_rows) == (0, None)


@pytest.mark.parametrize("role", sorted(ALIASES))
def test_every_usual_name_is_plain_and_found_however_it_is_written(role: str) -> None:
    aliases = ALIASES[role].split()
    assert [plain_name(alias) for alias in aliases] == aliases
    assert column_of(["?", f" {'_'.join(aliases[-1]).upper()}"], role) == 1
    assert column_of(["?", aliases[-1], aliases[0]], role) == (2 if len(aliases) > 1 else 1)
    assert column_of(["?", "??"], role) is None
