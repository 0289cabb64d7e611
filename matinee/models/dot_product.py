"""DotProductBias and plain matrix factorization: the tutorials' models, as they are taught.

    raw(u, i) = b_u + b_i + p_u . q_i            (dot-product)
    raw(u, i) = p_u . q_i                        (plain-mf)
    stars = low + (high - low) * sigmoid(raw)    (or raw itself, without a sigmoid range)

trained by Adam on the mean squared error of small batches (Howard, Gugger, "Deep Learning for Coders with fastai and
PyTorch", 2020, chapter 8). On the CPU the whole step is one compiled kernel; elsewhere the same module runs in PyTorch.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.biases import Biases
from matinee.models.factors import Crowd, Predict, Sides, most_likely, path_parts, predictions, scores, user_vectors
from matinee.models.neural import UPDATES, is_lazy, require_torch, sigmoid_bounds, train_engine
from matinee.models.people import Capabilities, TrainingCurve
from matinee.models.settings import curve, hyper, learned
from matinee.ratings import Ratings
from matinee.training.loop import Engine
from matinee.training.schedules import SCHEDULES
from matinee.training.start import start_table


@dataclass(kw_only=True, eq=False)
class DotProduct(Recommender):
    """User and item factors with biases, an optional sigmoid to a range a little wider than the scale."""

    name: ClassVar[str] = "dot-product"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a row of numbers, learnt in "
        "small steps as neural networks learn; where the two rows agree, it predicts more "
        "stars."
    )
    capabilities = Capabilities(needs_stars=True, resumes=True, thread_safe=True)

    factors: int = hyper(50, low=1, high=4096, search=(16, 256), help="length F of each vector")
    biases: bool = hyper(True, help="learn how generous people are and how well liked items")
    sigmoid_range: str = hyper("auto", help="LOW:HIGH of the sigmoid; auto: about the scale; none: no sigmoid")
    start: str = hyper("normal:0.01", help="start of the factors: normal:DEVIATION or uniform:HIGHEST")
    epochs: int = hyper(5, low=1, high=10_000, search=(3, 30), help="passes over the ratings")
    batch_size: int = hyper(64, low=1, high=10_000_000, help="ratings for each step")
    learning_rate: float = hyper(0.005, low=1e-7, high=100, search=(1e-3, 2e-2), help="the highest of the schedule")
    schedule: str = hyper("one-cycle", choices=SCHEDULES, help="how the learning rate changes from step to step")
    warm_up_factor: float = hyper(0.5, low=0, high=1, help="warm-up starts at this part of the rate")
    warm_up_epochs: int = hyper(10, low=1, high=10_000, help="epochs that warm-up takes")
    cycle_epochs: int = hyper(2, low=1, high=10_000, help="epochs of the first cycle of warm-restarts")
    cycle_multiplier: int = hyper(1, low=1, high=10, help="how much longer each cycle is than the one before")
    weight_decay: float = hyper(0.1, low=0, high=10, search=(1e-3, 0.5), help="pull of all weights to zero")
    decoupled: bool = hyper(True, help="decay apart from the gradient (AdamW), or as part of it (Adam)")
    square_momentum: float = hyper(0.99, low=0, high=1, help="Adam's memory of squared gradients")
    epsilon: float = hyper(1e-5, low=1e-12, high=1, help="Adam's guard against division by zero")
    update: str = hyper(
        "auto", choices=UPDATES, help="dense: every row at every step; lazy: rows of the batch; auto: by size"
    )
    patience: int = hyper(
        0, low=0, high=10_000, help="stop so many epochs after the best on the valid part, and go back to it; 0: never"
    )
    keep_best: bool = hyper(False, help="end with the weights of the best epoch on the valid part")
    device: str = hyper("cpu", help="cpu, cuda, mps, or auto for the first accelerator that is there")

    user_bias_: Floats = learned("U", dtype=np.float32)
    item_bias_: Floats = learned("I", dtype=np.float32)
    user_factors_: Floats = learned("U", "factors", dtype=np.float32)
    item_factors_: Floats = learned("I", "factors", dtype=np.float32)
    range_: NDArray[np.float64] = learned(2, dtype=np.float64)
    """Low and high of the sigmoid; equal where there is none."""
    crowd_mean_: Floats = learned("factors+1", dtype=np.float32)
    crowd_variance_: Floats = learned("factors+1", dtype=np.float32, least=0)
    noise_: NDArray[np.float64] = learned(dtype=np.float64, least=0)
    curve_: TrainingCurve = curve("mean squared error", first="last learning rate")
    step_losses_: NDArray[np.float64] = learned("T", 2, dtype=np.float64, allows_nan=True)
    """(steps, 2): learning rate and mean squared error of a batch, thinned by averaging."""

    def __post_init__(self) -> None:
        super().__post_init__()
        sigmoid_bounds(self.sigmoid_range, None)
        start_table(self.start, (0, 0), np.random.default_rng())

    @property
    def needs_valid(self) -> bool:
        """Whether it stops early, or goes back to its best epoch."""
        return self.patience > 0 or self.keep_best

    def engine(self, train: Ratings) -> Engine:
        """Of the kernel, or of PyTorch on an accelerator."""
        n_rows = train.n_users + train.n_items
        weights = start_table(self.start, (n_rows, self.factors + self.biases), np.random.default_rng(self.seed))
        low, high = sigmoid_bounds(self.sigmoid_range, train.scale)
        lazy = is_lazy(self.update, n_rows)
        if self.device != "cpu":
            require_torch(self.name)
            from matinee.training.modules import DotProductModule
            from matinee.training.network import NetworkEngine, network_settings

            module = DotProductModule(weights, train.n_users, self.factors, (low, high), lazy)
            return NetworkEngine(module, network_settings(self))
        from matinee.kernels.adam import Adam, Shape
        from matinee.training.fused import FusedDotProduct

        adam = Adam(self.square_momentum, self.epsilon, self.weight_decay, self.decoupled, lazy)
        return FusedDotProduct(weights, Shape(train.n_users, self.factors, low, high), adam)

    def _fit(self, train: Ratings, how: Fitting) -> None:
        engine = self.engine(train)
        train_engine(self, engine, train, how)
        state = engine.state()
        weights = state["weights"] if "weights" in state else state["module.table.weight"]  # (U + I, F + biases)
        biases = weights[:, self.factors] if self.biases else np.zeros(len(weights), np.float32)
        cut = [train.n_users]
        self.user_factors_, self.item_factors_ = (side.copy() for side in np.split(weights[:, : self.factors], cut))
        self.user_bias_, self.item_bias_ = (side.copy() for side in np.split(biases, cut))
        self.range_ = np.array(sigmoid_bounds(self.sigmoid_range, train.scale))
        rated, rated_items = train.user_counts > 0, train.item_counts > 0
        crowd = Crowd.of(self._user_vectors(np.flatnonzero(rated)), float(self.curve_.train[-1]))
        self.crowd_mean_, self.crowd_variance_, self.noise_ = crowd.mean, crowd.variance, np.array(crowd.noise)
        # A user without a training rating is the average one; an item without one is the average item.
        self.user_bias_[~rated], self.user_factors_[~rated] = crowd.mean[0], crowd.mean[1:]
        self.item_bias_[~rated_items], self.item_factors_[~rated_items] = self._average_item(rated_items)

    def _average_item(self, rated: NDArray[np.bool_]) -> tuple[Any, Floats]:
        return self.item_bias_[rated].mean(), self.item_factors_[rated].mean(axis=0)

    def _sides(self) -> Sides:
        return Sides(0.0, self.user_bias_, self.item_bias_, self.user_factors_, self.item_factors_)

    def _link(self, raw: NDArray[Any]) -> NDArray[Any]:
        """From raw numbers to stars."""
        low, high = self.range_.tolist()
        return raw if low == high else (low + (high - low) / (1 + np.exp(-raw))).astype(raw.dtype)

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        return user_vectors(self._sides(), user_index)

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        return most_likely(self._predictor(item_index), value, self._crowd())

    def _crowd(self) -> Crowd:
        return Crowd(self.crowd_mean_, self.crowd_variance_, float(self.noise_))

    def _predictor(self, item_index: NDArray[np.int32]) -> Predict:
        n = len(item_index)
        inputs = np.column_stack([np.ones(n), self.item_factors_[item_index]]).astype(np.float64)  # (n, 1 + F)
        if not self.biases:
            inputs[:, 0] = 0
        low, high = self.range_.tolist()

        def predict(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            stars = self._link(inputs @ x + self.item_bias_[item_index])  # (n,)
            slope = np.ones(n) if low == high else (stars - low) * (high - stars) / (high - low)
            return stars, slope[:, None] * inputs

        return predict

    def _attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        crowd = self._crowd()
        return [path_parts(self, self._predictor, crowd, (profile, item), n_biases=1) for item in item_index.tolist()]

    def _scores(self, vectors: Floats) -> Floats:
        return self._link(scores(self._sides(), vectors))

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        bias, factors = self._average_item(self.item_counts_ > 0)
        unknown = self.crowd_mean_, np.append(bias, factors).astype(np.float32)
        return self._link(predictions(self._sides(), user_index, item_index, unknown))

    def learned_biases(self) -> Biases | None:
        """Before the sigmoid, if there is one."""
        if not self.biases:
            return None
        low, high = self.range_.tolist()
        factors = None if low == high else (self.user_factors_, self.item_factors_)
        return Biases(0.0, self.user_bias_, self.item_bias_, (low, high), factors)

    def _tastes(self, vectors: Floats) -> Floats:
        return vectors[:, 1:]

    def _item_vectors(self) -> Floats:
        return np.where((self.item_counts_ > 0)[:, None], self.item_factors_, np.float32(0))


@dataclass(kw_only=True, eq=False)
class PlainMF(DotProduct):
    """Factors alone: the dot product without biases and without a sigmoid. Only its defaults differ."""

    name: ClassVar[str] = "plain-mf"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a short row of numbers and "
        "predicts stars from how well the two rows agree, and from nothing else."
    )

    factors: int = hyper(8, low=1, high=4096, search=(4, 64), help="length F of each vector")
    biases: bool = hyper(False, help="learn how generous people are and how well liked items")
    sigmoid_range: str = hyper("none", help="LOW:HIGH of the sigmoid; auto: about the scale; none: no sigmoid")
    start: str = hyper("uniform:0.05", help="start of the factors: normal:DEVIATION or uniform:HIGHEST")
    epochs: int = hyper(128, low=1, high=10_000, search=(16, 256), help="passes over the ratings")
    batch_size: int = hyper(128, low=1, high=10_000_000, help="ratings for each step")
    learning_rate: float = hyper(0.001, low=1e-7, high=100, search=(3e-4, 1e-2), help="the highest of the schedule")
    schedule: str = hyper("constant", choices=SCHEDULES, help="how the learning rate changes from step to step")
    weight_decay: float = hyper(0.0, low=0, high=10, search=(0, 0.1), help="pull of all weights to zero")
    decoupled: bool = hyper(False, help="decay apart from the gradient (AdamW), or as part of it (Adam)")
    square_momentum: float = hyper(0.999, low=0, high=1, help="Adam's memory of squared gradients")
    epsilon: float = hyper(1e-8, low=1e-12, high=1, help="Adam's guard against division by zero")
