"""The tutorials' own way to train, in plain PyTorch: the other side of the comparison in `neural.py`.

A TensorDataset in a DataLoader, an nn.Embedding for each side, torch.optim's Adam over all rows, and PyTorch's own
schedules. Nothing of matinee is used here. The settings are those of matinee's hyperparameters, by the same names.
"""

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

Settings = dict[str, Any]
Range = tuple[float, float] | None
Loader = DataLoader[tuple[torch.Tensor, ...]]


def tensors(
    user_index: NDArray[np.int64], item_index: NDArray[np.int64], value: NDArray[np.float64]
) -> TensorDataset:
    """Ratings as PyTorch wants them: int64, int64 and float32, (N,) each."""
    stars = torch.from_numpy(value.astype(np.float32))
    return TensorDataset(torch.from_numpy(user_index), torch.from_numpy(item_index), stars)


def to_range(raw: torch.Tensor, bounds: Range) -> torch.Tensor:
    """A sigmoid from low to high, or the numbers as they are."""
    return raw if bounds is None else bounds[0] + (bounds[1] - bounds[0]) * torch.sigmoid(raw)


class DotProductBias(nn.Module):
    """Factors and biases (fast.ai's chapter 8, EmbeddingNet)."""

    def __init__(self, n_users: int, n_items: int, n_factors: int, bounds: Range) -> None:
        super().__init__()
        self.user_factors, self.user_bias = (
            nn.Embedding(n_users, n_factors),
            nn.Embedding(n_users, 1),
        )
        self.item_factors, self.item_bias = (
            nn.Embedding(n_items, n_factors),
            nn.Embedding(n_items, 1),
        )
        self.bounds = bounds

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Stars, (B,)."""
        raw = (self.user_factors(users) * self.item_factors(items)).sum(dim=1)
        return to_range(
            raw + self.user_bias(users).squeeze(1) + self.item_bias(items).squeeze(1), self.bounds
        )


class MatrixFactorization(nn.Module):
    """Factors only."""

    def __init__(self, n_users: int, n_items: int, n_factors: int) -> None:
        super().__init__()
        self.user_factors, self.item_factors = (
            nn.Embedding(n_users, n_factors),
            nn.Embedding(n_items, n_factors),
        )

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Stars, (B,)."""
        stars: torch.Tensor = (self.user_factors(users) * self.item_factors(items)).sum(dim=1)
        return stars


class EmbeddingLayers(nn.Module):
    """Embeddings side by side, then hidden layers, with dropout everywhere (Zaitsev)."""

    def __init__(self, n_users: int, n_items: int, settings: Settings, bounds: Range) -> None:
        super().__init__()
        width = settings["factors"]
        self.users, self.items = nn.Embedding(n_users, width), nn.Embedding(n_items, width)
        layers: list[nn.Module] = [nn.Dropout(settings["embedding_dropout"])]
        width *= 2
        hidden, dropouts = settings["hidden"].split(","), settings["dropout"].split(",")
        for size, dropout in zip(map(int, hidden), map(float, dropouts), strict=True):
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        self.layers, self.bounds = nn.Sequential(*layers, nn.Linear(width, 1)), bounds

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Stars, (B,)."""
        x = torch.cat([self.users(users), self.items(items)], dim=1)
        return to_range(self.layers(x).squeeze(1), self.bounds)


def make_net(model: str, counts: tuple[int, int], settings: Settings) -> nn.Module:
    """The net that is the tutorial's counterpart of a model of matinee, with its start of the embeddings."""
    torch.manual_seed(settings["seed"])
    text = settings["sigmoid_range"]
    bounds: Range = (
        None if text == "none" else (float(text.split(":")[0]), float(text.split(":")[1]))
    )
    net: nn.Module
    if model == "mlp":
        net = EmbeddingLayers(*counts, settings, bounds)
    elif model == "plain-mf":
        net = MatrixFactorization(*counts, settings["factors"])
    else:
        net = DotProductBias(*counts, settings["factors"], bounds)
    kind, _, size = settings["start"].partition(":")
    for table in (part for part in net.modules() if isinstance(part, nn.Embedding)):
        if kind == "normal":
            nn.init.normal_(table.weight, 0, float(size))
        else:
            nn.init.uniform_(table.weight, 0, float(size))
    return net.to(settings["device"])


def make_optimizer(net: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """Adam over all rows, or AdamW where the decay is decoupled."""
    kind = torch.optim.AdamW if settings["decoupled"] else torch.optim.Adam
    betas = (0.9, settings["square_momentum"])
    return kind(
        net.parameters(),
        lr=settings["learning_rate"],
        betas=betas,
        eps=settings["epsilon"],
        weight_decay=settings["weight_decay"],
    )


Schedules = tuple[lr_scheduler.LRScheduler | None, lr_scheduler.LRScheduler | None]


def make_schedules(optimizer: torch.optim.Optimizer, settings: Settings, n_steps: int) -> Schedules:
    """PyTorch's schedule of this name: one to advance after each batch, or one to advance after each epoch.

    n_steps is the length of an epoch.
    """
    if settings["schedule"] == "one-cycle":
        cycle = lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=settings["learning_rate"],
            total_steps=settings["epochs"] * n_steps,
            pct_start=0.25,
            final_div_factor=4_000,  # of a 25th of the rate: a 100,000th in the end, as fastai has it
        )
        return cycle, None
    if settings["schedule"] == "warm-restarts":
        return lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, settings["cycle_epochs"] * n_steps
        ), None
    if settings["schedule"] == "warm-up":
        first, length = settings["warm_up_factor"], settings["warm_up_epochs"]
        return None, lr_scheduler.LinearLR(optimizer, start_factor=first, total_iters=length)
    return None, None


def train(
    net: nn.Module, train_part: TensorDataset, valid_part: TensorDataset, settings: Settings
) -> list[float]:
    """Trains; returns the mean squared error on the valid part after each epoch. Keeps the best weights if told to."""
    loader = DataLoader(train_part, settings["batch_size"], shuffle=True)
    valid_loader = DataLoader(valid_part, settings["batch_size"])
    optimizer = make_optimizer(net, settings)
    by_batch, by_epoch = make_schedules(optimizer, settings, len(loader))
    errors: list[float] = []
    best = net.state_dict()
    for _ in range(settings["epochs"]):
        train_epoch(net, loader, optimizer, by_batch)
        if by_epoch:
            by_epoch.step()
        errors.append(validate(net, valid_loader))
        if settings["keep_best"] and errors[-1] == min(errors):
            best = copy.deepcopy(net.state_dict())
    net.load_state_dict(best)
    return errors


def train_epoch(
    net: nn.Module,
    loader: Loader,
    optimizer: torch.optim.Optimizer,
    by_batch: lr_scheduler.LRScheduler | None,
) -> None:
    """One pass over the batches."""
    device = next(net.parameters()).device
    net.train()
    for users, items, stars in loader:
        optimizer.zero_grad()
        predicted = net(users.to(device), items.to(device))
        loss = nn.functional.mse_loss(predicted, stars.to(device))
        loss.backward()
        optimizer.step()
        if by_batch:
            by_batch.step()


@torch.no_grad()
def validate(net: nn.Module, loader: Loader) -> float:
    """The mean squared error of all rows."""
    device = next(net.parameters()).device
    net.eval()
    total, count = 0.0, 0
    for users, items, stars in loader:
        predicted = net(users.to(device), items.to(device))
        total += nn.functional.mse_loss(predicted, stars.to(device), reduction="sum").item()
        count += len(stars)
    return total / count
