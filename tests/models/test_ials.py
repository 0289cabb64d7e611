"""Implicit ALS: against an exact solution, new and known people, explanations by brute force, counts of plays."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.data.catalog import Catalog
from matinee.data.ratings import PAIRS, Ratings
from matinee.data.reading.read import read
from matinee.data.split import random_split
from matinee.errors import DataError, SettingError
from matinee.models.ials import ImplicitALS
from matinee.models.implicit_feedback import random_matrix_norm
from matinee.models.popularity import Popularity
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import real_data, simulated
from tests.helpers import error_message, history, ndcg_at_10, scores_in_order, small_table

Given = dict[int | str, float]
ITEM = 57


@cache
def plays() -> Ratings:
    """How often who heard what, 1 to some hundreds."""
    some = simulated(60, 40, 900, seed=2)
    counts = (
        np.random.default_rng(0)
        .geometric(np.exp(-some.value.astype(np.float64)))
        .astype(np.float64)
    )
    return Ratings.from_ids(
        some.users.ids[some.user_index], some.items.ids[some.item_index], counts, scale=PAIRS
    )


@cache
def fitted(*, counts: bool = False) -> ImplicitALS:
    """None may change it."""
    if counts:
        return ImplicitALS(factors=12, weights="log", alpha=2).fit(plays(), n_threads=1)
    return ImplicitALS(factors=12).fit(small_table(), n_threads=1)


both_tables = pytest.mark.parametrize("counts", [False, True], ids=["stars", "counts"])


def score_matrix(model: ImplicitALS) -> Doubles:
    return model.user_factors_.astype(np.float64) @ model.item_factors_.T


# -- an exact solution -------------------------------------------------------------------------------------------


class Exact:
    """The objective as the module says it, on a dense table, solved one row after the other in float64."""

    def __init__(self, weights: Doubles, model: ImplicitALS) -> None:
        self.weights, self.alpha0 = weights, model.alpha0  # (U, I), 0 where nothing is liked
        n = [weights.sum(axis=1), weights.sum(axis=0)]
        active = [int(np.count_nonzero(one)) for one in n]
        pulls = [(n[side] + model.alpha0 * active[1 - side]) ** model.nu for side in (0, 1)]
        means = [pull[count > 0].mean() for pull, count in zip(pulls, n, strict=True)]
        unit = random_matrix_norm(active[0], active[1], int(np.count_nonzero(weights))) / np.sqrt(
            means[0] * means[1]
        )
        self.pulls = [model.regularization * unit * pull for pull in pulls]

    def solve(self, weights: Doubles, others: Doubles, pulls: Doubles) -> Doubles:
        """The factors of one side, (R, F), from its weights, (R, O), and the other side's factors, (O, F)."""
        gram, eye = self.alpha0 * others.T @ others, np.eye(others.shape[1])
        matrices = (
            (weights[:, None] * others.T) @ others + gram + pulls[:, None, None] * eye
        )  # (R, F, F)
        return np.asarray(
            np.linalg.solve(matrices, (weights @ others)[..., None])[..., 0], np.float64
        )

    def scores(self, n_factors: int) -> Doubles:
        """The scores at the minimum, which is one if there are enough factors."""
        users = np.random.default_rng(9).normal(size=(len(self.weights), n_factors))
        for _ in range(300):
            items = self.solve(self.weights.T, users, self.pulls[1])
            users = self.solve(self.weights, items, self.pulls[0])
        return users @ items.T

    def objective(self, users: NDArray[Any], items: NDArray[Any]) -> float:
        scores = users.astype(np.float64) @ items.T
        fit = (self.weights * (1 - scores) ** 2).sum() + self.alpha0 * (scores**2).sum()
        sides = zip(self.pulls, (users, items), strict=True)
        pulls = [pull @ (side.astype(np.float64) ** 2).sum(axis=1) for pull, side in sides]
        return float(fit + sum(pulls))


def liked_matrix(ratings: Ratings, weight: NDArray[Any]) -> Doubles:
    out = np.zeros((ratings.n_users, ratings.n_items))
    out[ratings.user_index, ratings.item_index] = weight
    return out


def test_enough_epochs_lead_to_the_exact_solution() -> None:
    small = simulated(25, 12, 160, seed=3)
    for settings in ({}, {"nu": 0.5, "alpha0": 0.6}, {"threshold": 3}):
        given = {"factors": 12, "regularization": 0.25, "epochs": 200, **settings}
        model = ImplicitALS.from_settings(given).fit(small, n_threads=1)
        exact = Exact(liked_matrix(small, small.value >= float(model.threshold_)), model)
        likes = exact.weights.any(axis=1)
        expected = exact.scores(12)
        assert expected.max() > 0.3
        np.testing.assert_allclose(score_matrix(model)[likes], expected[likes], atol=2e-3)


