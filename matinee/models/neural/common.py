"""NeuralRecommender: the settings, the training and the fold-in that all neural models
share."""

from abc import abstractmethod
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Real, Reals
from matinee.data.ratings import Ratings, Scale
from matinee.errors import DataError, SettingError, UnsupportedError
from matinee.models.attribution import path_parts
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.declarations import curve_of
from matinee.models.fold_in import Predict, UserPrior, most_likely
from matinee.models.hyperparameters import Hyper, curve, hyper, learned
from matinee.models.interface import Capabilities, TrainingCurve
from matinee.training.loop import Engine, TrainingPlan
from matinee.training.loop import train as run_loop
from matinee.training.schedules import SCHEDULES, ScheduleSettings

if TYPE_CHECKING:
    from torch import nn

    from matinee.training.torch_engine import NetworkEngine

UPDATES = ("auto", "dense", "lazy")
LARGEST_DENSE_TABLE = 20_000
"""Rows. Up to here "auto" updates every row at every step, as the tutorials do. With a larger
table an epoch would cost users x steps that way, so only the rows of the batch are updated."""

TRAINING_SETTINGS = (
    "epochs", "batch_size", "learning_rate", "schedule", "warm_up_factor", "warm_up_epochs",
    "cycle_epochs", "cycle_multiplier", "weight_decay", "decoupled", "square_momentum", "epsilon",
    "update", "patience", "keep_best", "device", "compile",
)  # fmt: skip
"""The settings that are listed last, in this order: those of the training."""


@dataclass(kw_only=True, eq=False, repr=False)
class NeuralRecommender(Recommender):
    """A model that is trained in small batches by Adam.

    A model declares its own settings and arrays and writes `engine`, `_fit` and `_predictor`.
    A new person's vector is the most likely one given their ratings, if known users' vectors
    are a sample from a normal distribution.
    """

    capabilities = Capabilities(needs_stars=True, resumes=True)
    n_biases: ClassVar[int] = 0
    """How many numbers at the start of a user's vector are biases; the others describe
    taste."""

    epochs: int = hyper(5, low=1, high=10_000, search=(3, 30), help="passes over the ratings")
    batch_size: int = hyper(64, low=1, high=10_000_000, help="ratings per step")
    learning_rate: float = hyper(
        0.005,
        low=1e-7,
        high=100,
        search=(1e-3, 2e-2),
        help="highest learning rate of the schedule",
    )
    schedule: str = hyper(
        "one-cycle", choices=SCHEDULES, help="how the learning rate changes from step to step"
    )
    warm_up_factor: float = hyper(
        0.5, low=0, high=1, help="warm-up starts at this fraction of the learning rate"
    )
    warm_up_epochs: int = hyper(10, low=1, high=10_000, help="length of warm-up in epochs")
    cycle_epochs: int = hyper(
        2, low=1, high=10_000, help="length of the first cycle of warm-restarts in epochs"
    )
    cycle_multiplier: int = hyper(
        1, low=1, high=10, help="each cycle is this many times as long as the one before"
    )
    weight_decay: float = hyper(
        0.1, low=0, high=10, search=(1e-3, 0.5), help="how strongly all weights are pulled to zero"
    )
    decoupled: bool = hyper(
        True, help="True: weight decay is apart from the gradient (AdamW); False: part of it (Adam)"
    )
    square_momentum: float = hyper(
        0.99, low=0, high=1, help="decay rate of Adam's average of squared gradients"
    )
    epsilon: float = hyper(
        1e-5, low=1e-12, high=1, help="small number that keeps Adam from dividing by zero"
    )
    patience: int = hyper(
        0,
        low=0,
        high=10_000,
        help="stop this many epochs after the best validation error, and restore that epoch; "
        "0: never stop early",
    )
    keep_best: bool = hyper(False, help="restore the epoch with the best validation error")
    device: str = hyper("auto", help="cpu, cuda, mps, or auto for the first accelerator, if any")

    crowd_mean_: Floats = learned("V", dtype=np.float32)
    """Mean of the vectors of the users with ratings, (V,): that of a person without
    ratings."""
    crowd_variance_: Floats = learned("V", dtype=np.float32, least=0)
    noise_: NDArray[np.float64] = learned(dtype=np.float64, least=0)
    """Variance of a rating around its prediction, as far as the prior of a vector needs it."""
    curve_: TrainingCurve = curve("mean squared error", first="last learning rate")
    step_losses_: NDArray[np.float64] = learned("T", 2, dtype=np.float64, allows_nan=True)
    """(steps, 2): learning rate and mean squared error of each batch, averaged to fewer
    rows."""

    @classmethod
    def hypers(cls) -> list[Hyper]:
        """The declared hyperparameters: the network's own, then those of the training."""

        def position(setting: Hyper) -> int:
            if setting.name in TRAINING_SETTINGS:
                return 1 + TRAINING_SETTINGS.index(setting.name)
            return 0

        return sorted(super().hypers(), key=position)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__qualname__}({settings})"

    @property
    def needs_valid(self) -> bool:
        """Whether it stops early or restores the best epoch."""
        return self.patience > 0 or self.keep_best

    def check_arrays(self) -> None:
        """See `Recommender`."""
        width = self._user_vectors(np.zeros(0, np.int64)).shape[1]
        if len(self.crowd_mean_) != width:
            raise DataError(
                f"{self.name}: crowd_mean_ has {len(self.crowd_mean_)} numbers, but a user's "
                f"vector has {width}"
            )

    # -- training ------------------------------------------------------------------------

    @abstractmethod
    def engine(self, train: Ratings) -> Engine:
        """Initial weights and an optimizer for some ratings."""

    def _torch_engine(self, module: "nn.Module", *, compiled: bool = False) -> "NetworkEngine":
        """Trains a PyTorch module with the settings of this model."""
        from matinee.training.torch_engine import NetworkEngine, NetworkSettings

        settings = NetworkSettings(
            weight_decay=self.weight_decay,
            decoupled=self.decoupled,
            square_momentum=self.square_momentum,
            epsilon=self.epsilon,
            device=self.device,
            compile=compiled,
        )
        return NetworkEngine(module, settings)

    def _train(self, engine: Engine, train: Ratings, options: FitOptions) -> None:
        """Runs the training loop with the settings of this model, and sets its curves."""
        schedule = ScheduleSettings(
            name=self.schedule,
            learning_rate=self.learning_rate,
            warm_up_factor=self.warm_up_factor,
            warm_up_epochs=self.warm_up_epochs,
            cycle_epochs=self.cycle_epochs,
            cycle_multiplier=self.cycle_multiplier,
        )
        plan = TrainingPlan(
            epochs=self.epochs,
            batch_size=self.batch_size,
            schedule=schedule,
            seed=self.seed,
            patience=self.patience,
            keep_best=self.keep_best,
        )
        log = run_loop(
            engine,
            plan,
            train,
            options.valid,
            progress=options.progress,
            checkpoint=options.checkpoint,
        )
        self.curve_ = curve_of(self, np.array(log.epochs))
        self.step_losses_ = np.array(log.steps)

    def _set_prior(self, vectors: Floats) -> None:
        """From the vectors of the users with ratings, (U, D)."""
        prior = UserPrior.from_vectors(vectors, float(self.curve_.train[-1]))
        self.crowd_mean_, self.crowd_variance_ = prior.mean, prior.variance
        self.noise_ = np.array(prior.noise)

    # -- people --------------------------------------------------------------------------

    @abstractmethod
    def _predictor(self, item_index: NDArray[np.int32]) -> Predict:
        """The stars of some items, and their derivatives, as a function of a person's
        vector."""

    def _prior(self) -> UserPrior:
        return UserPrior(self.crowd_mean_, self.crowd_variance_, float(self.noise_))

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        return most_likely(self._predictor(item_index), value, self._prior())

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        prior = self._prior()
        return [
            path_parts(self, self._predictor, prior, profile, item, self.n_biases)
            for item in item_index.tolist()
        ]

    def _tastes(self, vectors: Floats) -> Floats:
        return vectors[:, self.n_biases :]

    def _without_unrated(self, item_vectors: Floats) -> Floats:
        """The vectors, (I, F), with zeros for items that were never rated."""
        return np.where((self.item_counts_ > 0)[:, None], item_vectors, np.float32(0))


