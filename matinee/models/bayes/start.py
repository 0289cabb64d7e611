"""The start of the chain: its tables, the side information, and how many factors it has."""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matinee._types import Floats
from matinee.block_sums import BLOCK
from matinee.data.ratings import Ratings
from matinee.data.split import random_split
from matinee.linalg import principal_factors
from matinee.models.adaptation import MOST_TRIED, MOST_USERS
from matinee.models.bayes.gibbs import SideInformation, Targets
from matinee.models.bayes.side_information import Block, feature_block, set_block
from matinee.models.bayes.time_effects import TimeKeys
from matinee.models.bayes.time_limit import TimeLimit
from matinee.models.interface import FitOptions
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.threads import Run, one_blas_thread

if TYPE_CHECKING:
    from matinee.models.base import Recommender
    from matinee.models.bayes.model import BayesianMF

STARTS = "auto", "near", "few", "wide"
WIDE_FACTORS, WIDE_RATE, WIDE_SHARE = 8, 0.5, 0.7
"""The wide prior: for how many factors, its rate, and for which part of the burn-in."""
ENOUGH_RATINGS, DENSE, FEW = 2000, 20, 2
"""Tables with fewer ratings than `DENSE` for each user and item are sparse. `FEW`: the number of
factors of a start with few."""
START_SHARE, PILOT_SHARE = 0.08, 0.2
"""The parts of a time limit that `mf` and each of two short chains may take."""


class StartTables(NamedTuple):
    """The initial tables: those of `mf`, in principal axes, plus noise, for a short burn-in.

    The prior of each factor has its own precision. In the principal axes, it can keep the strong
    factors and shrink those that only hold noise; in any others, each holds some of both.
    """

    users: Floats  # (U, F + 1)
    items: Floats  # (I, F + 1)
    has_factors: bool
    """Whether `mf` found any tastes."""

    def few(self) -> "StartTables":
        """The `FEW` strongest factors and the biases."""
        users, items = (np.delete(table, np.s_[FEW:-1], axis=1) for table in self[:2])
        return StartTables(users, items, self.has_factors)

    def copy(self) -> "StartTables":
        """The same tables in new memory, in C order."""
        return StartTables(self.users.copy(), self.items.copy(), self.has_factors)


def chosen_start(
    model: "BayesianMF",
    train: Ratings,
    tables: StartTables,
    options: FitOptions,
    limit: TimeLimit,
) -> str:
    """`start`, or for auto the choice: near, few, or mf for no sampling at all.

    In a sparse table many factors find more, but if there is little to be found, they fit noise:
    each has a prior of its own, and together they take long to vanish. Whether `mf` found tastes
    decides, unless a short chain with the other start is better than one with this, by more than
    the standard error of the difference. With a time limit, it must also be better than `mf`.
    """
    if model.start != "auto" or len(train) < ENOUGH_RATINGS or not is_sparse(train):
        return "near" if model.start == "auto" else model.start
    if model.seconds > 0 and limit.elapsed > START_SHARE * model.seconds:
        return "mf"
    train = train.sample_of_users(MOST_TRIED, MOST_USERS, model.seed)
    part, n_threads = random_split(train, 0.1, model.seed), options.n_threads
    pilots: dict[str, Recommender] = {}
    if model.seconds > 0:
        pilots["mf"] = MatrixFactorization(factors=model.factors, seed=model.seed)
    for start in ("near", "few") if tables.has_factors else ("few", "near"):
        pilots[start] = replace(
            model,
            start=start,
            burn_in=40,
            samples=30,
            seconds=PILOT_SHARE * model.seconds,
            likelihood="regression",
            times=False,
        )
    chosen, least = "", np.full(len(part.test), np.inf)
    for start, pilot in pilots.items():
        pilot.fit(part.train, n_threads=n_threads)
        errors = pilot.predict_ratings(part.test).astype(np.float64) - part.test.value
        squares = (errors - errors.mean()) ** 2
        gain = least - squares
        if not chosen or gain.mean() > gain.std() / np.sqrt(len(gain)):
            chosen, least = start, squares
    return chosen


def targets(model: "BayesianMF", train: Ratings) -> Targets:
    """The ratings in standard deviations; those by item as well if the table is on a disk, where
    it takes too long to find them one by one."""
    found = Targets(_standardized(model, train.by_user.value, train), None)
    if train.stored is None:
        return found
    return found._replace(by_item=_standardized(model, train.by_item.value, train))


def _standardized(model: "BayesianMF", value: Floats, train: Ratings) -> Floats:
    mean, deviation = np.float64(model.global_mean_), np.float64(model.deviation_)
    result: Floats = train.scratch().empty(len(value), np.float32)
    for start in range(0, len(value), BLOCK):
        at = slice(start, start + BLOCK)
        result[at] = (value[at] - mean) / deviation
    return result


def is_sparse(train: Ratings) -> bool:
    """Whether a table has few ratings for each user and item."""
    n_rows = int((train.user_counts > 0).sum() + (train.item_counts > 0).sum())
    return len(train) < DENSE * n_rows


def has_sparse_users(train: Ratings) -> bool:
    """Whether a table has few ratings for each user."""
    return len(train) < DENSE * int((train.user_counts > 0).sum())


def start_tables(
    model: "BayesianMF", train: Ratings, rng: np.random.Generator, n_threads: int | None
) -> StartTables:
    """See `StartTables`."""
    start = MatrixFactorization(factors=model.factors, seed=model.seed)
    start.fit(train, n_threads=n_threads)
    with one_blas_thread():
        factors = principal_factors(start.user_factors_, start.item_factors_)
    users = _start_table(model, factors[0], start.user_bias_, rng)
    items = _start_table(model, factors[1], start.item_bias_, rng)
    return StartTables(users, items, bool(start.item_factors_.any()))


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
