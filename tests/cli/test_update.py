"""matinee update: new ratings from a file into a model file."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.models.baseline import Baseline
from matinee.recommendation.guide import Guide
from tests.helpers import fitted, good, misused, refused


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with m.matinee, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    catalog = Catalog({7: Film("Seven (1995)", 1995)})
    Guide(fitted(factors=8), catalog).save("m.matinee")
    return tmp_path


def test_update_writes_a_model_that_knows_the_news(folder: Path) -> None:
    (folder / "news.csv").write_text(
        "user,item,rating,title\n900,7,5,Seven (1995)\n900,17,1,\n900,5000,5,Brand New (2020)\n"
    )
    told = good("update", "m.matinee", "news.csv", "--out", "n.matinee").stderr
    assert "saved as n.matinee: 3 new ratings, with 1 new user and 1 new film.\n" in told
    assert told.endswith("Next:  matinee recommend n.matinee --user 1\n")
    new = Guide.load("n.matinee")
    assert new.catalog[5000].title == "Brand New (2020)"
    assert new.model.history_.counts[-1] == 3
    assert good("recommend", "n.matinee", "--user", "900").stdout
    assert "900" not in Guide.load("m.matinee").model.users_.ids


def test_update_takes_ratings_away(folder: Path) -> None:
    model = Guide.load("m.matinee").model
    item = model.items_.id(int(model.history_.of(0)[0][0]))
    (folder / "gone.csv").write_text(f"user,item\n1,{item}\n")
    told = good("update", "m.matinee", "--withdrawn", "gone.csv", "--out", "n.matinee").stderr
    assert "saved as n.matinee: 1 withdrawn rating.\n" in told
    after = Guide.load("n.matinee").model.history_
    assert not np.isin(model.items_.index(item), after.of(0)[0])


def test_the_same_file_follows_from_any_number_of_threads(folder: Path) -> None:
    rows = [f"{user},{item},4" for user in range(1, 99, 7) for item in (7, 27, 5000)]
    (folder / "news.csv").write_text("\n".join(["user,item,rating", *rows]))
    for n in (1, 2):
        good("update", "m.matinee", "news.csv", "--threads", n, "--out", f"{n}.matinee")
    assert (folder / "1.matinee").read_bytes() == (folder / "2.matinee").read_bytes()


def test_update_refuses_what_it_cannot_use(folder: Path) -> None:
    assert misused("update", "m.matinee", "--out", "n.matinee") == (
        "Give NEW_RATINGS, or --withdrawn FILE, or both, or --db URL."
    )
    (folder / "news.csv").write_text("user,item,rating\n900,7,5\n900,17,8\n")
    told = refused("update", "m.matinee", "news.csv", "--out", "n.matinee")
    assert "news.csv, line 3: the rating '8' is outside the scale 1 to 5." in told
    told = refused("update", "m.matinee", "news.csv", "--out", "m.matinee")
    assert told.startswith("Cannot write 'm.matinee': ")
    (folder / "news.csv").write_text("user,item,rating\nu1,7,5\n")
    told = refused("update", "m.matinee", "news.csv", "--out", "n.matinee")
    assert told.startswith("The user ids of the model are whole numbers, such as '1', but those")
    Guide(fitted(Baseline), Catalog()).save("b.matinee")
    (folder / "news.csv").write_text("user,item,rating\n900,7,5\n")
    told = refused("update", "b.matinee", "news.csv", "--out", "n.matinee")
    assert told == (
        "baseline cannot be updated; hybrid, mf, bayes, ials and ease can. Train it again on all "
        "ratings:  matinee train DATA MORE_DATA --out NEW"
    )
    assert not (folder / "n.matinee").exists()


def database(folder: Path, ratings: list[tuple[str, str, float]]) -> Path:
    """A database as `matinee serve` leaves it, as far as an update reads it."""
    path = folder / "people.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(
            "DROP TABLE IF EXISTS ratings; CREATE TABLE IF NOT EXISTS this_database (id TEXT);"
            "CREATE TABLE ratings (person_id TEXT, item_id TEXT, stars REAL, rated_at INTEGER);"
        )
        if not connection.execute("SELECT * FROM this_database").fetchall():
            connection.execute("INSERT INTO this_database VALUES ('secret')")
        connection.executemany("INSERT INTO ratings VALUES (?, ?, ?, 5)", ratings)
    return path


def test_update_brings_in_what_differs_in_a_database(folder: Path) -> None:
    ada, bob = "a" * 32, "b" * 32
    words = ("update", "m.matinee", "--db")
    path = database(folder, [(ada, "7", 5.0), (ada, "17", 1.2), (bob, "7", 2.0), (bob, "x", 2.0)])
    told = good(*words, path, "--out", "n.matinee").stderr
    assert f"Added 3 new or changed ratings by 2 people from sqlite:///{path}.\n" in told
    new = Guide.load("n.matinee").model
    ids = new.users_.ids[-2:].tolist()
    assert all(2**52 <= one < 2**53 for one in ids)
    assert sorted(new.history_.counts[-2:].tolist()) == [1, 2]
    assert sorted(new.history_.value[-3:].tolist()) == [
        1.0,
        2.0,
        5.0,
    ]  # 1.2 is no step of the scale
    words = ("update", "n.matinee", "--db")
    told = good(*words, path, "--out", "o.matinee").stderr
    assert told == "n.matinee knows all ratings in the database; nothing was written.\n"
    assert not (folder / "o.matinee").exists()
    path = database(folder, [(ada, "7", 4.0), (ada, "17", 1.0)])
    told = good(*words, path, "--out", "o.matinee").stderr
    assert (
        f"Added 1 new or changed rating by 1 person, and withdrew 1, from sqlite:///{path}.\n"
        in told
    )
    last = Guide.load("o.matinee").model
    assert last.users_.ids[-2:].tolist() == ids
    assert len(last.history_) == len(new.history_) - 1


def test_people_of_a_training_with_stable_ids_are_known(folder: Path) -> None:
    path = database(folder, [("c" * 32, "7", 5.0)])
    rows = [f"{user},{item},{1 + user % 5}" for user in range(1, 30) for item in (7, 17, user + 20)]
    (folder / "ratings.csv").write_text("\n".join(["user,item,rating", *rows]))
    train = ("train", "ratings.csv", "--model", "mf", "--set", "epochs=2", "--db", path)
    good(*train, "--stable-ids", "--out", "t.matinee")
    told = good("update", "t.matinee", "--db", path, "--out", "n.matinee").stderr
    assert told.endswith("t.matinee knows all ratings in the database; nothing was written.\n")


@pytest.mark.usefixtures("folder")
def test_files_and_a_database_exclude_each_other() -> None:
    told = misused("update", "m.matinee", "a.csv", "--db", "people.db", "--out", "n.matinee")
    assert told == "Give either files or --db URL; update twice for both."