@pytest.mark.parametrize("weights", ["linear", "log"])
def test_counts_weigh_as_the_formula_says(weights: str) -> None:
    small = plays().subset(np.flatnonzero((plays().user_index < 25) & (plays().item_index < 12)))
    model = ImplicitALS(factors=12, epochs=200, weights=weights, alpha=3).fit(small, n_threads=1)
    counts = small.value.astype(np.float64)
    weight = 1 + 3 * (counts if weights == "linear" else np.log(1 + counts))
    exact = Exact(liked_matrix(small, weight / weight.mean()), model)
    likes = exact.weights.any(axis=1)
    np.testing.assert_allclose(score_matrix(model)[likes], exact.scores(12)[likes], atol=2e-3)


@both_tables
def test_the_history_is_what_is_minimised_and_it_falls(counts: bool) -> None:
    model, ratings = fitted(counts=counts), plays() if counts else small_table()
    weight = (
        1 + 2 * np.log1p(ratings.value.astype(np.float64))
        if counts
        else np.where(ratings.value >= 4, 1.0, 0.0)
    )
    exact = Exact(liked_matrix(ratings, weight / weight[weight > 0].mean()), model)
    users = np.where(exact.weights.any(axis=1, keepdims=True), model.user_factors_, 0)
    per_like = exact.objective(users, model.item_factors_) / np.count_nonzero(weight)
    assert model.curve_.rows[-1, 1] == pytest.approx(per_like, rel=1e-4)
    assert model.curve_.rows.shape == (model.epochs, 3)
    assert (np.diff(model.curve_.rows[:, 1]) < 1e-6).all()


def test_equal_counts_weigh_nothing() -> None:
    equal = plays().subset(np.flatnonzero(plays().value == 2))
    plain, weighed = (
        ImplicitALS(factors=5, weights=weights, alpha=7).fit(equal)
        for weights in ("none", "linear")
    )
    assert np.array_equal(plain.item_factors_, weighed.item_factors_)


# -- the order of users and items --------------------------------------------------------------------------------


@both_tables
def test_users_and_items_in_another_order_change_only_the_order(counts: bool) -> None:
    ratings, model, rng = (
        plays() if counts else small_table(),
        fitted(counts=counts),
        np.random.default_rng(2),
    )
    users, items = rng.permutation(60), rng.permutation(40)
    order = rng.permutation(len(ratings))
    columns = (
        users[ratings.user_index[order]],
        items[ratings.item_index[order]],
        ratings.value[order],
    )
    other = ImplicitALS.from_settings(model.settings())
    other.fit(Ratings.from_ids(*columns, scale=ratings.scale), n_threads=1)
    np.testing.assert_allclose(score_matrix(other)[users][:, items], score_matrix(model), atol=2e-4)


def test_groups_of_the_same_form_are_distinguished() -> None:
    """Two circles of people who all like the same five things: nothing but their order distinguishes them."""
    users, items = np.divmod(np.arange(50), 5)
    blocks = Ratings.from_ids(users, items + 5 * (users >= 5), np.ones(50))
    scores = score_matrix(ImplicitALS(factors=4).fit(blocks))
    own = np.equal.outer(np.arange(10) >= 5, np.arange(10) >= 5)
    assert scores[own].min() > 0.4
    assert abs(scores[~own]).max() < 0.01


def test_another_seed_starts_elsewhere_and_ends_close() -> None:
    one, other = (
        ImplicitALS(factors=12, seed=seed).fit(small_table(), n_threads=1) for seed in (0, 1)
    )
    difference = abs(score_matrix(one) - score_matrix(other)).max()
    assert 0 < difference < 0.2


@pytest.mark.parametrize("n_threads", [2, 3])
def test_with_weights_too_threads_change_no_bit(n_threads: int) -> None:
    other = ImplicitALS.from_settings(fitted(counts=True).settings()).fit(
        plays(), n_threads=n_threads
    )
    assert np.array_equal(other.user_factors_, fitted(counts=True).user_factors_)
    assert np.array_equal(other.item_factors_, fitted(counts=True).item_factors_)


# -- people ------------------------------------------------------------------------------------------------------


@both_tables
def test_a_known_person_folded_in_with_their_own_ratings_gets_their_own_scores(
    counts: bool,
) -> None:
    model, ratings = fitted(counts=counts), plays() if counts else small_table()
    for user in (1, 30, 60):
        np.testing.assert_allclose(
            scores_in_order(model, history(ratings, user)),
            scores_in_order(model, user),
            rtol=0,
            atol=2e-4,
        )


@both_tables
def test_an_explanation_is_what_dropping_each_rating_changes(counts: bool) -> None:
    model, ratings = fitted(counts=counts), plays() if counts else small_table()
    few: Given = {7: 5.0, 17: 4.5, 27: 1.0}
    item = model.items_.index(ITEM)
    people: list[Given] = [history(ratings, 2), history(ratings, 41), few, {27: 1.0}, {7: 4.0}]
    for person in people:
        score, parts = model.parts(person, ITEM)
        assert parts.is_exact
        assert parts.ratings.sum() + parts.item == pytest.approx(score, abs=1e-5)
        for place, dropped in enumerate(person):
            left = {other: stars for other, stars in person.items() if other != dropped}
            expected = float(model.fold_in(left).vector @ model.item_factors_[item])
            assert parts.without[place] == pytest.approx(expected, abs=1e-5)


