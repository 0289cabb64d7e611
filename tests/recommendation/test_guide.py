"""Guide: filters, exactly k or a sentence, titles for ids, newcomers, and what is alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Id
from matinee.errors import (
    DataError,
    NotFittedError,
    SettingError,
    UnknownNameError,
    UnsupportedError,
)
from matinee.models.baseline import Baseline
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from tests.conftest import simulated
from tests.helpers import error_message, ids

GENRES: tuple[tuple[str, ...], ...] = (("Drama",), ("Comedy", "Drama"), ("Sci-Fi",), ())
UNTITLED = 1187  # the one item of the 120 (7, 17, ..., 1197) that has no title


def fitted(ratings: Ratings) -> MatrixFactorization:
    """A model with item factors of our own, so that these tests do not hang on how it learns."""
    model = MatrixFactorization(epochs=1, factors=8).fit(ratings, n_threads=1)
    model.item_factors_ = (
        np.random.default_rng(0).normal(size=model.item_factors_.shape).astype(np.float32)
    )
    return model


def film(place: int) -> Film:
    year = None if place == 5 else 1900 + place
    return Film(f"The Film no. {place}" + (f" ({year})" if year else ""), year, GENRES[place % 4])


@pytest.fixture(scope="module")
def guide() -> Guide:
    """Items 7, 17, 27, ... are film 0 of 1900, film 1 of 1901, ...; film 5 has no year; two are called Twins."""
    model = fitted(simulated())
    films: dict[Id, Film] = {
        item_id: film(place) for place, item_id in enumerate(model.items_.ids.tolist())
    }
    films[207], films[217] = Film("Twins (1920)", 1920), Film("Twins (1921)", 1921)
    del films[UNTITLED]
    return Guide(model, Catalog(films))


def few() -> Guide:
    """Items 7, 17, ..., 57, of which the last but one has 4 ratings and the last 5; the others have some hundreds."""
    whole = simulated(400, 6, 2_000)
    places = [np.flatnonzero(whole.item_index == item) for item in range(6)]
    rows = np.concatenate([*places[:4], places[4][:4], places[5][:5]])
    return Guide(fitted(whole.subset(rows)))


# -- filters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        (Filters(), bool),
        (Filters(genres=("Drama",)), lambda film: "Drama" in film.genres),
        (
            Filters(genres=("sci-fi", "COMEDY")),
            lambda film: {"Sci-Fi", "Comedy"} & set(film.genres),
        ),
        (Filters(not_genres=("Drama",)), lambda film: "Drama" not in film.genres),
        (
            Filters(genres=("Drama",), not_genres=("Comedy",)),
            lambda film: "Drama" in film.genres and "Comedy" not in film.genres,
        ),
        (Filters(years=(1910, 1930)), lambda film: film.year and 1910 <= film.year <= 1930),
        (Filters(years=(2000, None)), lambda film: film.year and film.year >= 2000),
        (Filters(years=(None, 1910)), lambda film: film.year and film.year <= 1910),
        (Filters(years=(1950, 1950)), lambda film: film.year == 1950),
        (
            Filters(("Drama",), years=(1910, None), min_ratings=60),
            lambda film: "Drama" in film.genres and (film.year or 0) >= 1910,
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, Filters) else "",
)
def test_exactly_the_items_that_pass_the_filters_come_in_the_order_of_the_model(
    guide: Guide, filters: Filters, passes: Any
) -> None:
    found = guide.recommend(1, 10_000, filters, include_seen=True)
    counts = dict(
        zip(guide.model.items_.ids.tolist(), guide.model.item_counts_.tolist(), strict=True)
    )
    every = [one.item_id for one in guide.model.recommend(1, 10_000, include_seen=True)]
    wanted = [
        one for one in every if passes(guide.catalog[one]) and counts[one] >= filters.min_ratings
    ]
    assert wanted
    assert ids(found) == wanted


@pytest.mark.parametrize("k", [1, 5, 20])
def test_there_are_exactly_k_after_every_filter(guide: Guide, k: int) -> None:
    for filters in (
        Filters(),
        Filters(genres=("Drama",)),
        Filters(not_genres=("Sci-Fi",), years=(1905, None)),
    ):
        found = guide.recommend(2, k, filters)
        assert (len(found.items), found.note) == (k, "")


def test_rated_items_are_left_out_unless_requested(guide: Guide) -> None:
    seen = set(guide.model.items_.ids[guide.model.profile(1).item_index].tolist())
    assert not seen & set(ids(guide.recommend(1, 10_000)))
    assert seen < set(ids(guide.recommend(1, 10_000, include_seen=True)))


def test_excluded_items_are_left_out_beside_what_was_rated(guide: Guide) -> None:
    everything = ids(guide.recommend(1, 10_000))
    excluded = everything[:3]
    found = guide.recommend(1, 10_000, exclude=excluded)
    assert ids(found) == everything[3:]
    assert f"{120 - len(everything) + 3} of them are already rated" in found.note
    assert (
        set(excluded) & set(ids(guide.recommend(1, 10_000, include_seen=True, exclude=excluded)))
        == set()
    )
    both = guide.recommend_group([1, 2], 10_000)
    assert ids(guide.recommend_group([1, 2], 10_000, exclude=ids(both)[:2])) == ids(both)[2:]
    with pytest.raises(UnknownNameError):
        guide.recommend(1, exclude=[8])


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (Filters(), ""),
        (Filters(("Drama", "War")), "of genre Drama or War"),
        (Filters(not_genres=("War",), years=(1990, None)), "not of genre War, from 1990 on"),
        (Filters(years=(None, 1960)), "up to 1960"),
        (
            Filters(years=(1980, 1999), min_ratings=20),
            "from 1980 to 1999, with at least 20 ratings",
        ),
    ],
)
def test_filters_are_read_aloud(filters: Filters, words: str) -> None:
    assert str(filters) == words


def test_too_few_items_are_explained(guide: Guide) -> None:
    found = guide.recommend({7: 5.0}, 10, Filters(("Drama",), years=(1900, 1904)))
    assert ids(found) == sorted(ids(found), key=ids(found).index)
    assert set(ids(found)) == {17, 47}
    assert found.note == (
        "2 instead of 10: 3 of the 120 films match the filters (of genre Drama, from 1900 to 1904; "
        "the year of 2 films is unknown), "
        "and 1 of them is already rated; "
        "for more, loosen the genre or years, or include seen films."
    )
    found = guide.recommend({7: 5.0}, 500)
    assert (len(found.items), found.note) == (
        119,
        "119 instead of 500: there are 120 films, and 1 of them is already rated; for more, include seen films.",
    )
    found = guide.recommend(1, 500, include_seen=True)
    assert found.note == "120 instead of 500: there are 120 films."
    found = guide.recommend(1, 10, Filters(min_ratings=10_000))
    assert (found.items, found.note) == (
        [],
        "0 instead of 10: 0 of the 120 films match the filters (with at least 10000 ratings); "
        "for more, loosen the number of ratings.",
    )


def test_an_unknown_genre_lists_the_genres(guide: Guide) -> None:
    told = "No genre 'Western'. The genres are: Comedy, Drama, Sci-Fi."
    assert (
        error_message(UnknownNameError, guide.recommend, 1, 10, Filters(genres=("Western",)))
        == told
    )
    assert (
        error_message(UnknownNameError, guide.recommend, 1, 10, Filters(not_genres=("Western",)))
        == told
    )
    bare = Guide(guide.model)
    assert error_message(UnknownNameError, bare.recommend, 1, 10, Filters(("Drama",))) == (
        "No genre 'Drama'. The data has no genres."
    )


@pytest.mark.parametrize("k", [0, -3])
def test_a_list_has_at_least_one_place(guide: Guide, k: int) -> None:
    assert error_message(SettingError, guide.recommend, 1, k) == f"k must be at least 1, not {k}."
    assert error_message(SettingError, guide.similar, 7, k) == f"k must be at least 1, not {k}."


def test_asking_changes_nothing(guide: Guide) -> None:
    before = guide.recommend(1, 50)
    guide.recommend(1, 5, Filters(genres=("Drama",), min_ratings=60), include_seen=True)
    guide.similar(7, 5)
    guide.newcomer({7: 5.0})
    assert guide.recommend(1, 50) == before


# -- lines -------------------------------------------------------------------------------------------------------


def test_a_line_has_title_score_and_popularity(guide: Guide) -> None:
    line = guide.recommend(1, 1, Filters(years=(1950, 1950)), include_seen=True).items[0]
    index = guide.model.items_.index(507)
    assert line.to_dict() == {
        "item_id": 507,
        "title": "The Film no. 50 (1950)",
        "year": 1950,
        "genres": ["Sci-Fi"],
        "score": round(line.score, 4),
        "stars": round(guide.predict(1, 507), 3),
        "n_ratings": int(guide.model.item_counts_[index]),
        "mean": round(float(guide.model.item_means_[index]), 3),
        "percentile": round(line.percentile or 0, 6),
    }


def test_an_item_without_title_is_called_by_its_id(guide: Guide) -> None:
    line = next(
        one for one in guide.recommend(1, 500, include_seen=True).items if one.item_id == UNTITLED
    )
    assert line.film == Film(str(UNTITLED))
    assert guide.predict(1, str(UNTITLED)) == guide.model.predict(1, UNTITLED)
    assert guide.similar(UNTITLED, 3).items


def test_an_item_without_ratings_has_no_mean() -> None:
    ratings = Ratings.from_ids([1, 1, 2, 2], [1, 2, 1, 3], [1.0, 2.0, 3.0, 4.0])
    model = Baseline().fit(ratings.subset(ratings.item_index != 2))
    line = next(
        one for one in Guide(model).recommend(1, 3, include_seen=True).items if one.item_id == 3
    )
    assert (line.n_ratings, line.mean, line.to_dict()["mean"]) == (0, None, None)


def test_a_model_that_only_ranks_gives_no_stars() -> None:
    guide = Guide(Popularity().fit(simulated(), n_threads=1))
    assert {line.stars for line in guide.recommend(1).items} == {None}
    assert guide.recommend(1).items[0].to_dict()["stars"] is None
    assert error_message(UnsupportedError, guide.predict, 1, 7) == (
        "popularity ranks items and does not predict stars; use baseline or mf."
    )


# -- titles for ids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [27, "27", "The Film no. 2 (1902)", "film no 2", "FILM, NO. 2", "Twins (1920)"]
)
def test_a_title_stands_wherever_an_id_can(guide: Guide, text: Id) -> None:
    item_id = 207 if "Twins" in str(text) else 27
    assert guide.item_id(text) == item_id
    assert guide.predict(1, text) == guide.model.predict(1, item_id)
    assert guide.similar(text, 3) == guide.similar(item_id, 3)


def test_an_ambiguous_title_lists_what_it_may_mean(guide: Guide) -> None:
    assert error_message(UnknownNameError, guide.predict, 1, "twins") == (
        "'twins' is the title of 2 items: 207 = Twins (1920); 217 = Twins (1921). Give the id or the year in brackets."
    )


def test_a_misspelled_title_suggests_the_right_one(guide: Guide) -> None:
    assert error_message(UnknownNameError, guide.similar, "Twinz (1920)") == (
        "No item or title 'Twinz (1920)' among the 120 items. Did you mean 'Twins (1920)' (id 207) or "
        "'Twins (1921)' (id 217)?"
    )


def test_nonsense_suggests_nothing(guide: Guide) -> None:
    assert (
        error_message(UnknownNameError, guide.item_id, "qqqq")
        == "No item or title 'qqqq' among the 120 items."
    )


def test_an_unknown_person_is_reported(guide: Guide) -> None:
    told = "No user '9999' among the 300 this model was trained on. Did you mean '99'?"
    assert error_message(UnknownNameError, guide.recommend, 9999) == told


# -- newcomers ---------------------------------------------------------------------------------------------------


def test_a_newcomer_may_give_titles_and_ids_and_gets_a_list_at_once(guide: Guide) -> None:
    profile, unknown = guide.newcomer({"Film no. 2": 5.0, "47": 1.0, 67: 4.5})
    assert unknown == []
    assert guide.model.items_.ids[profile.item_index].tolist() == [27, 47, 67]
    assert profile.value.tolist() == [5.0, 1.0, 4.5]
    found = guide.recommend(profile, 20)
    assert len(found.items) == 20
    assert not {27, 47, 67} & set(ids(found))


def test_films_that_nobody_knows_are_left_out_and_named(guide: Guide) -> None:
    profile, unknown = guide.newcomer({"Film no. 2": 5.0, "qqqq": 1.0})
    assert guide.model.items_.ids[profile.item_index].tolist() == [27]
    assert unknown == ["No item or title 'qqqq' among the 120 items."]


def test_a_newcomer_with_only_unknown_films_is_reported(guide: Guide) -> None:
    assert error_message(DataError, guide.newcomer, {"qqqq": 5.0, "wwww": 1.0}) == (
        "The model knows none of the 2 rated items. The first: No item or title 'qqqq' among the 120 items."
    )


def test_a_film_rated_by_id_and_by_title_counts_once_and_last(guide: Guide) -> None:
    profile, _ = guide.newcomer({27: 1.0, "Film no. 2": 5.0})
    assert profile.value.tolist() == [5.0]


def test_a_person_without_ratings_gets_the_average_list(guide: Guide) -> None:
    profile, unknown = guide.newcomer({})
    assert unknown == []
    assert len(guide.recommend(profile).items) == 10


@pytest.mark.parametrize("stars", [0.0, 11.0, float("nan"), float("inf")])
def test_stars_outside_the_scale_are_refused(guide: Guide, stars: float) -> None:
    assert error_message(DataError, guide.newcomer, {"Film no. 2": stars}) == (
        f"The rating {stars:g} for item '27' is outside the scale 1 to 5 in steps of 0.5."
    )


# -- what is alike -----------------------------------------------------------------------------------------------


def test_the_floor_leaves_out_items_with_few_ratings() -> None:
    guide = few()
    found = guide.similar(7)
    assert set(ids(found)) == {17, 27, 37, 57}  # the floor is at least 5
    assert found.note == "4 instead of 10: 1 film with fewer than 5 ratings is left out."
    assert guide.similar(7, 4).note == "1 film with fewer than 5 ratings is left out."
    assert set(ids(guide.similar(7, min_ratings=10))) == {17, 27, 37}
    assert guide.similar(7, 5, min_ratings=0).note == ""
    assert guide.similar(47, 2).items  # an item below the floor may be asked about


def test_a_short_list_of_similar_items_is_explained() -> None:
    found = few().similar(7, 10, min_ratings=0)
    assert (len(found.items), found.note) == (5, "5 instead of 10: there are 6 films.")


def test_an_item_is_not_like_itself_and_cosines_fall(guide: Guide) -> None:
    found = guide.similar("Film no. 2", 119, min_ratings=0)
    scores = [line.score for line in found.items]
    assert 27 not in ids(found)
    assert scores == sorted(scores, reverse=True)
    assert all(-1.0001 <= score <= 1.0001 for score in scores)


def test_a_model_without_factors_names_one_that_has_them() -> None:
    guide = Guide(Popularity().fit(simulated(), n_threads=1))
    assert error_message(UnsupportedError, guide.similar, 7) == (
        "popularity has no item factors, so it cannot say what is similar; use hybrid, or --by co-rating."
    )


# -- as a whole --------------------------------------------------------------------------------------------------


def test_a_guide_needs_a_fitted_model() -> None:
    assert error_message(NotFittedError, Guide, Baseline()) == (
        "This baseline model is not fitted: call fit(ratings), or load a saved model."
    )


def test_a_guide_goes_through_a_file(guide: Guide, tmp_path: Path) -> None:
    guide.save(tmp_path / "g.matinee")
    other = Guide.load(tmp_path / "g.matinee")
    assert other.recommend(1, 50, Filters(("Drama",))) == guide.recommend(
        1, 50, Filters(("Drama",))
    )
    assert other.similar("Film no. 2") == guide.similar("Film no. 2")
    assert other.origin == guide.origin


def test_a_filter_by_years_says_that_no_year_is_known() -> None:
    guide = Guide(Baseline().fit(simulated(), n_threads=1))
    found = guide.recommend(1, 10, Filters(years=(1990, None)))
    assert (found.items, found.note) == (
        [],
        "No film has a known year, so a filter by years leaves none; leave it out.",
    )


def test_ids_that_are_titles_give_the_years() -> None:
    users, items = [1, 1, 2, 2, 3, 3], ["Pelt (1988)", "Quay (2003)"] * 3
    ratings = Ratings.from_ids(users, items, [1.0, 5.0, 2.0, 4.0, 1.0, 3.0])
    guide = Guide(Baseline().fit(ratings, n_threads=1))
    found = guide.recommend(1, 2, Filters(years=(1990, None)), include_seen=True)
    assert [line.film for line in found.items] == [Film("Quay (2003)", 2003)]


def test_filters_follow_a_model_that_is_fitted_again_to_other_films() -> None:
    films: dict[Id, Film] = {
        item: Film(f"Film {item} (1990)", 1990, ("Drama",)) for item in range(1, 1000)
    }
    guide = Guide(Baseline().fit(simulated(), n_threads=1), Catalog(films))
    before = guide.allowed(Filters(genres=("Drama",)))
    guide.model.fit(simulated(50, 40, 800, seed=3), n_threads=1)
    after = guide.allowed(Filters(genres=("Drama",), years=(1990, None)))
    assert (len(before), len(after)) == (120, 40)
    assert after.all()


# -- arguments of any type ---------------------------------------------------------------


@pytest.mark.parametrize("k", [3, 3.0, np.int64(3)])
def test_lists_have_lengths_of_any_type(guide: Guide, k: Any) -> None:
    assert guide.recommend(1.0, k) == guide.recommend(1, 3)  # type: ignore[arg-type]
    assert guide.recommend_group([1, np.float64(2)], k) == guide.recommend_group([1, 2], 3)  # type: ignore[list-item]
    assert guide.similar(7, k) == guide.similar(7, 3)
    assert next(guide.recommend_everybody(k)).equals(next(guide.recommend_everybody(3)))


@pytest.mark.parametrize("k", [2.5, None, "3", [3]])
def test_what_is_no_length_is_refused_by_every_list(guide: Guide, k: Any) -> None:
    for told in (
        error_message(SettingError, guide.recommend, 1, k),
        error_message(SettingError, guide.recommend_group, [1], k),
        error_message(SettingError, guide.similar, 7, k),
        error_message(SettingError, guide.recommend_everybody, k),
    ):
        assert told.startswith("k must be a whole number, not ")


def test_a_newcomer_may_be_a_series_and_nothing_else(guide: Guide) -> None:
    stars = {7: 5.0, "The Film no. 2 (1902)": 1.0}
    series: Any = pd.Series(stars)
    assert guide.newcomer(series)[0].vector.tolist() == guide.newcomer(stars)[0].vector.tolist()
    pairs: Any = [(7, 5.0)]
    assert error_message(DataError, guide.newcomer, pairs).startswith("A person is a user id, or ")
    user: Any = 1
    assert error_message(DataError, guide.newcomer, user) == (
        "Give the ratings of a new person as {id or title: stars}."
    )


def test_one_item_or_person_in_place_of_a_list_is_refused(guide: Guide) -> None:
    one: Any = 7
    told = error_message(DataError, lambda: guide.recommend(1, exclude=one))
    assert told == "exclude must be a list, not '7'."
    assert error_message(DataError, guide.recommend_group, one) == "people must be a list, not '7'."
    ratings: Any = {7: 5.0}
    assert error_message(DataError, guide.recommend_group, ratings) == (
        "people must be a list of people, not the ratings of one person."
    )
    assert guide.recommend(1, exclude=np.array([7, 17])) == guide.recommend(1, exclude=[7, 17])


def test_pairs_may_be_columns_of_any_kind(guide: Guide) -> None:
    users, items = pd.Series([1, None, 2]), np.array([7, 7, 17])
    stars = guide.predict_pairs(users, items)  # type: ignore[arg-type]
    assert np.isnan(stars).tolist() == [False, True, False]
    assert stars[[0, 2]].tolist() == guide.predict_pairs([1, 2], [7, 17]).tolist()
    one: Any = 1
    assert error_message(DataError, guide.predict_pairs, one, 7) == (
        "Give a list of user ids, not a value of type int."
    )
