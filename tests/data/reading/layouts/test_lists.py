"""Lists of items of a user in each line."""

from pathlib import Path

from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of


def test_each_line_is_a_user_and_the_items_of_that_user(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text("0 4 7 9 12\n1 4\n2 7 30 31\n3\n4 9 12 \n")
    assert [row[:2] for row in rows_of(read(path))] == [
        *((0, item) for item in (4, 7, 9, 12)),
        (1, 4),
        *((2, item) for item in (7, 30, 31)),
        *((4, item) for item in (9, 12)),
    ]


def test_a_table_with_a_row_too_long_is_no_list(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text(
        "".join(f"{user} {user + 5} {user % 5 + 1}\n" for user in range(9)) + "9 1 1 1\n"
    )
    assert f"{path}, line 10: it has 4 fields instead of 3" in reading_error(path)
