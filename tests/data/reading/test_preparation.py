"""Comments, `sep=` lines, aligned columns and odd headers are put in order, and said."""

from pathlib import Path

import pytest

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

ROWS = [(1, 10, 4.0, None), (1, 11, 2.0, None), (2, 10, 5.0, None)]

TEXTS = {
    "Excel's first line": "sep=;\nuser;item;rating\n1;10;4\n1;11;2\n2;10;5\n",
    "Excel's first line with a tab": "sep=\t\nuser\titem\trating\n1\t10\t4\n1\t11\t2\n2\t10\t5\n",
    "comments": "# made on a Monday\n# by hand\nuser,item,rating\n1,10,4\n1,11,2\n2,10,5\n",
    "comments with percent": "% x\n%\nuser,item,rating\n1,10,4\n1,11,2\n2,10,5\n",
    "NumPy with a header": "# user item rating\n1 10 4.0e+00\n1 11 2.0e+00\n2 10 5.0e+00\n",
    "NumPy with a header of commas": "# user,item,rating,\n1.0 10.0 4.0\n1.0 11.0 2.0\n2.0 10.0 5.0\n",
    "spaces before quotes": '"user", "item", "rating"\n"1", "10", "4"\n"1", "11", "2"\n"2", "10", "5"\n',
    "single quotes": "'user';'item';'rating'\n'1';'10';'4'\r\n'1';'11';'2'\r\n'2';'10';'5'\r\n",
    "some single quotes": "user,'item',rating\n1,'10',4\n1,'11',2\n2,'10',5\n",
    "aligned": "  user item  rating\n     1   10       4\n     1   11       2\n     2   10       5\n",
    "aligned with a byte order mark": "\ufeff  user  item  rating\n  1  10  4\n  1  11  2\n  2  10  5\n",
    "row names of R": '"user" "item" "rating"\n"1" 1 10 4\n"2" 1 11 2\n"3" 2 10 5\n',
    "separators at the end of rows": "user,item,rating\n1,10,4,\n1,11,2,\n2,10,5,\n",
    "separators at the end of all lines": "user,item,rating,\n1,10,4,\n1,11,2,\n2,10,5,\n",
    "carriage returns": "user,item,rating\r1,10,4\r1,11,2\r2,10,5\r",
    "two pipes": "user||item||rating\n1||10||4\n1||11||2\n2||10||5\n",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_odd_texts_read_as_plain_ones(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_bytes(TEXTS[kind].encode())
    assert rows_of(read(path)) == ROWS


def test_skipped_comments_and_a_header_in_one_are_said(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text(TEXTS["comments"])
    summary = read(path).summary
    assert summary is not None
    assert "Skipped 2 comment lines before the table." in summary.notes
    path.write_text(TEXTS["NumPy with a header"])
    summary = read(path).summary
    assert summary is not None
    assert "The first line, 'user item rating', is read as the header." in summary.notes


AMONG_ROWS = {
    "between rows": "user,item,rating\n1,10,4\n# the second week\n1,11,2\n2,10,5\n",
    "as many fields as a row": "user,item,rating\n1,10,4\n# a, b, c\n1,11,2\n2,10,5\n",
    "a row struck out": "user;item;rating\n1;10;4\n#1;12;3\n1;11;2\n2;10;5\n",
    "at the end": "user\titem\trating\n1\t10\t4\n1\t11\t2\n2\t10\t5\n# 3 rows",
    "percent, no header": "1 10 4\n1 11 2\n% one two\n2 10 5\n",
    "below the header": "user,item,rating\r\n#\r\n1,10,4\r\n1,11,2\r\n2,10,5\r\n",
    "carriage returns": "user,item,rating\r1,10,4\r# x\r1,11,2\r2,10,5\r",
    "another separator": "user@@item@@rating\n1@@10@@4\n# x@@y@@z\n1@@11@@2\n2@@10@@5\n",
}


@pytest.mark.parametrize("kind", AMONG_ROWS)
def test_comments_among_the_rows_are_skipped_and_said(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_bytes(AMONG_ROWS[kind].encode())
    separator = "@@" if "@@" in AMONG_ROWS[kind] else None
    found = read(path, ReadOptions(separator=separator))
    assert rows_of(found) == ROWS
    assert found.summary is not None
    assert "Skipped 1 comment line among the rows." in found.summary.notes


def test_comments_far_down_are_skipped_and_lines_are_counted_with_them(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = [f"{row % 50},{row},{row % 5}\n" for row in range(9000)]
    rows.insert(8000, "#7,1,3\n")
    path.write_text("user,item,rating\n" + "".join(rows))
    found = read(path)
    assert (len(found.ratings), found.ratings.users.is_integer) == (9000, True)
    path.write_text(path.read_text() + "3,3,x\n")
    assert reading_error(path).startswith(f"{path}, line 9,003: the rating 'x'")


def test_ids_that_begin_with_a_comment_sign_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("tag,item,rating\n#sea,10,4\nfog,11,2\n#sea,12,5\n", "utf-8")
    assert [row[0] for row in rows_of(read(path, ReadOptions(user="tag")))] == [
        "#sea",
        "fog",
        "#sea",
    ]
    path.write_text('user,item,rating,review\n1,10,4,"One\n# Two\nThree"\n2,11,2,x\n')
    assert len(read(path).ratings) == 2


def test_titles_in_single_quotes_hold_commas_and_others_keep_theirs(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("'user','item','rating'\n'1','Rock, Paper','4'\n'2','Pelt','2'\n", "utf-8")
    assert [row[1] for row in rows_of(read(path))] == ["Rock, Paper", "Pelt"]
    path.write_text("user,item,rating\n1,'Rock, Paper',4\n2,'Pelt',2\n", "utf-8")
    assert [row[1] for row in rows_of(read(path))] == ["Rock, Paper", "Pelt"]
    path.write_text("user,item,rating\n1,'Tis Pelt,4\n2,Pelt,2\n", "utf-8")
    assert [row[1] for row in rows_of(read(path))] == ["'Tis Pelt", "Pelt"]


def test_a_sentence_in_a_comment_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("# my ratings here\n1 10 4\n1 11 2\n2 10 5\n")
    assert rows_of(read(path)) == ROWS


def test_rows_that_begin_with_a_comment_sign_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("#1,10,4\n#1,11,2\n#2,10,5\n")
    assert len(read(path).ratings) == 3


def test_lines_are_counted_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text("# one\n# two\nuser;item;rating\n1;10;4\n1;11;x\n2;10;5\n")
    assert reading_error(path).startswith(f"{path}, line 5: the rating 'x' is not a number")
    path.write_text("sep=;\nuser;item;rating\n1;10;4\n1;11;x\n")
    assert reading_error(path).startswith(f"{path}, line 4: ")
    path.write_text("# user item rating\n1 10 4\n1 11 x\n2 10 5\n2 11 4\n3 10 2\n")
    assert reading_error(path).startswith(f"{path}, line 3: ")


@pytest.mark.parametrize(
    ("separator", "text"),
    [
        ("@@", "user@@item@@rating\n1@@10@@4\n1@@11@@2\n2@@10@@5\n"),
        ("¦", "user¦item¦rating\n1¦10¦4\n1¦11¦2\n2¦10¦5\n"),
        (":", "user:item:rating\n1:10:4\n1:11:2\n2:10:5\n"),
        ("tab", "user\titem\trating\n1\t10\t4\n1\t11\t2\n2\t10\t5\n"),
    ],
)
def test_a_given_separator_is_taken(separator: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.txt"
    path.write_text(text, encoding="utf-8")
    assert rows_of(read(path, ReadOptions(separator=separator))) == ROWS
