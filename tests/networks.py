"""A network of one's own that several test files train."""

from functools import cache
from typing import Any

import torch
from torch import nn

from matinee.data.ratings import Ratings
from matinee.models.neural.network import Network
from tests.helpers import table


class TwoTowers(nn.Module):
    """A small tower for each side, a bias for each user in a table of one column, dropout."""

    def __init__(self, n_users: int, n_items: int, width: int = 6) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.users, self.items = nn.Embedding(n_users, width), nn.Embedding(n_items, width)
        for embedding in (self.users, self.items):
            nn.init.normal_(embedding.weight, std=0.1)
        self.generous = nn.Parameter(torch.zeros(n_users))
        self.liked = nn.Parameter(torch.zeros(n_items))
        self.user_tower = nn.Sequential(nn.Linear(width, 8), nn.Tanh())
        self.item_tower = nn.Sequential(nn.Linear(width, 8), nn.Tanh(), nn.Dropout(0.1))
        self.mean = nn.Parameter(torch.tensor(3.0))

    def forward(self, user_index: torch.Tensor, item_index: torch.Tensor) -> torch.Tensor:
        p, q = (
            self.user_tower(self.users(user_index)),
            self.item_tower(self.items(item_index)),
        )  # (B, 8)
        stars: torch.Tensor = (
            self.mean + self.generous[user_index] + self.liked[item_index] + (p * q).sum(dim=1)
        )
        return stars


def module_of(ratings: Ratings, width: int = 6) -> TwoTowers:
    with torch.random.fork_rng(devices=[]):
        return TwoTowers(ratings.n_users, ratings.n_items, width)


def network(ratings: Ratings, **settings: Any) -> Network:
    return Network(
        module=module_of(ratings), device="cpu", **({"epochs": 4, "learning_rate": 0.01} | settings)
    )


@cache
def fitted_network() -> Network:
    return network(table()).fit(table())
