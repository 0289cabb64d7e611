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
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee.models.base import Fitting, Parts, Profile, Recommender
from matinee.models.chain import Chain
from matinee.models.factorization import MatrixFactorization
from matinee.models.moments import Moments
from matinee.models.relations import feature_block, set_block
from matinee.models.sampler import Beside, Sampler
from matinee.models.settings import hyper
from matinee.ratings import Ratings
from matinee.threads import Run, available_cores, one_blas_thread, workers

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Halves = NDArray[np.float16]

PAIRS_AT_ONCE = 4096


@dataclass(kw_only=True, eq=False)
class BayesianMF(Recommender):
    """Bayesian matrix factorization by Gibbs sampling.

    The numbers depend on the seed alone, unless `seconds` lets the clock decide how many draws there are.
    """

    name: ClassVar[str] = "bayes"
    needs_stars: ClassVar[bool] = True
    scores_in_threads: ClassVar[bool] = True
    learned: ClassVar[tuple[str, ...]] = (
        "global_mean_", "deviation_", "user_draws_", "item_draws_", "set_draws_", "mean_draws_", "precision_draws_",
        "noise_draws_", "user_noise_", "user_effect_", "moment_keys_", "moment_sizes_", "moment_effects_", "losses_",
    )  # fmt: skip

    factors: int = hyper(32, low=1, high=512, search=(8, 64), help="length F of each taste vector")
    samples: int = hyper(300, low=1, high=100_000, help="sweeps that are averaged, after the burn-in")
    burn_in: int = hyper(100, low=0, high=100_000, help="first sweeps, which are forgotten")
    kept: int = hyper(32, low=1, high=4096, help="draws that are kept in the model, evenly from all sweeps")
    sets: bool = hyper(True, help="use who rated what, whatever the rating")
    set_rank: int = hyper(300, low=1, high=10_000, help="features that sum up these sets, for each side")
    side: bool = hyper(True, help="use what the data tells of users and items, such as genres")
    times: bool = hyper(True, help="use when ratings were given, where the data tells")
    noise_pooling: float = hyper(
        30.0, low=0, high=10_000, help="ratings of the common noise that each user's own is mixed with; 0: no own"
    )
    tolerance: float = hyper(
        1e-4, low=0, high=1, help="stop when chance adds no more to the squared error, as a part of it; 0: never"
    )
    seconds: float = hyper(0.0, low=0, high=1e7, help="stop after about so long, with fewer samples; 0: no limit")

    global_mean_: Doubles = field(init=False, repr=False)
    deviation_: Doubles = field(init=False, repr=False)
    user_draws_: Halves = field(init=False, repr=False)
    item_draws_: Halves = field(init=False, repr=False)
    """(U, S, F + 1) and (I, S, F + 1): factors and bias of each draw, in deviations; last rows: of somebody unknown."""
    set_draws_: Halves = field(init=False, repr=False)
    """What having rated an item adds to a user's prior, before division by the root of their number, (I, S, F + 1)."""
    mean_draws_: Floats = field(init=False, repr=False)
    precision_draws_: Floats = field(init=False, repr=False)
    """The rest of the users' prior, (S, F + 1)."""
    noise_draws_: Floats = field(init=False, repr=False)
    """The common precision of the noise, (S,)."""
    user_noise_: Floats = field(init=False, repr=False)
    """The mean variance of each user's noise, (U + 1,)."""
    user_effect_: Floats = field(init=False, repr=False)
    """What the moments add on average to each user's ratings, (U + 1,)."""
    moment_keys_: NDArray[np.int64] = field(init=False, repr=False)
    moment_sizes_: NDArray[np.int64] = field(init=False, repr=False)
    moment_effects_: Floats = field(init=False, repr=False)
    losses_: Doubles = field(init=False, repr=False)
    """History, (sweeps, 3): effective samples, RMSE while training, RMSE of the mean prediction of the valid part."""

    # -- learning ----------------------------------------------------------------------------------------------

    def _fit(self, train: Ratings, how: Fitting) -> None:
        self.__dict__.pop("_wide_items", None)
        began, rng = time.monotonic(), np.random.default_rng(self.seed)
        self.global_mean_ = np.array(train.value.mean(dtype=np.float64))
        self.deviation_ = np.array(train.value.std(dtype=np.float64) or 1e-6)
        value = ((train.value - self.global_mean_) / self.deviation_).astype(np.float32)
        tables = self._start(train, rng, how.n_threads)
        losses: list[tuple[float, float, float]] = []
        with one_blas_thread(), workers(how.n_threads or available_cores()) as run:
            sampler = Sampler(train, value, tables, self._beside(train, rng, run), self.noise_pooling, run)
            chain = Chain(sampler, train, how.valid, self.kept, self.seed)
            while not self._is_done(chain, len(losses), began):
                sampler.sweep(rng)
                if len(losses) >= self.burn_in:
                    chain.add(sampler)
                errors = float(self.deviation_) * sampler.error, float(self.deviation_) * chain.valid_error
                losses.append((chain.effective_samples, *errors))
                if how.progress:
                    shown = errors[0] if how.valid is None or not chain.n_sweeps else errors[1]
                    how.progress(len(losses), self.burn_in + self.samples, f"RMSE {shown:.4f}")
        self.losses_ = np.array(losses)
        for name, array in chain.learned(sampler).items():
            setattr(self, name, array)

    def _is_done(self, chain: Chain, n_sweeps: int, began: float) -> bool:
        """Whether there are enough samples, or more would no longer help, or the time is over."""
        late = self.seconds > 0 and time.monotonic() - began > self.seconds
        return chain.n_sweeps > 0 and (late or n_sweeps >= self.burn_in + self.samples or chain.blur < self.tolerance)

    def _start(self, train: Ratings, rng: np.random.Generator, n_threads: int | None) -> tuple[Floats, Floats]:
        """The factors and biases of `mf`, and a little noise: from there the chain is soon where it belongs."""
        start = MatrixFactorization(factors=self.factors, seed=self.seed).fit(train, n_threads=n_threads)
        unit = np.float32(self.deviation_)
        tables = []
        for factors, bias in ((start.user_factors_, start.user_bias_), (start.item_factors_, start.item_bias_)):
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
        return self.item_draws_[:-1].reshape(len(self.items_), -1).astype(np.float32)

    def _user_vectors(self, user_index: NDArray[Any]) -> Floats:
        """Per user what moments add, the variance of their noise, their draws, and 0 for each, as in `_fold_in`."""
        draws = self.user_draws_[user_index].reshape(len(user_index), -1).astype(np.float32)
        ends = [self.user_effect_[user_index], self.user_noise_[user_index]]
        vectors: Floats = np.column_stack([*ends, draws, 0 * draws])
        return vectors

    def _fold_in(self, item_index: NDArray[np.int32], value: Floats) -> Floats:
        """As `_user_vectors`, but the means of a newcomer given each draw of the items, and a step away from them at
        random, as far as the ratings leave room; its square, averaged over the draws, is the variance."""
        if len(item_index) == 0:
            return self._user_vectors(np.array([-1]))[0]
        system = self._system(item_index, value)
        mean = np.linalg.solve(system.form, system.right[..., None])[..., 0]  # (S, F + 1)
        random = np.random.default_rng(self.seed).standard_normal((*mean.shape, 1))
        step = np.linalg.solve(np.linalg.cholesky(system.form).transpose(0, 2, 1), random)
        ends = 0.0, float(self.user_noise_[-1])
        return np.asarray(np.concatenate([ends, mean.ravel(), step.ravel()]), np.float32)

    def _system(self, item_index: NDArray[np.int32], value: Floats) -> "_System":
        """The normal equations of a person's factors and bias, for each draw."""
        items = self.item_draws_[item_index].transpose(1, 0, 2).astype(np.float64)  # (S, n, F + 1)
        target = (value - self.global_mean_) / self.deviation_ - items[..., -1]  # (S, n)
        items[..., -1] = 1
        sets = self.set_draws_[item_index].transpose(1, 0, 2) / np.sqrt(len(item_index))  # (S, n, F + 1)
        prior = self.precision_draws_.astype(np.float64)
        noise = self.noise_draws_.astype(np.float64)[:, None]
        form = noise[..., None] * (items.transpose(0, 2, 1) @ items)
        form[:, np.arange(len(prior[0])), np.arange(len(prior[0]))] += prior
        right = prior * (self.mean_draws_ + sets.sum(axis=1)) + noise * np.einsum("sn,snf->sf", target, items)
        return _System(items, target, sets, prior, noise, form, right)

    def _scores(self, vectors: Floats) -> Floats:
        draws = vectors[:, 2 : 2 + self._wide_items.shape[1]].reshape(len(vectors), self._n_draws, -1).copy()
        bias = draws[:, :, -1].mean(axis=1)  # (B,)
        draws[:, :, -1] = 1
        sums = draws.reshape(len(vectors), -1) @ self._wide_items.T / np.float32(self._n_draws)
        scores = (sums + (bias + vectors[:, 0])[:, None]) * np.float32(self.deviation_) + np.float32(self.global_mean_)
        return np.asarray(scores, np.float32)

    def _predict(self, user_index: NDArray[np.int32], item_index: NDArray[np.int32]) -> Floats:
        return self._predict_at(user_index, item_index, None)

    def _predict_at(
        self, user_index: NDArray[np.int32], item_index: NDArray[np.int32], timestamp: NDArray[np.int64] | None
    ) -> Floats:
        moments = self._moments(user_index, timestamp)
        out = np.empty(len(user_index), np.float32)
        for first in range(0, len(out), PAIRS_AT_ONCE):
            at = slice(first, first + PAIRS_AT_ONCE)
            out[at] = self._draws_of(user_index[at], item_index[at]).mean(axis=1)
        return (out + moments) * np.float32(self.deviation_) + np.float32(self.global_mean_)

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
        return np.asarray(sum(np.append(one, 0)[place] for one, place in zip(levels, places, strict=True)), np.float32)

    def _deviations(self, profile: Profile, item_index: NDArray[Any]) -> Doubles:
        mean, step = profile.vector[2:].reshape(2, self._n_draws, -1)
        items = self.item_draws_[item_index].astype(np.float64)  # (n, S, F + 1)
        bias = items[..., -1].copy()
        items[..., -1] = 1
        spread = np.einsum("nsf,sf->ns", items, mean) + bias
        around = np.einsum("nsf,sf->ns", items, step) ** 2
        variance = spread.var(axis=1) + around.mean(axis=1) + profile.vector[1]
        return np.asarray(self.deviation_ * np.sqrt(variance))

    def predict_deviations(self, ratings: Ratings) -> Doubles:
        """The standard deviation of what `predict_ratings` is uncertain of, in stars, (N,); values are not read."""
        self._require_stars()
        users, items = ratings.users.indices_in(self.users_), ratings.items.indices_in(self.items_)
        user_index, item_index = users[ratings.user_index], items[ratings.item_index]
        variance = self.user_noise_[user_index].astype(np.float64)
        for first in range(0, len(variance), PAIRS_AT_ONCE):
            at = slice(first, first + PAIRS_AT_ONCE)
            variance[at] += self._draws_of(user_index[at], item_index[at]).var(axis=1)
        return np.asarray(self.deviation_ * np.sqrt(variance))

    def _parts(self, profile: Profile, item_index: int) -> Parts:
        """Given a draw of the items, how a person's mean differs from the average person's is linear in their ratings
        and in what they rated: so is the mean over all draws. What it changes in their bias is the part of `user`. To
        leave one rating out takes one square from the form (Sherman and Morrison, 1950)."""
        unit, n = float(self.deviation_), len(profile.value)
        item, average = self.item_draws_[item_index].astype(np.float64), self.user_draws_[-1].astype(np.float64)
        bias = item[:, -1].copy()  # (S,)
        item[:, -1] = 1
        mean, own = float(self.global_mean_), unit * float((bias + (average * item).sum(axis=1)).mean())
        if n == 0:
            return Parts(mean, 0.0, own, np.zeros(0), np.zeros(0), is_exact=True)
        system = self._system(profile.item_index, profile.value)
        sides = np.stack([item, item], axis=2)  # (S, F + 1, 2): the factors alone, the bias alone
        sides[:, -1, 0], sides[:, :-1, 1] = 0, 0
        solved = np.linalg.solve(system.form, sides)
        left = system.target - np.einsum("snf,sf->sn", system.items, average)
        shares = (system.noise * left)[..., None] * system.items
        shares += system.prior[:, None] * (system.sets + ((self.mean_draws_ - average) / n)[:, None])
        taste, generosity = np.einsum("snf,sfk->ksn", shares, solved).mean(axis=1) * unit  # (n,) each
        effect = unit * float(profile.vector[0])
        without = np.full(n, mean + own)
        if n > 1:
            changes = unit * self._changes(system, item, solved.sum(axis=2)).mean(axis=0)
            without = mean + own + taste.sum() + generosity.sum() + changes
        return Parts(mean, float(generosity.sum()) + effect, own, taste, without + effect, is_exact=True)

    def _changes(self, system: "_System", item: Doubles, solved: Doubles) -> Doubles:
        """How the score changes, in deviations, when one rating is left out, (S, n)."""
        n = system.items.shape[1]
        inverse = np.linalg.inv(system.form)
        turned = system.items @ inverse  # (S, n, F + 1), A^-1 y_j
        at_items = np.einsum("snf,sf->sn", turned, item)
        resistance = 1 - system.noise * np.einsum("snf,snf->sn", turned, system.items)
        # the right-hand side without the rating j: less its own, and the sets of the others weigh more
        whole = system.sets.sum(axis=1)[:, None]
        fewer = np.sqrt(n / (n - 1)) * (whole - system.sets) - whole
        change = system.prior[:, None] * fewer - system.noise[..., None] * system.target[..., None] * system.items
        total = system.right[:, None] + change  # (S, n, F + 1)
        plain = np.einsum("snf,sf->sn", total, solved)
        along = np.einsum("snf,snf->sn", total, turned)
        before = np.einsum("sf,sf->s", system.right, solved)[:, None]
        return np.asarray(plain + system.noise * at_items * along / resistance - before)

    # -- looking into it ---------------------------------------------------------------------------------------

    @property
    def user_bias_(self) -> Floats:
        """The mean bias of each user, (U,), in stars."""
        return np.asarray(self.deviation_ * self.user_draws_[:-1, :, -1].mean(axis=1, dtype=np.float64), np.float32)

    @property
    def item_bias_(self) -> Floats:
        """The mean bias of each item, (I,), in stars."""
        return np.asarray(self.deviation_ * self.item_draws_[:-1, :, -1].mean(axis=1, dtype=np.float64), np.float32)

    def _item_vectors(self) -> Floats:
        factors = self.item_draws_[:-1, :, :-1].reshape(len(self.items_), -1).astype(np.float32)
        return np.asarray(np.where((self.item_counts_ > 0)[:, None], factors, 0), np.float32)

    def _tastes(self, vectors: Floats) -> Floats:
        draws = vectors[:, 2 : 2 + self._wide_items.shape[1]].reshape(len(vectors), self._n_draws, -1)
        return draws[:, :, :-1].reshape(len(vectors), -1)


class _System(NamedTuple):
    """What a person's ratings say of their factors and bias, for each draw: form x = right."""

    items: Doubles  # (S, n, F + 1), their rows, with 1 for the bias
    target: Doubles  # (S, n)
    sets: Doubles  # (S, n, F + 1), what having rated each item adds to the prior's mean
    prior: Doubles  # (S, F + 1), precision
    noise: Doubles  # (S, 1), precision
    form: Doubles  # (S, F + 1, F + 1)
    right: Doubles  # (S, F + 1)
