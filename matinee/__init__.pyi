from ._version import __version__
from .analysis import bias_ranking, components
from .analysis.film_map import FilmMap, make_map
from .catalogue import Catalogue, Film
from .comparison import Comparison, compare
from .datasets import load
from .errors import MatineeError
from .evaluation import Report, evaluate
from .models import MODELS
from .models.baseline import Baseline
from .models.bayes.model import BayesianMF
from .models.blend import Blend
from .models.ease import EASE
from .models.ials import ImplicitALS
from .models.knn import ItemKNN, UserKNN
from .models.matrix_factorization import MatrixFactorization
from .models.neural.dot_product import DotProduct, PlainMF
from .models.neural.mlp import EmbeddingMLP
from .models.neural.network import Network
from .models.popularity import Popularity
from .ratings import Ratings
from .read_options import ReadOptions
from .readers import Dataset, read
from .recommendation.explanation import Explanation
from .recommendation.filters import Filters
from .recommendation.guide import Guide
from .recommendation.reranking import Dials
from .report.map_page import save_map
from .split import Split, splits
from .training.lr_finder import lr_find
from .trials import Plan
from .tuning import Tuning, tune

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
