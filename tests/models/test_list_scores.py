"""Scores of lists: caution about items that few have rated, and the dial of taste."""

import numpy as np
import pytest

from matinee.data.ratings import Ratings, Scale
from matinee.errors import SettingError
from matinee.models import MODELS
from matinee.models.baseline import Baseline
from matinee.models.blend import Blend
from matinee.models.knn import ItemKNN
from matinee.models.list_scores import (
    OF_ONE_RATING,
    UNCERTAINTY,
    caution,
    check_taste,
    distinguished,
    shrunk,
)
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.recommendation.reranking import Dials
from tests.helpers import (
    Model,
    error_message,
    fitted,
    guide,
    ids,
    quickly_fitted,
    small_table,
    table,
)

star_models = pytest.mark.parametrize(
    "model", [Baseline, MatrixFactorization, ItemKNN], ids=lambda model: model.name
)
ONCE = 9999
"""An item with one rating, of five stars."""


def with_a_rarity() -> Ratings:
    """`table()`, and one user with two more ratings: an item of its own, and one that all know."""
    users, items = table().users.ids[table().user_index], table().items.ids[table().item_index]
    return Ratings.from_ids(
        [*users.tolist(), 1000, 1000],
        [*items.tolist(), ONCE, 7],
        [*table().value.tolist(), 5.0, 1.0],
        scale=table().scale,
    )


# -- caution -----------------------------------------------------------------------------


def test_caution_is_two_standard_errors_of_a_mean() -> None:
    counts = np.array([0, 1, 3, 8, 99, 10_000])
    found = caution(Scale(1, 5, 0.5), counts)
    np.testing.assert_allclose(found, 2 * 1 / np.sqrt(counts + 1), rtol=1e-6)
    assert found.dtype == np.float32
    ten = caution(Scale(1, 10, 1), counts)
    np.testing.assert_allclose(ten, 2 * (9 / 4) / np.sqrt(counts + 1), rtol=1e-6)
    assert (np.diff(found) < 0).all()


@star_models
def test_a_list_is_sorted_by_the_stars_less_the_caution(model: Model) -> None:
    one = quickly_fitted(model)
    assert one.ranks_by_stars
    people: list[int | dict[int | str, float]] = [1, 150, {7: 5.0, 27: 1.0}]
    less = 2 * (4 / 4) / np.sqrt(one.item_counts_ + 1)
    for person in people:
        expected = one.all_stars(person) - less
        np.testing.assert_allclose(one.scores(person), expected, atol=1e-5)
        listed = one.recommend(person, 120, include_seen=True)
        index = one.items_.indices([line.item_id for line in listed])
        assert (np.diff(expected[index]) < 1e-5).all()
        stars = np.clip(one.all_stars(person), 1, 5)[index]
        assert [line.stars for line in listed] == pytest.approx(stars.tolist(), abs=1e-5)


@star_models
def test_top_items_are_cautious_too(model: Model) -> None:
    one = quickly_fitted(model)
    (best,) = one.top_items(np.array([0]), 120 - len(one.history_.of(0)[0]))
    assert (np.diff(one.scores(1)[best]) < 1e-5).all()


@star_models
def test_one_rating_of_five_stars_does_not_lead_the_list_of_a_generous_person(
    model: Model,
) -> None:
    settings = {"item_shrinkage": 0} if model is Baseline else {}
    one = model.from_settings(settings).fit(with_a_rarity(), n_threads=1)
    generous = dict.fromkeys(table().items.ids[:12].tolist(), 5.0)
    stars = one.all_stars(generous)
    rarity = one.items_.index(ONCE)
    listed = [line.item_id for line in one.recommend(generous, 200)]
    if model is Baseline:
        assert stars.argmax() == rarity  # what nobody doubts would lead the list
    assert listed.index(ONCE) >= 5


def test_without_ratings_there_is_no_caution() -> None:
    equal = Ratings.from_ids([1, 1, 2], [5, 6, 6], [4.0] * 3, scale=Scale(4, 4, 0))
    one = Baseline().fit(equal, n_threads=1)
    assert not one.has_stars
    assert not one.ranks_by_stars
    assert np.ptp(one.scores({})) == 0


def test_a_blend_is_cautious_once_and_ranks_by_stars_if_it_has_them() -> None:
    one = Blend.from_settings({"models": "mf,item-knn"}).fit(small_table(), n_threads=1)
    assert one.ranks_by_stars
    less = caution(one.scale_, one.item_counts_)
    np.testing.assert_allclose(one.scores(1), one.all_stars(1) - less, atol=1e-5)
    ranks = Blend.from_settings({"models": "item-knn,ease"}).fit(small_table(), n_threads=1)
    assert not ranks.ranks_by_stars


