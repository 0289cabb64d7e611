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
    from matinee.evaluate import Report, evaluate
    from matinee.guide import Filters, Guide
    from matinee.models import MODELS
    from matinee.models.baseline import Baseline
    from matinee.models.factorization import MatrixFactorization
    from matinee.models.popularity import Popularity
    from matinee.ratings import Ratings
    from matinee.readers import Dataset, ReadOptions, read
    from matinee.split import Split, splits

_HOMES = {
    "Baseline": "models.baseline",
    "Catalogue": "catalogue",
    "Dataset": "readers",
    "Film": "catalogue",
    "Filters": "guide",
    "Guide": "guide",
    "MODELS": "models",
    "MatineeError": "errors",
    "MatrixFactorization": "models.factorization",
    "Popularity": "models.popularity",
    "Ratings": "ratings",
    "ReadOptions": "readers",
    "Report": "evaluate",
    "Split": "split",
    "evaluate": "evaluate",
    "load": "datasets",
    "read": "readers",
    "splits": "split",
}

__all__ = [
    "MODELS",
    "Baseline",
    "Catalogue",
    "Dataset",
    "Film",
    "Filters",
    "Guide",
    "MatineeError",
    "MatrixFactorization",
    "Popularity",
    "Ratings",
    "ReadOptions",
    "Report",
    "Split",
    "__version__",
    "evaluate",
    "load",
    "read",
    "splits",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'matinee' has no attribute '{name}'")
    return getattr(import_module(f"matinee.{_HOMES[name]}"), name)
