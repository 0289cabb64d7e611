"""RMSE of several models on simulated tables of many shapes, next to the baseline's.

    python benchmarks/simulated_tables.py --tables 24 --seed 1
    python benchmarks/simulated_tables.py --models baseline,mf,item-knn,bayes --tables 40 --json

Each table has 500 to 20,000 users with 5 to 200 ratings on average, a signal from none to strong of 1 to 10 true
factors, items whose popularity depends on their quality or does not, and the scale 1 to 5 or .5 to 5. A fifth of the
ratings is held out at random. A line gives the RMSE of each model; `loss` is the RMSE of a model less that of the
baseline, and `behind` its RMSE less the lowest of the line. The last lines are the largest of each over all tables.
"""

import argparse
import json
import math
import sys
import time
from typing import Any, NamedTuple

import numpy as np

from matinee.data.ratings import Ratings, Scale
from matinee.data.split import random_split
from matinee.evaluation.metrics import rmse
from matinee.models import MODELS

SCALES = (Scale(1, 5, 1), Scale(0.5, 5, 0.5))
SIGNALS = (0.0, 0.15, 0.3, 0.5, 0.8, 1.2)
"""The deviation of the true tastes, in deviations of the noise."""


class Shape(NamedTuple):
    """What a simulated table is made of."""

    users: int
    items: int
    ratings_each: float
    """The mean number of ratings of a user."""
    factors: int
    signal: float
    quality: float
    """The correlation of an item's quality with the logarithm of its popularity."""
    scale: Scale

    def __str__(self) -> str:
        return (
            f"{self.users:6} x {self.items:5}, {self.ratings_each:4.0f} each, {self.factors:2} factors, "
            f"signal {self.signal:4.2f}, quality {self.quality:3.1f}, scale from {self.scale.lowest:3.1f}"
        )


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A random number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_shape(rng: np.random.Generator, most_ratings: int) -> Shape:
    """A random shape with about `most_ratings` ratings at most."""
    users = round(log_uniform(rng, 500, 20_000))
    each = log_uniform(rng, 5, min(200, max(6, most_ratings / users)))
    items = round(log_uniform(rng, max(100, 2.5 * each), 10_000))
    signal, factors = float(rng.choice(SIGNALS)), int(rng.integers(1, 11))
    return Shape(
        users, items, each, factors, signal, float(rng.choice([0, 0.7])), SCALES[rng.integers(2)]
    )


def simulate(shape: Shape, rng: np.random.Generator) -> Ratings:
    """A table of that shape: biases, tastes and noise, rounded to the scale."""
    activity = rng.lognormal(0, 0.8, shape.users)
    counts = np.maximum(2, activity / activity.mean() * shape.ratings_each).astype(np.int64)
    counts = np.minimum(counts, shape.items // 2)
    popularity = -np.log(rng.permutation(shape.items) + shape.items / 50)
    user = np.repeat(np.arange(shape.users), counts)
    chances = np.exp(popularity) / np.exp(popularity).sum()
    item = rng.choice(shape.items, 2 * len(user), p=chances)  # repeated pairs are left out below
    user = np.tile(user, 2)
    _, first = np.unique(user * shape.items + item, return_index=True)
    rows = np.sort(first[rng.permutation(len(first))[: counts.sum()]])
    user, item = user[rows], item[rows]

    known = (popularity - popularity.mean()) / popularity.std()
    own = rng.normal(size=shape.items)
    quality = shape.quality * known + math.sqrt(1 - shape.quality**2) * own
    noise, bias = 0.85, rng.uniform(0.2, 0.5, 2)
    tastes = (
        rng.normal(size=(shape.users, shape.factors)),
        rng.normal(size=(shape.items, shape.factors)),
    )
    taste = np.einsum("nf,nf->n", tastes[0][user], tastes[1][item]) / math.sqrt(shape.factors)
    value = 3.5 + bias[0] * rng.normal(size=shape.users)[user] + bias[1] * quality[item]
    value += noise * (shape.signal * taste + rng.normal(size=len(user)))
    lowest, highest, step = shape.scale
    stars = np.clip(np.round(value / step) * step, lowest, highest)
    return Ratings.from_ids(user + 1, item + 1, stars, scale=shape.scale)


def measure(ratings: Ratings, names: list[str], threads: int) -> dict[str, Any]:
    """RMSE and seconds of the fit of each model."""
    part = random_split(ratings, 0.2)
    kinds = {kind.name: kind for kind in MODELS}
    errors, seconds = {}, {}
    for name in names:
        start = time.perf_counter()
        model = kinds[name]().fit(part.train, n_threads=threads)
        seconds[name] = time.perf_counter() - start
        errors[name] = rmse(part.test.value, model.predict_ratings(part.test))
    return {"ratings": len(ratings), "rmse": errors, "seconds": seconds}


def worst(lines: list[dict[str, Any]], names: list[str]) -> dict[str, dict[str, float]]:
    """The largest loss to the baseline and the largest distance from the best of each model."""
    found: dict[str, dict[str, float]] = {}
    for name in names:
        losses = [line["rmse"][name] / line["rmse"]["baseline"] - 1 for line in lines]
        behind = [line["rmse"][name] - min(line["rmse"].values()) for line in lines]
        found[name] = {
            "loss": max(losses),
            "behind": max(behind),
            "mean_behind": sum(behind) / len(behind),
        }
    return found


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description="RMSE of models on simulated tables.")
    parser.add_argument(
        "--models", default="baseline,mf,item-knn", help="names, separated by commas"
    )
    parser.add_argument("--tables", type=int, default=24, help="how many tables (default: 24)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first table (default: 0)")
    parser.add_argument(
        "--most-ratings", type=int, default=300_000, help="ratings of the largest table"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of each fit (default: 1)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of lines"
    )
    return parser.parse_args()


def main() -> None:
    """Simulates the tables, one after the other, and prints a line for each."""
    options = parse()
    names = options.models.split(",")
    unknown = set(names) - {kind.name for kind in MODELS}
    if unknown:
        sys.exit(
            f"Error: no model '{min(unknown)}'. There are: {', '.join(k.name for k in MODELS)}."
        )
    if "baseline" not in names:
        names.insert(0, "baseline")
    lines = []
    for number in range(options.tables):
        rng = np.random.default_rng([options.seed, number])
        shape = draw_shape(rng, options.most_ratings)
        line = {"shape": shape._asdict()} | measure(simulate(shape, rng), names, options.threads)
        lines.append(line)
        if not options.json:
            errors = line["rmse"]
            best = min(errors.values())
            shown = [
                f"{name} {error:.4f} ({error / errors['baseline'] - 1:+.4f}, {error - best:.4f})"
                for name, error in errors.items()
            ]
            print(f"{number:3} {shape}, {line['ratings']:7}: {'; '.join(shown)}", flush=True)
    found = worst(lines, names)
    if options.json:
        print(json.dumps({"tables": lines, "worst": found}))
        return
    for name, largest in found.items():
        print(f"{name:10}", "  ".join(f"{what} {value:+.4f}" for what, value in largest.items()))


if __name__ == "__main__":
    main()
