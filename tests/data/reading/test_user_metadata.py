"""Who the users are, from u.user, users.dat or users.csv."""

from pathlib import Path

import numpy as np
import pytest

import matinee
from matinee.data.features import Features
from matinee.data.reading.user_metadata import viewers_beside
from matinee.data.vocabulary import Vocabulary
from tests.conftest import real_data

USERS = Vocabulary(np.array([1, 2, 3]), "user")


def found(folder: Path, users: Vocabulary = USERS) -> Features:
    features = viewers_beside(folder, users)
    assert features is not None
    return features


def labels(features: Features, row: int) -> list[str]:
    """The names of the columns that are not all zero."""
    return [name for name, value in zip(features.names, features.table[row], strict=True) if value]


def test_the_layout_of_movielens_100k(tmp_path: Path) -> None:
    (tmp_path / "u.user").write_text("1|24|M|technician|85711\n3|53|F|other|94043\n", "utf-8")
    features = found(tmp_path)
    assert labels(features, 0) == ["age: 1", "gender: M", "occupation: technician", "zip: 8"]
    assert labels(features, 1) == []
    assert labels(features, 2) == ["age: 5", "gender: F", "occupation: other", "zip: 9"]
    assert set(features.table.ravel().tolist()) == {0.0, 1.0}


def test_an_age_of_thousands_of_digits_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "u.user").write_text(
        f"1|{'1' * 5_000}|M|technician|85711\n3|53|F|other|94043\n", "utf-8"
    )
    assert labels(found(tmp_path), 0) == ["gender: M", "occupation: technician", "zip: 8"]


def test_the_layout_of_movielens_1m(tmp_path: Path) -> None:
    (tmp_path / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n", "utf-8")
    features = found(tmp_path)
    assert labels(features, 0) == ["age: 0", "gender: F", "occupation: 10", "zip: 4"]
    assert labels(features, 1) == ["age: 6", "gender: M", "occupation: 16", "zip: 7"]


@pytest.mark.parametrize(
    "heading", ["user,Sex,AGE,zip_code", "userId,gender,age,postcode", "id, gender, age, zip-code"]
)
def test_a_table_with_headings_of_ones_own(tmp_path: Path, heading: str) -> None:
    (tmp_path / "users.csv").write_text(f'{heading}\n1,f,17,"SW1, London"\n2,m,18,\n', "utf-8")
    features = found(tmp_path)
    assert labels(features, 0) == ["age: 0", "gender: f", "zip: S"]
    assert labels(features, 1) == ["age: 1", "gender: m"]


def test_string_ids_find_their_line(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("user,occupation\nann,artist\nbob,baker\n", "utf-8")
    features = found(tmp_path, Vocabulary(["ann", "bob"], "user"))
    assert [labels(features, row) for row in (0, 1)] == [
        ["occupation: artist"],
        ["occupation: baker"],
    ]


@pytest.mark.parametrize(
    ("age", "group"),
    [
        ("17", 0),
        ("18", 1),
        ("24", 1),
        ("25", 2),
        ("35", 3),
        ("45", 4),
        ("50", 5),
        ("56", 6),
        ("99", 6),
    ],
)
def test_ages_fall_into_the_groups_of_movielens_1m(tmp_path: Path, age: str, group: int) -> None:
    (tmp_path / "u.user").write_text(f"1|{age}|M|x|1\n2|x|F|y|2\n", "utf-8")
    features = found(tmp_path)
    assert labels(features, 0)[0] == f"age: {group}"
    assert not any(name.startswith("age") for name in labels(features, 1))


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert viewers_beside(tmp_path, USERS) is None
    assert viewers_beside(tmp_path / "nowhere", USERS) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "nonsense\n",
        "7|24|M|artist|1\n",
        "1|24|M|artist|1\n2|24|M|artist|1\n3|24|M|artist|1\n",
    ],
    ids=["empty", "empty lines", "no fields", "nobody of ours", "all alike"],
)
def test_a_file_that_tells_nothing_is_left_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "u.user").write_text(text, "utf-8")
    assert viewers_beside(tmp_path, USERS) is None


def test_broken_lines_are_left_out_and_the_rest_counts(tmp_path: Path) -> None:
    (tmp_path / "u.user").write_bytes(
        b"1|24|M|artist|85711\n\xff\xfe\n2|old\n3||||\n|||\n1x|9|F|poet|1\n"
    )
    features = found(tmp_path)
    assert labels(features, 0) == ["age: 1", "gender: M", "occupation: artist", "zip: 8"]
    assert labels(features, 1) == labels(features, 2) == []


def test_the_file_that_tells_nothing_makes_room_for_the_next(tmp_path: Path) -> None:
    (tmp_path / "u.user").write_text("nonsense\n", "utf-8")
    (tmp_path / "users.csv").write_text("user,gender\n1,F\n2,M\n", "utf-8")
    assert found(tmp_path).names == ("gender: F", "gender: M")


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "users.csv").mkdir()
    assert viewers_beside(tmp_path, USERS) is None


def test_ratings_read_from_a_folder_bring_their_viewers(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(
        "userId,movieId,rating\n1,10,3\n1,11,4\n2,10,5\n", "utf-8"
    )
    (tmp_path / "users.csv").write_text("user,gender\n1,F\n2,M\n", "utf-8")
    features = matinee.load(tmp_path).ratings.user_features
    assert features is not None
    assert features.table.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("name", "n_users", "kinds"),
    [
        ("ml-100k", 943, {"age": 7, "gender": 2, "occupation": 21}),
        ("ml-1m", 6040, {"age": 7, "gender": 2, "occupation": 21}),
    ],
)
def test_the_viewers_of_movielens(name: str, n_users: int, kinds: dict[str, int]) -> None:
    real_data(name)
    ratings = matinee.load(name).ratings
    features = ratings.user_features
    assert features is not None
    assert features.table.shape[0] == n_users
    known = [one.split(":")[0] for one in features.names]
    assert {kind: known.count(kind) for kind in kinds} == kinds
    assert (
        features.table.sum(axis=1) >= 4
    ).all()  # everybody has an age, a gender, an occupation and a zip code
    assert ratings.item_features is not None
    assert sum(one.startswith("genre: ") for one in ratings.item_features.names) >= 18
