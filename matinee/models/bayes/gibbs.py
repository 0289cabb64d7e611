"""The Gibbs sampler of the Bayesian factorization: one sweep draws everything that is unknown anew, given the rest.

    rating(u, i, when) = b_u + b_i + p_u . q_i + effects(u, when) + noise of u

in units of the ratings' standard deviation, about their mean. Each side's rows x = (p, b) are normal about a common
mean plus a regression on what is known of the row (`relations.py`), each number with a precision of its own; all of
these are learned too. After Salakhutdinov and Mnih (2008); regression on features as by Adams, Dahl and Murray,
"Incorporating side information in probabilistic matrix factorization with Gaussian processes" (2010); a noise
of each user's own as by Lakshminarayanan, Bouchard and Archambeau, "Robust Bayesian matrix factorisation" (2011).
"""

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.ratings import Ratings
from matinee.models.bayes.ordered_probit import Ordinal
from matinee.models.bayes.side_information import Block
from matinee.models.bayes.time_effects import Moments
from matinee.threads import Run

if TYPE_CHECKING:
    from matinee.kernels.gibbs import Rated


SHAPE, RATE = 1.0, 0.01
"""The Gamma prior of all precisions, vague beside the rows of any table."""
SPANS = 32
"""Pieces of work, not by the number of threads, which must not change the order of a sum."""
BLOCK_ROWS = 1024


def _gamma(rng: np.random.Generator, shape: float | Doubles, rate: float | Doubles) -> Doubles:
    return np.asarray(rng.gamma(shape, 1 / np.asarray(rate)))


class Side:
    """Users, or items: their factors and biases, and the prior of these."""

    def __init__(self, table: Floats, blocks: list[Block]) -> None:
        self.table = table  # (R, F + 1), factors, then the bias
        size = table.shape[1]
        self.blocks = blocks
        self.weights = [np.zeros((len(block.lengths), size)) for block in blocks]  # of features of unit length
        self.pulls = [np.full(size, 10.0) for _ in blocks]
        self.parts = [np.zeros_like(table) for _ in blocks]
        self.mean = table.mean(axis=0, dtype=np.float64)
        self.precision = 1 / (table.var(axis=0, dtype=np.float64) + 1e-3)

    def prior(self) -> Floats:
        """The mean of each row, (R, F + 1)."""
        mean = np.tile(self.mean.astype(np.float32), (len(self.table), 1))
        for part in self.parts:
            mean += part
        return mean

    def draw_prior(self, rng: np.random.Generator, run: Run) -> None:
        """Draws mean, precision and regression weights, given the table."""
        n_rows, size = self.table.shape
        for number, block in enumerate(self.blocks):
            rest = self.table - (self.prior() - self.parts[number])
            towards = self.precision * block.lengths[:, None] * _sum_products(run, block.rows, rest)  # (K, F + 1)
            precision = self.precision * block.lengths[:, None] ** 2 + self.pulls[number]
            weights = towards / precision + rng.standard_normal(precision.shape) / np.sqrt(precision)
            self.weights[number] = weights
            self.pulls[number] = _gamma(rng, SHAPE + len(weights) / 2, RATE + (weights**2).sum(axis=0) / 2)
            self.parts[number] = _products(run, block.rows, (block.lengths[:, None] * weights).astype(np.float32))
        rest = self.table - (self.prior() - self.mean.astype(np.float32))
        precision = n_rows * self.precision + 1
        mean = self.precision * rest.sum(axis=0, dtype=np.float64) / precision
        self.mean = mean + rng.standard_normal(size) / np.sqrt(precision)
        squares = ((rest - self.mean.astype(np.float32)) ** 2).sum(axis=0, dtype=np.float64)
        self.precision = _gamma(rng, SHAPE + n_rows / 2, RATE + squares / 2)


class Effects:
    """What moments add, at each level, for the training ratings in the users' order."""

    def __init__(self, places: list[NDArray[np.int64]], sizes: list[int]) -> None:
        self.places = places
        self.effects = [np.zeros(size + 1) for size in sizes]  # the last for ratings that belong to none
        self.precision = [100.0 for _ in sizes]
        self.total = np.zeros(len(places[0]) if places else 0, np.float32)

    def draw(self, rng: np.random.Generator, errors: Floats, weight: Doubles) -> Floats:
        """Draws all effects; returns what is left of `errors`, which had the former ones taken off, (N,)."""
        left = (errors + self.total).astype(np.float64)
        current = [one[place] for one, place in zip(self.effects, self.places, strict=True)]
        left -= sum(current)
        for level, (place, old) in enumerate(zip(self.places, current, strict=True)):
            size = len(self.effects[level])
            weights = np.bincount(place, weight, minlength=size)
            precision = weights + self.precision[level]
            effects = np.bincount(place, weight * (left + old), minlength=size) / precision
            effects += rng.standard_normal(size) / np.sqrt(precision)
            effects[-1] = 0
            squares = effects @ effects
            self.precision[level] = float(_gamma(rng, SHAPE + (size - 1) / 2, RATE + squares / 2))
            self.effects[level] = effects
            left += old - effects[place]
        self.total = np.asarray(
            sum(one[place] for one, place in zip(self.effects, self.places, strict=True)),
            np.float32,
        )
        return left.astype(np.float32)


class Beside(NamedTuple):
    """What a sampler knows beside the ratings."""

    user_blocks: list[Block]
    item_blocks: list[Block]
    moments: Moments | None
    has_sets: bool
    """Whether the first block of either side is of sets."""


