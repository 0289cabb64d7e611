"""The list of models. To add a model, write its class and append it to MEMBERS."""

from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.bayes.model import BayesianMF
from matinee.models.ease import EASE
from matinee.models.ials import ImplicitALS
from matinee.models.knn import ItemKNN, UserKNN
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.neural.dot_product import DotProduct, PlainMF
from matinee.models.neural.mlp import EmbeddingMLP
from matinee.models.popularity import Popularity
from matinee.text import find_named

Models = tuple[type[Recommender], ...]

MEMBERS: Models = (
    Baseline,
    Popularity,
    MatrixFactorization,
    BayesianMF,
    UserKNN,
    ItemKNN,
    ImplicitALS,
    EASE,
    DotProduct,
    EmbeddingMLP,
    PlainMF,
)
"""The models that a blend can combine: all but the blend itself, in display order."""


def member_named(name: str, models: Models = MEMBERS) -> type[Recommender]:
    """The model class with this name; its `name` is what the command line calls it.

    Raises:
        UnknownNameError: there is none; the message suggests the nearest.
    """
    return find_named("model", name, models)
