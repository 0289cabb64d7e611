"""EmbeddingMLP: embeddings of user and item side by side, hidden layers, a sigmoid to the rating range.

    x = dropout([p_u, q_i]);  x = dropout(relu(W x + c)) for each hidden layer;  stars = range(sigmoid(w . x + c))

(I. Zaitsev's tutorial, and fastai's EmbeddingNN; after Cheng et al., "Wide & deep learning for recommender systems",
2016.) Trained in PyTorch, on any device; afterwards a few matrix products in NumPy predict, so that asking a saved
model needs no PyTorch.
"""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.errors import DataError, SettingError
from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.factors import Crowd, Predict, most_likely, path_parts
from matinee.models.neural import UPDATES, is_lazy, require_torch, sigmoid_bounds, train_engine
from matinee.models.people import Capabilities, TrainingCurve
from matinee.models.settings import curve, hyper, learned
from matinee.ratings import Ratings
from matinee.training.schedules import SCHEDULES
from matinee.training.start import start_table

if TYPE_CHECKING:
    from matinee.training.network import NetworkEngine


ITEMS_AT_ONCE = 512
"""What the first layer says of so many items stays in the cache while one person after the other is added."""


@dataclass(kw_only=True, eq=False)
class EmbeddingMLP(Recommender):
    """Embeddings with hidden layers."""

    name: ClassVar[str] = "mlp"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a row of numbers, and a neural "
        "network turns a pair of rows into stars."
    )
    capabilities = Capabilities(needs_stars=True, resumes=True, thread_safe=True)

    factors: int = hyper(50, low=0, high=4096, help="length of both embeddings; 0: 1.6 * n ** 0.56, at most 600")
    hidden: str = hyper("100,50", help="sizes of the hidden layers")
    embedding_dropout: float = hyper(0.05, low=0, high=0.99, search=(0, 0.5), help="part of the embeddings dropped")
    dropout: str = hyper("0.25", help="part of each hidden layer dropped, one for all or one for each")
    sigmoid_range: str = hyper("auto", help="LOW:HIGH of the sigmoid; auto: about the scale; none: no sigmoid")
    start: str = hyper("normal:0.05", help="start of the embeddings: normal:DEVIATION or uniform:HIGHEST")
    epochs: int = hyper(6, low=1, high=10_000, search=(3, 30), help="passes over the ratings")
    batch_size: int = hyper(512, low=1, high=10_000_000, help="ratings for each step")
    learning_rate: float = hyper(0.003, low=1e-7, high=100, search=(3e-4, 1e-2), help="the highest of the schedule")
    schedule: str = hyper("one-cycle", choices=SCHEDULES, help="how the learning rate changes from step to step")
    warm_up_factor: float = hyper(0.5, low=0, high=1, help="warm-up starts at this part of the rate")
    warm_up_epochs: int = hyper(10, low=1, high=10_000, help="epochs that warm-up takes")
    cycle_epochs: int = hyper(2, low=1, high=10_000, help="epochs of the first cycle of warm-restarts")
    cycle_multiplier: int = hyper(1, low=1, high=10, help="how much longer each cycle is than the one before")
    weight_decay: float = hyper(1e-4, low=0, high=10, search=(1e-6, 1e-2), help="pull of all weights to zero")
    decoupled: bool = hyper(False, help="decay apart from the gradient (AdamW), or as part of it (Adam)")
    square_momentum: float = hyper(0.999, low=0, high=1, help="Adam's memory of squared gradients")
    epsilon: float = hyper(1e-8, low=1e-12, high=1, help="Adam's guard against division by zero")
    update: str = hyper(
        "auto", choices=UPDATES, help="dense: every row at every step; lazy: rows of the batch; auto: by size"
    )
    patience: int = hyper(
        0, low=0, high=10_000, help="stop so many epochs after the best on the valid part, and go back to it; 0: never"
    )
    keep_best: bool = hyper(False, help="end with the weights of the best epoch on the valid part")
    device: str = hyper("auto", help="cpu, cuda, mps, or auto for the first accelerator that is there")
    compile: bool = hyper(False, help="compile the network with torch.compile")

    user_factors_: Floats = learned("U", "Fu", dtype=np.float32)
    item_factors_: Floats = learned("I", "Fi", dtype=np.float32)
    layers_: Floats = learned("P", dtype=np.float32)
    """Weights and constants of all layers, one after the other, flat."""
    range_: NDArray[np.float64] = learned(2, dtype=np.float64)
    crowd_mean_: Floats = learned("Fu", dtype=np.float32)
    crowd_variance_: Floats = learned("Fu", dtype=np.float32, least=0)
    noise_: NDArray[np.float64] = learned(dtype=np.float64, least=0)
    curve_: TrainingCurve = curve("mean squared error", first="last learning rate")
    step_losses_: NDArray[np.float64] = learned("T", 2, dtype=np.float64, allows_nan=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        sigmoid_bounds(self.sigmoid_range, None)
        start_table(self.start, (0, 0), np.random.default_rng())
        self._sizes()

    def _sizes(self) -> tuple[list[int], list[float]]:
        """The hidden layers' sizes and dropouts."""
        try:
            sizes = [int(size) for size in self.hidden.split(",")]
            dropouts = [float(part) for part in self.dropout.split(",")]
        except ValueError:
            sizes, dropouts = [], []
        dropouts = dropouts * len(sizes) if len(dropouts) == 1 else dropouts
        if not sizes or min(sizes) < 1 or len(dropouts) != len(sizes) or not all(0 <= part < 1 for part in dropouts):
            raise SettingError(
                f"mlp: hidden '{self.hidden}' with dropout '{self.dropout}' does not fit; give sizes such as 100,50 "
                "and one dropout from 0 to below 1, or one for each layer."
            )
        return sizes, dropouts

    @property
    def needs_valid(self) -> bool:
        """Whether it stops early, or goes back to its best epoch."""
        return self.patience > 0 or self.keep_best

    def engine(self, train: Ratings) -> "NetworkEngine":
        """Of PyTorch."""
        require_torch(self.name)
        from matinee.training.modules import MLPModule
        from matinee.training.network import NetworkEngine, network_settings

        counts = train.n_users, train.n_items
        widths = [_embedding_size(n, self.factors) for n in counts]
        bounds = sigmoid_bounds(self.sigmoid_range, train.scale)
        dropouts = self._sizes()
        module = MLPModule(counts, widths, dropouts, self.embedding_dropout, bounds, self.start, self.seed)
        module.users.sparse = module.items.sparse = is_lazy(self.update, sum(counts))
        return NetworkEngine(module, network_settings(self))

    def _fit(self, train: Ratings, how: Fitting) -> None:
        require_torch(self.name)
        from matinee.training.modules import tables_and_layers

        engine = self.engine(train)
        train_engine(self, engine, train, how)
        self.user_factors_, self.item_factors_, self.layers_ = tables_and_layers(engine.module)
        self.range_ = np.array(sigmoid_bounds(self.sigmoid_range, train.scale))
        rated, rated_items = train.user_counts > 0, train.item_counts > 0
        crowd = Crowd.of(self.user_factors_[rated], float(self.curve_.train[-1]))
        self.crowd_mean_, self.crowd_variance_, self.noise_ = crowd.mean, crowd.variance, np.array(crowd.noise)
        self.user_factors_[~rated] = crowd.mean
        self.item_factors_[~rated_items] = self.item_factors_[rated_items].mean(axis=0)

    def _widths(self) -> list[int]:
        """Of both embeddings together, of the hidden layers, and 1."""
        embeddings = self.user_factors_.shape[1] + self.item_factors_.shape[1]
        return [embeddings, *self._sizes()[0], 1]

    def check_arrays(self) -> None:
        """The layers are as wide as the settings say."""
        n = sum((before + 1) * after for before, after in itertools.pairwise(self._widths()))
        if len(self.layers_) != n:
            raise DataError(f"mlp: layers_ has {len(self.layers_)} numbers, and needs {n}")

    def _layers(self) -> list[tuple[Floats, Floats]]:
        """Weights (in, out) and constants (out,) of each layer, the output layer last."""
        layers, place = [], 0
        for before, after in itertools.pairwise(self._widths()):
            stop = place + before * after
            layers.append((self.layers_[place:stop].reshape(before, after), self.layers_[stop : stop + after]))
            place = stop + after
        return layers

    def _forward(self, first: Floats, slopes: Floats | None = None) -> tuple[Floats, Floats | None]:
        """From the first layer's sums, (n, H), to stars, (n,); and, if the derivatives of those sums with respect to
        some x are given, (D, H), the derivatives of the stars with respect to x, (n, D)."""
        sums, masks = first, []
        for weights, constants in self._layers()[1:]:
            if slopes is not None:
                masks.append(sums > 0)
            sums = np.maximum(sums, 0) @ weights
            sums += constants
        low, high = self.range_.astype(np.float32)
        raw = sums[:, 0]
        stars = raw if low == high else low + (high - low) / (1 + np.exp(-raw))
        if slopes is None:
            return stars, None
        back = np.ones((len(raw), 1), np.float32)
        back *= 1 if low == high else ((stars - low) * (high - stars) / (high - low))[:, None]
        for (weights, _), mask in zip(self._layers()[:0:-1], masks[::-1], strict=True):
            back = (back @ weights.T) * mask
        return stars, back @ slopes.T

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        vectors: Floats = self.user_factors_[user_index]
        return vectors

    def _first_sums(self, item_index: NDArray[np.int32] | None = None) -> tuple[Floats, Floats]:
        """The first layer cut in two: weights of the user part, (Fu, H), and the sums of the items, (n, H), or of all
        of them, (I, H)."""
        (weights, constants), n_user = self._layers()[0], self.user_factors_.shape[1]
        items = self.item_factors_ if item_index is None else self.item_factors_[item_index]
        return weights[:n_user], items @ weights[n_user:] + constants

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        return most_likely(self._predictor(item_index), value, self._crowd())

    def _crowd(self) -> Crowd:
        return Crowd(self.crowd_mean_, self.crowd_variance_, float(self.noise_))

    def _predictor(self, item_index: NDArray[np.int32]) -> Predict:
        weights, sums = self._first_sums(item_index)  # (Fu, H), (n, H)

        def predict(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            stars, slopes = self._forward(sums + x.astype(np.float32) @ weights, weights)
            return stars.astype(np.float64), np.asarray(slopes, np.float64)

        return predict

    def _attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        crowd = self._crowd()
        return [path_parts(self, self._predictor, crowd, (profile, item), n_biases=0) for item in item_index.tolist()]

    def _scores(self, vectors: Floats) -> Floats:
        weights, items = self._first_sums()
        people = [vector @ weights for vector in vectors]  # one by one, so that nobody's bits depend on the others
        out = np.empty((len(vectors), len(items)), np.float32)
        for first in range(0, len(items), ITEMS_AT_ONCE):
            some = slice(first, first + ITEMS_AT_ONCE)
            for row, person in enumerate(people):
                out[row, some] = self._forward(items[some] + person)[0]
        return out  # (B, I)

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        weights, items = self._first_sums()
        users = np.vstack([self.user_factors_, self.crowd_mean_]) @ weights  # (U + 1, H), -1 finds the last
        items = np.vstack([items, items[self.item_counts_ > 0].mean(axis=0)])  # (I + 1, H)
        parts = np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1)
        return np.concatenate([self._forward(users[user_index[rows]] + items[item_index[rows]])[0] for rows in parts])

    def _tastes(self, vectors: Floats) -> Floats:
        return vectors

    def _item_vectors(self) -> Floats:
        return np.where((self.item_counts_ > 0)[:, None], self.item_factors_, np.float32(0))


def _embedding_size(n_categories: int, given: int) -> int:
    """The usual rule of thumb (fastai): 1.6 * n ** 0.56, at most 600."""
    return given or min(600, round(1.6 * n_categories**0.56))
