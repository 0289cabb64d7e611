"""The training of `mf`: gradient descent on blocks of ratings, and the exact users' side.

Everything here is in standardized units: ratings of mean 0 and deviation 1.
"""

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Longs
from matinee.block_sums import BLOCK
from matinee.data.ratings import Ratings
from matinee.models.recency import sums_of
from matinee.scratch import random_access
from matinee.threads import Run

if TYPE_CHECKING:
    from matinee.kernels.ridge import RatedByUser
    from matinee.kernels.sgd import Blocks, LearnedRows, RowGroups

LEAST_PENALTY = 1e-6
"""Keeps the equations of a user solvable where the settings have no penalty."""
BLOCK_BYTES = 2**20
"""Of the factors of a block of ratings."""
LEAST_BLOCK = 4_096
"""Ratings of a block on average, where more blocks would be too small for their work."""
ITERATIONS, PRECISION = 100, 1e-9
"""Of the users' side: the most iterations, and the part of the squared error that may remain."""


class TrainingTable(NamedTuple):
    """Ratings to learn from."""

    ratings: Ratings  # standardized, sorted by user and then by item
    importance: Floats | None  # (N,) the weight of each squared error; None if all weigh 1

    def __len__(self) -> int:
        return len(self.ratings)

    def sample_of_users(self, most: int, most_users: int, seed: int) -> "TrainingTable":
        """See `Ratings.sample_of_users`."""
        some = self.ratings.sample_of_users(most, most_users, seed)
        if self.importance is None:
            return TrainingTable(some, None)
        is_chosen = np.zeros(self.ratings.n_users, bool)
        is_chosen[some.users.indices_in(self.ratings.users)] = True
        counts = self.ratings.user_counts
        return TrainingTable(some, self.importance[np.repeat(is_chosen, counts)])

    def part(self, rows: NDArray[np.bool_]) -> "TrainingTable":
        """Some rows, in the same order."""
        importance = None if self.importance is None else self.importance[rows]
        return TrainingTable(self.ratings.subset(rows), importance)

    def minus(self, of_items: Doubles) -> "TrainingTable":
        """The same table with a number for each item, (I,), subtracted from its ratings.

        The values of `by_item` of a table on a disk stay those of the file; no training reads them.
        """
        ratings, stored = self.ratings, self.ratings.stored
        value = ratings.scratch().empty(len(self), np.float32)
        for start in range(0, len(self), BLOCK):
            at = slice(start, start + BLOCK)
            value[at] = ratings.value[at] - of_items[ratings.item_index[at]]
        if stored is not None:
            stored = stored._replace(by_user=stored.by_user._replace(value=value))
        shifted = replace(ratings, value=value, stored=stored)
        return TrainingTable(shifted, self.importance)

    def weight_sums(self) -> tuple[Doubles, Doubles]:
        """The sum of the weights of each user, (U,), and of each item, (I,)."""
        ratings = self.ratings
        if self.importance is None:
            return ratings.user_counts.astype(float), ratings.item_counts.astype(float)
        return (
            sums_of(self.importance, ratings.user_index, ratings.n_users),
            sums_of(self.importance, ratings.item_index, ratings.n_items),
        )

    def mean_importance(self) -> float:
        """The mean of the weights."""
        if self.importance is None:
            return 1.0
        return float(self.importance.mean(dtype=np.float64))


class FactorPlan(NamedTuple):
    """How the factors are learned; the settings of `mf`, or what a small table needs instead."""

    factors: int
    epochs: int
    learning_rate: float
    final_rate: float
    regularization: float
    factor_shrinkage: float
    bias_shrinkage: float
    """Of users."""
    item_bias_shrinkage: float
    start_deviation: float
    strength: float = 1.0
    """What the products of the learned factors are multiplied by at the end, 0 to 1."""
    by_coordinates: bool = False
    """Whether coordinate descent learns the factors, instead of gradient descent."""
    learns_priors: bool = False
    """Whether coordinate descent learns the penalty of each factor, too; `factor_shrinkage` is the
    first."""
    follows_popularity: bool = False
    """Whether the biases of items are shrunk toward what their numbers of ratings predict."""

    def rates(self) -> list[float]:
        """The learning rate of each epoch."""
        rates: list[float] = (
            self.learning_rate * np.linspace(1, self.final_rate, self.epochs)
        ).tolist()
        return rates


