"""Implicit feedback from ratings: an item is liked if its rating reaches a threshold."""

import numpy as np

from matinee.data.ratings import Ratings, Scale
from matinee.errors import DataError, SettingError

AUTO = "auto"


def check_threshold(given: float | str, model: str) -> str:
    """The setting as text, "auto" or a number.

    Raises:
        SettingError: the setting is neither.
    """
    if given == AUTO:
        return AUTO
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise SettingError(
            f"{model}: threshold must be a rating, such as 4, or {AUTO}, not '{given}'."
        )
    text = f"{number:g}"
    if given == text:  # the given object stays, as scikit-learn's clone asks
        return str(given)
    return text


def liked_from(scale: Scale) -> float:
    """The rating from which an item counts as liked: three quarters up the scale, 4 on 1 to 5.

    The result is not necessarily a step of the scale.
    """
    return scale.lowest + 0.75 * (scale.highest - scale.lowest)


def find_threshold(setting: str, train: Ratings, model: str) -> float:
    """The lowest rating that counts as liked.

    "auto" means the upper quarter of the scale (4 and above on 1 to 5), as for the ranking
    metrics. Every rating counts if none is that high, or if all are equal, as in implicit
    feedback.

    Raises:
        DataError: no rating reaches the given threshold.
    """
    highest = train.value.max()
    if setting == AUTO:
        threshold = liked_from(train.scale)
        if highest >= threshold:
            return threshold
        return float(train.value.min())
    if highest < float(setting):
        raise DataError(
            f"{model}: no rating reaches the threshold {setting}; the highest is {highest:g}. "
            f"Give a lower threshold, or {AUTO}."
        )
    return float(setting)


def random_matrix_norm(n_users: int, n_items: int, n_likes: float) -> float:
    """The norm of a random table: the roots of the mean likes per user and per item, added.

    This approximates the largest singular value of a table with as many likes at random, apart
    from the one of popularity (Latała, "Some estimates of norms of random matrices", 2005).
    Weaker signals are noise, so in this unit the same regularization suits tables of any size.
    """
    return float(np.sqrt(n_likes / n_users) + np.sqrt(n_likes / n_items))
