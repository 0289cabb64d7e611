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
    from matinee.comparison import Comparison, compare
    from matinee.datasets import load
    from matinee.dials import Dials
    from matinee.errors import MatineeError
    from matinee.evaluation import Report, evaluate
    from matinee.explain import Explanation
    from matinee.film_map import FilmMap, make_map
    from matinee.guide import Filters, Guide
    from matinee.insight import bias_ranking, components
    from matinee.map_files import save_map
    from matinee.models import MODELS
    from matinee.models.baseline import Baseline
    from matinee.models.bayesian import BayesianMF
    from matinee.models.blend import Blend
    from matinee.models.dot_product import DotProduct, PlainMF
    from matinee.models.ease import EASE
    from matinee.models.factorization import MatrixFactorization
    from matinee.models.ials import ImplicitALS
    from matinee.models.knn import ItemKNN, UserKNN
    from matinee.models.mlp import EmbeddingMLP
    from matinee.models.network import Network
    from matinee.models.popularity import Popularity
    from matinee.ratings import Ratings
    from matinee.readers import Dataset, ReadOptions, read
    from matinee.split import Split, splits
    from matinee.training.lr_finder import lr_find
    from matinee.trials import Plan
    from matinee.tuning import Tuning, tune

_HOMES = {
    "EASE": "models.ease",
    "Baseline": "models.baseline",
    "BayesianMF": "models.bayesian",
    "Blend": "models.blend",
    "Catalogue": "catalogue",
    "Comparison": "comparison",
    "Dataset": "readers",
    "Dials": "dials",
    "DotProduct": "models.dot_product",
    "EmbeddingMLP": "models.mlp",
    "Explanation": "explain",
    "Film": "catalogue",
    "FilmMap": "film_map",
    "Filters": "guide",
    "Guide": "guide",
    "ImplicitALS": "models.ials",
    "ItemKNN": "models.knn",
    "MODELS": "models",
    "MatineeError": "errors",
    "MatrixFactorization": "models.factorization",
    "Network": "models.network",
    "PlainMF": "models.dot_product",
    "Plan": "trials",
    "Popularity": "models.popularity",
    "Ratings": "ratings",
    "ReadOptions": "readers",
    "Report": "evaluation",
    "Split": "split",
    "Tuning": "tuning",
    "UserKNN": "models.knn",
    "bias_ranking": "insight",
    "compare": "comparison",
    "components": "insight",
    "evaluate": "evaluation",
    "load": "datasets",
    "lr_find": "training.lr_finder",
    "make_map": "film_map",
    "read": "readers",
    "save_map": "map_files",
    "splits": "split",
    "tune": "tuning",
}

__all__ = [
    "EASE",
    "MODELS",
    "Baseline",
    "BayesianMF",
    "Blend",
    "Catalogue",
    "Comparison",
    "Dataset",
    "Dials",
    "DotProduct",
    "EmbeddingMLP",
    "Explanation",
    "Film",
    "FilmMap",
    "Filters",
    "Guide",
    "ImplicitALS",
    "ItemKNN",
    "MatineeError",
    "MatrixFactorization",
    "Network",
    "PlainMF",
    "Plan",
    "Popularity",
    "Ratings",
    "ReadOptions",
    "Report",
    "Split",
    "Tuning",
    "UserKNN",
    "__version__",
    "bias_ranking",
    "compare",
    "components",
    "evaluate",
    "load",
    "lr_find",
    "make_map",
    "read",
    "save_map",
    "splits",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'matinee' has no attribute '{name}'")
    return getattr(import_module(f"matinee.{_HOMES[name]}"), name)
