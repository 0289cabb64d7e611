"""The dot product with biases and plain matrix factorization: formulas, folding in, and what settings are told."""

from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from matinee.data.ratings import Ratings, Scale
from matinee.data.split import random_split
from matinee.errors import SettingError
from matinee.linalg import top
from matinee.models.base import Recommender
from matinee.models.declarations import learned_arrays, state_of
from matinee.models.neural import users_side
from matinee.models.neural.common import LARGEST_DENSE_TABLE, is_lazy, sigmoid_bounds
from matinee.models.neural.dot_product import DotProduct, PlainMF
from matinee.models.neural.mlp import EmbeddingMLP
from tests import reference
from tests.conftest import simulated
from tests.helpers import assert_same

pytestmark = pytest.mark.usefixtures("one_torch_thread")

MINE: dict[int | str, float] = {7: 5.0, 17: 1.0, 27: 4.5, 107: 2.0}


@cache
def fitted(model: type[DotProduct], **settings: Any) -> DotProduct:
    return model.from_settings({"epochs": 3} | settings).fit(simulated())


def formula(model: DotProduct, user: int, item: int) -> float:
    """Stars before clipping, as the head of the module says."""
    raw = float(model.user_bias_[user]) + float(model.item_bias_[item])
    raw += sum(
        float(p) * float(q)
        for p, q in zip(model.user_factors_[user], model.item_factors_[item], strict=True)
    )
    low, high = model.range_
    return raw if low == high else float(low + (high - low) / (1 + np.exp(-raw)))


# -- predictions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [DotProduct, PlainMF], ids=lambda model: model.name)
def test_predictions_are_the_formula(model: type[DotProduct], ratings: Ratings) -> None:
    one = fitted(model)
    some = ratings.subset(np.arange(0, 9_000, 300))
    expected = [
        formula(one, *pair)
        for pair in zip(some.user_index.tolist(), some.item_index.tolist(), strict=True)
    ]
    np.testing.assert_allclose(one.predict_ratings(some), np.clip(expected, 1, 5), rtol=1e-5)
    np.testing.assert_allclose(
        one.all_stars(1), [formula(one, 0, item) for item in range(120)], rtol=1e-5
    )


def test_the_models_learn(ratings: Ratings) -> None:
    part = random_split(ratings, 0.2)
    for model in (DotProduct(), PlainMF(learning_rate=0.005, epochs=40)):
        stars = model.fit(part.train).predict_ratings(part.test)
        assert np.mean((stars - part.test.value) ** 2) < 0.75 * np.var(part.test.value)


def test_without_biases_they_are_zero_and_without_a_sigmoid_the_range_is_empty() -> None:
    plain = fitted(PlainMF)
    assert not plain.user_bias_.any()
    assert not plain.item_bias_.any()
    assert plain.range_.tolist() == [0, 0]
    assert fitted(DotProduct).range_.tolist() == [0.5, 5.25]
    assert fitted(DotProduct, sigmoid_range="0:6").range_.tolist() == [0, 6]


def test_plain_mf_is_the_dot_product_with_other_defaults_only() -> None:
    assert learned_arrays(PlainMF) == learned_arrays(DotProduct)
    assert [one.name for one in PlainMF.hypers()] == [one.name for one in DotProduct.hypers()]
    for plain, dot in zip(PlainMF.hypers(), DotProduct.hypers(), strict=True):
        assert (plain.low, plain.high, plain.help) == (dot.low, dot.high, dot.help)
    assert {field.name for field in fields(PlainMF)} == {field.name for field in fields(DotProduct)}
    table = simulated(40, 30, 600)
    one = DotProduct.from_settings(PlainMF(epochs=2).settings()).fit(table)
    other = PlainMF(epochs=2).fit(table)
    found = state_of(other)
    for name, array in state_of(one).items():
        assert np.array_equal(array, found[name], equal_nan=True), name


# -- new people --------------------------------------------------------------------------------------------------


