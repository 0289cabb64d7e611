"""Hybrid: stars of one member, lists of several."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.features import Features
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.split import random_split
from matinee.data.vocabulary import Id
from matinee.errors import SettingError, UnknownNameError
from matinee.models import ease, hybrid
from matinee.models.bayes.model import BayesianMF
from matinee.models.genre_taste import genre_taste, item_content
from matinee.models.hybrid import Hybrid
from matinee.models.ials import ImplicitALS
from matinee.models.list_scores import caution
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.members import chosen_weights
from matinee.models.stacking import ndcg, standardized
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import simulated

SMALL = {"mf.factors": 4, "ials.factors": 8, "ials-all.factors": 8}
N_GENRES = 4


@cache
def table() -> Ratings:
    """Ratings of 300 people, of whom each likes one of four genres and dislikes the next."""
    plain = simulated(300, 120, 9_000, signal=0.5)
    genre = np.arange(plain.n_items) % N_GENRES
    taste = plain.user_index % N_GENRES
    liking = (genre[plain.item_index] == taste) * 1.0 - (
        genre[plain.item_index] == (taste + 1) % N_GENRES
    )
    value = np.clip(np.round(plain.value + 1.2 * liking), 1, 5).astype(np.float32)
    features = Features.of([[f"genre: {one}", f"year: {1990 + one}"] for one in genre.tolist()])
    return Ratings(
        plain.users,
        plain.items,
        plain.user_index,
        plain.item_index,
        value,
        None,
        plain.scale,
        item_features=features,
    )


@cache
def fitted(stars: str = "mf") -> Hybrid:
    return Hybrid.from_settings({"stars": stars, **SMALL}).fit(table(), n_threads=1)


def lover_of(genre: int, n: int = 5) -> dict[Id, float]:
    """A newcomer who gives the highest stars to n items of a genre, and the lowest to n of the next."""
    by_count = np.argsort(-fitted().item_counts_, kind="stable")
    of = [by_count[by_count % N_GENRES == one % N_GENRES][:n] for one in (genre, genre + 1)]
    ids = fitted().items_.ids
    return {
        int(ids[item]): stars for items, stars in zip(of, (5.0, 1.0), strict=True) for item in items
    }


def genres_listed(person: dict[Id, float], taste: float | None) -> list[int]:
    scores = fitted().scores(person, taste)
    scores[fitted().items_.indices(person)] = -np.inf
    listed: list[int] = (np.argsort(-scores)[:8] % N_GENRES).tolist()
    return listed


def test_stars_are_those_of_the_member_alone() -> None:
    alone = MatrixFactorization(factors=4).fit(table(), n_threads=1)
    assert fitted().predict_ratings(table()).tobytes() == alone.predict_ratings(table()).tobytes()
    person = lover_of(0)
    assert fitted().predict(person, 7) == alone.predict(person, 7)
    assert fitted().deviations(person, np.arange(3)) is None


def test_certainty_is_that_of_the_member() -> None:
    settings = {"stars": "bayes", "bayes.samples": 12, "bayes.burn_in": 4, "bayes.factors": 3}
    one = Hybrid.from_settings({**settings, **{k: v for k, v in SMALL.items() if k[:2] != "mf"}})
    one.fit(table(), n_threads=1)
    found = one.deviations(lover_of(0), np.arange(5))
    member = one.predictor
    assert isinstance(member, BayesianMF)
    np.testing.assert_array_equal(found, member.deviations(lover_of(0), np.arange(5)))


@pytest.mark.parametrize("taste", [0.0, 0.3, 1.0])
def test_scores_are_the_formula(taste: float) -> None:
    one, person = fitted(), lover_of(1)
    items, value = one.items_.indices(person), np.array(list(person.values()), np.float32)
    stars = one.all_stars(person).astype(np.float64)
    average = one.all_stars({}).astype(np.float64)
    content = item_content(table(), float(one.global_mean_))
    liked = content.features @ genre_taste(content, items, value, float(one.global_mean_))
    genres = np.sign(liked) * np.maximum(np.abs(liked) - 0.1, 0)  # a quarter of the scale is 1
    choice = -0.8 * standardized(np.log1p(one.item_counts_)[None].astype(np.float32))[0]
    for name, weight in one.member_weights().items():
        choice = choice + 4 * weight * standardized(one.members()[name].scores(person)[None])[0]
    lower = stars - caution(one.scale_, one.item_counts_) + 2 * genres
    beyond = stars - average - (stars - average).mean()
    expected = (
        (8.3 - 7.7 * taste) * np.log1p(np.log1p(np.exp(choice)))
        - 0.5 * np.log1p(np.exp(-(lower - 4 + 0.25) / 0.53))
        + 10 * taste * (genres + 0.3 * beyond)
        - 4.5 * (1 + taste) / np.sqrt(one.item_counts_ + 1)
    )
    np.testing.assert_allclose(one.scores(person, taste), expected, atol=1e-4)


@pytest.mark.parametrize("genre", range(N_GENRES))
def test_a_newcomer_who_loves_a_genre_and_dislikes_another_is_listed_the_one(genre: int) -> None:
    listed = genres_listed(lover_of(genre), None)
    assert listed.count(genre) >= 4
    assert listed.count((genre + 1) % N_GENRES) == 0
    assert genres_listed(lover_of(genre), 1).count(genre) >= max(6, listed.count(genre))


def test_known_users_and_newcomers_with_the_same_ratings_have_the_same_taste() -> None:
    one = fitted()
    user = one.users_.id(5)
    items, value = one.history_.of(5)
    same = dict(zip(one.items_.ids[items].tolist(), value.tolist(), strict=True))
    width = one.genre_tastes_.shape[1]
    assert width == N_GENRES
    known, new = one.profile(user).vector[-width:], one.fold_in(same).vector[-width:]
    np.testing.assert_allclose(known, new, atol=1e-6)


def test_a_film_is_there_because_of_liked_ratings_alone() -> None:
    person = lover_of(2)
    profile = fitted().fold_in(person)
    for positions in fitted().because(profile, np.arange(20, dtype=np.int32)):
        assert all(profile.value[place] >= 4 for place in positions.tolist())


def test_explanations_name_films_of_the_liked_genre() -> None:
    guide = Guide(fitted())
    profile = fitted().fold_in(lover_of(2))
    listed = [line.item_id for line in guide.recommend(profile, 5)]
    named = [liked for found in guide.explain_each(profile, listed) for liked in found.because]
    assert len(named) >= 5
    genres = fitted().items_.indices([liked.item_id for liked in named]) % N_GENRES
    assert np.mean(genres == 2) == 1
    assert guide.explain(profile, listed[0]).sentence().startswith("People who like ")


def test_it_learns_from_pairs_without_members_that_are_others_over_again() -> None:
    ones = np.ones(len(table()), np.float32)
    plain = table()
    pairs = Ratings(plain.users, plain.items, plain.user_index, plain.item_index, ones, None, PAIRS)
    one = Hybrid.from_settings(SMALL).fit(pairs, n_threads=1)
    assert one.member_weights() == {"ials": 0.5, "ease": 0.5, "ials-all": 0.0}
    assert not one.members()["ials-all"].is_fitted
    assert not one.has_stars
    assert len(one.recommend(1, 5)) == 5


def test_weights_for_pairs_are_learned_too() -> None:
    likes = table().subset(table().value >= 4)
    ones = np.ones(len(likes), np.float32)
    pairs = Ratings(likes.users, likes.items, likes.user_index, likes.item_index, ones, None, PAIRS)
    settings = {"lists": "ials,popularity", "ials.factors": 4, "holdout": 0.3}
    weights = Hybrid.from_settings(settings).fit(pairs, n_threads=1).member_weights()
    assert weights["ials"] > weights["popularity"]


@pytest.mark.parametrize("limit", ["items", "memory"])
def test_ease_is_left_out_where_it_would_be_too_slow_or_too_large(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit == "items":
        monkeypatch.setattr(hybrid, "MOST_ITEMS", table().n_items - 1)
    else:
        monkeypatch.setattr(ease, "free_memory", lambda: 1000)
    one = Hybrid.from_settings(SMALL).fit(table(), n_threads=1)
    weights = one.member_weights()
    assert weights["ease"] == 0
    assert sum(weights.values()) == pytest.approx(1)
    assert not one.members()["ease"].is_fitted
    assert len(one.recommend(one.users_.id(0), 5)) == 5


def test_a_hybrid_of_a_blend_is_saved_with_the_members_of_both(tmp_path: Path) -> None:
    one = Hybrid.from_settings({"stars": "blend", "lists": "ials,ials-2", "ials.factors": 4})
    one.fit(table(), n_threads=1)
    path = tmp_path / "m.matinee"
    save_model(path, one, Catalog(), Origin("simulated", len(table())))
    loaded = load_model(path)[0]
    assert list(loaded.members()) == ["blend", "ials", "ials-2"]
    np.testing.assert_allclose(loaded.scores(lover_of(0)), one.scores(lover_of(0)), atol=1e-5)
    assert loaded.predict(3, 17) == one.predict(3, 17)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"stars": "ials"}, "ials ranks items and does not predict stars; set stars to"),
        ({"lists": "ials,ials"}, "lists must be different names"),
        ({"lists": "ials,,ease"}, "lists must be different names"),
        ({"lists": "mf,ials"}, "none may be that of stars"),
        ({"bayes.factors": 3}, "'bayes.factors=3' is for 'bayes', which is not one of its models"),
        ({"member_settings": "mf.factors"}, "member_settings must look like"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        Hybrid.from_settings(settings)


def test_unknown_members_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="no model 'easy'"):
        Hybrid(lists="ials,easy")


# -- weights -----------------------------------------------------------------------------


def test_the_usual_weights_stay_unless_others_are_clearly_better() -> None:
    part = random_split(table(), 0.2, 0)
    members = list(fitted().members().values())[1:]
    lists = [type(member)(**member.get_params()).fit(part.train, n_threads=1) for member in members]
    usual = np.full(3, 1 / 3)
    same = np.stack([usual, usual])
    assert chosen_weights(lists, part, same, 0).tolist() == usual.tolist()


def test_weights_that_find_more_are_chosen() -> None:
    part = random_split(table(), 0.2, 0)
    members = [
        MatrixFactorization(factors=4).fit(part.train, n_threads=1),
        ImplicitALS(factors=8).fit(part.train, n_threads=1),
    ]
    candidates = np.array([[0.0, -1.0], [0.0, 1.0]])  # the first turns the list upside down
    assert chosen_weights(members, part, candidates, 0).tolist() == [0.0, 1.0]


def test_ndcg_of_lists_is_that_of_the_definition() -> None:
    scores = np.array([[9.0, 8, 7, 6, 5], [5, 6, 7, 8, 9]])
    liked = np.array([0, 3], np.int32)
    ideal = 1 + 1 / np.log2(3)
    first, second = (1 + 1 / np.log2(5)) / ideal, (1 / np.log2(3) + 1 / np.log2(6)) / ideal
    np.testing.assert_allclose(ndcg(scores, liked), [first, second])
    np.testing.assert_allclose(ndcg(scores, liked, 1), [1, 0])
