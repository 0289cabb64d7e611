"""What a model has learned, and what ratings say about a person and their taste."""

from matinee.analysis.biases import (
    BiasLine,
    UserLine,
    bias_ranking,
    bias_unit,
    disagreements,
    generosity,
)
from matinee.analysis.components import Component, End, Meaning, components

__all__ = [
    "BiasLine",
    "Component",
    "End",
    "Meaning",
    "UserLine",
    "bias_ranking",
    "bias_unit",
    "components",
    "disagreements",
    "generosity",
]
