"""The files of the Netflix Prize."""

from pathlib import Path

import pytest

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

FIRST = "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n1488844,4,2005-09-05\n"
DAY = 86_400


def test_a_line_with_a_colon_names_the_film_of_the_lines_below(tmp_path: Path) -> None:
    path = tmp_path / "combined_data_1.txt"
    path.write_text(FIRST)
    assert rows_of(read(path)) == [
        (1488844, 1, 3.0, 13032 * DAY),
        (822109, 1, 5.0, 12916 * DAY),
        (1488844, 2, 4.0, 13031 * DAY),
    ]


def test_all_files_of_a_folder_are_one_table(tmp_path: Path) -> None:
    (tmp_path / "combined_data_1.txt").write_text(FIRST)
    (tmp_path / "combined_data_2.txt").write_text("10:\n822109,2,2005-05-14\n")
    (tmp_path / "README").write_text("x")
    assert [row[1] for row in rows_of(read(tmp_path))] == [1, 1, 2, 10]


def test_one_file_for_each_film(tmp_path: Path) -> None:
    (tmp_path / "mv_0000001.txt").write_text("1:\n5,3,2005-09-06\n6,4,2005-09-06\n")
    (tmp_path / "mv_0000002.txt").write_text("2:\n5,1,2005-09-06\n")
    assert [row[:3] for row in rows_of(read(tmp_path))] == [(5, 1, 3.0), (6, 1, 4.0), (5, 2, 1.0)]


def test_a_film_goes_on_from_block_to_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matinee.data.reading.layouts.base._BLOCK", 1_000)
    rows = [f"{number},{number % 5 + 1},2005-09-06\n" for number in range(2_000)]
    path = tmp_path / "combined_data_1.txt"
    path.write_text("7:\n" + "".join(rows) + "8:\n1,5,2005-09-06\n")
    found = read(path)
    assert found.ratings.item_index.sum() == 1
    assert found.ratings.n_users == 2_000


def test_without_ratings_there_are_pairs(tmp_path: Path) -> None:
    path = tmp_path / "probe.txt"
    path.write_text("1:\n5\n6\n2:\n5\n")
    assert rows_of(read(path)) == [(5, 1, 1.0, None), (6, 1, 1.0, None), (5, 2, 1.0, None)]
    path.write_text("1:\n5,2005-09-06\n6,2005-09-07\n2:\n5,2005-09-06\n")
    assert rows_of(read(path))[1] == (6, 1, 1.0, 13033 * DAY)


def test_a_bad_row_is_named_with_its_line_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "combined_data_1.txt"
    path.write_text(f"{FIRST}3:\n822109,x,2005-05-13\n")
    assert reading_error(path).startswith(f"{path}, line 7: the rating 'x' is not a number")
    assert len(read(path, ReadOptions(skip_bad_rows=True)).ratings) == 3
