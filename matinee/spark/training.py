"""Training on a cluster: the items' side by MLlib and rounds over the users, then the users' side.

The result is a model as any other. Without users, for whom there is no room if they are a billion,
everybody is served by their ratings (`fold_in`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from matinee._types import Doubles, Floats, Longs
from matinee.data.ratings import Ratings
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError, UnsupportedError
from matinee.models.base import FitOptions, Recommender
from matinee.models.declarations import restore, state_of
from matinee.models.ease import EASE, has_memory
from matinee.models.genre_taste import ItemContent, content_of, genre_tastes
from matinee.models.history import History
from matinee.models.hybrid import MOST_ITEMS, MOST_WEIGHED, Hybrid
from matinee.models.ials import ImplicitALS
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.models.members import Stages, vector_ends
from matinee.progress import Progress
from matinee.spark.encoding import ClusterRatings, item_counts
from matinee.spark.lists import ListState, learn_lists, solve_likers
from matinee.spark.people import MATRIX, UserBlock, matrix_of, matrix_rows, over_users
from matinee.spark.stars import StarState, learn_stars, solve_users

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MOST_RATINGS, MOST_USERS = 1_000_000_000, 100_000_000
"""What the driver collects, and a model file holds."""
MOST_OF_EASE = 20_000_000
"""The ratings that `ease` learns from, on the driver: all, or those of some users."""
COLUMNS = ("user", "item", "value")


@dataclass(frozen=True)
class Saved:
    """What a model keeps of its users: their vectors and ids, and who rated what."""

    users: bool = True
    history: bool = True

    def check(self, table: ClusterRatings) -> None:
        """Raises UnsupportedError, before the training, if it is more than a file can hold."""
        if self.users and table.n_users > MOST_USERS:
            raise UnsupportedError(
                f"A model file holds at most {MOST_USERS:,} users, and the table has "
                f"{table.n_users:,}. Give --no-users: everybody is then served by their ratings."
            )
        if self.users and self.history and table.n_ratings > MOST_RATINGS:
            raise UnsupportedError(
                f"A model file holds at most {MOST_RATINGS:,} ratings, and the table has "
                f"{table.n_ratings:,}. Give --no-history, or --no-users."
            )


def train(
    model: Recommender,
    table: ClusterRatings,
    saved: Saved = Saved(),
    progress: Progress | None = None,
) -> Recommender:
    """Fits a model of `settings.spark_model` to a table, and returns it.

    Raises:
        UnsupportedError: the model needs ratings, which the table has not, or a file has no room.
    """
    if model.capabilities.needs_stars and not table.scale.has_stars:
        raise UnsupportedError(
            f"{model.name} needs ratings, but this table holds implicit feedback; use ials."
        )
    saved.check(table)
    counts, sums = item_counts(table)
    _fit(model, _Facts(table, counts, sums, saved), progress)
    return model


class _Facts:
    """What one training knows of the table."""

    def __init__(self, table: ClusterRatings, counts: Longs, sums: Doubles, saved: Saved) -> None:
        self.table, self.counts, self.sums, self.saved = table, counts, sums, saved
        self.n_users = table.n_users if saved.users else 0
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        self.means = means.astype(np.float32)

    def users(self) -> Vocabulary:
        """The users of the model."""
        if self.saved.users:
            return self.table.user_vocabulary()
        return Vocabulary([], "user")

    @cached_property
    def history(self) -> History:
        """The training ratings as the model keeps them, with the features of the items; collected
        when they are asked for, after the training of the first model that keeps them."""
        table, users = self.table, self.users()
        if self.saved.users and self.saved.history:
            ratings = ratings_of(table, table.frame, users)
            return History.from_ratings(ratings, times=False, features=True)
        nothing = np.empty(0, np.int32), np.empty(0, np.float32)
        indptr = np.zeros(len(users) + 1, np.int64)
        return History(users, table.items, table.scale, indptr, *nothing)

    def rows_of_users(
        self, function: Callable[[UserBlock], Iterable[pa.Table]], width: int
    ) -> Floats:
        """The matrix, (U, D), that a function gives for all users; (0, D) without users."""
        if not self.saved.users:
            return np.zeros((0, width), np.float32)
        frame = over_users(self.table.frame.select(*COLUMNS), function, MATRIX)
        return matrix_of(frame, self.n_users, width)


def ratings_of(table: ClusterRatings, frame: "DataFrame", users: Vocabulary | None) -> Ratings:
    """Rows on the driver.

    Args:
        users: None for those that have rows, by their indices.
    """
    columns = [column.to_numpy() for column in frame.select(*COLUMNS).toArrow().columns]
    user, item, value = columns
    if users is None:
        users, user = Vocabulary.encode(user.astype(np.int64), "user")
    order = np.lexsort((item, user))
    return Ratings(
        users,
        table.items,
        user[order].astype(np.int32),
        item[order].astype(np.int32),
        value[order].astype(np.float32),
        None,
        table.scale,
        None,
        table.item_features,
    )


def _some_users(table: ClusterRatings, most: int, seed: int) -> Ratings:
    """The ratings of some users, drawn by their indices, at most about `most`."""
    from pyspark.sql import functions as f

    frame = table.frame
    if table.n_ratings > most:
        share = most / table.n_ratings
        drawn = f.pmod(f.xxhash64("user", f.lit(seed)), f.lit(1_000_000))
        frame = frame.filter(drawn < int(1_000_000 * share))
    return ratings_of(table, frame, None)


# -- learning ----------------------------------------------------------------------------


def _fit(model: Recommender, facts: _Facts, progress: Progress | None) -> None:
    """Learns on the cluster what `fit` learns on one machine, and makes the model a fitted one."""
    members: dict[str, Recommender] = {}
    if isinstance(model, MatrixFactorization):
        _learn_stars(model, facts, progress)
    elif isinstance(model, ImplicitALS):
        _learn_lists(model, facts, progress)
    elif isinstance(model, EASE):
        model.fit(_some_users(facts.table, MOST_OF_EASE, model.seed))
    elif isinstance(model, Hybrid):
        members = _learn_hybrid(model, facts, progress)
    else:
        raise UnsupportedError(f"On Spark, matinee does not train {model.name}.")
    model.item_counts_, model.item_means_ = facts.counts, facts.means
    history = facts.history
    if not model.capabilities.uses_features:
        history = replace(history, item_features=None)
    restore(model, history, state_of(model), members)


def _learn_stars(model: MatrixFactorization, facts: _Facts, progress: Progress | None) -> None:
    state = learn_stars(model, facts.table, facts.counts, progress)
    shared = facts.table.cluster.session.sparkContext.broadcast(state)

    def vectors(block: UserBlock) -> list[pa.Table]:
        now: StarState = shared.value
        found = solve_users(block, now)
        rows = np.column_stack([found[:, -1], found[:, :-1] @ now.axes.T])
        return [matrix_rows(block.users, rows)]

    rows = facts.rows_of_users(vectors, model.factors + 1)
    deviation = np.float32(state.deviation)
    model.user_bias_ = rows[:, 0] * deviation
    model.user_factors_ = np.ascontiguousarray(rows[:, 1:]) * np.sqrt(deviation)


def _learn_lists(model: ImplicitALS, facts: _Facts, progress: Progress | None) -> None:
    state = learn_lists(model, facts.table, progress)
    shared = facts.table.cluster.session.sparkContext.broadcast(state)

    def vectors(block: UserBlock) -> list[pa.Table]:
        now: ListState = shared.value
        positives, factors, _ = solve_likers(block, now)
        has_likes = np.diff(positives.indptr) > 0
        return [matrix_rows(block.users[has_likes], factors[has_likes])]

    rows = facts.rows_of_users(vectors, model.factors)
    rows[~rows.any(axis=1)] = model.average_
    model.user_factors_ = rows


# -- hybrid ------------------------------------------------------------------------------


def _learn_hybrid(
    model: Hybrid, facts: _Facts, progress: Progress | None
) -> dict[str, Recommender]:
    """Sets the arrays of a hybrid, and returns its members, those of weight 0 unfitted.

    The weights of the members are learned on this machine from the ratings of some users, as those
    of any table, and so is `ease`, whose sums over users a sample estimates.
    """
    table, names = facts.table, model.list_names()
    is_large = len(table.items) > MOST_ITEMS or not has_memory(len(table.items))
    fitting = tuple(name for name in names if not (is_large and name.startswith(EASE.name)))
    fitting = fitting or names
    sample = _some_users(table, MOST_WEIGHED, model.seed)
    if len(sample) == 0:
        raise DataError("The table has too few users to draw some of them.")
    stages = Stages(FitOptions(progress=progress), 2 * len(names) + 1)
    weights = model.learn_weights(sample, fitting, stages)
    weight_of = dict(zip(fitting, weights.tolist(), strict=True))
    model.weights_ = np.array([weight_of.get(name, 0.0) for name in names])
    weight_of[model.stars] = float(table.scale.has_stars)  # the member is there for stars alone
    members, fitted = model.unfitted_members(), []
    for name, member in members.items():
        if weight_of.get(name):
            _fit(member, facts, stages.skip(name))
            fitted.append(member)
    mean = float(facts.sums.sum() / facts.counts.sum())
    model.global_mean_ = np.array(mean)
    content = content_of(table.item_features, facts.counts, facts.sums - mean * facts.counts)
    model.features_, model.item_bias_ = content
    model.genre_tastes_ = _tastes(content, mean, facts)
    model.ends_ = vector_ends(fitted)
    return members


def _tastes(content: ItemContent, mean: float, facts: _Facts) -> Floats:
    """What each user thinks of the genres, (U, G)."""
    width = content.features.shape[1]
    if width == 0:
        return np.zeros((facts.n_users, 0), np.float32)
    shared = facts.table.cluster.session.sparkContext.broadcast(content)

    def vectors(block: UserBlock) -> list[pa.Table]:
        rows = genre_tastes(shared.value, block.indptr, block.item, block.value, mean)
        return [matrix_rows(block.users, rows)]

    return facts.rows_of_users(vectors, width)
