"""ImplicitALS: latent factors from implicit feedback. It ranks films and does not predict stars."""

from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Indices, Longs
from matinee.data.ratings import Grouped, Ratings
from matinee.errors import DataError
from matinee.linalg import centered, cosines_with
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.declarations import curve_of
from matinee.models.history import run_positions
from matinee.models.hyperparameters import curve, hyper, learned
from matinee.models.implicit_feedback import (
    AUTO,
    check_threshold,
    find_threshold,
    random_matrix_norm,
)
from matinee.models.interface import Capabilities, TrainingCurve
from matinee.models.likes import LikeRule, n_active, weight_sums
from matinee.models.recency import half_life_setting, recency_weights
from matinee.models.updating import Change, placed
from matinee.progress import Step
from matinee.scratch import Scratch
from matinee.threads import Run, available_cores, one_blas_thread, workers
from matinee.training.checkpoints import Checkpoint, State, check_like, rows_of
from matinee.training.loop import end_epoch

if TYPE_CHECKING:
    from matinee.kernels.als import Positives


WEIGHTS = ("none", "log", "linear")
ROUNDS = 3
"""Rounds of color refinement of users and items that determine the random start."""
LAST_STEPS, LAST_GAIN = 30, 1e-8
"""Limits of the last solve of the users: the number of steps, and the gain relative to step
one."""
UPDATE_GAIN = 1e-5
"""The limit of that solve in an update, where the first step is small already."""


