"""The networks as PyTorch modules; forward(user_index, item_index), (B,) and (B,), returns stars, (B,)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from matinee._types import Floats
from matinee.training.start import start_table


def to_range(raw: torch.Tensor, bounds: tuple[float, float]) -> torch.Tensor:
    """A sigmoid from low to high; the raw numbers where both are equal."""
    low, high = bounds
    return raw if low == high else low + (high - low) * torch.sigmoid(raw)


class DotProductModule(nn.Module):
    """One table with a row for each user, then for each item: factors, and perhaps a bias in the last column."""

    def __init__(
        self, weights: NDArray[np.float32], n_users: int, n_factors: int, bounds: tuple[float, float], sparse: bool
    ) -> None:
        super().__init__()
        self.table = nn.Embedding.from_pretrained(torch.from_numpy(weights), freeze=False, sparse=sparse)  # type: ignore[no-untyped-call]
        self.n_users, self.n_factors, self.bounds = n_users, n_factors, bounds

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        """Stars, (B,)."""
        p, q = self.table(user_index), self.table(item_index + self.n_users)  # (B, C)
        raw = (p[:, : self.n_factors] * q[:, : self.n_factors]).sum(dim=1)  # (B,)
        return to_range(raw + (p + q)[:, self.n_factors :].sum(dim=1), self.bounds)


class MLPModule(nn.Module):
    """Embeddings side by side, dropout, hidden layers with dropout, one output.

    Args:
        counts, widths: number of users and items, and the lengths of their embeddings.
        hidden: sizes and dropouts of the hidden layers.
    """

    def __init__(
        self,
        counts: tuple[int, int],
        widths: list[int],
        hidden: tuple[list[int], list[float]],
        embedding_dropout: float,
        bounds: tuple[float, float],
        start: str,
        seed: int,
    ) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        self.users, self.items = (
            nn.Embedding(*shape, _weight=torch.from_numpy(start_table(start, shape, rng)))
            for shape in zip(counts, widths, strict=True)
        )
        sizes = [sum(widths), *hidden[0]]
        layers: list[nn.Module] = [nn.Dropout(embedding_dropout)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for before, after, dropout in zip(sizes[:-1], sizes[1:], hidden[1], strict=True):
                layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
            layers.append(nn.Linear(sizes[-1], 1))
        self.layers, self.bounds = nn.Sequential(*layers), bounds

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        """Stars, (B,)."""
        x = torch.cat([self.users(user_index), self.items(item_index)], dim=1)  # (B, Fu + Fi)
        return to_range(self.layers(x).squeeze(1), self.bounds)


def tables_and_layers(module: nn.Module) -> tuple[Floats, Floats, Floats]:
    """Both embeddings of an MLPModule, and all layers' weights (in, out) and constants, one after the other, flat."""
    users, items = (part.weight for part in module.modules() if isinstance(part, nn.Embedding))
    linear = [part for part in module.modules() if isinstance(part, nn.Linear)]
    layers = torch.cat([tensor.ravel() for part in linear for tensor in (part.weight.T, part.bias)])
    arrays = [tensor.detach().cpu().numpy().copy() for tensor in (users, items, layers)]
    return arrays[0], arrays[1], arrays[2]
