"""The models. `MODELS` is the only list of them; a class's `name` is what the command line calls it."""

from matinee.errors import UnknownNameError
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.bayesian import BayesianMF
from matinee.models.blend import Blend
from matinee.models.dot_product import DotProduct, PlainMF
from matinee.models.ease import EASE
from matinee.models.factorization import MatrixFactorization
from matinee.models.ials import ImplicitALS
from matinee.models.knn import ItemKNN, UserKNN
from matinee.models.mlp import EmbeddingMLP
from matinee.models.popularity import Popularity
from matinee.ratings import Scale
from matinee.text import did_you_mean

MODELS: tuple[type[Recommender], ...] = (
    Baseline, Popularity, MatrixFactorization, BayesianMF, UserKNN, ItemKNN, ImplicitALS, EASE, DotProduct,
    EmbeddingMLP, Blend, PlainMF,
)  # fmt: skip


def model_named(name: str) -> type[Recommender]:
    """The model class with this name.

    Raises:
        UnknownNameError: there is none; the message lists those there are.
    """
    names = [model.name for model in MODELS]
    if name not in names:
        hint = did_you_mean(name, names) or f" The models are: {', '.join(names)}."
        raise UnknownNameError(f"no model '{name}'.{hint}")
    return MODELS[names.index(name)]


def default_model(scale: Scale) -> str:
    """The name of the model for whoever names none; one that can learn from such values."""
    return MatrixFactorization.name if scale.has_stars else ImplicitALS.name
