"""Similarity of items, from the ratings of the people who rated both."""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.models.base import Recommender, ScoredItem
from matinee.models.biases import shrunken_biases


def co_rating(model: Recommender, item_index: int) -> Doubles:
    """The similarity of one item to all items, (I,), from -1 to 1; 0 where nobody rated both.

    The cosine of the columns of residuals: what people gave beyond their own biases and the
    items' biases, and 0 where they did not rate. This is the adjusted cosine of Sarwar et al.,
    "Item-based collaborative filtering recommendation algorithms", 2001, with two differences:
    the item's bias is subtracted too, and the lengths are over all raters, not only the common
    ones. So items with few common raters have a low similarity, and no table of all pairs is
    needed.

    Raises:
        UnsupportedError: there are no histories, or the item has no ratings, or only ratings
            that the biases predict exactly.
    """
    ratings = model.history_.to_ratings()
    user, item, n_items = ratings.user_index, ratings.item_index, len(model.items_)
    centered = ratings.value - ratings.value.mean(dtype=np.float64)  # (N,)
    residual = np.ones_like(centered)
    if ratings.scale.has_stars:
        user_bias, item_bias = shrunken_biases(ratings, centered, 5, 5, 3)
        residual = centered - user_bias[user] - item_bias[item]
    lengths = np.sqrt(np.bincount(item, residual**2, n_items))  # (I,)
    if lengths[item_index] < 1e-6:
        raise UnsupportedError(
            f"Item '{model.items_.id(item_index)}' has no similar items: it has no ratings, or "
            "only ratings that the biases predict exactly."
        )
    is_of_item = item == item_index
    of_item = np.zeros(len(model.users_))  # residuals of this item, by user
    of_item[user[is_of_item]] = residual[is_of_item]
    products = np.bincount(item, residual * of_item[user], n_items)
    return np.asarray(products / np.maximum(lengths * lengths[item_index], 1e-12))


def co_rated(
    model: Recommender, item_id: Id, k: int, allowed: NDArray[np.bool_], shrinkage: int
) -> list[ScoredItem]:
    """The k allowed items with the highest `co_rating` above 0, shrunk as
    `Recommender.similar`."""
    item_index = model.items_.index(item_id)
    n_ratings = model.item_counts_
    cosines = co_rating(model, item_index) * n_ratings / (n_ratings + shrinkage)
    is_open = allowed & (cosines > 0)
    is_open[item_index] = False
    order = np.argsort(-cosines, kind="stable")
    best = order[is_open[order]][:k].tolist()
    return [ScoredItem(model.items_.id(index), float(cosines[index]), None) for index in best]
