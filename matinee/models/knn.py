"""Neighbors: what you gave to films like this one (item-knn), or what people like you gave it (user-knn).

    stars(u, i) = mean + b_u + b_i + sum s^a (r - mean - b_u - b_j) / (sum s^a + damping)          item-knn
    stars(u, i) = mean + b_u + b_i + sum s^a (r_v - mean - b_v - b_i) / (sum s^a + damping)        user-knn

over the k items j of the highest positive likeness s to i among those that u rated, or over the k people v most like u
among those who rated i (Koren, "Factor in the neighbors: scalable and accurate collaborative filtering", 2010, section
2.2). The biases are those of `baseline`; without neighbors they are all that is predicted. a is the amplification
(Breese, Heckerman, Kadie, "Empirical analysis of predictive algorithms for collaborative filtering", 1998).

What is alike, by `similarity`, from the values x and y that two items (or people) were given by (or gave to) the same:

    adjusted-cosine     sum x y / (|x| |y| + shrinkage), x and y what the biases leave over; the lengths count all
                        ratings of each, so that few ratings in common make little likeness. Shrinkage is in ratings.
                        (After Sarwar, Karypis, Konstan, Riedl, "Item-based collaborative filtering recommendation
                        algorithms", 2001, who take away the person's mean alone and count what both have.)
    cosine              sum x y / (|x| |y|), x and y the ratings, only those that both have
    pearson             the same after taking away the means over what both have
    pearson-baseline    the same as cosine with what the biases leave over

The last three are as in Surprise (Hug, "Surprise: a Python library for recommender systems", 2020), and with n ratings
in common are multiplied by (n - 1) / (n - 1 + shrinkage), which Surprise does for pearson-baseline alone: give
shrinkage=0 for its cosine and pearson, and amplification=1, damping=0 for its means.

Of a table without ratings (all values equal: who has what) the score is the sum of s^a over the k nearest, with s the
cosine of the two sets, whatever `similarity` says (Karypis, "Evaluation of item-based top-n recommendation
algorithms", 2001); a thousandth of the part of people who have an item orders those without neighbors.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats
from matinee.data.ratings import Grouped, Ratings
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.biases import Biases, shrunken_biases, typical_bias
from matinee.models.hyperparameters import hyper, learned
from matinee.models.interface import Capabilities
from matinee.threads import available_cores, workers

if TYPE_CHECKING:
    from matinee.kernels.knn import Measure, People, Rule


SIMILARITIES = ("adjusted-cosine", "cosine", "pearson", "pearson-baseline")
PEOPLE_AT_ONCE = 64


@dataclass(kw_only=True, eq=False)
class Neighborhood(Recommender):
    """What the two have in common: biases, and a person as their ratings.

    A profile's vector is (1 + I,): the person's bias, then what the biases leave over of each rating, NaN for unrated.
    """

    similarity: str = hyper("adjusted-cosine", choices=SIMILARITIES, help="measure of similarity")
    k: int = hyper(30, low=1, high=100_000, search=(10, 100), help="neighbors that a prediction is made of")
    amplification: float = hyper(
        1.5,
        low=0.1,
        high=10,
        search=(1, 3),
        help="power of the likeness, so that the nearest count for more",
    )
    shrinkage: float = hyper(
        10.0,
        low=0,
        high=10_000,
        search=(1, 100),
        help="pull of a likeness to 0 that few ratings support, in ratings",
    )
    damping: float = hyper(
        0.05,
        low=0,
        high=1000,
        search=(0.01, 1),
        help="weight of predicting the biases alone, beside the neighbors",
    )
    min_overlap: int = hyper(1, low=1, high=100_000, help="ratings that two have in common at least, or are not alike")
    bias_shrinkage: float = hyper(
        5.0,
        low=0,
        high=1000,
        search=(1, 20),
        help="ratings at the mean that each user and item is given",
    )

    global_mean_: NDArray[np.float64] = learned(dtype=np.float64)
    user_bias_: Floats = learned("U", dtype=np.float32)
    item_bias_: Floats = learned("I", dtype=np.float32)

    # -- learning ----------------------------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        if self.has_stars:
            self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
            shrinkage = self.bias_shrinkage, self.bias_shrinkage
            user_bias, item_bias = shrunken_biases(train, train.value - self.global_mean_, *shrinkage, 10)
        else:
            self.global_mean_, user_bias = np.array(0.0), np.zeros(train.n_users)
            item_bias = 0.001 * train.item_counts / max(1, int(np.count_nonzero(train.user_counts)))
        self.user_bias_, self.item_bias_ = (
            user_bias.astype(np.float32),
            item_bias.astype(np.float32),
        )
        of_user, of_item = self._offsets()
        self._learn(
            train,
            self._had(train.value) - of_user[train.user_index] - of_item[train.item_index],
            options,
        )

    @abstractmethod
    def _learn(self, train: Ratings, residual: Floats, options: FitOptions) -> None:
        """Sets what is not a bias. The residuals, (N,), are by row of `train`."""

    def _offsets(self) -> tuple[Floats, Floats]:
        """What is taken from a rating to get the value that is averaged, of its user, (U,), and item, (I,)."""
        return np.float32(self.global_mean_) + self.user_bias_, self.item_bias_ * np.float32(self.has_stars)

    def _had(self, value: Floats) -> Floats:
        """Ratings as they are; without ratings, having an item is the value 1, however often."""
        return value if self.has_stars else np.ones_like(value)

    @property
    def _compares_ratings(self) -> bool:
        """Whether the ratings themselves are compared, and not what the biases leave over."""
        return self.has_stars and self.similarity in ("cosine", "pearson")

    def _measure(self, lengths: Floats, n_ratings: int) -> "Measure":
        """How likeness is measured where so many ratings make up rows of these `_lengths`."""
        from matinee.kernels.knn import Measure

        co_rated = self.has_stars and self.similarity != "adjusted-cosine"
        # So many ratings of the usual size, which agree with nothing.
        mean_square = float(np.sum(lengths.astype(np.float64) ** 2)) / max(1, n_ratings)
        shrinkage = self.shrinkage * (1.0 if co_rated else mean_square)
        return Measure(co_rated, self.similarity == "pearson", shrinkage, self.min_overlap)

    def _rule(self) -> "Rule":
        from matinee.kernels.knn import Rule

        return Rule(self.k, self.amplification, self.damping, self.has_stars)

    # -- people ------------------------------------------------------------------------------------------------

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        row, item, value = self._rated_by(user_index)
        of_user, of_item = self._offsets()
        vectors = np.full((len(user_index), 1 + len(self.items_)), np.nan, np.float32)
        vectors[:, 0] = self.user_bias_[user_index]
        vectors[row, 1 + item] = self._had(value) - of_user[user_index][row] - of_item[item]
        return vectors

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        vector = np.full(1 + len(self.items_), np.nan, np.float32)
        if self.has_stars:
            left = value - self.global_mean_ - self.item_bias_[item_index]  # (n,)
            vector[0] = left.sum() / max(len(value) + self.bias_shrinkage, 1e-9)
            vector[1 + item_index] = value - (np.float32(self.global_mean_) + vector[0]) - self.item_bias_[item_index]
        else:
            vector[0], vector[1 + item_index] = 0, 1
        return vector

    # -- scores ------------------------------------------------------------------------------------------------

    def _scores(self, vectors: Floats) -> Floats:
        fixed = np.float32(self.global_mean_) + self.item_bias_  # (I,)
        return np.asarray(vectors[:, :1] + fixed + self._for_all(vectors))

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        zero = np.float32(0)  # what an index of -1 finds
        users, items = np.append(self.user_bias_, zero), np.append(self.item_bias_, zero)
        out = np.float32(self.global_mean_) + users[user_index] + items[item_index]
        rows = np.flatnonzero((user_index >= 0) & (item_index >= 0))
        rows = rows[np.argsort(user_index[rows], kind="stable")]
        people, starts = np.unique(user_index[rows], return_index=True)
        starts = np.append(starts, len(rows))
        for begin in range(0, len(people), PEOPLE_AT_ONCE):
            block = people[begin : begin + PEOPLE_AT_ONCE]
            bounds = starts[begin : begin + len(block) + 1]
            here = rows[bounds[0] : bounds[-1]]
            out[here] += self._for_pairs(self._user_vectors(block), bounds - bounds[0], item_index[here])
        return np.asarray(out)

    @abstractmethod
    def _kernels(self) -> "tuple[Callable[..., None], Callable[..., None], tuple[Any, ...]]":
        """The kernels for all items and for pairs, and what both are given between people's values and the output."""

    def _values(self, vectors: Floats) -> Floats:
        """People's values as the kernels want them, (B, 1 + I) -> (B, I), NaN for unrated."""
        return np.ascontiguousarray(vectors[:, 1:])

    def _for_all(self, vectors: Floats) -> Floats:
        """What neighbors add to each person's score of all items, (B, 1 + I) -> (B, I)."""
        values, (for_all, _, given) = self._values(vectors), self._kernels()
        out = np.empty_like(values)
        _spread(lambda some: for_all(values[some], *given, out[some]), len(values))
        return out

    def _for_pairs(self, vectors: Floats, starts: NDArray[np.int64], items: NDArray[np.int32]) -> Floats:
        """The same for some items: those at starts[b]:starts[b + 1] are asked for the person b; (n,) as `items`."""
        values, (_, for_pairs, given) = self._values(vectors), self._kernels()
        out = np.empty(len(items), np.float32)

        def some_people(some: slice) -> None:
            for_pairs(values[some], (starts[some.start : some.stop + 1], items), *given, out)

        _spread(some_people, len(values))
        return out

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        return [self._parts(profile, item) for item in item_index.tolist()]

    @abstractmethod
    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        """What the score of one item is made of."""

    def learned_biases(self) -> Biases:
        """As fitted."""
        return Biases(float(self.global_mean_), self.user_bias_, self.item_bias_)

    def _fixed_parts(self, profile: UserState, item_index: int) -> tuple[float, float, float]:
        """The parts that no single rating makes: mean, user and item, as in `Attribution`."""
        user_bias, item_bias = float(profile.vector[0]), float(self.item_bias_[item_index])
        typical = typical_bias(self.history_, self.user_bias_, user_bias)
        return float(self.global_mean_), user_bias - typical, item_bias + typical

    def _without(self, profile: UserState, item_index: int) -> NDArray[np.float64]:
        """The score of an item had one of the ratings not been given, (n,): each time all is done again."""
        n, out = len(profile.value), []
        for begin in range(0, n, PEOPLE_AT_ONCE):
            vectors = np.stack(
                [
                    self._fold_in(np.delete(profile.item_index, one), np.delete(profile.value, one))
                    for one in range(begin, min(begin + PEOPLE_AT_ONCE, n))
                ]
            )
            asked = np.full(len(vectors), item_index, np.int32)
            out.append(vectors[:, 0] + self._for_pairs(vectors, np.arange(len(vectors) + 1), asked))
        fixed = float(self.global_mean_) + float(self.item_bias_[item_index])
        return fixed + np.concatenate([*out, np.empty(0)])


