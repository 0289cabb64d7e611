"""Biases: which films are liked, whoever sees them, and who is generous, whatever they see.

A *bias* is what a typical person gives an item beyond the mean of all ratings. In stars (mf, baseline) that is the
model's own b_i and the median of the users' biases, as in `explain`: most people are more generous than the mean of
all ratings tells, for the busiest are strict.

For a model with a sigmoid (dot-product) it is before the sigmoid (see `bias_unit`), beyond the model's mean, and b_i
and the product of the item's factors with the average person's. That product, next to nothing in mf, is the larger
part there, for the training does not keep the factors about zero.

An interval holds 95%: bias ± 1.96 s / sqrt(n slope² + s² / t²), where

    s      deviation of the item's ratings about what the biases alone predict, pulled towards that of all ratings. The
           residuals of the whole prediction would be too small, for the factors have been fitted to these ratings too;
    slope  of the sigmoid, root mean square over the ratings; 1 without one;
    t      deviation of the biases of all items: what an item of few ratings is shrunk towards.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.catalogue import Film
from matinee.errors import SettingError, UnsupportedError
from matinee.models.base import Recommender
from matinee.models.history import few_ratings
from matinee.ratings import Id
from matinee.recommendation.guide import Guide

WIDTH = 1.96
"""Of a 95% interval, in standard errors."""
ENOUGH = 5
"""Items or users with fewer ratings do not count in the deviation of all biases."""
AS_IF = 20
"""Each item's deviation is pulled towards the common one as if it had so many ratings more of that deviation."""
ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class BiasLine:
    """One item of a ranking by bias.

    Attributes:
        bias, low, high: and the ends of its 95% interval; see the top of this module. The ends are NaN for a bias as
            the model has it (`bias_ranking` with raw), for which there is no interval.
        mean: of its training ratings, in stars.
        audience: what the people who rated it give it beyond what the average person would, in stars: they are
            generous, or it is their kind of film. None where that was not asked for.
    """

    item_id: Id
    film: Film
    bias: float
    low: float
    high: float
    mean: float
    n_ratings: int
    audience: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        film = {"title": self.film.title, "year": self.film.year, "genres": list(self.film.genres)}
        return {"item_id": self.item_id} | film | _numbers(self, {"item_id", "film"})


@dataclass(frozen=True)
class UserLine:
    """One person of a ranking by generosity; the fields are those of `BiasLine`."""

    user_id: Id
    bias: float
    low: float
    high: float
    mean: float
    n_ratings: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"user_id": self.user_id} | _numbers(self, {"user_id"})


class _Effects(NamedTuple):
    """A prediction without what tells tastes apart is mean + user + item, before any sigmoid."""

    mean: float
    user: Doubles  # (U,)
    item: Doubles  # (I,)
    own: Doubles  # (I,), the model's b_i alone
    average_person: float  # what user is on average; 0 in stars, where a typical person is meant
    range: tuple[float, float]  # of the sigmoid; equal without one

    def stars(self, raw: Doubles) -> tuple[Doubles, Doubles]:
        """What the link makes of raw predictions, and its slope there."""
        low, high = self.range
        if low == high:
            return raw, np.ones(len(raw))
        stars = low + (high - low) / (1 + np.exp(-raw))
        return stars, (stars - low) * (high - stars) / (high - low)


class _Sums(NamedTuple):
    """Over the ratings of each item, or of each user."""

    n: NDArray[np.int64]
    information: Doubles  # squared slopes
    squares: Doubles  # squared residuals


# -- rankings ------------------------------------------------------------------------------------------------------


def bias_ranking(guide: Guide, k: int = 10, *, lowest: bool = False, raw: bool = False) -> list[BiasLine]:
    """The k items with the highest bias, best first, or with the lowest, worst first.

    Sorted by the cautious end of the interval (the lower end for the highest, the upper end for the lowest), so that
    three enthusiasts do not make the best film. For a file without histories the deviation of the ratings is taken
    to be a quarter of the length of the scale, about what it is on MovieLens.

    Args:
        raw: the tutorials' ranking instead: by the model's own b_i, without an interval, however few the ratings.

    Raises:
        UnsupportedError: the model learns no biases.
    """
    if k < 1:
        raise SettingError(f"k must be at least 1, not {k}.")
    effects = _effects(guide.model)
    half = _half_widths(effects.item, _sums(guide.model, effects)[1])
    sign = -1 if lowest else 1
    if raw:
        return _lines(guide, effects.own, None, sign * effects.own, k)
    return _lines(guide, effects.item, half, sign * effects.item - half, k)


