"""BayesianMF: the most accurate model, with a certainty for each prediction. Hardly anything to tune.

Rather than one best set of factors it draws many that explain the ratings about equally well, by Gibbs sampling
(`sampler.py`), and averages their predictions; how far they are apart tells how sure it is. What it knows beside the
ratings goes into the prior, each where its data is there: the set of items that a user rated and the set of users who
rated an item, features of users and items, and when somebody rated (`moments.py`). Sets are those of the training
ratings only, never with the pairs to predict.

The S draws that are kept are one factor model with S x F factors. Sources: `sampler.py`; Rendle, Zhang and Koren, "On
the difficulty of evaluating baselines" (2019), for which ingredients are worth having.
"""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats, Halves
from matinee.data.ratings import Ratings
from matinee.errors import DataError
from matinee.models.base import Attribution, FitOptions, Recommender, UserState
from matinee.models.bayes.draws import Chain
from matinee.models.bayes.fold_in import Answers, Posterior, Scores, ordinal_posterior
from matinee.models.bayes.gibbs import Beside, Sampler
from matinee.models.bayes.ordered_probit import Link, Ordinal, rating_levels
from matinee.models.bayes.side_information import feature_block, set_block
from matinee.models.bayes.time_effects import Moments
from matinee.models.biases import Biases
from matinee.models.declarations import curve_of
from matinee.models.hyperparameters import curve, hyper, learned
from matinee.models.interface import Capabilities, TrainingCurve
from matinee.models.matrix_factorization import MatrixFactorization
from matinee.progress import Step
from matinee.threads import Run, available_cores, one_blas_thread, workers

TINY = float(np.finfo(np.float32).tiny)
PAIRS_AT_ONCE = 4096
LIKELIHOODS = "regression", "probit"
SHORT = 0.01
"""A way between two scores that is long enough to tell what it is worth in stars."""


