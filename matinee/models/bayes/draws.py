"""The draws of a Gibbs sampler: some of them, means over all, and the Monte Carlo error."""

import numpy as np
from numpy.typing import NDArray

from matinee._types import Arrays, Doubles, Floats, Halves, Indices
from matinee.data.ratings import Ratings
from matinee.models.bayes.gibbs import Sampler
from matinee.models.bayes.new_items import ItemRegression
from matinee.models.bayes.start import has_sparse_users

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
        # On sparse tables, two draws of each kept sweep, which differ in the users: those of the
        # second are as far from their mean, given the items, as those of the first, on the other
        # side (antithetic variates; Hammersley and Morton, 1956). With few ratings of each user,
        # most of the Monte Carlo error of a few draws is that of the users.
        self.mirrored = sampler.scales and has_sparse_users(train) and kept > 1
        self.kept_sweeps = kept // 2 if self.mirrored else kept
        self.every, self.n_sweeps = 1, 0
        self.draws: list[list[Arrays]] = []
        self.noise = np.zeros(train.n_users)
        self.regression: ItemRegression | None = None
        self.effects = [np.zeros_like(level) for level in sampler.effect_levels]
        self.effect_variance = np.zeros(len(self.effects))
        self.moment_variance = np.zeros(len(self.effects))
        self.means = {
            "user_draws_": _BiasMean(sampler.counts),
            "untimed_draws_": _BiasMean(sampler.counts),
            "item_draws_": _BiasMean(np.diff(sampler.by_item.indptr)),
        }
        self.untimed_rng = np.random.default_rng(rng.integers(2**31))
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
        self.means["user_draws_"].add(sampler.users.table)
        self.means["item_draws_"].add(sampler.items.table)
        for total, level in zip(self.effects, sampler.effect_levels, strict=True):
            total += level
        if sampler.effects:
            self.effect_variance += sampler.effects.variances()
            self.moment_variance += 1 / np.array(sampler.effects.precision)
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
            self.draws.append(self._kept(sampler))
        if len(self.draws) >= 2 * self.kept_sweeps:
            self.draws, self.every = self.draws[1::2], 2 * self.every

    def expected(self, sampler: Sampler) -> list[Arrays]:
        """Arrays such as those kept of one sweep; their numbers do not matter."""
        means = {name: (mean.total.copy(), mean.n) for name, mean in self.means.items()}
        kept = self._kept(sampler)
        for name, (total, n) in means.items():
            self.means[name].total, self.means[name].n = total, n
        return kept

    def _kept(self, sampler: Sampler) -> list[Arrays]:
        """What is kept of one sweep: the arrays of a draw, or of two."""
        rng = self.untimed_rng
        timed = [sampler.users.table]
        if self.mirrored:
            timed = sampler.mirrored_users(rng, sampler.timed())
        untimed: list[Floats] = []
        if sampler.effects and self.mirrored:
            untimed = sampler.mirrored_users(rng, sampler.untimed())
        elif sampler.effects:
            untimed = [sampler.draw_users(rng, sampler.untimed())]
        if untimed:
            difference = np.mean(untimed, axis=0) - np.mean(timed, axis=0)
            self.means["untimed_draws_"].add(difference)
        kept = []
        for number, table in enumerate(timed):
            draw = _draw(sampler, table)
            size = sampler.items.table.shape[1]
            draw["label_draws_"] = np.empty((0, size), np.float16)
            draw["untimed_draws_"] = np.empty((0, size), np.float16)
            if has_item_features(sampler):
                self._draw_labels(sampler, draw)
            if untimed:
                draw["untimed_draws_"] = _with_average(untimed[number], sampler.counts)
            kept.append(draw)
        return kept

    def _draw_labels(self, sampler: Sampler, draw: Arrays) -> None:
        """Adds what is expected of new items, which items without ratings get, too."""
        block, counts = sampler.items.blocks[-1], np.diff(sampler.by_item.indptr)
        if self.regression is None:
            self.regression = ItemRegression.of(block, counts)
        labels = self.regression.draw(sampler.items.table)
        draw["label_draws_"] = labels.astype(np.float16)
        is_new = np.flatnonzero(counts == 0)
        features = (block.rows[is_new] * block.lengths) @ block.right.T.astype(np.float64)
        draw["item_draws_"][is_new] = features @ labels[:-2] + labels[-2]

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

    def learned(self, sampler: Sampler, n_factors: int) -> Arrays:
        """The learned arrays of `BayesianMF`.

        Args:
            n_factors: the length of the rows in them; what the sampler has less is 0.
        """
        n_kept = min(self.kept_sweeps, len(self.draws))
        chosen = np.unique(np.linspace(0, len(self.draws) - 1, n_kept).round().astype(int))
        draws = [draw for number in chosen for draw in self.draws[number]]
        arrays = {}
        for name in (
            "user_draws_",
            "untimed_draws_",
            "item_draws_",
            "set_draws_",
            "label_draws_",
        ):
            arrays[name] = np.stack([draw[name] for draw in draws], axis=1)
        for name in ("mean_draws_", "precision_draws_"):
            arrays[name] = np.stack([draw[name] for draw in draws])
        self._center(arrays)
        for name, array in arrays.items():
            fill = 1.0 if name == "precision_draws_" else 0.0
            arrays[name] = _widened(array, n_factors, fill)
        arrays["threshold_draws_"] = np.array([draw["thresholds"] for draw in draws], np.float32)
        arrays["noise_draws_"] = np.array([draw["noise"] for draw in draws], np.float32)
        noise = self.noise / self.n_sweeps
        new = noise[sampler.counts > 0].mean()
        arrays["user_noise_"] = np.append(noise, new).astype(np.float32)
        return arrays | self._learned_effects(sampler)

    def _center(self, arrays: Arrays) -> None:
        """Moves all biases to their means over all sweeps.

        Adding a number to the biases of the users and subtracting it from those of the items
        changes no prediction, and the chain does so slowly. Therefore, all tables must be moved
        to the same sweeps: those of users at unknown times, which are drawn in few sweeps, are
        moved by their mean difference from the users' tables of the same sweeps.
        """
        users, items = self.means["user_draws_"], self.means["item_draws_"]
        arrays["mean_draws_"][:, -1] += users.center(arrays["user_draws_"], users.mean)
        items.center(arrays["item_draws_"], items.mean)
        untimed = self.means["untimed_draws_"]
        if untimed.n:
            untimed.center(arrays["untimed_draws_"], users.mean + untimed.mean)

    def _learned_effects(self, sampler: Sampler) -> Arrays:
        """The arrays of the time effects."""
        levels = [total / self.n_sweeps for total in self.effects]
        keys: tuple[NDArray[np.int64], ...] = ()
        if sampler.side.time_keys:
            keys = sampler.side.time_keys.keys
        known = [level[:-1] for level in levels]
        return {
            "user_effect_": np.zeros(len(self.noise) + 1, np.float32),
            "effect_variance_": (self.effect_variance / self.n_sweeps).astype(np.float32),
            "moment_variance_": (self.moment_variance / self.n_sweeps).astype(np.float32),
            "moment_keys_": np.concatenate([np.empty(0, np.int64), *keys]),
            "moment_sizes_": np.array([len(level) for level in keys], np.int64),
            "moment_effects_": np.concatenate([np.empty(0), *known]).astype(np.float32),
        }


