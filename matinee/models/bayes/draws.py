"""The draws of a Gibbs sampler: some of them, means over all, and the Monte Carlo error."""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Arrays, Doubles, Floats, Indices
from matinee.data.ratings import Ratings
from matinee.models.bayes.gibbs import Sampler
from matinee.models.bayes.new_items import ItemRegression

WATCHED = 1000
"""User-item pairs whose predictions are tracked to estimate the Monte Carlo error."""
CHECKED_EVERY = 10


class Draws:
    """The draws of one fit after the burn-in."""

    def __init__(
        self, sampler: Sampler, train: Ratings, valid: Ratings | None, kept: int, seed: int
    ) -> None:
        """Args:
        valid: ratings whose error is tracked.
        kept: the number of draws to keep; during the fit, up to twice as many are stored.
        """
        rng = np.random.default_rng(seed)
        self.kept, self.every, self.n_sweeps = kept, 1, 0
        self.draws: list[Arrays] = []
        self.noise = np.zeros(train.n_users)
        self.regression: ItemRegression | None = None
        self.effects = [np.zeros_like(level) for level in sampler.effect_levels]
        self.watched_users = rng.integers(0, train.n_users, WATCHED)
        self.watched_items = rng.integers(0, train.n_items, WATCHED)
        self.watched: list[Doubles] = []
        self.relative_variance, self.effective_samples = np.inf, 0.0
        self.valid, self.valid_error = valid, float("nan")
        if valid is not None:
            mean = train.value.mean(dtype=np.float64)
            unit = train.value.std(dtype=np.float64) or 1e-6
            self.value = (valid.value - mean) / unit
            users, items = valid.users.indices_in(train.users), valid.items.indices_in(train.items)
            self.valid_users, self.valid_items = users[valid.user_index], items[valid.item_index]
            self.positions: list[NDArray[np.int64]] = []
            time_keys = sampler.side.time_keys
            if time_keys is not None and valid.timestamp is not None:
                self.positions = time_keys.positions(self.valid_users, valid.timestamp)
            self.sum = np.zeros(len(valid))

    def add(self, sampler: Sampler) -> None:
        """Adds the present state of the sampler."""
        self.n_sweeps += 1
        self.noise += 1 / sampler.noise
        for total, level in zip(self.effects, sampler.effect_levels, strict=True):
            total += level
        scores = _predictions(sampler, self.watched_users, self.watched_items)
        self.watched.append(_ratings(sampler, self.watched_users, scores))
        if self.n_sweeps % CHECKED_EVERY == 0:
            self._estimate_error(sampler)
        if self.valid is not None:
            scores = _predictions(sampler, self.valid_users, self.valid_items)
            for position, level in zip(self.positions, sampler.effect_levels, strict=False):
                scores += level[position]
            self.sum += _ratings(sampler, self.valid_users, scores)
            self.valid_error = float(np.sqrt(np.mean((self.sum / self.n_sweeps - self.value) ** 2)))
        if self.n_sweeps % self.every == 0:
            self.draws.append(_draw(sampler) | self._draw_labels(sampler))
        if len(self.draws) >= 2 * self.kept:
            self.draws, self.every = self.draws[1::2], 2 * self.every

    def _draw_labels(self, sampler: Sampler) -> Arrays:
        """What is expected of new items in one sweep; empty without item features."""
        if self.regression is None and has_item_features(sampler):
            counts = np.diff(sampler.by_item.indptr)
            self.regression = ItemRegression.of(sampler.items.blocks[-1], counts)
        if self.regression is None:
            return {"label_draws_": np.empty((0, sampler.items.table.shape[1]), np.float16)}
        return {"label_draws_": self.regression.draw(sampler.items.table).astype(np.float16)}

    def _estimate_error(self, sampler: Sampler) -> None:
        """Estimates the Monte Carlo error and the effective sample size from batch means."""
        watched = np.array(self.watched)  # (T, WATCHED)
        length = int(np.sqrt(len(watched)))
        n_batches = len(watched) // length
        means = watched[-n_batches * length :].reshape(n_batches, length, -1).mean(axis=1)
        if n_batches > 1:
            # Of the mean of all
            variance = float(means.var(axis=0, ddof=1).mean()) / n_batches
            self.relative_variance = variance / sampler.error**2
            single = float(watched.var(axis=0, ddof=1).mean())
            self.effective_samples = single / max(variance, 1e-12)

    def learned(self, sampler: Sampler) -> Arrays:
        """The learned arrays of `BayesianMF`."""
        n_kept = min(self.kept, len(self.draws))
        chosen = np.unique(np.linspace(0, len(self.draws) - 1, n_kept).round().astype(int))
        draws = [self.draws[number] for number in chosen]
        arrays = {}
        for name in ("user_draws_", "item_draws_", "set_draws_", "label_draws_"):
            arrays[name] = np.stack([draw[name] for draw in draws], axis=1)
        for name in ("mean_draws_", "precision_draws_"):
            arrays[name] = np.stack([draw[name] for draw in draws])
        arrays["threshold_draws_"] = np.array([draw["thresholds"] for draw in draws], np.float32)
        arrays["noise_draws_"] = np.array([draw["noise"] for draw in draws], np.float32)
        noise = np.append(self.noise / self.n_sweeps, np.mean(1 / arrays["noise_draws_"]))
        arrays["user_noise_"] = noise.astype(np.float32)
        return arrays | self._learned_effects(sampler)

    def _learned_effects(self, sampler: Sampler) -> Arrays:
        """The arrays of the time effects."""
        levels = [total / self.n_sweeps for total in self.effects]
        positions: list[NDArray[np.int64]] = []
        if sampler.effects:
            positions = sampler.effects.positions
        total = np.zeros(1)
        for level, position in zip(levels, positions, strict=True):
            total = total + level[position]
        n_users = len(self.noise)
        user_index = np.repeat(np.arange(n_users), sampler.counts)
        each = np.broadcast_to(total, len(user_index))
        sums = np.bincount(user_index, each, minlength=n_users + 1)
        user_effect = sums / np.maximum(np.append(sampler.counts, 0), 1)
        keys: tuple[NDArray[np.int64], ...] = ()
        if sampler.side.time_keys:
            keys = sampler.side.time_keys.keys
        known = [level[:-1] for level in levels]
        return {
            "user_effect_": user_effect.astype(np.float32),
            "moment_keys_": np.concatenate([np.empty(0, np.int64), *keys]),
            "moment_sizes_": np.array([len(level) for level in keys], np.int64),
            "moment_effects_": np.concatenate([np.empty(0), *known]).astype(np.float32),
        }


