"""The state of a Markov chain and of its draws in a checkpoint.

What follows from the ratings, such as the rotated features and the moments of time effects, is not
saved: the same random numbers make it again.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from matinee._types import Arrays
from matinee.data.ratings import Ratings
from matinee.errors import DataError
from matinee.models.bayes.draws import Draws
from matinee.models.bayes.gibbs import FactorState, Sampler
from matinee.models.bayes.start import STARTS, StartTables, chosen_start, start_tables
from matinee.models.bayes.time_limit import TimeLimit
from matinee.models.interface import FitOptions
from matinee.training.checkpoints import (
    State,
    check_finite,
    check_like,
    generator_state,
    number_of,
    prefixed,
    restore_generator,
    rows_of,
    with_prefix,
)

if TYPE_CHECKING:
    from matinee.models.bayes.model import BayesianMF

Rows = list[tuple[float, float, float]]

LARGEST_COUNT = 1e9
POSITIVE = ("precision", "penalties", "noise", "common_noise", "rate")
"""The names of what must be above 0."""


class ChainStart(NamedTuple):
    """What a chain starts from."""

    start: str
    """One of `STARTS`."""
    tables: StartTables
    rng_state: Arrays
    """The state of the generator before the side information is made."""

    def state(self) -> State:
        """The arrays of the state."""
        return {
            "start": np.array(float(STARTS.index(self.start))),
            "has_factors": np.array(float(self.tables.has_factors)),
            "users": self.tables.users,
            "items": self.tables.items,
            **self.rng_state,
        }

    @classmethod
    def restored(cls, saved: State, shapes: list[tuple[int, int]]) -> "ChainStart":
        """What a saved chain started from.

        Args:
            shapes: those of the tables of users and items.

        Raises:
            DataError, KeyError: these are not such arrays.
        """
        state = with_prefix(saved, "start.")
        for name, shape in zip(("users", "items"), shapes, strict=True):
            check_like({name: state[name]}, {name: np.empty(shape, np.float32)})
        number = int(number_of(state, "start", 0, len(STARTS) - 1))
        has_factors = bool(number_of(state, "has_factors", 0, 1))
        tables = StartTables(state["users"], state["items"], has_factors)
        return cls(STARTS[number], tables, {"rng": state["rng"]})


def begin(
    model: "BayesianMF",
    train: Ratings,
    rng: np.random.Generator,
    limit: TimeLimit,
    options: FitOptions,
) -> tuple[ChainStart, State | None]:
    """What a chain starts from, and its saved state, if there is one."""
    saved = None
    if options.checkpoint is not None:
        saved = options.checkpoint.load()
    if saved is None or options.checkpoint is None:
        tables = start_tables(model, train, rng, options.n_threads)
        start = chosen_start(model, train, tables, options, limit)
        return ChainStart(start, tables, {"rng": generator_state(rng)}), None
    shapes = [(n, model.factors + 1) for n in (train.n_users, train.n_items)]
    with options.checkpoint.reading():
        begun = ChainStart.restored(saved, shapes)
        restore_generator(rng, begun.rng_state["rng"])
    return begun, saved


class Chain(NamedTuple):
    """A chain between two sweeps."""

    start: ChainStart
    sampler: Sampler
    draws: Draws
    rng: np.random.Generator
    limit: TimeLimit
    losses: Rows

    def state(self) -> State:
        """Everything that the next sweep depends on."""
        draws = self.draws
        state = prefixed(self.start.state(), "start.")
        state |= prefixed(_sampler_state(self.sampler), "sampler.")
        state |= prefixed(_totals(draws), "totals.")
        for number, kept in enumerate(draws.draws):
            for place, draw in enumerate(kept):
                state |= prefixed(draw, f"draw.{number}.{place}.")
        state |= {
            "rng": generator_state(self.rng),
            "untimed_rng": generator_state(draws.untimed_rng),
            "elapsed": np.array(self.limit.elapsed),
            "losses": np.array(self.losses, np.float64).reshape(-1, 3),
            "n_sweeps": np.array(float(draws.n_sweeps)),
            "every": np.array(float(draws.every)),
            "n_draws": np.array(float(len(draws.draws))),
            "valid_error": np.array(draws.valid_error),
            "relative_variance": np.array(draws.relative_variance),
            "effective_samples": np.array(draws.effective_samples),
            "watched": np.array(draws.watched, np.float64).reshape(-1, len(draws.watched_users)),
        }
        return state

    def restore(self, saved: State, most_sweeps: int) -> None:
        """Puts a chain that begins into a saved state.

        Raises:
            DataError, LookupError, ValueError: it is not one of such a chain.
        """
        losses = rows_of(saved, "losses", 3)
        if not 0 < len(losses) <= most_sweeps:
            raise DataError(f"{len(losses)} sweeps")
        sampler = with_prefix(saved, "sampler.")
        expected = _sampler_state(self.sampler)
        check_like(sampler, expected)
        _check_values(sampler)
        self._restore_draws(saved)
        _restore_sampler(self.sampler, sampler)
        restore_generator(self.rng, saved["rng"])
        self.limit.began -= number_of(saved, "elapsed", 0, LARGEST_COUNT)
        self.losses.extend((first, train, valid) for first, train, valid in losses.tolist())

    def _restore_draws(self, saved: State) -> None:
        draws, totals = self.draws, with_prefix(saved, "totals.")
        n_draws = int(number_of(saved, "n_draws", 0, 2 * draws.kept_sweeps))
        expected = draws.expected(self.sampler)
        kept = []
        for number in range(n_draws):
            one = [with_prefix(saved, f"draw.{number}.{place}.") for place in range(len(expected))]
            for found, like in zip(one, expected, strict=True):
                check_like(found, like)
            kept.append(one)
        own = _totals(draws)
        check_like(totals, own)
        for name, array in own.items():
            array[...] = totals[name]
        for name, mean in draws.means.items():
            mean.n = int(totals[f"{name}n"])
        draws.draws = kept
        draws.n_sweeps = int(number_of(saved, "n_sweeps", 0, LARGEST_COUNT))
        draws.every = int(number_of(saved, "every", 1, LARGEST_COUNT))
        draws.valid_error = float(saved["valid_error"])
        draws.relative_variance = float(saved["relative_variance"])
        draws.effective_samples = number_of(saved, "effective_samples", 0, LARGEST_COUNT)
        watched = rows_of(saved, "watched", len(draws.watched_users))
        check_finite("watched", watched)
        draws.watched = list(watched)
        restore_generator(draws.untimed_rng, saved["untimed_rng"])


def _totals(draws: Draws) -> State:
    """The sums over all sweeps."""
    state: State = {"noise": draws.noise}
    state |= {f"effects.{level}": total for level, total in enumerate(draws.effects)}
    state["effect_variance"], state["moment_variance"] = (
        draws.effect_variance,
        draws.moment_variance,
    )
    for name, mean in draws.means.items():
        state[f"{name}total"], state[f"{name}n"] = mean.total, np.array(mean.n)
    if draws.valid is not None:
        state["valid"] = draws.sum
    return state


def _side_state(side: FactorState) -> State:
    state: State = {
        "table": side.table,
        "mean": side.mean,
        "precision": side.precision,
        "rate": side.rate,
    }
    for number in range(len(side.blocks)):
        state[f"weights.{number}"] = side.weights[number]
        state[f"penalties.{number}"] = side.penalties[number]
        state[f"parts.{number}"] = side.parts[number]
    return state


def _restore_side(side: FactorState, state: State) -> None:
    side.table, side.mean = state["table"], state["mean"]
    side.precision, side.rate = state["precision"], state["rate"]
    for number in range(len(side.blocks)):
        side.weights[number] = state[f"weights.{number}"]
        side.penalties[number] = state[f"penalties.{number}"]
        side.parts[number] = state[f"parts.{number}"]


def _sampler_state(sampler: Sampler) -> State:
    state = prefixed(_side_state(sampler.users), "users.")
    state |= prefixed(_side_state(sampler.items), "items.")
    state |= {"noise": sampler.noise, "common_noise": np.array(sampler.common_noise)}
    if sampler.effects is not None:
        effects = sampler.effects
        state |= {f"effects.{level}": each for level, each in enumerate(effects.effects)}
        state["effects.precision"] = np.array(effects.precision)
        state["effects.total"] = effects.total
    if sampler.ordinal is not None:
        state["latents"] = sampler.value
        state["thresholds"] = sampler.ordinal.thresholds
        state["mode"] = sampler.ordinal.mode
    return state


def _restore_sampler(sampler: Sampler, state: State) -> None:
    _restore_side(sampler.users, with_prefix(state, "users."))
    _restore_side(sampler.items, with_prefix(state, "items."))
    sampler.noise, sampler.common_noise = state["noise"], float(state["common_noise"])
    if sampler.effects is not None:
        effects = sampler.effects
        effects.effects = [state[f"effects.{level}"] for level in range(len(effects.effects))]
        effects.precision = state["effects.precision"].tolist()
        effects.total = state["effects.total"]
    if sampler.ordinal is not None:
        sampler.value = state["latents"]
        sampler.ordinal.thresholds, sampler.ordinal.mode = state["thresholds"], state["mode"]


def _check_values(state: State) -> None:
    """Raises DataError unless precisions are positive and thresholds ascend."""
    for name, array in state.items():
        is_positive = any(part in POSITIVE for part in name.split("."))
        if is_positive and array.size and not array.min() > 0:
            raise DataError(f"{name} holds {array.min():g}")
        if name in ("thresholds", "mode") and not (np.diff(array) > 0).all():
            raise DataError(f"{name} does not ascend")
