"""matinee: film recommendations people can trust, from any table of ratings.

    import matinee

    data = matinee.load("sample")
    model = matinee.MatrixFactorization().fit(data.ratings)
    guide = matinee.Guide(model, data.catalogue)
    guide.recommend(1).items

Names are loaded when first used, so that importing matinee costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from matinee._version import __version__

if TYPE_CHECKING:
    from matinee.catalogue import Catalogue, Film
    from matinee.datasets import load
    from matinee.errors import MatineeError
    from matinee.evaluation import Report, evaluate
    from matinee.guide import Filters, Guide
    from matinee.models import MODELS
    from matinee.models.baseline import Baseline
    from matinee.models.dot_product import DotProduct, PlainMF
    from matinee.models.factorization import MatrixFactorization
    from matinee.models.mlp import EmbeddingMLP
    from matinee.models.network import Network
    from matinee.models.popularity import Popularity
    from matinee.ratings import Ratings
    from matinee.readers import Dataset, ReadOptions, read
    from matinee.split import Split, splits
    from matinee.training.lr_finder import lr_find

_HOMES = {
    "Baseline": "models.baseline",
    "Catalogue": "catalogue",
    "Dataset": "readers",
    "DotProduct": "models.dot_product",
    "EmbeddingMLP": "models.mlp",
    "Film": "catalogue",
    "Filters": "guide",
    "Guide": "guide",
    "MODELS": "models",
    "MatineeError": "errors",
    "MatrixFactorization": "models.factorization",
    "Network": "models.network",
    "PlainMF": "models.dot_product",
    "Popularity": "models.popularity",
    "Ratings": "ratings",
    "ReadOptions": "readers",
    "Report": "evaluation",
    "Split": "split",
    "evaluate": "evaluation",
    "load": "datasets",
    "lr_find": "training.lr_finder",
    "read": "readers",
    "splits": "split",
}

__all__ = [
    "MODELS",
    "Baseline",
    "Catalogue",
    "Dataset",
    "DotProduct",
    "EmbeddingMLP",
    "Film",
    "Filters",
    "Guide",
    "MatineeError",
    "MatrixFactorization",
    "Network",
    "PlainMF",
    "Popularity",
    "Ratings",
    "ReadOptions",
    "Report",
    "Split",
    "__version__",
    "evaluate",
    "load",
    "lr_find",
    "read",
    "splits",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'matinee' has no attribute '{name}'")
    return getattr(import_module(f"matinee.{_HOMES[name]}"), name)
