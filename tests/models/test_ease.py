"""EASE: against the closed form, what is kept of it, new and known people, explanations by brute force, memory."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from matinee._types import Doubles
from matinee.data.catalog import Catalog
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.reading.read import read
from matinee.data.split import random_split
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models import ease
from matinee.models.ease import EASE
from matinee.models.implicit_feedback import random_matrix_norm
from matinee.models.popularity import Popularity
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import real_data, simulated
from tests.helpers import error_message, history, ndcg_at_10, scores_in_order, small_table

Given = dict[int | str, float]
ITEM = 57


N_LIKED = 34
"""Items of `table` that at least one user likes."""


@cache
def table() -> Ratings:
    """60 users (1 to 60) and 40 items (7 to 397), scale 1 to 5; nobody likes item 17, nor five others."""
    some = small_table()
    return some.subset(np.flatnonzero((some.item_index != 1) | (some.value < 4)))


@cache
def fitted(entries: int = 1000) -> EASE:
    """None may change it."""
    return EASE(entries=entries).fit(table(), n_threads=1)


# -- the closed form ---------------------------------------------------------------------------------------------


def liked_matrix(ratings: Ratings, threshold: float = 4) -> Doubles:
    out = np.zeros((ratings.n_users, ratings.n_items))
    likes = ratings.value >= threshold
    out[ratings.user_index[likes], ratings.item_index[likes]] = 1
    return out


def closed_form(liked: Doubles, regularization: float) -> Doubles:
    """The item-to-item weights B, (I, I), of Steck (2019): 0 on the diagonal."""
    active = [int(np.count_nonzero(liked.any(axis=side))) for side in (1, 0)]
    unit = random_matrix_norm(active[0], active[1], int(liked.sum())) ** 2
    inverse = np.linalg.inv(liked.T @ liked + regularization * unit * np.eye(liked.shape[1]))
    weights = -inverse / inverse.diagonal()  # (I, I), column i is divided by its own
    np.fill_diagonal(weights, 0)
    return np.asarray(weights)


def test_scores_are_those_of_the_closed_form() -> None:
    liked = liked_matrix(table())
    expected = liked @ closed_form(liked, fitted().regularization)
    assert expected.max() > 0.15
    for user in range(60):
        if liked[user].any():
            np.testing.assert_allclose(
                scores_in_order(fitted(), user + 1), expected[user], atol=1e-5
            )


@pytest.mark.parametrize("n_items", [5, 300, 700])
def test_any_number_of_items_is_inverted_tile_by_tile(n_items: int) -> None:
    """More than one tile, halves of unequal size, items that nobody likes."""
    many = simulated(80, n_items, min(80 * n_items, 6_000) // 2)
    model = EASE(entries=10**6, threshold="3", regularization=0.5).fit(many, n_threads=2)
    liked = liked_matrix(many, 3)
    expected = liked @ closed_form(liked, 0.5)
    vectors = model._user_vectors(np.flatnonzero(liked.any(axis=1)))
    np.testing.assert_allclose(model._scores(vectors), expected[liked.any(axis=1)], atol=2e-5)


def test_many_people_at_once_get_what_each_gets_alone() -> None:
    vectors = fitted(7)._user_vectors(np.arange(60))
    alone = np.concatenate([fitted(7)._scores(vector[None]) for vector in vectors])
    np.testing.assert_allclose(fitted(7)._scores(vectors), alone, atol=1e-6)


def test_the_stored_entries_are_the_largest_partial_correlations() -> None:
    few, every = fitted(6), fitted()
    assert np.count_nonzero(liked_matrix(table()).any(axis=0)) == N_LIKED
    assert len(every.correlations_) == N_LIKED * (N_LIKED - 1)
    assert len(few.correlations_) == pytest.approx(6 * N_LIKED, abs=2)
    assert (
        abs(few.correlations_).min()
        >= np.sort(abs(every.correlations_))[-len(few.correlations_) - 1]
    )
    pairs = {
        (i, j): value
        for i in range(40)
        for j, value in enumerate(few._correlations(i))
        if not np.isnan(value)
    }
    assert all(
        pairs[j, i] == pytest.approx(value, rel=1e-5)
        for (i, j), value in pairs.items()
        if (j, i) in pairs
    )
    assert all(every._correlations(i)[j] == value for (i, j), value in pairs.items())


def test_the_gram_matrix_of_counts_and_the_inverse_change_no_bit_with_threads() -> None:
    many = simulated(200, 600, 9_000)
    one, other = (EASE().fit(many, n_threads=n_threads) for n_threads in (1, 3))
    assert np.array_equal(one.correlations_, other.correlations_)
    assert np.array_equal(one.root_precision_, other.root_precision_)


def test_users_and_items_in_another_order_change_only_the_order() -> None:
    rng = np.random.default_rng(2)
    users, items = rng.permutation(60), rng.permutation(40)
    columns = users[table().user_index], items[table().item_index], table().value
    other = EASE().fit(Ratings.from_ids(*columns, scale=table().scale), n_threads=1)
    for user in (3, 44):
        same = np.array(scores_in_order(other, int(users[user])))[items]
        np.testing.assert_allclose(same, scores_in_order(EASE().fit(table()), user + 1), atol=1e-5)


# -- people ------------------------------------------------------------------------------------------------------


def test_a_known_person_folded_in_with_their_own_ratings_gets_their_own_scores() -> None:
    for user in (1, 30, 60):
        assert scores_in_order(fitted(7), history(table(), user)) == scores_in_order(
            fitted(7), user
        )


@pytest.mark.parametrize("entries", [5, 1000])
def test_an_explanation_is_what_dropping_each_rating_changes(entries: int) -> None:
    model = fitted(entries)
    item = model.items_.index(ITEM)
    people: list[Given] = [
        history(table(), 2),
        {7: 5.0, 17: 4.5, 27: 1.0},
        {27: 1.0},
        {7: 4.0},
        {ITEM: 5.0, 7: 5.0},
    ]
    for person in people:
        score, parts = model.parts(person, ITEM)
        assert parts.is_exact
        assert parts.ratings.sum() + parts.item == pytest.approx(score, abs=1e-6)
        for place, dropped in enumerate(person):
            left = {other: stars for other, stars in person.items() if other != dropped}
            expected = model._scores(model.fold_in(left).vector[None])[0, item]
            assert parts.without[place] == pytest.approx(float(expected), abs=1e-6)


def test_whoever_likes_nothing_gets_what_the_popular_items_suggest() -> None:
    liked = liked_matrix(table())
    popularity = liked.sum(axis=0) / np.count_nonzero(liked.any(axis=1))
    expected = popularity @ closed_form(liked, fitted().regularization)
    np.testing.assert_allclose(scores_in_order(fitted(), {}), expected, atol=1e-5)
    assert scores_in_order(fitted(), {27: 1.0}) == scores_in_order(fitted(), {})


def test_similar_items_have_the_largest_partial_correlations() -> None:
    liked = liked_matrix(table())
    weights = closed_form(liked, fitted().regularization)
    item = table().items.index(ITEM)
    expected = np.sign(weights[item]) * np.sqrt(weights[item] * weights[:, item])
    best = fitted().similar(ITEM, 5)
    assert [one.score for one in best] == pytest.approx(
        sorted(expected, reverse=True)[:5], abs=1e-5
    )


def test_an_item_that_nobody_likes_is_like_nothing() -> None:
    told = "Item '17' has no similar items: ease learned nothing about it."
    assert error_message(UnsupportedError, lambda: fitted().similar(17)) == told
    assert np.isfinite(scores_in_order(fitted(), {17: 5.0})).all()


# -- tables of every kind ----------------------------------------------------------------------------------------


def test_who_has_what_and_how_often_are_likes() -> None:
    users, items = table().users.ids[table().user_index], table().items.ids[table().item_index]
    values = np.ones(len(users)), np.arange(len(users)) + 1.0
    one, other = (
        EASE().fit(Ratings.from_ids(users, items, value, scale=PAIRS)) for value in values
    )
    assert np.array_equal(one.correlations_, other.correlations_)
    assert one.recommend({7: 1.0}) == other.recommend({7: 80.0})
    assert one.recommend({7: 1.0})[0].stars is None


def test_three_items_and_text_ids_are_enough() -> None:
    model = EASE().fit(Ratings.from_ids(["ann", "ann", "bob"], ["a", "b", "c"], [5.0, 5.0, 5.0]))
    assert [one.item_id for one in model.recommend({"b": 5.0}, 1)] == ["a"]
    assert [one.item_id for one in model.recommend("bob")] == ["a", "b"]


def test_a_threshold_that_is_none_or_that_nobody_reaches_is_refused() -> None:
    told = "ease: threshold must be a rating, such as 4, or auto, not 'nan'."
    assert error_message(SettingError, lambda: EASE(threshold="nan")) == told
    told = "ease: no rating reaches the threshold 6; the highest is 5. Give a lower threshold, or auto."
    assert error_message(DataError, lambda: EASE(threshold="6").fit(table())) == told


# -- memory and files --------------------------------------------------------------------------------------------


def test_too_many_items_for_the_memory_are_refused_with_what_to_use_before_anything_is_allocated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ease, "free_memory", lambda: 4_000_000_000)
    monkeypatch.setattr(ease, "_gram", lambda *_: pytest.fail("the matrix was allocated"))
    n_items = 60_000
    wide = Ratings.from_ids(np.arange(n_items) % 50, np.arange(n_items), np.ones(n_items))
    told = "ease needs 28.8 GB of memory for 60,000 items, 8 bytes for each pair, but 4.0 GB are free. "
    told += "Use ials or item-knn."
    assert error_message(UnsupportedError, lambda: EASE().fit(wide)) == told


def test_only_liked_items_take_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "free_memory", lambda: 8 * N_LIKED**2)
    assert np.array_equal(EASE(entries=1000).fit(table()).correlations_, fitted().correlations_)
    monkeypatch.setattr(ease, "free_memory", lambda: 8 * N_LIKED**2 - 1)
    assert error_message(UnsupportedError, lambda: EASE().fit(table())).startswith(
        "ease needs 0.0 GB of memory for 34"
    )


def test_a_file_without_histories_serves_new_people_and_refuses_known_ones(tmp_path: Path) -> None:
    save_model(
        tmp_path / "bare.matinee", fitted(), Catalog(), Origin("x", 9, "", has_history=False)
    )
    bare = load_model(tmp_path / "bare.matinee")[0]
    mine = history(table(), 3)
    assert bare.recommend(mine, 50) == fitted().recommend(mine, 50)
    assert bare.similar(ITEM) == fitted().similar(ITEM)
    told = "ease represents users by their ratings, which were not saved in this file: "
    told += "give the ratings, or train it without --no-history."
    assert error_message(UnsupportedError, lambda: bare.recommend(3)) == told


def test_lists_on_real_ratings_are_better_than_popularity() -> None:
    part = random_split(read(real_data("ml-100k")).ratings, 0.2)
    ndcg = [ndcg_at_10(one.fit(part.train), part.test) for one in (EASE(), Popularity())]
    assert ndcg[0] > 1.6 * ndcg[1] > 0