def _lengths(row: NDArray[np.int32], value: Floats, n_rows: int) -> Floats:
    """The root of the sum of the squared values of each row, (n_rows,)."""
    return np.sqrt(np.bincount(row, value.astype(np.float64) ** 2, minlength=n_rows)).astype(np.float32)


def _spread(function: Callable[[slice], Any], n: int) -> None:
    """Calls a function that releases the lock for slices of n, on all cores if n is large enough to need them."""
    n_parts = 4 * available_cores() if n >= 16 else 1
    ends = np.linspace(0, n, n_parts + 1).astype(int).tolist()
    with workers(None if n_parts > 1 else 1) as run:
        run(function, [(slice(first, stop),) for first, stop in pairwise(ends)])


@dataclass(kw_only=True, eq=False)
class ItemKNN(Neighborhood):
    """Predicts from what the person gave to the items most like this one, itself among them if they rated it.

    `similar` goes by that likeness, and finds the items that are kept.
    """

    name: ClassVar[str] = "item-knn"
    summary: ClassVar[str] = (
        "It looks for films that the same people rated alike, and predicts stars from what the person gave to those."
    )

    kept: int = hyper(
        500,
        low=1,
        high=1_000_000,
        search=(100, 1000),
        help="nearest items known of each, for 8 bytes each",
    )

    neighbours_: NDArray[np.int32] = learned("I", "M", dtype=np.int32, index_of="items")
    """The nearest items of each, nearest first, (I, M)."""
    weights_: Floats = learned("I", "M", dtype=np.float32)
    """Their likeness to the power of the amplification, (I, M); 0 where there are fewer."""

    def _learn(self, train: Ratings, residual: Floats, options: FitOptions) -> None:
        from matinee.kernels import knn

        compared = train.value if self._compares_ratings else residual
        lengths = _lengths(train.item_index, compared, train.n_items)

        def rows(group: Grouped) -> knn.Rows:
            return knn.Rows(group.indptr, group.index, compared[group.row])

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

        given = (self.neighbours_, self.weights_), self._rule()
        return knn.items_for_all, knn.items_for_pairs, given

    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        values, knn = profile.vector[1:], self.neighbours_[item_index]
        near = np.flatnonzero((self.weights_[item_index] > 0) & ~np.isnan(values[knn]))[: self.k]
        weights = self.weights_[item_index, near].astype(np.float64)
        adds = np.zeros(len(values))
        adds[knn[near]] = weights * values[knn[near]]
        if self.has_stars:
            adds /= max(weights.sum() + self.damping, 1e-30)
        adds, without = adds[profile.item_index], self._without(profile, item_index)
        return Attribution(*self._fixed_parts(profile, item_index), adds, without, is_exact=True)

    def _similarity(self, item_index: int) -> Floats:
        near = self.weights_[item_index] > 0
        out = np.full(len(self.items_), np.nan, np.float32)
        out[self.neighbours_[item_index, near]] = self.weights_[item_index, near] ** (1 / self.amplification)
        out[item_index] = np.nan
        return out


