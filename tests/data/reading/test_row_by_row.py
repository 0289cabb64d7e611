"""Bad rows are named or skipped, and whatever is no ratings table gets one clear sentence."""

import gzip
import os
import zipfile
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

SKIP = ReadOptions(skip_bad_rows=True)
GO_ON = "Use --skip-bad-rows to leave out such rows."


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


BAD_ROWS: list[tuple[str | bytes, str]] = [
    ("1,1,good,5", "the rating 'good' is not a number"),
    ("1,1,1_0,5", "the rating '1_0' is not a number"),
    ("1,1,nan,5", "the rating 'nan' is not a finite number"),
    ("1,1,-Infinity,5", "the rating '-Infinity' is not a finite number"),
    ("1,1,1e39,5", "the rating '1e39' is not a finite number"),
    ("1,1,,5", "the rating is missing"),
    (",1,3,5", "the user is missing"),
    ('1,"",3,5', "the item is missing"),
    ("1, ,3,5", "the item is missing"),
    ("1,1,3", "it has 3 fields instead of 4: '1,1,3'"),
    ("1", "it has 1 field instead of 4: '1'"),
    ("1,1,3,5,", "it has 5 fields instead of 4: '1,1,3,5,'"),
    (b"\xff1,1,3,5", r"'\xff1' is not valid UTF-8; save the file as UTF-8"),
    (
        "1,1,3,soon",
        "the timestamp 'soon' is neither a date such as 2001-12-31 nor seconds since 1970",
    ),
    (
        "1,1,3,31/12/2001",
        "the timestamp '31/12/2001' is neither a date such as 2001-12-31 nor seconds since 1970",
    ),
    (
        "1,1,3,1e30",
        "the timestamp '1e30' is neither a date such as 2001-12-31 nor seconds since 1970",
    ),
    ('1,"1,3,5', "a quotation mark is not closed or out of place"),
    ('1,"1"x,3,5', "a quotation mark is not closed or out of place"),
    (f"1,1,{'9' * 70}x,5", f"the rating '{'9' * 60}...' is not a number"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_named_with_its_line_and_value_or_skipped(
    row: str | bytes, reason: str, tmp_path: Path
) -> None:
    raw = row.encode() if isinstance(row, str) else row
    content = b"user,item,rating,time\n1,1,3,5\n2,2,4,6\n" + raw + b"\n3,3,5,7\n"
    path = write(tmp_path / "r.csv", content)
    assert reading_error(path) == f"{path}, line 4: {reason}. {GO_ON}"
    dataset = read(path, SKIP)
    assert rows_of(dataset) == [(1, 1, 3.0, 5), (2, 2, 4.0, 6), (3, 3, 5.0, 7)]
    assert dataset.n_bad_rows == 1
    assert dataset.source_rows is not None
    assert dataset.source_rows.tolist() == [0, 1, 3]
    assert dataset.bad_rows_file == tmp_path / "r.csv.skipped.csv"
    listed = pl.read_csv(dataset.bad_rows_file, infer_schema=False).row(0)
    assert listed == (
        "4",
        reason,
        raw.decode("utf-8", "backslashreplace").replace("\\xff", "\\udcff"),
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["r.csv", "r.csv.skipped.csv"]


@pytest.mark.parametrize(
    "row", ["1:::3::5", "1::::3::5", "1:x:2::3::5", "1::2::3", "1::2::3::5::6", "1::2::x::5"]
)
def test_a_bad_row_between_double_colons_is_found(row: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / "ratings.dat",
        f"1::1::1::1\n2::2::2::2\n3::3::3::3\n4::4::4::4\n{row}\n5::5::5::5\n",
    )
    assert reading_error(path).startswith(f"{path}, line 5: ")
    assert read(path, SKIP).source_rows is not None


def test_a_bad_row_of_a_frame_json_file_or_zip_is_named(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1, 2, None], "item": ["a", "b", "c"], "rating": [1.0, 2.0, 3.0]})
    assert reading_error(frame) == f"DataFrame, row 2: the user is missing. {GO_ON}"
    dataset = read(frame, SKIP)
    assert (len(dataset.ratings), dataset.n_bad_rows, dataset.bad_rows_file) == (2, 1, None)
    nan = frame.with_columns(rating=pl.Series([1.0, float("nan"), 3.0]))
    assert (
        reading_error(nan) == f"DataFrame, row 1: the rating 'nan' is not a finite number. {GO_ON}"
    )

    path = write(
        tmp_path / "r.jsonl",
        '{"user":1,"item":2,"rating":3}\n\n{"user":2,"item":1,"rating":"x"}\n[1]\n',
    )
    assert reading_error(path) == f"{path}, line 3: the rating 'x' is not a number. {GO_ON}"
    write(path, '{"user":1,"item":2,"rating":3}\n{"user":2\n')
    assert (
        reading_error(path) == f"""{path}, line 2: it is not a JSON object: '{{"user":2'. {GO_ON}"""
    )

    path = tmp_path / "ml.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ml/ratings.csv", "userId,movieId,rating\n1,1,1\n2,2,2\n3,3,?\n")
    assert (
        reading_error(path)
        == f"{path}/ml/ratings.csv, line 4: the rating '?' is not a number. {GO_ON}"
    )
    assert read(path, SKIP).bad_rows_file == tmp_path / "ml.zip.skipped.csv"


