"""Neighbors: against brute force by the formulas, new and known people, tables without ratings, on real ratings."""

from functools import cache
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.ratings import Ratings, Scale
from matinee.data.reading.read import read
from matinee.data.split import given_parts
from matinee.errors import ModelFileError, SettingError, UnsupportedError
from matinee.evaluation.metrics import rmse
from matinee.kernels.knn import Measure, Rule
from matinee.models.baseline import Baseline
from matinee.models.knn import SIMILARITIES, USERS_PER_BLOCK, ItemKNN, UserKNN
from matinee.recommendation.model_file import Origin, load_model, save_model
from tests.conftest import real_data, simulated
from tests.helpers import attributed_in_order, error_message, history, small_table
from tests.reference import similarity_twin, weighted_twin

Model = type[ItemKNN] | type[UserKNN]
Given = dict[int | str, float]
both_models = pytest.mark.parametrize("model", [ItemKNN, UserKNN], ids=lambda model: model.name)
ITEM = 57


@cache
def unary() -> Ratings:
    """Implicit feedback; user 61 has nothing, item 407 nobody."""
    some = simulated(60, 40, 300, seed=4)
    users, items = some.users.ids[some.user_index], some.items.ids[some.item_index]
    more = Ratings.from_ids([*users, 61], [*items, 407], np.ones(len(some) + 1))
    return more.subset(np.arange(len(some)))


@cache
def fitted(
    model: Model, similarity: str = "adjusted-cosine", *, is_unary: bool = False
) -> ItemKNN | UserKNN:
    """None may change it."""
    one = model(similarity=similarity, k=7, damping=0.2, shrinkage=4.0, min_overlap=2)
    return one.fit(unary() if is_unary else small_table(), n_threads=1)


# -- brute force -------------------------------------------------------------------------------------------------


class Twin:
    """The formulas, rating by rating, in float64; a person is {item index: rating}."""

    def __init__(self, model: ItemKNN | UserKNN, ratings: Ratings) -> None:
        self.model, self.has_stars = model, ratings.scale.highest > ratings.scale.lowest
        self.people: list[dict[int, float]] = [{} for _ in range(ratings.n_users)]
        columns = ratings.user_index.tolist(), ratings.item_index.tolist(), ratings.value.tolist()
        for user, item, stars in zip(*columns, strict=True):
            self.people[user][item] = stars
        self.mean = float(ratings.value.mean(dtype=np.float64)) if self.has_stars else 0.0
        self.item_bias: list[float] = model.item_bias_.tolist()
        self.left = [self.leave(person) for person in self.people]
        squares = [value**2 for left in self.left for value in left.values()]
        is_co_rated = self.has_stars and model.similarity != "adjusted-cosine"
        shrinkage = model.shrinkage * (1 if is_co_rated else sum(squares) / len(squares))
        self.measure = Measure(
            is_co_rated, model.similarity == "pearson", shrinkage, model.min_overlap
        )
        self.values = [self.compared(person) for person in self.people]
        self.rule = Rule(model.k, model.amplification, model.damping, self.has_stars)

    def bias(self, person: dict[int, float]) -> float:
        left = sum(stars - self.mean - self.item_bias[item] for item, stars in person.items())
        return left / (len(person) + self.model.bias_shrinkage) if self.has_stars else 0.0

    def leave(self, person: dict[int, float]) -> dict[int, float]:
        if not self.has_stars:
            return dict.fromkeys(person, 1.0)
        bias = self.bias(person)
        return {
            item: stars - self.mean - bias - self.item_bias[item] for item, stars in person.items()
        }

    def compared(self, person: dict[int, float]) -> dict[int, float]:
        is_raw = self.has_stars and self.model.similarity in ("cosine", "pearson")
        return person if is_raw else self.leave(person)

    def item_similarity(self, item: int, other: int) -> float:
        x, y = (
            {user: given[one] for user, given in enumerate(self.values) if one in given}
            for one in (item, other)
        )
        return similarity_twin(x, y, self.measure)

    def score(self, person: dict[int, float], item: int) -> float:
        left = self.leave(person)
        if isinstance(self.model, ItemKNN):
            found = [(self.item_similarity(item, other), other, left[other]) for other in person]
        else:
            raters = [user for user, theirs in enumerate(self.people) if item in theirs]
            mine = self.compared(person)
            alike = {
                user: similarity_twin(mine, self.values[user], self.measure) for user in raters
            }
            found = [(alike[user], user, self.left[user][item]) for user in raters]
        return (
            self.mean + self.bias(person) + self.item_bias[item] + weighted_twin(found, self.rule)
        )


