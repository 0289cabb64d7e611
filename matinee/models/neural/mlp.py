"""EmbeddingMLP: a multilayer perceptron on the concatenated embeddings of user and item."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats, Indices
from matinee.data.ratings import Ratings
from matinee.errors import DataError, SettingError
from matinee.models.base import FitOptions
from matinee.models.fold_in import Predict
from matinee.models.hyperparameters import hyper, learned, redeclared
from matinee.models.interface import Capabilities
from matinee.models.neural.common import (
    UPDATES,
    NeuralRecommender,
    check_range,
    is_lazy,
    require_torch,
    sigmoid_bounds,
    to_stars,
)
from matinee.training.initialization import start_table

if TYPE_CHECKING:
    from matinee.training.torch_engine import NetworkEngine

MOST_LAYERS = 100
ITEMS_AT_ONCE = 512
"""The first-layer sums of this many items stay in the cache while one person after another is
added."""


class Layer(NamedTuple):
    """A linear layer."""

    weights: Floats  # (in, out)
    constants: Floats  # (out,)


@dataclass(kw_only=True, eq=False, repr=False)
class EmbeddingMLP(NeuralRecommender):
    """Embeddings of users and items, and hidden layers that turn a pair of them into stars.

        x = dropout([p_u, q_i])
        x = dropout(relu(W x + c))              for each hidden layer
        stars = low + (high - low) * sigmoid(w . x + c)

    (I. Zaitsev's tutorial, and fastai's EmbeddingNN; after Cheng et al., "Wide & deep learning for
    recommender systems", 2016.) PyTorch trains it, on any device. Predictions are a few matrix
    products in NumPy, so a saved model needs no PyTorch.

    Example:
        >>> mlp = matinee.EmbeddingMLP(factors=8, hidden="16", epochs=1).fit(few)
        >>> 0.5 <= mlp.predict({107: 5.0}, 107) <= 5
        True
    """

    name: ClassVar[str] = "mlp"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a row of numbers, and a neural "
        "network turns a pair of rows into stars."
    )
    capabilities = Capabilities(needs_stars=True, resumes=True, thread_safe=True)

    factors: int = hyper(
        50,
        low=0,
        high=4096,
        help="length of each embedding; 0: 1.6 * n ** 0.56 for n users or items, at most 600",
    )
    hidden: str = hyper("100,50", help="comma-separated sizes of the hidden layers")
    embedding_dropout: float = hyper(
        0.05, low=0, high=0.99, search=(0, 0.5), help="dropped fraction of the embeddings"
    )
    dropout: str = hyper(
        "0.25", help="dropped fraction of the hidden layers: one number for all, or one per layer"
    )
    sigmoid_range: str = hyper(
        "auto",
        help="LOW:HIGH of the sigmoid; auto: a little wider than the scale; none: no sigmoid",
    )
    start: str = hyper(
        "normal:0.05", help="initial embeddings: normal:DEVIATION or uniform:HIGHEST"
    )
    epochs: int = redeclared(NeuralRecommender, "epochs", 6)
    batch_size: int = redeclared(NeuralRecommender, "batch_size", 512)
    learning_rate: float = redeclared(
        NeuralRecommender, "learning_rate", 0.003, search=(3e-4, 1e-2)
    )
    weight_decay: float = redeclared(NeuralRecommender, "weight_decay", 1e-4, search=(1e-6, 1e-2))
    decoupled: bool = redeclared(NeuralRecommender, "decoupled", False)
    square_momentum: float = redeclared(NeuralRecommender, "square_momentum", 0.999)
    epsilon: float = redeclared(NeuralRecommender, "epsilon", 1e-8)
    update: str = hyper(
        "auto",
        choices=UPDATES,
        help="dense: each step updates all rows; lazy: those of its batch; auto: by table size",
    )
    compile: bool = hyper(False, help="compile the network with torch.compile")

    user_factors_: Floats = learned("U", "Fu", dtype=np.float32)
    item_factors_: Floats = learned("I", "Fi", dtype=np.float32)
    layers_: Floats = learned("P", dtype=np.float32)
    """Weights, (in, out), and constants of all layers, flat, one after another."""
    range_: NDArray[np.float64] = learned(2, dtype=np.float64)
    """Low and high end of the sigmoid's range; equal if there is no sigmoid."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sigmoid_bounds(self.sigmoid_range, None)
        start_table(self.start, 0, 0, np.random.default_rng())
        self._check_hidden_layers()

    def _check_hidden_layers(self) -> None:
        try:
            sizes, dropouts = self._hidden_sizes(), self._dropouts()
        except ValueError:
            sizes, dropouts = [], []
        valid_sizes = 1 <= len(sizes) <= MOST_LAYERS and min(sizes) >= 1
        valid_dropouts = all(0 <= dropout < 1 for dropout in dropouts)
        if not (valid_sizes and valid_dropouts and len(sizes) == len(dropouts)):
            raise SettingError(
                f"{self.name}: hidden '{self.hidden}' does not fit dropout '{self.dropout}'. Give "
                f"up to {MOST_LAYERS} sizes such as 100,50 and either one dropout from 0 to below "
                "1 or one per layer."
            )

    def _hidden_sizes(self) -> list[int]:
        """Of the hidden layers."""
        return [int(size) for size in self.hidden.split(",")]

    def _dropouts(self) -> list[float]:
        """Of the hidden layers."""
        dropouts = [float(dropout) for dropout in self.dropout.split(",")]
        if len(dropouts) == 1:
            return dropouts * len(self._hidden_sizes())
        return dropouts

    # -- training ------------------------------------------------------------------------

    def engine(self, train: Ratings) -> "NetworkEngine":
        """PyTorch on any device."""
        require_torch(self.name)
        from matinee.training.torch_modules import MLPModule

        rng = np.random.default_rng(self.seed)
        user_width = self.factors or _embedding_size(train.n_users)
        item_width = self.factors or _embedding_size(train.n_items)
        low, high = sigmoid_bounds(self.sigmoid_range, train.scale)
        module = MLPModule(
            users=start_table(self.start, train.n_users, user_width, rng),
            items=start_table(self.start, train.n_items, item_width, rng),
            sizes=self._hidden_sizes(),
            dropouts=[self.embedding_dropout, *self._dropouts()],
            low=low,
            high=high,
            sparse=is_lazy(self.update, train.n_users + train.n_items),
            seed=self.seed,
        )
        return self._torch_engine(module, compiled=self.compile)

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        engine = self.engine(train)
        self._train(engine, train, options)
        from matinee.training.torch_modules import mlp_weights

        self.user_factors_, self.item_factors_, self.layers_ = mlp_weights(engine.module)
        self.range_ = np.array(sigmoid_bounds(self.sigmoid_range, train.scale))
        rated_users, rated_items = train.user_counts > 0, train.item_counts > 0
        self._set_prior(self.user_factors_[rated_users])
        # A user without training ratings is the average user; such an item is the average
        # item.
        self.user_factors_[~rated_users] = self.crowd_mean_
        self.item_factors_[~rated_items] = self.item_factors_[rated_items].mean(axis=0)

    # -- predictions ---------------------------------------------------------------------

    def _widths(self) -> list[int]:
        """Number of inputs, sizes of the hidden layers, and 1 for the output."""
        n_inputs = self.user_factors_.shape[1] + self.item_factors_.shape[1]
        return [n_inputs, *self._hidden_sizes(), 1]

    def check_arrays(self) -> None:
        """See `Recommender`."""
        super().check_arrays()
        check_range(self.name, self.range_)
        n = sum((before + 1) * after for before, after in itertools.pairwise(self._widths()))
        if len(self.layers_) != n:
            raise DataError(f"{self.name}: layers_ has {len(self.layers_)} numbers, not {n}")

    def _layers(self) -> list[Layer]:
        """All layers, the output layer last."""
        layers, first = [], 0
        for before, after in itertools.pairwise(self._widths()):
            middle = first + before * after
            last = middle + after
            weights = self.layers_[first:middle].reshape(before, after)
            layers.append(Layer(weights, self.layers_[middle:last]))
            first = last
        return layers

    def _stars(self, sums: Floats, active: list[NDArray[np.bool_]] | None = None) -> Floats:
        """Stars, (n,), from the sums of the first layer, (n, H).

        Args:
            active: if given, a mask of the active units of each hidden layer is appended, (n,
                H).
        """
        for layer in self._layers()[1:]:
            if active is not None:
                active.append(sums > 0)
            sums = np.maximum(sums, 0) @ layer.weights
            sums += layer.constants
        low, high = self.range_.astype(np.float32)
        return to_stars(sums[:, 0], low, high)

    def _slopes(self, stars: Floats, active: list[NDArray[np.bool_]]) -> Floats:
        """Derivatives of the stars with respect to the sums of the first layer, (n, H).

        Args:
            stars, active: what `_stars` computed from these sums.
        """
        low, high = self.range_.astype(np.float32)
        slopes = np.ones((len(stars), 1), np.float32)
        if low != high:
            slopes *= ((stars - low) * (high - stars) / (high - low))[:, None]
        layers = self._layers()[1:]
        for layer, mask in zip(reversed(layers), reversed(active), strict=True):
            slopes = (slopes @ layer.weights.T) * mask
        return slopes

    def _user_weights(self) -> Floats:
        """The part of the first layer that multiplies the user's embedding, (Fu, H)."""
        return self._layers()[0].weights[: self.user_factors_.shape[1]]

    def _item_sums(self, item_factors: Floats) -> Floats:
        """What items add to the sums of the first layer, constants included, (n, H)."""
        first = self._layers()[0]
        return item_factors @ first.weights[self.user_factors_.shape[1] :] + first.constants

    def _user_vectors(self, user_index: Indices) -> Floats:
        vectors: Floats = self.user_factors_[user_index]
        return vectors

    def _predictor(self, item_index: NDArray[np.int32]) -> Predict:
        weights = self._user_weights()  # (Fu, H)
        item_sums = self._item_sums(self.item_factors_[item_index])  # (n, H)

        def predict(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            sums = item_sums + x.astype(np.float32) @ weights
            active: list[NDArray[np.bool_]] = []
            stars = self._stars(sums, active)
            slopes = self._slopes(stars, active) @ weights.T  # (n, Fu)
            return stars.astype(np.float64), slopes.astype(np.float64)

        return predict

    def _predict_all(self, vectors: Floats) -> Floats:
        weights, item_sums = self._user_weights(), self._item_sums(self.item_factors_)
        # One person at a time, so that no one's bits depend on the others.
        people = [vector @ weights for vector in vectors]
        out = np.empty((len(vectors), len(item_sums)), np.float32)
        for first in range(0, len(item_sums), ITEMS_AT_ONCE):
            items = slice(first, first + ITEMS_AT_ONCE)
            for row, person in enumerate(people):
                out[row, items] = self._stars(item_sums[items] + person)
        return out  # (B, I)

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        item_sums = self._item_sums(self.item_factors_)
        average_item = item_sums[self.item_counts_ > 0].mean(axis=0)
        # The last row is that of index -1: an unknown user or item.
        users = np.vstack([self.user_factors_, self.crowd_mean_]) @ self._user_weights()
        items = np.vstack([item_sums, average_item])
        out = np.empty(len(user_index), np.float32)
        for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
            out[rows] = self._stars(users[user_index[rows]] + items[item_index[rows]])
        return out

    def _item_vectors(self) -> Floats:
        return self._without_unrated(self.item_factors_)


def _embedding_size(n_categories: int) -> int:
    """fastai's rule of thumb: 1.6 * n ** 0.56, at most 600."""
    size: int = round(1.6 * n_categories**0.56)
    return min(600, size)
