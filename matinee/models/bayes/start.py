"""The start of the chain: its tables, the side information, and whether it starts near or wide."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from matinee._types import Floats
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.models.bayes.gibbs import SideInformation
from matinee.models.bayes.side_information import Block, feature_block, set_block
from matinee.models.bayes.time_effects import TimeKeys
from matinee.models.bayes.time_limit import TimeLimit
from matinee.models.interface import FitOptions
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.threads import Run

if TYPE_CHECKING:
    from matinee.models.base import Recommender
    from matinee.models.bayes.model import BayesianMF

WIDE_FACTORS, WIDE_RATE, WIDE_SHARE = 8, 0.5, 0.7
"""The wide prior: for how many factors, its rate, and for which part of the burn-in."""
ENOUGH_RATINGS, DENSE, WORTH = 2000, 20, 5e-4
"""Tables with fewer ratings than that many for each user and item are sparse. The wide start must
lower the error by the part `WORTH`."""
START_SHARE, PILOT_SHARE = 0.08, 0.2
"""The parts of a time limit that `mf` and each of two short chains may take."""


def chosen_start(model: "BayesianMF", train: Ratings, options: FitOptions, limit: TimeLimit) -> str:
    """`start`, or for auto the choice: near, wide, or mf for no sampling at all.

    In a sparse table the sampler takes long to leave the neighborhood of 0, where it starts
    if `mf` finds hardly any tastes. A wide prior pushes it away, but if there is nothing to
    be found, the noise that it lets in takes long to vanish. Two short chains decide. With a
    time limit, they must also be better than `mf`.
    """
    if model.start != "auto" or len(train) < ENOUGH_RATINGS or not is_sparse(train):
        return "near" if model.start == "auto" else model.start
    if model.seconds > 0 and limit.elapsed > START_SHARE * model.seconds:
        return "mf"
    part, n_threads = random_split(train, 0.1, model.seed), options.n_threads
    pilots: dict[str, Recommender] = {}
    if model.seconds > 0:
        pilots["mf"] = MatrixFactorization(factors=model.factors, seed=model.seed)
    for start, burn_in in (("near", 20), ("wide", 70)):
        pilots[start] = replace(
            model,
            start=start,
            burn_in=burn_in,
            samples=20,
            seconds=PILOT_SHARE * model.seconds,
            likelihood="regression",
            times=False,
        )
    chosen, least = "", np.inf
    for start, pilot in pilots.items():
        pilot.fit(part.train, n_threads=n_threads)
        error = float(np.std(pilot.predict_ratings(part.test) - part.test.value))
        if error < least * (1 - WORTH):
            chosen, least = start, error
    return chosen


def is_sparse(train: Ratings) -> bool:
    """Whether a table has few ratings for each user and item."""
    n_rows = int((train.user_counts > 0).sum() + (train.item_counts > 0).sum())
    return len(train) < DENSE * n_rows


def start_tables(
    model: "BayesianMF", train: Ratings, rng: np.random.Generator, n_threads: int | None
) -> tuple[Floats, Floats]:
    """The initial tables of users and items: those of `mf` plus noise, for a short
    burn-in."""
    start = MatrixFactorization(factors=model.factors, seed=model.seed)
    start.fit(train, n_threads=n_threads)
    users = _start_table(model, start.user_factors_, start.user_bias_, rng)
    return users, _start_table(model, start.item_factors_, start.item_bias_, rng)


def _start_table(
    model: "BayesianMF", factors: Floats, bias: Floats, rng: np.random.Generator
) -> Floats:
    unit = np.float32(model.deviation_)
    table = np.column_stack([factors / np.sqrt(unit), bias / unit]).astype(np.float32)
    return table + np.float32(0.01) * rng.standard_normal(table.shape, np.float32)


def side_information(
    model: "BayesianMF", train: Ratings, rng: np.random.Generator, run: Run
) -> SideInformation:
    """The sets, features and times that the settings ask for."""
    users: list[Block] = []
    items: list[Block] = []
    if model.sets:
        users.append(set_block(run, train.by_user, train.by_item, model.set_rank, rng))
        items.append(set_block(run, train.by_item, train.by_user, model.set_rank, rng))
    if model.side and train.user_features:
        users.append(feature_block(train.user_features.table))
    if model.side and train.item_features:
        items.append(feature_block(train.item_features.table))
    time_keys = None
    if model.times and train.timestamp is not None:
        time_keys = TimeKeys.from_ratings(train.user_index, train.timestamp)
    return SideInformation(users, items, time_keys, model.sets)