def generosity(guide: Guide, k: int = 10, *, lowest: bool = False) -> list[UserLine]:
    """The k most generous people, or the k strictest, by the cautious end of the interval of their bias.

    Raises:
        UnsupportedError: the model learns no biases, or the file was saved without histories.
    """
    if k < 1:
        raise SettingError(f"k must be at least 1, not {k}.")
    model, effects = guide.model, _effects(guide.model)
    ratings = model.history_.to_ratings()
    sums = _sums(model, effects)[0]
    half = _half_widths(effects.user, sums)
    means = np.bincount(ratings.user_index, ratings.value, len(sums.n)) / np.maximum(sums.n, 1)
    order = _best(np.where(lowest, -1, 1) * effects.user - half, sums.n > 0, k)
    lines = []
    for user in order.tolist():
        bias, width = float(effects.user[user]), float(half[user])
        ends = bias - width, bias + width
        lines.append(UserLine(model.users_.id(user), bias, *ends, float(means[user]), int(sums.n[user])))
    return lines


def disagreements(guide: Guide, k: int = 10, *, lowest: bool = False) -> list[BiasLine]:
    """The films that are better liked than their mean suggests, for strict people saw them or people of other tastes;
    with `lowest` those whose mean flatters them. The k with the largest `audience`, by the cautious end of its
    interval; fewer if there are fewer whose sign is certain. Those with few ratings are left out (`few_ratings`).

    Raises:
        UnsupportedError: the model learns no biases, or the file was saved without histories.
    """
    if k < 1:
        raise SettingError(f"k must be at least 1, not {k}.")
    model, effects = guide.model, _effects(guide.model)
    ratings = model.history_.to_ratings()
    n, n_items = model.item_counts_, len(model.items_)
    average = effects.stars(effects.mean + effects.average_person + effects.item)[0]  # (I,)
    average = np.clip(average, *model.scale_[:2])
    sums, squares = np.zeros(n_items), np.zeros(n_items)
    for rows in _blocks(len(ratings)):
        part = ratings.subset(rows)
        beyond = model.predict_ratings(part) - average[part.item_index]
        sums += np.bincount(part.item_index, beyond, n_items)
        squares += np.bincount(part.item_index, beyond**2, n_items)
    audience = sums / np.maximum(n, 1)
    pooled = squares.sum() / len(ratings)
    half = WIDTH * np.sqrt((squares + AS_IF * pooled) / (n + AS_IF) / np.maximum(n, 1))
    surely = np.where(n >= few_ratings(model.item_counts_), (1 if lowest else -1) * audience - half, 0)
    widths = _half_widths(effects.item, _sums(model, effects)[1])
    return _lines(guide, effects.item, widths, np.where(surely > 0, surely, -np.inf), k, audience)


def bias_unit(model: Recommender) -> str:
    """What a bias of this model is measured in: "stars", or "logits", before the sigmoid."""
    effects = _effects(model)
    return "stars" if effects.range[0] == effects.range[1] else "logits"


def _effects(model: Recommender) -> _Effects:
    """What users and items add by themselves, out of whatever biases and factors the model has."""
    if not model.scale_.has_stars:
        raise UnsupportedError(
            f"{model.name} was trained on a table without ratings, so there are no biases: what sets a film apart is "
            "how many have it."
        )
    learned = model.learned_biases()
    if learned is None:
        raise UnsupportedError(f"{model.name} learns no biases; use mf, dot-product or baseline.")
    user, item = learned.user.astype(np.float64), learned.item.astype(np.float64)
    own, n = item, model.history_.counts
    active = n > 0 if n.any() else np.ones(len(user), bool)
    typical = float(np.median(user[active])) if learned.is_in_stars else 0.0
    user, item = user - typical, item + typical
    if learned.factors is not None:
        people, items = learned.factors[0].astype(np.float64), learned.factors[1]
        average_person = people[active].mean(axis=0)  # (F,)
        average_item = np.average(items, axis=0, weights=model.item_counts_)  # (F,)
        user = user + (people - average_person) @ average_item
        item = item + items @ average_person
    average = 0.0 if learned.is_in_stars else float(user[active].mean())
    return _Effects(learned.mean, user, item, own, average, learned.sigmoid)


