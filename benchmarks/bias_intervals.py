"""How many 95% intervals of item biases hold the true bias, on simulated ratings with known biases.

    python benchmarks/bias_intervals.py

Three worlds, 100,000 ratings each: who rates what depends on popularity alone; quality grows with
popularity; people choose what suits their taste.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from matinee.analysis import bias_ranking
from matinee.data.ratings import Ratings, Scale
from matinee.models import model_named
from matinee.recommendation.guide import Guide

WORLDS = ("by popularity alone", "quality grows with popularity", "people choose by taste")
USERS, ITEMS, RATINGS = 1_000, 800, 100_000
FEW = 10


def world(kind: str, seed: int) -> tuple[Ratings, NDArray[np.float64]]:
    """The ratings, whose item ids are 0 to ITEMS - 1, and the true biases of the items, (I,)."""
    rng = np.random.default_rng(seed)
    popularity = rng.normal(0, 1.2, ITEMS)
    item_bias = rng.normal(0, 0.5, ITEMS)
    if kind == WORLDS[1]:
        item_bias = 0.35 * popularity / 1.2 + rng.normal(0, 0.36, ITEMS)
    tastes = rng.normal(size=(USERS, 3)) @ rng.normal(size=(3, ITEMS)) * 0.5 / np.sqrt(3)  # (U, I)
    wish = popularity + rng.normal(0, 0.8, USERS)[:, None] + rng.gumbel(size=(USERS, ITEMS))
    if kind == WORLDS[2]:
        wish += 2 * tastes
    chosen = np.argpartition(-wish.ravel(), RATINGS)[:RATINGS]
    user, item = chosen // ITEMS, chosen % ITEMS
    noise = rng.normal(0, 0.8, RATINGS)
    generosity = rng.normal(0, 0.4, USERS)
    value = 3.5 + generosity[user] + item_bias[item] + tastes[user, item] + noise
    return Ratings.from_ids(user, item, value, scale=Scale(-10, 15, 0)), item_bias


def shares(name: str, kind: str, seed: int) -> list[float]:
    """The share of intervals that hold, of all items and of items with fewer than FEW ratings."""
    ratings, truth = world(kind, seed)
    guide = Guide(model_named(name)(seed=seed).fit(ratings, n_threads=1))
    lines = bias_ranking(guide, ITEMS)
    low, high, n = np.array([(line.low, line.high, line.n_ratings) for line in lines]).T
    true = truth[[int(line.item_id) for line in lines]]
    middle = np.average((low + high) / 2 - true, weights=(high - low) ** -2.0)  # the common mean
    holds = (low - middle <= true) & (true <= high - middle)
    return [float(holds.mean()), float(holds[n < FEW].mean())]


def main() -> None:
    """Prints a table: the mean over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    print(f"| who rates what | model | all items | fewer than {FEW} ratings |")
    print("| --- | --- | --: | --: |")
    for kind in WORLDS:
        for name in ("baseline", "mf"):
            every, few = np.mean([shares(name, kind, seed) for seed in seeds], axis=0)
            print(f"| {kind} | `{name}` | {every:.0%} | {few:.0%} |")


if __name__ == "__main__":
    main()
