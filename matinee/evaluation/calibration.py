"""Calibration: how many of the test ratings lie inside the intervals that a model predicts.

An interval of 80% is right if it contains 80% of the ratings: of all, and of those of which the
model knows little.
"""

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Longs, Reals
from matinee.data.split import Split

#: The levels of the intervals.
LEVELS = (0.5, 0.8, 0.95)
#: The ratings that are looked at, see `groups`.
GROUPS = ("all", "light_users", "rare_items", "new_users")
#: An item with at most this many training ratings is rare.
RARE = 4


def is_inside(true: Reals, predicted: Reals, deviations: Reals) -> NDArray[np.bool_]:
    """Whether each rating is inside the interval of each of LEVELS, (N, 3).

    Args:
        true, predicted, deviations: (N,) in stars, of a normal distribution.
    """
    distances = np.abs(predicted.astype(np.float64) - true) / deviations
    quantiles = [NormalDist().inv_cdf((1 + level) / 2) for level in LEVELS]
    return np.asarray(distances[:, None] <= quantiles)


def coverage_of(true: Reals, predicted: Reals, deviations: Reals) -> Doubles:
    """The share of ratings inside the interval of each of LEVELS, (3,); see `is_inside`."""
    return np.asarray(is_inside(true, predicted, deviations).mean(axis=0))


def groups(part: Split) -> dict[str, NDArray[np.bool_]]:
    """Which test ratings are in each of GROUPS, (N,).

    Light users are the quarter of the users of the test part with the fewest other ratings, and
    all who have as few; rare items have at most RARE training ratings; new users have none.
    """
    test, known = part.test, part.train.user_counts
    is_new = known == 0
    if part.folded_in is not None:
        known = known + part.folded_in.user_counts
    counts = known[(test.user_counts > 0) & (known > 0)]
    few = np.quantile(counts, 0.25, method="lower") if len(counts) else 0
    is_light = (known > 0) & (known <= few)
    return {
        "all": np.ones(len(test), bool),
        "light_users": is_light[test.user_index],
        "rare_items": part.train.item_counts[test.item_index] <= RARE,
        "new_users": is_new[test.user_index],
    }


def count_inside(part: Split, predicted: Reals, deviations: Reals) -> Longs:
    """For each of GROUPS the number of test ratings, and of those inside at each level, (4, 4)."""
    inside = is_inside(part.test.value, predicted, deviations)
    masks = groups(part)
    return np.array(
        [[masks[name].sum(), *inside[masks[name]].sum(axis=0)] for name in GROUPS], np.int64
    )


def interval_coverage(folds: Sequence[Longs]) -> dict[str, dict[str, float]]:
    """The share inside, for each of GROUPS with ratings, over the counts of all folds.

    Returns: such as {"all": {"n_ratings": 20000, "in_50": 0.49, "in_80": 0.80, "in_95": 0.95}}.
    """
    found: dict[str, dict[str, float]] = {}
    if not folds:
        return found
    for name, (n, *inside) in zip(GROUPS, np.sum(folds, axis=0).tolist(), strict=True):
        if n:
            shares = {
                f"in_{level:.0%}"[:-1]: k / n for level, k in zip(LEVELS, inside, strict=True)
            }
            found[name] = {"n_ratings": n, **shares}
    return found


def coverage_in_words(coverage: Mapping[str, Mapping[str, float]]) -> str:
    """Such as "79.5%; light users 76.1%, rare items 74.0%", of the 80% intervals."""
    shares = {name.replace("_", " "): of_group["in_80"] for name, of_group in coverage.items()}
    others = [f"{name} {share:.1%}" for name, share in shares.items() if name != "all"]
    return "; ".join(filter(None, (f"{shares['all']:.1%}", ", ".join(others))))