def test_bad_rows_go_to_the_current_folder_if_that_of_the_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data" / "r.csv", "user,item,rating\n1,1,1\n2,2,2\n3,3,?\n")
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target.parent == path.parent:
            raise PermissionError
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.chdir(tmp_path)
    assert read(path, SKIP).bad_rows_file == tmp_path / "r.csv.skipped.csv"
    assert [entry.name for entry in path.parent.iterdir()] == ["r.csv"]


def test_a_file_without_any_good_row_is_refused_even_when_skipping(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "user,item,rating\n1,1,a\n1,2,b\n")
    assert reading_error(path, SKIP) == (
        f"{path}: none of its 2 rows is good. The first is line 2: the rating 'a' is not a number."
    )


def test_a_single_row_that_is_bad_is_no_plural(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "user,item,rating\n1,1,a\n")
    assert (
        reading_error(path, SKIP)
        == f"{path}: its only row is bad. It is line 2: the rating 'a' is not a number."
    )


def test_a_decimal_comma_among_decimal_points_says_what_to_write(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "user;item;rating\nann;x;3.0\nbob;y;2.5\nbob;x;4,5\n")
    assert reading_error(path) == (
        f"{path}, line 4: the rating '4,5' has a decimal comma; write 4.5 instead of 4,5. {GO_ON}"
    )


def test_an_error_after_skipping_counts_the_skipped_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "user,item,rating\n1,1,1\n1,2,2\n2,1,x\n2,2,x\n")
    assert reading_error(path, SKIP) == (
        f"{path} has ratings of only one user, '1'; {TWO.format('with a header', 'user')} "
        "Bad rows left out before: 2."
    )
    write(path, "user,item,rating\n1,1,5\n2,2,5\n2,1,x\n")
    assert (
        reading_error(path, SKIP) == f"{ONE_VALUE.format(path=path)} Bad rows left out before: 1."
    )


@pytest.mark.parametrize("name", ["r.xlsx", "r.csv"])
def test_a_workbook_is_recognized_by_content_not_by_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/workbook.xml", "x")
    assert reading_error(path) == f"{path} {WORKBOOK}"


TWO = (
    "at least two are needed to learn from. It was read as CSV {}; if that is wrong, give "
    "--{}-column or --separator."
)
ONE_VALUE = (
    "{path}: every rating is 5; at least two values are needed to learn from. "
    "If a row only means that a user has an item, give --pairs."
)
WORKBOOK = "is an Excel workbook; save it as CSV and give that file."
WEB_PAGE = "{path} is a web page, not a table; the download went wrong. Fetch it again."
BINARY = "{path} holds binary data, not a table in CSV, TSV, Parquet, Arrow or JSON lines."
TWICE = "{{path}} has more than one {role} column: {names}. Remove or rename all but one."
PICKLE = (
    "{path} is a pickle. matinee does not read pickles, because opening one can run any code; "
    "save the table as CSV or Parquet."
)