def most_likely(model: DotProduct, mine: dict[int | str, float]) -> Any:
    """The vector of a newcomer by L-BFGS in float64, from the definition in `models.fold_in.most_likely`."""
    items = [model.items_.index(item) for item in mine]
    stars = torch.tensor(list(mine.values()), dtype=torch.float64)
    mean, variance, factors, bias = (
        torch.tensor(np.asarray(array), dtype=torch.float64)
        for array in (
            model.crowd_mean_,
            model.crowd_variance_,
            model.item_factors_[items],
            model.item_bias_[items],
        )
    )
    x = mean.clone().requires_grad_()
    low, high = model.range_.tolist()
    optimizer = torch.optim.LBFGS(
        [x], max_iter=500, tolerance_grad=1e-12, tolerance_change=1e-14, history_size=50
    )

    def cost() -> Any:
        optimizer.zero_grad()
        raw = factors @ x[1:] + (x[0] if model.biases else 0) + bias
        predicted = low + (high - low) * torch.sigmoid(raw) if high > low else raw
        total = ((stars - predicted) ** 2).sum() / float(model.noise_) + (
            (x - mean) ** 2 / variance
        ).sum()
        total.backward()
        return total

    optimizer.step(cost)
    return x.detach().numpy()


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("model", [DotProduct, PlainMF], ids=lambda model: model.name)
def test_folding_in_finds_the_most_likely_vector(model: type[DotProduct], n: int) -> None:
    one, mine = fitted(model, factors=6), dict(list(MINE.items())[:n])
    np.testing.assert_allclose(
        one.fold_in(mine).vector, most_likely(one, mine), rtol=1e-3, atol=2e-3
    )


@pytest.mark.parametrize("model", [DotProduct, PlainMF], ids=lambda model: model.name)
def test_a_known_person_gets_the_list_of_the_same_ratings_as_a_newcomer(
    model: type[DotProduct],
) -> None:
    one = fitted(model)
    for user in range(0, 300, 20):
        item_index, value = one.history_.of(user)
        given = dict(zip(one.items_.ids[item_index].tolist(), value.tolist(), strict=True))
        known, folded_in = one.scores(user + 1), one.scores(given)
        np.testing.assert_allclose(known, folded_in, atol=1e-3)
        assert np.array_equal(top(known, 10), top(folded_in, 10))


def test_the_noise_of_the_prior_is_halved_where_weight_decay_has_shrunk_the_vectors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = []
    for enough in (users_side.ENOUGH_RATINGS, 1_000):
        monkeypatch.setattr(users_side, "ENOUGH_RATINGS", enough)
        one = DotProduct(epochs=3, weight_decay=0.3).fit(simulated())
        parts.append(float(one.noise_ / one.curve_.train[-1]))
    assert parts[0] == pytest.approx(1)  # a table with few ratings measures nothing
    assert users_side.LEAST_NOISE <= parts[1] <= 0.5


def test_the_items_are_not_trained_on_the_ratings_that_measure_the_noise(
    monkeypatch: pytest.MonkeyPatch, ratings: Ratings
) -> None:
    assert not users_side.held_out_rows(ratings, 0).any()
    monkeypatch.setattr(users_side, "ENOUGH_RATINGS", len(ratings))
    is_held_out = users_side.held_out_rows(ratings, 0)
    assert 0.05 < is_held_out.mean() < 0.15
    other = ratings.value.copy()
    other[is_held_out] = 3
    changed = replace(ratings, value=other)
    one, two = (DotProduct(epochs=1, factors=5).fit(table) for table in (ratings, changed))
    assert np.array_equal(one.item_factors_, two.item_factors_)


def test_where_the_steps_for_everybody_do_not_arrive_each_person_is_folded_in_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(users_side, "STEPS", 1)
    one = DotProduct(epochs=3).fit(simulated())
    np.testing.assert_allclose(one.scores(7), fitted(DotProduct).scores(7), atol=1e-3)


@pytest.mark.parametrize("model", [DotProduct, PlainMF], ids=lambda model: model.name)
def test_neither_the_order_of_the_rows_nor_the_threads_change_a_bit(
    model: type[DotProduct], ratings: Ratings
) -> None:
    shuffled = ratings.subset(np.random.default_rng(1).permutation(len(ratings)))
    one = model(epochs=1, factors=5).fit(ratings, n_threads=1)
    other = model(epochs=1, factors=5).fit(shuffled, n_threads=3)
    assert_same(state_of(one), state_of(other))


