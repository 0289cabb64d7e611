"""The update of `bayes`: one more sweep of each stored draw, for the users and items that the news
touch.

New users are drawn first, given the items. Then each item that changes moves from its draw q to

    q + d    where  d  minimizes  sum w (x + e - d . p)^2 + prior precision * d^2

over all its ratings: x is what a new rating exceeds its prediction by, or by how much a replaced
one has changed, and 0 for the others; w is the precision of the noise, and e noise of a new rating.
If q is a draw given the ratings before, q + d is one given those after (Matheron's rule; Hoffman
and Ribak, "Constrained realizations of Gaussian fields", 1991), so that what the draw owes to who
has rated the item, and to its features, stays. At last, all users concerned are drawn given the
items.

The means, precisions and noises of the draws stay, and so do the effects of the known days, runs
and instants; new ratings have none. Of two draws in a row, the second has the first one's random
numbers with the opposite sign, which cancels most of the noise of their mean.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Arrays, Doubles, Floats, Halves, Indices, Longs
from matinee.data.ratings import Ratings
from matinee.models.bayes.time_effects import SHIFT, TimeKeys
from matinee.models.history import History, run_positions
from matinee.models.ridge_rows import Factors, Penalty, Side, Team, surprises
from matinee.models.updating import Change, placed
from matinee.threads import Run, available_cores, one_blas_thread, workers

if TYPE_CHECKING:
    from matinee.models.bayes.model import BayesianMF

STEP_PRECISION = 1e-6
"""Of the steps of items, which are small beside the noise of a draw."""
SPANS = 32
"""Parts of the work; fixed, so that threads do not change the order of a sum."""


def renewed(model: "BayesianMF", change: Change, n_threads: int | None) -> Arrays:
    """The learned arrays after the news; see above."""
    arrays = _widened(model, change)
    tables = [name for name in ("user_draws_", "untimed_draws_") if len(arrays[name])]
    rng = np.random.default_rng([model.seed, len(change.history)])
    with one_blas_thread(), workers(n_threads) as run:
        sweep = _Sweep(model, change, arrays, run, n_threads or available_cores())
        state = rng.bit_generator.state
        for draw in range(model._n_draws):
            sign = 1
            if draw % 2:
                sign, rng.bit_generator.state = -1, state
            state = rng.bit_generator.state
            random = _Random(rng, sign)
            items = arrays["item_draws_"][:-1, draw].astype(np.float32)
            people = arrays[tables[-1]][:-1, draw].astype(np.float32)
            people[sweep.new] = sweep.users(draw, items, sweep.new, tables[-1], random)
            sweep.move_items(draw, items, people, random)
            arrays["item_draws_"][:-1, draw] = items
            for name in tables:
                arrays[name][sweep.affected, draw] = sweep.users(
                    draw, items, sweep.affected, name, random
                )
    _forget_unrated(model, change, arrays, tables)
    return arrays


def _forget_unrated(model: "BayesianMF", change: Change, arrays: Arrays, tables: list[str]) -> None:
    """Gives users and items whose ratings are all withdrawn the rows of unknown ones."""
    history = change.history
    unrated = np.flatnonzero(np.bincount(history.item_index, minlength=len(history.items)) == 0)
    arrays["item_draws_"][unrated] = _expected(model, history, unrated)
    for name in (*tables, "user_noise_"):
        arrays[name][:-1][history.counts == 0] = arrays[name][-1]


def _widened(model: "BayesianMF", change: Change) -> Arrays:
    """The arrays with rows for new users and items, as for unknown ones."""
    n_users, n_items = len(model.user_noise_) - 1, len(model.item_draws_) - 1
    user = np.append(np.where(change.user_source < 0, n_users, change.user_source), n_users)
    item = np.append(np.where(change.item_source < 0, n_items, change.item_source), n_items)
    arrays: Arrays = {
        "user_draws_": model.user_draws_[user],
        "untimed_draws_": model.untimed_draws_,
        "item_draws_": model.item_draws_[item],
        "set_draws_": placed(model.set_draws_, change.item_source),
        "user_noise_": model.user_noise_[user],
        "user_effect_": model.user_effect_[user],
        "moment_keys_": _moved_keys(model.moment_keys_, change.user_source),
    }
    if len(model.untimed_draws_):
        arrays["untimed_draws_"] = model.untimed_draws_[user]
    new = np.flatnonzero(change.item_source < 0)
    arrays["item_draws_"][new] = _expected(model, change.history, new)
    return arrays


def _moved_keys(keys: Longs, user_source: Indices) -> Longs:
    """The keys of moments with the users' new rows; the order stays."""
    moved = np.zeros(int(user_source.max(initial=-1)) + 1, np.int64)
    known = np.flatnonzero(user_source >= 0)
    moved[user_source[known]] = known
    found: Longs = (moved[keys >> SHIFT] << SHIFT) | (keys & ((1 << SHIFT) - 1))
    return found


