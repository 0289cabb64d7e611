"""The biases of users and items, with a prior for items that follows their popularity.

Where people choose what they will like, items with many ratings are better. An item with three
ratings is then likely to be below the mean of all, and not at it, where shrinkage alone puts it.
"""

from typing import TYPE_CHECKING

import numpy as np

from matinee._types import Doubles
from matinee.block_sums import BLOCK
from matinee.models.biases import shrunken_biases

if TYPE_CHECKING:
    from matinee.models.descent import FactorPlan, TrainingTable

EPOCHS = 10
"""How often the biases of users and items are computed in turn."""


def biases_of(table: "TrainingTable", plan: "FactorPlan") -> tuple[Doubles, Doubles]:
    """The biases of users, (U,), and items, (I,), that are best without factors."""
    table, plan, prior = without_prior(table, plan)
    user_bias, item_bias = _shrunken(table, plan)
    return user_bias, item_bias + prior


def without_prior(
    table: "TrainingTable", plan: "FactorPlan"
) -> tuple["TrainingTable", "FactorPlan", Doubles]:
    """The same training with biases of items that are shrunk toward zero, and the prior of the
    items, (I,), which is to be added to them at the end.

    Returns: the table less the prior, and a plan that does not follow popularity; both unchanged,
        and zeros, if the plan does not.
    """
    if not plan.follows_popularity:
        return table, plan, np.zeros(table.ratings.n_items)
    prior = item_prior(table, plan)
    return table.minus(prior), plan._replace(follows_popularity=False), prior


def item_prior(table: "TrainingTable", plan: "FactorPlan") -> Doubles:
    """What the number of its ratings alone predicts for the bias of each item, (I,).

    A line over the logarithm of the number, fitted by least squares to the mean residuals of the
    items. The variance of such a mean is the variance of biases, as the shrinkage implies it, plus
    that of ratings divided by their number; each item is weighted by the inverse (random-effects
    meta-regression). 0 for items without ratings, about which the table says no more than about
    items that it does not contain.

    Args:
        plan: the shrinkage of the biases.
    """
    ratings = table.ratings
    sums, totals, noise = table.weight_sums()[1], np.zeros(ratings.n_items), 0.0
    user_bias, item_bias = _shrunken(table, plan)
    for start in range(0, len(ratings), BLOCK):
        rows = slice(start, start + BLOCK)
        item = ratings.item_index[rows]
        residual = ratings.value[rows] - user_bias[ratings.user_index[rows]]
        weight = 1.0 if table.importance is None else table.importance[rows]
        totals += np.bincount(item, weight * residual, ratings.n_items)
        noise += float(np.sum(weight * np.square(residual - item_bias[item])))
    is_rated = sums > 0
    if not is_rated.any():
        return np.zeros(ratings.n_items)
    number = np.maximum(sums, 1e-9)
    means = totals / number
    noise /= sums.sum()
    variance = noise / max(plan.item_bias_shrinkage, 1e-9) + noise / number
    precision = np.where(is_rated, 1 / np.maximum(variance, 1e-12), 0)
    popularity = np.log1p(sums)
    centered = popularity - precision @ popularity / precision.sum()
    slope = precision * centered @ means / max(float(precision * centered @ centered), 1e-12)
    line = precision @ means / precision.sum() + slope * centered
    return np.where(is_rated, line, 0.0)


def _shrunken(table: "TrainingTable", plan: "FactorPlan") -> tuple[Doubles, Doubles]:
    """The biases of users and items, shrunk toward zero."""
    shrinkages = plan.bias_shrinkage, plan.item_bias_shrinkage
    ratings = table.ratings
    return shrunken_biases(ratings, ratings.value, *shrinkages, EPOCHS, table.importance)
