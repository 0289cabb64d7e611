"""The baseline against an independent ridge regression."""

import numpy as np
import pytest

from matinee.models.baseline import Baseline
from tests import reference
from tests.conftest import simulated


@pytest.mark.parametrize(("user_shrinkage", "item_shrinkage"), [(5.0, 5.0), (0.5, 20.0)])
def test_the_biases_solve_the_normal_equations(
    user_shrinkage: float, item_shrinkage: float
) -> None:
    table = simulated(40, 30, 500)
    one = Baseline(user_shrinkage=user_shrinkage, item_shrinkage=item_shrinkage, epochs=200).fit(
        table
    )
    residual = table.value - table.value.mean(dtype=np.float64)
    shape, shrinkage = (table.n_users, table.n_items), (user_shrinkage, item_shrinkage)
    users, items = reference.biases(table.user_index, table.item_index, residual, shape, shrinkage)
    np.testing.assert_allclose(one.user_bias_, users, atol=1e-3)
    np.testing.assert_allclose(one.item_bias_, items, atol=1e-3)


def test_the_default_epochs_are_enough() -> None:
    table = simulated()
    few, many = Baseline().fit(table), Baseline(epochs=500).fit(table)
    np.testing.assert_allclose(few.predict_ratings(table), many.predict_ratings(table), atol=1e-3)


def test_predictions_are_the_mean_and_both_biases() -> None:
    table = simulated(40, 30, 500)
    one = Baseline().fit(table)
    stars = float(one.global_mean_) + one.user_bias_[3] + one.item_bias_[4]
    assert one.predict(table.users.id(3), table.items.id(4)) == pytest.approx(
        np.clip(stars, 1, 5), abs=1e-5
    )


def test_folding_in_is_the_ridge_regression_of_one_person() -> None:
    table = simulated(40, 30, 500)
    one = Baseline().fit(table)
    vector = one.fold_in({table.items.id(2): 5.0, table.items.id(9): 4.0}).vector
    left = np.array([5, 4]) - float(one.global_mean_) - one.item_bias_[[2, 9]]
    expected = reference.fold_in(np.zeros((2, 0)), left, 0, one.user_shrinkage)
    np.testing.assert_allclose(vector, expected, atol=1e-5)
    assert one.fold_in({}).vector.tolist() == [0]


def test_without_shrinkage_an_unrated_item_has_no_bias() -> None:
    table = simulated(40, 30, 500)
    one = Baseline(user_shrinkage=0, item_shrinkage=0).fit(table.subset(table.item_index > 0))
    assert one.item_bias_[0] == 0
    assert np.isfinite(one.item_bias_).all()
