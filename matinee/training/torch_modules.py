"""The built-in networks as PyTorch modules.

forward(user_index, item_index), (B,) and (B,), returns stars, (B,).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn

from matinee._types import Floats


def to_range(raw: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """A sigmoid from low to high; the raw numbers if both are equal."""
    if low == high:
        return raw
    return low + (high - low) * torch.sigmoid(raw)


class DotProductModule(nn.Module):
    """Dot product of two rows of one table, which has a row per user, then a row per item.

    Args:
        weights: the initial table, (U + I, F), or (U + I, F + 1) with biases in the last
            column.
        low, high: ends of the sigmoid's range; equal for no sigmoid.
        sparse: gradients of the batch's rows only.
    """

    def __init__(
        self, weights: Floats, n_users: int, n_factors: int, low: float, high: float, sparse: bool
    ) -> None:
        super().__init__()
        self.table = _embedding(weights, sparse)
        self.n_users, self.n_factors = n_users, n_factors
        self.low, self.high = low, high

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        """Stars, (B,)."""
        p, q = self.table(user_index), self.table(item_index + self.n_users)  # (B, C)
        raw = (p[:, : self.n_factors] * q[:, : self.n_factors]).sum(dim=1)  # (B,)
        biases = (p + q)[:, self.n_factors :].sum(dim=1)
        return to_range(raw + biases, self.low, self.high)


class MLPModule(nn.Module):
    """Concatenated embeddings, dropout, hidden layers with dropout, one output.

    Args:
        users, items: the initial embeddings, (U, Fu) and (I, Fi).
        sizes: of the hidden layers.
        dropouts: fraction dropped from the embeddings, then from each hidden layer.
        low, high, sparse: as for `DotProductModule`.
        seed: of the initial weights of the layers.
    """

    def __init__(
        self,
        users: Floats,
        items: Floats,
        sizes: Sequence[int],
        dropouts: Sequence[float],
        low: float,
        high: float,
        sparse: bool,
        seed: int,
    ) -> None:
        super().__init__()
        self.users, self.items = _embedding(users, sparse), _embedding(items, sparse)
        self.low, self.high = low, high
        width = users.shape[1] + items.shape[1]
        layers: list[nn.Module] = [nn.Dropout(dropouts[0])]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for size, dropout in zip(sizes, dropouts[1:], strict=True):
                layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
                width = size
            layers.append(nn.Linear(width, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        """Stars, (B,)."""
        x = torch.cat([self.users(user_index), self.items(item_index)], dim=1)  # (B, Fu + Fi)
        return to_range(self.layers(x).squeeze(1), self.low, self.high)


def _embedding(weights: Floats, sparse: bool) -> nn.Embedding:
    tensor = torch.from_numpy(weights)
    return nn.Embedding.from_pretrained(tensor, freeze=False, sparse=sparse)  # type: ignore[no-any-return]


class MLPWeights(NamedTuple):
    """The weights of an `MLPModule` as arrays."""

    users: Floats  # (U, Fu)
    items: Floats  # (I, Fi)
    layers: Floats  # (P,), weights (in, out) and constants of all layers, one after another


def mlp_weights(module: nn.Module) -> MLPWeights:
    """Copies of the weights of an `MLPModule`, in the memory of the CPU."""
    embeddings, layers = [], []
    for layer in module.modules():
        if isinstance(layer, nn.Embedding):
            embeddings.append(layer.weight)
        if isinstance(layer, nn.Linear):
            layers += [layer.weight.T.ravel(), layer.bias]
    users, items = embeddings
    return MLPWeights(_array(users), _array(items), _array(torch.cat(layers)))


def _array(tensor: torch.Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().numpy().copy()
    return array
