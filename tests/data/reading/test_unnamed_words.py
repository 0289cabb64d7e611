"""A column of words that nobody named is asked about, never ignored."""

import json
from pathlib import Path

import pandas as pd
import pytest

from matinee.cli.reading import parse_map
from matinee.data.reading.options import ReadOptions
from matinee.data.reading.read import read
from matinee.data.reading.word_order import map_example
from tests.helpers import reading_error


def rows(words: str, n: int = 12) -> list[tuple[int, int, str]]:
    cells = words.split()
    return [(row % 4, row // 2, cells[row % len(cells)]) for row in range(n)]


def test_likes_under_any_name_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    text = "".join(f"{user},{item},{word}\n" for user, item, word in rows("like dislike like"))
    path.write_text(f"user,item,how\n{text}")
    assert reading_error(path) == (
        f"No rating column was recognized in {path}, but its column 'how' holds few distinct words: "
        "'like' (8), 'dislike' (4). Give --rating-column how if they are ratings ('like' is "
        "then 1, 'dislike' is then 0); or --pairs if all rows count the same."
    )
    assert read(path, ReadOptions(rating="how")).ratings.value[:2].tolist() == [1, 0]
    assert not read(path, ReadOptions(pairs=True)).ratings.scale.has_stars


def test_events_need_a_value_each(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    text = "".join(f"{user},{item},{word}\n" for user, item, word in rows("view cart buy view"))
    path.write_text(f"user,item,event\n{text}")
    assert reading_error(path) == (
        f"No rating column was recognized in {path}, but its column 'event' holds few distinct words: "
        "'view' (6), 'buy' (3), 'cart' (3). Give --rating-column event and what each is worth, as "
        'in --map "view=0,cart=1,buy=2", if they are ratings; or --pairs if all rows count the same.'
    )
    given = ReadOptions(rating="event", value_map={"view": 1, "cart": 2, "buy": 3})
    assert read(path, given).ratings.value[:3].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("love hate meh", "hate=0,meh=1,love=2"),
        ("purchase add_to_cart view", "view=0,add_to_cart=1,purchase=2"),
        ("leave check join", "leave=0,check=1,join=2"),
        ("three one five", "one=1,three=3,five=5"),
        ("A B C F", "F=0,C=1,B=2,A=3"),
        ("xis dislike yps", "dislike=0,xis=1,yps=2"),
    ],
)
def test_a_better_word_is_worth_more_in_the_proposal(
    words: str, expected: str, tmp_path: Path
) -> None:
    assert map_example(words.split()) == expected
    path = tmp_path / "r.csv"
    text = "".join(f"{user};{word};{item}\n" for user, item, word in rows(words, 24))
    for header in ("user;event;item\n", "user;rating;item\n"):
        path.write_text(header + text)
        proposed = reading_error(path).split('--map "')[1].split('"')[0]
        value_map = parse_map(proposed)
        found = read(path, ReadOptions(rating=header.split(";")[1], value_map=value_map))
        assert (len(found.ratings), found.n_bad_rows) == (24, 0)


def test_words_beside_numbers_are_named_too(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    text = "".join(f"{row % 4},{row},{'cart' if row % 3 else 'buy'},{row}.5\n" for row in range(9))
    path.write_text(f"user,item,event,price\n{text}")
    assert reading_error(path).endswith(
        "or give --pairs if there is none. The words in 'event' can be ratings, as in "
        '--rating-column event --map "cart=0,buy=1".'
    )


def test_words_that_begin_far_down_are_asked_about_too(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    text = "".join(f"{row % 40},{row},{'no' if row > 500 else 'yes'}\n" for row in range(600))
    path.write_text(f"user,item,again\n{text}")
    assert "'yes' (501), 'no' (99)" in reading_error(path)
    path.write_text(path.read_text() + "7\n")
    assert "'yes' (501), 'no' (99)" in reading_error(path)


@pytest.mark.parametrize("kind", ["frame", "json", "parquet"])
def test_booleans_of_every_source_are_asked_about(kind: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"user": [1, 2, 3], "item": [1, 2, 2], "again": [True, False, True]})
    source: object = frame
    if kind == "json":
        source = tmp_path / "r.jsonl"
        lines = [json.dumps(row) for row in frame.to_dict("records")]
        (tmp_path / "r.jsonl").write_text("\n".join(lines))
    elif kind == "parquet":
        source = tmp_path / "r.parquet"
        frame.to_parquet(tmp_path / "r.parquet")
    assert "Give --rating-column again if they are ratings" in reading_error(source)
    assert read(source, ReadOptions(rating="again")).ratings.value.tolist() == [1, 0, 1]


def test_titles_names_and_single_words_are_not_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    text = "".join(f"{row % 4},{row // 2},Film {row // 9},view,t{row}\n" for row in range(18))
    path.write_text(f"user,item,title,event,tag\n{text}")
    dataset = read(path)
    assert dataset.summary is not None
    assert dataset.summary.unused == ("title", "event", "tag")