def no_column(role: str, columns: str) -> str:
    return (
        f"No {role} column was recognized in {{path}}; its columns are {columns}. "
        f"Name it with --{role}-column NAME."
    )


NO_RATING = (
    "No rating column was recognized in {{path}}; its columns are {}. Name it with --rating-column NAME, or with "
    "--count-column NAME if it holds counts; or give --pairs if there is none."
)

FILES: list[tuple[str | bytes, str]] = [
    (b"", "{path} is empty: it has no ratings."),
    ("\n \n", "{path} is empty: it has no ratings."),
    ("user,item,rating\n", "{path} has a header but no ratings."),
    (
        "user,item,rating\n1,1,1\n1,2,2\n",
        "{path} has ratings of only one user, '1'; " + TWO.format("with a header", "user"),
    ),
    (
        "user,item,rating\n1,x,1\n2,x,2\n",
        "{path} has ratings of only one item, 'x'; " + TWO.format("with a header", "item"),
    ),
    ("user,item,rating\n1,1,5\n2,2,5\n", ONE_VALUE),
    ("<!DOCTYPE html>\n<html>", WEB_PAGE),
    ("\n<HTML>\n", WEB_PAGE),
    (
        b"PK\x03\x04 cut short",
        "{path} is damaged, truncated or not a zip file; download or copy it again.",
    ),
    (b"\x1f\x8b\x08\0\0\0\0", "{path} is damaged or truncated; download or copy it again."),
    (
        gzip.compress(gzip.compress(b"x", mtime=0), mtime=0),
        "{path} is compressed twice; decompress it once yourself.",
    ),
    (b"PAR1 cut short", "{path} is not a valid Parquet file, or it is damaged; write it again."),
    (b"\x80\x04\x95x.", PICKLE),
    (b"\x7fELF\0\0\0", BINARY),
    (
        b"x" * 70_000,
        "{path} is no table: its first line is 70 kB long. A table has a line for each row.",
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1", f"{{path}} {WORKBOOK}"),
    (b"SQLite format 3\0", "{path} is an SQLite database; give it as sqlite:///FILE."),
    (b"%PDF-1.7", "{path} is a PDF document; a table in CSV or Parquet is needed."),
    ("user,item".encode("utf-16"), "{path} has a header but no ratings."),
    ('[{"user": 1}]', no_column("item", "'user'")),
    (
        "user,item,rating\r1,1,1\r",
        "{path} has ratings of only one user, '1'; " + TWO.format("with a header", "user"),
    ),
    ("user,item,opinion\n1,1,1\n", NO_RATING.format("'user', 'item', 'opinion'")),
    ("name,item,rating\n1,1,1\n", no_column("user", "'name', 'item', 'rating'")),
    (
        "who,what,mark\n1,1,1\n",
        "No user and no item column was recognized in {path}; its columns are 'who', 'what', 'mark'. Name them with "
        "--user-column NAME and --item-column NAME, and the ratings, if there are any, with --rating-column NAME.",
    ),
    ("user,thing,rating\n1,1,1\n", no_column("item", "'user', 'thing', 'rating'")),
    ("user,item,rating,rating\n1,1,1,2\n", TWICE.format(role="rating", names="'rating', 'rating'")),
    (
        "user,item,movieId,Movie_ID,stars\n1,1,1,1,2\n",
        TWICE.format(role="item", names="'movieId', 'Movie_ID'"),
    ),
    ('{"user": 1, "item": 2, "opinion": 5}\n', NO_RATING.format("'user', 'item', 'opinion'")),
]


@pytest.mark.parametrize(("content", "expected"), FILES)
def test_a_file_that_is_no_ratings_table_gets_one_clear_sentence(
    content: str | bytes, expected: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "ratings.csv", content)
    assert reading_error(path) == expected.format(path=path)


def test_a_column_that_does_not_exist_or_serves_twice_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", "user,item,rating,when\n1,1,1,1\n")
    assert reading_error(path, ReadOptions(timestamp="wen")) == (
        f"{path} has no column 'wen'; its columns are 'user', 'item', 'rating', 'when'. Did you mean 'when'?"
    )
    assert reading_error(path, ReadOptions(item="user")) == (
        f"{path}: the column 'user' cannot be both user and item; name another with --item-column NAME. "
        "The columns are 'user', 'item', 'rating', 'when'."
    )


def test_the_error_for_folders_and_zips_without_ratings_lists_the_expected_files(
    tmp_path: Path,
) -> None:
    looked_for = (
        "looked for u.data, ratings.dat, ratings.csv, ratings.csv.gz, ratings.tsv, ratings.parquet, "
        "ratings.jsonl, ratings.ndjson"
    )
    folder = write(tmp_path / "films" / "notes.txt", "x").parent
    assert reading_error(folder) == (
        f"The folder {folder} holds no ratings: {looked_for}, found notes.txt. "
        "Give the file itself if it has another name."
    )
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
        archive.writestr("b.txt", "x")
    assert (
        reading_error(path)
        == f"The zip file {path} contains no ratings: {looked_for}, found a.txt, b.txt. "
        "Unpack it, and give the file itself."
    )


def test_a_zip_that_holds_one_table_of_any_name_reads(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as archive:
        archive.writestr("mine/stars.csv", "user,item,rating\n1,1,1\n2,2,2\n")
    assert len(read(tmp_path / "r.zip").ratings) == 2


def test_a_truncated_or_encrypted_zip_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ratings.csv", "user,item,rating\n" + "1,10,4\n2,20,5\n" * 900)
    whole = path.read_bytes()
    write(path, whole[: len(whole) // 2])
    assert (
        reading_error(path)
        == f"{path} is damaged, truncated or not a zip file; download or copy it again."
    )
    encrypted = bytearray(whole)
    encrypted[6] |= 1
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    write(path, bytes(encrypted))
    assert reading_error(path).startswith(f"{path} cannot be unpacked: ")


def test_a_missing_file_suggests_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path / "ratings.csv", "x")
    assert reading_error(tmp_path / "rating.csv") == (
        f"There is no file or folder {tmp_path}/rating.csv. Did you mean 'ratings.csv'?"
    )
    assert reading_error(str(tmp_path / "no" / "r.csv")) == (
        f"There is no file {tmp_path}/no/r.csv, and no folder {tmp_path}/no."
    )
    assert reading_error("ratings\0.csv").startswith("There is no file or folder ratings")
    assert reading_error(tmp_path / "ratings.csv" / "x").startswith("There is no file ")


def test_a_folder_or_file_without_permission_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "r.csv", "x")
    monkeypatch.setattr(Path, "iterdir", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    assert reading_error(tmp_path) == f"Permission to read {tmp_path} is denied."
    assert reading_error(path) == f"Permission to read {path} is denied."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_a_name_that_is_too_long_is_explained(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert reading_error(tmp_path / "pipe") == f"{tmp_path}/pipe is neither a file nor a folder."
    assert reading_error("x" * 5000).endswith(" cannot be read: File name too long.")


def test_frames_that_hold_no_ratings_are_explained() -> None:
    assert (
        reading_error(pl.DataFrame({"user": [], "item": [], "rating": []}))
        == "DataFrame has columns but no ratings."
    )
    assert reading_error(5) == (
        "Ratings cannot be read from '5'. "
        "Give a path, a database URL, or a frame of Polars, pandas or PyArrow."
    )
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [1, 2]})
    assert reading_error(pl.from_pandas(frame).lazy()).endswith(" Call collect() first.")
    assert "Ratings.from_ids(user_ids, item_ids, values)" in reading_error(frame.to_numpy())
    for indexed in (frame.set_index("user"), frame.set_index(["user", "item"])["rating"]):
        assert reading_error(indexed).endswith(
            " The levels of the index are not read; reset_index() makes columns of them."
        )
    mixed = pd.DataFrame({"user": [1, "a"], "item": [1, 2], "rating": [1, 2]})
    assert reading_error(mixed).startswith("DataFrame cannot be read through the Arrow interface: ")
