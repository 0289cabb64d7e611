"""Neighborhood models: item-knn predicts from similar items, user-knn from similar users.

    item-knn:  stars = mean + b_u + b_i + sum s^a (r - mean - b_u - b_j) / (sum s^a + damping)
    user-knn:  stars = mean + b_u + b_i + sum s^a (r_v - mean - b_v - b_i) / (sum s^a +
    damping)

The sum is over the k items j with the highest positive similarity s to i among those that u
rated, or over the k users v most similar to u among those who rated i (Koren, "Factor in the
neighbors: scalable and accurate collaborative filtering", 2010, section 2.2). The biases are
those of `baseline`; without neighbors they are the prediction. a is the amplification (Breese,
Heckerman, Kadie, "Empirical analysis of predictive algorithms for collaborative filtering",
1998).

The setting `similarity` selects the similarity of two items (or users) with the values x and y
by (or of) the same users (or items):

    adjusted-cosine     sum x y / (|x| |y| + shrinkage), where x and y are the residuals of the
                        biases. The norms include all ratings of each, so that few common
                        ratings give a low similarity. The shrinkage is in ratings. (After
                        Sarwar, Karypis, Konstan, Riedl, "Item-based collaborative filtering
                        recommendation algorithms", 2001, who subtract only the user mean and
                        use only common ratings in the norms.)
    cosine              sum x y / (|x| |y|), where x and y are the common ratings
    pearson             the same, after subtracting the means of the common ratings
    pearson-baseline    cosine of the residuals of the biases

The last three follow Surprise (Hug, "Surprise: a Python library for recommender systems",
2020). With n common ratings they are multiplied by (n - 1) / (n - 1 + shrinkage), which
Surprise does for pearson-baseline only: shrinkage=0 gives its cosine and pearson, and
amplification=1, damping=0 its means.

With a `half_life`, a rating of age D days has the weight w = 2^(-D / half_life) (`recency.py`).
In predictions, s^a is multiplied by the weight of the averaged rating. In similarities, the
values x and y of a rating are multiplied by the root of its weight, so that a product of two
ratings counts by the geometric mean of their weights. In means and biases, each rating counts by
its weight. A new person's ratings weigh 1. Pearson's correlation has no half-life.

For implicit feedback, the score is the sum of s^a over the k nearest neighbors, where s is the
cosine of the two sets, whatever `similarity` is (Karypis, "Evaluation of item-based top-n
recommendation algorithms", 2001). A thousandth of the share of users who have an item orders
the items without neighbors.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Indices
from matinee.data.ratings import Ratings
from matinee.errors import SettingError
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.biases import Biases, shrunken_biases, typical_bias
from matinee.models.hyperparameters import hyper, learned
from matinee.models.recency import (
    half_life_setting,
    mean_of,
    recency_weights,
    sums_of,
)
from matinee.threads import available_cores, workers

if TYPE_CHECKING:
    from matinee.kernels.knn import Measure, Rule


SIMILARITIES = ("adjusted-cosine", "cosine", "pearson", "pearson-baseline")
USERS_PER_BLOCK = 64


@dataclass(kw_only=True, eq=False)
class Neighborhood(Recommender):
    """The common part of both models: biases, and people represented by their ratings.

    The vector of a profile is (1 + I,): the person's bias, then the residual of each rating,
    NaN for unrated items. With a half-life, it is (1 + 2 I,): then the weight of each rating
    follows, 1 for unrated items.
    """

    similarity: str = hyper("adjusted-cosine", choices=SIMILARITIES, help="measure of similarity")
    k: int = hyper(
        30, low=1, high=100_000, search=(10, 100), help="number of neighbors in a prediction"
    )
    amplification: float = hyper(
        1.5,
        low=0.1,
        high=10,
        search=(1, 3),
        help="exponent of the similarity, which favors the nearest neighbors",
    )
    shrinkage: float = hyper(
        10.0,
        low=0,
        high=10_000,
        search=(1, 100),
        help="shrinkage of similarities with few common ratings; more shrinks more",
    )
    damping: float = hyper(
        0.05,
        low=0,
        high=1000,
        search=(0.01, 1),
        help="weight of the prediction by biases alone, next to those of the neighbors",
    )
    min_overlap: int = hyper(
        1, low=1, high=100_000, help="number of common ratings below which a similarity is 0"
    )
    bias_shrinkage: float = hyper(
        5.0,
        low=0,
        high=1000,
        search=(1, 20),
        help="pseudo-ratings at the mean added to each user and item",
    )
    half_life: float = half_life_setting()

    global_mean_: NDArray[np.float64] = learned(dtype=np.float64)
    user_bias_: Floats = learned("U", dtype=np.float32)
    item_bias_: Floats = learned("I", dtype=np.float32)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.half_life and self.similarity == "pearson":
            raise SettingError(
                f"{self.name}: half_life needs another similarity than pearson, such as "
                "adjusted-cosine or pearson-baseline."
            )

    # -- learning ------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        weight = recency_weights(train, self.half_life, self.name)  # (N,)
        if self.has_stars:
            self.global_mean_ = mean_of(train.value, weight)
            residual = train.value - self.global_mean_
            user_bias, item_bias = shrunken_biases(
                train, residual, self.bias_shrinkage, self.bias_shrinkage, 10, weight
            )
        else:
            self.global_mean_, user_bias = np.array(0.0), np.zeros(train.n_users)
            counts = sums_of(weight, train.item_index, train.n_items)
            item_bias = 0.001 * counts / max(1, int(np.count_nonzero(train.user_counts)))
        self.user_bias_ = user_bias.astype(np.float32)
        self.item_bias_ = item_bias.astype(np.float32)
        user_offset, item_offset = self._offsets()
        centered_value = self._values_of(train.value) - user_offset[train.user_index]
        self._learn(train, centered_value - item_offset[train.item_index], weight, options)

    @abstractmethod
    def _learn(
        self, train: Ratings, residual: Floats, weight: Floats | None, options: FitOptions
    ) -> None:
        """Sets all arrays except biases.

        Args:
            residual, weight: (N,), by row of `train`; a weight of None means 1.
        """

    def _offsets(self) -> tuple[Floats, Floats]:
        """The user and item offsets, (U,) and (I,), subtracted from ratings before
        averaging."""
        return np.float32(self.global_mean_) + self.user_bias_, self.item_bias_ * np.float32(
            self.has_stars
        )

    def _values_of(self, value: Floats) -> Floats:
        """The ratings; for implicit feedback 1 for each item, whatever its count."""
        if self.has_stars:
            return value
        return np.ones_like(value)

    @property
    def _compares_ratings(self) -> bool:
        """Whether similarities compare ratings rather than residuals."""
        return self.has_stars and self.similarity in ("cosine", "pearson")

    def _compared(self, train: Ratings, residual: Floats, weight: Floats | None) -> Floats:
        """The values that similarities compare, (N,), times the roots of their weights."""
        compared = train.value if self._compares_ratings else residual
        if weight is None:
            return compared
        return compared * np.sqrt(weight)

    def _measure(self, lengths: Floats, n_ratings: float) -> "Measure":
        """The similarity measure for rows with these norms.

        Args:
            n_ratings: the sum of the weights of all ratings.
        """
        from matinee.kernels.knn import Measure

        co_rated = self.has_stars and self.similarity != "adjusted-cosine"
        shrinkage = self.shrinkage
        if not co_rated:  # in ratings of mean square size
            squares = float(np.sum(lengths.astype(np.float64) ** 2))
            shrinkage *= squares / max(1 if self.half_life == 0 else 1e-9, n_ratings)
        return Measure(co_rated, self.similarity == "pearson", shrinkage, self.min_overlap)

    def _rule(self) -> "Rule":
        from matinee.kernels.knn import Rule

        return Rule(self.k, self.amplification, self.damping, self.has_stars)

    # -- people --------------------------------------------------------------------------

    def _user_vectors(self, user_index: Indices) -> Floats:
        row, item, value = self._rated_by(user_index)
        user_offset, item_offset = self._offsets()
        vectors = np.full((len(user_index), 1 + len(self.items_)), np.nan, np.float32)
        vectors[:, 0] = self.user_bias_[user_index]
        vectors[row, 1 + item] = (
            self._values_of(value) - user_offset[user_index][row] - item_offset[item]
        )
        return self._with_weights(
            vectors, row, item, self.history_.weights(user_index, self.half_life)
        )

    def _with_weights(
        self,
        vectors: Floats,
        row: NDArray[np.integer],
        item: NDArray[np.integer],
        weight: Floats | None,
    ) -> Floats:
        """The vectors, (B, 1 + I), followed by the weights of ratings if there is a half-life.

        Args:
            row, item, weight: the vector, the item and the weight of each rating, (n,); None
                for weights of 1.
        """
        if self.half_life == 0:
            return vectors
        weights = np.ones((len(vectors), len(self.items_)), np.float32)
        if weight is not None:
            weights[row, item] = weight
        return np.concatenate([vectors, weights], axis=1)

    def _weights(self, vectors: Floats) -> Floats | None:
        """The weights in some vectors, (B, I); None without a half-life."""
        if self.half_life == 0:
            return None
        return np.ascontiguousarray(vectors[:, 1 + len(self.items_) :])

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        return self._vector(item_index, value, None)

    def _vector(
        self, item_index: NDArray[np.int32], value: Floats, weight: Floats | None
    ) -> Floats:
        """`_fold_in` with a weight for each rating, (n,)."""
        vector = np.full(1 + len(self.items_), np.nan, np.float32)
        if self.has_stars:
            left = value - self.global_mean_ - self.item_bias_[item_index]  # (n,)
            n = len(value)
            if weight is not None:
                left, n = weight * left, weight.sum()
            vector[0] = left.sum() / max(n + self.bias_shrinkage, 1e-9)
            vector[1 + item_index] = (
                value - (np.float32(self.global_mean_) + vector[0]) - self.item_bias_[item_index]
            )
        else:
            vector[0], vector[1 + item_index] = 0, 1
        row = np.zeros(len(item_index), np.int64)
        return np.asarray(self._with_weights(vector[None], row, item_index, weight)[0])

    # -- scores --------------------------------------------------------------------------

    def _predict_all(self, vectors: Floats) -> Floats:
        fixed = np.float32(self.global_mean_) + self.item_bias_  # (I,)
        return np.asarray(vectors[:, :1] + fixed + self._for_all(vectors))

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        zero = np.float32(0)  # at index -1, for unknown users and items
        users, items = np.append(self.user_bias_, zero), np.append(self.item_bias_, zero)
        out = np.float32(self.global_mean_) + users[user_index] + items[item_index]
        rows = np.flatnonzero((user_index >= 0) & (item_index >= 0))
        rows = rows[np.argsort(user_index[rows], kind="stable")]
        people, starts = np.unique(user_index[rows], return_index=True)
        starts = np.append(starts, len(rows))
        for begin in range(0, len(people), USERS_PER_BLOCK):
            block = people[begin : begin + USERS_PER_BLOCK]
            bounds = starts[begin : begin + len(block) + 1]
            here = rows[bounds[0] : bounds[-1]]
            out[here] += self._for_pairs(
                self._user_vectors(block), bounds - bounds[0], item_index[here]
            )
        return np.asarray(out)

    @abstractmethod
    def _kernels(self) -> "tuple[Callable[..., None], Callable[..., None], tuple[object, ...]]":
        """The kernels for all items and for pairs, and the arguments of both after the
        values."""

    def _values(self, vectors: Floats) -> Floats:
        """The values for the kernels, (B, D) -> (B, I), NaN for unrated items."""
        return np.ascontiguousarray(vectors[:, 1 : 1 + len(self.items_)])

    @abstractmethod
    def _importance(self, vectors: Floats, rows: slice) -> tuple[object, ...]:
        """The last argument of the kernels for some people; none without a half-life."""

    def _for_all(self, vectors: Floats) -> Floats:
        """The contribution of the neighbors to the scores of all items, (B, D) -> (B, I)."""
        for_all, _, arguments = self._kernels()
        values = self._values(vectors)
        out = np.empty_like(values)

        def some_people(rows: slice) -> None:
            for_all(values[rows], *arguments, out[rows], *self._importance(vectors, rows))

        _spread(some_people, len(values))
        return out

    def _for_pairs(
        self, vectors: Floats, starts: NDArray[np.int64], items: NDArray[np.int32]
    ) -> Floats:
        """The same for the items at starts[b]:starts[b + 1] of each person b; (n,) as
        `items`."""
        _, for_pairs, arguments = self._kernels()
        values = self._values(vectors)
        out = np.empty(len(items), np.float32)

        def some_people(rows: slice) -> None:
            pairs = starts[rows.start : rows.stop + 1], items
            importance = self._importance(vectors, rows)
            for_pairs(values[rows], pairs, *arguments, out, *importance)

        _spread(some_people, len(values))
        return out

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        return [self._parts(profile, item) for item in item_index.tolist()]

    @abstractmethod
    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        """The attribution of the score of one item."""

    def learned_biases(self) -> Biases:
        """The fitted mean and biases."""
        return Biases(float(self.global_mean_), self.user_bias_, self.item_bias_)

    def _parts_with(
        self, profile: UserState, item_index: int, ratings: Doubles, is_exact: bool
    ) -> Attribution:
        """The attribution of a score, from the contributions of the ratings, (n,)."""
        user_bias, item_bias = float(profile.vector[0]), float(self.item_bias_[item_index])
        typical = typical_bias(self.history_, self.user_bias_, user_bias)
        without = self._without(profile, item_index)
        mean = float(self.global_mean_)
        return Attribution(
            mean, user_bias - typical, item_bias + typical, ratings, without, is_exact
        )

    def _without(self, profile: UserState, item_index: int) -> NDArray[np.float64]:
        """The score of an item without each of the ratings, (n,), by folding in the others."""
        n, out = len(profile.value), []
        for begin in range(0, n, USERS_PER_BLOCK):
            block = []
            for left_out in range(begin, min(begin + USERS_PER_BLOCK, n)):
                items = np.delete(profile.item_index, left_out)
                value, weight = np.delete(profile.value, left_out), None
                if self.half_life:
                    weight = profile.vector[1 + len(self.items_) + items]
                block.append(self._vector(items, value, weight))
            vectors = np.stack(block)
            asked = np.full(len(vectors), item_index, np.int32)
            starts = np.arange(len(vectors) + 1)
            out.append(vectors[:, 0] + self._for_pairs(vectors, starts, asked))
        fixed = float(self.global_mean_) + float(self.item_bias_[item_index])
        return fixed + np.concatenate([*out, np.empty(0)])


def norms(row: NDArray[np.int32], value: Floats, n_rows: int) -> Floats:
    """The root of the sum of the squared values of each row, (n_rows,)."""
    return np.sqrt(np.bincount(row, value.astype(np.float64) ** 2, minlength=n_rows)).astype(
        np.float32
    )


def _spread(function: Callable[[slice], object], n: int) -> None:
    """Calls a function, which releases the interpreter lock, for slices of n; parallel from
    16."""
    n_parts = 4 * available_cores() if n >= 16 else 1
    ends = np.linspace(0, n, n_parts + 1).astype(int).tolist()
    with workers(None if n_parts > 1 else 1) as run:
        run(function, [(slice(first, stop),) for first, stop in pairwise(ends)])
