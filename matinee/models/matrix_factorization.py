"""MatrixFactorization: the default model of stars, latent factors learned by gradient descent.

    stars(u, i) = mean + b_u + b_i + p_u . q_i

minimizing over all ratings, in units of the ratings' standard deviation,

    sum (r - b_u - b_i - p_u . q_i)^2
        + sum_u (regularization * n_u + factor_shrinkage) |p_u|^2 + bias_shrinkage * b_u^2
        and the same over items,

where n_u is the number of ratings of u (Koren, Bell, Volinsky, "Matrix factorization
techniques for recommender systems", 2009; the weighting by n_u is that of Zhou et al.,
"Large-scale parallel collaborative filtering for the Netflix prize", 2008).

With a `half_life`, the squared error of each rating is multiplied by its weight w = 2^(-D /
half_life), where D is its age in days (`recency.py`), n_u is the sum of the weights of u, and
the mean and the deviation of the ratings are weighted, too. A new person's ratings weigh 1.

Differences from the papers: ratings are standardized, so that the same settings suit any
scale. The shrinkage terms keep users and items with few ratings close to the average. The
factors start almost at zero. In the first half of the epochs, a few ratings are held out to
test whether the factors learn anything beyond the biases.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Indices
from matinee.data.ratings import Ratings
from matinee.models.attribution import rating_parts
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.biases import Biases, median_bias, shrunken_biases
from matinee.models.declarations import curve_of
from matinee.models.fold_in import penalties, ridge
from matinee.models.hyperparameters import curve, hyper, learned
from matinee.models.interface import Capabilities, TrainingCurve
from matinee.models.latent_factors import FactorTables, predictions, scores, user_vectors
from matinee.models.recency import (
    half_life_setting,
    mean_of,
    recency_weights,
    sums_of,
)
from matinee.progress import Step
from matinee.threads import Run, available_cores, workers

ENOUGH_STEPS = 0.15
"""The sum of the learning rates after which useful factors have grown, and can be tested.

