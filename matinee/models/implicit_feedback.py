"""What counts as liked, for the models that only rank: a rating at or above a threshold."""

from typing import Any

import numpy as np

from matinee.data.ratings import Ratings, Scale
from matinee.errors import DataError, SettingError

AUTO = "auto"


def check_threshold(given: Any, model: str) -> str:
    """The setting as text: "auto", or a number.

    Raises:
        SettingError: it is neither.
    """
    if given == AUTO:
        return AUTO
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise SettingError(f"{model}: threshold must be a rating, such as 4, or {AUTO}, not '{given}'.")
    return f"{number:g}"


def liked_from(scale: Scale) -> float:
    """The rating from which an item counts as liked: the upper quarter of the scale, 4 of 1 to 5.

    It need not be a step of the scale.
    """
    return scale.lowest + 0.75 * (scale.highest - scale.lowest)


def find_threshold(setting: str, train: Ratings, model: str) -> float:
    """The lowest rating that counts as liked.

    "auto" is the upper quarter of the scale (4 and above of 1 to 5), as for the ranking measures; if no rating is
    there, or all are the same, as of who has what, every rating counts.

    Raises:
        DataError: no rating reaches the given number.
    """
    if setting == AUTO:
        upper = liked_from(train.scale)
        return upper if train.value.max() >= upper else float(train.value.min())
    if train.value.max() < float(setting):
        raise DataError(
            f"{model}: no rating is as high as the threshold {setting}, and the highest is {train.value.max():g}. "
            f"Give a lower threshold, or {AUTO}."
        )
    return float(setting)


def noise(n_users: int, n_items: int, n_likes: int) -> float:
    """The root of the mean number of likes of a user plus that of an item.

    About the largest singular value of a table of so many likes at random, beside the one that is popularity (Latała,
    "Some estimates of norms of random matrices", 2005). What is weaker is noise, so this is the unit in which the
    same regularization serves tables of any size.
    """
    return float(np.sqrt(n_likes / n_users) + np.sqrt(n_likes / n_items))
