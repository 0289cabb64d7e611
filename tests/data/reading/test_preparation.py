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
