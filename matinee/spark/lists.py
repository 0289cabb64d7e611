"""The training of `ials` on a cluster: the same model, whose item factors MLlib learns.

MLlib minimizes, over the positives S with confidences 1 + c and all pairs of users and items,

    sum_S (1 + c) (1 - x_u . y_i)^2 + sum_others (x_u . y_i)^2 + regularization sum n |x|^2

which, with c = w / alpha0 and factors divided by the fourth root of 1 + alpha0 (w = 1), is the
objective of `models.ials` times 1 / alpha0, but for the penalty: n counts the positives of a user
or item, without the part for all pairs. Rounds as those of `stars` then go on with the objective
of `models.ials`: every user is solved for exactly, as a new person with the same ratings, and each
item makes a step of Newton's method whose Hessian is the expected one,

    y += (n C + alpha0 G + penalty)^-1 (sum w (1 - x . y) x - alpha0 G y - penalty y)

where G is the sum of xx' over all users and C its mean over all positives.

On a validation part of the training rows of MovieLens-1M (32 factors), NDCG@10 is .211 after MLlib
and .215 after three rounds; the training on one machine has .217.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matinee._types import Doubles, Floats
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Vocabulary
from matinee.models.declarations import curve_of
from matinee.models.ials import LAST_GAIN, LAST_STEPS, ImplicitALS
from matinee.models.implicit_feedback import AUTO, find_threshold, random_matrix_norm
from matinee.progress import Progress
from matinee.spark.encoding import ClusterRatings
from matinee.spark.factors import FactorSettings, TrainingSteps, item_factors
from matinee.spark.people import UserBlock, item_sums
from matinee.threads import one_blas_thread

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from matinee.kernels.als import Positives

ROUNDS = 3
ITEMS_AT_ONCE = 512
STRENGTH = 0.46
"""The penalty of MLlib beside that of `ials` at the mean number of positives; chosen on a
validation part of the training rows of MovieLens-1M."""


class ListState(NamedTuple):
    """What a user's side follows from.

    Attributes:
        model: with its settings, threshold, strength and mean weight.
        item_factors, spectrum: as in the model.
        n_items: the items with positives.
    """

    model: ImplicitALS
    item_factors: Floats
    spectrum: Floats
    n_items: int


class _RoundSums(NamedTuple):
    """Sums over the users of one round.

    Attributes:
        items: of w (1 - x . y) x over the positives of each item, (I, F).
        gram: G, of xx' over all users, (F, F).
        moment: of w xx' over all positives, (F, F).
        users: of x, (F,).
        loss: the objective, without the penalty of the items.
    """

    items: Doubles
    gram: Doubles
    moment: Doubles
    users: Doubles
    loss: float


class _Likes(NamedTuple):
    """The positives: their numbers, and the mean penalties of users and items without strength."""

    n: int
    n_users: int
    n_items: int
    mean_penalties: tuple[float, float]


def learn_lists(model: ImplicitALS, table: ClusterRatings, progress: Progress | None) -> ListState:
    """Sets the items' side of `ials` and the average of its users; returns what the users' side
    follows from."""
    from pyspark.sql import functions as f

    threshold = _threshold(model, table)
    model.threshold_, model.mean_weight_ = np.array(threshold), np.array(1.0)
    liked = table.frame.filter(f.col("value") >= threshold).withColumn("weight", _weight(model))
    if model.weights != "none":
        told = liked.agg(f.avg("weight")).first()
        assert told is not None
        model.mean_weight_ = np.array(float(told[0]))
        liked = liked.withColumn("weight", f.col("weight") / float(told[0]))
    likes = _likes(model, liked)
    unit = random_matrix_norm(likes.n_users, likes.n_items, likes.n)
    means = float(np.sqrt(np.prod(likes.mean_penalties)))
    model.strength_ = np.array(model.regularization * unit / means)
    each = likes.n / np.sqrt(float(likes.n_users) * likes.n_items)
    alpha0 = model.alpha0
    penalty = STRENGTH * model.regularization * unit * (1 + alpha0) / (alpha0 * each)
    rows = liked.select("user", "item", (f.col("weight") / alpha0).cast("float").alias("value"))
    settings = FactorSettings(model.factors, model.epochs, penalty, model.seed, is_implicit=True)
    factors = item_factors(table, rows, likes.n, settings) / np.float32(np.sqrt(1 + alpha0))
    steps = TrainingSteps(progress, model.epochs + ROUNDS + 1)
    steps.done(model.epochs, "factors")
    state = ListState(model, *rotated(factors), likes.n_items)
    liked_counts, losses = _like_sums(table, liked), []
    for number in range(ROUNDS + 1):
        sums = _round_sums(table, state)
        losses.append((0.0, sums.loss / likes.n, np.nan))
        steps.done(1, f"loss {losses[-1][1]:.4f}")
        if number < ROUNDS:
            factors = _improved(state, sums, liked_counts, likes)
            state = ListState(model, *rotated(factors), likes.n_items)
    model.average_ = (sums.users / likes.n_users).astype(np.float32)
    model.item_factors_, model.spectrum_ = state.item_factors, state.spectrum
    model.user_factors_ = np.zeros((0, model.factors), np.float32)
    model.curve_ = curve_of(model, np.array(losses))
    return state


def _threshold(model: ImplicitALS, table: ClusterRatings) -> float:
    """The lowest rating that counts as liked, by the rules for tables in memory."""
    ends = table.frame.selectExpr("min(value)", "max(value)").first()
    assert ends is not None
    if model.weights != "none" and model.threshold == AUTO:
        return float(ends[0])
    one, index = Vocabulary([0], "user"), np.zeros(2, np.int32)
    value = np.array([ends[0], ends[1]], np.float32)
    extremes = Ratings(one, one, index, index, value, None, table.scale)
    return find_threshold(model.threshold, extremes, model.name)


def _weight(model: ImplicitALS) -> "Column":
    """The weights of likes before they are divided by their mean."""
    from pyspark.sql import functions as f

    count = f.greatest(f.col("value").cast("double"), f.lit(0.0))
    if model.weights == "none":
        return f.lit(1.0)
    if model.weights == "log":
        return 1 + model.alpha * f.log1p(count)
    return 1 + model.alpha * count


def _likes(model: ImplicitALS, liked: "DataFrame") -> _Likes:
    from pyspark.sql import functions as f

    n_rows = []
    sums = []
    for side in ("user", "item"):
        rows = liked.groupBy(side).agg(f.sum("weight").alias("total"), f.count("*").alias("n"))
        sums.append(rows)
        n_rows.append(rows.count())
    n = liked.count()
    means = []
    for rows, n_others in zip(sums, reversed(n_rows), strict=True):
        power = f.pow(f.col("total") + model.alpha0 * n_others, f.lit(model.nu))
        told = rows.agg(f.avg(power)).first()
        assert told is not None
        means.append(float(told[0]))
    return _Likes(n, n_rows[0], n_rows[1], (means[0], means[1]))


def rotated(factors: Floats) -> tuple[Floats, Floats]:
    """The item factors in axes in which their Gram matrix is diagonal, and the diagonal."""
    exact: Doubles = factors.astype(np.float64)
    values, axes = np.linalg.eigh(exact.T @ exact)
    return (exact @ axes[:, ::-1]).astype(np.float32), np.maximum(values[::-1], 0).astype(
        np.float32
    )


# -- rounds ------------------------------------------------------------------------------


def _like_sums(table: ClusterRatings, liked: "DataFrame") -> Doubles:
    """The sum of the weights of the positives of each item, (I,)."""
    from pyspark.sql import functions as f

    told = liked.groupBy("item").agg(f.sum("weight").alias("total")).toArrow()
    sums = np.zeros(len(table.items))
    sums[told.column("item").to_numpy()] = told.column("total").to_numpy()
    return sums


def solve_likers(block: UserBlock, state: ListState) -> tuple["Positives", Floats, float]:
    """The positives of some users, their factors, (B, F), and their part of the objective, by the
    kernel that solves for them on one machine; zeros for users without positives."""
    from matinee.kernels import als

    model = state.model
    is_liked = block.value >= float(model.threshold_)
    indptr = np.append(0, np.cumsum(is_liked))[block.indptr]
    weight = model.weights_of(block.value[is_liked])
    positives = als.Positives(indptr, block.item[is_liked], weight)
    sums = np.append(0, np.cumsum(weight, dtype=np.float64))
    penalties = model.penalties_of(np.diff(sums[indptr]), state.n_items).astype(np.float32)
    factors, losses = (
        np.zeros((len(block.users), model.factors), np.float32),
        np.zeros(len(block.users)),
    )
    penalty = np.float32(model.alpha0) * state.spectrum, penalties
    span, limits = (0, len(block.users)), (LAST_STEPS, LAST_GAIN)
    tables = factors, als.whole_vectors(state.item_factors)
    work = als.new_work(model.factors)
    als.solve(positives, span, tables, penalty, limits, losses, work)
    factors[np.diff(indptr) == 0] = 0
    return positives, factors, float(losses.sum())


def _round_sums(table: ClusterRatings, state: ListState) -> _RoundSums:
    n_items, width = state.item_factors.shape
    shared = table.cluster.session.sparkContext.broadcast(state)

    def sums(block: UserBlock) -> Doubles:
        now: ListState = shared.value
        positives, factors, loss = solve_likers(block, now)
        item, weight = positives.indices, positives.weight.astype(np.float64)
        row = np.repeat(np.arange(len(block.users)), np.diff(positives.indptr))
        x = factors.astype(np.float64)
        score = np.zeros(len(item))
        for f in range(width):
            score += x[row, f] * now.item_factors[item, f]
        out = np.zeros((n_items + 2 * width + 2, width))
        for f in range(width):
            values = weight * (1 - score) * x[row, f]
            out[:n_items, f] = np.bincount(item, values, minlength=n_items)
        totals = np.bincount(row, weight, minlength=len(x))
        out[n_items : n_items + width] = x.T @ x
        out[n_items + width : n_items + 2 * width] = (x.T * totals) @ x
        out[-2], out[-1, 0] = x.sum(axis=0), loss
        return out

    total = item_sums(table, sums, n_items + 2 * width + 2, width)
    shared.unpersist()
    parts = np.split(total, [n_items, n_items + width, n_items + 2 * width])
    return _RoundSums(parts[0], parts[1], parts[2], parts[3][0], float(parts[3][1, 0]))


def _improved(state: ListState, sums: _RoundSums, n: Doubles, likes: _Likes) -> Floats:
    """The item factors after the step of each item; see the module.

    Args:
        n: the sum of the weights of the positives of each item, (I,).
    """
    model, items = state.model, state.item_factors.astype(np.float64)
    penalty = model.penalties_of(n, likes.n_users)  # (I,)
    everybody = model.alpha0 * sums.gram
    right = sums.items - items @ everybody - penalty[:, None] * items
    form = sums.moment / max(n.sum(), 1e-30)
    steps = np.zeros_like(items)
    liked, axes = np.flatnonzero(n), np.arange(items.shape[1])
    with one_blas_thread():
        for first in range(0, len(liked), ITEMS_AT_ONCE):
            rows = liked[first : first + ITEMS_AT_ONCE]
            hessian = n[rows, None, None] * form + everybody  # (n, F, F)
            hessian[:, axes, axes] += penalty[rows, None]
            steps[rows] = np.linalg.solve(hessian, right[rows, :, None])[:, :, 0]
    return (items + steps).astype(np.float32)