class DescentWeights(NamedTuple):
    """The weights for standardized ratings, changed in place.

    The columns of a side are the bias, the decay of the factors and the decay of the bias.
    """

    user_factors: Floats  # p, (U, F)
    item_factors: Floats  # q, (I, F)
    user_side: Floats  # (U, 3)
    item_side: Floats  # (I, 3)

    @classmethod
    def start(
        cls, table: TrainingTable, plan: FactorPlan, rng: np.random.Generator
    ) -> "DescentWeights":
        """Factors near zero, or zero without ratings, and biases of zero."""
        counts = table.ratings.user_counts, table.ratings.item_counts
        users, items = (_initial_factors(each, plan, rng) for each in counts)
        sums = table.weight_sums()
        user_side = _initial_side(counts[0], sums[0], plan, plan.bias_shrinkage)
        item_side = _initial_side(counts[1], sums[1], plan, plan.item_bias_shrinkage)
        return cls(users, items, user_side, item_side)

    def copy(self) -> "DescentWeights":
        """The same weights in new memory."""
        return DescentWeights(*(array.copy() for array in self))

    def predictions(self, user: NDArray[np.int32], item: NDArray[np.int32]) -> Floats:
        """Predictions of pairs, (n,)."""
        dots: Floats = np.einsum("nf,nf->n", self.user_factors[user], self.item_factors[item])
        dots += self.user_side[user, 0] + self.item_side[item, 0]
        return dots


def _initial_factors(counts: Longs, plan: FactorPlan, rng: np.random.Generator) -> Floats:
    factors = rng.standard_normal((len(counts), plan.factors), np.float32)
    factors *= np.float32(plan.start_deviation) * (counts > 0)[:, None]
    return factors


def _initial_side(
    counts: Longs, sums: Doubles | Longs, plan: FactorPlan, bias_shrinkage: float
) -> Floats:
    """The bias and the decays at each rating of each row, (R, 3).

    Args:
        counts, sums: the number of ratings of each row and the sum of their weights, (R,).
    """
    share = 1 / np.maximum(counts, 1)
    mean_weight = sums / np.maximum(counts, 1)
    factor_decay = plan.regularization * mean_weight + plan.factor_shrinkage * share
    bias_decay = bias_shrinkage * share
    return np.stack([0 * share, factor_decay, bias_decay], axis=1).astype(np.float32)


