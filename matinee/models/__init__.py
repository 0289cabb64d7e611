"""The models. `MODELS` is the only list of them; a class's `name` is what the command line calls it."""

from matinee.errors import UnknownNameError, did_you_mean
from matinee.models.base import Recommender
from matinee.models.baseline import Baseline
from matinee.models.dot_product import DotProduct, PlainMF
from matinee.models.factorization import MatrixFactorization
from matinee.models.knn import ItemKNN, UserKNN
from matinee.models.mlp import EmbeddingMLP
from matinee.models.popularity import Popularity

MODELS: tuple[type[Recommender], ...] = (
    Baseline, Popularity, MatrixFactorization, UserKNN, ItemKNN, DotProduct, EmbeddingMLP, PlainMF
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