def _draw(sampler: Sampler) -> Arrays:
    """The arrays of one sweep. The last rows of the tables are for unknown users and items."""
    users, items = sampler.users, sampler.items
    user_counts, item_counts = sampler.counts, np.diff(sampler.by_item.indptr)
    average_user, average_item = (
        _average(users.table, user_counts),
        _average(items.table, item_counts),
    )
    user_table = np.where(user_counts[:, None] > 0, users.table, average_user.astype(np.float32))
    item_table = items.table
    if not has_item_features(sampler):  # an item without ratings is unknown
        item_table = np.where(item_counts[:, None] > 0, item_table, average_item.astype(np.float32))
    other = np.zeros_like(average_user)
    sets = np.zeros_like(items.table)
    for number, block in enumerate(users.blocks):
        if number == 0 and sampler.side.has_sets:
            sets = (block.right @ users.weights[0]).astype(np.float32)
        else:
            other += users.parts[number].mean(axis=0, dtype=np.float64)
    thresholds = np.empty(0)
    if sampler.ordinal:
        thresholds = sampler.ordinal.thresholds
    return {
        "user_draws_": np.vstack([user_table, average_user]).astype(np.float16),
        "item_draws_": np.vstack([item_table, average_item]).astype(np.float16),
        "set_draws_": sets.astype(np.float16),
        "mean_draws_": (users.mean + other).astype(np.float32),
        "precision_draws_": users.precision.astype(np.float32),
        "noise": np.array(sampler.common_noise),
        "thresholds": thresholds,
    }


def has_item_features(sampler: Sampler) -> bool:
    """Whether the last block of items holds their features."""
    return len(sampler.items.blocks) > int(sampler.side.has_sets)


def _average(table: Floats, counts: NDArray[np.int64]) -> Doubles:
    """The mean of the rows with ratings, (F + 1,)."""
    return np.asarray(table[counts > 0].mean(axis=0, dtype=np.float64), np.float64)


def _predictions(sampler: Sampler, user_index: Indices, item_index: Indices) -> Doubles:
    """Standardized scores of pairs, (N,), without time effects; index -1 stands for the
    average."""
    users, items = sampler.users.table, sampler.items.table
    x = np.where((user_index >= 0)[:, None], users[user_index], users.mean(axis=0))
    y = np.where((item_index >= 0)[:, None], items[item_index], items.mean(axis=0))
    return np.asarray(np.einsum("nf,nf->n", x[:, :-1], y[:, :-1]) + x[:, -1] + y[:, -1], np.float64)


def _ratings(sampler: Sampler, user_index: Indices, scores: Doubles) -> Doubles:
    """The expected standardized ratings at some scores, (N,)."""
    if sampler.ordinal is None:
        return scores
    precision = np.append(sampler.noise, sampler.common_noise)[user_index]
    link = sampler.ordinal.link()
    mean, _ = link.mean_and_variance(scores[None].astype(np.float32), 1 / precision)
    return mean.astype(np.float64)
