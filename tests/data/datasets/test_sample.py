"""The built-in sample looks like real ratings, and holds what recommenders look for."""

import hashlib
import time

import numpy as np
import pytest

from matinee._types import Doubles
from matinee.data.catalog import Catalog, find_item
from matinee.data.datasets.sample import film_rows, sample_ratings, tastes_of_kinds
from matinee.data.ratings import Ratings, Scale

GENRES = (
    "Action, Adventure, Animation, Comedy, Crime, Documentary, Drama, Family, Fantasy, Horror, Musical, "
    "Mystery, Romance, Sci-Fi, Thriller, War, Western"
)


@pytest.fixture(scope="module")
def sample() -> tuple[Ratings, Catalog]:
    return sample_ratings()


def test_the_film_table_is_complete_sorted_and_without_repeats() -> None:
    rows, kinds = film_rows(), tastes_of_kinds()
    assert len(rows) == 340
    assert all(len(amounts) == 7 for amounts in kinds.values())
    assert {row.kind for row in rows} == set(kinds)
    assert all(number in range(1, 10) for row in rows for number in (row.fame, row.liking))
    years = [row.film.year or 0 for row in rows]
    assert years == sorted(years)
    assert len({row.film.title for row in rows}) == len(rows)


def test_the_ratings_are_those_of_the_first_version_bit_for_bit(
    sample: tuple[Ratings, Catalog],
) -> None:
    ratings, _ = sample
    assert ratings.timestamp is not None
    assert ratings.item_features is not None
    arrays = (
        ratings.user_index,
        ratings.item_index,
        ratings.value,
        ratings.timestamp,
        ratings.item_features.table,
    )
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    assert digest == "1943aecb1cbfd911afedd0f47f4c211b2d146f774dba79f729e09bd58b68ea62"


