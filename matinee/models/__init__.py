"""The models: `registry.MEMBERS` lists them, and a blend combines them."""

from matinee.data.ratings import Scale
from matinee.models.base import Recommender
from matinee.models.blend import Blend
from matinee.models.registry import MEMBERS, Models, member_named

MODELS: Models = (*MEMBERS[:-1], Blend, MEMBERS[-1])
"""All models, in the order people see; plain-mf, the least of them, stays the last."""


def model_named(name: str) -> type[Recommender]:
    """The model class with this name.

    Raises:
        UnknownNameError: there is none; the message lists those there are.
    """
    return member_named(name, MODELS)


def default_model(scale: Scale) -> str:
    """The name of the model for whoever names none; one that can learn from such values."""
    return Recommender.suggested[0 if scale.has_stars else 1]