@dataclass(kw_only=True, eq=False)
class UserKNN(Neighborhood):
    """Predicts from what the people most like this person gave the item. A known user is among their own neighbors.

    Who is alike is found when it is asked for: the time is that of walking over all ratings of the items that the
    person rated, and for scores of all items over all ratings of everybody alike.
    """

    name: ClassVar[str] = "user-knn"
    summary: ClassVar[str] = (
        "It looks for people whose ratings resemble the person's own, and predicts stars from what those gave the film."
    )
    capabilities = Capabilities(needs_history=True)

    k: int = hyper(40, low=1, high=100_000, search=(10, 100), help="neighbors that a prediction is made of")
    amplification: float = hyper(
        1.25,
        low=0.1,
        high=10,
        search=(1, 3),
        help="power of the likeness, so that the nearest count for more",
    )
    shrinkage: float = hyper(
        80.0,
        low=0,
        high=10_000,
        search=(10, 300),
        help="pull of a likeness to 0 that few ratings support, in ratings",
    )
    damping: float = hyper(
        0.1,
        low=0,
        high=1000,
        search=(0.01, 1),
        help="weight of predicting the biases alone, beside the neighbors",
    )

    lengths_: Floats = learned("U", dtype=np.float32, least=0)
    """The root of the sum of each user's squared values that are compared, (U,)."""
    rater_starts_: NDArray[np.int64] = learned("I+1", dtype=np.int64, indptr_of="N")
    raters_: NDArray[np.int32] = learned("N", dtype=np.int32, index_of="users")
    rater_values_: Floats = learned("N", dtype=np.float32)
    """Who rated each item, and what the biases leave over, (I + 1,), (N,), (N,)."""

    def _learn(self, train: Ratings, residual: Floats, options: FitOptions) -> None:
        del options  # nothing but sorting
        compared = train.value if self._compares_ratings else residual
        self.lengths_ = _lengths(train.user_index, compared, train.n_users)
        self.rater_starts_, self.raters_, _, row = train.by_item
        self.rater_values_ = residual[row]

    def _kernels(self) -> tuple[Callable[..., None], Callable[..., None], tuple[Any, ...]]:
        from matinee.kernels import knn

        return knn.people_for_all, knn.people_for_pairs, (*self._people(), self._rule())

    def _people(self) -> tuple["People", "Measure"]:
        """Everybody, for the kernels, and how alike two of them are."""
        from matinee.kernels.knn import People, Rows

        offsets, compared = self._offsets(), self.rater_values_
        if self._compares_ratings:
            compared = compared + offsets[0][self.raters_] + np.repeat(offsets[1], np.diff(self.rater_starts_))
        raters = Rows(self.rater_starts_, self.raters_, self.rater_values_)
        given = Rows(self.history_.indptr, self.history_.item_index, self._had(self.history_.value))
        return People(raters, compared, self.lengths_, given, offsets), self._measure(self.lengths_, len(self.raters_))

    def _values(self, vectors: Floats) -> Floats:
        values = vectors[:, 1:]
        if self._compares_ratings:
            values = values + (np.float32(self.global_mean_) + vectors[:, :1]) + self.item_bias_
        return np.ascontiguousarray(values)

    def _parts(self, profile: UserState, item_index: int) -> Attribution:
        """A neighbor adds as much as the person's ratings make them alike, so each rating gets its part of that."""
        shares, without = (
            self._shares(profile, item_index),
            self._without(profile, item_index),
        )  # (n,) both
        return Attribution(*self._fixed_parts(profile, item_index), shares, without, is_exact=False)

    def _shares(self, profile: UserState, item_index: int) -> NDArray[np.float64]:
        """What the neighbors add to the score of an item, split among the person's ratings, (n,)."""
        from matinee.kernels.knn import alike_people

        people, measure = self._people()
        mine = self._values(profile.vector[None])[0].astype(np.float64)  # (I,)
        raters = slice(self.rater_starts_[item_index], self.rater_starts_[item_index + 1])
        alike = alike_people(mine.astype(np.float32), people, measure)[self.raters_[raters]]
        near = np.argsort(-alike, kind="stable")[: self.k]
        near = near[alike[near] > 0]
        weights = alike[near].astype(np.float64) ** self.amplification
        adds = weights * self.rater_values_[raters][near]
        if self.has_stars:
            adds /= max(weights.sum() + self.damping, 1e-30)
        shares = np.zeros(len(mine))
        of_user, of_item = self._offsets()
        for user, amount in zip(self.raters_[raters][near].tolist(), adds.tolist(), strict=True):
            items, value = self.history_.of(user)
            theirs = self._had(value).astype(np.float64)
            if not self._compares_ratings:
                theirs = theirs - of_user[user] - of_item[items]
            both = ~np.isnan(mine[items])
            items, x, y = items[both], mine[items[both]], theirs[both]
            if measure.centered:
                x, y = x - x.mean(), y - y.mean()
            shares[items] += amount * (x * y) / max(float(x @ y), 1e-30)
        return shares[profile.item_index]