@dataclass(kw_only=True, eq=False)
class ImplicitALS(Recommender):
    """Matrix factorization of implicit feedback by alternating least squares.

        score(u, i) = x_u . y_i

    minimizing, over the positives S with their weights w and over all pairs,

        sum_S w (1 - x_u . y_i)^2 + alpha0 sum_{u, i} (x_u . y_i)^2
            + regularization sum_u (n_u + alpha0 I)^nu |x_u|^2   and over items, with n_i + alpha0
            U,

    where n is the sum of a row's weights (without weights, the number of its positives). See
    Rendle, Krichene, Zhang, Koren, "Revisiting the performance of iALS on item recommendation
    benchmarks", 2022; Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback
    datasets", 2008. I and U count only rows with positives. The two factor tables are solved
    alternately. The last solve, of the users, runs to convergence, so that a known user has the
    same vector as a new person with the same ratings.

    Differences from the papers: the unit of the regularization is `random_matrix_norm` over the
    root of the product of the means of (n_u + alpha0 I)^nu and (n_i + alpha0 U)^nu, so that one
    value suits tables of any size. Before each half of an epoch, both tables are rotated so that
    the Gram matrix of the fixed table is diagonal, which changes no score and speeds up the solver
    in `kernels/als.py`. Weights are divided by their mean, so that the same settings work with and
    without weights. The random start depends on who likes what, so that permuting users and items
    permutes the scores.

    With a `half_life`, the weight of a like is also multiplied by 2^(-D / half_life), where D is
    its age in days (`recency.py`). This product is not divided by its mean: the likes of a new
    person weigh as much as the newest ones.

    Example:
        >>> ials = matinee.ImplicitALS(factors=16, epochs=4).fit(few)
        >>> [line.stars for line in ials.recommend({107: 5.0}, k=2)]
        [None, None]
        >>> len(ials.similar(107, k=3))
        3
    """

    name: ClassVar[str] = "ials"
    summary: ClassVar[str] = (
        "It describes every person and every film by a row of numbers, such that the rows "
        "match if the person liked the film, and hardly match otherwise. It ranks and "
        "predicts no stars."
    )
    capabilities = Capabilities(predicts_stars=False, resumes=True, thread_safe=True)

    factors: int = hyper(
        192, low=1, high=4096, search=(32, 384), help="length F of each taste vector"
    )
    epochs: int = hyper(12, low=1, high=1000, help="alternations between users and items")
    alpha0: float = hyper(
        0.2, low=1e-4, high=100, search=(0.05, 1), help="weight of every pair, liked or not"
    )
    regularization: float = hyper(
        0.45,
        low=1e-4,
        high=100,
        search=(0.2, 0.8),
        help="L2 penalty of the factors; 1 is enough to suppress random likes",
    )
    nu: float = hyper(
        1.0,
        low=0,
        high=4,
        help="the penalty is scaled by (n + alpha0 I) to this power; 0: no scaling",
    )
    threshold: str = hyper(
        AUTO, help="lowest rating that counts as liked; auto: the upper quarter of the scale"
    )
    weights: str = hyper(
        "none",
        choices=WEIGHTS,
        help="weight of a like with count r: none (1), linear (1 + alpha r) "
        "or log (1 + alpha log(1 + r))",
    )
    alpha: float = hyper(
        1.0,
        low=0,
        high=10_000,
        help="alpha of the weights; if weights is not none, threshold=auto counts every rating "
        "as liked",
    )
    steps: int = hyper(2, low=1, high=100, help="solver steps per user and item in each epoch")
    start_deviation: float = hyper(
        0.1, low=1e-6, high=10, help="length of the initial random vectors"
    )
    half_life: float = half_life_setting()

    user_factors_: Floats = learned("U", "factors", dtype=np.float32)
    item_factors_: Floats = learned("I", "factors", dtype=np.float32)
    average_: Floats = learned("factors", dtype=np.float32)
    """The mean of the users with positives, (F,); the vector of a user without any."""
    spectrum_: Floats = learned("factors", dtype=np.float32)
    """The squared norms of the orthogonal columns of the item factors, descending, (F,)."""
    threshold_: Doubles = learned(dtype=np.float64, most=np.inf)
    mean_weight_: Doubles = learned(dtype=np.float64, least=1e-9)
    strength_: Doubles = learned(dtype=np.float64)
    curve_: TrainingCurve = curve("objective per like", first="0")
    """There is no loss on the validation part."""

    def __post_init__(self) -> None:
        self.threshold = check_threshold(self.threshold, self.name)
        super().__post_init__()

    # -- learning ------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        recency = recency_weights(train, self.half_life, self.name)  # (N,)
        if self.weights != "none" and self.threshold == AUTO:
            threshold = float(train.value.min())  # every rating counts as liked
        else:
            threshold = find_threshold(self.threshold, train, self.name)
        self.threshold_, self.mean_weight_ = np.array(threshold), np.array(1.0)
        self.mean_weight_ = np.array(self._likes().mean_weight(train.value))
        n_threads = options.n_threads or available_cores()
        losses: list[list[float]] = []
        with one_blas_thread(), workers(n_threads) as run:
            users, items = self._initial_tables(train, recency, train.scratch())
            if options.checkpoint is not None:
                losses = self._resume(options.checkpoint, users, items)
            solver = _Solver(run, n_threads, self.alpha0)
            for epoch in range(len(losses) + 1, self.epochs + 1):
                solver.improve(items, users, self.steps, 0.0)
                if epoch < self.epochs:
                    self.spectrum_ = solver.improve(users, items, self.steps, 0.0)
                else:
                    self.spectrum_ = solver.improve(users, items, LAST_STEPS, LAST_GAIN)
                squares = np.square(items.factors, dtype=np.float64).sum(axis=1)
                total = users.losses.sum() + items.penalties @ squares
                loss = total / len(users.positives.indices)
                losses.append([0.0, loss, np.nan])
                step = Step(epoch, self.epochs, f"loss {loss:.4f}")
                state = partial(self._state, users, items, losses)
                end_epoch(options.checkpoint, state, options.progress, step)
        self.curve_ = curve_of(self, np.array(losses))
        self._set_factors(users.factors, items.factors, np.diff(users.positives.indptr) > 0)

    def _state(
        self, users: "_FactorTable", items: "_FactorTable", losses: list[list[float]]
    ) -> State:
        """Everything that the next epoch depends on."""
        return {
            "users": users.factors,
            "items": items.factors,
            "spectrum": self.spectrum_,
            "losses": np.array(losses, np.float64).reshape(-1, 3),
        }

    def _resume(
        self, checkpoint: Checkpoint, users: "_FactorTable", items: "_FactorTable"
    ) -> list[list[float]]:
        """Goes back to the saved state, if there is one; returns the rows of the curve."""
        saved = checkpoint.load()
        if saved is None:
            return []
        self.spectrum_ = np.zeros(self.factors, np.float32)
        expected = self._state(users, items, [])
        with checkpoint.reading():
            losses = rows_of(saved, "losses", 3)
            if len(losses) > self.epochs:
                raise DataError(f"{len(losses)} epochs of {self.epochs}")
            check_like(saved | {"losses": expected["losses"]}, expected)
            for name, array in expected.items():
                if name != "losses":
                    array[:] = saved[name]
        return [list(row) for row in losses.tolist()]

    def _set_factors(self, users: Floats, items: Floats, has_likes: NDArray[np.bool_]) -> None:
        """Sets the factors, and those of users without likes to the average of the others."""
        self.average_ = users[has_likes].mean(axis=0)
        users[~has_likes] = self.average_
        self.user_factors_, self.item_factors_ = users, items

    def absorb(self, change: Change, n_threads: int | None) -> None:
        """Solves for the users and items that the news touch, in turn; see `updating.py`.

        If an item changes, so does the Gram matrix of the items, and with it what follows for
        every user: the last solve is then that of all users, from where they are. The threshold
        and the units of weights and penalties stay.

        Args:
            change: the ratings after the news, and what they touch.
        """
        users = self._table(change.history.by_user, placed(self.user_factors_, change.user_source))
        item_factors = placed(self.item_factors_, change.item_source)
        counts = np.bincount(users.positives.indices, minlength=len(item_factors))
        n_items, n_users = int(np.count_nonzero(counts)), n_active(users.positives)
        users.penalties[:] = self.penalties_of(weight_sums(users.positives), n_items)
        own, changed = np.flatnonzero(change.has_news), np.flatnonzero(change.items_change)
        closely = _Stop(LAST_STEPS, LAST_GAIN)
        with one_blas_thread(), workers(n_threads) as run:
            solver = _Solver(run, n_threads or available_cores(), self.alpha0)
            solver.improve_rows(users, item_factors, own, self.spectrum_, closely)
            if len(changed):
                ratings = change.history.to_training_ratings()
                items = self._table(ratings.by_item, item_factors)
                items.penalties[:] = self.penalties_of(weight_sums(items.positives), n_users)
                spectrum = solver.rotate(items, users)
                solver.improve_rows(items, users.factors, changed, spectrum, closely)
                self.spectrum_ = solver.improve(users, items, LAST_STEPS, UPDATE_GAIN)
        self._set_factors(users.factors, item_factors, np.diff(users.positives.indptr) > 0)

    def _table(self, group: Grouped, factors: Floats) -> "_FactorTable":
        """The factor table of users or items, for an update, without its penalties."""
        positives = self._likes().positives(group, None, Scratch())
        factors[np.diff(positives.indptr) == 0] = 0
        n_rows = len(factors)
        return _FactorTable(positives, factors, np.zeros(n_rows, np.float32), np.zeros(n_rows))

    def _initial_tables(
        self, train: Ratings, recency: Floats | None, scratch: Scratch
    ) -> tuple["_FactorTable", "_FactorTable"]:
        """The factor tables of users and items before the first epoch; sets `strength_`."""
        by_user = self._likes().positives(train.by_user, recency, scratch)
        by_item = self._likes().positives(train.by_item, recency, scratch)
        n_users, n_items = n_active(by_user), n_active(by_item)
        user_sums, item_sums = weight_sums(by_user), weight_sums(by_item)
        self.strength_ = np.array(1.0)
        user_penalties = self.penalties_of(user_sums, n_items)
        item_penalties = self.penalties_of(item_sums, n_users)
        means = [user_penalties[user_sums > 0].mean(), item_penalties[item_sums > 0].mean()]
        n_likes = float(len(by_user.indices))
        if recency is not None:
            n_likes = float(user_sums.sum())
        unit = random_matrix_norm(n_users, n_items, n_likes)
        self.strength_ = np.array(self.regularization * unit / np.sqrt(np.prod(means)))
        user_start, item_start = self._start(by_user, by_item)
        users = _FactorTable(
            by_user,
            user_start,
            (user_penalties * self.strength_).astype(np.float32),
            np.zeros(len(user_penalties)),
        )
        items = _FactorTable(
            by_item,
            item_start,
            (item_penalties * self.strength_).astype(np.float32),
            np.zeros(len(item_penalties)),
        )
        return users, items

    def _likes(self) -> LikeRule:
        return LikeRule(float(self.threshold_), self.weights_of)

    def _start(self, by_user: "Positives", by_item: "Positives") -> tuple[Floats, Floats]:
        """Random factors for users, (U, F), and zeros for items, (I, F), which are solved
        first.

        The random numbers of a user depend on the structure of the likes around them, not on
        the row number. So permuting users and items permutes the model in the same way. Users
        with the same structure get different numbers, in their order.
        """
        from matinee.kernels.als import draw, refine

        users = np.full(len(by_user.indptr) - 1, self.seed + 1, np.uint64)
        items = np.full(len(by_item.indptr) - 1, self.seed + 1, np.uint64)
        for _ in range(ROUNDS):
            refine(by_item, items, users)
            refine(by_user, users, items)
        order = np.argsort(users, kind="stable")
        is_first = np.append(True, np.diff(users[order]) != 0)
        first = np.flatnonzero(is_first)[np.cumsum(is_first) - 1]
        users[order] += np.arange(len(users), dtype=np.uint64) - first.astype(np.uint64)
        start = np.zeros((len(users), self.factors), np.float32)
        draw(users, self.start_deviation * np.sqrt(3 / self.factors), start)
        start[np.diff(by_user.indptr) == 0] = 0
        return start, np.zeros((len(items), self.factors), np.float32)

    def weights_of(self, value: Floats) -> Floats:
        """The weights of likes with the ratings or counts `value`, (n,).

        `mean_weight_` must be set."""
        counts = np.maximum(value, 0)
        weights = {"none": np.ones_like(counts), "log": 1 + self.alpha * np.log1p(counts)}
        weight = weights.get(self.weights, 1 + self.alpha * counts) / float(self.mean_weight_)
        return weight.astype(np.float32)

    def penalties_of(self, n: Doubles, n_others: int) -> Doubles:
        """The penalties of squared factors, for users or items; `strength_` must be set.

        Args:
            n: what the likes of each weigh together, (R,).
            n_others: of items or users that have likes.
        """
        return np.asarray(self.strength_ * (n + self.alpha0 * n_others) ** self.nu)

    # -- people --------------------------------------------------------------------------

    def _user_vectors(self, user_index: Indices) -> Floats:
        vectors: Floats = self.user_factors_[user_index]
        return vectors

    def _normal_equations(
        self, item_index: NDArray[np.int32], value: Floats, recency: Floats | None = None
    ) -> tuple[Doubles, Doubles, Doubles]:
        """The normal equations of one person's likes, without the penalty.

        Args:
            recency: the weights by age, (n,); None for a new person, whose ratings weigh 1.

        Returns:
            The item factors Y, (n, F), the weights w, (n,), and Y'wY + alpha0 times the Gram
            matrix of all items, (F, F).
        """
        liked = self.item_factors_[item_index].astype(np.float64)
        weight = self.weights_of(value).astype(np.float64)
        if recency is not None:
            weight *= recency
        return liked, weight, liked.T * weight @ liked + np.diag(self.alpha0 * self.spectrum_)

    @cached_property
    def _n_active_items(self) -> int:
        """The number of items with positives; not saved."""
        return int(np.count_nonzero(self.item_factors_.any(axis=1)))

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        likes = value >= float(self.threshold_)
        if not likes.any():
            return self.average_
        liked = self.item_factors_[item_index[likes]].astype(np.float64)
        weight = self.weights_of(value[likes]).astype(np.float64)
        penalty = self.penalties_of(weight.sum(), self._n_active_items)
        diagonal = self.alpha0 * self.spectrum_ + penalty  # the form without the likes
        if len(liked) < self.factors:  # the smaller of two equal systems (Woodbury, 1950)
            form = (liked / diagonal) @ liked.T + np.diag(1 / weight)  # (n, n)
            part = np.linalg.solve(form, np.ones(len(liked)))
            return (part @ liked / diagonal).astype(np.float32)
        form = liked.T * weight @ liked + np.diag(diagonal)  # (F, F)
        return np.linalg.solve(form, weight @ liked).astype(np.float32)

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        return [self._parts(profile, item) for item in item_index.tolist()]

    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        """The exact attribution: a person's factors are a sum over their likes.

        (Hu, Koren, Volinsky, section 5.)
        Leaving out one like reduces the penalty and subtracts a rank-one matrix from the
        normal equations, whose inverse follows from the formula of Sherman and Morrison
        (1950).
        """
        item = self.item_factors_[item_index].astype(np.float64)  # (F,)
        average, n = float(self.average_ @ item), len(profile.value)
        likes = np.flatnonzero(profile.value >= float(self.threshold_))
        if len(likes) == 0:
            return Attribution(0.0, 0.0, average, np.zeros(n), np.full(n, average), is_exact=True)
        recency = None
        if profile.weight is not None:
            recency = profile.weight[likes]
        liked, weight, form = self._normal_equations(
            profile.item_index[likes], profile.value[likes], recency
        )
        values, axes = np.linalg.eigh(form)
        item, liked = item @ axes, liked @ axes
        sums = weight.sum() - np.append(0, weight)  # (1 + n,), of all likes, then without each
        penalties = self.penalties_of(sums, self._n_active_items)
        inverse = 1 / (values + penalties[:, None])  # (1 + n, F)
        score = float(self._scores(profile.vector[None])[0, item_index])
        ratings, without = np.zeros(n), np.full(n, score)
        ratings[likes] = weight * (liked @ (inverse[0] * item))
        if len(likes) == 1:
            without[likes] += average - ratings.sum()
            return Attribution(0.0, 0.0, 0.0, ratings, without, is_exact=True)
        inverse, right = inverse[1:], weight @ liked
        error = 1 - inverse * liked @ right
        freedom = 1 - weight * (inverse * liked**2).sum(axis=1)
        changes = inverse @ (item * right)
        changes = changes - weight * (inverse * liked @ item) * error / freedom
        without[likes] += changes - ratings.sum()
        return Attribution(0.0, 0.0, 0.0, ratings, without, is_exact=True)

    def _scores(self, vectors: Floats) -> Floats:
        return vectors @ self.item_factors_.T

    def fill_scores(self, vectors: Floats, items: slice, out: Floats) -> None:
        """The scores of some items for some vectors, as tiles for lists of all users.

        Args:
            vectors: (B, D) profile vectors.
            items: which items.
            out: (B, n), where the scores are written.
        """
        np.matmul(vectors, self.item_factors_[items].T, out=out)

    # -- similarity and tastes -----------------------------------------------------------

    def _similarity(self, item_index: int) -> Floats:
        has_positives = np.asarray(self.item_factors_.any(axis=1))
        return cosines_with(centered(self.item_factors_, has_positives), item_index)

    def _item_vectors(self) -> Floats:
        return self.item_factors_

    def _tastes(self, vectors: Floats) -> Floats:
        return vectors


