"""Training with the ratings collected by a server, on SQLite and PostgreSQL."""

from dataclasses import replace
from pathlib import Path

import click.testing
import numpy as np
import pytest

from matinee.cli import main
from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.features import Features
from matinee.data.ratings import Ratings, Scale
from matinee.data.server_ratings import COLUMNS, TABLE, with_collected
from matinee.errors import DataError
from matinee.recommendation.guide import Guide
from matinee.web.db import schema
from matinee.web.db.people import Store
from tests.web.conftest import Cluster


def fill_database(database: str) -> None:
    """Fills a database with seven ratings of three people, one of an unknown film and one outside the scale."""
    store = Store.open(database)
    people = [store.create_person().id for _ in range(3)]
    store.rate_many(people[0], {"10": 5, "20": 1, "30": 4.5})
    store.rate_many(people[1], {"10": 4, "99": 4})
    store.rate_many(people[2], {"20": 2, "30": 10})
    store.close()


def table(users: list[int] | list[str], *, times: bool = True) -> Dataset:
    stars = [5, 3, 1, 4.5, 2, 3]
    ratings = Ratings.from_ids(
        users, [10, 20, 30, 10, 20, 30], stars, [7] * 6 if times else None, Scale(1, 5, 0.5)
    )
    return Dataset("own", ratings, Catalog())


def rows(ratings: Ratings) -> list[tuple[object, object, float]]:
    users, items = (
        ratings.users.ids[ratings.user_index].tolist(),
        ratings.items.ids[ratings.item_index].tolist(),
    )
    return list(zip(users, items, ratings.value.tolist(), strict=True))


def test_collected_ratings_are_appended_under_new_user_ids(database: str) -> None:
    fill_database(database)
    own = table([1, 1, 2, 2, 3, 900])
    joined, note = with_collected(own, database)
    assert rows(joined.ratings)[:6] == rows(own.ratings)
    new = rows(joined.ratings)[6:]
    assert {user for user, _, _ in new} == {901, 902, 903}
    assert sorted((item, stars) for _, item, stars in new) == [
        (10, 4.0),
        (10, 5.0),
        (20, 1.0),
        (20, 2.0),
        (30, 4.5),
    ]
    together = {user: sorted(stars for who, _, stars in new if who == user) for user, _, _ in new}
    assert sorted(together.values()) == [[1.0, 4.5, 5.0], [2.0], [4.0]]
    assert joined.ratings.timestamp is not None
    assert joined.ratings.timestamp[:6].tolist() == [7] * 6
    assert (joined.ratings.timestamp[6:] > 1_700_000_000).all()
    assert "Added 5 ratings by 3 people from" in note
    assert note.endswith("; 2 left out, of unknown items or outside the scale.")


def test_the_columns_read_are_those_of_the_schema() -> None:
    assert schema.METADATA.tables[TABLE] is schema.ratings
    assert set(COLUMNS) <= set(schema.ratings.columns.keys())


def test_features_are_preserved_and_new_users_have_none(tmp_path: Path) -> None:
    fill_database(str(tmp_path / "people.db"))
    own = table([1, 1, 2, 2, 3, 900])
    users = Features.of([["gender: F"], ["gender: M"], ["gender: F"], []])
    items = Features.of([["genre: Drama"], ["genre: Horror"], ["genre: Drama", "genre: War"]])
    own = replace(own, ratings=replace(own.ratings, user_features=users, item_features=items))
    joined = with_collected(own, str(tmp_path / "people.db")).dataset.ratings
    assert users is not None
    assert items is not None
    assert joined.users.ids.tolist() == [1, 2, 3, 900, 901, 902, 903]
    assert joined.user_features is not None
    assert joined.user_features.names == users.names
    assert joined.user_features.table.tolist() == [*users.table.tolist(), [0, 0], [0, 0], [0, 0]]
    assert joined.item_features is not None
    assert joined.item_features.table.tolist() == items.table.tolist()


