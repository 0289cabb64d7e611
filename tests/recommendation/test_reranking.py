"""Dials: every model's list turned from obscure to popular and from alike to varied, always of exactly k items."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matinee.data.catalog import Catalog, Film
from matinee.data.ratings import Ratings, Scale
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnsupportedError
from matinee.evaluation.ranking import diversity
from matinee.models.baseline import Baseline
from matinee.models.ials import ImplicitALS
from matinee.models.knn import ItemKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.popularity import Popularity
from matinee.recommendation.filters import Filters
from matinee.recommendation.guide import Guide
from matinee.recommendation.reranking import (
    AS_RANKED,
    Dials,
    diversify,
    similarities_among,
    towards,
)
from matinee.recommendation.suggestions import Suggestions
from tests.conftest import real_data
from tests.helpers import (
    Model,
    as_json,
    each_kind_of_model,
    every_model,
    good,
    guide,
    ids,
    misused,
    popular_table,
    refused,
    unary,
)

GENRES = ("Comedy", "Drama", "Horror", "Sci-Fi", "War")
SOME = range(1, 200, 12)
"""User ids to ask for."""


def index(one: Guide, found: Suggestions) -> NDArray[np.int64]:
    return np.array([one.model.items_.index(item_id) for item_id in ids(found)])


# -- as they stand -----------------------------------------------------------------------------------------------


@each_kind_of_model
def test_dials_at_rest_leave_the_list_as_the_model_ranks_it(model: Model) -> None:
    one = guide(model)
    for user in (1, 77, 250):
        plain = one.model.recommend(user, 20)
        for found in (one.recommend(user, 20), one.recommend(user, 20, dials=Dials(0, 0))):
            assert [
                (line.item_id, line.score, line.stars, line.deviation) for line in found.items
            ] == plain
            assert found.note == ""


@each_kind_of_model
def test_a_turned_list_keeps_the_scores_of_the_model(model: Model) -> None:
    one = guide(model)
    scores = {each.item_id: (each.score, each.stars) for each in one.model.recommend(5, 1000)}
    for line in one.recommend(5, 12, dials=Dials(-0.7, 0.6)).items:
        assert scores[line.item_id] == (line.score, line.stars)


@pytest.mark.parametrize(
    ("popularity", "told"),
    [
        (1.5, "popularity must be from -1 (obscure) to 1 (popular), not 1.5."),
        (-2, "popularity must be from -1 (obscure) to 1 (popular), not -2."),
        (float("nan"), "popularity must be from -1 (obscure) to 1 (popular), not nan."),
    ],
)
def test_a_popularity_outside_its_range_is_refused(popularity: float, told: str) -> None:
    with pytest.raises(SettingError) as caught:
        Dials(popularity=popularity)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (-0.1, "diversity must be from 0 (as ranked) to 1 (varied), not -0.1."),
        (7, "diversity must be from 0 (as ranked) to 1 (varied), not 7."),
        (float("nan"), "diversity must be from 0 (as ranked) to 1 (varied), not nan."),
    ],
)
def test_a_diversity_outside_its_range_is_refused(given: float, told: str) -> None:
    with pytest.raises(SettingError) as caught:
        Dials(diversity=given)
    assert str(caught.value) == told


# -- popularity --------------------------------------------------------------------------------------------------


@each_kind_of_model
def test_lists_get_more_popular_from_one_end_of_the_dial_to_the_other(model: Model) -> None:
    one = guide(model)
    few = 5  # of 7,500 ratings
    known = []
    for popularity in (-1, -0.5, -0.2, 0, 0.2, 0.5, 1):
        lists = [one.recommend(user, 10, dials=Dials(popularity)) for user in SOME]
        # Below `few` nothing counts as more obscure.
        known.append(
            np.mean([np.log1p(max(few, line.n_ratings)) for found in lists for line in found.items])
        )
    assert all(less <= more + 1e-9 for less, more in pairwise(known)), known
    assert known[0] < known[3] <= known[-1]
    if model is not Popularity:
        assert known[3] < known[-1]


@given(seed=st.integers(0, 2**32 - 1))
def test_the_distance_from_the_wanted_popularity_never_grows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, k, few = int(rng.integers(2, 400)), 10, int(rng.integers(1, 50))
    scores, counts = rng.normal(size=n).round(1), rng.geometric(0.02, n) - 1
    known = np.log1p(counts)
    middle = (known.min() + known.max()) / 2
    for sign, target in ((1, known.max()), (-1, np.clip(np.log1p(few), known.min(), middle))):
        far = []
        for strength in (1e-6, 0.1, 0.3, 0.6, 1):
            best = np.argsort(-towards(scores, counts, sign * strength, few), kind="stable")[:k]
            far.append(np.abs(known[best] - target).sum())
        assert all(later <= earlier + 1e-9 for earlier, later in pairwise(far)), far


def test_the_formula_is_that_of_the_page() -> None:
    scores = np.array([5.0, 4.0, 4.0, 1.0], np.float32)
    counts = np.array([0, 7, 99, 19])
    ranks = np.array([1, 2.5, 2.5, 4])  # equal scores have one rank
    known = np.log(1 + counts)
    for popularity, target in ((0.6, known[2]), (-0.6, np.log(1 + 8))):
        d = np.abs(known - target) / np.abs(known - target).max()
        assert np.allclose(
            towards(scores, counts, popularity, 8),
            np.log((5 - ranks) / ranks) - 0.6 * np.log(4) * d,
        )


def test_the_obscure_end_wants_few_ratings_rather_than_one_lucky_five() -> None:
    rng = np.random.default_rng(0)
    counts = np.sort(rng.geometric(0.004, 2000))[::-1].copy()
    counts[500:800] = 1
    scores = rng.normal(3, 0.5, 2000)
    scores[500:800] = 5  # what one person each gave five stars
    best = np.argsort(-towards(scores, counts, -1, 20), kind="stable")[:10]
    plain = np.argsort(-scores, kind="stable")[:10]
    assert (counts[plain] == 1).all()
    assert np.mean(counts[best] == 1) <= 0.3
    assert np.median(counts[best]) < np.median(counts) / 2


def test_where_all_have_as_many_ratings_the_dial_changes_nothing() -> None:
    scores = np.array([1.0, 3.0, 2.0])
    for popularity in (-1, 1):
        assert np.argsort(-towards(scores, np.array([4, 4, 4]), popularity, 5)).tolist() == [
            1,
            2,
            0,
        ]
        assert towards(np.array([2.0]), np.array([9]), popularity, 5).tolist() == [0]


def test_equal_scores_are_ordered_by_popularity_alone() -> None:
    counts = np.array([3, 40, 12, 700])
    assert np.argsort(-towards(np.ones(4), counts, 0.01, 5)).tolist() == [3, 1, 2, 0]
    assert np.argsort(-towards(np.ones(4), counts, -0.01, 12)).tolist() == [2, 1, 0, 3]


# -- diversity ---------------------------------------------------------------------------------------------------


def spread(one: Guide, found: Suggestions) -> float:
    """1 minus the mean similarity of all pairs of a list, by what the list was varied by."""
    chosen = index(one, found)
    row, _ = similarities_among(one.model, one.catalog, chosen)
    return 1 - float(np.mean([row(a)[b] for a, b in combinations(range(len(chosen)), 2)]))


@each_kind_of_model
def test_lists_get_more_varied_as_the_dial_is_turned(model: Model) -> None:
    one = guide(model)
    spreads = [
        float(
            np.mean(
                [spread(one, one.recommend(user, 10, dials=Dials(diversity=much))) for user in SOME]
            )
        )
        for much in (0, 0.3, 0.6, 1)
    ]
    slack = 0.02 * (
        max(spreads) - min(spreads)
    )  # the next item is the best, but the list need not be
    assert all(less <= more + slack for less, more in pairwise(spreads)), spreads
    assert spreads[0] < spreads[-1]


@each_kind_of_model
def test_the_best_item_stays_first_and_the_note_names_the_similarity(model: Model) -> None:
    one = guide(model)
    plain, found = one.recommend(9, 10), one.recommend(9, 10, dials=Dials(diversity=1))
    assert ids(found)[0] == ids(plain)[0]
    assert ids(found) != ids(plain)
    try:
        one.model.likeness(0)
        by_what = f"what {model.name} learned about the items"
    except UnsupportedError:
        by_what = "genre"
    assert found.note == f"Varied by {by_what}."


def test_each_next_item_is_the_one_of_the_highest_marginal_relevance() -> None:
    rng = np.random.default_rng(1)
    units = rng.normal(size=(40, 4))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    similarity = units @ units.T
    relevance = [1 - np.log(place) / np.log(40) for place in range(1, 41)]
    off = similarity[:10].copy()
    off[np.arange(10), np.arange(10)] = similarity[:10].min(axis=1)
    contrast = sorted(off.max(axis=1) - off.mean(axis=1))[5]
    for much in (0.2, 0.5, 0.9):
        chosen = [0]
        while len(chosen) < 12:
            worth = {
                one: (1 - much) * relevance[one]
                - much * max(similarity[one, other] for other in chosen) / contrast
                for one in range(40)
                if one not in chosen
            }
            chosen.append(max(worth, key=lambda one: worth[one]))
        assert diversify(lambda place: similarity[place], 40, 12, much).tolist() == chosen


def test_a_similarity_by_factors_is_that_of_similar() -> None:
    model = guide(MatrixFactorization).model
    items = np.arange(0, 150, 7)
    row, _ = similarities_among(model, Catalog(), items)
    for place, item in enumerate(items.tolist()):
        assert np.allclose(row(place), model.likeness(item)[items], atol=1e-5)


def test_without_factors_genres_tell_items_apart_and_without_genres_the_people_who_rated_them() -> (
    None
):
    model = guide(Popularity).model
    items, item_ids = np.array([0, 1, 2]), [7, 17, 27]
    genres = (("War",), ("Comedy", "War"), ("Comedy",))
    films: dict[Id, Film] = {
        one: Film(str(one), None, given) for one, given in zip(item_ids, genres, strict=True)
    }
    row, words = similarities_among(model, Catalog(films), items)
    assert (row(0).tolist(), words) == (pytest.approx([1, 0.5**0.5, 0]), "genre")
    one_genre = Catalog({item_id: Film(str(item_id), None, ("War",)) for item_id in item_ids})
    for known in (one_genre, Catalog()):
        row, words = similarities_among(model, known, items)
        assert words == "who rated the items"
        pair = np.array([[0, 1]], np.int32)
        assert row(0)[1] == pytest.approx(1 - diversity(model, pair, np.ones((1, 2), bool))[0])
        assert row(2)[2] == pytest.approx(1)


def test_a_note_says_if_nothing_distinguishes_the_items() -> None:
    bare = Popularity().fit(popular_table(), n_threads=1)
    bare.history_ = bare.history_.without_ratings()
    with pytest.raises(UnsupportedError) as caught:
        Guide(bare).recommend({7: 5.0}, dials=Dials(diversity=0.5))
    assert str(caught.value) == (
        "Nothing tells how similar these items are: popularity has no item factors, the genres of the items are "
        "missing or all the same, and this file was saved without histories. Leave out the diversity, or use mf."
    )
    assert len(Guide(bare).recommend({7: 5.0}, dials=Dials(0.5)).items) == 10


# -- exactly k ---------------------------------------------------------------------------------------------------


@each_kind_of_model
def test_there_are_exactly_k_after_every_filter_and_dial(model: Model) -> None:
    one = guide(model)
    for k, filters in (
        (1, Filters()),
        (7, Filters(("Drama",))),
        (60, Filters(not_genres=("War",))),
    ):
        for dials in (Dials(-1), Dials(1, 1), Dials(diversity=0.5), Dials(-0.3, 0.9)):
            found = one.recommend(2, k, filters, dials=dials)
            assert len(set(ids(found))) == k
            assert not set(index(one, found).tolist()) & set(
                one.model.profile(2).item_index.tolist()
            )
            assert "instead of" not in found.note
            for line in found.items:
                assert not filters.genres or "Drama" in line.film.genres
                assert "War" not in line.film.genres or not filters.not_genres


def test_reranking_does_not_shorten_a_short_list_and_both_notes_are_given() -> None:
    one = guide(MatrixFactorization)
    filters = Filters(("War",), years=(1950, 1965), min_ratings=3)
    plain = one.recommend(2, 40, filters)
    found = one.recommend(2, 40, filters, dials=Dials(-1, 1))
    assert len(ids(found)) > 4
    assert set(ids(found)) == set(ids(plain))
    assert plain.note.endswith(
        "; for more, loosen the genre or years or number of ratings, or include seen films."
    )
    assert found.note == f"{plain.note} Varied by what mf learned about the items."
    nothing = one.recommend(2, 5, Filters(min_ratings=10**6), dials=Dials(1, 1))
    assert (nothing.items, nothing.note) == (
        [],
        "0 instead of 5: 0 of the 150 films match the filters (with at least 1000000 ratings); "
        "for more, loosen the number of ratings.",
    )


@every_model
def test_three_items_are_enough(model: Model) -> None:
    few = Ratings.from_ids(
        [1, 1, 2, 2, 3], [1, 2, 2, 3, 1], [4.0, 2.0, 5.0, 3.0, 1.0], scale=Scale(1, 5, 1)
    )
    one = Guide(model().fit(few, n_threads=1))
    for dials in (AS_RANKED, Dials(-1), Dials(1), Dials(diversity=1), Dials(-0.5, 0.5)):
        assert sorted(ids(one.recommend({}, 3, dials=dials)), key=str) == [1, 2, 3]
        short = one.recommend(1, 10, dials=dials)
        assert ids(short) == [3]
        assert short.note.startswith(
            "1 instead of 10: there are 3 films, and 2 of them are already rated; for more, include seen films."
        )


@pytest.mark.parametrize("model", [ImplicitALS, Popularity, ItemKNN], ids=lambda model: model.name)
def test_a_table_of_who_has_what_can_be_turned(model: Model) -> None:
    one = Guide(model().fit(unary(), n_threads=1))
    lists = [one.recommend(4, 10, dials=Dials(popularity)) for popularity in (-1, 0, 1)]
    means = [np.log1p([line.n_ratings for line in found.items]).mean() for found in lists]
    assert means[0] < means[1] <= means[2]
    assert len(set(ids(one.recommend(4, 10, dials=Dials(0.5, 0.5))))) == 10


def test_asking_in_several_threads_gives_the_same_and_changes_nothing() -> None:
    one, dials = guide(MatrixFactorization), Dials(-0.4, 0.4)
    people = [*SOME] * 4
    alone = [one.recommend(user, 10, dials=dials) for user in people]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda user: one.recommend(user, 10, dials=dials), people))
    assert together == alone
    assert one.recommend(1, 10, dials=replace(dials, popularity=0, diversity=0)) == one.recommend(
        1, 10
    )


def test_on_real_ratings_both_dials_do_what_they_say() -> None:
    from matinee.data.datasets.load import load

    data = load(str(real_data("ml-100k")))
    one = Guide(Baseline().fit(data.ratings, n_threads=1), data.catalog)
    users = list(range(1, 200, 20))
    counts = {
        popularity: [
            line.n_ratings
            for user in users
            for line in one.recommend(user, 10, dials=Dials(popularity)).items
        ]
        for popularity in (-1, 0, 1)
    }
    geometric = [float(np.exp(np.log1p(of_lists).mean())) for of_lists in counts.values()]
    assert geometric[0] < geometric[1] / 2
    assert geometric[1] * 1.1 < geometric[2]  # cautious lists hold well-known films as they are
    assert np.median(counts[-1]) >= 10  # not only what one person gave five stars
    genres = [
        len(
            {
                genre
                for line in one.recommend(1, 10, dials=Dials(0, much)).items
                for genre in line.film.genres
            }
        )
        for much in (0, 1)
    ]
    assert genres[0] < genres[1]


# -- the command line --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dials") / "films.matinee"
    guide(MatrixFactorization).save(path)
    return path


def test_the_dials_of_the_command_line_are_those_of_the_library(file: Path) -> None:
    one = guide(MatrixFactorization)
    plain = as_json("recommend", file, "--user", 1)
    assert as_json("recommend", file, "--user", 1, "--popularity", 0, "--diversity", 0) == plain
    assert set(plain) == {"user", "k", "items", "note"}
    for words, dials in (
        (("--popularity", "-1"), Dials(-1)),
        (("--popularity=.5", "--diversity", "0.25"), Dials(0.5, 0.25)),
        (("--taste", "1"), Dials(taste=1)),
        (("--taste=.6", "--popularity", "-0.5"), Dials(-0.5, taste=0.6)),
    ):
        found = as_json("recommend", file, "--user", 1, *words)
        assert [line["item_id"] for line in found["items"]] == ids(
            one.recommend(1, 10, dials=dials)
        )
        assert set(found) == set(plain)
        assert set(found["items"][0]) == set(plain["items"][0])
    told = good("recommend", file, "--user", 1, "--diversity", 1).stderr
    assert told == "Varied by what mf learned about the items.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--popularity", 2),
            "Invalid value for '--popularity': 2.0 is not in the range -1<=x<=1.",
        ),
        (
            ("--popularity", "high"),
            "Invalid value for '--popularity': 'high' is not a valid float range.",
        ),
        (
            ("--diversity", "-0.5"),
            "Invalid value for '--diversity': -0.5 is not in the range 0<=x<=1.",
        ),
        (("--taste", "1.5"), "Invalid value for '--taste': 1.5 is not in the range 0<=x<=1."),
    ],
)
def test_a_wrong_dial_is_reported_in_one_line(
    file: Path, words: tuple[object, ...], told: str
) -> None:
    assert misused("recommend", file, "--user", 1, *words) == told


def test_a_dial_that_is_not_a_number_is_reported_in_one_line(file: Path) -> None:
    told = refused("recommend", file, "--user", 1, "--diversity", "nan")
    assert told == "diversity must be from 0 (as ranked) to 1 (varied), not nan."


def test_a_taste_changes_the_lists_of_one_person_of_a_group_and_of_everybody(
    file: Path, tmp_path: Path
) -> None:
    one, dials, out = guide(MatrixFactorization), Dials(taste=1), tmp_path / "lists.jsonl"
    words = ("recommend", file, "--user", 1)
    assert as_json(*words, "--taste", 0) == as_json(*words)
    found = [line["item_id"] for line in as_json(*words, "--taste", 1)["items"]]
    assert found != [line["item_id"] for line in as_json(*words)["items"]]
    group = [line["item_id"] for line in as_json(*words, "--user", 2, "--taste", 1)["items"]]
    assert group == ids(one.recommend_group([1, 2], 10, dials=dials))
    good("recommend", file, "--everybody", "--out", out, "--taste", 1)
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [row["item_id"] for row in rows if row["user_id"] == 1] == found
    refused_of_bayes = refused(*words, "--taste", 1, "--include-unrated")
    assert refused_of_bayes.endswith("leave out the popularity, the diversity and the taste.")
