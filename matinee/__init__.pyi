from ._version import __version__
from .analysis import bias_ranking, components
from .analysis.film_map import FilmMap, make_map
from .data.catalog import Catalog, Catalogue, Film
from .data.dataset import Dataset
from .data.datasets.load import load
from .data.ratings import Ratings
from .data.reading.options import ReadOptions
from .data.reading.read import read
from .data.simulation.simulation import Simulation, simulate
from .data.split import Split, splits
from .errors import MatineeError
from .evaluation import Report, evaluate
from .evaluation.comparison import Comparison, compare
from .evaluation.tuning import Tuning, tune
from .evaluation.tuning_study import Plan
from .models import MODELS
from .models.baseline import Baseline
from .models.bayes.model import BayesianMF
from .models.blend import Blend
from .models.ease import EASE
from .models.hybrid import Hybrid
from .models.ials import ImplicitALS
from .models.knn import ItemKNN, UserKNN
from .models.matrix_factorization import MatrixFactorization
from .models.neural.dot_product import DotProduct, PlainMF
from .models.neural.mlp import EmbeddingMLP
from .models.neural.network import Network
from .models.popularity import Popularity
from .recommendation.explanation import Explanation
from .recommendation.filters import Filters
from .recommendation.guide import Guide
from .recommendation.reranking import Dials
from .report.map_page import save_map
from .training.lr_finder import lr_find

__all__ = [
    "EASE",
    "MODELS",
    "Baseline",
    "BayesianMF",
    "Blend",
    "Catalog",
    "Catalogue",  # the former spelling
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
    "Hybrid",
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
    "Simulation",
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
    "simulate",
    "splits",
    "tune",
]
