"""The half-life: against NumPy on small tables, what it changes, and what it leaves alone."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.catalog import Catalog
from matinee.data.ratings import NO_TIME, PAIRS, Ratings
from matinee.errors import SettingError, UnsupportedError
from matinee.evaluation.tuning import tune
from matinee.evaluation.tuning_study import Plan, search_space
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.blend import Blend
from matinee.models.ease import EASE
from matinee.models.hybrid import Hybrid
from matinee.models.ials import ImplicitALS
from matinee.models.implicit_feedback import random_matrix_norm
from matinee.models.knn import ItemKNN, UserKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.recency import DAY, LEAST, TrainingTimes, recency_weights
from matinee.recommendation.guide import Guide
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import simulated
from tests.helpers import (
    arrays,
    assert_same,
    compare_here,
    error_message,
    history,
    run,
    write_table,
)

Model = type[Recommender]
WITH_HALF_LIFE: list[Model] = [MatrixFactorization, ImplicitALS, EASE, ItemKNN, UserKNN, Hybrid]
STARS: list[Model] = [MatrixFactorization, ItemKNN, UserKNN]
HALF_LIFE = 200.0
NEWEST = 1_500_000_000
PEOPLE, FILMS = 120, 100


def each(models: list[Model]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("model", models, ids=lambda model: model.name)


@cache
def table() -> Ratings:
    """900 ratings over 1,157 days by 60 users (1 to 60) of 40 items (7 to 397), scale 1 to 5."""
    return simulated(60, 40, 900, seed=2)


@cache
def weights() -> Floats:
    """The formula, (N,)."""
    times = table().timestamp
    assert times is not None
    days = (times.max() - times) / DAY
    return np.asarray(2 ** (-days / HALF_LIFE), np.float32)


@cache
def fitted(model: Model) -> Recommender:
    """None may change it."""
    return model.from_settings({"half_life": HALF_LIFE}).fit(table(), n_threads=1)


def dense(values: NDArray[Any], ratings: Ratings) -> Doubles:
    """Values of the ratings as a table, (U, I), 0 elsewhere."""
    out = np.zeros((ratings.n_users, ratings.n_items))
    out[ratings.user_index, ratings.item_index] = values
    return out


# -- weights -----------------------------------------------------------------------------------------------------


def test_a_rating_one_half_life_older_than_the_newest_weighs_half() -> None:
    days = np.array([0, 100, 200, 50, 10_000])
    found = TrainingTimes.of(NEWEST - days * DAY).weights(NEWEST - days * DAY, 100)
    assert found.tolist() == pytest.approx([1, 0.5, 0.25, 2**-0.5, LEAST])


def test_a_rating_without_a_time_is_of_the_median_age() -> None:
    times = np.array([NEWEST, NO_TIME, NEWEST - 300 * DAY, NEWEST - 100 * DAY])
    ratings = Ratings.from_ids([1, 2, 3, 4], [1, 1, 1, 1], [1, 2, 3, 4], times)
    found = recency_weights(ratings, 100, "mf")
    assert found is not None
    assert found.tolist() == [1, 0.5, 0.125, 0.5]


@each(WITH_HALF_LIFE)
@pytest.mark.parametrize("times", [None, "unknown"])
def test_a_table_without_times_is_refused(model: Model, times: str | None) -> None:
    timestamp = None if times is None else np.full(len(table()), NO_TIME)
    one = model.from_settings({"half_life": 30})
    expected = (
        f"{model.name}: half_life needs the times of the ratings, and this table has none; read "
        "them with --timestamp-column NAME, or leave half_life at 0."
    )
    given = replace(table(), timestamp=timestamp)
    assert error_message(SettingError, lambda: one.fit(given)) == expected


def test_the_models_that_have_a_half_life() -> None:
    having = [model.name for model in MODELS if "half_life" in model().settings()]
    assert sorted(having) == sorted(model.name for model in WITH_HALF_LIFE)


# -- against NumPy -----------------------------------------------------------------------------------------------


def test_mf_ends_where_no_factor_or_bias_improves_the_weighted_objective() -> None:
    ratings = simulated(30, 20, 400, signal=2.0)
    model = MatrixFactorization(
        factors=3,
        epochs=3000,
        learning_rate=0.05,
        final_rate=0.01,
        adapt=False,
        half_life=HALF_LIFE,
    ).fit(ratings, n_threads=1)
    assert ratings.timestamp is not None
    weight = 2 ** (-(ratings.timestamp.max() - ratings.timestamp) / DAY / HALF_LIFE)
    mean = np.average(ratings.value, weights=weight)
    deviation = np.sqrt(np.average((ratings.value - mean) ** 2, weights=weight))
    assert float(model.global_mean_) == pytest.approx(mean)
    assert float(model.deviation_) == pytest.approx(deviation)
    p, q = (side / np.sqrt(deviation) for side in (model.user_factors_, model.item_factors_))
    user_bias, item_bias = model.user_bias_ / deviation, model.item_bias_ / deviation
    assert np.abs(q).max() > 0.1
    user, item = ratings.user_index, ratings.item_index
    error = (ratings.value - mean) / deviation - user_bias[user] - item_bias[item]
    error = weight * (error - np.einsum("nf,nf->n", p[user], q[item]))
    for own, bias, other, index, others in (
        (p, user_bias, q, user, item),
        (q, item_bias, p, item, user),
    ):
        sums = np.bincount(index, weight)
        pulled = (model.regularization * sums + model.factor_shrinkage)[:, None] * own
        pushed = np.zeros_like(pulled)
        np.add.at(pushed, index, error[:, None] * other[others])
        np.testing.assert_allclose(pushed, pulled, atol=0.02)
        pushed_bias = np.bincount(index, error)
        np.testing.assert_allclose(pushed_bias, model.bias_shrinkage * bias, atol=0.05)


def test_mf_with_all_ratings_equally_old_is_mf_without_a_half_life() -> None:
    same = replace(table(), timestamp=np.full(len(table()), NEWEST))
    found = MatrixFactorization(half_life=30).fit(same, n_threads=1)
    expected = MatrixFactorization().fit(same, n_threads=1)
    np.testing.assert_allclose(found.user_factors_, expected.user_factors_, atol=1e-4)
    np.testing.assert_allclose(found.item_bias_, expected.item_bias_, atol=1e-4)


def test_a_rating_of_weight_one_half_pulls_half_as_much_as_two_of_the_kind() -> None:
    """Two users who are one half-life old weigh on an item bias as much as one of today."""
    old = np.array([NEWEST - 100 * DAY] * 2)
    columns = [1, 2, 3, 3], [5, 5, 6, 7], np.array([5.0, 5, 1, 3])
    twice = Ratings.from_ids(*columns, [*old, NEWEST, NEWEST])
    once = Ratings.from_ids([1, 3, 3], [5, 6, 7], np.array([5.0, 1, 3]), [NEWEST] * 3)
    models = [
        ItemKNN(half_life=100, bias_shrinkage=2.0).fit(one, n_threads=1) for one in (twice, once)
    ]
    assert float(models[0].global_mean_) == pytest.approx(float(models[1].global_mean_))
    assert models[0].item_bias_[1:] == pytest.approx(models[1].item_bias_[1:], abs=1e-6)


def test_ease_is_the_closed_form_of_the_weighted_gram_matrix() -> None:
    model = fitted(EASE)
    assert isinstance(model, EASE)
    liked = table().value >= 4
    roots = dense(np.where(liked, np.sqrt(weights()), 0), table())  # (U, I)
    active = [int(np.count_nonzero(roots.any(axis=side))) for side in (1, 0)]
    unit = random_matrix_norm(active[0], active[1], float(weights()[liked].sum())) ** 2
    form = roots.T @ roots + model.regularization * unit * np.eye(roots.shape[1])
    inverse = np.linalg.inv(form)
    expected = -inverse / inverse.diagonal()
    np.fill_diagonal(expected, 0)
    ones = np.zeros(table().n_items, np.float32)
    ones[[3, 9]] = 1
    given = {model.items_.id(3): 5.0, model.items_.id(9): 4.0}
    np.testing.assert_allclose(model.scores(given), ones @ expected, atol=1e-5)
    known = model.users_.id(7)
    np.testing.assert_allclose(model.scores(known), roots[7] @ expected, atol=1e-5)
    assert np.abs(model.scores(known)).max() > 0.02


def test_ials_solves_the_weighted_normal_equations_of_every_user_and_item() -> None:
    small = simulated(25, 12, 160, seed=3)
    settings = {"factors": 12, "regularization": 0.25, "epochs": 200, "half_life": HALF_LIFE}
    model = ImplicitALS.from_settings(settings).fit(small, n_threads=1)
    assert isinstance(model, ImplicitALS)
    assert small.timestamp is not None
    days = (small.timestamp.max() - small.timestamp) / DAY
    weight = dense(np.where(small.value >= 4, 2 ** (-days / HALF_LIFE), 0), small)  # (U, I)
    sums = weight.sum(axis=1), weight.sum(axis=0)
    active = [int(np.count_nonzero(one)) for one in sums]
    pulls = [(sums[side] + model.alpha0 * active[1 - side]) ** model.nu for side in (0, 1)]
    means = [pull[n > 0].mean() for pull, n in zip(pulls, sums, strict=True)]
    unit = random_matrix_norm(active[0], active[1], float(weight.sum()))
    unit *= model.regularization / np.sqrt(means[0] * means[1])
    users, items = (side.astype(np.float64) for side in (model.user_factors_, model.item_factors_))
    users[sums[0] == 0] = 0  # what they have is the average
    for own, others, pull, weights_of in (
        (users, items, pulls[0], weight),
        (items, users, pulls[1], weight.T),
    ):
        assert np.abs(own).max() > 0.1
        for row in range(len(own)):
            form = others.T * weights_of[row] @ others + model.alpha0 * others.T @ others
            form += unit * pull[row] * np.eye(12)
            np.testing.assert_allclose(form @ own[row], others.T @ weights_of[row], atol=2e-3)


@each([ItemKNN, UserKNN])
@pytest.mark.parametrize("similarity", ["adjusted-cosine", "cosine", "pearson-baseline"])
def test_knn_is_the_weighted_formula(model: Model, similarity: str) -> None:
    one = model.from_settings({"similarity": similarity, "half_life": HALF_LIFE, "k": 6})
    assert isinstance(one, ItemKNN | UserKNN)
    one.fit(table(), n_threads=1)
    has = dense(np.ones(len(table())), table()) > 0
    weight = dense(weights(), table())
    offset = float(one.global_mean_) + one.user_bias_[:, None] + one.item_bias_
    left = np.where(has, dense(table().value, table()) - offset, 0)
    values = np.where(has, left + offset, 0) if similarity == "cosine" else left
    alike = likeness(np.sqrt(weight) * values, has, one)
    for user, item in ((0, 3), (20, 11), (41, 25)):
        near = alike[item] if isinstance(one, ItemKNN) else alike[user]
        near = np.where(has[user] if isinstance(one, ItemKNN) else has[:, item], near, 0)
        order = np.argsort(-near, kind="stable")[: one.k]
        order = order[near[order] > 0]
        by = (user, order) if isinstance(one, ItemKNN) else (order, item)
        mass = near[order] ** one.amplification * weight[by]
        expected = offset[user, item] + mass @ left[by] / (mass.sum() + one.damping)
        scores = one.all_stars(one.users_.id(user))
        assert scores[item] == pytest.approx(expected, abs=1e-4)
        pairs = np.array([user], np.int32), np.array([item], np.int32)
        assert one.predict_at(*pairs, None)[0] == pytest.approx(expected, abs=1e-4)


def likeness(values: Doubles, has: Any, model: ItemKNN | UserKNN) -> Doubles:
    """The similarities of items (or users) from values that are multiplied by the roots."""
    if isinstance(model, ItemKNN):
        values, has = values.T, has.T
    products = values @ values.T
    if model.similarity == "adjusted-cosine":
        lengths = np.sqrt(np.square(values).sum(axis=1))
        unit = np.square(values).sum() / weights().sum(dtype=np.float64)
        return np.asarray(products / (np.outer(lengths, lengths) + model.shrinkage * unit))
    common = has.astype(float) @ has.T
    squares = np.square(values) @ has.T  # of x over the common ratings with y
    trust = np.maximum(common - 1, 0) / np.maximum(common - 1 + model.shrinkage, 1e-9)
    return np.asarray(trust * products / np.sqrt(np.maximum(squares * squares.T, 1e-18)))


# -- what it changes ---------------------------------------------------------------------------------------------


@cache
def flipped(*, has_stars: bool) -> Ratings:
    """Two groups of people whose tastes for two kinds of films are exchanged after 1,000 days.

    Today, the first half of the people like the first half of the films. A quarter of the ratings
    are of today.
    """
    rng = np.random.default_rng(5)
    user, item = (index.ravel() for index in np.indices((PEOPLE, FILMS)))
    chosen = rng.random(len(user)) < 0.5
    user, item = user[chosen], item[chosen]
    is_new = rng.random(len(user)) < 0.25
    likes = ((user < PEOPLE // 2) == (item < FILMS // 2)) == is_new
    stars = np.where(likes, 5, 1) + rng.choice([0, 0, 1], len(user)) * np.where(likes, -1, 1)
    times = NEWEST - np.where(is_new, 0, 1000 * DAY) - rng.integers(0, 30 * DAY, len(user))
    if has_stars:
        return Ratings.from_ids(user, item, stars, times)
    return Ratings.from_ids(user[likes], item[likes], np.ones(likes.sum()), times[likes], PAIRS)


def leaning(model: Recommender) -> float:
    """How much higher people's unrated items of the kind that they like today score than the others."""
    total, is_first = 0.0, np.arange(FILMS) < FILMS // 2
    for user in range(PEOPLE):
        profile = model.profile(user)
        is_open = np.ones(len(model.items_), bool)
        is_open[profile.item_index] = False
        scores = model.attributed(profile)
        gap = scores[is_first & is_open].mean() - scores[~is_first & is_open].mean()
        total += float(gap) * (1 if user < PEOPLE // 2 else -1)
    return total / PEOPLE


@each(WITH_HALF_LIFE)
@pytest.mark.parametrize("has_stars", [True, False])
def test_where_tastes_flip_the_new_ones_win(model: Model, has_stars: bool) -> None:
    if not has_stars and model in (MatrixFactorization, Hybrid):
        return
    ratings = flipped(has_stars=has_stars)
    old, new = (
        model.from_settings({"half_life": half_life}).fit(ratings, n_threads=1)
        for half_life in (0, 100)
    )
    assert leaning(old) < 0 < leaning(new)


@each(WITH_HALF_LIFE)
def test_an_endless_half_life_changes_next_to_nothing(model: Model) -> None:
    plain = model.from_settings({}).fit(table(), n_threads=1)
    endless = model.from_settings({"half_life": 1e6}).fit(table(), n_threads=1)
    expected = plain.attributed(1)
    assert np.abs(endless.attributed(1) - expected).max() < 0.02 * np.abs(expected).max()
    assert np.abs(fitted(model).attributed(1) - expected).max() > 0.05 * expected.std()


@each(WITH_HALF_LIFE)
def test_without_a_half_life_times_change_no_bit(model: Model) -> None:
    with_times = model.from_settings({"half_life": 0}).fit(table(), n_threads=1)
    without = model.from_settings({}).fit(replace(table(), timestamp=None), n_threads=1)
    assert_same(arrays(with_times), arrays(without))
    assert with_times.history_.timestamp is None
    assert with_times.recommend(1) == without.recommend(1)


# -- the contract ------------------------------------------------------------------------------------------------


@each(WITH_HALF_LIFE)
def test_threads_change_no_bit(model: Model) -> None:
    twin = model.from_settings({"half_life": HALF_LIFE}).fit(table(), n_threads=2)
    assert_same(arrays(twin), arrays(fitted(model)))


@each(WITH_HALF_LIFE)
def test_a_file_gives_the_same_answers(model: Model, tmp_path: Path) -> None:
    one = fitted(model)
    save_model(tmp_path / "m.matinee", one, Catalog(), Origin())
    loaded, _, _ = load_model(tmp_path / "m.matinee")
    assert loaded.settings() == one.settings()
    assert loaded.recommend(1) == one.recommend(1)
    assert loaded.recommend({57: 5.0}) == one.recommend({57: 5.0})
    if model is not MatrixFactorization:
        assert loaded.parts(1, 57)[1].ratings.tolist() == one.parts(1, 57)[1].ratings.tolist()


@each(WITH_HALF_LIFE)
def test_lists_of_many_people_are_those_of_each(model: Model) -> None:
    one = fitted(model)
    best = one.top_items(np.arange(20), 5)
    for user in (0, 7, 19):
        found = [line.item_id for line in one.recommend(one.users_.id(user), 5)]
        assert one.items_.ids[best[user]].tolist() == found


@each(STARS)
def test_predictions_of_many_pairs_are_those_of_each(model: Model) -> None:
    one = fitted(model)
    some = table().subset(np.arange(0, 900, 90))
    users, items = (
        side.ids[index].tolist()
        for side, index in ((some.users, some.user_index), (some.items, some.item_index))
    )
    expected = [one.predict(*pair) for pair in zip(users, items, strict=True)]
    assert one.predict_ratings(some).tolist() == pytest.approx(expected, abs=1e-4)


@each([ImplicitALS, EASE, ItemKNN])
def test_the_parts_of_a_known_users_score_add_up(model: Model) -> None:
    score, parts = fitted(model).parts(7, 57)
    total = parts.mean + parts.user + parts.item + parts.ratings.sum()
    assert total == pytest.approx(score, abs=1e-3)
    assert np.abs(parts.ratings).max() > 1e-3


@each([ImplicitALS, EASE, ItemKNN])
def test_an_old_rating_adds_less_than_the_same_one_of_today(model: Model) -> None:
    one, user = fitted(model), 7
    old = {user: one.parts(user, 57)[1].ratings}
    new = one.parts(history(table(), user), 57)[1].ratings
    assert np.abs(old[user]).sum() < np.abs(new).sum()


@each([ItemKNN])
def test_without_a_rating_is_the_score_of_the_same_person_without_it(model: Model) -> None:
    one = fitted(model)
    parts = one.parts(7, 57)[1]
    profile = one.profile(7)
    assert parts.without.shape == profile.value.shape
    unused = np.flatnonzero(parts.ratings == 0)
    score = one.all_stars(7)[one.items_.index(57)]
    assert np.abs(parts.without[unused] - score).max() < 0.1
    assert np.abs(parts.without - score).max() > 0.01


def test_a_blend_keeps_the_times_for_its_models() -> None:
    blend = Blend.from_settings(
        {"models": "mf,item-knn", "item-knn.half_life": 100, "mf.half_life": 100}
    ).fit(table(), n_threads=1)
    assert blend.history_.timestamp is not None
    assert len(blend.recommend(1, 3)) == 3
    assert 1 <= blend.predict(1, 57) <= 5


def test_the_half_life_of_a_hybrid_is_that_of_its_members_unless_they_have_their_own() -> None:
    one = Hybrid.from_settings({"half_life": 90, "stars": "item-knn", "ease.half_life": 30})
    found = {name: member.half_life for name, member in one.unfitted_members().items()}
    assert found == {"item-knn": 90, "ials": 90, "ease": 30, "ials-all": 90}
    other = Hybrid.from_settings({"half_life": 90, "stars": "baseline"})
    biases = other.unfitted_members()["baseline"]
    assert "half_life" not in biases.settings()


def test_a_hybrid_explains_a_known_user_by_the_weights_of_their_ratings() -> None:
    one = Hybrid(half_life=HALF_LIFE, stars="item-knn").fit(table(), n_threads=1)
    alone = ItemKNN(half_life=HALF_LIFE).fit(table(), n_threads=1)
    found, expected = one.parts(7, 57)[1].ratings, alone.parts(7, 57)[1].ratings
    assert found.tolist() == expected.tolist()


def test_pearson_has_no_half_life() -> None:
    expected = (
        "item-knn: half_life needs another similarity than pearson, such as adjusted-cosine or "
        "pearson-baseline."
    )
    assert (
        error_message(SettingError, lambda: ItemKNN(similarity="pearson", half_life=9)) == expected
    )


# -- tuning and the command line -----------------------------------------------------------------------------------


@each(WITH_HALF_LIFE)
def test_it_is_searched_only_if_there_are_times(model: Model) -> None:
    with_times = {one.name for one in search_space(model(), (), True)}
    if model is Hybrid:
        assert with_times == {"half_life"}
        told = "hybrid has no settings to search; tune another model, such as mf."
        assert error_message(UnsupportedError, search_space, model(), (), False) == told
        return
    assert with_times - {one.name for one in search_space(model(), (), False)} == {"half_life"}


def test_a_search_proposes_half_lives_and_none() -> None:
    found = tune(EASE(), table(), Plan(trials=14, split="random:0.2"), n_threads=1)
    proposed = [trial.settings["half_life"] for trial in found.trials]
    assert proposed[0] == 0
    assert any(30 <= half_life <= 3650 for half_life in proposed)
    assert 0 in proposed[1:]
    assert all(half_life == 0 or 30 <= half_life <= 3650 for half_life in proposed)
    timeless = replace(table(), timestamp=None)
    found = tune(EASE(), timeless, Plan(trials=2, split="random:0.2"), n_threads=1)
    assert "half_life" not in found.trials[0].settings


def test_the_option_is_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare_here(monkeypatch)
    path, out = tmp_path / "ratings.csv", tmp_path / "m.matinee"
    lines = ["user,item,rating,timestamp"]
    assert table().timestamp is not None
    columns: list[NDArray[Any]] = [table().user_index, table().item_index, table().value]
    columns.append(np.asarray(table().timestamp))
    lines += [f"{u},{i},{v:g},{t}" for u, i, v, t in zip(*columns, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    trained = run("train", str(path), "--model", "ease", "--half-life", "90.5", "--out", str(out))
    assert trained.exit_code == 0
    assert Guide.load(out).model.settings()["half_life"] == 90.5
    compared = run(
        *("compare", str(path), "--models", "popularity,ease", "--half-life", "90", "--json")
    )
    assert compared.exit_code == 0
    refused = run("compare", str(path), "--models", "popularity", "--half-life", "90")
    assert refused.exit_code == 1
    assert "None of these models has a half-life" in refused.stderr


def test_the_option_needs_times(tmp_path: Path) -> None:
    path = write_table(tmp_path / "ratings.csv", table())
    refused = run("evaluate", str(path), "--half-life", "90")
    assert refused.exit_code == 1
    assert "hybrid: half_life needs the times of the ratings" in refused.stderr
