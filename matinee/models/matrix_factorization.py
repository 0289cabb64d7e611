"""MatrixFactorization: the default model. Tastes as vectors, learnt by gradient descent in a second.

    stars(u, i) = mean + b_u + b_i + p_u . q_i

minimising over all ratings, in units of the ratings' standard deviation,

    sum (r - b_u - b_i - p_u . q_i)^2
        + sum_u (regularization * n_u + factor_shrinkage) |p_u|^2 + bias_shrinkage * b_u^2   and the same over items,

where n_u is the number of ratings of u (Koren, Bell, Volinsky, "Matrix factorization techniques for recommender
systems", 2009; the weighting by n_u is that of Zhou et al., "Large-scale parallel collaborative filtering for the
Netflix prize", 2008). What is different here: ratings are standardised, so that the same settings serve any scale;
the shrinkage terms keep people and films with few ratings near the average; the factors start almost at zero; and
a few ratings are held out until half way to see whether there is anything to learn beyond the biases.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import Ratings
from matinee.models.attribution import rating_parts
from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.biases import Biases, median_bias, shrunken_biases
from matinee.models.declarations import curve_of
from matinee.models.fold_in import pulls, ridge
from matinee.models.hyperparameters import curve, hyper, learned
from matinee.models.interface import Capabilities, TrainingCurve
from matinee.models.latent_factors import Sides, predictions, scores, user_vectors
from matinee.progress import Step
from matinee.threads import Run, available_cores, workers

ENOUGH_STEPS = 0.15
"""The sum of the learning rates after which factors that have anything to learn have grown; 0.3 by half of the
default training. Before that it is too early to judge them."""


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(Recommender):
    """Biased matrix factorization by stochastic gradient descent on the CPU kernels."""

    name: ClassVar[str] = "mf"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a row of numbers; where the "
        "two rows agree, it predicts more stars than the mean, the generosity of the person "
        "and the popularity of the film would give."
    )
    capabilities = Capabilities(needs_stars=True, thread_safe=True)

    factors: int = hyper(64, low=1, high=4096, search=(16, 256), help="length F of each taste vector")
    epochs: int = hyper(20, low=1, high=10_000, search=(8, 60), help="passes over the ratings")
    learning_rate: float = hyper(0.04, low=1e-5, high=1.0, search=(0.01, 0.1), help="step of the first epoch")
    final_rate: float = hyper(
        0.05, low=0, high=1, help="step of the last epoch, as a part of the first; linear between"
    )
    regularization: float = hyper(
        0.04, low=0, high=10, search=(0.01, 0.2), help="pull of the factors to 0, for each rating"
    )
    factor_shrinkage: float = hyper(2.0, low=0, high=1000, search=(0, 9), help="the same, once for each user and item")
    bias_shrinkage: float = hyper(
        5.0, low=0, high=1000, search=(1, 20), help="ratings at the mean that each user and item is given"
    )
    start_deviation: float = hyper(0.01, low=0, high=10, help="deviation of the normal numbers the factors start at")
    patience: int = hyper(0, low=0, high=10_000, help="stop after so many epochs without a better valid part; 0: never")

    global_mean_: NDArray[np.float64] = learned(dtype=np.float64)
    deviation_: NDArray[np.float64] = learned(dtype=np.float64, least=0)
    user_bias_: NDArray[np.float32] = learned("U", dtype=np.float32)
    item_bias_: NDArray[np.float32] = learned("I", dtype=np.float32)
    user_factors_: NDArray[np.float32] = learned("U", "factors", dtype=np.float32)
    item_factors_: NDArray[np.float32] = learned("I", "factors", dtype=np.float32)
    curve_: TrainingCurve = curve("RMSE, stars")

    @property
    def needs_valid(self) -> bool:
        """Whether it stops early."""
        return self.patience > 0

    def learned_biases(self) -> Biases:
        """As fitted."""
        return Biases(float(self.global_mean_), self.user_bias_, self.item_bias_)

    def _fit(self, train: Ratings, how: Fitting) -> None:
        self.__dict__.pop("_typical", None)
        valid, n_threads, progress, _ = how
        self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
        self.deviation_ = np.array(train.value.std(dtype=np.float64) or 1.0)
        rng = np.random.default_rng(self.seed)
        weights = self._start(train, rng)
        watched = valid is not None and self.patience > 0
        rates = self.learning_rate * np.linspace(1, self.final_rate, self.epochs)
        losses: list[tuple[float, float, float]] = []
        best = (np.inf, 0, weights)
        n_threads = n_threads or available_cores()
        with workers(n_threads) as run:
            descent = _Descent(self._standardised(train), weights, rng, run, n_threads)
            half = self.epochs // 2
            descent.hold_out(0 if watched or rates[:half].sum() < ENOUGH_STEPS else min(0.05, 10_000 / len(train)))
            for epoch, rate in enumerate(rates.tolist()):
                if epoch == half:
                    descent.drop_misleading_factors()
                train_rmse = float(self.deviation_) * descent.epoch(rate)
                valid_rmse = np.nan if valid is None else self._error(weights, valid)
                losses.append((rate, train_rmse, valid_rmse))
                if progress:
                    validation = None if valid is None else valid_rmse
                    shown = train_rmse if valid is None else valid_rmse
                    progress(Step(epoch + 1, self.epochs, f"RMSE {shown:.4f}", validation))
                if watched and valid_rmse < best[0]:
                    best = (valid_rmse, epoch, _Weights(*(array.copy() for array in weights)))
                elif watched and epoch - best[1] >= self.patience:
                    break
        self.curve_ = curve_of(self, np.array(losses))
        self._keep(best[2])
        if not self.user_factors_.any():  # there is nothing but biases, and those can be had exactly
            shrinkage = self.bias_shrinkage, self.bias_shrinkage
            biases = shrunken_biases(train, train.value - self.global_mean_, *shrinkage, 10)
            self.user_bias_, self.item_bias_ = (bias.astype(np.float32) for bias in biases)

    def _error(self, weights: "_Weights", valid: Ratings) -> float:
        """The RMSE on a part that is only watched, in stars."""
        self._keep(weights)
        return float(np.sqrt(np.mean((self.predict_ratings(valid) - valid.value) ** 2)))

    def _start(self, train: Ratings, rng: np.random.Generator) -> "_Weights":
        """Factors near zero, biases at zero, and how fast each row decays; rows without ratings stay at zero."""
        factors: list[NDArray[np.float32]] = []
        sides: list[NDArray[np.float32]] = []
        for counts in (train.user_counts, train.item_counts):
            start = rng.standard_normal((len(counts), self.factors), np.float32)
            start *= np.float32(self.start_deviation) * (counts > 0)[:, None]
            factors.append(start)
            each = 1 / np.maximum(counts, 1)
            decays = (0 * each, self.regularization + self.factor_shrinkage * each, self.bias_shrinkage * each)
            sides.append(np.stack(decays, axis=1).astype(np.float32))
        return _Weights(factors[0], factors[1], sides[0], sides[1])

    def _standardised(self, train: Ratings) -> Ratings:
        value = (train.value - np.float32(self.global_mean_)) / np.float32(self.deviation_)
        return replace(train, value=value.astype(np.float32))

    def _keep(self, weights: "_Weights") -> None:
        """Learnt attributes in stars: biases times the deviation, each side of a product times its root."""
        deviation = np.float32(self.deviation_)
        self.user_factors_, self.item_factors_ = (weights[side] * np.sqrt(deviation) for side in (0, 1))
        self.user_bias_, self.item_bias_ = (weights[side][:, 0] * deviation for side in (2, 3))

    @cached_property
    def _typical(self) -> float:
        """See `typical_bias`; not saved."""
        return median_bias(self.history_, self.user_bias_)

    def _sides(self) -> Sides:
        return Sides(float(self.global_mean_), self.user_bias_, self.item_bias_, self.user_factors_, self.item_factors_)

    def _user_vectors(self, user_index: NDArray[Any]) -> NDArray[np.float32]:
        return user_vectors(self._sides(), user_index)

    def _fold_in(self, item_index: NDArray[np.int32], value: NDArray[np.float32]) -> NDArray[np.float32]:
        residual = value - np.float32(self.global_mean_) - self.item_bias_[item_index]  # (n,)
        return ridge(self.item_factors_[item_index], residual, self._penalty(len(value)), self.bias_shrinkage)

    def _penalty(self, n: int) -> float:
        """What the factors of a user with n ratings are penalised by, in stars."""
        return (self.regularization * n + self.factor_shrinkage) * float(self.deviation_)

    def _attribute(self, profile: Profile, item_index: NDArray[np.int32]) -> list[Parts]:
        n, mean, item_bias = len(profile.value), float(self.global_mean_), self.item_bias_[item_index].astype(float)
        own, asked = (
            np.column_stack([np.ones(len(items)), self.item_factors_[items]]).astype(np.float64)
            for items in (profile.item_index, item_index)
        )  # (n, 1 + F), (K, 1 + F)
        surprises = (profile.value - self.item_bias_[profile.item_index]).astype(np.float64) - mean  # (n,)
        vector = profile.vector.astype(np.float64)
        now, then = (pulls(self.factors, self._penalty(max(0, count)), self.bias_shrinkage) for count in (n, n - 1))
        ratings, changes = rating_parts(own, surprises, vector, (now, then), (asked, asked), n_biases=1)  # (K, n) both
        without = (mean + item_bias + asked @ vector)[:, None] + changes
        typical = self._typical if vector[0] else 0.0
        each = zip((item_bias + typical).tolist(), ratings, without, strict=True)
        return [Parts(mean, float(vector[0]) - typical, *one, is_exact=True) for one in each]

    def _scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return scores(self._sides(), vectors)

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> NDArray[np.float32]:
        nothing = np.zeros(1 + self.factors, np.float32)
        return predictions(self._sides(), user_index, item_index, (nothing, nothing))

    def _tastes(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors[:, 1:]

    def _item_vectors(self) -> NDArray[np.float32]:
        return self.item_factors_


class _Weights(NamedTuple):
    """What is learnt, changed in place, for standardised ratings. A side row: bias, factor decay, bias decay."""

    user_factors: NDArray[np.float32]  # p, (U, F)
    item_factors: NDArray[np.float32]  # q, (I, F)
    user_side: NDArray[np.float32]  # (U, 3)
    item_side: NDArray[np.float32]  # (I, 3)


class _Descent:
    """The blocks of ratings and the threads during one fit; see `kernels/sgd.py`."""

    def __init__(self, train: Ratings, weights: _Weights, rng: np.random.Generator, run: Run, n_threads: int) -> None:
        # Imported here since compiled code takes half a second to load, which predicting does not need.
        from matinee.kernels import sgd

        self.sweep, self.weights, self.rng, self.run = sgd.sweep, weights, rng, run
        # By the number of ratings alone: the blocks, and so the numbers, must not depend on the threads.
        self.n_groups = 2 ** int(np.clip(np.log2(max(1.0, np.sqrt(len(train) / 16_384))), 0, 5))
        user_group = _deal(train.user_counts, self.n_groups, rng)
        item_group = _deal(train.item_counts, self.n_groups, rng)
        self.ratings = sgd.arrange(
            train.user_index, train.item_index, train.value, user_group, item_group, self.n_groups
        )
        group = np.arange(self.n_groups)
        self.strata = [
            [blocks[thread :: min(n_threads, self.n_groups)] for thread in range(min(n_threads, self.n_groups))]
            for blocks in (group * self.n_groups + (group + shift) % self.n_groups for shift in group)
        ]
        seed = int(rng.integers(2**31))
        for stratum in self.strata:
            run(sgd.shuffle, [(self.ratings, blocks, seed) for blocks in stratum])
        self.stops = self.ratings.starts[1:]
        self.losses = np.zeros(len(self.stops))

    def hold_out(self, fraction: float) -> None:
        """Keeps the last part of each block, whose order is random, out of the epochs to come."""
        sizes = np.diff(self.ratings.starts)
        self.stops = self.ratings.starts[1:] - np.where(sizes > 1, np.ceil(sizes * fraction), 0).astype(np.int64)

    def epoch(self, rate: float) -> float:
        """Sweeps all blocks; returns the RMSE of the predictions just before each step, in deviations."""
        for shift in self.rng.permutation(self.n_groups):
            # A plain tuple: Numba's cache would name the class, and could not be read once it has moved.
            weights = tuple(self.weights)
            calls = [
                (self.ratings, blocks, self.stops, weights, np.float32(rate), self.losses)
                for blocks in self.strata[shift]
            ]
            self.run(self.sweep, calls)
        n_swept = int((self.stops - self.ratings.starts[:-1]).sum())
        return float(np.sqrt(self.losses.sum() / n_swept))

    def drop_misleading_factors(self) -> None:
        """Ends the holding out; sets all factors to zero unless they help to predict the ratings held out.

        On a table whose users and items do not interact, the factors can only learn noise. Once zero they stay zero.
        To help means at least 0.05% less squared error; on MovieLens it is 4% to 15%.
        """
        spans = zip(self.stops.tolist(), self.ratings.starts[1:].tolist(), strict=True)
        rows = np.concatenate([np.arange(first, stop) for first, stop in spans])
        self.stops = self.ratings.starts[1:]
        if len(rows) == 0:
            return
        user, item = self.ratings.users[rows], self.ratings.items[rows]
        left = self.ratings.values[rows] - self.weights.user_side[user, 0] - self.weights.item_side[item, 0]
        dots = np.einsum("nf,nf->n", self.weights.user_factors[user], self.weights.item_factors[item])
        without, with_factors = float(np.sum(left**2)), float(np.sum((left - dots) ** 2))
        if with_factors > without * 0.9995:
            self.weights.user_factors[:] = 0
            self.weights.item_factors[:] = 0


def _deal(counts: NDArray[np.int64], n_groups: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Deals users (or items) into groups at random, with about the same number of ratings in each, (U,)."""
    order = rng.permutation(len(counts))
    before = np.cumsum(counts[order]) - counts[order] / 2
    groups = np.empty(len(counts), np.int32)
    groups[order] = np.minimum(before * n_groups // max(1, counts.sum()), n_groups - 1)
    return groups
