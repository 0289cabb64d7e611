"""The Gibbs sampler of the Bayesian factorization: a sweep draws all unknowns given the
others.

    rating(u, i, when) = b_u + b_i + p_u . q_i + effects(u, when) + noise of u

in units of the ratings' standard deviation, about their mean. The rows x = (p, b) of users,
and of items, are normal about a common mean plus a regression on features of the row
(`side_information.py`), and each element has its own precision; all of these are learned, too.
After Salakhutdinov and Mnih (2008). The regression on features follows Adams, Dahl and Murray,
"Incorporating side information in probabilistic matrix factorization with Gaussian processes"
(2010); the noise of each user follows Lakshminarayanan, Bouchard and Archambeau, "Robust
Bayesian matrix factorisation" (2011).
"""

import time
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.block_sums import BLOCK
from matinee.data.ratings import Ratings
from matinee.models.bayes.ordered_probit import Ordinal
from matinee.models.bayes.side_information import Block
from matinee.models.bayes.time_effects import TimeKeys
from matinee.threads import Run

if TYPE_CHECKING:
    from matinee.kernels.gibbs import DrawMemory, Others, Rated


SHAPE, RATE = 1.0, 0.01
"""The Gamma prior of all precisions, vague compared with the data."""
SPANS = 32
"""Parts of the work; fixed, so that threads do not change the order of a sum."""
BLOCK_ROWS = 1024
SCALE_STEPS = 4
"""Of the Metropolis-Hastings steps for the scale of each factor."""


def _gamma(rng: np.random.Generator, shape: float | Doubles, rate: float | Doubles) -> Doubles:
    return np.asarray(rng.gamma(shape, 1 / np.asarray(rate)))


class FactorState:
    """The factors and biases of users, or items, and their prior."""

    def __init__(self, table: Floats, blocks: list[Block]) -> None:
        self.table = table  # (R, F + 1): factors, then the bias
        size = table.shape[1]
        self.blocks = blocks
        self.weights = [
            np.zeros((len(block.lengths), size)) for block in blocks
        ]  # of features of unit length
        self.penalties = [np.full(size, 10.0) for _ in blocks]
        self.parts = [np.zeros_like(table) for _ in blocks]
        self.mean = table.mean(axis=0, dtype=np.float64)
        self.precision = 1 / (table.var(axis=0, dtype=np.float64) + 1e-3)
        self.rate = np.full(size, RATE)

    def widen(self, n_factors: int, rate: float) -> None:
        """Sets the rate of the Gamma priors of the first factors, which keeps these from 0."""
        self.rate[: min(n_factors, len(self.rate) - 1)] = rate

    def prior(self) -> Floats:
        """The mean of each row, (R, F + 1)."""
        mean = np.tile(self.mean.astype(np.float32), (len(self.table), 1))
        for part in self.parts:
            mean += part
        return mean

    def scale_terms(self) -> Doubles:
        """The terms of the prior in `scale_factors`, (F, 3)."""
        penalties = np.sum(self.penalties, axis=0) if self.penalties else 0.0
        inverse = self.rate * (self.precision + penalties)
        power = np.full(len(inverse), -2 * SHAPE * (1 + len(self.blocks)))
        return np.stack([power, self.mean**2, inverse], axis=1)[:-1]

    def scale(self, multiples: Doubles) -> None:
        """Multiplies the factors and all that their prior says by some numbers, (F,)."""
        by = np.append(multiples, 1.0)
        self.table *= by.astype(np.float32)
        self.mean *= by
        self.precision /= by**2
        for number in range(len(self.blocks)):
            self.weights[number] *= by
            self.penalties[number] /= by**2
            self.parts[number] *= by.astype(np.float32)

    def draw_prior(self, rng: np.random.Generator, run: Run) -> None:
        """Draws mean, precision and regression weights given the table."""
        n_rows, size = self.table.shape
        for number, block in enumerate(self.blocks):
            rest = self.table - (self.prior() - self.parts[number])
            products = _sum_products(run, block.rows, rest)  # (K, F + 1)
            right = self.precision * block.lengths[:, None] * products
            precision = self.precision * block.lengths[:, None] ** 2 + self.penalties[number]
            weights = right / precision + rng.standard_normal(precision.shape) / np.sqrt(precision)
            self.weights[number] = weights
            self.penalties[number] = _gamma(
                rng, SHAPE + len(weights) / 2, self.rate + (weights**2).sum(axis=0) / 2
            )
            self.parts[number] = _products(
                run, block.rows, (block.lengths[:, None] * weights).astype(np.float32)
            )
        rest = self.table
        for part in self.parts:
            rest = rest - part
        precision = n_rows * self.precision + 1
        mean = self.precision * rest.sum(axis=0, dtype=np.float64) / precision
        self.mean = mean + rng.standard_normal(size) / np.sqrt(precision)
        squares = ((rest - self.mean.astype(np.float32)) ** 2).sum(axis=0, dtype=np.float64)
        self.precision = _gamma(rng, SHAPE + n_rows / 2, self.rate + squares / 2)


