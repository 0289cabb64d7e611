"""Films of the catalog that nobody has rated: found, predicted, listed, or refused in one sentence."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnknownNameError, UnsupportedError
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.recommendation.reranking import Dials
from tests.helpers import error_message, ids

NEW_LIKED, NEW_OTHER = 900, 901
USER = 7
"""Likes Comedy and dislikes Horror."""


@cache
def guide() -> Guide:
    """Items 0 to 39 are rated; even ones are comedies, which users below 30 like, and the others horror films."""
    rng = np.random.default_rng(4)
    user, item = (index.ravel() for index in np.indices((60, 40)))
    chosen = rng.random(len(user)) < 0.4
    user, item = user[chosen], item[chosen]
    likes = (user < 30) == (item % 2 == 0)
    stars = np.clip(np.round(np.where(likes, 4.2, 1.8) + rng.normal(0, 0.6, len(user))), 1, 5)
    films: dict[Id, Film] = {
        number: Film(f"Film {number} (1990)", 1990, ("Comedy" if number % 2 == 0 else "Horror",))
        for number in range(40)
    }
    films[NEW_LIKED] = Film("Brand New Film (2020)", 2020, ("Comedy",))
    films[NEW_OTHER] = Film("Another New Film (2020)", 2020, ("Horror",))
    films[902], films[903] = Film("Twins (2021)", 2021), Film("Twins (2021)", 2021)
    catalog = Catalog(films)
    ratings = Ratings.from_ids(user, item, stars)
    ratings = replace(ratings, item_features=catalog.features(ratings.items))
    model = BayesianMF(factors=4, samples=60, burn_in=30).fit(ratings, n_threads=1)
    return Guide(model, catalog)


@cache
def baseline() -> Guide:
    ratings = guide().model.history_.to_ratings()
    return Guide(Baseline().fit(ratings), guide().catalog)


@pytest.mark.parametrize("given", ["Brand New Film", "brand new film (2020)", 900, "900", "id:900"])
def test_a_film_without_ratings_is_found_by_id_and_title(given: int | str) -> None:
    assert guide().unrated_id(given) == NEW_LIKED


@pytest.mark.parametrize("given", [4, "Film 4", "id:4", "No such film", "Twins", 12345, "id:12345"])
def test_rated_unknown_and_ambiguous_films_are_not_unrated(given: int | str) -> None:
    assert guide().unrated_id(given) is None


def test_it_is_predicted_by_its_genre() -> None:
    liked, other = (guide().predict(USER, item) for item in (NEW_LIKED, NEW_OTHER))
    assert liked == pytest.approx(4.2, abs=0.6)
    assert other == pytest.approx(1.8, abs=0.6)
    assert guide().predict({0: 5.0, 1: 1.0, 2: 5.0}, "Brand New Film") > 3
    assert guide().predict(USER, "Film 4") == guide().model.predict(USER, 4)


def test_a_list_has_them_only_on_request() -> None:
    everything = guide().recommend(USER, 1000, include_unrated=True, include_seen=True)
    assert set(ids(everything)) == set(range(40)) | {900, 901, 902, 903}
    stars = [line.stars or 0.0 for line in everything.items]
    assert stars == sorted(stars, reverse=True)
    rated = {line.item_id: line for line in everything.items if line.n_ratings}
    alone = guide().recommend(USER, 40, include_seen=True).items
    assert rated == {line.item_id: line for line in alone}
    (new,) = (line for line in everything.items if line.item_id == NEW_LIKED)
    assert (new.film.title, new.n_ratings, new.mean) == ("Brand New Film (2020)", 0, None)
    assert new.stars == pytest.approx(guide().predict(USER, NEW_LIKED))
    assert new.deviation is not None
    assert everything.note == "44 instead of 1000: no other films of the catalog match."
    assert set(ids(guide().recommend(USER, 1000))) <= set(range(40))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(genres=("comedy",), years=(2000, None)), [900]),
        (Filters(not_genres=("Comedy",), years=(2000, 2020)), [901]),
        (Filters(years=(2000, 2019)), []),
        (Filters(items=(901, 900)), [900, 901]),
        (Filters(items=(900, 901), not_items=(900,)), [901]),
        (Filters(items=(900,), min_ratings=1), []),
    ],
    ids=str,
)
def test_filters_hold_for_them_too(filters: Filters, expected: list[int]) -> None:
    assert ids(guide().recommend(USER, 10, filters, include_unrated=True)) == expected


def test_excluded_ones_are_left_out() -> None:
    found = ids(guide().recommend(USER, 1000, include_unrated=True, exclude=[900, 0]))
    assert {900, 0}.isdisjoint(found)
    assert 901 in found


def test_a_list_with_them_is_not_reranked() -> None:
    expected = (
        "A list with films that nobody has rated cannot be re-ranked; leave out the popularity, "
        "the diversity and the taste."
    )
    for dials in (Dials(0.5, 0), Dials(taste=1)):
        assert expected == error_message(
            SettingError,
            lambda dials=dials: guide().recommend(USER, 3, dials=dials, include_unrated=True),
        )


def test_a_model_that_needs_ratings_says_so() -> None:
    reason = (
        "baseline needs ratings of an item to predict it; only bayes, trained with features of "
        "the items such as genres, does not."
    )
    for given in (900, "Brand New Film"):
        assert error_message(
            UnknownNameError, lambda item=given: baseline().predict(USER, item)
        ) == (f"'Brand New Film (2020)' is in the catalog, but nobody has rated it, and {reason}")
    refused = error_message(
        UnsupportedError, lambda: baseline().recommend(USER, include_unrated=True)
    )
    assert refused == reason
