"""What is kept of a Gibbs sampler's sweeps: some draws, some means, and how much chance is left in the mean."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles, Floats
from matinee.data.ratings import Ratings
from matinee.models.bayes.gibbs import Sampler

WATCHED = 1000
"""Pairs of a user and an item whose predictions are followed."""
CHECKED_EVERY = 10


class Chain:
    """The sweeps of one fit after the burn-in."""

    def __init__(self, sampler: Sampler, train: Ratings, valid: Ratings | None, kept: int, seed: int) -> None:
        """Args: valid: ratings whose error is followed. kept: draws to keep; between, up to twice as many are."""
        rng = np.random.default_rng(seed)
        self.kept, self.every, self.n_sweeps = kept, 1, 0
        self.draws: list[dict[str, NDArray[Any]]] = []
        self.noise = np.zeros(train.n_users)
        self.effects = [np.zeros_like(one) for one in sampler.effects.effects] if sampler.effects else []
        self.watched = (
            rng.integers(0, train.n_users, WATCHED),
            rng.integers(0, train.n_items, WATCHED),
        )
        self.seen: list[Doubles] = []
        self.blur, self.effective_samples = np.inf, 0.0
        self.valid, self.valid_error = valid, float("nan")
        if valid is not None:
            mean, unit = (
                train.value.mean(dtype=np.float64),
                train.value.std(dtype=np.float64) or 1e-6,
            )
            self.value = (valid.value - mean) / unit
            users, items = valid.users.indices_in(train.users), valid.items.indices_in(train.items)
            self.pairs = users[valid.user_index], items[valid.item_index]
            moments, times = sampler.beside.moments, valid.timestamp
            self.places = moments.places(self.pairs[0], times) if moments is not None and times is not None else []
            self.sum = np.zeros(len(valid))

    def add(self, sampler: Sampler) -> None:
        """Takes in the sampler's present state."""
        self.n_sweeps += 1
        self.noise += 1 / sampler.noise
        for total, now in zip(self.effects, sampler.effects.effects if sampler.effects else [], strict=True):
            total += now
        self.seen.append(_ratings(sampler, self.watched[0], _predictions(sampler, *self.watched)))
        if self.n_sweeps % CHECKED_EVERY == 0:
            self._judge(sampler)
        if self.valid is not None:
            scores = _predictions(sampler, *self.pairs)
            for place, effects in zip(self.places, sampler.effects.effects if sampler.effects else [], strict=False):
                scores += effects[place]
            self.sum += _ratings(sampler, self.pairs[0], scores)
            self.valid_error = float(np.sqrt(np.mean((self.sum / self.n_sweeps - self.value) ** 2)))
        if self.n_sweeps % self.every == 0:
            self.draws.append(_draw(sampler))
        if len(self.draws) >= 2 * self.kept:
            self.draws, self.every = self.draws[1::2], 2 * self.every

    def _judge(self, sampler: Sampler) -> None:
        """How many independent samples the sweeps are worth, by the means of batches of them."""
        seen = np.array(self.seen)  # (T, WATCHED)
        length = int(np.sqrt(len(seen)))
        n_batches = len(seen) // length
        means = seen[-n_batches * length :].reshape(n_batches, length, -1).mean(axis=1)
        if n_batches > 1:
            variance = float(means.var(axis=0, ddof=1).mean()) / n_batches  # of the mean of all
            self.blur = variance / sampler.error**2
            self.effective_samples = float(seen.var(axis=0, ddof=1).mean()) / max(variance, 1e-12)

    def learned(self, sampler: Sampler) -> dict[str, NDArray[Any]]:
        """The arrays of `BayesianMF`."""
        chosen = np.unique(np.linspace(0, len(self.draws) - 1, min(self.kept, len(self.draws))).round().astype(int))
        draws = [self.draws[number] for number in chosen]
        found = {
            name: np.stack([draw[name] for draw in draws], axis=1)
            for name in ("user_draws_", "item_draws_", "set_draws_")
        }
        found |= {name: np.stack([draw[name] for draw in draws]) for name in ("mean_draws_", "precision_draws_")}
        found["threshold_draws_"] = np.array([draw["thresholds"] for draw in draws], np.float32)
        found["noise_draws_"] = np.array([draw["noise"] for draw in draws], np.float32)
        noise = self.noise / self.n_sweeps
        found["user_noise_"] = np.append(noise, np.mean(1 / found["noise_draws_"])).astype(np.float32)
        effects = [one / self.n_sweeps for one in self.effects]
        places = sampler.effects.places if sampler.effects else []
        total = np.asarray(sum((one[place] for one, place in zip(effects, places, strict=True)), np.zeros(1)))
        user_index = np.repeat(np.arange(len(noise)), sampler.counts)
        sums = np.bincount(user_index, np.broadcast_to(total, len(user_index)), minlength=len(noise) + 1)
        found["user_effect_"] = (sums / np.maximum(np.append(sampler.counts, 0), 1)).astype(np.float32)
        keys = sampler.beside.moments.keys if sampler.beside.moments else ()
        found["moment_keys_"] = np.concatenate([np.empty(0, np.int64), *keys])
        found["moment_sizes_"] = np.array([len(one) for one in keys], np.int64)
        found["moment_effects_"] = np.concatenate([np.empty(0), *(one[:-1] for one in effects)]).astype(np.float32)
        return found


