"""Network: bring your own PyTorch module, and it trains, evaluates, saves and recommends like the others.

    class Mine(nn.Module):
        def forward(self, user_index, item_index): ...   # (B,), (B,) -> stars, (B,)

    model = matinee.Network(module=Mine(n_users, n_items)).fit(ratings)

A saved file holds the numbers and not the code: hand a module of the same shape in to load it.
"""

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.errors import DataError, SettingError
from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.factors import Crowd, Predict, most_likely, path_parts
from matinee.models.neural import require_torch, train_engine
from matinee.models.people import Capabilities, TrainingCurve
from matinee.models.settings import curve, hyper, learned
from matinee.ratings import Ratings
from matinee.training.schedules import SCHEDULES

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matinee.training.network import NetworkEngine


@dataclass(kw_only=True, eq=False)
class Network(Recommender):
    """A network of your own.

    A person is described by the rows, one for each user, of the module's parameters whose first dimension is the
    number of users; folding in finds such rows for a newcomer. Where users and items are equally many, the module
    says which they are: user_tables = ("users.weight", ...) and item_tables.

    Args:
        module: as it is before training; `fit` trains a copy.
    """

    name: ClassVar[str] = "network"
    summary: ClassVar[str] = "It is a neural network of somebody's own, trained by matinee."
    capabilities = Capabilities(needs_stars=True, needs_module=True, resumes=True)

    module: "nn.Module" = field(repr=False)

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
    patience: int = hyper(
        0, low=0, high=10_000, help="stop so many epochs after the best on the valid part, and go back to it; 0: never"
    )
    keep_best: bool = hyper(False, help="end with the weights of the best epoch on the valid part")
    device: str = hyper("auto", help="cpu, cuda, mps, or auto for the first accelerator that is there")
    compile: bool = hyper(False, help="compile the network with torch.compile")

    numbers_: Floats = learned("P", dtype=np.float32)
    """All parameters and buffers of the trained module, one after the other, flat."""
    shapes_: NDArray[np.int64] = learned("D", dtype=np.int64, least=0)
    """Their shapes, one after the other, each with the number of its dimensions before it."""
    crowd_mean_: Floats = learned("Fu", dtype=np.float32)
    crowd_variance_: Floats = learned("Fu", dtype=np.float32, least=0)
    noise_: NDArray[np.float64] = learned(dtype=np.float64, least=0)
    curve_: TrainingCurve = curve("mean squared error", first="last learning rate")
    step_losses_: NDArray[np.float64] = learned("T", 2, dtype=np.float64, allows_nan=True)

    @property
    def needs_valid(self) -> bool:
        """Whether it stops early, or goes back to its best epoch."""
        return self.patience > 0 or self.keep_best

    def engine(self, train: Ratings) -> "NetworkEngine":
        """Of PyTorch."""
        del train
        require_torch(self.name)
        from matinee.training.network import NetworkEngine, network_settings

        return NetworkEngine(copy.deepcopy(self.module), network_settings(self))

    def check_arrays(self) -> None:
        """The module is of the shape that was trained."""
        width = self._rows("user", len(self.users_)).shape[1]
        if self.crowd_mean_.shape != (width,):
            raise DataError(f"{self.name}: crowd_mean_ does not fit the module")

    def _fit(self, train: Ratings, how: Fitting) -> None:
        self._tables("user", train.n_users)  # what it refuses is told before the training
        engine = self.engine(train)
        train_engine(self, engine, train, how)
        trained = engine.module.cpu().state_dict().values()
        self.numbers_ = np.concatenate([tensor.float().numpy().ravel() for tensor in trained])
        self.shapes_ = _shapes(engine.module)
        crowd = Crowd.of(self._user_vectors(np.flatnonzero(train.user_counts > 0)), float(self.curve_.train[-1]))
        self.crowd_mean_, self.crowd_variance_, self.noise_ = crowd.mean, crowd.variance, np.array(crowd.noise)

    def _tensors(self) -> "dict[str, Tensor]":
        """The trained parameters and buffers by name, in the shapes of the module.

        Raises:
            SettingError: the module is of another shape than the one that was trained.
        """
        import torch

        tensors, place = {}, 0
        for name, tensor in self.module.state_dict().items():
            numbers = self.numbers_[place : place + tensor.numel()]
            place += tensor.numel()
            if len(numbers) == tensor.numel():
                tensors[name] = torch.tensor(numbers).reshape(tensor.shape).to(tensor.dtype)
        if place != len(self.numbers_):
            raise SettingError(f"This module has {place:,} numbers, and the trained one had {len(self.numbers_):,}.")
        if not np.array_equal(_shapes(self.module), self.shapes_):
            raise SettingError(
                "This module has tables or layers of other shapes than the trained one, or in another order."
            )
        return tensors

    def _tables(self, side: str, n_rows: int) -> list[str]:
        """The names of the parameters that have a row for each user or item."""
        given = getattr(self.module, f"{side}_tables", None)
        found = given or [name for name, part in self.module.named_parameters() if part.shape[:1] == (n_rows,)]
        if len(self.users_) == len(self.items_) and given is None:
            raise SettingError(
                "Users and items are equally many, so the module must say which of its parameters have a row for each "
                'user and item: user_tables = ("users.weight",) and item_tables = ("items.weight",).'
            )
        shapes = {name: part.shape for name, part in self.module.named_parameters()}
        for name in found:
            if shapes.get(name, ())[:1] != (n_rows,):
                raise SettingError(f"{side}_tables names '{name}', but no parameter of that name has {n_rows:,} rows.")
        return list(found)

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        rows: Floats = self._rows("user", len(self.users_))[user_index]
        return rows

    def _rows(self, side: str, n_rows: int) -> Floats:
        tensors = self._tensors()
        tables = [tensors[name].reshape(n_rows, -1).numpy() for name in self._tables(side, n_rows)]
        return np.concatenate([np.zeros((n_rows, 0), np.float32), *tables], axis=1)

    def _stars(self, vectors: "Tensor", item_index: NDArray[Any]) -> "Tensor":
        """Stars of the items for people given by one vector each, (n, D) and (n,) -> (n,)."""
        import torch
        from torch.func import functional_call

        tensors, place = self._tensors(), 0
        for name in self._tables("user", len(self.users_)):
            shape = tensors[name].shape[1:]
            width = int(np.prod(shape))
            tensors[name] = vectors[:, place : place + width].reshape(len(vectors), *shape)
            place += width
        arguments = torch.arange(len(vectors)), torch.from_numpy(np.array(item_index)).long()
        stars: Tensor = functional_call(self.module.eval(), tensors, arguments)
        return stars

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        return most_likely(self._predictor(item_index), value, self._crowd())

    def _crowd(self) -> Crowd:
        return Crowd(self.crowd_mean_, self.crowd_variance_, float(self.noise_))

    def _predictor(self, item_index: NDArray[np.int32]) -> Predict:
        import torch

        def predict(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            vectors = torch.tensor(x, dtype=torch.float32).repeat(len(item_index), 1).requires_grad_()
            stars = self._stars(vectors, item_index)
            (slopes,) = torch.autograd.grad(stars.sum(), vectors)  # (n, D): each rating has a row of its own
            return stars.detach().double().numpy(), slopes.double().numpy()

        return predict

    def _attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        crowd = self._crowd()
        return [path_parts(self, self._predictor, crowd, (profile, item), n_biases=0) for item in item_index.tolist()]

    def _scores(self, vectors: Floats) -> Floats:
        import torch

        items = np.arange(len(self.items_))
        with torch.no_grad():
            rows = [self._stars(torch.from_numpy(vector).repeat(len(items), 1), items).numpy() for vector in vectors]
        return np.stack(rows)  # (B, I)

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        import torch

        users = np.vstack([self._rows("user", len(self.users_)), self.crowd_mean_])  # -1 finds the average person
        users[:-1][self.history_.counts == 0] = self.crowd_mean_
        out = np.empty(len(user_index), np.float32)
        with torch.no_grad():
            for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
                items = np.maximum(item_index[rows], 0)
                out[rows] = self._stars(torch.from_numpy(users[user_index[rows]]), items).numpy()
        unknown = item_index < 0
        out[unknown] = np.mean(self.scale_[:2])
        if not self.history_.is_empty:
            out[unknown] = self.history_.value.mean()
        return out

    def _tastes(self, vectors: Floats) -> Floats:
        return vectors

    def _item_vectors(self) -> Floats:
        vectors = self._rows("item", len(self.items_))
        return np.where((self.item_counts_ > 0)[:, None], vectors, np.float32(0))


def _shapes(module: "nn.Module") -> NDArray[np.int64]:
    """The shapes of a module's parameters and buffers in one row of numbers; see `Network.shapes_`."""
    shapes = [tensor.shape for tensor in module.state_dict().values()]
    return np.array([number for shape in shapes for number in (len(shape), *shape)], np.int64)
