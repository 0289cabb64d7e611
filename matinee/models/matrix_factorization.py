"""MatrixFactorization: the default model of stars, latent factors learned by gradient descent."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Indices
from matinee.block_sums import BLOCK, deviation
from matinee.data.ratings import Ratings
from matinee.errors import DataError
from matinee.models.adaptation import MOST_PRIORS, adapted
from matinee.models.attribution import rating_parts
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.biases import Biases, median_bias
from matinee.models.declarations import curve_of
from matinee.models.descent import (
    DescentWeights,
    FactorPlan,
    TrainingTable,
    solve_users,
)
from matinee.models.factor_training import FactorTraining, FitTable, plan_of
from matinee.models.fold_in import penalties, ridge
from matinee.models.hyperparameters import curve, hyper, learned
from matinee.models.interface import Capabilities, TrainingCurve
from matinee.models.item_priors import biases_of
from matinee.models.latent_factors import FactorTables, predictions, scores, user_vectors
from matinee.models.list_scores import caution
from matinee.models.recency import (
    half_life_setting,
    mean_of,
    recency_weights,
)
from matinee.models.ridge_rows import Factors, Penalty, Side, renew
from matinee.models.updating import Change, placed
from matinee.progress import Step
from matinee.threads import available_cores, one_blas_thread, workers
from matinee.training.checkpoints import number_of, restore_generator
from matinee.training.loop import end_epoch

CLEAR_GAIN, DENSE = 0.03, 25
"""The gain of the factors halfway, and the ratings for each user or item, above which the
settings suit the table."""
STRONG_GAIN = 0.15
"""The gain above which tastes are so strong that other penalties are tried as well; tables of films
have gains of .04 to .15."""
LEAST_GAIN = 0.0005
"""The gain of the factors below which they are dropped where the settings must not adapt."""


@dataclass(kw_only=True, eq=False)
class MatrixFactorization(Recommender):
    """Biased matrix factorization by stochastic gradient descent on the CPU kernels.

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

    At the end, the users' side is solved exactly, given the items: every user then has the vector
    that `fold_in` gives to the same ratings.

    Differences from the papers: ratings are standardized, so that the same settings suit any
    scale. The shrinkage terms keep users and items with few ratings close to the average. The
    factors start almost at zero. In the first half of the epochs, a few ratings are held out to
    test what the factors learn beyond the biases. On a table where that is little or very much, or
    that has few ratings for each user and item, held-out ratings choose among several numbers of
    factors and epochs, and penalties, some of which are learned, or no factors at all; and the
    biases of items may be shrunk toward what their popularity predicts, instead of zero
    (`adaptation.py`, `item_priors.py`; `adapt=False` keeps the settings).
    Ratings are visited in an order that follows from the ids, whatever the order of the rows.

    Example:
        >>> mf = matinee.MatrixFactorization(factors=16, epochs=5).fit(few)
        >>> mf.item_factors_.shape
        (340, 16)
        >>> mf.profile({107: 5.0, 4: 3.0}).vector.shape
        (17,)
    """

    name: ClassVar[str] = "mf"
    summary: ClassVar[str] = (
        "It describes every person's taste and every film by a row of numbers. If the two rows "
        "match, it predicts more stars than follow from the mean, the generosity of the person "
        "and the popularity of the film."
    )
    capabilities = Capabilities(needs_stars=True, resumes=True, thread_safe=True)

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
    adapt: bool = hyper(
        True,
        help="on small or sparse tables, try more epochs and stronger penalties on held-out "
        "ratings",
    )
    half_life: float = half_life_setting()

    global_mean_: NDArray[np.float64] = learned(dtype=np.float64)
    deviation_: NDArray[np.float64] = learned(dtype=np.float64, least=0)
    user_bias_: NDArray[np.float32] = learned("U", dtype=np.float32)
    item_bias_: NDArray[np.float32] = learned("I", dtype=np.float32)
    user_factors_: NDArray[np.float32] = learned("U", "factors", dtype=np.float32)
    item_factors_: NDArray[np.float32] = learned("I", "factors", dtype=np.float32)
    penalty_: NDArray[np.float64] = learned("P", dtype=np.float64, least=0, may_be_missing=True)
    """The regularization and the shrinkage of the factors and of the users' biases of the training,
    (3,), which the settings or held-out ratings determine; without the last, or empty, in files of
    earlier versions, which follow the settings."""
    curve_: TrainingCurve = curve("RMSE, stars")

    @property
    def needs_valid(self) -> bool:
        """Whether training can stop early."""
        return self.patience > 0

    def learned_biases(self) -> Biases:
        """The fitted mean and biases."""
        return Biases(float(self.global_mean_), self.user_bias_, self.item_bias_)

    def check_arrays(self) -> None:
        """Checks that there are three penalties, two as in earlier versions, or none."""
        if len(self.penalty_) not in (0, 2, 3):
            raise DataError(f"{self.name}: penalty_ has {len(self.penalty_)} numbers, not 3")

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        self._set_moments(train)
        table = self._table(train)
        n_threads = options.n_threads or available_cores()
        with one_blas_thread(), workers(n_threads) as run:
            fit = FitTable(table, run, n_threads, np.random.default_rng(self.seed))
            weights, plan = self._learn(fit, options)
            if len(self.history_) > len(train):  # a part was cut off for early stopping
                table = self._table(self.history_.to_training_ratings())
            weights = solve_users(table, weights, plan, run, n_threads)
        self._set_attributes(weights)
        self.penalty_ = np.array([plan.regularization, plan.factor_shrinkage, plan.bias_shrinkage])

    def _learn(self, fit: FitTable, options: FitOptions) -> tuple[DescentWeights, FactorPlan]:
        """The weights and the plan that suit the table, from the start or from a checkpoint."""
        training = self._training(fit, options)
        if self._train(fit.table, training, options):
            return training.result()
        plan = training.plan
        del training  # and its memory; without ratings held out, even the same plan begins anew
        if self.adapt:
            plan = adapted(plan, fit.table, self.seed, fit.run)
        else:
            plan = plan._replace(factors=0)
        if not plan.factors:
            return self._biases_alone(fit, plan)
        training = FactorTraining(fit, plan, is_tested=False)
        self._train(fit.table, training, options)
        return training.result()

    def _training(self, fit: FitTable, options: FitOptions) -> FactorTraining:
        """A new training with the settings, or that of the checkpoint."""
        plan, saved = self._plan(), None
        if options.checkpoint is not None:
            saved = options.checkpoint.load()
        stops_early = options.valid is not None and self.patience > 0
        if saved is None:
            return FactorTraining(fit, plan, is_tested=not stops_early)
        assert options.checkpoint is not None
        with options.checkpoint.reading():
            plan = plan_of(saved, self.factors)
            restore_generator(fit.rng, saved["began"])
            is_tested = bool(number_of(saved, "is_tested", 0, 1))
            training = FactorTraining(fit, plan, is_tested=is_tested)
            training.restore(saved)
            return training

    def _plan(self) -> FactorPlan:
        """The plan that the settings describe."""
        return FactorPlan(
            self.factors,
            self.epochs,
            self.learning_rate,
            self.final_rate,
            self.regularization,
            self.factor_shrinkage,
            self.bias_shrinkage,
            self.bias_shrinkage,
            self.start_deviation,
        )

    def _biases_alone(self, fit: FitTable, plan: FactorPlan) -> tuple[DescentWeights, FactorPlan]:
        """Weights without factors."""
        weights = DescentWeights.start(fit.table, plan._replace(factors=1), fit.rng)
        weights.user_factors[:] = 0
        weights.item_factors[:] = 0
        user_bias, item_bias = biases_of(fit.table, plan)
        weights.user_side[:, 0] = user_bias
        weights.item_side[:, 0] = item_bias
        return weights, plan

    def _train(self, table: TrainingTable, training: FactorTraining, options: FitOptions) -> bool:
        """Runs the epochs and sets `curve_`.

        Returns: False if held-out ratings show halfway that the factors need another plan.
        """
        plan, losses = training.plan, training.losses
        patience = self.patience if options.valid is not None else 0
        while not (patience and losses and training.is_over(patience)):
            if training.n_epochs == plan.epochs:
                break
            if not self._are_useful(training.gain(), table):
                self.curve_ = curve_of(self, np.array(losses))
                return False
            rate, rmse = training.epoch()
            train_rmse, valid_rmse = float(self.deviation_) * rmse, None
            if options.valid is not None:
                valid_rmse = self._rmse(training.current(), options.valid)
            losses.append((rate, train_rmse, np.nan if valid_rmse is None else valid_rmse))
            shown = train_rmse if valid_rmse is None else valid_rmse
            step = Step(len(losses), plan.epochs, f"RMSE {shown:.4f}", valid_rmse)
            end_epoch(options.checkpoint, training.state, options.progress, step)
        self.curve_ = curve_of(self, np.array(losses))
        return True

    def _are_useful(self, gain: float | None, table: TrainingTable) -> bool:
        """Whether to go on with factors that remove this part of the squared error.

        Small gains, those on a table with few ratings for each user and item, and those of
        strong tastes may be larger with another plan.
        """
        if gain is None:
            return True
        if not self.adapt:
            return gain > LEAST_GAIN
        ratings = table.ratings
        n_rows = np.count_nonzero(ratings.user_counts) + np.count_nonzero(ratings.item_counts)
        if gain > STRONG_GAIN and len(table) <= MOST_PRIORS:
            return False
        return gain > CLEAR_GAIN and bool(len(table) > DENSE * n_rows)

    def _rmse(self, weights: DescentWeights, valid: Ratings) -> float:
        """The RMSE on the validation part, in stars."""
        self._set_attributes(weights)
        return float(np.sqrt(np.mean((self.predict_ratings(valid) - valid.value) ** 2)))

    def _set_moments(self, train: Ratings) -> None:
        """Sets the mean and the deviation of the ratings."""
        value, importance = train.by_user.value, self._importance(train)
        self.global_mean_ = mean_of(value, importance)
        if importance is None:
            self.deviation_ = np.array(deviation(value) or 1.0)
        else:
            squares = np.square(value - self.global_mean_)
            self.deviation_ = np.array(np.sqrt(mean_of(squares, importance)) or 1.0)

    def _importance(self, train: Ratings) -> NDArray[np.float32] | None:
        """The weight of each rating by user and item, (N,); None if all weigh 1."""
        importance = recency_weights(train, self.half_life, self.name)
        if importance is None:
            return None
        return train.by_user.take(importance)

    def _table(self, train: Ratings) -> TrainingTable:
        """The standardized ratings by user and item: the order of the rows does not matter."""
        by_user = train.by_user
        mean, unit = np.float32(self.global_mean_), np.float32(self.deviation_)
        value = train.scratch().empty(len(train), np.float32)
        for start in range(0, len(train), BLOCK):
            at = slice(start, start + BLOCK)
            value[at] = (by_user.value[at] - mean) / unit
        user_index, stored = train.user_index, None
        if train.stored is not None:
            stored = train.stored._replace(by_user=by_user._replace(value=value))
        else:
            counts = np.diff(by_user.indptr)
            user_index = np.repeat(np.arange(train.n_users, dtype=np.int32), counts)
        ordered = replace(
            train,
            user_index=user_index,
            item_index=by_user.indices,
            value=value,
            timestamp=None,
            stored=stored,
        )
        return TrainingTable(ordered, self._importance(train))

    def absorb(self, change: Change, n_threads: int | None) -> None:
        """The mean stays; see `ridge_rows.py` and `updating.py`.

        Args:
            change: the ratings after the news, and what they touch.
        """
        source = change.user_source, change.item_source
        users = Side(placed(self.user_factors_, source[0]), placed(self.user_bias_, source[0]))
        items = Side(placed(self.item_factors_, source[1]), placed(self.item_bias_, source[1]))
        each, row = self._penalty(1) - self._penalty(0), self._penalty(0)
        penalty = Penalty(each, row, self._bias_penalty)
        renew(Factors(users, items, float(self.global_mean_), penalty), change, n_threads)
        self.user_factors_, self.user_bias_ = users
        self.item_factors_, self.item_bias_ = items

    def _set_attributes(self, weights: DescentWeights) -> None:
        """Sets the learned attributes, in stars, from standardized weights."""
        deviation = np.float32(self.deviation_)
        n_missing = self.factors - weights.user_factors.shape[1]
        sides = weights.user_factors, weights.item_factors
        self.user_factors_, self.item_factors_ = (
            np.pad(np.sqrt(deviation) * each, ((0, 0), (0, n_missing))) for each in sides
        )
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
            self.item_factors_[item_index], residual, self._penalty(len(value)), self._bias_penalty
        )

    def _penalty(self, n: float) -> float:
        """The penalty of the factors of a user with n ratings, in stars."""
        regularization, shrinkage = self.regularization, self.factor_shrinkage
        if len(self.penalty_):
            regularization, shrinkage = self.penalty_[:2].tolist()
        return (regularization * n + shrinkage) * float(self.deviation_)

    @property
    def _bias_penalty(self) -> float:
        """The penalty of the bias of a user."""
        if len(self.penalty_) > 2:
            return float(self.penalty_[2])
        return self.bias_shrinkage

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        n, mean = float(len(profile.value)), float(self.global_mean_)
        item_bias = self.item_bias_[item_index].astype(float)
        rated = self._slopes(profile.item_index)  # (n, 1 + F)
        asked = self._slopes(item_index)  # (K, 1 + F)
        residual = profile.value - self.item_bias_[profile.item_index]
        surprises = residual.astype(np.float64) - mean  # (n,)
        if profile.weight is not None:
            root = np.sqrt(profile.weight.astype(np.float64))
            rated, surprises = rated * root[:, None], surprises * root
            n = float(profile.weight.sum(dtype=np.float64))
        vector = profile.vector.astype(np.float64)
        ratings, changes = rating_parts(  # (K, n) each
            rated,
            surprises,
            vector,
            penalties(self.factors, self._penalty(n), self._bias_penalty),
            penalties(self.factors, self._penalty(max(0, n - 1)), self._bias_penalty),
            asked,
            asked,
            n_biases=1,
        )
        if profile.weight is not None:
            changed = self._vectors_without(rated, surprises, n - root**2)  # (n, 1 + F)
            changes = asked @ (changed - vector).T
        without = (mean + item_bias + asked @ vector)[:, None] + changes
        typical = 0.0
        if vector[0]:
            typical = self._typical
        user = float(vector[0]) - typical
        return [
            Attribution(mean, user, item, ratings[row], without[row], is_exact=True)
            for row, item in enumerate((item_bias + typical).tolist())
        ]

    def _vectors_without(self, rated: Doubles, surprises: Doubles, weight_sums: Doubles) -> Doubles:
        """The vectors of a person without each of their n ratings, (n, 1 + F).

        The regression is solved again for each, because ratings of different weights change the
        penalty differently.

        Args:
            rated, surprises: the slopes, (n, 1 + F), and the values, (n,), each multiplied by
                the root of the rating's weight.
            weight_sums: the sum of the weights of the other ratings, (n,).
        """
        gram, right = rated.T @ rated, rated.T @ surprises
        vectors = np.empty_like(rated)
        for place, row in enumerate(rated):
            pull = self._penalty(max(0.0, float(weight_sums[place])))
            form = gram - np.outer(row, row)
            form += np.diag(penalties(self.factors, pull, self._bias_penalty))
            vectors[place] = np.linalg.solve(form, right - row * surprises[place])
        return vectors

    def _slopes(self, item_index: NDArray[np.int32]) -> NDArray[np.float64]:
        """The derivatives of predictions by a person's vector, (n, 1 + F)."""
        ones = np.ones(len(item_index))
        return np.column_stack([ones, self.item_factors_[item_index]]).astype(np.float64)

    def _predict_all(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return scores(self._tables(), vectors)

    def fill_scores(
        self, vectors: NDArray[np.float32], items: slice, out: NDArray[np.float32]
    ) -> None:
        """The scores of some items for some vectors, as tiles for lists of all users.

        Args:
            vectors: (B, D) profile vectors.
            items: which items.
            out: (B, n), where the scores are written.
        """
        np.matmul(vectors[:, 1:], self.item_factors_[items].T, out=out)
        out += vectors[:, :1]
        out += np.float32(self.global_mean_) + self.item_bias_[items]
        out -= caution(self.scale_, self.item_counts_[items])

    def _predict(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        nothing = np.zeros(1 + self.factors, np.float32)
        return predictions(self._tables(), user_index, item_index, nothing, nothing)

    def _tastes(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors[:, 1:]

    def _item_vectors(self) -> NDArray[np.float32]:
        return self.item_factors_