def _draw(sampler: Sampler) -> dict[str, NDArray[Any]]:
    """What a model needs of one sweep. The last rows of the tables are for somebody, or something, unknown."""
    users, items = sampler.users, sampler.items
    user_counts, item_counts = sampler.counts, np.diff(sampler.groups[1].indptr)
    average, middle = _average(users.table, user_counts), _average(items.table, item_counts)
    people = np.where(user_counts[:, None] > 0, users.table, average.astype(np.float32))
    things = items.table
    if len(items.blocks) == sampler.beside.has_sets:  # nothing tells of an item that nobody rated
        things = np.where(item_counts[:, None] > 0, things, middle.astype(np.float32))
    other = np.zeros_like(average)
    sets = np.zeros_like(items.table)
    for number, block in enumerate(users.blocks):
        if number == 0 and sampler.beside.has_sets:
            sets = (block.right @ users.weights[0]).astype(np.float32)
        else:
            other += users.parts[number].mean(axis=0, dtype=np.float64)
    return {
        "user_draws_": np.vstack([people, average]).astype(np.float16),
        "item_draws_": np.vstack([things, middle]).astype(np.float16),
        "set_draws_": sets.astype(np.float16),
        "mean_draws_": (users.mean + other).astype(np.float32),
        "precision_draws_": users.precision.astype(np.float32),
        "noise": np.array(sampler.common_noise),
        "thresholds": sampler.ordinal.thresholds if sampler.ordinal else np.empty(0),
    }


def _average(table: Floats, counts: NDArray[np.int64]) -> Doubles:
    """The mean row of those with ratings, (F + 1,)."""
    return np.asarray(table[counts > 0].mean(axis=0, dtype=np.float64), np.float64)


def _predictions(sampler: Sampler, user_index: NDArray[Any], item_index: NDArray[Any]) -> Doubles:
    """Of pairs, (N,), in deviations from the mean, without the moment; of the average where an index is -1."""
    users, items = sampler.users.table, sampler.items.table
    x = np.where((user_index >= 0)[:, None], users[user_index], users.mean(axis=0))
    y = np.where((item_index >= 0)[:, None], items[item_index], items.mean(axis=0))
    return np.asarray(np.einsum("nf,nf->n", x[:, :-1], y[:, :-1]) + x[:, -1] + y[:, -1], np.float64)


def _ratings(sampler: Sampler, user_index: NDArray[Any], scores: Doubles) -> Doubles:
    """The expected ratings, standardized, at some scores, (N,)."""
    if sampler.ordinal is None:
        return scores
    precision = np.append(sampler.noise, sampler.common_noise)[user_index]
    return sampler.ordinal.link().moments(scores[None].astype(np.float32), 1 / precision)[0].astype(np.float64)