def test_the_films_span_a_century_and_all_genres(sample: tuple[Ratings, Catalog]) -> None:
    _, catalog = sample
    years = [film.year for film in catalog.films.values() if film.year]
    assert len(years) == len(catalog) == 340
    assert {year // 10 for year in years} == set(range(192, 203))
    assert ", ".join(catalog.genres) == GENRES
    assert all(list(film.genres) == sorted(film.genres) for film in catalog.films.values())


def test_a_film_is_found_by_the_title_people_say(sample: tuple[Ratings, Catalog]) -> None:
    ratings, catalog = sample
    for title in (
        "the godfather",
        "amélie",
        "Seven Samurai",
        "2001: a space odyssey",
        "King Kong (2005)",
    ):
        index = find_item(title, ratings.items, catalog)
        assert catalog[int(ratings.items.ids[index])].title.casefold().startswith(title.casefold())


def test_ids_counts_and_scale_are_as_documented(sample: tuple[Ratings, Catalog]) -> None:
    ratings, catalog = sample
    assert ratings.users.ids.tolist() == list(range(1, 2001))
    assert ratings.items.ids.tolist() == list(catalog.films) == list(range(1, 341))
    assert 97_000 <= len(ratings) <= 103_000
    assert ratings.scale == Scale(0.5, 5.0, 0.5)
    pairs = ratings.user_index.astype(np.int64) * ratings.n_items + ratings.item_index
    assert len(np.unique(pairs)) == len(ratings)


def test_the_same_seed_gives_the_same_ratings_and_another_gives_others(
    sample: tuple[Ratings, Catalog],
) -> None:
    ratings, _ = sample
    again, other = sample_ratings(0)[0], sample_ratings(1)[0]
    assert ratings.timestamp is not None
    assert again.timestamp is not None
    assert np.array_equal(ratings.value, again.value)
    assert np.array_equal(ratings.item_index, again.item_index)
    assert np.array_equal(ratings.timestamp, again.timestamp)
    assert not np.array_equal(ratings.value[:1000], other.value[:1000])


def test_the_stars_look_like_real_half_star_ratings(sample: tuple[Ratings, Catalog]) -> None:
    value = sample[0].value
    share = np.bincount((value * 2).astype(int), minlength=11)[1:] / len(value)  # 0.5, 1, ... 5
    assert set(np.unique(value * 2)) == set(range(1, 11))
    assert share.argmax() == 7  # four stars
    assert value.mean() == pytest.approx(3.5, abs=0.1)
    assert value.std() == pytest.approx(1.0, abs=0.1)
    assert share[5] > share[6] < share[7]  # half stars are rarer than the whole ones beside them


def test_activity_and_popularity_have_long_tails(sample: tuple[Ratings, Catalog]) -> None:
    users, items = sample[0].user_counts, sample[0].item_counts
    assert users.min() == 15
    assert users.max() > 250 > 60 > np.median(users)
    assert items.min() >= 10
    assert items.max() > 3 * np.median(items)


def test_timestamps_lie_in_two_years_and_differ_within_a_viewer(
    sample: tuple[Ratings, Catalog],
) -> None:
    ratings, _ = sample
    assert ratings.timestamp is not None
    days = ratings.timestamp.astype("datetime64[s]")
    assert days.min() >= np.datetime64("2024-01-01")
    assert days.max() < np.datetime64("2026-01-01")
    key = np.stack([ratings.user_index.astype(np.int64), ratings.timestamp])
    assert np.unique(key, axis=1).shape[1] == len(ratings)


def test_it_takes_less_than_half_a_second() -> None:
    best = np.inf
    for _ in range(3):
        started = time.process_time()
        sample_ratings()
        best = min(best, time.process_time() - started)
    assert best < 0.5


def test_a_factor_model_beats_the_biases_and_finds_similar_films(
    sample: tuple[Ratings, Catalog],
) -> None:
    ratings, catalog = sample
    test = np.random.default_rng(1).random(len(ratings)) < 0.2
    train = ratings.subset(~test)
    stars, known = np.zeros((2, ratings.n_users, ratings.n_items))
    stars[train.user_index, train.item_index] = train.value
    known[train.user_index, train.item_index] = 1
    biases = _biases(stars, known)
    user_factors, item_factors = _factors((stars - biases) * known, known)

    at = ratings.user_index[test], ratings.item_index[test]
    bias_rmse = np.sqrt(np.mean((biases[at] - ratings.value[test]) ** 2))
    factor_rmse = np.sqrt(
        np.mean(((biases + user_factors @ item_factors.T)[at] - ratings.value[test]) ** 2)
    )
    assert factor_rmse < bias_rmse - 0.06

    directions = item_factors / np.linalg.norm(item_factors, axis=1, keepdims=True)
    star_wars = find_item("Star Wars", ratings.items, catalog)
    nearest = np.argsort(-(directions @ directions[star_wars]))[1:7]
    titles = [catalog[int(ratings.items.ids[index])] for index in nearest]
    assert "The Empire Strikes Back (1980)" in [film.title for film in titles]
    assert sum("Sci-Fi" in film.genres for film in titles) >= 4


def _biases(stars: Doubles, known: Doubles) -> Doubles:
    """The mean plus a shrunk bias for each user and each item, (U, I)."""
    mean = stars.sum() / known.sum()
    user, item = np.zeros((len(stars), 1)), np.zeros((1, stars.shape[1]))
    for _ in range(10):
        item = ((stars - mean - user) * known).sum(0, keepdims=True) / (known.sum(0) + 5)
        user = ((stars - mean - item) * known).sum(1, keepdims=True) / (
            known.sum(1, keepdims=True) + 5
        )
    both: Doubles = mean + user + item
    return both


def _factors(residual: Doubles, known: Doubles) -> tuple[Doubles, Doubles]:
    """Alternating least squares with 8 factors: (U, F) and (I, F)."""
    q = np.random.default_rng(0).normal(0, 0.1, (residual.shape[1], 8))
    p = np.zeros((len(residual), 8))
    for _ in range(8):
        p = _half(q, residual, known)
        q = _half(p, residual.T, known.T)
    return p, q


def _half(fixed: Doubles, residual: Doubles, known: Doubles) -> Doubles:
    f = fixed.shape[1]
    products = (fixed[:, :, None] * fixed[:, None, :]).reshape(len(fixed), f * f)
    gram = (known @ products).reshape(-1, f, f) + 10 * np.eye(f)
    return np.asarray(np.linalg.solve(gram, (residual @ fixed)[:, :, None])[:, :, 0], np.float64)