def test_a_known_persons_parts_add_up_without_a_rest() -> None:
    score, parts = fitted().parts(30, ITEM)
    assert parts.ratings.sum() == pytest.approx(score, abs=1e-4)
    assert (parts.mean, parts.user, parts.item) == (0, 0, 0)


def test_ratings_that_are_not_liked_have_no_effect() -> None:
    assert scores_in_order(fitted(), {7: 5.0, 17: 3.5, 27: 1.0}) == scores_in_order(
        fitted(), {7: 5.0}
    )


def test_whoever_likes_nothing_gets_the_mean_of_the_others() -> None:
    some = small_table().subset(
        np.flatnonzero((small_table().user_index != 4) | (small_table().value < 4))
    )
    model = ImplicitALS(factors=12).fit(some, n_threads=1)
    assert np.any(some.user_index == 4)
    others = np.arange(60) != 4
    np.testing.assert_allclose(
        model.user_factors_[4], model.user_factors_[others].mean(axis=0), atol=1e-6
    )
    assert (
        scores_in_order(model, {}) == scores_in_order(model, {7: 1.0}) == scores_in_order(model, 5)
    )


# -- what counts as liked ----------------------------------------------------------------------------------------


def test_auto_is_the_upper_quarter_of_the_scale_and_everything_where_all_are_the_same() -> None:
    assert float(fitted().threshold_) == 4
    one = ImplicitALS(factors=12, threshold="4").fit(small_table(), n_threads=1)
    assert np.array_equal(one.user_factors_, fitted().user_factors_)
    unary = Ratings.from_ids([1, 1, 2, 3, 3, 4], [1, 2, 2, 1, 3, 3], [1.0] * 6)
    has = ImplicitALS(factors=3).fit(unary)
    assert has.recommend({1: 1.0})[0].stars is None
    low = Ratings.from_ids(
        [1, 2], [1, 2], [1.0, 2.0], scale=small_table().scale
    )  # nobody reaches 4
    assert float(ImplicitALS(factors=3).fit(low).threshold_) == 1


def test_of_counts_every_one_is_a_like_and_without_weights_how_often_changes_nothing() -> None:
    assert float(fitted(counts=True).threshold_) == 1
    once = Ratings.from_ids(
        plays().users.ids[plays().user_index],
        plays().items.ids[plays().item_index],
        np.ones(len(plays())),
        scale=PAIRS,
    )
    one, other = (ImplicitALS(factors=5).fit(ratings) for ratings in (plays(), once))
    assert np.array_equal(one.user_factors_, other.user_factors_)
    assert scores_in_order(one, {7: 90.0, 17: 1.0}) == scores_in_order(one, {7: 1.0, 17: 1.0})


def test_with_weights_auto_counts_stars_of_any_number_as_likes() -> None:
    assert (
        float(ImplicitALS(factors=3, weights="log").fit(small_table()).threshold_)
        == small_table().value.min()
    )


def test_a_threshold_that_nobody_reaches_is_refused() -> None:
    told = "ials: no rating reaches the threshold 9; the highest is 5. Give a lower threshold, or auto."
    assert error_message(DataError, lambda: ImplicitALS(threshold="9").fit(small_table())) == told


def test_settings_that_are_not_there_are_refused_with_what_is() -> None:
    told = "ials: threshold must be a rating, such as 4, or auto, not 'high'."
    assert error_message(SettingError, lambda: ImplicitALS(threshold="high")) == told
    assert error_message(SettingError, lambda: ImplicitALS(weights="lin")).startswith(
        "ials: weights must be none, log or linear, not 'lin' (default none). Did you mean 'linear'"
    )
    assert error_message(SettingError, lambda: ImplicitALS(weights="q")) == (
        "ials: weights must be none, log or linear, not 'q' (default none)."
    )


# -- files and edges ---------------------------------------------------------------------------------------------


def test_a_file_without_histories_still_knows_everybody(tmp_path: Path) -> None:
    save_model(
        tmp_path / "bare.matinee", fitted(), Catalog(), Origin("x", 9, "", has_history=False)
    )
    bare = load_model(tmp_path / "bare.matinee")[0]
    assert bare.recommend(3, 50, include_seen=True) == fitted().recommend(3, 50, include_seen=True)
    mine = history(small_table(), 3)
    assert bare.recommend(mine, 50) == fitted().recommend(mine, 50)
    assert bare.parts(mine, ITEM)[0] == fitted().parts(mine, ITEM)[0]


def test_one_user_and_three_items_with_text_ids_are_enough() -> None:
    model = ImplicitALS().fit(Ratings.from_ids(["ann"] * 3, ["a", "b", "c"], [1.0, 3.0, 5.0]))
    assert [one.item_id for one in model.recommend({"b": 3.0})] == ["c", "a"]
    assert model.recommend("ann") == []
    assert np.isfinite(model.user_factors_).all()


def test_lists_on_real_ratings_are_better_than_popularity() -> None:
    part = random_split(read(real_data("ml-100k")).ratings, 0.2)
    ndcg = [ndcg_at_10(one.fit(part.train), part.test) for one in (ImplicitALS(), Popularity())]
    assert ndcg[0] > 1.6 * ndcg[1] > 0
