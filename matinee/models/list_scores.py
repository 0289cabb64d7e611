"""Scores of lists: caution about items that few have rated, and the dial of taste.

A list is the top of thousands of predictions, so it collects those that are too high by chance,
and these are the predictions of items that few have rated. Models that sort by stars therefore
subtract two standard errors of an item's mean rating,

    score(u, i) = stars(u, i) - 2 s / sqrt(n_i + 1),

where n_i is the number of its ratings, and s, a quarter of the width of the scale, is about the
deviation of ratings: a lower confidence bound, as in Auer, Cesa-Bianchi and Fischer,
"Finite-time analysis of the multiarmed bandit problem", 2002, with the opposite sign.

The taste T, from 0 to 1, subtracts what anybody would be recommended:

    z(score(u, .)) - 0.6 T z(score(average person, .))

where z scales scores to mean 0 and deviation 1 over the items. Without a rest of what anybody
likes, a list would end with poor films that this person would dislike less than others do.
"""

from math import erfc, exp, pi, sqrt

import numpy as np

from matinee._types import Doubles, Floats, Longs, Reals
from matinee.data.ratings import Scale
from matinee.errors import SettingError
from matinee.models.stacking import standardized

UNCERTAINTY, OF_ONE_RATING = 0.3, 0.5
"""The standard error of a prediction, in deviations of ratings, and what an item with a single
rating adds to it. On parts of the training rows of MovieLens-100K and latest-small, predictions
above 4.6 stars are .11 stars too high on average if clipped, and 0 to .03 too low if shrunk."""
ERRORS = 2.0
"""The standard errors that are subtracted; on parts of the training rows of MovieLens-100K and
latest-small, lists improve up to 4, most of all from 0 to 2."""


AVERAGE = 0.6
"""The part of the average person's scores that the highest taste subtracts."""


def caution(scale: Scale, counts: Longs) -> Floats:
    """What a list subtracts from the stars of each item, (I,), by its number of ratings."""
    deviation = (scale.highest - scale.lowest) / 4
    errors = deviation / np.sqrt(counts + 1.0)
    return np.asarray(ERRORS * errors, np.float32)


def shrunk(scale: Scale, stars: Reals, counts: Longs) -> Doubles:
    """Predicted stars as lists show them, (n,): below the top of the scale, however high.

    No item's true stars are above the top t of the scale, so they are the mean of a normal
    distribution, truncated at t (Johnson, Kotz, Balakrishnan, "Continuous univariate
    distributions", 1994):

        stars - e f(z) / F(z)    with    z = (t - stars) / e,    e = s sqrt(0.3^2 + 0.5^2 / (n + 1))

    where f and F are the density and the distribution function of the standard normal
    distribution, s is a quarter of the width of the scale, and n is the number of ratings of the
    item. Predictions more than 3 e below the top hardly change.

    Args:
        stars: before clipping, (n,).
        counts: ratings of each item, (n,).
    """
    exact = np.asarray(stars, np.float64)
    deviation = (scale.highest - scale.lowest) / 4
    error = deviation * np.sqrt(UNCERTAINTY**2 + OF_ONE_RATING**2 / (counts + 1.0))
    z = np.clip((scale.highest - exact) / error, -30, 30)
    hazard = [sqrt(2 / pi) * exp(-(one**2) / 2) / erfc(-one / sqrt(2)) for one in z.tolist()]
    return np.asarray(np.clip(exact - error * hazard, scale.lowest, scale.highest))


def distinguished(scores: Floats, average: Floats, taste: float) -> Floats:
    """The scores at a taste, (B, I).

    Args:
        scores: (B, I).
        average: (I,), those of the average person.
    """
    return standardized(scores) - np.float32(AVERAGE * taste) * standardized(average[None])


def check_taste(taste: float) -> None:
    """Raises SettingError unless the taste is from 0 to 1."""
    if not 0 <= taste <= 1:
        raise SettingError(
            "taste must be from 0 (what you are likely to choose) to 1 (what fits your taste), "
            f"not {taste:g}."
        )
