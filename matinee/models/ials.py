"""ImplicitALS: tastes from who likes what. It ranks, and predicts no stars.

    score(u, i) = x_u . y_i

minimising, over the positives S with their weights w and over all pairs,

    sum_S w (1 - x_u . y_i)^2 + alpha0 sum_{u, i} (x_u . y_i)^2
        + regularization sum_u (n_u + alpha0 I)^nu |x_u|^2   and the same over items, with n_i + alpha0 U,

where n is the sum of a row's weights, without weights the number of its positives (Rendle, Krichene, Zhang, Koren,
"Revisiting the performance of iALS on item recommendation benchmarks", 2022; Hu, Koren, Volinsky, "Collaborative
filtering for implicit feedback datasets", 2008). I and U count only who has a positive. The sides are solved for in
turn, users last and then until nothing changes: so a known user is where a newcomer with the same ratings would be.

What is different here: the unit of the regularization is `noise` over the root of the product of the means of
(n_u + alpha0 I)^nu and (n_i + alpha0 U)^nu, so that the same number serves tables of any size; before each half of an
epoch both sides are turned so that the Gram matrix of the fixed side is diagonal, which no score notices, and which
makes the solver of `kernels/als.py` fast; weights are divided by their mean, so that the same settings serve with and
without them; and the random start goes by who likes what, so that with users and items in another order the scores are
the same in that order.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.ratings import Ratings
from matinee.linalg import centered, cosines_with
from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.declarations import curve_of
from matinee.models.hyperparameters import curve, hyper, learned
from matinee.models.implicit_feedback import AUTO, check_threshold, find_threshold, noise
from matinee.models.interface import Capabilities, TrainingCurve
from matinee.progress import Step
from matinee.threads import Run, available_cores, one_blas_thread, workers

if TYPE_CHECKING:
    from matinee.kernels.als import Positives


WEIGHTS = ("none", "log", "linear")
ROUNDS = 3
"""So often do users and items look at what their neighbours look like, before their random start."""
LAST_STEPS, LAST_GAIN = 30, 1e-8
"""The users' last solve ends after so many steps, or when a step gains less than this part of the first."""