class Sampler:
    """The state of the chain, and the sweep."""

    def __init__(
        self,
        train: Ratings,
        value: Floats,
        tables: tuple[Floats, Floats],
        beside: Beside,
        pooling: float,
        run: Run,
        ordinal: Ordinal | None = None,
    ) -> None:
        """Args: value: standardized ratings, (N,). tables: where to start, of users and items. pooling: as `bayes`.
        ordinal: if they are levels of latent variables, which then take the place of the values."""
        self.run, self.pooling, self.beside = run, pooling, beside
        self.users, self.items = (
            Side(tables[0], beside.user_blocks),
            Side(tables[1], beside.item_blocks),
        )
        by_user, by_item = train.by_user, train.by_item
        self.groups = by_user, by_item
        self.ordinal = ordinal
        self.value = value[by_user.row] if ordinal is None else ordinal.start()
        place = np.empty(len(value), np.int64)
        place[by_user.row] = np.arange(len(value))
        self.to_items = place[by_item.row]  # where in the users' order each rating in the items' order is
        self.counts = np.diff(by_user.indptr)
        self.noise = np.full(train.n_users, 1.5)  # precision of each user's ratings
        self.common_noise = 1.5
        self.effects: Effects | None = None
        if beside.moments is not None and train.timestamp is not None:
            places = beside.moments.places(train.user_index[by_user.row], train.timestamp[by_user.row])
            self.effects = Effects(places, [len(keys) for keys in beside.moments.keys])
        self.error = float("nan")

    def sweep(self, rng: np.random.Generator) -> None:
        """Draws everything once."""
        from matinee.kernels.gibbs import Rated, add_errors

        target = self.value if self.effects is None else self.value - self.effects.total
        by_user = Rated(self.groups[0].indptr, self.groups[0].index, target)
        by_item = Rated(self.groups[1].indptr, self.groups[1].index, target[self.to_items])
        noise = self.noise.astype(np.float32)
        for rated, own, other, precisions in (
            (by_user, self.users, self.items, (noise, np.ones(len(self.items.table), np.float32))),
            (by_item, self.items, self.users, (np.ones(len(self.items.table), np.float32), noise)),
        ):
            own.draw_prior(rng, self.run)
            self._draw(rng, rated, (own, other), precisions)
        errors = np.empty(len(target), np.float32)
        spans = _spans(by_user.indptr)
        self.run(
            add_errors,
            [(by_user, span, (self.users.table, self.items.table), errors) for span in spans],
        )
        if self.effects is not None:
            errors = self.effects.draw(rng, errors, np.repeat(self.noise, self.counts))
        self._draw_noise(rng, errors)
        if self.ordinal is not None:
            scores, precision = self.value - errors, np.repeat(self.noise, self.counts)
            self.value = self.ordinal.draw(rng, self.run, scores, precision)
            self.error = self.ordinal.error

    def _draw(
        self,
        rng: np.random.Generator,
        rated: "Rated",
        sides: tuple[Side, Side],
        precisions: tuple[Floats, Floats],
    ) -> None:
        from matinee.kernels.gibbs import draw_rows

        own, other = sides
        random = rng.standard_normal(own.table.shape, np.float32)
        prior = own.prior(), own.precision.astype(np.float32)
        given = (own.table, other.table), precisions, prior, random
        self.run(draw_rows, [(rated, span, *given) for span in _spans(rated.indptr)])

    def _draw_noise(self, rng: np.random.Generator, errors: Floats) -> None:
        """The precision of each user's ratings about a common one."""
        squares = np.diff(np.append(0, np.cumsum(errors.astype(np.float64) ** 2))[self.groups[0].indptr])
        self.error = float(np.sqrt(squares.sum() / len(errors)))
        is_fixed = self.ordinal is not None and self.ordinal.fixes_noise
        if self.pooling == 0 and is_fixed:
            return
        if self.pooling == 0:
            self.common_noise = float(_gamma(rng, SHAPE + len(errors) / 2, RATE + squares.sum() / 2))
            self.noise = np.full(len(squares), self.common_noise)
            return
        rate = self.pooling / (2 * self.common_noise)
        self.noise = _gamma(rng, (self.pooling + self.counts) / 2, rate + squares / 2)
        if is_fixed:
            return
        rate = float(_gamma(rng, SHAPE + len(squares) * self.pooling / 2, RATE + self.noise.sum()))
        self.common_noise = self.pooling / (2 * rate)


def _spans(indptr: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Consecutive rows that take about the same time."""
    work = indptr + 50 * np.arange(len(indptr))
    ends = np.searchsorted(work, np.linspace(0, work[-1], SPANS + 1)).tolist()
    return list(pairwise(ends))


def _products(run: Run, rows: Floats, weights: Floats) -> Floats:
    """rows @ weights, (R, K) and (K, D)."""
    out = np.empty((len(rows), weights.shape[1]), np.float32)
    run(np.matmul, [(rows[at], weights, out[at]) for at in _blocks(len(rows))])
    return out


def _sum_products(run: Run, rows: Floats, table: Floats) -> Doubles:
    """rows' @ table, (R, K) and (R, D)."""
    blocks = _blocks(len(rows))
    out = np.empty((len(blocks), rows.shape[1], table.shape[1]), np.float32)
    run(np.matmul, [(rows[at].T, table[at], one) for at, one in zip(blocks, out, strict=True)])
    return np.asarray(out.sum(axis=0, dtype=np.float64), np.float64)


def _blocks(n_rows: int) -> list[slice]:
    return [slice(first, first + BLOCK_ROWS) for first in range(0, n_rows, BLOCK_ROWS)]
