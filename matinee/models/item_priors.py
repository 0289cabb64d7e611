"""The biases of users and items, with a prior for items that follows their popularity.

Where people choose what they will like, items with many ratings are better. An item with three
ratings is then likely to be below the mean of all, and not at it, where shrinkage alone puts it.
"""

from typing import TYPE_CHECKING

import numpy as np

from matinee._types import Doubles
from matinee.block_sums import sums_by
from matinee.models.biases import shrunken_biases

if TYPE_CHECKING:
    from matinee.models.descent import FactorPlan, TrainingTable

EPOCHS = 10
"""Of the biases in turn."""


def biases_of(table: "TrainingTable", plan: "FactorPlan") -> tuple[Doubles, Doubles]:
    """The biases of users, (U,), and items, (I,), that are best without factors."""
    ratings = table.ratings
    shrinkages = plan.bias_shrinkage, plan.item_bias_shrinkage
    prior = item_prior(table, plan)
    value = ratings.value
    if plan.follows_popularity:
        value = table.less(prior).ratings.value
    user_bias, item_bias = shrunken_biases(ratings, value, *shrinkages, EPOCHS, table.importance)
    return user_bias, item_bias + prior


def item_prior(table: "TrainingTable", plan: "FactorPlan") -> Doubles:
    """What to expect of each item from its number of ratings alone, (I,).

    A line over the logarithm of the number, by least squares over items; the weight of an item
    is the inverse of the variance of its mean residual, which consists of that of items, as the
    shrinkage supposes it, and of that of ratings over their number (a random-effects
    meta-regression). 0 for items without ratings, and for all if the plan does not ask for it.
    """
    ratings = table.ratings
    if not plan.follows_popularity or len(ratings) == 0:
        return np.zeros(ratings.n_items)
    shrinkages = plan.bias_shrinkage, plan.item_bias_shrinkage
    user_bias, item_bias = shrunken_biases(
        ratings, ratings.value, *shrinkages, EPOCHS, table.importance
    )
    user, item = ratings.user_index, ratings.item_index
    residual = ratings.value - user_bias[user]
    importance = np.ones(len(residual)) if table.importance is None else table.importance
    sums = table.weight_sums()[1]  # (I,)
    number = np.maximum(sums, 1e-9)
    means = sums_by(item, importance * residual, ratings.n_items) / number
    noise = float(importance @ np.square(residual - item_bias[item]) / number.sum())
    variance = noise / max(plan.item_bias_shrinkage, 1e-9) + noise / number
    weight = np.where(sums > 0, 1 / np.maximum(variance, 1e-12), 0)
    popularity = np.log1p(sums)
    centered = popularity - weight @ popularity / weight.sum()
    slope = weight * centered @ means / max(float(weight * centered @ centered), 1e-12)
    return np.where(sums > 0, weight @ means / weight.sum() + slope * centered, 0.0)
