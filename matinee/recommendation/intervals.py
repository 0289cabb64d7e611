"""How certain a prediction is: the standard deviation of the rating around it, and an
interval."""

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
    """The certainty of one prediction, in stars.

    Attributes:
        deviation: the standard deviation of the person's rating around the prediction. It
            includes the spread of the model's draws and the usual error for this person.
        low, high: the 80% interval of the rating, inside the scale.
    """

    deviation: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain values, for JSON."""
        return {
            "deviation": round(self.deviation, 3),
            "interval_80": [round(self.low, 3), round(self.high, 3)],
        }


def certainty(model: Recommender, person: Person, item_id: Id, stars: float) -> Certainty | None:
    """The certainty of a prediction; None for models that have no such estimate.

    Args:
        stars: the prediction.
    """
    deviations = model.deviations(person, np.array([model.items_.index(item_id)]))
    if deviations is None:
        return None
    deviation = float(deviations[0])
    low, high = likely(model.scale_, stars, deviation)
    return Certainty(deviation, low, high)


def likely(scale: Scale, stars: float, deviation: float) -> tuple[float, float]:
    """The interval that holds the rating with 80% probability, inside the scale."""
    low, high = interval(stars, deviation, LEVEL)
    return max(low, scale.lowest), min(high, scale.highest)


def interval(stars: float, deviation: float, level: float) -> tuple[float, float]:
    """The interval around a prediction that holds a normal variable with probability
    `level`."""
    half = NormalDist().inv_cdf((1 + level) / 2) * deviation
    return stars - half, stars + half