In the default training it reaches 0.3 in the first half of the epochs."""


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(Recommender):
    """Biased matrix factorization by stochastic gradient descent on the CPU kernels."""

    name: ClassVar[str] = "mf"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a row of numbers. If the two rows "
        "match, it predicts more stars than follow from the mean, the generosity of the person "
        "and the popularity of the film."
    )
    capabilities = Capabilities(needs_stars=True, thread_safe=True)

    factors: int = hyper(
        64, low=1, high=4096, search=(16, 256), help="length F of each taste vector"
    )
    epochs: int = hyper(20, low=1, high=10_000, search=(8, 60), help="passes over the ratings")
    learning_rate: float = hyper(
        0.04, low=1e-5, high=1.0, search=(0.01, 0.1), help="step size of the first epoch"
    )
    final_rate: float = hyper(
        0.05,
        low=0,
        high=1,
        help="step size of the last epoch relative to the first; linear in between",
    )
    regularization: float = hyper(
        0.04, low=0, high=10, search=(0.01, 0.2), help="L2 penalty of the factors, for each rating"
    )
    factor_shrinkage: float = hyper(
        2.0,
        low=0,
        high=1000,
        search=(0, 9),
        help="L2 penalty of the factors, for each user and item",
    )
    bias_shrinkage: float = hyper(
        5.0,
        low=0,
        high=1000,
        search=(1, 20),
        help="pseudo-ratings at the mean added to each user and item",
    )
    start_deviation: float = hyper(
        0.01, low=0, high=10, help="standard deviation of the initial factors"
    )
    patience: int = hyper(
        0,
        low=0,
        high=10_000,
        help="epochs without a better validation loss before training stops; 0: never stop",
    )
    half_life: float = half_life_setting()

    global_mean_: NDArray[np.float64] = learned(dtype=np.float64)
    deviation_: NDArray[np.float64] = learned(dtype=np.float64, least=0)
    user_bias_: NDArray[np.float32] = learned("U", dtype=np.float32)
    item_bias_: NDArray[np.float32] = learned("I", dtype=np.float32)
    user_factors_: NDArray[np.float32] = learned("U", "factors", dtype=np.float32)
    item_factors_: NDArray[np.float32] = learned("I", "factors", dtype=np.float32)
    curve_: TrainingCurve = curve("RMSE, stars")

    @property
    def needs_valid(self) -> bool:
        """Whether training can stop early."""
        return self.patience > 0

    def learned_biases(self) -> Biases:
        """The fitted mean and biases."""
        return Biases(float(self.global_mean_), self.user_bias_, self.item_bias_)

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        self.__dict__.pop("_typical", None)
        importance = recency_weights(train, self.half_life, self.name)  # (N,)
        self.global_mean_ = mean_of(train.value, importance)
        if importance is None:
            self.deviation_ = np.array(train.value.std(dtype=np.float64) or 1.0)
        else:
            squares = np.square(train.value - self.global_mean_)
            self.deviation_ = np.array(np.sqrt(mean_of(squares, importance)) or 1.0)
        rng = np.random.default_rng(self.seed)
        weights = self._start(train, rng, importance)
        n_threads = options.n_threads or available_cores()
        with workers(n_threads) as run:
            standardized = self._standardized(train)
            descent = _Descent(standardized, weights, rng, run, n_threads, importance)
            self._train(descent, len(train), options)
        if not self.user_factors_.any():  # without factors, the optimal biases are known
            residual = train.value - self.global_mean_
            user_bias, item_bias = shrunken_biases(
                train, residual, self.bias_shrinkage, self.bias_shrinkage, 10, importance
            )
            self.user_bias_ = user_bias.astype(np.float32)
            self.item_bias_ = item_bias.astype(np.float32)

    def _train(self, descent: "_Descent", n_ratings: int, options: FitOptions) -> None:
        """Runs the epochs; sets `curve_` and the attributes of the best weights."""
        weights = descent.weights
        stops_early = options.valid is not None and self.patience > 0
        rates = self.learning_rate * np.linspace(1, self.final_rate, self.epochs)
        half = self.epochs // 2
        if not stops_early and rates[:half].sum() * descent.mean_importance >= ENOUGH_STEPS:
            descent.hold_out(min(0.05, 10_000 / n_ratings))
        losses: list[tuple[float, float, float]] = []
        best_rmse, best_epoch, best_weights = np.inf, 0, weights
        for epoch, rate in enumerate(rates.tolist()):
            if epoch == half:
                descent.drop_misleading_factors()
            train_rmse = float(self.deviation_) * descent.epoch(rate)
            valid_rmse = None
            if options.valid is not None:
                valid_rmse = self._rmse(weights, options.valid)
            losses.append((rate, train_rmse, np.nan if valid_rmse is None else valid_rmse))
            if options.progress:
                shown = train_rmse if valid_rmse is None else valid_rmse
                options.progress(Step(epoch + 1, self.epochs, f"RMSE {shown:.4f}", valid_rmse))
            if not stops_early or valid_rmse is None:
                continue
            if valid_rmse < best_rmse:
                best_rmse, best_epoch, best_weights = valid_rmse, epoch, weights.copy()
            elif epoch - best_epoch >= self.patience:
                break
        self.curve_ = curve_of(self, np.array(losses))
        self._set_attributes(best_weights)

    def _rmse(self, weights: "_Weights", valid: Ratings) -> float:
        """The RMSE on the validation part, in stars."""
        self._set_attributes(weights)
        return float(np.sqrt(np.mean((self.predict_ratings(valid) - valid.value) ** 2)))

    def _start(
        self, train: Ratings, rng: np.random.Generator, importance: NDArray[np.float32] | None
    ) -> "_Weights":
        """The initial weights: factors near zero, zero without ratings; biases of zero."""
        user_factors = self._initial_factors(train.user_counts, rng)
        item_factors = self._initial_factors(train.item_counts, rng)
        return _Weights(
            user_factors,
            item_factors,
            self._initial_biases(
                train.user_counts, sums_of(importance, train.user_index, train.n_users)
            ),
            self._initial_biases(
                train.item_counts, sums_of(importance, train.item_index, train.n_items)
            ),
        )

    def _initial_factors(
        self, counts: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        factors = rng.standard_normal((len(counts), self.factors), np.float32)
        factors *= np.float32(self.start_deviation) * (counts > 0)[:, None]
        return factors

    def _initial_biases(
        self, counts: NDArray[np.int64], sums: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """The bias and the decays at each rating of each row, (R, 3).

        Args:
            counts, sums: the number of ratings of each row and the sum of their weights, (R,).
        """
        share = 1 / np.maximum(counts, 1)
        mean_weight = sums / np.maximum(counts, 1)
        factor_decay = self.regularization * mean_weight + self.factor_shrinkage * share
        bias_decay = self.bias_shrinkage * share
        return np.stack([0 * share, factor_decay, bias_decay], axis=1).astype(np.float32)

    def _standardized(self, train: Ratings) -> Ratings:
        value = (train.value - np.float32(self.global_mean_)) / np.float32(self.deviation_)
        return replace(train, value=value.astype(np.float32))

    def _set_attributes(self, weights: "_Weights") -> None:
        """Sets the learned attributes, in stars, from standardized weights."""
        deviation = np.float32(self.deviation_)
        self.user_factors_ = weights.user_factors * np.sqrt(deviation)
        self.item_factors_ = weights.item_factors * np.sqrt(deviation)
        self.user_bias_ = weights.user_side[:, 0] * deviation
        self.item_bias_ = weights.item_side[:, 0] * deviation

    @cached_property
    def _typical(self) -> float:
        """See `typical_bias`; not saved."""
        return median_bias(self.history_, self.user_bias_)

    def _tables(self) -> FactorTables:
        return FactorTables(
            float(self.global_mean_),
            self.user_bias_,
            self.item_bias_,
            self.user_factors_,
            self.item_factors_,
        )

    def _user_vectors(self, user_index: Indices) -> NDArray[np.float32]:
        return user_vectors(self._tables(), user_index)

    def _fold_in(
        self, item_index: NDArray[np.int32], value: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        residual = value - np.float32(self.global_mean_) - self.item_bias_[item_index]  # (n,)
        return ridge(
            self.item_factors_[item_index], residual, self._penalty(len(value)), self.bias_shrinkage
        )

    def _penalty(self, n: int) -> float:
        """The penalty of the factors of a user with n ratings, in stars."""
        return (self.regularization * n + self.factor_shrinkage) * float(self.deviation_)

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        n, mean = len(profile.value), float(self.global_mean_)
        item_bias = self.item_bias_[item_index].astype(float)
        rated = self._slopes(profile.item_index)  # (n, 1 + F)
        asked = self._slopes(item_index)  # (K, 1 + F)
        residual = profile.value - self.item_bias_[profile.item_index]
        surprises = residual.astype(np.float64) - mean  # (n,)
        vector = profile.vector.astype(np.float64)
        ratings, changes = rating_parts(  # (K, n) each
            rated,
            surprises,
            vector,
            penalties(self.factors, self._penalty(n), self.bias_shrinkage),
            penalties(self.factors, self._penalty(max(0, n - 1)), self.bias_shrinkage),
            asked,
            asked,
            n_biases=1,
        )
        without = (mean + item_bias + asked @ vector)[:, None] + changes
        typical = 0.0
        if vector[0]:
            typical = self._typical
        user = float(vector[0]) - typical
        return [
            Attribution(mean, user, item, ratings[row], without[row], is_exact=True)
            for row, item in enumerate((item_bias + typical).tolist())
        ]

    def _slopes(self, item_index: NDArray[np.int32]) -> NDArray[np.float64]:
        """The derivatives of predictions by a person's vector, (n, 1 + F)."""
        ones = np.ones(len(item_index))
        return np.column_stack([ones, self.item_factors_[item_index]]).astype(np.float64)

    def _predict_all(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return scores(self._tables(), vectors)

    def _predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        nothing = np.zeros(1 + self.factors, np.float32)
        return predictions(self._tables(), user_index, item_index, nothing, nothing)

    def _tastes(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors[:, 1:]

    def _item_vectors(self) -> NDArray[np.float32]:
        return self.item_factors_


class _Weights(NamedTuple):
    """The weights for standardized ratings, changed in place.

    The columns of a side are the bias, the decay of the factors and the decay of the bias.
    """

    user_factors: NDArray[np.float32]  # p, (U, F)
    item_factors: NDArray[np.float32]  # q, (I, F)
    user_side: NDArray[np.float32]  # (U, 3)
    item_side: NDArray[np.float32]  # (I, 3)

    def copy(self) -> "_Weights":
        return _Weights(
            self.user_factors.copy(),
            self.item_factors.copy(),
            self.user_side.copy(),
            self.item_side.copy(),
        )


class _Descent:
    """The blocks of ratings and the threads during one fit; see `kernels/sgd.py`."""

    def __init__(
        self,
        train: Ratings,
        weights: _Weights,
        rng: np.random.Generator,
        run: Run,
        n_threads: int,
        importance: NDArray[np.float32] | None = None,
    ) -> None:
        """Args:
        importance: the weight of each squared error, (N,); None if all weigh 1.
        """
        # Imported here because compiled code takes half a second to load; predicting needs
        # none.
        from matinee.kernels import sgd

        self.sweep, self.weights, self.rng, self.run = sgd.sweep, weights, rng, run
        # A function of the number of ratings alone, so that results do not depend on the
        # threads.
        self.n_groups = 2 ** int(np.clip(np.log2(max(1.0, np.sqrt(len(train) / 16_384))), 0, 5))
        user_group = _deal(train.user_counts, self.n_groups, rng)
        item_group = _deal(train.item_counts, self.n_groups, rng)
        self.ratings = sgd.arrange(
            train.user_index, train.item_index, train.value, user_group, item_group, self.n_groups
        )
        tables = [self.ratings]
        self.importance: NDArray[np.float32] | None = None
        self.mean_importance = 1.0
        if importance is not None:
            arranged = sgd.arrange(
                train.user_index,
                train.item_index,
                importance,
                user_group,
                item_group,
                self.n_groups,
            )
            tables.append(arranged)  # shuffled in the same way
            self.importance = arranged.values
            self.mean_importance = float(importance.mean(dtype=np.float64))
        group = np.arange(self.n_groups)
        n_parts = min(n_threads, self.n_groups)
        self.strata = []
        for shift in group:
            blocks = group * self.n_groups + (group + shift) % self.n_groups
            self.strata.append([blocks[part::n_parts] for part in range(n_parts)])
        seed = int(rng.integers(2**31))
        for stratum in self.strata:
            for table in tables:
                run(sgd.shuffle, [(table, blocks, seed) for blocks in stratum])
        self.stops = self.ratings.starts[1:]
        self.losses = np.zeros(len(self.stops))

    def hold_out(self, fraction: float) -> None:
        """Excludes the last part of each block, whose order is random, from the next
        epochs."""
        sizes = np.diff(self.ratings.starts)
        n_held_out = np.where(sizes > 1, np.ceil(sizes * fraction), 0)
        self.stops = self.ratings.starts[1:] - n_held_out.astype(np.int64)

    def epoch(self, rate: float) -> float:
        """Sweeps all blocks.

        Returns:
            The RMSE of the predictions just before each step, in standard deviations.
        """
        for shift in self.rng.permutation(self.n_groups):
            # A plain tuple: Numba's cache would name the class and be lost if the class moves.
            weights = tuple(self.weights)
            importance = () if self.importance is None else (self.importance,)
            calls = [
                (
                    self.ratings,
                    blocks,
                    self.stops,
                    weights,
                    np.float32(rate),
                    self.losses,
                    *importance,
                )
                for blocks in self.strata[shift]
            ]
            self.run(self.sweep, calls)
        n_swept = int((self.stops - self.ratings.starts[:-1]).sum())
        return float(np.sqrt(self.losses.sum() / n_swept))

    def drop_misleading_factors(self) -> None:
        """Sets all factors to zero unless they improve predictions of the held-out ratings.

        The ratings take part in the following epochs. If users and items do not interact, the
        factors can only learn noise. Factors of zero stay zero. The required improvement is
        0.05% of the squared error; on MovieLens it is 4% to 15%.
        """
        spans = zip(self.stops.tolist(), self.ratings.starts[1:].tolist(), strict=True)
        rows = np.concatenate([np.arange(first, stop) for first, stop in spans])
        self.stops = self.ratings.starts[1:]
        if len(rows) == 0:
            return
        user, item = self.ratings.users[rows], self.ratings.items[rows]
        weights = self.weights
        residual = self.ratings.values[rows] - weights.user_side[user, 0]
        residual = residual - weights.item_side[item, 0]
        dots = np.einsum("nf,nf->n", weights.user_factors[user], weights.item_factors[item])
        if self.importance is None:
            error_without = float(np.sum(residual**2))
            error_with = float(np.sum((residual - dots) ** 2))
        else:
            importance = self.importance[rows]
            error_without = float(importance @ residual**2)
            error_with = float(importance @ (residual - dots) ** 2)
        if error_with > error_without * 0.9995:
            weights.user_factors[:] = 0
            weights.item_factors[:] = 0


def _deal(counts: NDArray[np.int64], n_groups: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Random groups of users (or items) with about equal numbers of ratings, (U,)."""
    order = rng.permutation(len(counts))
    before = np.cumsum(counts[order]) - counts[order] / 2
    groups = np.empty(len(counts), np.int32)
    groups[order] = np.minimum(before * n_groups // max(1, counts.sum()), n_groups - 1)
    return groups
