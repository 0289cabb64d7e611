"""Where feelings become stars, and the error that no model can avoid."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from matinee._types import Doubles, Floats
from matinee.data.simulation.shapes import TableShape

if TYPE_CHECKING:
    from matinee.kernels.simulation import Drawn

CELLS = 2_048


@dataclass(frozen=True, eq=False)
class StarLimits:
    """How feelings become stars.

    Attributes:
        limits: (L - 1,) ascending; a feeling above j of them gets stars[j].
        stars: (L,) the stars of the scale.
        variance: (CELLS,) of the stars of a user who expects lowest + step * j.
    """

    limits: Floats
    stars: Floats
    variance: Doubles
    lowest: float
    step: float


def find_limits(shape: TableShape, pilot: "Drawn", noise: float) -> StarLimits:
    """The limits that give a pilot the shares of stars of a shape.

    Args:
        noise: the deviation of what users feel from what they expect.
    """
    shares = np.cumsum(shape.shares) / np.sum(shape.shares)
    limits = np.quantile(pilot.felt, shares[:-1]).astype(np.float64)
    lowest, _, step = shape.scale
    stars = (lowest + step * np.arange(len(shares))).astype(np.float64)
    low, high = float(pilot.expected.min()) - 1, float(pilot.expected.max()) + 1
    expected = np.linspace(low, high, CELLS)
    return StarLimits(
        limits.astype(np.float32),
        stars.astype(np.float32),
        star_variance(expected, limits, stars, noise),
        low,
        (high - low) / (CELLS - 1),
    )


def star_variance(expected: Doubles, limits: Doubles, stars: Doubles, noise: float) -> Doubles:
    """The variance of the stars of users who expect a given liking and feel it with noise."""
    edges = (limits - expected[:, None]) / noise  # (E, L - 1)
    below = np.array([[math.erfc(-edge / math.sqrt(2)) / 2 for edge in row] for row in edges])
    ends = np.hstack([np.zeros((len(below), 1)), below, np.ones((len(below), 1))])
    chance = np.diff(ends, axis=1)  # (E, L)
    mean = chance @ stars
    variance: Doubles = chance @ stars**2 - mean**2
    return variance
