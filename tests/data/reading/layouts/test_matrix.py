"""Matrices of users by items."""

from pathlib import Path

import polars as pl

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

WIDE = "userId,Film 1,Film 2,Film 3,Film 4\n1,4,,5,2\n2,,3,,4\n"
ROWS = {(1, "Film 1", 4.0), (1, "Film 3", 5.0), (1, "Film 4", 2.0), (2, "Film 2", 3.0)}


def found_in(path: Path, text: str, options: ReadOptions | None = None) -> set[tuple[object, ...]]:
    path.write_text(text)
    return {row[:3] for row in rows_of(read(path, options or ReadOptions()))}


def notes_of(path: Path) -> str:
    summary = read(path).summary
    assert summary is not None
    return " ".join(summary.notes)


def test_rows_are_users_and_empty_cells_are_no_ratings(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    assert found_in(path, WIDE) == {*ROWS, (2, "Film 4", 4.0)}
    assert "each row is read as one user, each other column as one item" in notes_of(path)
    assert found_in(path, WIDE.replace(",", ";").replace("5", "4,5"))
    assert found_in(path, WIDE.replace("userId", "")) == {*ROWS, (2, "Film 4", 4.0)}


def test_a_matrix_of_items_by_users_is_turned(tmp_path: Path) -> None:
    text = "movieId,1,2,3,4\n10,4,,5,2\n20,,3,,4\n"
    assert (3, 10, 5.0) in found_in(tmp_path / "m.csv", text)
    assert "each row is read as one item" in notes_of(tmp_path / "m.csv")
    titles = ",1,2,3,4\nHeat (1995),4,,5,2\nUp (2009),,3,,4\n"
    assert (3, "Heat (1995)", 5.0) in found_in(tmp_path / "m.csv", titles)


def test_a_person_may_say_what_the_rows_are(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    turned = found_in(path, ",Ann,Bob,Cyd,Dan\nHeat,4,,5,2\nUp,,3,,4\n", ReadOptions(item="1"))
    assert turned == {
        ("Ann", "Heat", 4.0),
        ("Cyd", "Heat", 5.0),
        ("Dan", "Heat", 2.0),
        ("Bob", "Up", 3.0),
        ("Dan", "Up", 4.0),
    }
    assert "--item-column 1 transposes it" in notes_of(path)
    titles = ",1,2,3,4\nHeat (1995),4,,5,2\nUp (2009),,3,,4\n"
    assert ("Heat (1995)", 3, 5.0) in found_in(path, titles, ReadOptions(user="1"))
    films = found_in(path, "userId,Heat,Up,Alien,Se7en\n1,4,,5,2\n2,,3,,4\n", ReadOptions(user="1"))
    assert (1, "Heat", 4.0) in films


def test_numbers_as_names_of_the_columns_are_names_below_a_word(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    text = "key,11,12,13,14\n1,4,,5,2\n2,,3,,4\n"
    rows = {(1, 11, 4.0), (1, 13, 5.0), (1, 14, 2.0), (2, 12, 3.0), (2, 14, 4.0)}
    assert found_in(path, text) == rows
    for item in ("1", "key"):
        assert found_in(path, text, ReadOptions(item=item)) == {(b, a, c) for a, b, c in rows}
    words = text.replace("\n1,", "\nann,").replace("\n2,", "\nbob,")
    for options in (ReadOptions(user="key"), ReadOptions(user="1"), ReadOptions(header=True)):
        assert ("ann", 11, 4.0) in found_in(path, words, options)


def test_ids_under_unusual_names_are_no_matrix(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{n},{n % 20 + 1},{n % 60 + 1},{n % 5 + 1}" for n in range(1, 200)]
    path.write_text("\n".join(["Nr,Kunde,Artikel,Bewertung", *rows]))
    assert "No user and no item column was recognized" in reading_error(path)
    path.write_text("key,a,b,c\n1,4,5,2\n2,3,1,4\n3,2,2,5\n")
    assert len(found_in(path, path.read_text())) == 9
    assert "If it is not a matrix, give --user-column" in notes_of(path)


def test_ids_among_small_numbers_are_no_matrix(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{u},{i},{(u * i) % 5 + 1},0,1,1,0,1" for u in range(1, 20) for i in range(30, 60, 3)]
    path.write_text("\n".join(rows))
    assert "can be read in several ways" in reading_error(path)


def test_a_frame_and_a_parquet_file_may_be_matrices(tmp_path: Path) -> None:
    frame = pl.read_csv(WIDE.encode())
    frame.write_parquet(tmp_path / "m.parquet")
    for source in (frame, tmp_path / "m.parquet"):
        assert {row[:3] for row in rows_of(read(source))} == {*ROWS, (2, "Film 4", 4.0)}


def test_jester_has_99_for_none_and_no_header(tmp_path: Path) -> None:
    text = "3,7.5,99,-8.2,1,99,99,99\n2,99,99,99,99,5,9.9,99\n4,1,2,3,99,99,99,-9.9\n"
    found = found_in(tmp_path / "jester.csv", text.replace("\n", ",99\n"))
    assert (1, 1, 7.5) in found
    assert (3, 7, -9.899999618530273) in found
    assert len(found) == 9
    assert "Cells with 99 are read as missing" in notes_of(tmp_path / "jester.csv")


def test_many_zeros_are_no_ratings_unless_the_scale_has_them(tmp_path: Path) -> None:
    text = "user,a,b,c,d,e\n1,0,0,5,0,3\n2,4,0,0,0,0\n3,0,2,0,0,1\n"
    path = tmp_path / "m.csv"
    assert len(found_in(path, text)) == 5
    assert "--scale 0:5 makes them ratings" in notes_of(path)
    assert len(found_in(path, text, ReadOptions(scale=(0, 5)))) == 15


def test_some_zeros_are_no_ratings_where_no_cell_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    text = "user;a;b;c;d;e\n1;0;3,5;5;2;3\n2;4;1;0;2;5\n3;5;2;4;3;1\n"
    assert len(found_in(path, text)) == 13
    assert "The 2 cells with 0 are read as missing; --scale 0:5" in notes_of(path)
    assert "'3,5' in 'rating' was read as 3.5." in notes_of(path)
    assert len(found_in(path, text.replace("3,5", ""))) == 14


def test_zeros_and_ones_are_pairs(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    assert len(found_in(path, "user,a,b,c,d,e\n1,0,0,1,0,1\n2,1,0,0,0,0\n")) == 3
    assert not read(path).ratings.scale.has_stars


def test_lines_may_be_longer_than_the_usual_head(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    titles = ",".join(f"A Film With A Long Title {number}" for number in range(4_000))
    rows = "".join(f"{user},{user % 5 + 1}" + "," * 3_998 + ",4\n" for user in range(30))
    assert len(found_in(path, f"userId,{titles}\n{rows}")) == 60


def test_a_bad_cell_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    rows = "".join(f"{user},4,2,5,3,1,2\n" for user in range(1, 20))
    path.write_text(f"user,a,b,c,d,e,f\n{rows}20,4,2,x,3,1,2\n")
    assert reading_error(path).startswith(f"{path}, line 21: the rating 'x'")


def test_a_table_with_the_columns_of_ratings_is_no_matrix(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item,rating,age,visits\n1,10,4,30,2\n2,11,5,40,3\n3,10,1,20,1\n")
    assert {row[:3] for row in rows_of(read(path))} == {(1, 10, 4.0), (2, 11, 5.0), (3, 10, 1.0)}