class TimeEffects:
    """The time effects of each level, for the training ratings in the order of users."""

    def __init__(
        self,
        user_index: NDArray[np.int32],
        positions: list[NDArray[np.int64]],
        sizes: list[int],
    ) -> None:
        self.user_index, self.counts = user_index, np.bincount(user_index)
        self.positions = positions
        # The last effect of each level is 0, for ratings without one.
        self.effects = [np.zeros(size + 1) for size in sizes]
        self.precision = [100.0 for _ in sizes]
        self.total = np.zeros(len(positions[0]), np.float32)

    def draw(self, rng: np.random.Generator, errors: Floats, weight: Doubles) -> Floats:
        """Draws all effects.

        Args:
            errors: the residuals of the previous effects, (N,).
            weight: the precision of each rating, (N,).
        Returns: the residuals of the new effects, (N,).
        """
        residual = (errors + self.total).astype(np.float64)
        current = self._of_ratings()
        residual -= sum(current)
        for level, (position, old) in enumerate(zip(self.positions, current, strict=True)):
            size = len(self.effects[level])
            weights = np.bincount(position, weight, minlength=size)
            precision = weights + self.precision[level]
            effects = np.bincount(position, weight * (residual + old), minlength=size) / precision
            effects += rng.standard_normal(size) / np.sqrt(precision)
            effects[-1] = 0
            squares = effects @ effects
            self.precision[level] = float(_gamma(rng, SHAPE + (size - 1) / 2, RATE + squares / 2))
            self.effects[level] = effects
            residual += old - effects[position]
        self.total = np.asarray(sum(self._of_ratings()), np.float32)
        return residual.astype(np.float32)

    def variances(self) -> list[float]:
        """The variance of the effects of each level on the ratings around their users' means."""
        n, counts = len(self.total), np.maximum(self.counts, 1)
        found = []
        for effects in self._of_ratings():
            sums = np.bincount(self.user_index, effects, minlength=len(counts))
            found.append(max(0.0, float((effects @ effects - (sums / counts) @ sums) / n)))
        return found

    def _of_ratings(self) -> list[Doubles]:
        """The effects of each level on each rating, (N,)."""
        pairs = zip(self.effects, self.positions, strict=True)
        return [effects[position] for effects, position in pairs]


class SideInformation(NamedTuple):
    """The data besides the ratings."""

    user_blocks: list[Block]
    item_blocks: list[Block]
    time_keys: TimeKeys | None
    has_sets: bool
    """Whether the first block of users, and of items, holds the sets."""


class Targets(NamedTuple):
    """Standardized ratings, (N,)."""

    by_user: Floats
    by_item: Floats | None
    """None: they are those by user in another order."""