@dataclass(kw_only=True, eq=False)
class ImplicitALS(Recommender):
    """Matrix factorization of what people like, by alternating least squares."""

    name: ClassVar[str] = "ials"
    summary: ClassVar[str] = (
        "It describes every person and every film by a row of numbers, such that the rows "
        "agree where the person liked the film, and hardly anywhere else. It ranks, and "
        "predicts no stars."
    )
    capabilities = Capabilities(predicts_stars=False, thread_safe=True)

    factors: int = hyper(192, low=1, high=4096, search=(32, 384), help="length F of each taste vector")
    epochs: int = hyper(12, low=1, high=1000, help="alternations between users and items")
    alpha0: float = hyper(0.2, low=1e-4, high=100, search=(0.05, 1), help="weight of every pair, liked or not")
    regularization: float = hyper(
        0.45, low=1e-4, high=100, search=(0.2, 0.8), help="pull of the factors to 0; 1 is what likes at random need"
    )
    nu: float = hyper(
        1.0, low=0, high=4, help="the pull is times (n + alpha0 I) to this power; 0: the same for everybody"
    )
    threshold: str = hyper(AUTO, help="ratings from here on count as liked; auto: the upper quarter of the scale")
    weights: str = hyper(
        "none",
        choices=WEIGHTS,
        help="what a like counts: none (1), linear (1 + alpha r) or log (1 + alpha log(1 + r)) of a count r",
    )
    alpha: float = hyper(1.0, low=0, high=10_000, help="of the weights; with them, auto counts everything as liked")
    steps: int = hyper(2, low=1, high=100, help="steps of the solver for each user and item in an epoch")
    start_deviation: float = hyper(0.1, low=1e-6, high=10, help="length of the random vectors that it starts from")

    user_factors_: Floats = learned("U", "factors", dtype=np.float32)
    item_factors_: Floats = learned("I", "factors", dtype=np.float32)
    average_: Floats = learned("factors", dtype=np.float32)
    """The mean of the users who like something, (F,); of whoever likes nothing that is known."""
    spectrum_: Floats = learned("factors", dtype=np.float32)
    """The squared lengths of the columns of the item factors, which are orthogonal, largest first, (F,)."""
    threshold_: Doubles = learned(dtype=np.float64)
    mean_weight_: Doubles = learned(dtype=np.float64, least=1e-300)
    strength_: Doubles = learned(dtype=np.float64)
    curve_: TrainingCurve = curve("what is minimised, for each like", first="0")
    """There is no loss on a valid part."""

    def __post_init__(self) -> None:
        self.threshold = check_threshold(self.threshold, self.name)
        super().__post_init__()

    # -- learning ----------------------------------------------------------------------------------------------

    def _fit(self, train: Ratings, how: Fitting) -> None:
        everything = self.weights != "none" and self.threshold == AUTO
        threshold = float(train.value.min()) if everything else find_threshold(self.threshold, train, self.name)
        self.threshold_, self.mean_weight_ = np.array(threshold), np.array(1.0)
        self.mean_weight_ = np.array(self._weigh(train.value[train.value >= threshold]).mean(dtype=np.float64))
        n_threads = how.n_threads or available_cores()
        with one_blas_thread(), workers(n_threads) as run:
            users, items = self._sides(train)
            solver = _Solver(run, n_threads, self.alpha0)
            losses = []
            for epoch in range(1, self.epochs + 1):
                stop = (LAST_STEPS, LAST_GAIN) if epoch == self.epochs else (self.steps, 0.0)
                solver.improve(items, users, (self.steps, 0.0))
                self.spectrum_ = solver.improve(users, items, stop)
                loss = users.losses.sum() + items.pulls @ np.square(items.factors, dtype=np.float64).sum(axis=1)
                losses.append((0.0, loss / len(users.positives.index), np.nan))
                if how.progress:
                    how.progress(Step(epoch, self.epochs, f"loss {losses[-1][1]:.4f}"))
        self.curve_ = curve_of(self, np.array(losses))
        self.user_factors_, self.item_factors_ = users.factors, items.factors
        likes_something = np.diff(users.positives.indptr) > 0
        self.average_ = users.factors[likes_something].mean(axis=0)
        users.factors[~likes_something] = self.average_

    def _sides(self, train: Ratings) -> tuple["_Side", "_Side"]:
        """Users and items before the first epoch."""
        from matinee.kernels.als import Positives

        liked = []
        for group in (train.by_user, train.by_item):
            is_liked = group.value >= float(self.threshold_)
            indptr = np.append(0, np.cumsum(is_liked))[group.indptr]
            liked.append(Positives(indptr, group.index[is_liked], self._weigh(group.value[is_liked])))
        n_active = [int(np.count_nonzero(np.diff(one.indptr))) for one in liked]
        sums = [np.diff(np.append(0, np.cumsum(one.weight, dtype=np.float64))[one.indptr]) for one in liked]
        self.strength_ = np.array(1.0)
        pulls = [self._pull(n, n_others) for n, n_others in zip(sums, n_active[::-1], strict=True)]
        means = [pull[n > 0].mean() for pull, n in zip(pulls, sums, strict=True)]
        self.strength_ = np.array(
            self.regularization * noise(n_active[0], n_active[1], len(liked[0].index)) / np.sqrt(np.prod(means))
        )
        users, items = (
            _Side(one, start, (pull * self.strength_).astype(np.float32), np.zeros(len(pull)))
            for one, start, pull in zip(liked, self._start(*liked), pulls, strict=True)
        )
        return users, items

    def _start(self, by_user: "Positives", by_item: "Positives") -> tuple[Floats, Floats]:
        """Random factors of users, (U, F), and zeros for items, (I, F), which are solved for first.

        The random numbers of a user go by whom they share likes with. So with users and items in another order, the
        model is the same in that order. Users who cannot be told apart get different ones, by their order.
        """
        from matinee.kernels.als import draw, refine

        users, items = (np.full(len(one.indptr) - 1, self.seed + 1, np.uint64) for one in (by_user, by_item))
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

    def _weigh(self, value: Floats) -> Floats:
        """What likes of these ratings, or counts, count."""
        counts = np.maximum(value, 0)
        weights = {"none": np.ones_like(counts), "log": 1 + self.alpha * np.log1p(counts)}
        weight = weights.get(self.weights, 1 + self.alpha * counts) / float(self.mean_weight_)
        return weight.astype(np.float32)

    def _pull(self, n: Doubles, n_others: int) -> Doubles:
        """What the squared lengths of factors are multiplied by, for rows with weights of the sums n."""
        return np.asarray(self.strength_ * (n + self.alpha0 * n_others) ** self.nu)

    # -- people ------------------------------------------------------------------------------------------------

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        vectors: Floats = self.user_factors_[user_index]
        return vectors

    def _likes(self, item_index: NDArray[np.int32], value: Floats) -> tuple[Doubles, Doubles, Doubles]:
        """Of what somebody likes: item factors Y, (n, F), weights w, (n,), and Y'wY + alpha0 times the Gram matrix of
        all items, (F, F)."""
        liked, weight = self.item_factors_[item_index].astype(np.float64), self._weigh(value).astype(np.float64)
        return liked, weight, liked.T * weight @ liked + np.diag(self.alpha0 * self.spectrum_)

    @property
    def _n_active(self) -> int:
        """The items that somebody likes."""
        return int(np.count_nonzero(self.item_factors_.any(axis=1)))

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        likes = value >= float(self.threshold_)
        if not likes.any():
            return self.average_
        liked, weight, form = self._likes(item_index[likes], value[likes])
        form += np.eye(self.factors) * self._pull(weight.sum(), self._n_active)
        return np.linalg.solve(form, weight @ liked).astype(np.float32)

    def _attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        return [self._parts(profile, item) for item in item_index.tolist()]

    def _parts(self, profile: Profile, item_index: int) -> Parts:
        """Exact: a person's factors are a sum over what they like (Hu, Koren, Volinsky, section 5). To leave one out
        lessens the pull and takes one square from the form, whose inverse follows (Sherman, Morrison, 1950)."""
        item = self.item_factors_[item_index].astype(np.float64)  # (F,)
        average, n = float(self.average_ @ item), len(profile.value)
        likes = np.flatnonzero(profile.value >= float(self.threshold_))
        if len(likes) == 0:
            return Parts(0.0, 0.0, average, np.zeros(n), np.full(n, average), is_exact=True)
        liked, weight, form = self._likes(profile.item_index[likes], profile.value[likes])
        values, turn = np.linalg.eigh(form)
        item, liked = item @ turn, liked @ turn
        pull = self._pull(weight.sum() - np.append(0, weight), self._n_active)  # of all likes, then less each of them
        inverse = 1 / (values + pull[:, None])  # (1 + n, F)
        score = float(self._scores(profile.vector[None])[0, item_index])
        ratings, without = np.zeros(n), np.full(n, score)
        ratings[likes] = weight * (liked @ (inverse[0] * item))
        inverse, towards = inverse[1:], weight @ liked
        error = 1 - inverse * liked @ towards
        left = 1 - weight * (inverse * liked**2).sum(axis=1)
        changes = inverse @ (item * towards) - weight * (inverse * liked @ item) * error / left - ratings.sum()
        without[likes] += changes if len(likes) > 1 else average - ratings.sum()
        return Parts(0.0, 0.0, 0.0, ratings, without, is_exact=True)

    def _scores(self, vectors: Floats) -> Floats:
        return vectors @ self.item_factors_.T

    # -- looking into it ---------------------------------------------------------------------------------------

    def _likeness(self, item_index: int) -> Floats:
        return cosines_with(centered(self.item_factors_, np.asarray(self.item_factors_.any(axis=1))), item_index)

    def _item_vectors(self) -> Floats:
        return self.item_factors_

    def _tastes(self, vectors: Floats) -> Floats:
        return vectors


