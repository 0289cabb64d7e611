"""Genre taste: what a person thinks of genres, and of other features of items.

    rating - mean - item - user = x'w + noise,    w ~ N(0, 1 / PENALTY)

where x is the row of an item's features less that of the average rating, so w is a ridge
regression of what the ratings of one person have beyond the biases. This is the content-based
half of a hybrid (Pazzani, Billsus, "Content-based recommendation systems", 2007).

It knows little about a person whose ratings say much about single items, so its weight decreases
with their number n, as HALF / (n + HALF).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs
from matinee.data.features import Features
from matinee.data.ratings import Ratings
from matinee.models.updating import Change, placed

PENALTY, ITEM_PENALTY, USER_PENALTY = 2.0, 5.0, 2.0
HALF = 50.0
NOT_A_TASTE = ("year", "decade")
"""Kinds of features that are left out; they made lists worse on parts of the training rows."""
MOST_LABELS = 100
"""A kind with more labels, such as directors, is left out."""


class ItemContent(NamedTuple):
    """What is known of items: features, (I, G), and biases, (I,)."""

    features: Floats
    bias: Floats


def item_content(train: Ratings, global_mean: float) -> ItemContent:
    """The centered features of all items, and their shrunk biases; G is 0 without features."""
    sums = np.bincount(train.item_index, train.value - global_mean, minlength=train.n_items)
    return content_of(train.item_features, train.item_counts, sums)


def content_of(features: Features | None, counts: Longs, sums: Longs | Doubles) -> ItemContent:
    """The content of the items.

    Args:
        counts, sums: the number of ratings of each item, and the sum of what they exceed the mean
            of all ratings by, (I,).
    """
    bias = (sums / (counts + ITEM_PENALTY)).astype(np.float32)
    table = np.zeros((len(counts), 0), np.float32)
    if features is not None:
        table = _tastes_in(features)
        table = table - np.average(table, axis=0, weights=counts).astype(np.float32)
    return ItemContent(table, bias)


def content_after(before: ItemContent, change: Change, global_mean: float) -> ItemContent:
    """The content of the items after an update: new rows, and other biases for some items.

    The average of the features, and so the rows of the other items, stay.
    """
    history, is_new = change.history, change.item_source < 0
    features = placed(before.features, change.item_source)
    if features.shape[1] and history.item_features is not None:
        table, old = _tastes_in(history.item_features), int(np.argmin(is_new))
        features[is_new] = table[is_new] - (table[old] - features[old])
    n_items = len(is_new)
    counts = np.bincount(history.item_index, minlength=n_items)
    sums = np.bincount(history.item_index, history.value - global_mean, minlength=n_items)
    bias = placed(before.bias, change.item_source)
    changed = change.items_change
    bias[changed] = (sums[changed] / (counts[changed] + ITEM_PENALTY)).astype(np.float32)
    return ItemContent(features, bias)


def _tastes_in(features: Features) -> Floats:
    kinds = [name.split(":")[0] for name in features.names]
    kept = [
        column
        for column, kind in enumerate(kinds)
        if kind not in NOT_A_TASTE and kinds.count(kind) <= MOST_LABELS
    ]
    return features.table[:, kept]


def genre_taste(
    content: ItemContent, item_index: NDArray[np.int32], value: Floats, global_mean: float
) -> Floats:
    """The weights of the features for one person, (G,), already multiplied by HALF / (n + HALF).

    Args:
        item_index, value: their ratings, (n,).
    """
    rows = content.features[item_index].astype(np.float64)  # (n, G)
    surprises = value.astype(np.float64) - global_mean - content.bias[item_index]
    surprises -= surprises.sum() / (len(value) + USER_PENALTY)
    form = rows.T @ rows + PENALTY * np.eye(rows.shape[1])
    weights = np.linalg.solve(form, rows.T @ surprises)
    return np.asarray(weights * HALF / (len(value) + HALF), np.float32)


def genre_tastes(
    content: ItemContent,
    indptr: Longs,
    item_index: NDArray[np.int32],
    value: Floats,
    global_mean: float,
) -> Floats:
    """`genre_taste` of all users, (U, G), from their ratings by user."""
    tastes = np.zeros((len(indptr) - 1, content.features.shape[1]), np.float32)
    if tastes.shape[1] == 0:
        return tastes
    for user in np.flatnonzero(np.diff(indptr)).tolist():
        own = slice(indptr[user], indptr[user + 1])
        tastes[user] = genre_taste(content, item_index[own], value[own], global_mean)
    return tastes


def liking(content: ItemContent, tastes: Floats, least: float) -> Doubles:
    """What people think of the genres of all items beyond the biases, (B, G) -> (B, I).

    Args:
        least: the values are pulled to 0 by this much, so that only clear tastes count.
    """
    values = (tastes @ content.features.T).astype(np.float64)
    return np.asarray(np.sign(values) * np.maximum(np.abs(values) - least, 0))
