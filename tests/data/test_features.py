"""Labels of users and films as numbers."""

from dataclasses import replace

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.features import Features
from matinee.data.ratings import Ratings
from matinee.data.split import given_parts
from matinee.data.vocabulary import Id, Vocabulary

LABELS = [["genre: Comedy", "genre: Drama", "year: 1995"], ["genre: Drama"], []]


def made(labels: list[list[str]]) -> Features:
    features = Features.of(labels)
    assert features is not None
    return features


def test_the_labels_of_one_kind_share_a_length_of_one() -> None:
    features = made(LABELS)
    assert features.names == ("genre: Comedy", "genre: Drama", "year: 1995")
    half = np.sqrt(np.float32(0.5))
    np.testing.assert_allclose(features.table, [[half, half, 1], [0, 1, 0], [0, 0, 0]], rtol=1e-6)
    assert features.table.dtype == np.float32


@pytest.mark.parametrize(
    "labels",
    [[], [[]], [[], []], [["genre: Drama"]], [["genre: Drama"], ["genre: Drama"]]],
    ids=["no rows", "one without labels", "none with labels", "one row", "all the same"],
)
def test_labels_that_tell_nobody_apart_are_no_features(labels: list[list[str]]) -> None:
    assert Features.of(labels) is None


def test_a_label_with_a_colon_in_it_keeps_its_kind() -> None:
    assert made([["genre: a:b", "genre: c"], []]).table[0].tolist() == pytest.approx([0.5**0.5] * 2)


def test_rows_are_taken_and_the_unknown_have_none() -> None:
    taken = made(LABELS).take(np.array([1, -1, 0]))
    assert taken.names == made(LABELS).names
    np.testing.assert_allclose(taken.table[:, 1], [1, 0, 0.5**0.5], rtol=1e-6)
    assert not taken.table[1].any()


def test_those_without_labels_are_filled_from_others() -> None:
    ours, theirs = (
        made([["a: 1"], [], ["b: 2"], []]),
        made([["b: 2"], ["b: 2"], ["a: 1"], ["c: 3"]]),
    )
    filled = ours.filled_from(theirs)
    assert filled.names == ("a: 1", "b: 2")
    assert filled.table.tolist() == [
        [1, 0],
        [0, 1],
        [0, 1],
        [0, 0],
    ]  # what we had stays; 'c: 3' is unknown here
    assert ours.table[1].tolist() == [0, 0]
    assert ours.filled_from(None) is ours


# -- of films ----------------------------------------------------------------------------------------------------


def test_films_have_genres_year_and_decade() -> None:
    films: dict[Id, Film] = {
        1: Film("Heat (1995)", 1995, ("Crime", "Drama")),
        3: Film("Metropolis", None, ("Drama",)),
    }
    features = Catalog(films).features(Vocabulary(np.array([1, 2, 3]), "item"))
    assert features is not None
    assert features.names == ("decade: 1990", "genre: Crime", "genre: Drama", "year: 1995")
    half = 0.5**0.5
    np.testing.assert_allclose(
        features.table, [[1, half, half, 1], [0, 0, 0, 0], [0, 0, 1, 0]], rtol=1e-6
    )


def test_string_ids_find_their_films() -> None:
    films: dict[Id, Film] = {"heat": Film("Heat (1995)", 1995), "up": Film("Up (2009)", 2009)}
    features = Catalog(films).features(Vocabulary(["heat", "up"], "item"))
    assert features is not None
    assert features.table.sum(axis=1).tolist() == [2, 2]


@pytest.mark.parametrize(
    "films",
    [
        {},
        {1: Film("One"), 2: Film("Two")},
        {1: Film("One", None, ("Drama",)), 2: Film("Two", None, ("Drama",))},
    ],
    ids=["no films", "titles alone", "one genre for all"],
)
def test_films_that_nothing_tells_apart_have_no_features(films: dict[Id, Film]) -> None:
    assert Catalog(films).features(Vocabulary(np.array([1, 2]), "item")) is None


# -- in a table of ratings ---------------------------------------------------------------------------------------


def test_both_parts_of_given_files_know_everybody() -> None:
    def part(users: list[int], labels: list[list[str]]) -> Ratings:
        ratings = Ratings.from_ids(users, [1] * len(users), [3.0, 4.0, 5.0][: len(users)])
        return replace(ratings, user_features=made(labels))

    split = given_parts(
        part([1, 2, 4], [["g: F"], ["g: M"], []]), part([2, 3], [["g: F"], ["g: M"]])
    )
    features = split.train.user_features
    assert features is not None
    assert features.names == ("g: F", "g: M")
    assert features.table.tolist() == [[1, 0], [0, 1], [0, 1], [0, 0]]
    assert split.train.subset(np.array([0])).user_features is features