class _Side(NamedTuple):
    """Users, or items, during one fit."""

    positives: "Positives"
    factors: Floats  # (R, F), changed in place
    pulls: Floats  # (R,)
    losses: Doubles  # (R,), of the positives and all pairs and the pull of each row


class _Solver:
    """The half of an epoch; see `kernels/als.py`."""

    def __init__(self, run: Run, n_threads: int, alpha0: float) -> None:
        from matinee.kernels import als

        self.solve, self.run, self.alpha0 = als.solve, run, alpha0
        self.n_spans = 1 if n_threads == 1 else 8 * n_threads

    def improve(self, side: _Side, others: _Side, stop: tuple[int, float]) -> Floats:
        """Turns both sides to the axes of the Gram matrix of the others, whose diagonal is returned, largest first,
        and then solves for the rows of one."""
        values, axes = np.linalg.eigh(self._gram(others.factors))
        turn, spectrum = axes[:, ::-1].copy(), np.maximum(values[::-1], 0)
        for factors in (side.factors, others.factors):
            self.run(_turn, [(factors[rows], turn) for rows in _blocks(len(factors))])
        penalty = (np.float32(self.alpha0) * spectrum, side.pulls)
        given = (side.factors, others.factors), penalty, stop, side.losses
        indptr = side.positives.indptr
        work = indptr + 16 * np.arange(len(indptr))  # a row without positives takes some time, too
        ends = np.searchsorted(work, np.linspace(0, work[-1], self.n_spans + 1)).tolist()
        self.run(self.solve, [(side.positives, span, *given) for span in pairwise(ends)])
        return np.asarray(spectrum)

    def _gram(self, factors: Floats) -> Floats:
        blocks, n_factors = _blocks(len(factors)), factors.shape[1]
        grams = np.empty((len(blocks), n_factors, n_factors), np.float32)
        self.run(_multiply, [(factors[rows], out) for rows, out in zip(blocks, grams, strict=True)])
        return np.asarray(grams.sum(axis=0))


def _blocks(n_rows: int) -> list[slice]:
    """Consecutive rows, shared out by their number alone: with the blocks of a sum its bits would change."""
    size = max(512, -(-n_rows // 32))
    return [slice(first, first + size) for first in range(0, n_rows, size)]


def _turn(factors: Floats, turn: Floats) -> None:
    factors[:] = factors @ turn


def _multiply(factors: Floats, out: Floats) -> None:
    np.matmul(factors.T, factors, out=out)
