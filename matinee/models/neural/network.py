"""Network: trains, evaluates, saves and recommends with a PyTorch module of your own.

    class Mine(nn.Module):
        def forward(self, user_index, item_index): ...   # (B,), (B,) -> stars, (B,) or (B, 1)

    model = matinee.Network(module=Mine(n_users, n_items)).fit(ratings)

A saved file holds numbers and no code: to load it, pass a module with the same parameters.
"""

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats, Indices
from matinee.data.ratings import Ratings
from matinee.errors import SettingError
from matinee.models.base import FitOptions
from matinee.models.fold_in import Predict
from matinee.models.hyperparameters import hyper, learned
from matinee.models.interface import Capabilities
from matinee.models.neural.common import NeuralRecommender, require_torch
from matinee.models.neural.module_check import check_module

if TYPE_CHECKING:
    from torch import Tensor, nn

    from matinee.training.torch_engine import NetworkEngine

_MOST_SPARE_ROWS = 2
"""Rows that a table may have beyond those of the users or items, such as one for padding."""


@dataclass(kw_only=True, eq=False, repr=False)
class Network(NeuralRecommender):
    """A network of your own, in PyTorch: trained, evaluated, saved, and used for recommendations.

    The module takes the indices of users and of items, (B,) each, and returns stars, (B,) or
    (B, 1). A saved file holds numbers and no code: to load it, pass a module with the same
    parameters.

    A person's vector is their row of every parameter whose first dimension is the number of users,
    or up to two more, concatenated; fold-in finds such rows for a new person. If there are as many
    users as items, or other parameters have as many rows, the module must name these parameters:
    user_tables = ("users.weight", ...), and item_tables.

    Args:
        module: the untrained module; `fit` trains a copy.

    Raises:
        SettingError: `module` is a class, or cannot be trained: before the training it is called
            with three pairs.

    Example:
        >>> from torch import nn
        >>> class Dot(nn.Module):
        ...     def __init__(self, n_users, n_items):
        ...         super().__init__()
        ...         self.users, self.items = nn.Embedding(n_users, 4), nn.Embedding(n_items, 4)
        ...
        ...     def forward(self, user_index, item_index):
        ...         return 3.5 + (self.users(user_index) * self.items(item_index)).sum(1)
        >>> network = matinee.Network(module=Dot(few.n_users, few.n_items), epochs=1).fit(few)
        >>> network.all_stars({107: 5.0}).shape
        (340,)
    """

    name: ClassVar[str] = "network"
    summary: ClassVar[str] = "It is a neural network of your own, trained by matinee."
    capabilities = Capabilities(needs_stars=True, needs_module=True, resumes=True)

    module: "nn.Module" = field(repr=False)

    compile: bool = hyper(False, help="compile the network with torch.compile")

    numbers_: Floats = learned("P", dtype=np.float32)
    """All parameters and buffers of the trained module, flat, one after another."""
    shapes_: NDArray[np.int64] = learned("D", dtype=np.int64, least=0)
    """Their shapes, one after another, each preceded by its number of dimensions."""

    # -- training ------------------------------------------------------------------------

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.module, type):
            raise SettingError(
                f"{self.name}: module is the class {self.module.__name__}; give an instance, such "
                f"as module={self.module.__name__}(n_users, n_items)."
            )

    def engine(self, train: Ratings) -> "NetworkEngine":
        """PyTorch on any device.

        Raises:
            SettingError: the module cannot be trained with these ratings.
        """
        require_torch(self.name)
        n_users, n_items = train.n_users, train.n_items
        is_column = check_module(
            self.module, n_users, n_items, lambda: self._user_tables(n_users, n_items)
        )
        module = copy.deepcopy(self.module)
        if is_column:
            warnings.warn(
                "The module returns stars of shape (B, 1); they are used as (B,).", stacklevel=4
            )
            module.register_forward_hook(_first_column)
        return self._torch_engine(module, compiled=self.compile)

    def _user_tables(self, n_users: int, n_items: int) -> list[str]:
        """`_table_names` of the users, of which there must be some."""
        names = self._table_names("user", n_users, n_items)
        if not names:
            raise SettingError(
                f"No parameter of the module has a row for each of the {n_users:,} users; fold-in "
                "needs such a table, as torch.nn.Embedding(n_users, n_factors) makes it. If a "
                'table has more rows, the module must name it: user_tables = ("users.weight",).'
            )
        return names

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        engine = self.engine(train)
        self._train(engine, train, options)
        trained = engine.module.cpu().state_dict().values()
        self.numbers_ = np.concatenate([tensor.float().numpy().ravel() for tensor in trained])
        self.shapes_ = _shapes(engine.module)
        self._set_prior(self._user_vectors(np.flatnonzero(train.user_counts > 0)))

    # -- the trained module --------------------------------------------------------------

    def _tensors(self) -> "dict[str, Tensor]":
        """The trained parameters and buffers by name, in the shapes of the module.

        Raises:
            SettingError: the shapes of the module differ from those of the trained one.
        """
        import torch

        tensors, first = {}, 0
        for name, tensor in self.module.state_dict().items():
            numbers = self.numbers_[first : first + tensor.numel()]
            first += tensor.numel()
            if len(numbers) == tensor.numel():
                tensors[name] = torch.tensor(numbers).reshape(tensor.shape).to(tensor.dtype)
        if first != len(self.numbers_):
            raise SettingError(
                f"This module has {first:,} numbers, but the trained one had "
                f"{len(self.numbers_):,}."
            )
        if not np.array_equal(_shapes(self.module), self.shapes_):
            raise SettingError(
                "The tables or layers of this module differ in shape or order from those of the "
                "trained one."
            )
        return tensors

    def _table_names(self, side: str, n_rows: int, n_others: int) -> list[str]:
        """The names of the parameters that have a row for each user or item.

        Args:
            side: "user" or "item".
            n_others: the number of rows of the other side.

        Raises:
            SettingError: the module must name them, or names a parameter without such rows.
        """
        shapes = {name: tensor.shape for name, tensor in self.module.named_parameters()}
        declared = getattr(self.module, f"{side}_tables", None)
        if declared is None and n_rows == n_others:
            raise SettingError(
                "There are as many users as items, so the module must name the parameters that "
                'have a row for each: user_tables = ("users.weight",) and item_tables = '
                '("items.weight",).'
            )
        if not declared:
            return _with_rows(shapes, n_rows, n_rows + _MOST_SPARE_ROWS)
        if isinstance(declared, str):
            declared = (declared,)
        for name in declared:
            if shapes.get(name, ())[:1] < (n_rows,):
                raise SettingError(
                    f"The module names '{name}' in {side}_tables, but no parameter of that "
                    "name has "
                    f"{n_rows:,} rows."
                )
        return list(declared)

    def _user_rows(self) -> Floats:
        """The rows of all users, (U, D)."""
        n_users, n_items = len(self.users_), len(self.items_)
        return self._rows(self._table_names("user", n_users, n_items), n_users)

    def _rows(self, names: list[str], n_rows: int) -> Floats:
        """The first rows of some tables, side by side, (n_rows, D)."""
        tensors = self._tensors()
        columns = [np.zeros((n_rows, 0), np.float32)]
        for name in names:
            columns.append(tensors[name][:n_rows].reshape(n_rows, -1).float().numpy())
        return np.concatenate(columns, axis=1)

    def _stars(self, vectors: "Tensor", item_index: Indices) -> "Tensor":
        """Stars of one item per person, (n, D) and (n,) -> (n,)."""
        import torch
        from torch.func import functional_call

        tensors, first = self._tensors(), 0
        for name in self._table_names("user", len(self.users_), len(self.items_)):
            table = tensors[name]
            width = int(np.prod(table.shape[1:]))
            rows = vectors[:, first : first + width]
            tensors[name] = rows.reshape(len(vectors), *table.shape[1:]).to(table.dtype)
            first += width
        arguments = torch.arange(len(vectors)), torch.from_numpy(np.array(item_index)).long()
        stars: Tensor = functional_call(self.module.eval(), tensors, arguments)
        if stars.dim() == 2:  # (n, 1)
            return stars[:, 0]
        return stars

    # -- predictions ---------------------------------------------------------------------

    def _user_vectors(self, user_index: Indices) -> Floats:
        vectors: Floats = self._user_rows()[user_index]
        return vectors

    def _predictor(self, item_index: NDArray[np.int32]) -> Predict:
        import torch

        def predict(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            vector = torch.tensor(x, dtype=torch.float32)
            vectors = vector.repeat(len(item_index), 1).requires_grad_()
            stars = self._stars(vectors, item_index)
            # Each rating has its own row, so the sum's derivatives are those of each, (n,
            # D).
            (slopes,) = torch.autograd.grad(stars.sum(), vectors)
            return stars.detach().double().numpy(), slopes.double().numpy()

        return predict

    def _predict_all(self, vectors: Floats) -> Floats:
        import torch

        items = np.arange(len(self.items_))
        scores = np.empty((len(vectors), len(items)), np.float32)
        with torch.no_grad():
            for row, vector in enumerate(vectors):
                repeated = torch.from_numpy(vector).repeat(len(items), 1)
                scores[row] = self._stars(repeated, items).numpy()
        return scores  # (B, I)

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        import torch

        users = self._user_rows()
        users[self.history_.counts == 0] = self.crowd_mean_
        users = np.vstack([users, self.crowd_mean_])  # the last row is that of index -1
        out = np.empty(len(user_index), np.float32)
        with torch.no_grad():
            for rows in np.array_split(np.arange(len(user_index)), len(user_index) // 20_000 + 1):
                items = np.maximum(item_index[rows], 0)
                vectors = torch.from_numpy(users[user_index[rows]])
                out[rows] = self._stars(vectors, items).numpy()
        is_unknown = item_index < 0
        out[is_unknown] = np.mean(self.scale_[:2])
        if not self.history_.is_empty:
            out[is_unknown] = self.history_.value.mean()
        return out

    def _item_vectors(self) -> Floats:
        n_users, n_items = len(self.users_), len(self.items_)
        names = self._table_names("item", n_items, n_users)
        return self._without_unrated(self._rows(names, n_items))


def _with_rows(shapes: Mapping[str, Sequence[int]], least: int, most: int) -> list[str]:
    """The names of the parameters with the smallest number of rows in a range."""
    rows = {name: shape[0] for name, shape in shapes.items() if shape}
    possible = [n for n in rows.values() if least <= n <= most]
    return [name for name, n in rows.items() if n == min(possible, default=0)]


def _first_column(module: "nn.Module", arguments: object, stars: "Tensor") -> "Tensor":
    """The stars, (B,), that a module returned as a column, (B, 1)."""
    del module, arguments
    return stars[:, 0]


def _shapes(module: "nn.Module") -> NDArray[np.int64]:
    """The shapes of a module's parameters and buffers in one row of numbers; see `shapes_`."""
    numbers: list[int] = []
    for tensor in module.state_dict().values():
        numbers += [tensor.dim(), *tensor.shape]
    return np.array(numbers, np.int64)
