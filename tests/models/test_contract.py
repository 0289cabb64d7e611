"""What every model promises, whichever it is: run over all of MODELS, and the one that the docs build."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from matinee.data.catalog import Catalog
from matinee.data.ratings import Ratings, Scale
from matinee.data.split import Split, given_parts, random_split
from matinee.errors import (
    DataError,
    NotFittedError,
    SettingError,
    UnknownNameError,
    UnsupportedError,
)
from matinee.evaluation.metrics import rmse
from matinee.models import MODELS
from matinee.models.base import Recommender
from matinee.models.declarations import CURVE, learned_arrays
from matinee.models.list_scores import AVERAGE
from matinee.models.neural.common import NeuralRecommender
from matinee.models.stacking import standardized
from matinee.recommendation.explanation import explain
from tests.conftest import simulated
from tests.helpers import (
    ITEM,
    QUICK,
    Model,
    all_attributed,
    arrays,
    assert_same,
    error_message,
    every_model_and_the_docs,
    history,
    model_of_the_page,
    ndcg_at_10,
    quickly_fitted,
    relabelled,
    small_table,
    table,
)

if TYPE_CHECKING:
    from tests.spark.trained import SparkFiles

FROM_SPARK = ("mf", "ials", "hybrid")
"""The models that Spark trains, too: their files keep the same promises."""


def _or_from_spark(models: list[Model]) -> pytest.MarkDecorator:
    """Runs a test over these models, fitted in this process, and over those of them that Spark trained."""
    params = [pytest.param(model, id=model.name) for model in models]
    for model in models:
        if model.name in FROM_SPARK:
            mark = pytest.mark.xdist_group("spark")
            params.append(pytest.param(model.name, id=f"{model.name}-from-Spark", marks=mark))
    return pytest.mark.parametrize("model", params, indirect=True)


STAR_MODELS = [model for model in MODELS if model.capabilities.predicts_stars]
every_star_model = pytest.mark.parametrize("model", STAR_MODELS, ids=lambda model: model.name)
every_fitted_model = _or_from_spark([*MODELS, model_of_the_page()])
every_fitted_star_model = _or_from_spark(STAR_MODELS)


def unfitted(model: Model) -> Recommender:
    return model.from_settings(QUICK.get(model.name, {}))


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Recommender:
    """A model of `table()` that many tests share: fitted in this process, or from a file that Spark trained."""
    if isinstance(request.param, str):
        files: SparkFiles = request.getfixturevalue("spark_files")
        return files.model(request.param)
    return quickly_fitted(request.param)


# -- fitting -----------------------------------------------------------------------------------------------------


@every_model_and_the_docs
def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(model: Model) -> None:
    assert_same(arrays(quickly_fitted(model)), arrays(unfitted(model).fit(table(), n_threads=2)))


@every_model_and_the_docs
def test_fitting_new_data_forgets_the_old(model: Model) -> None:
    new = simulated(50, 40, 800, seed=3)
    first = unfitted(model).fit(small_table(), n_threads=1)
    first.recommend(1)
    can_explain = explains(first)
    refitted, fresh = first.fit(new, n_threads=1), unfitted(model).fit(new, n_threads=1)
    assert_same(arrays(refitted), arrays(fresh))
    assert (refitted.users_, refitted.items_, refitted.scale_) == (new.users, new.items, new.scale)
    assert refitted.recommend(1) == fresh.recommend(1)
    if can_explain:
        assert refitted.parts(1, ITEM)[1][:3] == fresh.parts(1, ITEM)[1][:3]


@every_model_and_the_docs
def test_fitting_returns_the_model_and_changes_no_rating(model: Model) -> None:
    new, twin = simulated(50, 40, 800), simulated(50, 40, 800)
    one = unfitted(model)
    assert one.fit(new, n_threads=1) is one
    assert np.array_equal(new.value, twin.value)


@every_fitted_model
def test_learned_attributes_are_arrays(model: Recommender) -> None:
    for name in (each.name for each in learned_arrays(type(model)) if each.name != CURVE):
        assert isinstance(getattr(model, name), np.ndarray), name


@every_model_and_the_docs
def test_no_ratings_are_refused(model: Model) -> None:
    nothing = table().subset(np.array([], np.int64))
    assert (
        error_message(DataError, lambda: unfitted(model).fit(nothing))
        == "There are no ratings to train on."
    )


@every_model_and_the_docs
def test_an_unfitted_model_raises_not_fitted(model: Model) -> None:
    new = unfitted(model)
    assert (new.is_fitted, quickly_fitted(model).is_fitted) == (False, True)
    expected = f"This {model.name} model is not fitted: call fit(ratings), or load a saved model."
    questions: list[Callable[[], object]] = [
        lambda: new.profile(1),
        lambda: new.fold_in({}),
        lambda: new.predict(1, ITEM),
        lambda: new.predict_ratings(table()),
        lambda: new.recommend(1),
        lambda: new.similar(ITEM),
        lambda: new.top_items(np.array([0]), 3),
        lambda: new.scores(1, 0.5),
        lambda: new.all_stars(1),
        lambda: new.parts(1, ITEM),
    ]
    for question in questions:
        assert error_message(NotFittedError, question) == expected


@every_fitted_model
def test_asking_changes_nothing(model: Recommender) -> None:
    before = arrays(model)
    allowed = np.ones(len(model.items_), bool)
    model.recommend(1, allowed=allowed)
    model.recommend({ITEM: 4.0}, include_seen=True)
    model.top_items(np.arange(5), 10)
    model.fold_in({ITEM: 4.0})
    if explains(model):
        model.parts(1, ITEM)
        model.parts({ITEM: 4.0, 27: 2.0}, ITEM)
    if model.capabilities.predicts_stars:
        model.predict(1, ITEM)
        model.predict_ratings(table())
    assert allowed.all()
    assert_same(before, arrays(model))


@every_model_and_the_docs
def test_a_table_of_one_rating_can_be_fitted(model: Model) -> None:
    one = unfitted(model).fit(Ratings.from_ids([5], [6], [3.0]), n_threads=1)
    assert one.recommend(5) == []
    assert len(one.recommend({})) == 1
    if (
        model.capabilities.predicts_stars
    ):  # but whoever gives everything the same number has not rated
        assert error_message(UnsupportedError, lambda: one.predict(5, 6)) == (
            f"{one.name} was trained on a table without ratings, so it ranks items and does not predict stars."
        )


@every_star_model
def test_a_table_of_equal_ratings_is_predicted_exactly(model: Model) -> None:
    equal = Ratings.from_ids([1, 1, 2, 2, 3], [1, 2, 2, 3, 1], [4.0] * 5, scale=Scale(1, 5, 1))
    # The neural models know no mean: they get there step by step, and their decay holds them back a little.
    patient = (
        {"epochs": 150, "learning_rate": 0.04, "weight_decay": 0.0}
        if issubclass(model, NeuralRecommender)
        else {}
    )
    one, room = model.from_settings(patient), 0.05 if patient else 1e-3
    assert np.allclose(one.fit(equal, n_threads=1).predict_ratings(equal), 4, atol=room)


def has_similar(model: Recommender) -> bool:
    try:
        model.similar(ITEM)
    except UnsupportedError:
        return False
    return True


def explains(model: Recommender) -> bool:
    try:
        model.parts(1, ITEM)
    except UnsupportedError:
        return False
    return True


# -- recommending ------------------------------------------------------------------------------------------------


@every_fitted_model
def test_exactly_k_unseen_items_come_best_first(model: Recommender) -> None:
    for user in (1, 2, 150, 300):
        best = model.recommend(user, 7)
        scores = [one.score for one in best]
        assert len({one.item_id for one in best}) == 7
        assert scores == sorted(scores, reverse=True)
        assert not {one.item_id for one in best} & set(history(table(), user))
        assert all(type(one.item_id) is int and type(one.score) is float for one in best)


@every_fitted_model
def test_stars_beside_scores_are_the_predictions_or_none(model: Recommender) -> None:
    people: list[Any] = [1, {7: 5.0, 27: 1.0}]
    for person in people:
        for line in model.recommend(person, 12, include_seen=True):
            if model.capabilities.predicts_stars:
                assert 1 <= (line.stars or 0) <= 5
                predicted = model.predict(person, line.item_id)
                assert line.stars == pytest.approx(predicted, abs=1e-5)
            else:
                assert line.stars is None


@every_fitted_model
def test_lists_are_sorted_by_the_scores_at_every_taste(model: Recommender) -> None:
    few: dict[int | str, float] = {7: 5.0, 27: 1.0}
    people: list[Any] = [1, few, {}]
    for person in people:
        usual = model.scores(person)
        listed = model.recommend(person, 120, include_seen=True)
        assert [line.score for line in listed] == sorted(usual.tolist(), reverse=True)
        assert np.array_equal(model.scores(person, model.usual_taste), usual)
        for taste in (0, 0.5, 1):
            scores = model.scores(person, taste)
            assert (scores.shape, scores.dtype) == (usual.shape, usual.dtype)
            assert np.isfinite(scores).all()
            vectors = np.stack([model.profile(who).vector for who in (person, 5)])
            assert np.allclose(model.scores_of(vectors, taste)[0], scores, atol=1e-4)
        with pytest.raises(SettingError, match=r"^taste must be from 0 "):
            model.scores(person, 1.5)


@every_fitted_model
@pytest.mark.parametrize("taste", [None, 0.0, 1.0])
def test_a_ranking_is_the_scores_and_the_stars(model: Recommender, taste: float | None) -> None:
    scores, stars = model.ranking(5, taste)
    np.testing.assert_allclose(scores, model.scores(5, taste), atol=1e-5)
    assert (stars is not None) == model.has_stars
    if stars is not None:
        np.testing.assert_allclose(stars, model.all_stars(5), atol=1e-5)


@every_fitted_model
def test_lists_are_because_of_liked_items_or_of_none(model: Recommender) -> None:
    profile = model.profile(5)
    found = model.because(profile, np.arange(6, dtype=np.int32))
    assert len(found) == 6
    for places in found:
        assert places.dtype == np.int64
        assert np.all(profile.value[places] >= 3.5)


@every_fitted_model
def test_more_taste_leaves_less_of_what_the_average_person_is_recommended(
    model: Recommender,
) -> None:
    if type(model)._scores_at is Recommender._scores_at:  # else the model says what taste is
        expected = (1 - AVERAGE) * standardized(model.scores({})[None])[0]
        np.testing.assert_allclose(model.scores({}, 1), expected, atol=1e-5)


@every_fitted_model
def test_seen_items_are_included_when_asked(model: Recommender) -> None:
    everything = model.recommend(1, 10**6, include_seen=True)
    assert {one.item_id for one in everything} == set(table().items.ids.tolist())


@every_fitted_model
def test_more_than_there_are_gives_all_unseen(model: Recommender) -> None:
    best = model.recommend(1, 10_000)
    assert {one.item_id for one in best} == set(table().items.ids.tolist()) - set(
        history(table(), 1)
    )
    assert model.recommend(1, 0) == []


@every_fitted_model
def test_only_allowed_items_are_recommended(model: Recommender) -> None:
    everything = [one.item_id for one in model.recommend(1, 200)]
    allowed = np.zeros(table().n_items, bool)
    allowed[::3] = True
    wanted = [item for item in everything if allowed[table().items.index(item)]]
    assert [one.item_id for one in model.recommend(1, 200, allowed=allowed)] == wanted
    assert [one.item_id for one in model.recommend(1, 3, allowed=allowed)] == wanted[:3]
    assert model.recommend(1, 3, allowed=np.zeros(table().n_items, bool)) == []


@every_model_and_the_docs
def test_ties_are_in_the_order_of_the_ids(model: Model) -> None:
    users, items = np.divmod(np.arange(60), 6)
    alike = Ratings.from_ids(users, items, np.full(60, 3.0), scale=Scale(1, 5, 1))
    one = unfitted(model).fit(alike, n_threads=1)
    best = one.recommend(4, 6, include_seen=True)
    assert sorted(one.item_id for one in best) == list(range(6))
    assert best == sorted(best, key=lambda one: (-one.score, one.item_id))


@every_fitted_model
def test_top_items_are_those_that_recommend_gives(model: Recommender) -> None:
    users = np.array([0, 3, 299])
    top = model.top_items(users, 9)
    assert top.shape == (3, 9)
    for user, row in zip(users.tolist(), top, strict=True):
        best = model.recommend(table().users.id(user), 9)
        assert table().items.ids[row].tolist() == [one.item_id for one in best]


@every_fitted_model
def test_similar_items_are_sorted_or_another_model_is_suggested(model: Recommender) -> None:
    if not has_similar(model):
        expected = (
            f"{model.name} has no item factors, so it cannot say what is similar; use hybrid."
        )
        assert error_message(UnsupportedError, lambda: model.similar(ITEM)) == expected
        return
    best = model.similar(ITEM, 8)
    scores = [one.score for one in best]
    assert (len(best), scores) == (8, sorted(scores, reverse=True))
    assert len({one.item_id for one in best}) == 8
    assert ITEM not in {one.item_id for one in best}
    assert all(-1.001 <= score <= 1.001 for score in scores)
    allowed = np.zeros(table().n_items, bool)
    allowed[:4] = True
    few = {one.item_id for one in model.similar(ITEM, 99, allowed=allowed)}
    # item-knn knows the nearest of each item, and nothing of those that are rated the other way.
    assert few <= {7, 27, 37} if model.name == "item-knn" else few == {7, 27, 37}


@every_fitted_model
def test_an_unknown_user_or_item_suggests_the_nearest(model: Recommender) -> None:
    questions: list[Callable[[], object]] = [
        lambda: model.recommend(3000),
        lambda: model.profile("3000"),
    ]
    items: list[Callable[[], object]] = [lambda: model.fold_in({"117x": 4.0})]
    if model.capabilities.predicts_stars:
        questions.append(lambda: model.predict(3000, ITEM))
        items.append(lambda: model.predict(1, "117x"))
    if has_similar(model):
        items.append(lambda: model.similar("117x"))
    if explains(model):
        questions.append(lambda: model.parts(3000, ITEM))
        items.append(lambda: model.parts(1, "117x"))
    for question in questions:
        found = error_message(UnknownNameError, question)
        assert found.startswith(
            "No user '3000' among the 300 this model was trained on. Did you mean "
        )
        assert "'300'" in found
    for question in items:
        found = error_message(UnknownNameError, question)
        assert found.startswith(
            "No item '117x' among the 120 this model was trained on. Did you mean '117'"
        )


# -- predicting --------------------------------------------------------------------------------------------------


@every_fitted_model
def test_a_model_that_only_ranks_refuses_to_predict_stars(model: Recommender) -> None:
    if model.capabilities.predicts_stars:
        return
    expected = f"{model.name} ranks items and does not predict stars; use baseline or mf."
    assert error_message(UnsupportedError, lambda: model.predict(1, ITEM)) == expected
    assert error_message(UnsupportedError, lambda: model.predict_ratings(table())) == expected
    vectors = model.profile(1).vector[None]
    assert error_message(UnsupportedError, lambda: model.all_stars(1)) == expected
    assert error_message(UnsupportedError, lambda: model.stars_of(vectors)) == expected


@every_fitted_star_model
def test_predictions_are_inside_the_scale_and_the_same_one_by_one(model: Recommender) -> None:
    some = replace(
        table().subset(np.arange(0, 9_000, 900)), timestamp=None
    )  # at no moment in particular
    stars = model.predict_ratings(some)
    assert stars.dtype == np.float32
    assert np.all((stars >= 1) & (stars <= 5))
    for user, item, star in zip(
        some.user_index.tolist(), some.item_index.tolist(), stars.tolist(), strict=True
    ):
        one = model.predict(some.users.id(user), some.items.id(item))
        assert one == pytest.approx(star, abs=1e-4)


@every_star_model
def test_extreme_tastes_are_clipped_to_the_scale(model: Model) -> None:
    users, items = np.divmod(np.arange(900), 30)
    extreme = Ratings.from_ids(users, items, np.where((users + items) % 30 < 15, 1.0, 5.0))
    stars = unfitted(model).fit(extreme, n_threads=1).predict_ratings(extreme)
    assert 1 <= stars.min() <= stars.max() <= 5


@every_fitted_star_model
def test_the_values_of_the_ratings_to_predict_are_not_read(model: Recommender) -> None:
    users, items = table().users.ids[table().user_index], table().items.ids[table().item_index]
    without = Ratings.from_ids(users, items, np.ones(len(table())), table().timestamp)
    assert np.array_equal(model.predict_ratings(table()), model.predict_ratings(without))


@every_fitted_star_model
def test_someone_or_something_never_seen_gets_the_fallback(model: Recommender) -> None:
    strangers = Ratings.from_ids([999, 999, 1, 1], [ITEM, 99999, 99999, ITEM], [3.0] * 4)
    stranger, neither, new_item, known = model.predict_ratings(strangers).tolist()
    assert np.isfinite([stranger, neither, new_item, known]).all()
    assert neither == pytest.approx(float(table().value.mean()), abs=0.05)
    assert known == pytest.approx(model.predict(1, ITEM), abs=1e-4)
    assert stranger != neither
    assert new_item != neither


@every_model_and_the_docs
def test_users_and_items_without_train_ratings_are_no_trouble(model: Model) -> None:
    keep = (table().user_index >= 20) & (table().item_index >= 10)
    partial = unfitted(model).fit(table().subset(keep), n_threads=1)
    best = partial.recommend(1, 200)
    assert len(best) == table().n_items
    assert np.isfinite([one.score for one in best]).all()
    if model.capabilities.predicts_stars:
        stars = partial.predict_ratings(table())
        assert np.isfinite(stars).all()
        new = (table().user_index < 20) & (table().item_index < 10)
        assert np.allclose(
            stars[new], partial.predict_ratings(Ratings.from_ids([999], [99999], [3.0])), atol=1e-4
        )


# -- explaining --------------------------------------------------------------------------------------------------


@every_fitted_model
def test_a_score_is_the_sum_of_its_parts_or_another_model_is_suggested(model: Recommender) -> None:
    if not explains(model):
        expected = f"{model.name} cannot explain what it recommends; use hybrid."
        assert error_message(UnsupportedError, lambda: model.parts(1, ITEM)) == expected
        return
    few: dict[int | str, float] = {7: 5.0, 27: 1.0, ITEM: 4.0}
    people: list[Any] = [1, 150, 300, history(table(), 1), few, {}]
    for person in people:
        score, parts = model.parts(person, ITEM)
        assert score == pytest.approx(all_attributed(model, person)[ITEM], abs=1e-5)
        assert parts.ratings.shape in {(0,), model.profile(person).item_index.shape}
        assert parts.without.shape == parts.ratings.shape
        assert np.isfinite([*parts.ratings, *parts.without]).all()
        total = parts.mean + parts.user + parts.item + float(parts.ratings.sum())
        # What a known user's ratings do not explain is small; for a newcomer there is no such rest.
        assert total == pytest.approx(score, abs=0.3 if isinstance(person, int) else 1e-4)
        found = explain(model, Catalog(), person, ITEM)
        total = (
            found.mean
            + found.user
            + found.item
            + sum(reason.contribution for reason in found.reasons)
        )
        said = model.predict(person, ITEM) if model.capabilities.predicts_stars else score
        assert total + found.rest + found.clipping == pytest.approx(said, abs=1e-4)
    assert (parts.user, parts.ratings.tolist()) == (0, [])


@every_fitted_model
def test_several_items_are_explained_at_once_as_one_by_one(model: Recommender) -> None:
    if not explains(model):
        return
    few: dict[int | str, float] = {7: 5.0, 27: 1.0, ITEM: 4.0}
    people: list[Any] = [1, few, {}]
    for person in people:
        together = model.parts_each(person, [ITEM, 7, 27])
        for item, parts in zip([ITEM, 7, 27], together, strict=True):
            _, alone = model.parts(person, item)
            assert parts[:3] == pytest.approx(alone[:3], abs=1e-6)
            assert parts.ratings == pytest.approx(alone.ratings, abs=1e-6)
            assert parts.without == pytest.approx(alone.without, abs=1e-6)
    assert model.parts_each(1, []) == []


@every_fitted_model
def test_a_higher_rating_of_a_film_adds_more_to_it(model: Recommender) -> None:
    if not explains(model):
        return
    few: dict[int | str, float] = {7: 5.0, 27: 1.0}
    for others in (few, history(table(), 1)):
        own = []
        for stars in (1.0, 3.0, 5.0):
            _, parts = model.parts(others | {ITEM: stars}, ITEM)
            place = list(others | {ITEM: stars}).index(ITEM)
            own.append(parts.user + (parts.ratings[place] if len(parts.ratings) else 0))
        assert own == sorted(own)
        # What only ranks may leave an item out of its own reasons.
        assert own[0] < own[-1] or not model.capabilities.predicts_stars


# -- new people --------------------------------------------------------------------------------------------------


@every_fitted_model
def test_a_new_person_gets_unseen_items_at_once(model: Recommender) -> None:
    mine: dict[int | str, float] = {7: 5.0, 17: 1.0, "27": 4.5}
    best = model.recommend(mine, 10)
    assert len(best) == 10
    assert not {one.item_id for one in best} & {7, 17, 27}
    assert best == model.recommend(model.fold_in(mine), 10)


@every_fitted_model
def test_a_new_person_without_ratings_gets_the_average_list(model: Recommender) -> None:
    scores = [one.score for one in model.recommend({}, 10**6)]
    assert len(scores) == table().n_items
    assert np.isfinite(scores).all()
    if model.capabilities.predicts_stars:
        assert np.isfinite(model.predict({}, ITEM))


@every_fitted_model
def test_folding_in_a_known_users_own_ratings_is_close_to_their_profile(model: Recommender) -> None:
    for user in range(1, 301, 60):
        trained = all_attributed(model, user)
        folded = all_attributed(model, history(table(), user))
        both = np.array([[trained[item], folded[item]] for item in trained])
        assert np.corrcoef(both.T)[0, 1] > 0.9


@every_fitted_model
@pytest.mark.parametrize("stars", [0.5, 5.5, -1.0, float("nan"), float("inf")])
def test_a_rating_outside_the_scale_is_refused(model: Recommender, stars: float) -> None:
    expected = f"The rating {stars:g} for item '17' is outside the scale 1 to 5 in steps of 0.5."
    assert error_message(DataError, lambda: model.fold_in({7: 3.0, 17: stars})) == expected


# -- ids ---------------------------------------------------------------------------------------------------------


def quality(model: Model, part: Split) -> float:
    one = unfitted(model).fit(part.train, n_threads=1)
    if model.capabilities.predicts_stars:
        return rmse(part.test.value, one.predict_ratings(part.test))
    return ndcg_at_10(one, part.test)


@every_model_and_the_docs
def test_other_ids_and_another_order_of_rows_change_no_quality(model: Model) -> None:
    part = random_split(table(), 0.2)
    rng = np.random.default_rng(0)
    users, items = rng.permutation(1000)[:300], rng.permutation(1000)[:120]
    other = given_parts(
        relabelled(part.train, users, items, rng.permutation(len(part.train))),
        relabelled(part.test, users, items, rng.permutation(len(part.test))),
    )
    # Who only ranks gets more room: the simulated items are about equally popular, so that ties decide.
    # So do the neural models, whose random start goes with the index.
    room = (
        0.01
        if model.capabilities.predicts_stars and not issubclass(model, NeuralRecommender)
        else 0.03
    )
    assert quality(model, other) == pytest.approx(quality(model, part), abs=room)


@every_model_and_the_docs
def test_ids_may_be_text(model: Model) -> None:
    users = np.array([f"user {number:03}" for number in range(300)], object)
    items = np.array([f"Ångström {number:03}" for number in range(120)], object)
    named = unfitted(model).fit(
        relabelled(table(), users, items, np.arange(len(table()))), n_threads=1
    )
    assert_same(arrays(quickly_fitted(model)), arrays(named))
    index = [table().items.index(one.item_id) for one in quickly_fitted(model).recommend(5, 4)]
    best = named.recommend("user 004", 4)
    assert [one.item_id for one in best] == items[index].tolist()
    assert all(type(one.item_id) is str for one in best)
