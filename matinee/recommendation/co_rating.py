"""How similar items are, judged by the ratings of the people who rated both."""

import numpy as np
from numpy.typing import NDArray

from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.models.base import Recommender, Scored
from matinee.models.biases import shrunken_biases


def co_rating(model: Recommender, item_index: int) -> NDArray[np.float64]:
    """How alike the items are to one in the eyes of the people who rated both, (I,): -1 to 1, 0 where nobody did.

    The cosine of the columns of residuals, which are zero where somebody did not rate: what people gave beyond what
    their own and the items' biases say. It is the adjusted cosine of Sarwar et al., "Item-based collaborative filtering
    recommendation algorithms", 2001, but about the item's bias too, and with lengths over all raters and not only the
    common ones: so items that few people both rated are little alike, and no table of all pairs is needed.

    Raises:
        UnsupportedError: there are no histories, or this item's ratings are none, or as expected throughout.
    """
    ratings = model.history_.to_ratings()
    user, item, n_items = ratings.user_index, ratings.item_index, len(model.items_)
    beyond = ratings.value - ratings.value.mean(dtype=np.float64)  # (N,)
    user_bias, item_bias = shrunken_biases(ratings, beyond, 5, 5, 3)
    residual = beyond - user_bias[user] - item_bias[item] if ratings.scale.has_stars else np.ones_like(beyond)
    lengths = np.sqrt(np.bincount(item, residual**2, n_items))  # (I,)
    if lengths[item_index] < 1e-6:
        raise UnsupportedError(
            f"Item '{model.items_.id(item_index)}' is like nothing: it has no ratings, or none that surprise."
        )
    of_item = item == item_index
    theirs = np.zeros(len(model.users_))
    theirs[user[of_item]] = residual[of_item]
    products = np.bincount(item, residual * theirs[user], n_items)
    return np.asarray(products / np.maximum(lengths * lengths[item_index], 1e-12))


def _co_rated(model: Recommender, item_id: Id, k: int, allowed: NDArray[np.bool_], shrinkage: int) -> list[Scored]:
    """The k allowed items most alike by `co_rating`, shrunk as by `Recommender.similar`; none at 0 or below."""
    item_index, n = model.items_.index(item_id), model.item_counts_
    cosines = co_rating(model, item_index) * n / (n + shrinkage)
    open_ = allowed & (cosines > 0)
    open_[item_index] = False
    best = [index for index in np.argsort(-cosines, kind="stable").tolist() if open_[index]][:k]
    return [Scored(model.items_.id(index), float(cosines[index]), None) for index in best]