def test_folding_in_without_a_sigmoid_is_a_ridge_regression_towards_the_crowd() -> None:
    one = fitted(PlainMF, epochs=30)
    index = [one.items_.index(item) for item in MINE]
    factors, mean = (
        one.item_factors_[index].astype(np.float64),
        one.crowd_mean_[1:].astype(np.float64),
    )
    penalty = float(one.noise_) / one.crowd_variance_[1:].astype(np.float64)
    expected = mean + reference.ridge(
        factors, np.array(list(MINE.values())) - factors @ mean, penalty
    )
    vector = one.fold_in(MINE).vector
    assert vector[0] == 0
    np.testing.assert_allclose(vector[1:], expected, rtol=1e-4, atol=1e-5)


def test_nobodys_ratings_are_the_average_persons() -> None:
    for model in (DotProduct, PlainMF):
        assert np.array_equal(fitted(model).fold_in({}).vector, fitted(model).crowd_mean_)


# -- settings ----------------------------------------------------------------------------------------------------


def refusal(model: type[Recommender], **settings: Any) -> str:
    with pytest.raises(SettingError) as caught:
        model.from_settings(settings)
    return str(caught.value)


every_neural = pytest.mark.parametrize(
    "model", [DotProduct, PlainMF, EmbeddingMLP], ids=lambda model: model.name
)


@every_neural
@pytest.mark.parametrize(
    "text", ["5", "5:0", "1:1", "low:high", "", "0:5:6", "nan:5", "0:inf", "Auto"]
)
def test_a_wrong_sigmoid_range_is_refused(model: type[Recommender], text: str) -> None:
    expected = (
        f"The setting sigmoid_range must be auto, none or LOW:HIGH, such as 0:5.5, not '{text}'."
    )
    assert refusal(model, sigmoid_range=text) == expected


@every_neural
@pytest.mark.parametrize(
    "text",
    [
        "normal",
        "normal:",
        "normal:-1",
        "gauss:0.1",
        "uniform:x",
        "0.1",
        "",
        "normal:nan",
        "normal:inf",
    ],
)
def test_a_wrong_start_is_refused(model: type[Recommender], text: str) -> None:
    expected = f"The setting start must be normal:DEVIATION or uniform:HIGHEST, such as normal:0.1, not '{text}'."
    assert refusal(model, start=text) == expected


@every_neural
def test_a_wrong_update_is_refused(model: type[Recommender]) -> None:
    told = f"{model.name}: update must be auto, dense or lazy, not 'sparse' (default auto)."
    assert refusal(model, update="sparse") == told


@every_neural
def test_a_wrong_schedule_suggests_the_nearest(model: type[Recommender]) -> None:
    must = f"{model.name}: schedule must be constant, warm-up, one-cycle or warm-restarts, not"
    default = f"(default {model().settings()['schedule']})."
    assert (
        refusal(model, schedule="one-cicle")
        == f"{must} 'one-cicle' {default} Did you mean 'one-cycle'?"
    )
    assert refusal(model, schedule="zzz") == f"{must} 'zzz' {default}"


@pytest.mark.parametrize(
    ("text", "scale", "expected"),
    [
        ("none", Scale(1, 5, 1), (0, 0)),
        ("auto", Scale(1, 5, 1), (0, 5.5)),
        ("auto", Scale(0.5, 5, 0.5), (0, 5.25)),
        ("auto", Scale(-10, 10, 0), (-12, 11)),
        ("0:5.5", Scale(1, 5, 1), (0, 5.5)),
        ("-1:1e2", Scale(1, 5, 1), (-1, 100)),
    ],
)
def test_the_range_of_the_sigmoid_is_a_little_wider_than_the_scale(
    text: str, scale: Scale, expected: tuple[float, float]
) -> None:
    assert sigmoid_bounds(text, scale) == expected


def test_only_large_tables_are_updated_lazily_by_themselves() -> None:
    limit = LARGEST_DENSE_TABLE
    assert [
        is_lazy(*given)
        for given in (("auto", limit), ("auto", limit + 1), ("dense", 10**9), ("lazy", 1))
    ] == [*(False, True, False, True)]


@pytest.mark.parametrize(
    ("start", "low", "deviation"), [("normal:0.3", -9.0, 0.3), ("uniform:0.6", 0.0, 0.6 / 12**0.5)]
)
def test_the_start_is_as_asked(start: str, low: float, deviation: float) -> None:
    one: Any = DotProduct(start=start).engine(simulated())
    assert one.table.weights.min() >= low
    assert one.table.weights.std() == pytest.approx(deviation, rel=0.02)