def _widened(draws: Halves | Floats, n_factors: int, fill: float) -> Halves | Floats:
    """Draws with a value in place of the factors that are missing before the bias."""
    n_missing = n_factors + 1 - draws.shape[-1]
    missing = np.full((*draws.shape[:-1], n_missing), fill, draws.dtype)
    return np.concatenate([draws[..., :-1], missing, draws[..., -1:]], axis=-1)


class _BiasMean:
    """The mean of the biases over all sweeps, of which only some draws are kept.

    With few ratings each, most of the Monte Carlo error of a mean over the kept draws is that of
    the biases.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        """Args:
        counts: the number of ratings of each row.
        """
        self.is_rated = counts > 0
        self.total, self.n = np.zeros(len(counts)), 0

    def add(self, table: Floats) -> None:
        """Adds the biases of a sweep, in the last column of a table, (R, F + 1)."""
        self.total += table[:, -1]
        self.n += 1

    @property
    def mean(self) -> Doubles:
        """The mean of each row, (R,)."""
        return self.total / max(self.n, 1)

    def center(self, draws: Halves, mean: Doubles) -> float:
        """Moves the biases of the kept draws, (R + 1, S, F + 1), to a mean, (R,).

        Returns: how far the rows with ratings move on average; so far move all others.
        """
        shift = mean - draws[:-1, :, -1].mean(axis=1, dtype=np.float64)
        average = float(shift[self.is_rated].mean())
        shift = np.append(np.where(self.is_rated, shift, average), average)
        draws[:, :, -1] += shift[:, None].astype(np.float32)
        return average


def _draw(sampler: Sampler, user_table: Floats) -> Arrays:
    """The arrays of one sweep. The last rows of the tables are for unknown users and items.

    Args:
        user_table: (U, F + 1), instead of that of the sampler.
    """
    users, items = sampler.users, sampler.items
    user_counts, item_counts = sampler.counts, np.diff(sampler.by_item.indptr)
    other = np.zeros(users.table.shape[1])
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
        "user_draws_": _with_average(user_table, user_counts),
        "item_draws_": _with_average(items.table, item_counts),
        "set_draws_": sets.astype(np.float16),
        "mean_draws_": (users.mean + other).astype(np.float32),
        "precision_draws_": users.precision.astype(np.float32),
        "noise": np.array(sampler.common_noise),
        "thresholds": thresholds,
    }


def has_item_features(sampler: Sampler) -> bool:
    """Whether the last block of items holds their features."""
    return len(sampler.items.blocks) > int(sampler.side.has_sets)


def _with_average(table: Floats, counts: NDArray[np.int64]) -> Halves:
    """The rows with ratings, and their mean in place of all others and as the last row, (R + 1,
    F + 1)."""
    average = table[counts > 0].mean(axis=0, dtype=np.float64)
    rows = np.where(counts[:, None] > 0, table, average.astype(np.float32))
    return np.vstack([rows, average]).astype(np.float16)


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