@both_models
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_scores_are_those_of_the_formulas(model: Model, similarity: str) -> None:
    one = fitted(model, similarity)
    twin = Twin(one, small_table())
    for user in (3, 40):
        known = attributed_in_order(one, small_table().users.id(user))
        items = range(0, small_table().n_items, 3)
        expected = [twin.score(twin.people[user], item) for item in items]
        np.testing.assert_allclose([known[item] for item in items], expected, atol=2e-5)


@both_models
def test_without_ratings_scores_are_sums_of_cosines_of_sets(model: Model) -> None:
    one = fitted(model, is_unary=True)
    twin = Twin(one, unary())
    expected = [twin.score(twin.people[5], item) for item in range(unary().n_items)]
    np.testing.assert_allclose(attributed_in_order(one, unary().users.id(5)), expected, atol=2e-5)
    assert max(expected) > 0.1


def test_the_cosine_of_two_sets_by_hand() -> None:
    has = Ratings.from_ids([1, 1, 2, 2, 3, 3, 4], [1, 2, 1, 2, 1, 3, 2], [7.0] * 7)
    one = ItemKNN(shrinkage=0, amplification=1).fit(has)
    assert [near.item_id for near in one.similar(1)] == [2, 3]
    assert [near.score for near in one.similar(1)] == pytest.approx([2 / 3, 1 / sqrt(3)])
    best = one.recommend({2: 7.0})[0]
    assert (best.item_id, best.stars) == (1, None)
    assert best.score == pytest.approx(2 / 3 + 0.001 * 3 / 4)


@both_models
def test_predicting_many_pairs_in_any_order_gives_what_one_by_one_gives(model: Model) -> None:
    many = simulated(USERS_PER_BLOCK + 20, 30, 1500)
    one = model().fit(many, n_threads=1)
    order = np.random.default_rng(0).permutation(len(many))
    shuffled = many.subset(order)
    stars = one.predict_ratings(shuffled)
    assert np.array_equal(stars, one.predict_ratings(many)[order])
    for row in range(0, len(many), 100):
        user, item = (
            many.users.id(shuffled.user_index[row]),
            many.items.id(shuffled.item_index[row]),
        )
        assert stars[row] == pytest.approx(one.predict(user, item), abs=1e-5)


@both_models
def test_users_and_items_in_another_order_change_only_the_order(model: Model) -> None:
    rng = np.random.default_rng(2)
    users, items = rng.permutation(60), rng.permutation(40)
    columns = users[small_table().user_index], items[small_table().item_index], small_table().value
    other = model().fit(Ratings.from_ids(*columns, scale=small_table().scale), n_threads=1)
    one = model().fit(small_table(), n_threads=1)
    asked = one.users_.id(7), other.users_.id(users[7])
    np.testing.assert_allclose(
        np.array(attributed_in_order(other, asked[1]))[items],
        np.array(attributed_in_order(one, asked[0])),
        atol=2e-5,
    )


# -- neighbors ---------------------------------------------------------------------------------------------------


def test_storing_fewer_neighbors_stores_the_nearest() -> None:
    few, all_ = (ItemKNN(kept=kept).fit(small_table(), n_threads=1) for kept in (6, 1000))
    assert (few.neighbours_.shape, all_.neighbours_.shape) == ((40, 6), (40, 40))
    assert np.array_equal(few.neighbours_, all_.neighbours_[:, :6])
    assert np.array_equal(few.weights_, all_.weights_[:, :6])


def test_equally_near_items_are_in_the_order_of_their_ids() -> None:
    users, items = np.divmod(np.arange(60), 6)
    stars = np.where(users % 2 == 0, 5.0, 1.0)
    one = ItemKNN().fit(Ratings.from_ids(users, items, stars))
    assert one.neighbours_.tolist() == [list(range(6))] * 6
    assert [near.item_id for near in one.similar(3)] == [0, 1, 2, 4, 5]


def test_similar_items_have_the_highest_similarity() -> None:
    one = fitted(ItemKNN)
    twin = Twin(one, small_table())
    item = small_table().items.index(ITEM)
    alike = {
        small_table().items.id(other): twin.item_similarity(item, other)
        for other in range(40)
        if other != item
    }
    expected = sorted((like for like in alike.values() if like > 0), reverse=True)
    found = one.similar(ITEM, 40)
    np.testing.assert_allclose([near.score for near in found], expected, atol=1e-5)
    np.testing.assert_allclose([alike[near.item_id] for near in found], expected, atol=1e-5)


