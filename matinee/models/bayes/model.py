"""BayesianMF: averages many draws of a factorization, with a certainty for each prediction."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Halves, Indices
from matinee.block_sums import deviation
from matinee.data.ratings import Ratings
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.bayes import start as starts
from matinee.models.bayes.array_checks import check_arrays
from matinee.models.bayes.attribution import attribute
from matinee.models.bayes.chain_state import Chain, Rows, begin
from matinee.models.bayes.draws import Draws
from matinee.models.bayes.fold_in import (
    FEW,
    Posterior,
    Prior,
    RatedLevels,
    ordinal_posterior,
    prior_of,
)
from matinee.models.bayes.gibbs import Sampler, SideInformation
from matinee.models.bayes.new_items import new_item_moments
from matinee.models.bayes.ordered_probit import Link, Ordinal, rating_levels
from matinee.models.bayes.rating_moments import rating_moments
from matinee.models.bayes.spread import Unknown, spread_of, variance_of_unknown
from matinee.models.bayes.time_effects import Moments, TimedRatings
from matinee.models.bayes.time_limit import TimeLimit
from matinee.models.bayes.update import renewed
from matinee.models.biases import Biases
from matinee.models.declarations import curve_of
from matinee.models.hyperparameters import curve, hyper, learned
from matinee.models.interface import Capabilities, ItemLabels, ScoredItem, TrainingCurve
from matinee.models.updating import Change
from matinee.progress import Step
from matinee.threads import available_cores, one_blas_thread, workers
from matinee.training.checkpoints import State
from matinee.training.loop import end_epoch

TINY = float(np.finfo(np.float32).tiny)
MOST = 1e30
"""The largest precision: that of numbers that hardly differ."""
PAIRS_AT_ONCE = 4096
LIKELIHOODS = "regression", "probit"
ENOUGH_DRAWS = 16
"""The number of draws below which `mf` is more accurate than their mean."""


@dataclass(kw_only=True, eq=False)
class BayesianMF(Recommender):
    """Bayesian matrix factorization by Gibbs sampling.

    Instead of one best set of factors, the model draws many that explain the ratings about equally
    well, and averages their predictions; their spread measures the certainty. It is the most
    accurate model and needs hardly any tuning. The prior uses information besides the ratings, if
    present: the set of items that a user rated and the set of users who rated an item, features of
    users and items, and the times of ratings. The sets are those of the training ratings only,
    without the pairs to predict.

    The S stored draws form one factor model with S x F factors. Of 300 draws, 32 are stored
    (`kept`), which costs .0013 of RMSE on ML-100K; 8 would cost .0076.

    The result depends on the seed alone, unless `seconds` limits the number of draws.

    The method is that of Salakhutdinov, Mnih, "Bayesian probabilistic matrix factorization using
    Markov chain Monte Carlo", 2008. Rendle, Zhang, Koren, "On the difficulty of evaluating
    baselines", 2019, measure the value of each kind of information; `matinee.models.bayes.gibbs`
    has the equations, and what differs from the papers.

    Example:
        >>> bayes = matinee.BayesianMF(factors=4, samples=16, burn_in=2).fit(few)
        >>> (line,) = bayes.recommend({107: 5.0}, k=1)
        >>> 0 < line.deviation < 2
        True
    """

    name: ClassVar[str] = "bayes"
    summary: ClassVar[str] = (
        "It draws many tables of tastes that explain the ratings about equally well and "
        "averages their predictions; their spread tells how certain it is. It uses who rated "
        "what, and when, as well as the stars."
    )
    capabilities = Capabilities(
        needs_stars=True,
        uses_times=True,
        uses_features=True,
        resumes=True,
        thread_safe=True,
    )

    factors: int = hyper(32, low=1, high=512, search=(8, 64), help="length F of each taste vector")
    likelihood: str = hyper(
        "regression",
        choices=LIKELIHOODS,
        help="regression: a rating is score + noise; probit: thresholds turn the sum into a level",
    )
    samples: int = hyper(
        300, low=1, high=100_000, help="sweeps after the burn-in, which are averaged"
    )
    burn_in: int = hyper(100, low=0, high=100_000, help="sweeps at the start, which are discarded")
    kept: int = hyper(
        32,
        low=1,
        high=4096,
        help="draws stored in the model, evenly spaced over the sweeps",
    )
    sets: bool = hyper(True, help="use who rated what, regardless of the rating")
    set_rank: int = hyper(
        300,
        low=1,
        high=10_000,
        help="number of features that summarize these sets, for users and for items",
    )
    side: bool = hyper(True, help="use the features of users and items, such as genres")
    times: bool = hyper(True, help="use the times of ratings, if present")
    noise_pooling: float = hyper(
        30.0,
        low=0,
        high=10_000,
        help="weight, in ratings, of the common noise level in that of each user; 0: common only",
    )
    tolerance: float = hyper(
        1e-4,
        low=0,
        high=1,
        help="stop at this ratio of Monte Carlo variance to squared error; 0: never",
    )
    seconds: float = hyper(
        0.0,
        low=0,
        high=1e7,
        help="time limit of the whole fit; if it is too short for a few draws, the result is mf's; "
        "0: no limit",
    )
    start: str = hyper(
        "auto",
        choices=starts.STARTS,
        help="near: with mf's factors; few: two of them; wide: a wide prior of some factors; auto: "
        "near or, for sparse tables, few if better on a tenth of the ratings",
    )

    global_mean_: Doubles = learned(dtype=np.float64)
    deviation_: Doubles = learned(dtype=np.float64, least=0)
    user_draws_: Halves = learned("U+1", "S", "factors+1", dtype=np.float16)
    item_draws_: Halves = learned("I+1", "S", "factors+1", dtype=np.float16)
    """Factors and bias in each draw, in standard deviations; the last rows are for the
    unknown."""
    set_draws_: Halves = learned("I", "S", "factors+1", dtype=np.float16)
    """What each rated item adds to a user's prior mean, times the root of their number."""
    mean_draws_: Floats = learned("S", "factors+1", dtype=np.float32)
    precision_draws_: Floats = learned("S", "factors+1", dtype=np.float32, least=TINY, most=MOST)
    """The mean, without sets, and the precision of the users' prior, (S, F + 1)."""
    noise_draws_: Floats = learned("S", dtype=np.float32, least=TINY, most=MOST)
    """The common precision of the noise, (S,)."""
    user_noise_: Floats = learned("U+1", dtype=np.float32, least=0)
    """The mean variance of each user's noise, (U + 1,)."""
    user_effect_: Floats = learned("U+1", dtype=np.float32)
    """What to add to the scores of each user at an unknown time, (U + 1,): 0, but in files of
    earlier versions, which lack `untimed_draws_`, the mean time effect."""
    moment_keys_: NDArray[np.int64] = learned("M", dtype=np.int64)
    moment_sizes_: NDArray[np.int64] = learned("L", dtype=np.int64, sizes_of="M")
    moment_effects_: Floats = learned("M", dtype=np.float32)
    untimed_draws_: Halves = learned("V", "S", "factors+1", dtype=np.float16, may_be_missing=True)
    """`user_draws_` for ratings at unknown times, (U + 1, S, F + 1); empty without times."""
    effect_variance_: Floats = learned("E", dtype=np.float32, least=0, may_be_missing=True)
    """The variance of the time effects of each level around their users' means, on the training
    ratings, (L,)."""
    moment_variance_: Floats = learned("W", dtype=np.float32, least=0, may_be_missing=True)
    """The variance of the effect of a new day, run and instant, (L,)."""
    curve_: TrainingCurve = curve("RMSE, stars", first="effective samples")
    """One row for each sweep; the validation loss is that of the mean prediction so far."""

    label_draws_: Halves = learned("G", "S", "factors+1", dtype=np.float16, may_be_missing=True)
    """What each label of the item features adds to the factors and bias of a new item, then
    those of an item without labels, then the standard deviation around their sum; empty without
    features."""

    levels_: Doubles = learned("K", dtype=np.float64)
    threshold_draws_: Floats = learned("S", "K-1", dtype=np.float32)
    """For likelihood=probit, the distinct ratings, (K,), and thresholds between them, (S, K -
    1).

    The thresholds are in standard deviations, as the draws. Both are empty for regression.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.capabilities = replace(
            self.capabilities, uses_times=self.times, uses_features=self.side
        )

    # -- learning ------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        limit, rng = TimeLimit(self.seconds), np.random.default_rng(self.seed)
        self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
        self.deviation_ = np.array(deviation(train.value) or 1e-6)
        values = starts.targets(self, train)
        ordinal = self._ordinal(train)
        begun, saved = begin(self, train, rng, limit, options)
        start, tables = begun.start, begun.tables
        losses: Rows = []
        n_threads = options.n_threads or available_cores()
        with one_blas_thread(), workers(n_threads) as run:
            side = SideInformation([], [], None, False)
            if start != "mf" and not limit.is_late:
                side = starts.side_information(self, train, rng, run)
            users, items, _ = tables.few().copy() if start == "few" else tables.copy()
            sampler = Sampler(train, values, users, items, side, self.noise_pooling, run, ordinal)
            sampler.scales = starts.is_sparse(train)
            draws = Draws(sampler, train, options.valid, self.kept, self.seed)
            limit.start(sampler.estimated_seconds(n_threads) if self.seconds else 0)
            if start != "mf":
                chain = Chain(begun, sampler, draws, rng, limit, losses)
                self._sample(chain, saved, options)
            if draws.n_sweeps == 0 or (limit.is_late and draws.n_sweeps < ENOUGH_DRAWS):
                sampler.restart(tables.users, tables.items)
                draws = Draws(sampler, train, options.valid, self.kept, self.seed)
                draws.add(sampler)
        self.curve_ = curve_of(self, np.array(losses).reshape(-1, 3))
        for name, array in draws.learned(sampler, self.factors).items():
            setattr(self, name, array)

    def _sample(self, chain: Chain, saved: State | None, options: FitOptions) -> None:
        """Sweeps until the tolerance, the number of samples or the time limit; adds the rows of
        the curve.

        Args:
            saved: the state to go back to before, if there is one.
        """
        begun, sampler, draws, rng, limit, losses = chain
        start, total = begun.start, self.burn_in + self.samples
        if saved is not None and options.checkpoint is not None:
            with options.checkpoint.reading():
                chain.restore(saved, total)
        if start == "wide" and not losses:
            sampler.widen(starts.WIDE_FACTORS, starts.WIDE_RATE)
        is_done = draws.relative_variance < self.tolerance
        while not is_done and len(losses) < total and not limit.is_late:
            burnt_in = limit.burnt_in(len(losses), self.burn_in)
            if start == "wide" and burnt_in >= starts.WIDE_SHARE:
                sampler.widen(starts.WIDE_FACTORS)
            sampler.sweep(rng)
            limit.tick()
            if burnt_in >= 1:
                draws.add(sampler)
            unit = float(self.deviation_)
            train_rmse, valid_rmse = unit * sampler.error, unit * draws.valid_error
            losses.append((draws.effective_samples, train_rmse, valid_rmse))
            validation = valid_rmse if options.valid and draws.n_sweeps else None
            shown = f"RMSE {train_rmse if validation is None else validation:.4f}"
            step = Step(len(losses), total, shown, validation)
            end_epoch(options.checkpoint, chain.state, options.progress, step)
            is_done = draws.relative_variance < self.tolerance

    def _ordinal(self, train: Ratings) -> Ordinal | None:
        """The state of the ordered probit; None for regression. Sets `levels_`."""
        if self.likelihood != "probit":
            self.levels_ = np.empty(0)
            return None
        self.levels_ = rating_levels(train.value)
        return Ordinal(
            train.by_user.value,
            self.levels_,
            float(self.global_mean_),
            float(self.deviation_),
        )

    def absorb(self, change: Change, n_threads: int | None) -> None:
        """One more sweep of each draw for what the news touch; see `update.py`.

        Args:
            change: the ratings after the news, and what they touch.
        """
        for name, array in renewed(self, change, n_threads).items():
            setattr(self, name, array)

    @property
    def can_absorb(self) -> bool:
        """Whether it can be updated: not with the latent scores of the ordered probit."""
        return self.likelihood != "probit"

    # -- people --------------------------------------------------------------------------

    @property
    def _n_draws(self) -> int:
        return int(self.item_draws_.shape[1])

    @cached_property
    def _wide_items(self) -> Floats:
        """The draws of all items side by side, factors and bias, (I, S * (F + 1)); not
        saved."""
        return np.asarray(self.item_draws_[:-1].reshape(len(self.items_), -1), np.float32)

    @cached_property
    def _item_layers(self) -> Floats:
        """The draws of all items one after the other, (S, I, F + 1); not saved."""
        return np.asarray(self.item_draws_[:-1].transpose(1, 0, 2), np.float32, order="C")

    @property
    def _people(self) -> Halves:
        """The factors and biases of users for ratings at unknown times, (U + 1, S, F + 1)."""
        if len(self.untimed_draws_):
            return self.untimed_draws_
        return self.user_draws_

    @cached_property
    def _user_spread(self) -> Floats:
        """The standard deviations of users around the average person in each draw, (S, F + 1)."""
        return spread_of(self._people)

    @cached_property
    def _item_spread(self) -> Floats:
        """The standard deviations of new items around what is expected of them, (S, F + 1)."""
        if len(self.label_draws_):
            return np.asarray(self.label_draws_[-1], np.float32)
        return spread_of(self.item_draws_)

    def _is_new(self, item_index: Indices) -> NDArray[np.bool_]:
        """Which items nobody has rated, (n,); an index of -1 is an unknown item."""
        return np.asarray(np.append(self.item_counts_ == 0, True)[item_index])

    def _is_unknown(self, user_index: Indices) -> NDArray[np.bool_]:
        """Which users have no training ratings, (n,); an index of -1 is an unknown user."""
        return np.asarray((self._people[user_index] == self._people[-1]).all(axis=(1, 2)))

    def _user_vectors(self, user_index: Indices) -> Floats:
        """The effect of an unknown time, the noise variance of each user, their draws, and
        steps of 0.

        The steps are those of `_fold_in`. A user without ratings gets the average person, with
        random steps of the spread of users.
        """
        draws = self._people[user_index].reshape(len(user_index), -1).astype(np.float32)
        steps = np.zeros_like(draws)
        is_unknown = self._is_unknown(user_index)
        if is_unknown.any():
            steps[is_unknown] = (self._random(self._user_spread.shape) * self._user_spread).ravel()
        noise = self.user_noise_[user_index] + self.effect_variance_.sum()
        vectors: Floats = np.column_stack([self.user_effect_[user_index], noise, draws, steps])
        return vectors

    def _random(self, shape: tuple[int, ...]) -> Doubles:
        """Standard normal numbers, (S, F + 1), with a mean square of 1 over the draws."""
        random = np.random.default_rng(self.seed).standard_normal(shape)
        return np.asarray(random / np.sqrt(np.square(random).mean(axis=0)))

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        """The posterior means of a new person given each draw of the items, and random steps.

        The layout is that of `_user_vectors`. The mean square of a step is the posterior
        variance.
        """
        if len(item_index) == 0:
            return np.asarray(self._user_vectors(np.array([-1]))[0])
        return self._vector(self._posterior(item_index, value))

    def _vector(self, posterior: Posterior) -> Floats:
        mean = posterior.solve()  # (S, F + 1)
        step = posterior.step(self._random(mean.shape))  # (S, F + 1)
        effect_and_noise = 0.0, float(self.user_noise_[-1] + self.effect_variance_.sum())
        vector = np.concatenate([effect_and_noise, mean.ravel(), step.ravel()])
        return np.asarray(vector, np.float32)

    def _posterior(
        self, item_index: NDArray[np.int32], value: Floats, n: int | None = None
    ) -> Posterior:
        """The posterior of a person's factors and bias, for each draw.

        Args:
            n: the prior is that of a person with n ratings; None for their number.
        """
        if n is None:
            n = len(item_index)
        trust = n / (n + FEW)
        item_draws = self.item_draws_[item_index].transpose(1, 0, 2)
        items = item_draws.astype(np.float64, order="C")  # (S, n, F + 1)
        biases = items[..., -1].copy()  # (S, n)
        items[..., -1] = 1
        set_draws = self.set_draws_[item_index].transpose(1, 0, 2)
        sets = set_draws.astype(np.float64, order="C")  # (S, n, F + 1)
        sets *= trust / np.sqrt(n)
        prior, precision = self._prior(n)
        mean = prior + sets.sum(axis=1)
        noise = self.noise_draws_.astype(np.float64)[:, None]
        stars = (value - self.global_mean_) / self.deviation_
        if self._link is None:
            return Posterior.from_ratings(items, stars - biases, sets, mean, precision, noise)
        answers = RatedLevels(self._link, self._link.level(stars), biases)
        return ordinal_posterior(items, sets, mean, precision, noise, answers)

    def _prior(self, n: int) -> Prior:
        """The prior of a person with n ratings."""
        average = self._people[-1].astype(np.float64)
        return prior_of(n, self.mean_draws_, average, self.precision_draws_, self._user_spread)

    @property
    def _link(self) -> Link | None:
        """The link from scores to levels; None for regression."""
        if len(self.levels_) == 0:
            return None
        return Link(self.threshold_draws_, (self.levels_ - self.global_mean_) / self.deviation_)

    def _predict_all(self, vectors: Floats) -> Floats:
        if self._link is not None:
            return self._linked_scores(vectors, self._link)
        draws = vectors[:, 2 : 2 + self._wide_items.shape[1]]
        draws = draws.reshape(len(vectors), self._n_draws, -1).copy()
        bias = draws[:, :, -1].mean(axis=1)  # (B,)
        draws[:, :, -1] = 1
        sums = draws.reshape(len(vectors), -1) @ self._wide_items.T / np.float32(self._n_draws)
        return self._stars(sums + (bias + vectors[:, 0])[:, None])

    def _linked_scores(self, vectors: Floats, link: Link) -> Floats:
        """Applies the link to each draw; for a new person, on either side of each mean."""
        n_items = len(self.items_)
        variance = np.repeat(vectors[:, 1], n_items)
        total = np.zeros(len(variance), np.float32)
        samples = self._samples(vectors)
        for draws in samples:
            for draw in range(self._n_draws):
                x = draws[:, draw].copy()  # (B, F + 1)
                bias, x[:, -1] = x[:, -1] + vectors[:, 0], 1
                latents = x @ self._item_layers[draw].T + bias[:, None]  # (B, I)
                single = link._replace(thresholds=link.thresholds[draw : draw + 1])
                total += single.mean_and_variance(latents.reshape(1, -1), variance)[0]
        return self._stars(total.reshape(-1, n_items) / np.float32(len(samples) * self._n_draws))

    def _samples(self, vectors: Floats) -> list[Floats]:
        """The draws of known users, or steps to either side of the means; each (B, S, F +
        1)."""
        draws = vectors[:, 2:].reshape(len(vectors), 2, self._n_draws, -1)
        mean, step = draws[:, 0], draws[:, 1]
        if step.any():
            return [mean + step, mean - step]
        return [mean]

    def _stars(self, standardized: Floats) -> Floats:
        deviation, mean = np.float32(self.deviation_), np.float32(self.global_mean_)
        return np.asarray(standardized * deviation + mean, np.float32)

    def _predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> Floats:
        return self._stars(self._pair_moments(user_index, item_index, timestamp)[0])

    def _pair_moments(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> tuple[Floats, Doubles]:
        """Mean and variance of the standardized ratings of pairs, (N,) each."""
        timed, link = self._at_times(user_index, timestamp), self._link
        mean, variance = np.empty(len(user_index), np.float32), np.empty(len(user_index))
        for first in range(0, len(mean), PAIRS_AT_ONCE):
            at = slice(first, first + PAIRS_AT_ONCE)
            users, items, is_timed = user_index[at], item_index[at], timed.is_timed[at]
            rows = self._people[users].astype(np.float32)  # (N, S, F + 1)
            rows[is_timed] = self.user_draws_[users[is_timed]]
            item_rows = self.item_draws_[items].astype(np.float32)
            dots = np.einsum("nsf,nsf->ns", rows[..., :-1], item_rows[..., :-1])
            draws = dots + rows[..., -1] + item_rows[..., -1]  # (N, S)
            draws += timed.effect[at, None].astype(np.float32)
            noise = self.user_noise_[users] + timed.variance[at]
            is_unknown, is_new = self._is_unknown(users), self._is_new(items)
            noise += variance_of_unknown(
                Unknown(rows, self._item_spread, is_new),
                Unknown(item_rows, self._user_spread, is_unknown),
            )
            if link is None:
                mean[at], variance[at] = draws.mean(axis=1), noise + draws.var(axis=1)
            else:
                mean[at], variance[at] = link.mean_and_variance(draws.T, noise.astype(np.float32))
        return mean, variance

    def _at_times(
        self, user_index: NDArray[np.int32], timestamp: NDArray[np.int64] | None
    ) -> TimedRatings:
        """What is known of the time effects on ratings."""
        moments = Moments(
            self.moment_keys_,
            self.moment_sizes_,
            self.moment_effects_,
            self.effect_variance_,
            self.moment_variance_,
        )
        timed = moments.at(user_index, timestamp)
        timed.effect[~timed.is_timed] = self.user_effect_[user_index[~timed.is_timed]]
        return timed

    # -- items that nobody has rated -----------------------------------------------------

    def _score_new_items(self, profile: UserState, labels: ItemLabels) -> list[ScoredItem]:
        features, draws = self.history_.item_features, self.label_draws_
        mean, variance = new_item_moments(profile.vector, features, draws, labels, self._link)
        deviations = self.deviation_ * np.sqrt(variance)
        return self._scored_new(self._stars(mean.astype(np.float32)), deviations)

    def _deviations(self, profile: UserState, item_index: Indices) -> Doubles:
        return np.asarray(self.deviation_ * np.sqrt(self._rating(profile.vector, item_index)[1]))

    def _rating(self, vector: Floats, item_index: Indices) -> tuple[Doubles, Doubles]:
        """Mean and variance of a person's standardized ratings of some items, (n,) each."""
        draws = self.item_draws_[item_index].astype(np.float32)
        is_new = self._is_new(item_index)
        return rating_moments(vector, draws, self._link, self._item_spread, is_new)

    def predict_deviations(self, ratings: Ratings) -> Doubles:
        """The standard deviation of ratings about `predict_ratings`, in stars, (N,).

        The values of `ratings` are not read. For a user or item without training ratings the
        result includes the spread of all users, or of the items around what their features lead
        to expect; for a missing time, that of the time effects on the user's ratings; for a time
        near no training rating of the user, that of the effects of a new day, run and instant.
        """
        self._require_stars()
        users, items = ratings.users.indices_in(self.users_), ratings.items.indices_in(self.items_)
        user_index, item_index = users[ratings.user_index], items[ratings.item_index]
        _, variance = self._pair_moments(user_index, item_index, ratings.timestamp)
        return np.asarray(self.deviation_ * np.sqrt(variance))

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        return attribute(self, profile, item_index)

    # -- similarity and tastes -----------------------------------------------------------

    def learned_biases(self) -> Biases:
        """The means over the draws, in stars."""
        return Biases(
            float(self.global_mean_),
            self._mean_bias(self._people),
            self._mean_bias(self.item_draws_),
        )

    def _mean_bias(self, draws: Halves) -> Floats:
        biases = draws[:-1, :, -1].mean(axis=1, dtype=np.float64)
        return np.asarray(self.deviation_ * biases, np.float32)

    def check_arrays(self) -> None:
        """Checks what the arrays must have in common: numbers of draws, levels and times."""
        check_arrays(self)

    def _item_vectors(self) -> Floats:
        factors = self.item_draws_[:-1, :, :-1].reshape(len(self.items_), -1).astype(np.float32)
        return np.asarray(np.where((self.item_counts_ > 0)[:, None], factors, 0), np.float32)

    def _tastes(self, vectors: Floats) -> Floats:
        draws = vectors[:, 2 : 2 + self._wide_items.shape[1]].reshape(
            len(vectors), self._n_draws, -1
        )
        return draws[:, :, :-1].reshape(len(vectors), -1)
