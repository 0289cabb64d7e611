"""fastai itself on the ratings of `neural.py`: `collab_learner`, and `Learner` with the DotProductBias of chapter 8.

(Howard, Gugger, "Deep Learning for Coders with fastai and PyTorch", 2020.) Runs in `.venv-fastai`.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.collab import TabularCollab, collab_learner  # type: ignore[import-not-found,unused-ignore]
from fastai.layers import Embedding, Module, sigmoid_range  # type: ignore[import-not-found,unused-ignore]
from fastai.learner import Learner  # type: ignore[import-not-found,unused-ignore]
from fastai.losses import MSELossFlat  # type: ignore[import-not-found,unused-ignore]
from fastai.tabular.all import Categorify, TransformBlock, set_seed  # type: ignore[import-not-found,unused-ignore]

from benchmarks.peers import Problem


class DotProductBias(Module):  # type: ignore[misc,unused-ignore]
    """The model that chapter 8 ends its first half with, on fastai's layers."""

    def __init__(
        self, n_users: int, n_items: int, n_factors: int, y_range: tuple[float, float]
    ) -> None:
        self.user_factors, self.user_bias = Embedding(n_users, n_factors), Embedding(n_users, 1)
        self.item_factors, self.item_bias = Embedding(n_items, n_factors), Embedding(n_items, 1)
        self.y_range = y_range

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Stars, (B, 1), of pairs of user and item, (B, 2)."""
        users, items = x[:, 0], x[:, 1]
        raw = (self.user_factors(users) * self.item_factors(items)).sum(dim=1, keepdim=True)
        raw += self.user_bias(users) + self.item_bias(items)
        stars: torch.Tensor = sigmoid_range(raw, *self.y_range)
        return stars


def make_learner(way: str, problem: Problem, settings: dict[str, Any]) -> Any:
    """A learner with fastai's own defaults but for what the chapter gives: batch size, factors and range.

    As `CollabDataLoaders.from_df` makes its loaders, with the rows of this split in the place of random ones.
    """
    both = [np.concatenate(columns) for columns in zip(problem.train, problem.test, strict=True)]
    frame = pd.DataFrame({"user": both[0], "item": both[1], "stars": both[2].astype(np.float32)})
    cut = len(problem.train.value)
    splits = list(range(cut)), list(range(cut, len(frame)))
    columns = {"y_names": ["stars"], "y_block": TransformBlock(), "splits": splits}
    table = TabularCollab(frame, [Categorify], ["user", "item"], **columns)
    set_seed(problem.seed)
    loaders = table.dataloaders(bs=settings["batch_size"], device=torch.device(settings["device"]))
    low, high = (float(end) for end in settings["sigmoid_range"].split(":"))
    if way == "collab_learner":
        return collab_learner(loaders, n_factors=settings["factors"], y_range=(low, high))
    n_users, n_items = (len(loaders.classes[side]) for side in ("user", "item"))
    model = DotProductBias(n_users, n_items, settings["factors"], (low, high))
    return Learner(loaders, model, loss_func=MSELossFlat())
