"""Tables without a header: recognized, read in the order that fits, and said; else asked about."""

from pathlib import Path

import pytest

from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from tests.helpers import reading_error, rows_of

RATINGS = [(u, i, (u * i) % 5 + 1) for u in range(1, 8) for i in range(11, 19) if (u + i) % 3]


def write(path: Path, form: str, header: str = "") -> Path:
    """A file with a line of this form for each rating; t is a time."""
    lines = [form.format(u=u, i=i, r=r, t=1_500_000_000 + u * i) for u, i, r in RATINGS]
    path.write_text("\n".join([header] * bool(header) + lines) + "\n")
    return path


def note_of(path: Path, options: ReadOptions) -> str:
    summary = read(path, options).summary
    assert summary is not None
    return " ".join(note for note in summary.notes if note.startswith("No header"))


FORMS = [
    ("{u},{i},{r}", "user, item, rating"),
    ("{u},{i},{r},{t}", "user, item, rating, time"),
    ("{u}\t{i}\t{r}\t1", "user, item, rating, time"),
    ("{u},{i}", "user, item"),
    ("{u},{i},{t}", "user, item, time"),
    ("{u},{i},{r},", "user, item, rating"),
    ("{u};{i};{r},5", "user, item, rating"),
    ("person{u},film{i},{r}.0,2020-01-0{u}", "user, item, rating, time"),
    ("{r},person{u},film{i}", "rating, user, item"),
    ("u{u},x{i},{t},{r}", "user, item, time, rating"),
    ("{r},{u}0077,{i}333", "rating, user, item"),
    ("{u}0077;{r};{i}333", "user, rating, item"),
    ("2020-01-0{u},{u}0077,{i}333,{r}", "time, user, item, rating"),
    ("{r},{u}0077,{i}333,{t}", "rating, user, item, time"),
    ("2020010{u}\tperson{u}\tfilm{i}\t{r}", "time, user, item, rating"),
    ("B0000000{i},A000000000{u},{r}.0,{t}", "item, user, rating, time"),
    ("item_{i},user_{u},{r}", "item, user, rating"),
    ("tt00000{i},someone{u},{r}", "item, user, rating"),
    ("The Film {i} (2001),{u},{r}", "item, user, rating"),
]