def test_bayes_uses_features_after_ratings_were_added(tmp_path: Path) -> None:
    fill_database(str(tmp_path / "people.db"))
    rows = [
        f"{user},{item},{1 + (user + item // 10) % 5}" for user in range(9) for item in (10, 20, 30)
    ]
    (tmp_path / "ratings.csv").write_text("\n".join(["user,item,rating", *rows]))
    (tmp_path / "movies.csv").write_text(
        "movieId,title,genres\n10,A,Drama\n20,B,War\n30,C,Drama|War\n"
    )
    predictions = []
    for side in ("true", "false"):
        out = tmp_path / f"{side}.matinee"
        arguments = [
            "train",
            str(tmp_path / "ratings.csv"),
            "--model",
            "bayes",
            "--set",
            f"side={side}",
        ]
        arguments += ["--set", "burn_in=2", "--set", "samples=4", "--threads", "1"]
        arguments += ["--out", str(out), "--db", str(tmp_path / "people.db")]
        done = click.testing.CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.stderr
        predictions.append(Guide.load(out).predict(1, "A"))
    with_features, without = predictions
    assert with_features != without


def test_new_users_get_text_ids_if_the_ids_are_text(tmp_path: Path) -> None:
    fill_database(str(tmp_path / "people.db"))
    own = table(["ada", "bo", "person 2", "person 2", "zoe", "zoe"], times=False)
    joined, _ = with_collected(own, str(tmp_path / "people.db"))
    assert rows(joined.ratings)[:6] == rows(own.ratings)
    assert {user for user, _, _ in rows(joined.ratings)[6:]} == {"person 1", "person 3", "person 4"}
    assert joined.ratings.timestamp is None


def test_a_database_without_ratings_adds_nothing(tmp_path: Path) -> None:
    Store.open(str(tmp_path / "people.db")).close()
    own = table([1, 1, 2, 2, 3, 4])
    joined, note = with_collected(own, str(tmp_path / "people.db"))
    assert joined is own
    assert note == f"Added 0 ratings by 0 people from sqlite:///{tmp_path / 'people.db'}."


def test_ratings_that_cannot_be_added_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no database file"):
        with_collected(table([1, 1, 2, 2, 3, 4]), str(tmp_path / "none.db"))
    pairs = Ratings.from_ids([1, 2], [10, 20], [1, 1])
    with pytest.raises(DataError) as caught:
        with_collected(Dataset("clicks", pairs, Catalog()), "postgresql://ada:secret@host/name")
    assert str(caught.value) == (
        "clicks has no stars, but the ratings in postgresql://host/name are stars, so they cannot be added."
    )  # fmt: skip


def test_messages_contain_no_password(cluster: Cluster) -> None:
    own = table([1, 1, 2, 2, 3, 4])
    url = cluster.new_database("test_password")
    for wrong in (
        f"{url}&password=secret",
        "postgresql://ada:secret@127.0.0.1:1/x",
        "postgresql://h:secret/x",
    ):
        with pytest.raises(DataError) as caught:
            with_collected(own, wrong)
        assert "secret" not in str(caught.value)
    Store.open(url).close()
    joined, note = with_collected(own, f"{url}&password=secret")
    assert joined is own
    assert note == "Added 0 ratings by 0 people from postgresql:///test_password."


def test_special_characters_in_a_file_name_have_no_meaning(tmp_path: Path) -> None:
    fill_database(str(tmp_path / "people%41.db"))
    _, note = with_collected(table([1, 1, 2, 2, 3, 4]), str(tmp_path / "people%41.db"))
    assert note.startswith("Added 5 ratings by 3 people from")
    with pytest.raises(
        DataError, match=r"^Database names that begin with 'file:' are not supported\. Give a file"
    ):
        with_collected(table([1, 1, 2, 2, 3, 4]), "file:people.db")


def test_the_train_command_adds_collected_ratings(tmp_path: Path, database: str) -> None:
    fill_database(database)
    lines = [
        "user,item,rating",
        *(
            f"{user},{item},{1 + (user + item // 10) % 5}"
            for user in range(9)
            for item in (10, 20, 30)
        ),
    ]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    out = tmp_path / "own.matinee"
    arguments = [
        "train",
        str(tmp_path / "own.csv"),
        "--model",
        "baseline",
        "--out",
        str(out),
        "--db",
        database,
    ]
    done = click.testing.CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.stderr
    assert "Added " in done.stderr
    guide = Guide.load(out)
    n_added = int(np.isin(guide.model.users_.ids, [9, 10, 11]).sum())
    assert n_added == 3
    assert guide.origin.n_ratings > 27