@dataclass(kw_only=True, eq=False)
class BayesianMF(Recommender):
    """Bayesian matrix factorization by Gibbs sampling.

    The numbers depend on the seed alone, unless `seconds` lets the clock decide how many draws there are.
    """

    name: ClassVar[str] = "bayes"
    summary: ClassVar[str] = (
        "It draws many tables of tastes that explain the ratings about equally well and "
        "averages what they predict; how far they are apart tells how sure it is. Who rated "
        "what, and when, counts as well as the stars."
    )
    capabilities = Capabilities(
        needs_stars=True,
        uses_times=True,
        uses_features=True,
        thread_safe=True,
    )

    factors: int = hyper(32, low=1, high=512, search=(8, 64), help="length F of each taste vector")
    likelihood: str = hyper(
        "regression",
        choices=LIKELIHOODS,
        help="regression: a rating is a score and noise; probit: a level of it, between thresholds",
    )
    samples: int = hyper(300, low=1, high=100_000, help="sweeps that are averaged, after the burn-in")
    burn_in: int = hyper(100, low=0, high=100_000, help="first sweeps, which are forgotten")
    kept: int = hyper(32, low=1, high=4096, help="draws that are kept in the model, evenly from all sweeps")
    sets: bool = hyper(True, help="use who rated what, whatever the rating")
    set_rank: int = hyper(300, low=1, high=10_000, help="features that sum up these sets, for each side")
    side: bool = hyper(True, help="use what the data tells of users and items, such as genres")
    times: bool = hyper(True, help="use when ratings were given, where the data tells")
    noise_pooling: float = hyper(
        30.0,
        low=0,
        high=10_000,
        help="ratings of the common noise that each user's own is mixed with; 0: no own",
    )
    tolerance: float = hyper(
        1e-4,
        low=0,
        high=1,
        help="stop when chance adds no more to the squared error, as a part of it; 0: never",
    )
    seconds: float = hyper(0.0, low=0, high=1e7, help="stop after about so long, with fewer samples; 0: no limit")

    global_mean_: Doubles = learned(dtype=np.float64)
    deviation_: Doubles = learned(dtype=np.float64, least=0)
    user_draws_: Halves = learned("U+1", "S", "factors+1", dtype=np.float16)
    item_draws_: Halves = learned("I+1", "S", "factors+1", dtype=np.float16)
    """(U, S, F + 1) and (I, S, F + 1): factors and bias of each draw, in deviations; last rows: of somebody unknown."""
    set_draws_: Halves = learned("I", "S", "factors+1", dtype=np.float16)
    """What having rated an item adds to a user's prior, before division by the root of their number, (I, S, F + 1)."""
    mean_draws_: Floats = learned("S", "factors+1", dtype=np.float32)
    precision_draws_: Floats = learned("S", "factors+1", dtype=np.float32, least=TINY)
    """The rest of the users' prior, (S, F + 1)."""
    noise_draws_: Floats = learned("S", dtype=np.float32, least=TINY)
    """The common precision of the noise, (S,)."""
    user_noise_: Floats = learned("U+1", dtype=np.float32, least=0)
    """The mean variance of each user's noise, (U + 1,)."""
    user_effect_: Floats = learned("U+1", dtype=np.float32)
    """What the moments add on average to each user's ratings, (U + 1,)."""
    moment_keys_: NDArray[np.int64] = learned("M", dtype=np.int64)
    moment_sizes_: NDArray[np.int64] = learned("L", dtype=np.int64, sizes_of="M")
    moment_effects_: Floats = learned("M", dtype=np.float32)
    curve_: TrainingCurve = curve("RMSE, stars", first="effective samples")
    """By sweeps; on the valid part that of the mean prediction so far."""

    levels_: Doubles = learned("K", dtype=np.float64)
    threshold_draws_: Floats = learned("S", "K-1", dtype=np.float32)
    """With likelihood=probit: the distinct ratings, (K,), and the thresholds between them in each draw, (S, K - 1), in
    the units of the draws of factors and biases; empty with regression."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.capabilities = replace(self.capabilities, uses_times=self.times, uses_features=self.side)

    # -- learning ----------------------------------------------------------------------------------------------

    def _fit(self, train: Ratings, options: FitOptions) -> None:
        for name in ("_wide_items", "_item_layers"):
            self.__dict__.pop(name, None)
        began, rng = time.monotonic(), np.random.default_rng(self.seed)
        self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
        self.deviation_ = np.array(train.value.std(dtype=np.float64) or 1e-6)
        value = ((train.value - self.global_mean_) / self.deviation_).astype(np.float32)
        ordinal = self._ordinal(train)
        tables = self._start(train, rng, options.n_threads)
        losses: list[tuple[float, float, float]] = []
        with one_blas_thread(), workers(options.n_threads or available_cores()) as run:
            sampler = Sampler(
                train,
                value,
                tables,
                self._beside(train, rng, run),
                self.noise_pooling,
                run,
                ordinal,
            )
            chain = Chain(sampler, train, options.valid, self.kept, self.seed)
            while not self._is_done(chain, len(losses), began):
                sampler.sweep(rng)
                if len(losses) >= self.burn_in:
                    chain.add(sampler)
                errors = (
                    float(self.deviation_) * sampler.error,
                    float(self.deviation_) * chain.valid_error,
                )
                losses.append((chain.effective_samples, *errors))
                if options.progress:
                    validation = errors[1] if options.valid is not None and chain.n_sweeps else None
                    shown = errors[0] if validation is None else validation
                    total = self.burn_in + self.samples
                    options.progress(Step(len(losses), total, f"RMSE {shown:.4f}", validation))
        self.curve_ = curve_of(self, np.array(losses))
        for name, array in chain.learned(sampler).items():
            setattr(self, name, array)

    def _ordinal(self, train: Ratings) -> Ordinal | None:
        """What the ordered probit adds to the chain, or None."""
        self.levels_ = rating_levels(train.value) if self.likelihood == "probit" else np.empty(0)
        if len(self.levels_) == 0:
            return None
        return Ordinal(
            train.value[train.by_user.row],
            self.levels_,
            float(self.global_mean_),
            float(self.deviation_),
        )

    def _is_done(self, chain: Chain, n_sweeps: int, began: float) -> bool:
        """Whether there are enough samples, or more would no longer help, or the time is over."""
        late = self.seconds > 0 and time.monotonic() - began > self.seconds
        return chain.n_sweeps > 0 and (late or n_sweeps >= self.burn_in + self.samples or chain.blur < self.tolerance)

    def _start(self, train: Ratings, rng: np.random.Generator, n_threads: int | None) -> tuple[Floats, Floats]:
        """The factors and biases of `mf`, and a little noise: from there the chain is soon where it belongs."""
        start = MatrixFactorization(factors=self.factors, seed=self.seed).fit(train, n_threads=n_threads)
        unit = np.float32(self.deviation_)
        tables = []
        for factors, bias in (
            (start.user_factors_, start.user_bias_),
            (start.item_factors_, start.item_bias_),
        ):
            table = np.column_stack([factors / np.sqrt(unit), bias / unit]).astype(np.float32)
            tables.append(table + np.float32(0.01) * rng.standard_normal(table.shape, np.float32))
        return tables[0], tables[1]

    def _beside(self, train: Ratings, rng: np.random.Generator, run: Run) -> Beside:
        users, items = [], []
        if self.sets:
            users.append(set_block(run, train.by_user, train.by_item, self.set_rank, rng))
            items.append(set_block(run, train.by_item, train.by_user, self.set_rank, rng))
        if self.side:
            users += [feature_block(train.user_features.table)] if train.user_features else []
            items += [feature_block(train.item_features.table)] if train.item_features else []
        time = train.timestamp if self.times else None
        return Beside(users, items, None if time is None else Moments.of(train.user_index, time), self.sets)

    # -- people ------------------------------------------------------------------------------------------------

    @property
    def _n_draws(self) -> int:
        return int(self.item_draws_.shape[1])

    @cached_property
    def _wide_items(self) -> Floats:
        """The draws of all items side by side, factors and bias, (I, S * (F + 1)); not saved."""
        return np.asarray(self.item_draws_[:-1].reshape(len(self.items_), -1), np.float32)

    @cached_property
    def _item_layers(self) -> Floats:
        """The draws of all items one after the other, (S, I, F + 1); not saved."""
        return np.asarray(self.item_draws_[:-1].transpose(1, 0, 2), np.float32, order="C")

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        """Per user what moments add, the variance of their noise, their draws, and 0 for each, as in `_fold_in`; for
        whoever has no ratings the average person, and a step to anybody."""
        draws = self.user_draws_[user_index].reshape(len(user_index), -1).astype(np.float32)
        steps, is_unknown = (
            np.zeros_like(draws),
            np.all(draws == self.user_draws_[-1].ravel(), axis=1),
        )
        if is_unknown.any():
            random = np.random.default_rng(self.seed).standard_normal(self.precision_draws_.shape)
            steps[is_unknown] = (random / np.sqrt(self.precision_draws_)).ravel()
        vectors: Floats = np.column_stack([self.user_effect_[user_index], self.user_noise_[user_index], draws, steps])
        return vectors

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        """As `_user_vectors`, but the means of a newcomer given each draw of the items, and a step away from them at
        random, as far as the ratings leave room; its square, averaged over the draws, is the variance."""
        if len(item_index) == 0:
            return np.asarray(self._user_vectors(np.array([-1]))[0])
        return self._vector(self._posterior(item_index, value))

    def _vector(self, posterior: Posterior) -> Floats:
        mean, step = (
            posterior.solve(),
            posterior.step(np.random.default_rng(self.seed)),
        )  # (S, F + 1)
        ends = 0.0, float(self.user_noise_[-1])
        return np.asarray(np.concatenate([ends, mean.ravel(), step.ravel()]), np.float32)

    def _posterior(self, item_index: NDArray[np.int32], value: Floats) -> Posterior:
        """Of a person's factors and bias, for each draw."""
        items = self.item_draws_[item_index].transpose(1, 0, 2).astype(np.float64, order="C")  # (S, n, F + 1)
        biases = items[..., -1].copy()  # (S, n)
        items[..., -1] = 1
        sets = self.set_draws_[item_index].transpose(1, 0, 2).astype(np.float64, order="C")  # (S, n, F + 1)
        sets /= np.sqrt(len(item_index))
        prior = self.mean_draws_ + sets.sum(axis=1), self.precision_draws_.astype(np.float64)
        noise = self.noise_draws_.astype(np.float64)[:, None]
        stars = (value - self.global_mean_) / self.deviation_
        if self._link is not None:
            return ordinal_posterior(items, sets, prior, noise, Answers(self._link, self._link.level(stars), biases))
        return Posterior.of(items, stars - biases, sets, prior, noise)

    @property
    def _link(self) -> Link | None:
        """From scores to levels; None if ratings are scores with noise."""
        if len(self.levels_) == 0:
            return None
        return Link(self.threshold_draws_, (self.levels_ - self.global_mean_) / self.deviation_)

    def _scores(self, vectors: Floats) -> Floats:
        if self._link is not None:
            return self._linked_scores(vectors, self._link)
        draws = vectors[:, 2 : 2 + self._wide_items.shape[1]].reshape(len(vectors), self._n_draws, -1).copy()
        bias = draws[:, :, -1].mean(axis=1)  # (B,)
        draws[:, :, -1] = 1
        sums = draws.reshape(len(vectors), -1) @ self._wide_items.T / np.float32(self._n_draws)
        return self._stars(sums + (bias + vectors[:, 0])[:, None])

    def _linked_scores(self, vectors: Floats, link: Link) -> Floats:
        """The link is applied to each draw; of a newcomer to the mean of each and a step to either side of it."""
        n_items = len(self.items_)
        variance = np.repeat(vectors[:, 1], n_items)
        total = np.zeros(len(variance), np.float32)
        sides = self._sides(vectors)
        for draws in sides:
            for draw in range(self._n_draws):
                one = draws[:, draw].copy()  # (B, F + 1)
                bias, one[:, -1] = one[:, -1] + vectors[:, 0], 1
                latents = one @ self._item_layers[draw].T + bias[:, None]  # (B, I)
                alone = link._replace(thresholds=link.thresholds[draw : draw + 1])
                total += alone.moments(latents.reshape(1, -1), variance)[0]
        return self._stars(total.reshape(-1, n_items) / np.float32(len(sides) * self._n_draws))

    def _sides(self, vectors: Floats) -> list[Floats]:
        """The draws of people, (B, S, F + 1): those of known users, or a step to either side of the mean of each."""
        draws = vectors[:, 2:].reshape(len(vectors), 2, self._n_draws, -1)
        mean, step = draws[:, 0], draws[:, 1]
        return [mean + step, mean - step] if step.any() else [mean]

    def _stars(self, standardized: Floats) -> Floats:
        return np.asarray(standardized * np.float32(self.deviation_) + np.float32(self.global_mean_), np.float32)

    def _predict_at(
        self,
        user_index: NDArray[np.int32],
        item_index: NDArray[np.int32],
        timestamp: NDArray[np.int64] | None,
    ) -> Floats:
        moments = self._moments(user_index, timestamp)
        out = np.empty(len(user_index), np.float32)
        for first in range(0, len(out), PAIRS_AT_ONCE):
            at = slice(first, first + PAIRS_AT_ONCE)
            draws = self._draws_of(user_index[at], item_index[at])  # (N, S)
            if self._link is None:
                out[at] = draws.mean(axis=1) + moments[at]
            else:
                out[at] = self._link.moments((draws + moments[at, None]).T, self.user_noise_[user_index[at]])[0]
        return self._stars(out)

    def _draws_of(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        """What each draw says of each pair, (N, S), in deviations from the mean, without the moment."""
        users = self.user_draws_[user_index].astype(np.float32)  # (N, S, F + 1)
        items = self.item_draws_[item_index].astype(np.float32)
        return np.asarray(np.einsum("nsf,nsf->ns", users[..., :-1], items[..., :-1]) + users[..., -1] + items[..., -1])

    def _moments(self, user_index: NDArray[np.int32], timestamp: NDArray[np.int64] | None) -> Floats:
        """What the moment adds; where no time is given, what it adds on average."""
        if timestamp is None or len(self.moment_sizes_) == 0:
            return self.user_effect_[user_index]
        places = Moments.unpack(self.moment_keys_, self.moment_sizes_).places(user_index, timestamp)
        levels = np.split(self.moment_effects_, np.cumsum(self.moment_sizes_)[:-1])
        return np.asarray(
            sum(np.append(one, 0)[place] for one, place in zip(levels, places, strict=True)),
            np.float32,
        )

    def _deviations(self, profile: UserState, item_index: NDArray[Any]) -> Doubles:
        return np.asarray(self.deviation_ * np.sqrt(self._rating(profile.vector, item_index)[1]))

    def _rating(self, vector: Floats, item_index: NDArray[Any]) -> tuple[Doubles, Doubles]:
        """Mean and variance, standardized, of what somebody would give some items, (n,) each."""
        mean, step = vector[2:].reshape(2, self._n_draws, -1)
        items = self.item_draws_[item_index].transpose(1, 2, 0).astype(np.float32)  # (S, F + 1, n)
        bias = items[:, -1].copy()  # (S, n)
        items[:, -1] = 1
        scores = (mean[:, None] @ items)[:, 0] + bias + vector[0]  # (S, n)
        around = (step[:, None] @ items)[:, 0]
        if self._link is None:
            variance = scores.var(axis=0, dtype=np.float64) + (around**2).mean(axis=0) + vector[1]
            return scores.mean(axis=0, dtype=np.float64), variance
        both = np.concatenate([scores + around, scores - around])
        found = self._link.moments(both, np.full(len(item_index), vector[1]))
        return found[0].astype(np.float64), found[1].astype(np.float64)

    def predict_deviations(self, ratings: Ratings) -> Doubles:
        """The standard deviation of ratings about `predict_ratings`, in stars, (N,); values are not read.

        Too small for whoever, or whatever, has no training ratings: it is how far the draws of an average are apart.
        """
        self._require_stars()
        users, items = ratings.users.indices_in(self.users_), ratings.items.indices_in(self.items_)
        user_index, item_index = users[ratings.user_index], items[ratings.item_index]
        moments = self._moments(user_index, ratings.timestamp)
        variance = np.empty(len(user_index))
        for first in range(0, len(variance), PAIRS_AT_ONCE):
            at = slice(first, first + PAIRS_AT_ONCE)
            draws, noise = (
                self._draws_of(user_index[at], item_index[at]),
                self.user_noise_[user_index[at]],
            )
            if self._link is None:
                variance[at] = noise.astype(np.float64) + draws.var(axis=1)
            else:
                variance[at] = self._link.moments((draws + moments[at, None]).T, noise)[1]
        return np.asarray(self.deviation_ * np.sqrt(variance))

    def _attribute(self, profile: UserState, item_index: NDArray[np.int32]) -> list[Attribution]:
        """Given a draw of the items, how a person's mean differs from the average person's is linear in their ratings
        and in what they rated: so is the mean over all draws. What it changes in their bias is the part of `user`."""
        unit, n, effect = float(self.deviation_), len(profile.value), float(profile.vector[0])
        items, average = (
            self.item_draws_[item_index].astype(np.float64),
            self.user_draws_[-1].astype(np.float64),
        )
        bias = items[..., -1].copy()  # (K, S)
        items[..., -1] = 1
        mean, middle = (
            float(self.global_mean_),
            (bias + (items * average).sum(axis=2)).mean(axis=1),
        )  # (K,)
        if n == 0:
            own = unit * self._rating(profile.vector, item_index)[0]
            return [Attribution(mean, 0.0, one, np.zeros(0), np.zeros(0), is_exact=True) for one in own.tolist()]
        posterior = self._posterior(profile.item_index, profile.value)
        sides = np.concatenate([items, np.zeros((1, *average.shape))]).transpose(1, 2, 0)  # (S, F + 1, K + 1)
        sides[:, -1] = np.append(np.zeros(len(items)), 1)  # first the factors of each item alone, then the bias alone
        inverse = np.asarray(np.linalg.inv(posterior.form), np.float64)
        solved = inverse @ sides
        shares = posterior.shares(solved, average, self.mean_draws_.astype(np.float64)).T  # (K + 1, n)
        taste, generosity = shares[:-1], float(shares[-1].sum())
        whole = taste.sum(axis=1) + generosity
        left_out = -whole[:, None]  # (K, n)
        if n > 1:
            left_out = posterior.changes(inverse, solved[..., :-1] + solved[..., -1:]).T
        if self._link is not None:
            scores = Scores(item_index, middle, middle + whole + effect, taste, left_out)
            return self._linked_parts(self._link, profile, posterior, scores)
        without = mean + unit * ((middle + whole + effect)[:, None] + left_out)
        user, each = (
            unit * (generosity + effect),
            zip((unit * middle).tolist(), unit * taste, without, strict=True),
        )
        return [Attribution(mean, user, *one, is_exact=True) for one in each]

    def _linked_parts(self, link: Link, profile: UserState, posterior: Posterior, scores: Scores) -> list[Attribution]:
        """Parts of a score as parts of the stars. The item's is that of the average person's stars; from there on to
        the person's own, all are multiplied by what a unit of the score is worth in stars on this way. What the
        average over draws leaves over is in the part of `user`."""
        unit, mean, n_items = (
            float(self.deviation_),
            float(self.global_mean_),
            len(scores.item_index),
        )
        vector = self._vector(posterior)
        vector[:2] = profile.vector[:2]
        own = unit * self._rating(self._user_vectors(np.array([-1]))[0], scores.item_index)[0]  # (K,)
        stars = unit * self._rating(vector, scores.item_index)[0]
        way = scores.total - scores.middle
        way = np.where(np.abs(way) > SHORT, way, SHORT)
        ends = np.concatenate([scores.middle, scores.middle + way]).astype(np.float32)
        found = link.moments(np.tile(ends, (self._n_draws, 1)), np.full(len(ends), vector[1]))[0].astype(np.float64)
        worth = (unit * (found[n_items:] - found[:n_items]) / way)[:, None]  # (K, 1)
        taste, without = worth * scores.taste, mean + worth * scores.changes + stars[:, None]
        each = zip((stars - own - taste.sum(axis=1)).tolist(), own.tolist(), taste, without, strict=True)
        return [Attribution(mean, *one, is_exact=False) for one in each]

    # -- looking into it ---------------------------------------------------------------------------------------

    def learned_biases(self) -> Biases:
        """The means over the draws."""
        user, item = (
            np.asarray(self.deviation_ * of[:-1, :, -1].mean(axis=1, dtype=np.float64), np.float32)
            for of in (self.user_draws_, self.item_draws_)
        )
        return Biases(float(self.global_mean_), user, item)

    def check_arrays(self) -> None:
        """The levels go with the setting `likelihood`."""
        if (len(self.levels_) > 0) != (self.likelihood == "probit"):
            raise DataError(f"{self.name}: levels_ do not fit likelihood={self.likelihood}")

    def _item_vectors(self) -> Floats:
        factors = self.item_draws_[:-1, :, :-1].reshape(len(self.items_), -1).astype(np.float32)
        return np.asarray(np.where((self.item_counts_ > 0)[:, None], factors, 0), np.float32)

    def _tastes(self, vectors: Floats) -> Floats:
        draws = vectors[:, 2 : 2 + self._wide_items.shape[1]].reshape(len(vectors), self._n_draws, -1)
        return draws[:, :, :-1].reshape(len(vectors), -1)