def test_an_item_without_similar_items_is_reported() -> None:
    one = fitted(ItemKNN, is_unary=True)
    told = "Item '407' has no similar items: item-knn learned nothing about it."
    assert error_message(UnsupportedError, lambda: one.similar(407)) == told


@both_models
def test_without_neighbors_the_biases_are_predicted(model: Model) -> None:
    shy = model(min_overlap=1000).fit(small_table(), n_threads=1)
    baseline = Baseline().fit(small_table())
    np.testing.assert_allclose(
        shy.predict_ratings(small_table()), baseline.predict_ratings(small_table()), atol=1e-5
    )
    np.testing.assert_allclose(
        attributed_in_order(shy, {}), all_scores_of_baseline(baseline), atol=1e-5
    )


def all_scores_of_baseline(baseline: Baseline) -> NDArray[np.float64]:
    return float(baseline.global_mean_) + baseline.item_bias_.astype(np.float64)


@both_models
def test_one_user_and_one_item_are_enough(model: Model) -> None:
    one_user = model().fit(Ratings.from_ids([1, 1, 1], [5, 6, 7], [1.0, 3.0, 5.0]), n_threads=1)
    assert 1 <= one_user.predict(1, 6) <= 5
    assert one_user.recommend(1) == []
    assert [one.item_id for one in one_user.recommend({5: 2.0})] == [7, 6]
    one_item = model().fit(Ratings.from_ids([1, 2, 3], [5, 5, 5], [1.0, 3.0, 5.0]), n_threads=1)
    assert one_item.predict(1, 5) < one_item.predict(2, 5) < one_item.predict(3, 5)
    assert len(one_item.recommend({})) == 1


# -- people ------------------------------------------------------------------------------------------------------


@both_models
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_known_person_folded_in_with_their_own_ratings_gets_their_own_scores(
    model: Model, similarity: str
) -> None:
    one = fitted(model, similarity)
    for user in (1, 30):
        np.testing.assert_allclose(
            attributed_in_order(one, history(small_table(), user)),
            attributed_in_order(one, user),
            atol=1e-4,
        )


@both_models
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_a_score_is_the_sum_of_what_ratings_add(model: Model, similarity: str) -> None:
    one = fitted(model, similarity)
    people: list[int | Given] = [1, {7: 5.0, 27: 1.0, ITEM: 4.0}, {7: 5.0}, {}]
    for person in people:
        score, parts = one.parts(person, ITEM)
        assert parts.mean + parts.user + parts.item + parts.ratings.sum() == pytest.approx(
            score, abs=1e-4
        )
        assert parts.ratings.shape == parts.without.shape == one.profile(person).item_index.shape
        assert parts.is_exact == (model is ItemKNN)


@both_models
@pytest.mark.parametrize("is_unary", [False, True])
def test_the_score_without_a_rating_is_that_of_a_person_who_never_gave_it(
    model: Model, is_unary: bool
) -> None:
    one = fitted(model, is_unary=is_unary)
    mine = history(unary() if is_unary else small_table(), 9)
    assert len(mine) > one.k or is_unary
    score, parts = one.parts(mine, ITEM)
    place = one.items_.index(ITEM)
    for item, without in zip(mine, parts.without.tolist(), strict=True):
        others = {other: stars for other, stars in mine.items() if other != item}
        assert without == pytest.approx(attributed_in_order(one, others)[place], abs=1e-5)
    assert np.ptp(parts.without) > 0
    assert np.isfinite(score)


def test_an_item_adds_its_weight_times_what_the_biases_leave_of_its_rating() -> None:
    one = fitted(ItemKNN)
    mine = history(small_table(), 9)
    _, parts = one.parts(mine, ITEM)
    twin = Twin(one, small_table())
    person = {small_table().items.index(item): stars for item, stars in mine.items()}
    item = small_table().items.index(ITEM)
    alike = sorted(((twin.item_similarity(item, other), other) for other in person), reverse=True)[
        : one.k
    ]
    weights = {other: like**one.amplification for like, other in alike if like > 0}
    left = twin.leave(person)
    expected = [
        weights.get(other, 0) * left[other] / (sum(weights.values()) + one.damping)
        for other in person
    ]
    np.testing.assert_allclose(parts.ratings, expected, atol=1e-5)
    assert np.count_nonzero(parts.ratings) == len(weights) < len(mine)


