"""Computations for figures: checked arrays, and means with intervals within bins."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee._types import Doubles
from matinee.errors import DataError


def checked_numbers(values: ArrayLike, name: str) -> Doubles:
    """The values as a one-dimensional array of finite numbers.

    Args:
        name: what the values are, in the plural, for messages.

    Raises:
        DataError: there are none, some are not finite, or the array has more than one
            dimension.
    """
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 1:
        raise DataError(
            f"The {name} must be one-dimensional, but their array has shape {numbers.shape}."
        )
    if len(numbers) == 0:
        raise DataError(f"There are no {name} to draw.")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise DataError(
            f"{len(bad):,} of the {len(numbers):,} {name} are not finite numbers; "
            f"the first, number {bad[0] + 1:,}, is {numbers[bad[0]]}. Leave them out."
        )
    return numbers


def checked_pairs(
    first: ArrayLike, second: ArrayLike, first_name: str, second_name: str
) -> tuple[Doubles, Doubles]:
    """Two arrays of finite numbers of the same length; raises DataError like
    `checked_numbers`."""
    first_numbers = checked_numbers(first, first_name)
    second_numbers = checked_numbers(second, second_name)
    if len(first_numbers) != len(second_numbers):
        raise DataError(
            f"The numbers of {first_name} ({len(first_numbers):,}) "
            f"and of {second_name} ({len(second_numbers):,}) must be equal."
        )
    return first_numbers, second_numbers


class Binned(NamedTuple):
    """Means in B bins, all (B,): position x, mean, half of its 95% interval, number of
    values."""

    x: Doubles
    mean: Doubles
    half: Doubles
    n: NDArray[np.int64]


def binned_means(bins: NDArray[np.int64], x: Doubles, y: Doubles) -> Binned:
    """The mean of y in each nonempty bin, at the mean of x in that bin.

    The interval follows from the central limit theorem; a single value has none (NaN).

    Args:
        bins: (N,), the bin of each value.
    """
    _, bins, n = np.unique(bins, return_inverse=True, return_counts=True)
    mean = np.bincount(bins, y) / n
    squares = np.bincount(bins, (y - mean[bins]) ** 2)
    half = 1.96 * np.sqrt(squares / np.where(n > 1, n - 1, np.nan) / n)
    return Binned(np.bincount(bins, x) / n, mean, half, n)


def merged_bins(bins: NDArray[np.int64], at_least: int) -> NDArray[np.int64]:
    """Merges neighboring bins, from the left, until each holds `at_least` values.

    What is left over at the right end joins the last bin.

    Args:
        bins: (N,), numbered from left to right.
    """
    distinct, index, n = np.unique(bins, return_inverse=True, return_counts=True)
    merged = np.zeros(len(distinct), np.int64)
    n_held = 0
    for position in range(len(distinct)):
        if n_held >= at_least and n[position:].sum() >= at_least:
            merged[position:] = merged[position] + 1
            n_held = 0
        n_held += int(n[position])
    return merged[index]
