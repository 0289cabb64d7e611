"""How sure a prediction is: the standard deviation of a rating about it, and the interval that it is likely in."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from matinee.data.ratings import Scale
from matinee.data.vocabulary import Id
from matinee.models.base import Person, Recommender

LEVEL = 0.8


@dataclass(frozen=True)
class Certainty:
    """Of one prediction, in stars.

    Attributes:
        deviation: the standard deviation of what the person would give about what is predicted: how far the draws are
            apart, and how far ratings of this person are usually off.
        low, high: what they would give lies between with 80%; inside the scale.
    """

    deviation: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"deviation": round(self.deviation, 3), "interval_80": [round(self.low, 3), round(self.high, 3)]}


def certainty(model: Recommender, person: Person, item_id: Id, stars: float) -> Certainty | None:
    """How sure a model is of what somebody would give an item; None for models that cannot tell.

    Args:
        stars: what it predicts.
    """
    deviations = model.deviations(person, np.array([model.items_.index(item_id)]))
    if deviations is None:
        return None
    deviation = float(deviations[0])
    return Certainty(deviation, *likely(model.scale_, stars, deviation))


def likely(scale: Scale, stars: float, deviation: float) -> tuple[float, float]:
    """The interval about a prediction that holds a rating with 80%, inside the scale."""
    low, high = interval(stars, deviation, LEVEL)
    return max(low, scale.lowest), min(high, scale.highest)


def interval(stars: float, deviation: float, level: float) -> tuple[float, float]:
    """The interval about a prediction that holds a normal variable with probability `level`."""
    half = NormalDist().inv_cdf((1 + level) / 2) * deviation
    return stars - half, stars + half