def test_people_add_by_the_ratings_that_make_them_alike() -> None:
    ratings = Ratings.from_ids(
        [1, 1, 1, 2, 2, 3, 3], [1, 2, 3, 1, 2, 2, 3], [5.0, 5.0, 5.0, 5.0, 1.0, 1.0, 1.0]
    )
    one = UserKNN(shrinkage=0.0, k=1).fit(ratings, n_threads=1)
    _, parts = one.parts({1: 5.0, 2: 5.0}, 3)
    left = {item: one.fold_in({1: 5.0, 2: 5.0}).vector[item] for item in (1, 2)}
    theirs = {item: one.profile(1).vector[item] for item in (1, 2, 3)}
    products = np.array([left[item] * theirs[item] for item in (1, 2)])
    expected = products / products.sum() * parts.ratings.sum()
    np.testing.assert_allclose(parts.ratings, expected, atol=1e-6)
    assert parts.ratings.sum() != 0


# -- without ratings ---------------------------------------------------------------------------------------------


@both_models
def test_a_table_without_ratings_is_ranked_and_has_no_stars(model: Model) -> None:
    one = fitted(model, is_unary=True)
    assert not one.has_stars
    best = one.recommend(7, 5)
    assert all(near.stars is None for near in best)
    assert not {near.item_id for near in best} & set(history(unary(), 7))
    told = f"{model.name} was trained on a table without ratings, so it ranks items and does not predict stars."
    assert error_message(UnsupportedError, lambda: one.predict(7, ITEM)) == told
    assert error_message(UnsupportedError, lambda: one.predict_ratings(unary())) == told


@both_models
def test_whoever_has_nothing_is_shown_what_most_people_have(model: Model) -> None:
    one = fitted(model, is_unary=True)
    expected = np.argsort(-unary().item_counts, kind="stable")[:8]
    people: list[int | Given] = [{}, 61]
    for person in people:
        best = [near.item_id for near in one.recommend(person, 8)]
        assert best == unary().items.ids[expected].tolist()


@both_models
def test_which_number_stands_for_having_makes_no_difference(model: Model) -> None:
    users, items = unary().users.ids[unary().user_index], unary().items.ids[unary().item_index]
    one, five = (
        model().fit(
            Ratings.from_ids(users, items, np.full(len(users), stars), scale=Scale(stars, stars, 0))
        )
        for stars in (1.0, 5.0)
    )
    assert attributed_in_order(one, 7) == attributed_in_order(five, 7)
    assert attributed_in_order(one, {ITEM: 1.0}) == attributed_in_order(five, {ITEM: 5.0})


# -- settings and files ------------------------------------------------------------------------------------------


@both_models
def test_an_unknown_similarity_is_refused_with_the_valid_ones(model: Model) -> None:
    listed = "adjusted-cosine, cosine, pearson or pearson-baseline"
    told = f"{model.name}: similarity must be {listed}, not 'adjusted_cosine' (default adjusted-cosine)."
    told += " Did you mean 'adjusted-cosine' or 'cosine'?"
    assert error_message(SettingError, lambda: model(similarity="adjusted_cosine")) == told


def test_a_file_of_user_knn_cannot_leave_out_who_rated_what(tmp_path: Path) -> None:
    told = "user-knn needs the ratings history: save it with the histories, or train item-knn."
    path = tmp_path / "bare.matinee"
    origin = Origin("x", 9, "", has_history=False)
    assert (
        error_message(ModelFileError, lambda: save_model(path, fitted(UserKNN), Catalog(), origin))
        == told
    )
    assert not path.exists()


def test_a_file_of_item_knn_without_histories_serves_new_people_and_refuses_known_ones(
    tmp_path: Path,
) -> None:
    path, one = tmp_path / "bare.matinee", fitted(ItemKNN)
    save_model(path, one, Catalog(), Origin("x", 9, "", has_history=False))
    bare = load_model(path)[0]
    mine = history(small_table(), 3)
    assert bare.recommend(mine, 50) == one.recommend(mine, 50)
    assert bare.similar(ITEM) == one.similar(ITEM)
    told = "item-knn represents users by their ratings, which were not saved in this file: "
    told += "give the ratings, or train it without --no-history."
    assert error_message(UnsupportedError, lambda: bare.recommend(3)) == told
    assert error_message(UnsupportedError, lambda: bare.predict_ratings(small_table())) == told


# -- real ratings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "most"), [(ItemKNN, 0.9235), (UserKNN, 0.932)], ids=["item-knn", "user-knn"]
)
def test_real_ratings_are_predicted_well(model: Model, most: float) -> None:
    part = given_parts(*(read(real_data(f"ml-100k/u1.{end}")).ratings for end in ("base", "test")))
    assert rmse(part.test.value, model().fit(part.train).predict_ratings(part.test)) < most