@pytest.mark.parametrize(("form", "order"), FORMS)
def test_a_table_without_a_header_is_read_and_said(form: str, order: str, tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", form)
    found = read(path)
    assert len(found.ratings) == len(RATINGS)
    assert (found.ratings.n_users, found.ratings.n_items) == (7, 8)
    assert note_of(path, ReadOptions()).startswith(f"No header: columns read as {order}")


def test_the_note_says_how_to_swap_users_and_items(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{u},{i},{r}")
    assert "--user-column 2 --item-column 1 swaps" in note_of(path, ReadOptions())
    swapped = read(path, ReadOptions(user="2", item="1"))
    assert (swapped.ratings.n_users, swapped.ratings.n_items) == (8, 7)
    assert swapped.ratings.value.tolist() == read(path).ratings.value.tolist()


def test_who_names_users_and_items_is_not_told_how_to_swap_them(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{i},{u},{r}")
    assert "swaps users and items" in note_of(path, ReadOptions(item="1"))
    assert note_of(path, ReadOptions(user="2", item="1")) == ""


UNCLEAR = [
    "{r},{u},{i}",
    "2020-01-0{u},{u},{i},{r}",
    "{t},{u}0077,{i}333",
    "{t},{u},{i},{r},x,{i}",
    "{u},{i},{r},{r},{r}",
    "{u},1.5,{i},{r}.5",
]


@pytest.mark.parametrize("form", UNCLEAR)
def test_columns_that_can_be_read_in_several_ways_are_asked_about(
    form: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "t.csv", form)
    message = reading_error(path)
    assert "can be read in several ways: 1 is '" in message
    assert "--user-column 1 --item-column 2 --rating-column 3 (or --count-column" in message


def test_pairs_are_not_asked_for_ratings(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{i},{u},{r}.5")
    message = reading_error(path, ReadOptions(pairs=True))
    assert "as in --user-column 1 --item-column 2, or give --header" in message
    assert len(read(path, ReadOptions(pairs=True, user="2", item="1")).ratings) == len(RATINGS)


def test_the_advice_reads_every_row(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{t},{u},{i},{r},x,{i}")
    found = read(path, ReadOptions(timestamp="1", user="2", item="3", rating="4"))
    expected = [(u, i, float(r), 1_500_000_000 + u * i) for u, i, r in RATINGS]
    assert rows_of(found) == expected


def test_the_first_row_as_a_name_is_refused_not_lost(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "10{u},g{i},{r}")
    message = reading_error(path, ReadOptions(user="101", item="g11"))
    assert "looks like a row, not like names" in message
    assert "--user-column 1" in message


def test_columns_by_number_in_a_table_with_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{r},{u},{i}", "a,b,c")
    found = read(path, ReadOptions(user="2", item="3", rating="1"))
    assert rows_of(found)[0] == (1, 12, 3.0, None)
    assert len(found.ratings) == len(RATINGS)


@pytest.mark.parametrize("options", [{"header": False}, {}])
def test_a_line_of_words_among_words(options: dict[str, bool], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("ann,heat\nbob,alien\ncyd,up\ndan,heat\ndan,alien\n")
    if options:
        assert len(read(path, ReadOptions(header=False)).ratings) == 5
    else:
        assert read(path).ratings.n_users == 4  # heat stands below heat: no name of a column


def test_a_line_that_may_be_either_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("persona,pelicula\nann,heat\nbob,alien\nbob,heat\n")
    assert "--no-header" in reading_error(path)
    assert len(read(path, ReadOptions(user="persona", item="pelicula")).ratings) == 3
    assert len(read(path, ReadOptions(header=False)).ratings) == 4


def test_a_row_with_a_usual_name_in_it_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("1,Movie,4\n1,Heat,2\n2,Movie,5\n")
    assert "may be a row or names of columns: '1', 'Movie', '4'" in reading_error(path)
    assert len(read(path, ReadOptions(header=False)).ratings) == 3


def test_words_as_ratings_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "{u},{i},like{r}")
    assert "--rating-column 3" in reading_error(path)


def test_header_and_no_header_decide(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("7,8,9\n1,10,4\n1,11,2\n2,10,5\n")
    assert len(read(path).ratings) == 4
    found = read(path, ReadOptions(header=True, user="7", item="8", rating="9"))
    assert rows_of(found) == [(1, 10, 4.0, None), (1, 11, 2.0, None), (2, 10, 5.0, None)]


def test_names_with_the_types_of_recbole(tmp_path: Path) -> None:
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    path = write(tmp_path / "ml.inter", "{u}\t{i}\t{r}\t{t}", header)
    assert rows_of(read(path))[0] == (1, 12, 3.0, 1_500_000_012)
    assert len(read(path, ReadOptions(user="item_id:token", item="user_id")).ratings) > 0


# -- data sets without a header ----------------------------------------------------------


def test_steam_200k(tmp_path: Path) -> None:
    path = tmp_path / "steam-200k.csv"
    path.write_text(
        '15160,"A Game, The",purchase,1.0,0\n15160,"A Game, The",play,273.0,0\n'
        "15161,Another,purchase,1.0,0\n15161,Another,play,0.3,0\n15161,Third,purchase,1.0,0\n"
    )
    found = read(path)
    assert found.n_bad_rows == 0
    assert [row[:3] for row in rows_of(found)] == [
        (15160, "A Game, The", 274.0),
        (15161, "Another", pytest.approx(1.3)),
        (15161, "Third", 1.0),
    ]
    assert found.summary is not None
    assert any("Steam-200k" in note for note in found.summary.notes)


def test_lastfm_360k(tmp_path: Path) -> None:
    path = tmp_path / "plays.tsv"
    lines = [
        f"{u:040x}\t{'' if i == 3 else f'{i:036x}'}\tband {i}\t{u * i * 100}"
        for u in range(1, 5)
        for i in range(1, 5)
    ]
    path.write_text("\n".join(lines) + "\n")
    found = read(path)
    assert found.ratings.scale.has_stars is False
    assert rows_of(found)[2] == (f"{1:040x}", "band 3", 300.0, None)


def test_lastfm_1k(tmp_path: Path) -> None:
    path = tmp_path / "plays.tsv"
    lines = [
        f"user_{u:06}\t2009-05-0{u}T23:0{i}:57Z\tcode{i}\tband {i % 2}\t\tsong {i}"
        for u in range(1, 4)
        for i in range(1, 5)
    ]
    path.write_text("\n".join(lines) + "\n")
    found = read(path)
    assert (found.ratings.n_users, found.ratings.n_items, len(found.ratings)) == (3, 2, 6)
    assert found.ratings.value.tolist() == [2.0] * 6


def test_one_column_is_asked_for_its_separator(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("ann@heat@5\nbob@up@4\n")
    assert reading_error(path) == (
        f"{path} has only one column, 'ann@heat@5'; "
        "if a character separates columns in it, name it with --separator."
    )
    assert len(read(path, ReadOptions(separator="@")).ratings) == 2
    path.write_text("user^item^rating\n" + "".join(f"{u}^{i}^{r}\n" for u, i, r in RATINGS))
    assert reading_error(path) == (
        f"{path} has only one column, 'user^item^rating'; if a character separates columns in it, "
        "name it with --separator."
    )
    assert len(read(path, ReadOptions(separator="^")).ratings) == len(RATINGS)
