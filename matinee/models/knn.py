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

For implicit feedback, the score is the sum of s^a over the k nearest neighbors, where s is the
cosine of the two sets, whatever `similarity` is (Karypis, "Evaluation of item-based top-n
recommendation algorithms", 2001). A thousandth of the share of users who have an item orders
the items without neighbors.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.ratings import Grouped, Ratings
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.biases import Biases, shrunken_biases, typical_bias
from matinee.models.hyperparameters import hyper, learned, redeclared
from matinee.models.interface import Capabilities
from matinee.threads import available_cores, workers

if TYPE_CHECKING:
    from matinee.kernels.knn import Measure, People, Rule


SIMILARITIES = ("adjusted-cosine", "cosine", "pearson", "pearson-baseline")
USERS_PER_BLOCK = 64


@dataclass(kw_only=True, eq=False)
class Neighborhood(Recommender):
    """The common part of both models: biases, and people represented by their ratings.

    The vector of a profile is (1 + I,): the person's bias, then the residual of each rating,
    NaN for unrated items.
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

    global_mean_: NDArray[np.float64] = learned(dtype=np.float64)
    user_bias_: Floats = learned("U", dtype=np.float32)
    item_bias_: Floats = learned("I", dtype=np.float32)

    # -- learning ------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        if self.has_stars:
            self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
            residual = train.value - self.global_mean_
            user_bias, item_bias = shrunken_biases(
                train, residual, self.bias_shrinkage, self.bias_shrinkage, 10
            )
        else:
            self.global_mean_, user_bias = np.array(0.0), np.zeros(train.n_users)
            item_bias = 0.001 * train.item_counts / max(1, int(np.count_nonzero(train.user_counts)))
        self.user_bias_ = user_bias.astype(np.float32)
        self.item_bias_ = item_bias.astype(np.float32)
        user_offset, item_offset = self._offsets()
        centered_value = self._values_of(train.value) - user_offset[train.user_index]
        self._learn(train, centered_value - item_offset[train.item_index], options)

    @abstractmethod
    def _learn(self, train: Ratings, residual: Floats, options: FitOptions) -> None:
        """Sets all arrays except biases. The residuals, (N,), are by row of `train`."""

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

    def _measure(self, lengths: Floats, n_ratings: int) -> "Measure":
        """The similarity measure for rows with these norms and `n_ratings` ratings in all."""
        from matinee.kernels.knn import Measure

        co_rated = self.has_stars and self.similarity != "adjusted-cosine"
        shrinkage = self.shrinkage
        if not co_rated:  # in ratings of mean square size
            squares = float(np.sum(lengths.astype(np.float64) ** 2))
            shrinkage *= squares / max(1, n_ratings)
        return Measure(co_rated, self.similarity == "pearson", shrinkage, self.min_overlap)

    def _rule(self) -> "Rule":
        from matinee.kernels.knn import Rule

        return Rule(self.k, self.amplification, self.damping, self.has_stars)

    # -- people --------------------------------------------------------------------------

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        row, item, value = self._rated_by(user_index)
        user_offset, item_offset = self._offsets()
        vectors = np.full((len(user_index), 1 + len(self.items_)), np.nan, np.float32)
        vectors[:, 0] = self.user_bias_[user_index]
        vectors[row, 1 + item] = (
            self._values_of(value) - user_offset[user_index][row] - item_offset[item]
        )
        return vectors

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        vector = np.full(1 + len(self.items_), np.nan, np.float32)
        if self.has_stars:
            left = value - self.global_mean_ - self.item_bias_[item_index]  # (n,)
            vector[0] = left.sum() / max(len(value) + self.bias_shrinkage, 1e-9)
            vector[1 + item_index] = (
                value - (np.float32(self.global_mean_) + vector[0]) - self.item_bias_[item_index]
            )
        else:
            vector[0], vector[1 + item_index] = 0, 1
        return vector

    # -- scores --------------------------------------------------------------------------

    def _scores(self, vectors: Floats) -> Floats:
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
    def _kernels(self) -> "tuple[Callable[..., None], Callable[..., None], tuple[Any, ...]]":
        """The kernels for all items and for pairs, and the arguments of both after the
        values."""

    def _values(self, vectors: Floats) -> Floats:
        """The values for the kernels, (B, 1 + I) -> (B, I), NaN for unrated items."""
        return np.ascontiguousarray(vectors[:, 1:])

    def _for_all(self, vectors: Floats) -> Floats:
        """The contribution of the neighbors to the scores of all items, (B, 1 + I) -> (B,
        I)."""
        for_all, _, arguments = self._kernels()
        values = self._values(vectors)
        out = np.empty_like(values)

        def some_people(rows: slice) -> None:
            for_all(values[rows], *arguments, out[rows])

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
            for_pairs(values[rows], pairs, *arguments, out)

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
                block.append(self._fold_in(items, np.delete(profile.value, left_out)))
            vectors = np.stack(block)
            asked = np.full(len(vectors), item_index, np.int32)
            starts = np.arange(len(vectors) + 1)
            out.append(vectors[:, 0] + self._for_pairs(vectors, starts, asked))
        fixed = float(self.global_mean_) + float(self.item_bias_[item_index])
        return fixed + np.concatenate([*out, np.empty(0)])


def _lengths(row: NDArray[np.int32], value: Floats, n_rows: int) -> Floats:
    """The root of the sum of the squared values of each row, (n_rows,)."""
    return np.sqrt(np.bincount(row, value.astype(np.float64) ** 2, minlength=n_rows)).astype(
        np.float32
    )


def _spread(function: Callable[[slice], Any], n: int) -> None:
    """Calls a function, which releases the interpreter lock, for slices of n; parallel from
    16."""
    n_parts = 4 * available_cores() if n >= 16 else 1
    ends = np.linspace(0, n, n_parts + 1).astype(int).tolist()
    with workers(None if n_parts > 1 else 1) as run:
        run(function, [(slice(first, stop),) for first, stop in pairwise(ends)])


@dataclass(kw_only=True, eq=False)
class ItemKNN(Neighborhood):
    """Predicts from the person's ratings of the most similar items, including the item itself.

    `similar` uses the same similarities, and finds only stored neighbors.
    """

    name: ClassVar[str] = "item-knn"
    summary: ClassVar[str] = (
        "It finds films that the same people rated alike, and predicts stars from the person's "
        "ratings of those."
    )

    kept: int = hyper(
        500,
        low=1,
        high=1_000_000,
        search=(100, 1000),
        help="stored neighbors of each item; 8 bytes each",
    )

    neighbours_: NDArray[np.int32] = learned("I", "M", dtype=np.int32, index_of="items")
    """The nearest neighbors of each item, nearest first, (I, M)."""
    weights_: Floats = learned("I", "M", dtype=np.float32)
    """Their similarities to the power of the amplification, (I, M); 0 where there are
    fewer."""

    def _learn(self, train: Ratings, residual: Floats, options: FitOptions) -> None:
        from matinee.kernels import knn

        compared = train.value if self._compares_ratings else residual
        lengths = _lengths(train.item_index, compared, train.n_items)

        def rows(group: Grouped) -> knn.Rows:
            return knn.Rows(group.indptr, group.indices, compared[group.row])

        shape = train.n_items, min(self.kept, train.n_items)
        kept = np.empty(shape, np.int32), np.empty(shape, np.float32)
        both = rows(train.by_item), rows(train.by_user)
        measure = self._measure(lengths, len(train))
        with workers(options.n_threads) as run:
            n_parts = min(train.n_items, 32)
            targets = [np.arange(part, train.n_items, n_parts) for part in range(n_parts)]
            run(knn.keep_nearest, [(some, *both, lengths, measure, kept) for some in targets])
        self.neighbours_, self.weights_ = kept[0], kept[1] ** np.float32(self.amplification)

    def _kernels(self) -> tuple[Callable[..., None], Callable[..., None], tuple[Any, ...]]:
        from matinee.kernels import knn

        arguments = (self.neighbours_, self.weights_), self._rule()
        return knn.items_for_all, knn.items_for_pairs, arguments

    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        values, neighbors = profile.vector[1:], self.neighbours_[item_index]
        is_used = (self.weights_[item_index] > 0) & ~np.isnan(values[neighbors])
        near = np.flatnonzero(is_used)[: self.k]
        weights = self.weights_[item_index, near].astype(np.float64)
        adds = np.zeros(len(values))
        adds[neighbors[near]] = weights * values[neighbors[near]]
        if self.has_stars:
            adds /= max(weights.sum() + self.damping, 1e-30)
        return self._parts_with(profile, item_index, adds[profile.item_index], is_exact=True)

    def _similarity(self, item_index: int) -> Floats:
        near = self.weights_[item_index] > 0
        out = np.full(len(self.items_), np.nan, np.float32)
        similarity = self.weights_[item_index, near] ** (1 / self.amplification)
        out[self.neighbours_[item_index, near]] = similarity
        out[item_index] = np.nan
        return out


@dataclass(kw_only=True, eq=False)
class UserKNN(Neighborhood):
    """Predicts from the ratings of the most similar users. A known user is their own neighbor.

    Similarities are computed on request, from all ratings of the items that the person rated.
    Scores of all items also need all ratings of all similar users.
    """

    name: ClassVar[str] = "user-knn"
    summary: ClassVar[str] = (
        "It finds people whose ratings resemble the person's own, and predicts stars from their "
        "ratings of the film."
    )
    capabilities = Capabilities(needs_history=True)

    k: int = redeclared(Neighborhood, "k", 40)
    amplification: float = redeclared(Neighborhood, "amplification", 1.25)
    shrinkage: float = redeclared(Neighborhood, "shrinkage", 80.0, search=(10, 300))
    damping: float = redeclared(Neighborhood, "damping", 0.1)

    lengths_: Floats = learned("U", dtype=np.float32, least=0)
    """The norm of each user's compared values, (U,)."""
    rater_starts_: NDArray[np.int64] = learned("I+1", dtype=np.int64, indptr_of="N")
    raters_: NDArray[np.int32] = learned("N", dtype=np.int32, index_of="users")
    rater_values_: Floats = learned("N", dtype=np.float32)
    """The raters of each item and the residuals of their ratings, (I + 1,), (N,), (N,)."""

    def _learn(self, train: Ratings, residual: Floats, options: FitOptions) -> None:
        del options  # sorting takes no time
        compared = train.value if self._compares_ratings else residual
        self.lengths_ = _lengths(train.user_index, compared, train.n_users)
        self.rater_starts_, self.raters_, _, row = train.by_item
        self.rater_values_ = residual[row]

    def _kernels(self) -> tuple[Callable[..., None], Callable[..., None], tuple[Any, ...]]:
        from matinee.kernels import knn

        return knn.people_for_all, knn.people_for_pairs, (*self._people(), self._rule())

    def _people(self) -> tuple["People", "Measure"]:
        """All users, for the kernels, and the similarity measure."""
        from matinee.kernels.knn import People, Rows

        user_offset, item_offset = self._offsets()
        compared = self.rater_values_
        if self._compares_ratings:
            item_offsets = np.repeat(item_offset, np.diff(self.rater_starts_))
            compared = compared + user_offset[self.raters_] + item_offsets
        raters = Rows(self.rater_starts_, self.raters_, self.rater_values_)
        values = self._values_of(self.history_.value)
        given = Rows(self.history_.indptr, self.history_.item_index, values)
        people = People(raters, compared, self.lengths_, given, (user_offset, item_offset))
        return people, self._measure(self.lengths_, len(self.raters_))

    def _values(self, vectors: Floats) -> Floats:
        values = vectors[:, 1:]
        if self._compares_ratings:
            values = values + (np.float32(self.global_mean_) + vectors[:, :1]) + self.item_bias_
        return np.ascontiguousarray(values)

    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        """Splits the contribution of each neighbor by how each rating adds to the
        similarity."""
        shares = self._shares(profile, item_index)  # (n,)
        return self._parts_with(profile, item_index, shares, is_exact=False)

    def _shares(self, profile: UserState, item_index: int) -> NDArray[np.float64]:
        """The contribution of the neighbors to a score, split among the person's ratings,
        (n,)."""
        from matinee.kernels.knn import alike_people

        people, measure = self._people()
        own = self._values(profile.vector[None])[0].astype(np.float64)  # (I,)
        raters = slice(self.rater_starts_[item_index], self.rater_starts_[item_index + 1])
        similarity = alike_people(own.astype(np.float32), people, measure)[self.raters_[raters]]
        near = np.argsort(-similarity, kind="stable")[: self.k]
        near = near[similarity[near] > 0]
        weights = similarity[near].astype(np.float64) ** self.amplification
        adds = weights * self.rater_values_[raters][near]
        if self.has_stars:
            adds /= max(weights.sum() + self.damping, 1e-30)
        shares = np.zeros(len(own))
        user_offset, item_offset = self._offsets()
        for user, amount in zip(self.raters_[raters][near].tolist(), adds.tolist(), strict=True):
            items, value = self.history_.of(user)
            other = self._values_of(value).astype(np.float64)
            if not self._compares_ratings:
                other = other - user_offset[user] - item_offset[items]
            is_common = ~np.isnan(own[items])
            items, x, y = items[is_common], own[items[is_common]], other[is_common]
            if measure.centered:
                x, y = x - x.mean(), y - y.mean()
            shares[items] += amount * (x * y) / max(float(x @ y), 1e-30)
        return shares[profile.item_index]