def test_what_only_ranks_does_not_rank_by_stars() -> None:
    for model in MODELS:
        if not model.capabilities.predicts_stars:
            assert not fitted(model).ranks_by_stars


# -- taste -------------------------------------------------------------------------------


def test_a_taste_subtracts_a_part_of_what_the_average_person_gets() -> None:
    rng = np.random.default_rng(0)
    scores, average = rng.normal(3, 2, (4, 30)), rng.normal(-1, 5, 30)
    rows = scores - scores.mean(axis=1, keepdims=True)
    rows /= scores.std(axis=1, keepdims=True)
    for taste in (0.0, 0.3, 1.0):
        expected = rows - 0.6 * taste * (average - average.mean()) / average.std()
        found = distinguished(scores.astype(np.float32), average.astype(np.float32), taste)
        np.testing.assert_allclose(found, expected, atol=1e-5)


@star_models
def test_at_taste_0_the_list_is_the_usual_one(model: Model) -> None:
    one = guide(model)
    for person in (5, 77):
        usual = one.recommend(person, 20)
        assert one.recommend(person, 20, dials=Dials(taste=0.0)).items == usual.items


@star_models
def test_taste_removes_what_everybody_gets(model: Model) -> None:
    one = guide(model)
    average = one.model.scores({}).astype(np.float64)
    person: dict[int | str, float] = {7: 5.0, 17: 1.0, 27: 5.0, 37: 1.0, 107: 4.5}
    likeness = [
        np.corrcoef(one.model.scores(person, taste), average)[0, 1] for taste in (0, 0.5, 1)
    ]
    if model is Baseline:  # all people differ from the average by a constant
        assert np.allclose(likeness, 1)
        return
    assert likeness[0] > likeness[1] > likeness[2]
    usual, own = (ids(one.recommend(person, 10, dials=Dials(taste=taste))) for taste in (0, 1))
    assert usual != own


def test_a_person_like_the_average_is_left_a_part_of_what_everybody_gets() -> None:
    for taste, expected in ((1.0, 0.4), (0.5, 0.7)):
        found = fitted().scores({}, taste)
        standard = fitted().scores({}).astype(np.float64)
        standard = (standard - standard.mean()) / standard.std()
        np.testing.assert_allclose(found, expected * standard, atol=1e-5)


def test_stars_do_not_depend_on_taste() -> None:
    one = guide(MatrixFactorization)
    for line in one.recommend(5, 10, dials=Dials(taste=1)).items:
        assert line.stars == pytest.approx(one.predict(5, line.item_id), abs=1e-5)


@pytest.mark.parametrize(("taste", "said"), [(-0.1, "-0.1"), (1.5, "1.5"), (float("nan"), "nan")])
def test_a_taste_outside_its_range_is_refused(taste: float, said: str) -> None:
    told = (
        "taste must be from 0 (what you are likely to choose) to 1 (what fits your taste), "
        f"not {said}."
    )
    assert error_message(SettingError, check_taste, taste) == told
    assert error_message(SettingError, Dials, taste=taste) == told
    assert error_message(SettingError, fitted().scores, 1, taste) == told


# -- stars as lists show them ----------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 3, 400])
def test_shown_stars_are_the_mean_of_a_normal_distribution_below_the_top(n: int) -> None:
    scale = Scale(1, 9, 1)
    stars = np.array([2.0, 5.5, 7.8, 8.9, 9.0, 9.7, 12.0])
    error = 2 * np.sqrt(UNCERTAINTY**2 + OF_ONE_RATING**2 / (n + 1))
    values = np.linspace(-20, 9, 400_001)
    expected = []
    for center in stars:
        weights = np.exp(
            -0.5 * ((values - center) / error) ** 2 + 0.5 * ((9 - center) / error) ** 2
        )
        expected.append(np.trapezoid(values * weights, values) / np.trapezoid(weights, values))
    found = shrunk(scale, stars, np.full(len(stars), n))
    assert found == pytest.approx(expected, abs=1e-3)


def test_shown_stars_keep_the_order_and_stay_inside_the_scale() -> None:
    stars = np.linspace(-3, 12, 301)
    found = shrunk(Scale(1, 5, 0.5), stars, np.full(301, 50))
    assert found.min() >= 1
    assert found.max() < 5
    assert np.all(np.diff(found[stars > 1]) > 0)
    low = (stars > 1) & (stars < 3.5)
    assert found[low] == pytest.approx(stars[low], abs=1e-2)
    rare = shrunk(Scale(1, 5, 0.5), stars, np.ones(301, np.int64))
    assert np.all(rare <= found)