class Descent:
    """The blocks of ratings and the threads during one training; see `kernels/sgd.py`.

    The weights are current between epochs, and may then be changed.
    """

    def __init__(
        self,
        table: TrainingTable,
        weights: DescentWeights,
        rng: np.random.Generator,
        run: Run,
        n_threads: int,
    ) -> None:
        # Imported here because compiled code takes half a second to load; predicting needs
        # none.
        from matinee.kernels import sgd

        self.weights, self.rng, self.run = weights, rng, run
        ratings = table.ratings
        self.groups = _groups(table, weights.user_factors.shape[1], rng)
        self.n_groups = len(self.groups[0].starts) - 1
        self.sides = [_new_side(each, weights.user_factors.shape[1]) for each in self.groups]

        def arranged(value: Floats) -> "sgd.Blocks":
            return _arranged(ratings, value, *self.groups)

        self.ratings = arranged(ratings.value)
        tables = [self.ratings]
        self.importance: Floats | None = None
        if table.importance is not None:
            tables.append(arranged(table.importance))  # shuffled in the same way
            self.importance = tables[1].values
        group = np.arange(self.n_groups)
        n_parts = min(n_threads, self.n_groups)
        self.strata = []
        for shift in group:
            blocks = group * self.n_groups + (group + shift) % self.n_groups
            self.strata.append([blocks[part::n_parts] for part in range(n_parts)])
        seed = int(rng.integers(2**31))
        for stratum in self.strata:
            for each in tables:
                run(sgd.shuffle, [(each, blocks, seed) for blocks in stratum])
        self.stops = self.ratings.ends
        self.losses = np.zeros(len(self.stops))

    def hold_out(self, fraction: float) -> None:
        """Excludes the last part of each block, whose order is random, from the next
        epochs."""
        sizes = self.ratings.ends - self.ratings.starts
        n_held_out = np.where(sizes > 1, np.ceil(sizes * fraction), 0)
        self.stops = self.ratings.ends - n_held_out.astype(np.int64)

    def settled(self, plan: FactorPlan, _weights: DescentWeights) -> FactorPlan:
        """The plan with the penalties that some weights were learned with: its own."""
        return plan

    def epoch(self, rate: float) -> float:
        """Sweeps all blocks.

        Returns:
            The RMSE of the predictions just before each step, in standard deviations.
        """
        from matinee.kernels import sgd

        step, sides = np.float32(rate), tuple(self.sides)
        self.run(sgd.take_rows, [(*rows, step, out) for rows, out in self._rows()])
        importance = () if self.importance is None else (self.importance,)
        for shift in self.rng.permutation(self.n_groups):
            calls = [
                (self.ratings, blocks, self.stops, sides, step, self.losses, *importance)
                for blocks in self.strata[shift]
            ]
            self.run(sgd.sweep, calls)
        self.run(sgd.return_rows, [(*rows, learned) for rows, learned in self._rows()])
        n_swept = int((self.stops - self.ratings.starts).sum())
        return float(np.sqrt(self.losses.sum() / n_swept))

    def _rows(self) -> list[tuple[tuple[Longs, tuple[int, int], Floats, Floats], "LearnedRows"]]:
        """The order, positions and weights of each group, and the table that is swept."""
        pairs = zip(self.groups, self.sides, self.weights[:2], self.weights[2:], strict=True)
        return [
            ((groups.order, span, factors, side), table)
            for groups, table, factors, side in pairs
            for span in pairwise(groups.starts.tolist())
        ]

    def gain_of_factors(self) -> float | None:
        """The part of the squared error of the held-out ratings that the factors remove.

        The ratings take part in the following epochs. None if none were held out. It is 4% to
        15% on MovieLens. If users and items do not interact, the factors can only learn noise,
        and the gain is negative.
        """
        n_held_out = self.ratings.ends - self.stops
        spans = zip(self.stops.tolist(), self.ratings.ends.tolist(), strict=True)
        rows = np.concatenate([np.arange(first, stop) for first, stop in spans])
        self.stops = self.ratings.ends
        if len(rows) == 0:
            return None
        block = np.repeat(np.arange(len(n_held_out)), n_held_out)
        by_user, by_item = self.groups
        user = by_user.order[by_user.starts[block // self.n_groups] + self.ratings.users[rows]]
        item = by_item.order[by_item.starts[block % self.n_groups] + self.ratings.items[rows]]
        weights = self.weights
        residual = self.ratings.values[rows] - weights.user_side[user, 0]
        residual = residual - weights.item_side[item, 0]
        dots = np.einsum("nf,nf->n", weights.user_factors[user], weights.item_factors[item])
        importance = np.ones(len(rows), np.float32)
        if self.importance is not None:
            importance = self.importance[rows]
        error_without = float(importance @ residual**2)
        error_with = float(importance @ (residual - dots) ** 2)
        return 1 - error_with / max(error_without, 1e-30)


def _arranged(
    ratings: Ratings, value: Floats, by_user: "RowGroups", by_item: "RowGroups"
) -> "Blocks":
    """The ratings with these values by block; see `sgd.arrange`."""
    from matinee.kernels import sgd

    scratch, n = ratings.scratch(), len(value)
    users, items = (scratch.empty(n, np.uint16) for _ in range(2))
    out = users, items, scratch.empty(n, np.float32)
    rows = ratings.user_index, ratings.item_index, value
    if ratings.stored is None:
        return sgd.arrange(*rows, by_user, by_item, out)
    # There may be a million blocks, and a disk writes pages: first by user group
    places, index = scratch.empty(n, np.uint16), scratch.empty(n, np.int32)
    values = scratch.empty(n, np.float32)
    n_groups = len(by_user.starts) - 1
    counts = sgd.count_blocks(*rows[:2], by_user, by_item)
    starts = sgd.starts_of(counts, n_groups)
    ends = np.cumsum(counts.reshape(n_groups, n_groups).sum(axis=1))
    firsts = np.append(0, ends[:-1])
    with random_access([places, index, values]):
        sgd.deal(*rows, by_user, firsts.copy(), (places, index, values))
    with random_access(out):
        for group, (first, end) in enumerate(zip(firsts.tolist(), ends.tolist(), strict=True)):
            at = slice(first, end)
            next_row = starts[group * n_groups : (group + 1) * n_groups].copy()
            sgd.deal(index[at], places[at], values[at], by_item, next_row, (items, users, out[2]))
    return sgd.Blocks(*out, starts, starts + counts)


def _groups(table: TrainingTable, n_factors: int, rng: np.random.Generator) -> list["RowGroups"]:
    """The groups of users and of items.

    Their number depends on the table alone, and so do the results: there are enough for many
    threads, and the factors of a block fit in the second cache.
    """
    from matinee.kernels.sgd import MOST_IN_GROUP, groups_of
    from matinee.kernels.vectors import padded

    counts = table.ratings.user_counts, table.ratings.item_counts
    row_bytes = 4 * (padded(n_factors) + 4)
    n_bytes = row_bytes * sum(np.count_nonzero(each) for each in counts)
    n_groups = min(np.sqrt(len(table) / 16_384), 32)
    n_groups = max(n_groups, min(n_bytes / BLOCK_BYTES, np.sqrt(len(table) / LEAST_BLOCK)), 1)
    n_groups = 2 ** int(np.log2(n_groups))
    while True:
        dealt = [groups_of(_deal(each, n_groups, rng), n_groups) for each in counts]
        if max(np.diff(groups.starts).max() for groups in dealt) <= MOST_IN_GROUP:
            return dealt
        n_groups *= 2


def _new_side(groups: "RowGroups", n_factors: int) -> "LearnedRows":
    """The table of users, or items, by position."""
    from matinee.kernels.sgd import LearnedRows
    from matinee.kernels.vectors import aligned, padded

    n_rows = len(groups.order)
    return LearnedRows(aligned(n_rows, padded(n_factors)), aligned(n_rows, 4), groups.starts)


def _deal(counts: Longs, n_groups: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Random groups of users (or items) with about equal numbers of ratings, (U,)."""
    order = rng.permutation(len(counts))
    before = np.cumsum(counts[order]) - counts[order] / 2
    groups = np.empty(len(counts), np.int32)
    groups[order] = np.minimum(before * n_groups // max(1, counts.sum()), n_groups - 1)
    return groups


def solve_users(
    table: TrainingTable, weights: DescentWeights, plan: FactorPlan, run: Run, n_threads: int
) -> DescentWeights:
    """The same items with the users' side that minimizes the objective, given the items.

    Every user then has the vector that `fold_in` gives to the same ratings. Before, all
    products of factors are multiplied by `plan.strength`. To be called in `one_blas_thread`.
    """
    from matinee.kernels import ridge

    ratings = table.ratings
    item_factors = weights.item_factors * np.float32(np.sqrt(plan.strength))  # (I, F)
    user_sums, item_sums = table.weight_sums()
    gram = (item_factors.T * (item_sums / max(item_sums.sum(), 1e-30))) @ item_factors
    spectrum, axes = np.linalg.eigh(gram)
    axes = axes.astype(np.float32)
    rotated = np.ascontiguousarray(item_factors @ axes)
    start = weights.user_factors * np.float32(np.sqrt(plan.strength))
    out = np.column_stack([start @ axes, weights.user_side[:, 0]])  # (U, F + 1)
    pulls = np.maximum(plan.regularization * user_sums + plan.factor_shrinkage, LEAST_PENALTY)
    bias_pull = np.float32(max(plan.bias_shrinkage, LEAST_PENALTY))
    least = np.maximum(spectrum, 0).astype(np.float32)
    precision = PRECISION
    if plan.by_coordinates:  # few factors are large, so that the same part is more
        precision = PRECISION / 1000
    for users in _runs_of_users(ratings.user_counts):
        rated = _rated(table, users, weights.item_side[:, 0])
        penalty = pulls[users].astype(np.float32), user_sums[users].astype(np.float32), bias_pull
        indptr = rated.indptr
        ends = np.searchsorted(indptr, np.linspace(0, indptr[-1], 8 * n_threads + 1))
        ends[0], ends[-1] = 0, len(indptr) - 1
        calls = [
            (rated, span, rotated, least, penalty, out[users], (ITERATIONS, precision))
            for span in pairwise(ends.tolist())
        ]
        run(ridge.solve_users, calls)
    user_side = weights.user_side.copy()
    user_side[:, 0] = out[:, -1]
    user_factors = out[:, :-1] @ axes.T
    return DescentWeights(user_factors, item_factors, user_side, weights.item_side)


def _runs_of_users(counts: Longs) -> list[slice]:
    """Consecutive users with about as many ratings as fit into a block, at least one user."""
    indptr = np.append(0, np.cumsum(counts))
    edges = np.searchsorted(indptr, np.arange(0, indptr[-1], BLOCK))
    ends = np.unique(np.concatenate([[0], edges, [len(counts)]])).tolist()
    return [slice(first, stop) for first, stop in pairwise(ends)]


def _rated(table: TrainingTable, users: slice, item_bias: Floats) -> "RatedByUser":
    """The ratings of some users, less the biases of the items."""
    from matinee.kernels.ridge import RatedByUser

    ratings = table.ratings
    counts = ratings.user_counts
    start = int(counts[: users.start].sum())
    indptr = np.append(0, np.cumsum(counts[users]))
    at = slice(start, start + int(indptr[-1]))
    item_index = ratings.item_index[at]
    weight = np.ones(len(item_index), np.float32)
    if table.importance is not None:
        weight = table.importance[at]
    return RatedByUser(indptr, item_index, ratings.value[at] - item_bias[item_index], weight)
