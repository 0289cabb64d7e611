"""A data set written in each format and read again is the same data set."""

import os
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.convert import SUFFIXES, convert
from matinee.data.dataset import Dataset
from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.reading.read import read
from matinee.data.vocabulary import Id
from matinee.errors import MatineeError, SettingError, UnsupportedError
from tests.conftest import simulated

every_format = pytest.mark.parametrize("suffix", SUFFIXES)


def dataset(ids: str = "integers", times: str = "all") -> Dataset:
    plain = simulated(40, 30, 500)
    assert plain.timestamp is not None
    users, items = (
        plain.users.ids[plain.user_index].tolist(),
        plain.items.ids[plain.item_index].tolist(),
    )
    if ids == "texts":
        users, items = [f"Zoë, {user}" for user in users], [f'tt"{item}' for item in items]
    kept = np.where(np.arange(len(plain)) % 7 > 0, plain.timestamp, NO_TIME)
    timestamp = {"all": plain.timestamp, "some": kept, "none": None}[times]
    ratings = Ratings.from_ids(users, items, plain.value, timestamp)
    films: dict[Id, Film] = {
        item_id: Film(f"Film {item_id} (1999)", 1999, ("Drama", "War")) for item_id in items[1:]
    }
    films[items[0]] = Film('Amélie, "the" film')
    return Dataset("simulated", ratings, Catalog(films))


def rows(ratings: Ratings) -> set[tuple[object, ...]]:
    times = [None] * len(ratings) if ratings.timestamp is None else ratings.timestamp.tolist()
    users, items = (
        ratings.users.ids[ratings.user_index].tolist(),
        ratings.items.ids[ratings.item_index].tolist(),
    )
    return set(zip(users, items, ratings.value.tolist(), times, strict=True))


def message(error: type[MatineeError], data: Dataset, target: Path) -> str:
    with pytest.raises(error) as caught:
        convert(data, target)
    return str(caught.value)


@every_format
@pytest.mark.parametrize("ids", ["integers", "texts"])
@pytest.mark.parametrize("times", ["all", "some", "none"])
def test_what_was_written_is_read_again(suffix: str, ids: str, times: str, tmp_path: Path) -> None:
    data, target = dataset(ids, times), tmp_path / f"ratings{suffix}"
    lines = convert(data, target)
    assert lines == [
        f"Wrote 500 ratings to {target}.",
        f"Wrote 30 titles to {tmp_path / 'items.csv'}.",
    ]
    again = read(target)
    assert rows(again.ratings) == rows(data.ratings)
    assert again.ratings.scale == data.ratings.scale
    assert again.catalog.films == data.catalog.films
    assert (again.n_duplicates, again.n_bad_rows) == (0, 0)
    assert rows(read(tmp_path).ratings) == rows(data.ratings)  # the folder, too, is a data set


@every_format
def test_without_titles_no_second_file_is_written(suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"mine{suffix.upper()}"
    assert convert(Dataset("bare", simulated(40, 30, 500), Catalog()), target) == [
        f"Wrote 500 ratings to {target}."
    ]
    assert list(tmp_path.iterdir()) == [target]


def test_ratings_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("mine")
    assert message(SettingError, dataset(), tmp_path / "ratings.csv") == (
        f"'{tmp_path / 'ratings.csv'}' exists already; remove it or give another path."
    )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("ratings.csv", "mine")
    ]


def test_titles_that_are_there_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("mine")
    lines = convert(dataset(), tmp_path / "ratings.csv")
    assert lines[1] == f"'{tmp_path / 'items.csv'}' exists already, so no titles were written."
    assert (tmp_path / "items.csv").read_text() == "mine"


@pytest.mark.parametrize("name", ["ratings", "ratings.xlsx", "ratings.csv.gz"])
def test_another_suffix_lists_those_there_are(name: str, tmp_path: Path) -> None:
    assert message(SettingError, dataset(), tmp_path / name) == (
        f"'{tmp_path / name}' must end in one of .csv, .tsv, .parquet, .jsonl, which chooses the format."
    )


@pytest.mark.parametrize("name", ["items.csv", "movies.csv", "Items.CSV"])
def test_the_ratings_cannot_take_the_name_of_a_file_of_titles(name: str, tmp_path: Path) -> None:
    assert message(SettingError, dataset(), tmp_path / name) == (
        f"'{tmp_path / name}' is the name of a file of titles; give the ratings another name, such as ratings.csv."
    )
    assert os.listdir(tmp_path) == []


@every_format
def test_a_folder_that_does_not_exist_is_reported(suffix: str, tmp_path: Path) -> None:
    target = tmp_path / "none" / f"ratings{suffix}"
    told = message(UnsupportedError, dataset(), target)
    assert told.startswith(f"Cannot write '{target}': the folder '{target.parent}' does not exist")
    assert "\n" not in told


@every_format
def test_a_disk_that_is_full_leaves_no_half_of_a_file(suffix: str, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        told = message(UnsupportedError, dataset(), tmp_path / f"ratings{suffix}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told.startswith(f"Cannot write '{tmp_path / f'ratings{suffix}'}': ")
    assert "it is larger than a file may be here" in told
    assert os.listdir(tmp_path) == []


def test_ids_on_other_sites_and_tags_are_written_and_read_again(tmp_path: Path) -> None:
    data = dataset()
    first = next(iter(data.catalog.films))
    film = Film("One (1990)", 1990, imdb="tt0000007", tmdb=70, tags=("calm", "sea"))
    films = {**data.catalog.films, first: film}
    convert(replace(data, catalog=Catalog(films)), tmp_path / "ratings.csv")
    assert read(tmp_path / "ratings.csv").catalog[first] == film