def _expected(model: "BayesianMF", history: History, items: Longs) -> Halves:
    """What is expected of items without ratings: from their features, or the average, (n, S,
    F + 1)."""
    labels = model.label_draws_
    if len(labels) == 0 or history.item_features is None:
        return np.repeat(model.item_draws_[-1:], len(items), axis=0)
    rows = history.item_features.table[items].astype(np.float32)  # (n, C)
    expected = np.tensordot(rows, labels[:-2].astype(np.float32), axes=1) + labels[-2]
    return np.asarray(expected, np.float16)


class _Random:
    """Random numbers of one draw."""

    def __init__(self, rng: np.random.Generator, sign: int) -> None:
        self.rng, self.sign = rng, np.float32(sign)

    def normal(self, *shape: int) -> Floats:
        """Standard normal numbers."""
        return self.sign * self.rng.standard_normal(shape, np.float32)


class _Rows(NamedTuple):
    """The ratings of some users."""

    indptr: Longs
    place: Longs  # of the ratings in the history
    item_index: NDArray[np.int32]


class _Sweep:
    """The parts of a sweep for one update."""

    def __init__(
        self, model: "BayesianMF", change: Change, arrays: Arrays, run: Run, n_threads: int
    ) -> None:
        self.model, self.change, self.arrays, self.run = model, change, arrays, run
        self.n_threads = n_threads
        history = change.history
        is_known = np.zeros(len(change.has_news), bool)
        is_known[history.user_index[~np.isnan(change.earlier)]] = True
        has_ratings = history.counts > 0
        self.new = np.flatnonzero(change.has_news & ~is_known & has_ratings)
        affected = change.affected_users
        self.affected = affected[has_ratings[affected]]
        self.items_changed = np.flatnonzero(change.items_change)
        self.is_new_item = change.item_source[self.items_changed] < 0
        unit = np.float32(model.deviation_)
        value = (history.value - np.float32(model.global_mean_)) / unit
        variance = arrays["user_noise_"][:-1]
        self.predicting = "user_draws_"
        self.targets = {"user_draws_": value, "untimed_draws_": value}
        self.precisions = {"user_draws_": 1 / variance}
        if len(arrays["untimed_draws_"]):
            self.predicting = "untimed_draws_"
            self.targets["user_draws_"] = value - self._effects(history.to_training_ratings())
            self.precisions["untimed_draws_"] = 1 / (variance + model.effect_variance_.sum())

    def _effects(self, train: Ratings) -> Floats:
        """The known time effects on the ratings, (N,)."""
        sizes, effects = self.model.moment_sizes_, self.model.moment_effects_
        total = np.zeros(len(train), np.float32)
        if train.timestamp is None or len(sizes) == 0:
            return total
        keys = TimeKeys.unpack(self.arrays["moment_keys_"], sizes)
        levels = np.split(effects, np.cumsum(sizes)[:-1])
        positions = keys.positions(train.user_index, train.timestamp)
        for level, position in zip(levels, positions, strict=True):
            total += np.append(level, np.float32(0))[position]
        return total

    def _rows(self, users: Longs) -> _Rows:
        from matinee.kernels import read_only

        history = self.change.history
        counts = history.counts[users]
        place = run_positions(history.indptr[users], counts)
        indptr = np.append(0, np.cumsum(counts))
        return _Rows(indptr, place, read_only(history.item_index[place]))

    def users(self, draw: int, items: Floats, users: Longs, name: str, random: _Random) -> Floats:
        """Draws some users given the items, (n, F + 1).

        Args:
            name: "user_draws_", given the time effects, or "untimed_draws_", with these as noise.
        """
        from matinee.kernels.gibbs import Rated, draw_rows, new_work, sum_rows, weighted

        table = np.zeros((len(users), items.shape[1]), np.float32)
        if len(users) == 0:
            return table
        model, rows = self.model, self._rows(users)
        spans = _spans(rows.indptr)
        sets = np.ascontiguousarray(self.arrays["set_draws_"][:, draw], np.float32)
        prior = np.empty_like(table)
        self.run(sum_rows, [(rows.indptr, rows.item_index, at, sets, prior) for at in spans])
        prior /= np.sqrt(np.diff(rows.indptr))[:, None].astype(np.float32)
        prior += model.mean_draws_[draw]
        rated = Rated(rows.indptr, rows.item_index, self.targets[name][rows.place])
        noise = self.precisions[name][users].astype(np.float32)
        others = weighted(items, np.ones(len(items), np.float32))
        given = prior, np.ascontiguousarray(model.precision_draws_[draw])
        rest = table, others, noise, given, random.normal(*table.shape)
        n_factors = table.shape[1] - 1
        self.run(draw_rows, [(rated, at, *rest, new_work(n_factors)) for at in spans])
        return table

    def move_items(self, draw: int, items: Floats, people: Floats, random: _Random) -> None:
        """Moves the items that change, in place; see above."""
        changed = self.items_changed
        spread = np.maximum(self.model._item_spread[draw].astype(np.float64), 1e-3)  # (F + 1,)
        new = changed[self.is_new_item]
        items[new] += random.normal(len(new), items.shape[1]) * spread.astype(np.float32)
        if len(changed) == 0:
            return
        unit = np.float32(self.model.deviation_)
        side = Side(people[:, :-1], people[:, -1] * unit)
        own = Side(items[:, :-1] * unit, items[:, -1] * unit)
        bias_penalty = float(spread[-1] ** -2)
        penalty = Penalty(0.0, 1.0, bias_penalty)
        factors = Factors(side, own, float(self.model.global_mean_), penalty)
        rated, is_news = surprises(factors, self.change, changed)
        weight = self.precisions[self.predicting][rated.others].astype(np.float32)
        noise = random.normal(int(np.count_nonzero(is_news)))
        rated.value[is_news] += unit * noise / np.sqrt(weight[is_news])
        scaled = np.ascontiguousarray(people[:, :-1] * spread[:-1].astype(np.float32))
        nothing = Side(scaled, np.zeros(len(people), np.float32))
        steps = Side(np.zeros_like(items[:, :-1]), np.zeros(len(items), np.float32))
        team = Team(self.run, self.n_threads, penalty)
        team.solve(rated._replace(weight=rated.weight * weight), steps, nothing, STEP_PRECISION)
        items[changed, :-1] += steps.factors[changed] * spread[:-1].astype(np.float32) / unit
        items[changed, -1] += steps.bias[changed] / unit


def _spans(indptr: Longs) -> list[tuple[int, int]]:
    """Spans of consecutive rows with about equal work."""
    work: Doubles = indptr + 50.0 * np.arange(len(indptr))
    ends = np.searchsorted(work, np.linspace(0, work[-1], SPANS + 1)).tolist()
    ends[0], ends[-1] = 0, len(indptr) - 1
    return list(pairwise(ends))
