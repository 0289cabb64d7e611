"""The models: `registry.MEMBERS` lists them, and a blend combines them."""

from matinee.data.ratings import Scale
from matinee.models.base import Recommender
from matinee.models.blend import Blend
from matinee.models.hybrid import Hybrid
from matinee.models.registry import MEMBERS, Models, member_named

MODELS: Models = (*MEMBERS[:-1], Blend, Hybrid, MEMBERS[-1])
"""All models in display order; plain-mf, the weakest, stays last."""


def model_named(name: str) -> type[Recommender]:
    """The model class with this name.

    Raises:
        UnknownNameError: there is none; the message suggests the nearest.
    """
    return member_named(name, MODELS)


def default_model(scale: Scale) -> str:
    """The name of the model to use if the user chooses none, one that can learn from the
    values."""
    for_stars, for_implicit_feedback = Recommender.suggested
    if scale.has_stars:
        return for_stars
    return for_implicit_feedback
