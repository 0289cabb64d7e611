"""What a model learned about items, and what ratings tell about a person.

biases          which items people rate higher than average, and which users rate generously
components      the main directions of the item factors, in words
film_map        items in the plane, similar ones close together
similar_users   people with similar tastes
taste           genres and decades that a person likes
leave_one_out   the prediction of each of a person's ratings from the others
"""

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