def require_torch(model: str) -> None:
    """Raises UnsupportedError with the command that installs PyTorch, if it is not
    installed."""
    if find_spec("torch") is None:
        raise UnsupportedError(
            f"{model} needs PyTorch, which is not installed:  pip install 'matinee[neural]'"
        )


def sigmoid_bounds(text: str, scale: Scale | None) -> tuple[float, float]:
    """Low and high end of the sigmoid's range from a text such as "0:5.5"; equal for "none".

    "auto" extends the scale by one step at the low end and half a step at the high end, so
    that the sigmoid can reach both: 0 to 5.5 for stars from 1 to 5. A tenth of the scale's
    length takes the place of a step if the scale has no steps.

    Raises:
        SettingError: the text has another form.
    """
    if text == "none":
        return 0.0, 0.0
    if text == "auto":
        lowest, highest, step = scale or (0.0, 1.0, 1.0)
        step = step or (highest - lowest) / 10
        return lowest - step, highest + step / 2
    try:
        low, high = (float(end) for end in text.split(":"))
    except ValueError:
        low = high = 0.0
    if not -np.inf < low < high < np.inf:
        raise SettingError(
            "The setting sigmoid_range must be auto, none or LOW:HIGH, such as 0:5.5, not "
            f"'{text}'."
        )
    return low, high


def check_range(model: str, ends: Doubles) -> None:
    """Raises DataError if the low end of a sigmoid's range, (2,), is above the high one."""
    if ends[0] > ends[1]:
        raise DataError(f"{model}: range_ does not ascend")


def to_stars(raw: NDArray[Real], low: float, high: float) -> NDArray[Real]:
    """A sigmoid from low to high, in the type of the raw numbers; these if both are equal."""
    if low == high:
        return raw
    stars: Reals = low + (high - low) / (1 + np.exp(-raw))
    return stars.astype(raw.dtype, copy=False)


def is_lazy(update: str, n_rows: int) -> bool:
    """Whether a step updates only the rows of its batch."""
    return update == "lazy" or (update == "auto" and n_rows > LARGEST_DENSE_TABLE)
