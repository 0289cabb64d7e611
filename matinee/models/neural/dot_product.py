"""DotProduct and PlainMF: matrix factorization as fastai's course and PyTorch tutorials teach
it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats, Indices, Real
from matinee.data.ratings import Ratings
from matinee.models.base import FitOptions
from matinee.models.biases import Biases
from matinee.models.fold_in import Predict
from matinee.models.hyperparameters import hyper, learned, redeclared
from matinee.models.interface import Capabilities
from matinee.models.latent_factors import FactorTables, predictions, scores, user_vectors
from matinee.models.neural.common import (
    UPDATES,
    NeuralRecommender,
    check_range,
    is_lazy,
    require_torch,
    sigmoid_bounds,
    to_stars,
)
from matinee.models.neural.users_side import (
    ItemTables,
    held_out_rows,
    most_likely_users,
    with_measured_noise,
)
from matinee.training.initialization import start_table
from matinee.training.loop import Engine


@dataclass(kw_only=True, eq=False, repr=False)
class DotProduct(NeuralRecommender):
    """User and item factors with biases, and a sigmoid to a range a little wider than the scale.

        raw(u, i) = b_u + b_i + p_u . q_i
        stars = low + (high - low) * sigmoid(raw)    (or raw itself, without a sigmoid range)

    Trained by Adam on the mean squared error of small batches (Howard, Gugger, "Deep Learning for
    Coders with fastai and PyTorch", 2020, chapter 8). On the CPU a whole step is one compiled
    kernel; on accelerators PyTorch trains the same network.

    Example:
        >>> dot = matinee.DotProduct(factors=8, epochs=2).fit(few)
        >>> dot.user_factors_.shape[1], len(dot.curve_)
        (8, 2)
    """

    name: ClassVar[str] = "dot-product"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a row of numbers, learned in "
        "small steps as neural networks learn; where the two rows agree, it predicts more "
        "stars."
    )
    capabilities = Capabilities(needs_stars=True, resumes=True, thread_safe=True)
    n_biases: ClassVar[int] = 1

    factors: int = hyper(50, low=1, high=4096, search=(16, 256), help="length F of each vector")
    biases: bool = hyper(True, help="learn a bias for each user and each item")
    sigmoid_range: str = hyper(
        "auto",
        help="LOW:HIGH of the sigmoid; auto: a little wider than the scale; none: no sigmoid",
    )
    start: str = hyper("normal:0.01", help="initial factors: normal:DEVIATION or uniform:HIGHEST")
    update: str = hyper(
        "auto",
        choices=UPDATES,
        help="dense: each step updates all rows; lazy: those of its batch; auto: by table size",
    )
    device: str = redeclared(NeuralRecommender, "device", "cpu")

    user_bias_: Floats = learned("U", dtype=np.float32)
    item_bias_: Floats = learned("I", dtype=np.float32)
    user_factors_: Floats = learned("U", "factors", dtype=np.float32)
    item_factors_: Floats = learned("I", "factors", dtype=np.float32)
    range_: NDArray[np.float64] = learned(2, dtype=np.float64)
    """Low and high end of the sigmoid's range; equal if there is no sigmoid."""

    def check_arrays(self) -> None:
        """See `Recommender`."""
        super().check_arrays()
        check_range(self.name, self.range_)

    def __post_init__(self) -> None:
        super().__post_init__()
        sigmoid_bounds(self.sigmoid_range, None)
        start_table(self.start, 0, 0, np.random.default_rng())

    # -- training ------------------------------------------------------------------------

    def engine(self, train: Ratings) -> Engine:
        """The compiled kernel on the CPU, PyTorch on any other device."""
        n_rows = train.n_users + train.n_items
        rng = np.random.default_rng(self.seed)
        weights = start_table(self.start, n_rows, self.factors + self.biases, rng)
        low, high = sigmoid_bounds(self.sigmoid_range, train.scale)
        lazy = is_lazy(self.update, n_rows)
        if self.device != "cpu":
            require_torch(self.name)
            from matinee.training.torch_modules import DotProductModule

            module = DotProductModule(weights, train.n_users, self.factors, low, high, lazy)
            return self._torch_engine(module)
        from matinee.kernels.adam import Adam, Shape
        from matinee.training.fused_engine import FusedDotProduct

        adam = Adam(self.square_momentum, self.epsilon, self.weight_decay, self.decoupled, lazy)
        shape = Shape(train.n_users, self.factors, low, high)
        return FusedDotProduct(weights, shape, adam)

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        engine = self.engine(train)
        # By user and item, so that the order of the rows does not matter
        row, is_held_out = train.by_user.row, held_out_rows(train, self.seed)
        learned_from = train.subset(row[~is_held_out[row]])
        self._train(engine, learned_from, options)
        state = engine.state()
        name = "weights" if "weights" in state else "module.table.weight"
        weights = state[name]  # (U + I, F + biases)
        users, items = weights[: train.n_users], weights[train.n_users :]
        self.user_factors_ = users[:, : self.factors].copy()
        self.item_factors_ = items[:, : self.factors].copy()
        self.user_bias_ = np.zeros(train.n_users, np.float32)
        self.item_bias_ = np.zeros(train.n_items, np.float32)
        if self.biases:
            self.user_bias_, self.item_bias_ = users[:, -1].copy(), items[:, -1].copy()
        self.range_ = np.array(sigmoid_bounds(self.sigmoid_range, train.scale))
        rated_users, rated_items = train.user_counts > 0, train.item_counts > 0
        self._set_prior(self._user_vectors(np.flatnonzero(rated_users)))
        measured = train.subset(row[is_held_out[row]])
        self._fold_in_everybody(learned_from, measured, options.n_threads)
        # A user without training ratings is the average user; such an item is the average
        # item.
        self.user_bias_[~rated_users] = self.crowd_mean_[0]
        self.user_factors_[~rated_users] = self.crowd_mean_[1:]
        average_item = self._average_item(rated_items)
        self.item_bias_[~rated_items] = average_item[0]
        self.item_factors_[~rated_items] = average_item[1:]

    def _fold_in_everybody(
        self, learned_from: Ratings, measured: Ratings, n_threads: int | None
    ) -> None:
        """Gives every user with ratings the vector that `fold_in` gives to the same ratings.

        Args:
            measured: the ratings that the items have not been trained on, see `held_out_rows`.
        """
        low, high = self.range_.tolist()
        items = ItemTables(self.item_bias_, self.item_factors_, low, high, self.biases)
        prior = with_measured_noise(learned_from, measured, items, self._prior(), n_threads)
        self.noise_ = np.array(prior.noise)
        vectors, is_found = most_likely_users(self.history_, items, prior, n_threads)
        for user in np.flatnonzero(~is_found):
            vectors[user] = self._fold_in(*self.history_.of(int(user)))
        self.user_factors_ = np.ascontiguousarray(vectors[:, 1:])
        if self.biases:
            self.user_bias_ = np.ascontiguousarray(vectors[:, 0])

    def _average_item(self, is_rated: NDArray[np.bool_]) -> Floats:
        """Bias and factors, (1 + F,)."""
        bias = self.item_bias_[is_rated].mean()
        return np.append(bias, self.item_factors_[is_rated].mean(axis=0)).astype(np.float32)

    # -- predictions ---------------------------------------------------------------------

    def _tables(self) -> FactorTables:
        return FactorTables(
            0.0, self.user_bias_, self.item_bias_, self.user_factors_, self.item_factors_
        )

    def _link(self, raw: NDArray[Real]) -> NDArray[Real]:
        """Stars from raw numbers."""
        low, high = self.range_.tolist()
        return to_stars(raw, low, high)

    def _user_vectors(self, user_index: Indices) -> Floats:
        return user_vectors(self._tables(), user_index)

    def _predictor(self, item_index: NDArray[np.int32]) -> Predict:
        n = len(item_index)
        inputs = np.column_stack([np.ones(n), self.item_factors_[item_index]])  # (n, 1 + F)
        if not self.biases:
            inputs[:, 0] = 0
        low, high = self.range_.tolist()

        def predict(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            stars = self._link(inputs @ x + self.item_bias_[item_index])  # (n,)
            slope = np.ones(n)
            if low != high:
                slope = (stars - low) * (high - stars) / (high - low)
            return stars, slope[:, None] * inputs

        return predict

    def _predict_all(self, vectors: Floats) -> Floats:
        return self._link(scores(self._tables(), vectors))

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        unknown_item = self._average_item(self.item_counts_ > 0)
        return self._link(
            predictions(self._tables(), user_index, item_index, self.crowd_mean_, unknown_item)
        )

    def learned_biases(self) -> Biases | None:
        """See `Recommender`; before the sigmoid, if any."""
        if not self.biases:
            return None
        low, high = self.range_.tolist()
        if low == high:
            return Biases(0.0, self.user_bias_, self.item_bias_)
        factors = self.user_factors_, self.item_factors_
        return Biases(0.0, self.user_bias_, self.item_bias_, (low, high), factors)

    def _item_vectors(self) -> Floats:
        return self._without_unrated(self.item_factors_)


@dataclass(kw_only=True, eq=False, repr=False)
class PlainMF(DotProduct):
    """The dot product without biases and without a sigmoid: `DotProduct` with other defaults.

        stars(u, i) = p_u . q_i

    As tutorials of PyTorch teach it, after Koren, Bell, Volinsky, "Matrix factorization techniques
    for recommender systems", 2009, who add the biases.

    Example:
        >>> plain = matinee.PlainMF(factors=8, epochs=2).fit(few)
        >>> plain.biases
        False
    """

    name: ClassVar[str] = "plain-mf"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a short row of numbers and "
        "predicts stars from how well the two rows agree, and from nothing else."
    )

    factors: int = redeclared(DotProduct, "factors", 8, search=(4, 64))
    biases: bool = redeclared(DotProduct, "biases", False)
    sigmoid_range: str = redeclared(DotProduct, "sigmoid_range", "none")
    start: str = redeclared(DotProduct, "start", "uniform:0.05")
    epochs: int = redeclared(DotProduct, "epochs", 128, search=(16, 256))
    batch_size: int = redeclared(DotProduct, "batch_size", 128)
    learning_rate: float = redeclared(DotProduct, "learning_rate", 0.001, search=(3e-4, 1e-2))
    schedule: str = redeclared(DotProduct, "schedule", "constant")
    weight_decay: float = redeclared(DotProduct, "weight_decay", 0.0, search=(0, 0.1))
    decoupled: bool = redeclared(DotProduct, "decoupled", False)
    square_momentum: float = redeclared(DotProduct, "square_momentum", 0.999)
    epsilon: float = redeclared(DotProduct, "epsilon", 1e-8)