class _FactorTable(NamedTuple):
    """The users, or the items, during one fit."""

    positives: "Positives"
    factors: Floats  # (R, F), changed in place
    penalties: Floats  # (R,)
    losses: Doubles  # (R,), each row's part of the objective: positives, all pairs and penalty

    def of(self, rows: Longs) -> "_FactorTable":
        """Copies of some rows."""
        from matinee.kernels.als import Positives

        indptr = self.positives.indptr
        counts = indptr[rows + 1] - indptr[rows]
        place = run_positions(indptr[rows], counts)
        positives = Positives(
            np.append(0, np.cumsum(counts)),
            self.positives.indices[place],
            self.positives.weight[place],
        )
        return _FactorTable(positives, self.factors[rows], self.penalties[rows], self.losses[rows])


class _Stop(NamedTuple):
    """When the steps for a row end."""

    max_steps: int
    least_gain: float  # relative to that of the first step


class _Solver:
    """Half of an epoch: solves for one table with the other fixed; see `kernels/als.py`."""

    def __init__(self, run: Run, n_threads: int, alpha0: float) -> None:
        self.run, self.alpha0 = run, alpha0
        self.n_spans = 1
        if n_threads > 1:
            self.n_spans = 8 * n_threads

    def improve(
        self, table: _FactorTable, others: _FactorTable, max_steps: int, least_gain: float
    ) -> Floats:
        """Rotates both tables, then solves for the rows of the first.

        The rotation makes the Gram matrix of the other table diagonal.

        Args:
            max_steps: the number of steps for each row.
            least_gain: steps end at this part of the gain of the first step.
        Returns: the diagonal of the Gram matrix, descending, (F,).
        """
        spectrum = self.rotate(table, others)
        self._solve(table, others.factors, spectrum, _Stop(max_steps, least_gain))
        return spectrum

    def rotate(self, table: _FactorTable, others: _FactorTable) -> Floats:
        """Rotates both tables so that the Gram matrix of the second is diagonal.

        Returns: its diagonal, descending, (F,).
        """
        values, axes = np.linalg.eigh(self._gram(others.factors))
        rotation, spectrum = axes[:, ::-1].copy(), np.maximum(values[::-1], 0)
        for rotated in (table.factors, others.factors):
            self.run(_rotate, [(rotated[rows], rotation) for rows in _blocks(len(rotated))])
        return np.asarray(spectrum)

    def improve_rows(
        self,
        table: _FactorTable,
        others: Floats,
        rows: Longs,
        spectrum: Floats,
        stop: "_Stop",
    ) -> None:
        """Solves for some rows of a table; both tables are rotated already."""
        part = table.of(rows)
        self._solve(part, others, spectrum, stop)
        table.factors[rows] = part.factors

    def _solve(self, table: _FactorTable, others: Floats, spectrum: Floats, stop: "_Stop") -> None:
        """Solves for all rows of a table; `stop` is that of `als.solve`."""
        from matinee.kernels import als

        factors = table.factors, als.whole_vectors(others)
        penalty = np.float32(self.alpha0) * spectrum, table.penalties
        indptr = table.positives.indptr
        work = indptr + 16 * np.arange(len(indptr))  # a row without positives takes time, too
        ends = np.searchsorted(work, np.linspace(0, work[-1], self.n_spans + 1)).tolist()
        # Plain tuples: Numba's cache would name the class and be lost if the class moves.
        limits = stop.max_steps, stop.least_gain
        calls = [
            (table.positives, span, factors, penalty, limits, table.losses)
            for span in pairwise(ends)
        ]
        self.run(_solve_span, calls)

    def _gram(self, factors: Floats) -> Floats:
        blocks, n_factors = _blocks(len(factors)), factors.shape[1]
        grams = np.empty((len(blocks), n_factors, n_factors), np.float32)
        self.run(_multiply, [(factors[rows], out) for rows, out in zip(blocks, grams, strict=True)])
        return np.asarray(grams.sum(axis=0))


def _solve_span(
    positives: "Positives",
    span: tuple[int, int],
    factors: tuple[Floats, Floats],
    penalty: tuple[Floats, Floats],
    stop: tuple[int, float],
    losses: Doubles,
) -> None:
    """See `als.solve`."""
    from matinee.kernels import als

    work = als.new_work(factors[0].shape[1])
    als.solve(positives, span, factors, penalty, stop, losses, work)


def _blocks(n_rows: int) -> list[slice]:
    """Blocks of consecutive rows, which depend on their number alone, as do the bits of a
    sum."""
    size = max(512, -(-n_rows // 32))
    return [slice(first, first + size) for first in range(0, n_rows, size)]


def _rotate(factors: Floats, rotation: Floats) -> None:
    factors[:] = factors @ rotation


def _multiply(factors: Floats, out: Floats) -> None:
    np.matmul(factors.T, factors, out=out)
