"""The neighborhood models: `item-knn` and `user-knn`; for the formulas see `neighborhood.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.data.ratings import Grouped, Ratings
from matinee.errors import DataError
from matinee.models.base import Attribution, FitOptions, UserState
from matinee.models.history import History
from matinee.models.hyperparameters import hyper, learned, redeclared
from matinee.models.interface import Capabilities
from matinee.models.neighborhood import SIMILARITIES, USERS_PER_BLOCK, Neighborhood, norms
from matinee.threads import workers

if TYPE_CHECKING:
    from matinee.kernels.knn import Measure, People

__all__ = ["SIMILARITIES", "USERS_PER_BLOCK", "ItemKNN", "Neighborhood", "UserKNN"]


@dataclass(kw_only=True, eq=False)
class ItemKNN(Neighborhood):
    """Predicts from the person's ratings of the most similar items, including the item itself.

        stars = mean + b_u + b_i + sum s^a (r - mean - b_u - b_j) / (sum s^a + damping)

    The sum is over the k items j with the highest positive similarity s to i among those that the
    user u rated; a is the amplification, and the biases are those of `Baseline` (Koren, "Factor in
    the neighbors: scalable and accurate collaborative filtering", 2010, section 2.2; Sarwar,
    Karypis, Konstan, Riedl, "Item-based collaborative filtering recommendation algorithms", 2001).
    `matinee.models.neighborhood` has the similarities, and what is done without ratings.

    `similar` uses the same similarities, and finds only stored neighbors.

    Example:
        >>> knn = matinee.ItemKNN(k=20).fit(few)
        >>> knn.predict({107: 5.0}, 107) > knn.predict({107: 1.0}, 107)
        True
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
    weights_: Floats = learned("I", "M", dtype=np.float32, least=0)
    """Their similarities to the power of the amplification, (I, M); 0 where there are
    fewer."""

    def _learn(
        self, train: Ratings, residual: Floats, weight: Floats | None, options: FitOptions
    ) -> None:
        from matinee.kernels import knn, read_only

        compared = self._compared(train, residual, weight)
        lengths = norms(train.item_index, compared, train.n_items)

        def rows(group: Grouped) -> knn.Rows:
            return knn.Rows(group.indptr, group.indices, read_only(group.take(compared)))

        shape = train.n_items, min(self.kept, train.n_items)
        kept = np.empty(shape, np.int32), np.empty(shape, np.float32)
        both = rows(train.by_item), rows(train.by_user)
        n_ratings = float(len(train))
        if weight is not None:
            n_ratings = float(weight.sum(dtype=np.float64))
        measure = self._measure(lengths, n_ratings)
        with workers(options.n_threads) as run:
            n_parts = min(train.n_items, 32)
            targets = [np.arange(part, train.n_items, n_parts) for part in range(n_parts)]
            run(knn.keep_nearest, [(some, *both, lengths, measure, kept) for some in targets])
        self.neighbours_, self.weights_ = kept[0], kept[1] ** np.float32(self.amplification)

    def _kernels(self) -> tuple[Callable[..., None], Callable[..., None], tuple[object, ...]]:
        from matinee.kernels import knn

        arguments = (self.neighbours_, self.weights_), self._rule()
        return knn.items_for_all, knn.items_for_pairs, arguments

    def _importance(self, vectors: Floats, rows: slice) -> tuple[object, ...]:
        weights = self._weights(vectors[rows])
        return () if weights is None else (weights,)

    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        values, neighbors = self._values(profile.vector[None])[0], self.neighbours_[item_index]
        is_used = (self.weights_[item_index] > 0) & ~np.isnan(values[neighbors])
        near = np.flatnonzero(is_used)[: self.k]
        weights = self.weights_[item_index, near].astype(np.float64)
        own = self._weights(profile.vector[None])
        if own is not None:
            weights *= own[0, neighbors[near]]
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

        stars = mean + b_u + b_i + sum s^a (r_v - mean - b_v - b_i) / (sum s^a + damping)

    The sum is over the k users v with the highest positive similarity s to u among those who rated
    the item i; a is the amplification, and the biases are those of `Baseline` (Koren, "Factor in
    the neighbors: scalable and accurate collaborative filtering", 2010, section 2.2; Breese,
    Heckerman, Kadie, "Empirical analysis of predictive algorithms for collaborative filtering",
    1998). `matinee.models.neighborhood` has the similarities, and what is done without ratings.

    Similarities are computed on request, from all ratings of the items that the person rated.
    Scores of all items also need all ratings of all similar users.

    Example:
        >>> knn = matinee.UserKNN(k=20).fit(few)
        >>> 0.5 <= knn.predict({107: 5.0, 4: 2.0}, 181) <= 5
        True
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

    def _learn(
        self, train: Ratings, residual: Floats, weight: Floats | None, options: FitOptions
    ) -> None:
        del options  # sorting takes no time
        compared = self._compared(train, residual, weight)
        self.lengths_ = norms(train.user_index, compared, train.n_users)
        by_item = train.by_item
        self.rater_starts_, self.raters_ = by_item.indptr, by_item.indices
        self.rater_values_ = by_item.take(residual)

    def check_arrays(self) -> None:
        """Checks that the raters of each item are those of the history, ascending."""
        n_ratings = np.diff(self.rater_starts_)
        if not np.array_equal(n_ratings, self.item_counts_):
            raise DataError(f"{self.name}: rater_starts_ does not match item_counts_")
        pairs = np.repeat(np.arange(len(n_ratings)), n_ratings) * len(self.users_) + self.raters_
        counts = np.bincount(self.raters_, minlength=len(self.users_))
        if (pairs[1:] <= pairs[:-1]).any() or not np.array_equal(counts, self.history_.counts):
            raise DataError(f"{self.name}: raters_ does not match the history")

    def _kernels(self) -> tuple[Callable[..., None], Callable[..., None], tuple[object, ...]]:
        from matinee.kernels import knn

        return knn.people_for_all, knn.people_for_pairs, (*self._people(), self._rule())

    def _importance(self, vectors: Floats, rows: slice) -> tuple[object, ...]:
        del vectors, rows  # the ratings of others are averaged
        if self._rating_weights is None:
            return ()
        return (self._rating_weights,)

    @property
    def _rating_weights(self) -> tuple[Floats, Floats] | None:
        """The weights of all ratings, by item and by user, (N,) each; None without a
        half-life."""
        if self.half_life == 0:
            return None
        known: _RatingWeights | None = self.__dict__.get("_known_weights")
        if known is None or known.history is not self.history_:
            known = _RatingWeights.of(self.history_, self.half_life)
            self.__dict__["_known_weights"] = known
        return known.by_item, known.by_user

    def _people(self) -> tuple["People", "Measure"]:
        """All users, for the kernels, and the similarity measure."""
        from matinee.kernels import read_only
        from matinee.kernels.knn import People, Rows

        user_offset, item_offset = self._offsets()
        compared = self.rater_values_
        if self._compares_ratings:
            item_offsets = np.repeat(item_offset, np.diff(self.rater_starts_))
            compared = compared + user_offset[self.raters_] + item_offsets
        n_ratings, weights = float(len(self.raters_)), self._rating_weights
        if weights is not None:
            compared = compared * np.sqrt(weights[0])
            n_ratings = float(weights[1].sum(dtype=np.float64))
        rater_values = read_only(self.rater_values_)
        raters = Rows(self.rater_starts_, read_only(self.raters_), rater_values)
        values = read_only(self._values_of(self.history_.value))
        given = Rows(self.history_.indptr, read_only(self.history_.item_index), values)
        people = People(
            raters, read_only(compared), self.lengths_, given, (user_offset, item_offset)
        )
        return people, self._measure(self.lengths_, n_ratings)

    def _values(self, vectors: Floats) -> Floats:
        values = vectors[:, 1 : 1 + len(self.items_)]
        if self._compares_ratings:
            values = values + (np.float32(self.global_mean_) + vectors[:, :1]) + self.item_bias_
        weights = self._weights(vectors)
        if weights is not None:
            values = values * np.sqrt(weights)
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
        if self._rating_weights is not None:
            weights *= self._rating_weights[0][raters][near]
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
            weight = self.history_.weights(np.array([user]), self.half_life)
            if weight is not None:
                other = other * np.sqrt(weight)
            is_common = ~np.isnan(own[items])
            items, x, y = items[is_common], own[items[is_common]], other[is_common]
            if measure.centered:
                x, y = x - x.mean(), y - y.mean()
            shares[items] += amount * (x * y) / max(float(x @ y), 1e-30)
        return shares[profile.item_index]


class _RatingWeights(NamedTuple):
    """The weights of all ratings of a history by age, (N,) each."""

    history: History
    by_item: Floats
    by_user: Floats

    @classmethod
    def of(cls, history: History, half_life: float) -> "_RatingWeights":
        """The weights for a half-life."""
        by_user = history.weights(np.arange(len(history.users)), half_life)
        if by_user is None:
            by_user = np.ones(len(history), np.float32)
        order = np.argsort(history.item_index, kind="stable")  # users ascend in each item
        return cls(history, by_user[order], by_user)