class Sampler:
    """The state of the Markov chain, and the sweep."""

    def __init__(
        self,
        train: Ratings,
        values: Targets,
        user_table: Floats,
        item_table: Floats,
        side: SideInformation,
        pooling: float,
        run: Run,
        ordinal: Ordinal | None = None,
    ) -> None:
        """Args:
        values: standardized ratings.
        user_table, item_table: the initial factors and biases, (U, F + 1) and (I, F + 1).
        pooling: see `BayesianMF.noise_pooling`.
        ordinal: for an ordered probit, whose latent variables replace the values.
        """
        self.run, self.pooling, self.side = run, pooling, side
        self.users = FactorState(user_table, side.user_blocks)
        self.items = FactorState(item_table, side.item_blocks)
        self.by_user, self.by_item = train.by_user, train.by_item
        self.ordinal = ordinal
        if ordinal is None:
            self.value = values.by_user
        else:
            self.value = ordinal.start()
        self.scratch = train.scratch()
        self.known = values
        """Targets in both orders."""
        self.counts = np.diff(self.by_user.indptr)
        self.spans = _spans(self.by_user.indptr), _spans(self.by_item.indptr)
        self.spare: list[DrawMemory] = []
        """Memory for `draw_rows` that no thread uses."""
        self.noise = np.full(train.n_users, 1.5)  # precision of each user's ratings
        self.common_noise = 1.5
        self.effects: TimeEffects | None = None
        if side.time_keys is not None and train.timestamp is not None:
            users = self.by_user.take(train.user_index)
            positions = side.time_keys.positions(users, self.by_user.take(train.timestamp))
            sizes = [len(keys) for keys in side.time_keys.keys]
            self.effects = TimeEffects(users, positions, sizes)
        self.error = float("nan")
        self.scales = False
        """Whether a sweep draws the scale of each factor, too: with few ratings of each user
        or item, the chain is slow without it, because a draw of the factors follows the scale of
        the last."""

    @property
    def effect_levels(self) -> list[Doubles]:
        """The present time effects of each level; none without times."""
        if self.effects is None:
            return []
        return self.effects.effects

    def widen(self, n_factors: int, rate: float = RATE) -> None:
        """Sets the rate of the Gamma priors of the first factors; without a rate, back to
        `RATE`."""
        self.users.widen(n_factors, rate)
        self.items.widen(n_factors, rate)

    def restart(self, users: Floats, items: Floats) -> None:
        """Goes back to some tables, (U, F + 1) and (I, F + 1), without time effects."""
        self.users = FactorState(users, self.users.blocks)
        self.items = FactorState(items, self.items.blocks)
        self.side, self.effects = self.side._replace(time_keys=None), None
        self.scales = False

    def estimated_seconds(self, n_threads: int) -> float:
        """About how long a sweep takes, from a part of one that changes nothing."""
        from matinee.kernels.gibbs import Rated, weighted

        rated = Rated(self.by_user.indptr, self.by_user.indices, self.value)
        users, items = self.users, self.items
        table, random = users.table.copy(), np.zeros_like(users.table)
        others = weighted(items.table, np.ones(len(items.table), np.float32))
        noise = self.noise.astype(np.float32)
        prior = users.prior(), users.precision.astype(np.float32)
        seconds = []
        for _ in range(2):  # the first may compile the kernel
            began = time.monotonic()
            self._draw_span(rated, self.spans[0][0], table, others, noise, prior, random)
            seconds.append(time.monotonic() - began)
        return 2 * SPANS * min(seconds) / n_threads

    def sweep(self, rng: np.random.Generator) -> None:
        """Draws all unknowns once."""
        from matinee.kernels.gibbs import Rated, weighted

        target = self.value
        if self.effects is not None:
            target = self.value - self.effects.total
        by_user = Rated(self.by_user.indptr, self.by_user.indices, target)
        by_item = Rated(self.by_item.indptr, self.by_item.indices, self._by_item(target))
        noise, ones = self.noise.astype(np.float32), np.ones(len(self.items.table), np.float32)
        self.users.draw_prior(rng, self.run)
        self._draw(rng, by_user, self.users, (self.items, ones), noise)
        self.items.draw_prior(rng, self.run)
        self._draw(rng, by_item, self.items, (self.users, noise), ones)
        others = weighted(self.items.table, ones)
        if self._is_fixed and not self.scales:
            self._draw_noise(rng, self._squares(by_user, others))
            return
        errors = self.scratch.empty(len(target), np.float32)
        self._add_errors(by_user, others, errors)
        if self.scales:
            self._scale(rng, by_user, errors)
        if self.effects is not None:
            errors = self.effects.draw(rng, errors, np.repeat(self.noise, self.counts))
        self._draw_noise(rng, self._sum_squares(errors))
        if self.ordinal is not None:
            scores, precision = self.value - errors, np.repeat(self.noise, self.counts)
            self.value = self.ordinal.draw(rng, self.run, scores, precision)
            self.error = self.ordinal.error

    @property
    def _is_fixed(self) -> bool:
        """Whether the targets are the ratings themselves, in every sweep."""
        return self.effects is None and self.ordinal is None

    def _by_item(self, target: Floats) -> Floats:
        """The targets in the order of items, (N,)."""
        from matinee.kernels.gibbs import reorder

        if target is self.known.by_user and self.known.by_item is not None:
            return self.known.by_item
        result = np.empty(len(target), np.float32)
        places = pairwise(np.linspace(0, len(target), SPANS + 1).astype(int).tolist())
        self.run(reorder, [(target, self.to_items, at, result) for at in places])
        if self._is_fixed:
            self.known = Targets(target, result)
        return result

    @cached_property
    def to_items(self) -> NDArray[np.int64]:
        """The position in the order of users of each rating in the order of items, (N,)."""
        by_item = self.by_item.row
        if self.by_user.order is None:
            return by_item.astype(np.int64, copy=False)
        position = np.empty(len(self.value), np.int64)
        position[self.by_user.order] = np.arange(len(position))
        return np.asarray(position[by_item])

    def _squares(self, by_user: "Rated", others: "Others") -> Doubles:
        """The sum of the squared errors of each user, (U,), without keeping the errors."""
        squares = np.empty(len(self.counts))
        calls = [(by_user, span, others, squares) for span in self.spans[0]]
        self.run(self._squares_of_span, calls)
        return squares

    def _squares_of_span(
        self, rated: "Rated", span: tuple[int, int], others: "Others", out: Doubles
    ) -> None:
        from matinee.kernels.gibbs import Rated, add_errors, sum_squares

        ends = rated.indptr[span[0] : span[1] + 1]
        edges = np.searchsorted(ends, np.arange(ends[0], ends[-1], BLOCK))
        rows = np.unique(np.concatenate([[0], edges, [len(ends) - 1]])) + span[0]
        for first, stop in pairwise(rows.tolist()):
            at = slice(int(rated.indptr[first]), int(rated.indptr[stop]))
            indptr = rated.indptr[first : stop + 1] - at.start
            part = Rated(indptr, rated.indices[at], rated.target[at])
            errors = np.empty(len(part.target), np.float32)
            rows_of_part = 0, stop - first
            add_errors(part, rows_of_part, self.users.table[first:stop], others, errors)
            sum_squares(indptr, rows_of_part, errors, out[first:stop])

    def _add_errors(self, by_user: "Rated", others: "Others", errors: Floats) -> None:
        """Writes the residuals of the targets, (N,)."""
        from matinee.kernels.gibbs import add_errors

        table = self.users.table
        self.run(add_errors, [(by_user, span, table, others, errors) for span in self.spans[0]])

    def _sum_squares(self, errors: Floats) -> Doubles:
        """The sum of the squared errors of each user, (U,)."""
        from matinee.kernels.gibbs import sum_squares

        squares, indptr = np.empty(len(self.counts)), self.by_user.indptr
        self.run(sum_squares, [(indptr, span, errors, squares) for span in self.spans[0]])
        return squares

    def _draw(
        self,
        rng: np.random.Generator,
        rated: "Rated",
        own: FactorState,
        other: tuple[FactorState, Floats],
        weights: Floats,
    ) -> None:
        """Draws the table of one side.

        Args:
            other: the other side, and the factors of the precision of each rating by its rows.
            weights: those by the rows to draw.
        """
        from matinee.kernels.gibbs import weighted

        random = _normals(rng, self.run, own.table.shape)
        others = weighted(other[0].table, other[1])
        prior = own.prior(), own.precision.astype(np.float32)
        rest = own.table, others, weights, prior, random
        spans = self.spans[own is self.items]
        self.run(self._draw_span, [(rated, span, *rest) for span in spans])

    def _draw_span(
        self,
        rated: "Rated",
        span: tuple[int, int],
        own: Floats,
        others: "Others",
        weights: Floats,
        prior: tuple[Floats, Floats],
        random: Floats,
    ) -> None:
        """See `draw_rows`."""
        from matinee.kernels.gibbs import draw_rows, new_work

        try:
            work = self.spare.pop()
        except IndexError:  # one for each thread
            work = new_work(own.shape[1] - 1)
        draw_rows(rated, span, own, others, weights, prior, random, work)
        self.spare.append(work)

    def _scale(self, rng: np.random.Generator, rated: "Rated", errors: Floats) -> None:
        """Draws the scale of each factor; see `scale_factors`."""
        from matinee.kernels.gibbs import scale_factors

        terms = self.users.scale_terms()
        multiples = np.empty(len(terms))
        size = len(terms), SCALE_STEPS
        random = rng.standard_normal(size), np.log(rng.uniform(size=size))
        tables = self.users.table, self.items.table
        noise = self.noise.astype(np.float32)
        products = self.scratch.empty(len(errors), np.float32)
        scale_factors(rated, tables, noise, (errors, products), terms, random, multiples)
        self.users.scale(multiples)

    def timed(self) -> tuple[Floats, Doubles]:
        """The values less the time effects, (N,), and the variance of each user's noise, (U,)."""
        if self.effects is None:
            return self.value, 1 / self.noise
        return self.value - self.effects.total, 1 / self.noise

    def untimed(self) -> tuple[Floats, Doubles]:
        """The values, (N,), and the variance of each user's noise, (U,), if time effects are
        noise: for the prediction of ratings at unknown times."""
        assert self.effects is not None
        return self.value, 1 / self.noise + sum(self.effects.variances())

    def draw_users(
        self,
        rng: np.random.Generator,
        explained: tuple[Floats, Doubles],
        random: Floats | None = None,
    ) -> Floats:
        """A draw of the users' table, (U, F + 1), given all else; the chain does not change.

        Args:
            explained: the result of `timed` or `untimed`.
            random: standard normal numbers for the draw, (U, F + 1); None for new ones.
        """
        from matinee.kernels.gibbs import Rated, weighted

        users, items = self.users, self.items
        table = users.table.copy()
        target, variance = explained
        noise = (1 / variance).astype(np.float32)
        others = weighted(items.table, np.ones(len(items.table), np.float32))
        rated = Rated(self.by_user.indptr, self.by_user.indices, target)
        prior = users.prior(), users.precision.astype(np.float32)
        if random is None:
            random = _normals(rng, self.run, table.shape)
        rest = table, others, noise, prior, random
        self.run(self._draw_span, [(rated, span, *rest) for span in self.spans[0]])
        return table

    def mirrored_users(
        self, rng: np.random.Generator, explained: tuple[Floats, Doubles]
    ) -> list[Floats]:
        """Two draws of the users' table whose mean is that of all draws, given all else."""
        random = _normals(rng, self.run, self.users.table.shape)
        return [self.draw_users(rng, explained, each) for each in (random, -random)]

    def _draw_noise(self, rng: np.random.Generator, squares: Doubles) -> None:
        """Draws the precisions of the noise: the common one, and that of each user.

        Args:
            squares: the sum of the squared errors of each user, (U,).
        """
        n = len(self.value)
        self.error = float(np.sqrt(squares.sum() / n))
        is_fixed = self.ordinal is not None and self.ordinal.fixes_noise
        if self.pooling == 0 and is_fixed:
            return
        if self.pooling == 0:
            self.common_noise = float(_gamma(rng, SHAPE + n / 2, RATE + squares.sum() / 2))
            self.noise = np.full(len(squares), self.common_noise)
            return
        rate = self.pooling / (2 * self.common_noise)
        self.noise = _gamma(rng, (self.pooling + self.counts) / 2, rate + squares / 2)
        if is_fixed:
            return
        rate = float(_gamma(rng, SHAPE + len(squares) * self.pooling / 2, RATE + self.noise.sum()))
        self.common_noise = self.pooling / (2 * rate)


def _normals(rng: np.random.Generator, run: Run, shape: tuple[int, ...]) -> Floats:
    """Standard normal numbers, (R, K), from a stream of each block of rows."""
    out = np.empty(shape, np.float32)
    blocks = _blocks(len(out))
    seeds = rng.integers(2**63, size=len(blocks)).tolist()
    run(_fill_normals, [(seed, out[at]) for seed, at in zip(seeds, blocks, strict=True)])
    return out


def _fill_normals(seed: int, out: Floats) -> None:
    np.random.default_rng(seed).standard_normal(out.shape, np.float32, out)


def _spans(indptr: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Spans of consecutive rows with about equal work."""
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