def _blocks(n: int) -> Iterator[NDArray[np.int64]]:
    """The rows in parts, so that no large table of theirs is made."""
    return (np.arange(start, min(start + ROWS_AT_ONCE, n)) for start in range(0, n, ROWS_AT_ONCE))


def _sums(model: Recommender, effects: _Effects) -> tuple[_Sums, _Sums]:
    """Over users and over items; without histories, what can be supposed of the items."""
    n_users, n_items, n = len(model.users_), len(model.items_), model.item_counts_
    if model.history_.is_empty:
        slope = effects.stars(effects.mean + float(effects.user.mean()) + effects.item)[1]
        variance = ((model.scale_.highest - model.scale_.lowest) / 4) ** 2
        nobody = _Sums(np.zeros(n_users, np.int64), np.zeros(n_users), np.zeros(n_users))
        return nobody, _Sums(n, n * slope**2, n * np.full(n_items, variance))
    ratings = model.history_.to_ratings()
    totals = np.zeros((2, n_users)), np.zeros((2, n_items))
    for rows in _blocks(len(ratings)):
        user, item = ratings.user_index[rows], ratings.item_index[rows]
        stars, slope = effects.stars(effects.mean + effects.user[user] + effects.item[item])
        for row, values in enumerate((slope**2, (ratings.value[rows] - stars) ** 2)):
            totals[0][row] += np.bincount(user, values, n_users)
            totals[1][row] += np.bincount(item, values, n_items)
    return _Sums(model.history_.counts, *totals[0]), _Sums(n, *totals[1])


def _half_widths(effects: Doubles, sums: _Sums) -> Doubles:
    """Half the width of each 95% interval."""
    pooled = sums.squares.sum() / max(int(sums.n.sum()), 1)
    variance = (sums.squares + AS_IF * pooled) / (sums.n + AS_IF)
    counted = sums.n >= ENOUGH if (sums.n >= ENOUGH).sum() > 1 else sums.n > 0
    spread = float(effects[counted].var()) if counted.sum() > 1 else 0.0
    shrinkage = pooled / spread if spread > 0 else 0.0
    return np.asarray(WIDTH * np.sqrt(variance / np.maximum(sums.information + shrinkage, 1e-12)))


def _best(keys: Doubles, allowed: NDArray[np.bool_], k: int) -> NDArray[np.int64]:
    """The places of the k largest keys, largest first; none of those that are not allowed."""
    order = np.argsort(-keys, kind="stable")
    return order[allowed[order]][:k]


def _lines(
    guide: Guide, bias: Doubles, half: Doubles | None, keys: Doubles, k: int, audience: Doubles | None = None
) -> list[BiasLine]:
    model, lines = guide.model, []
    for index in _best(keys, (model.item_counts_ > 0) & np.isfinite(keys), k).tolist():
        item_id, middle = model.items_.id(index), float(bias[index])
        width = np.nan if half is None else float(half[index])
        lines.append(
            BiasLine(
                item_id=item_id,
                film=guide.catalogue[item_id],
                bias=middle,
                low=middle - width,
                high=middle + width,
                mean=float(model.item_means_[index]),
                n_ratings=int(model.item_counts_[index]),
                audience=None if audience is None else float(audience[index]),
            )
        )
    return lines


def _numbers(line: BiasLine | UserLine, without: set[str]) -> dict[str, float | int | None]:
    values = asdict(line).items()
    return {
        name: None if value is None or np.isnan(value) else round(value, 4)
        for name, value in values
        if name not in without
    }
