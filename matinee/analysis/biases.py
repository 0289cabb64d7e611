"""Item and user biases: how much a film is liked, and how generous a person is, apart from
tastes.

The bias of an item is what a typical person gives it beyond the mean of all ratings. In stars
(mf, baseline) that is the model's b_i plus the median of the user biases, as in `explain`:
most people are more generous than the mean of all ratings suggests, as the most active ones
are strict.

For a model with a sigmoid (dot-product), a bias is before the sigmoid (see `bias_unit`),
beyond the model's mean. It is b_i plus the product of the item's factors with those of the
average person. That product is almost 0 in mf but the larger part here, as this training does
not center factors.

An interval holds 95%: bias ± 1.96 s / sqrt(n slope² + s² / t²), where

    s      deviation of the item's ratings from what the biases alone predict, shrunk toward
    that of
           all ratings. The residuals of the whole prediction would be too small, as the
           factors were fitted to these ratings too;
    slope  of the sigmoid, root mean square over the ratings; 1 without one;
    t      deviation of the biases of all items, the prior of an item with few ratings.

That is so if what people rate depends neither on their taste nor on how good the item is. The
bias of an item with few ratings is drawn toward the mean of all items; if popular items are
better, this is too high for unknown ones, and fewer of their intervals hold. If people choose
what suits them, a bias is that for the people who chose the item, and no interval knows the
others (`benchmarks/bias_intervals.py` measures both).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matinee._types import Doubles
from matinee.data.arguments import list_length
from matinee.data.catalog import Film
from matinee.data.vocabulary import Id
from matinee.errors import UnsupportedError
from matinee.models.base import Recommender
from matinee.models.history import few_ratings
from matinee.recommendation.guide import Guide

#: Half the width of a 95% interval, in standard errors.
WIDTH = 1.96
#: Items or users with fewer ratings do not count in the deviation of all biases.
MIN_RATINGS = 5
#: Number of additional ratings with the common deviation, toward which each deviation is shrunk.
PRIOR_RATINGS = 20
#: Rows that are predicted at once, to bound the memory.
BLOCK = 1_000_000


@dataclass(frozen=True)
class BiasLine:
    """One item of a ranking by bias.

    Attributes:
        bias, low, high: the bias and its 95% interval; see the top of this module. The ends
            are NaN in a raw ranking (see `bias_ranking`), which has no intervals.
        mean: of its training ratings, in stars.
        audience: what the people who rated it give it beyond what the average person would, in
            stars, because they are generous or like this kind of film. Only in
            `disagreements`.
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
        """Converts to plain values, for JSON."""
        return {
            "item_id": self.item_id,
            "title": self.film.title,
            "year": self.film.year,
            "genres": list(self.film.genres),
            "bias": _rounded(self.bias),
            "low": _rounded(self.low),
            "high": _rounded(self.high),
            "mean": _rounded(self.mean),
            "n_ratings": self.n_ratings,
            "audience": _rounded(self.audience),
        }


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
        """Converts to plain values, for JSON."""
        return {
            "user_id": self.user_id,
            "bias": _rounded(self.bias),
            "low": _rounded(self.low),
            "high": _rounded(self.high),
            "mean": _rounded(self.mean),
            "n_ratings": self.n_ratings,
        }


class _BiasModel(NamedTuple):
    """A prediction without tastes: mean + user + item, before any sigmoid.

    Attributes:
        user: (U,).
        item: (I,).
        own: (I,), the model's b_i alone.
        average_person: the mean of user; 0 in stars, where user is relative to a typical
            person.
        low, high: the range of the sigmoid; equal without one.
    """

    mean: float
    user: Doubles
    item: Doubles
    own: Doubles
    average_person: float
    low: float
    high: float

    @property
    def is_in_stars(self) -> bool:
        """Whether there is no sigmoid."""
        return self.low == self.high

    def to_stars(self, raw: Doubles) -> tuple[Doubles, Doubles]:
        """The stars of raw predictions, and the slope of the sigmoid there."""
        if self.is_in_stars:
            return raw, np.ones(len(raw))
        width = self.high - self.low
        stars = self.low + width / (1 + np.exp(-raw))
        return stars, (stars - self.low) * (self.high - stars) / width


class _ResidualSums(NamedTuple):
    """Sums over the ratings of each item, or of each user."""

    n: NDArray[np.int64]
    information: Doubles  # squared slopes
    squares: Doubles  # squared residuals


# -- rankings ----------------------------------------------------------------------------


def bias_ranking(
    guide: Guide, k: int = 10, *, lowest: bool = False, raw: bool = False
) -> list[BiasLine]:
    """The k items with the highest bias, best first, or with the lowest, worst first.

    Sorted by the conservative end of the interval (the lower end for the highest, the upper
    end for the lowest), so that three enthusiasts do not make a film the best. In a file
    without histories, the deviation of the ratings is assumed to be a quarter of the length of
    the scale, about its value on MovieLens.

    Args:
        guide: a model with its titles.
        lowest: the lowest biases instead of the highest.
        raw: ranks as the tutorials do, by the model's b_i, without intervals and regardless of
            the number of ratings.

    Raises:
        UnsupportedError: the model learns no biases.

    Example:
        >>> for line in matinee.bias_ranking(guide, k=2):
        ...     print(line.film.title)
        12 Angry Men (1957)
        Inception (2010)
    """
    k = list_length(k)
    biases = _bias_model(guide.model)
    sign = -1 if lowest else 1
    if raw:
        return _lines(guide, biases.own, None, sign * biases.own, k)
    half = _half_widths(biases.item, _item_sums(guide.model, biases))
    return _lines(guide, biases.item, half, sign * biases.item - half, k)


def generosity(guide: Guide, k: int = 10, *, lowest: bool = False) -> list[UserLine]:
    """The k most generous people, or the k strictest, by the conservative end of the interval.

    Raises:
        UnsupportedError: the model learns no biases, or the file was saved without histories.
    """
    k = list_length(k)
    model = guide.model
    biases = _bias_model(model)
    ratings = model.history_.to_ratings()
    sums = _user_sums(model, biases)
    half = _half_widths(biases.user, sums)
    means = np.bincount(ratings.user_index, ratings.value, len(sums.n)) / np.maximum(sums.n, 1)
    sign = -1 if lowest else 1
    lines = []
    for user in _best(sign * biases.user - half, sums.n > 0, k).tolist():
        bias, width = float(biases.user[user]), float(half[user])
        lines.append(
            UserLine(
                user_id=model.users_.id(user),
                bias=bias,
                low=bias - width,
                high=bias + width,
                mean=float(means[user]),
                n_ratings=int(sums.n[user]),
            )
        )
    return lines


def disagreements(guide: Guide, k: int = 10, *, lowest: bool = False) -> list[BiasLine]:
    """The films that are liked better than their mean suggests, or with `lowest`, less.

    Better, as strict people or people of other tastes rated them. These are the k films with
    the largest `audience` effect, by the conservative end of its interval; fewer if fewer have
    a certain sign. Films with few ratings (`few_ratings`) are left out.

    Raises:
        UnsupportedError: the model learns no biases, or the file was saved without histories.
    """
    k = list_length(k)
    model = guide.model
    biases = _bias_model(model)
    ratings = model.history_.to_ratings()
    n, n_items = model.item_counts_, len(model.items_)
    average, _ = biases.to_stars(biases.mean + biases.average_person + biases.item)  # (I,)
    average = np.clip(average, model.scale_.lowest, model.scale_.highest)
    sums, squares = np.zeros(n_items), np.zeros(n_items)
    for rows in _blocks(len(ratings)):
        part = ratings.subset(rows)
        beyond = model.predict_ratings(part) - average[part.item_index]
        sums += np.bincount(part.item_index, beyond, n_items)
        squares += np.bincount(part.item_index, beyond**2, n_items)
    audience = sums / np.maximum(n, 1)
    pooled = squares.sum() / len(ratings)
    variance = (squares + PRIOR_RATINGS * pooled) / (n + PRIOR_RATINGS)
    half = WIDTH * np.sqrt(variance / np.maximum(n, 1))
    sign = 1 if lowest else -1
    certain = np.where(n >= few_ratings(n), sign * audience - half, 0)
    keys = np.where(certain > 0, certain, -np.inf)
    widths = _half_widths(biases.item, _item_sums(model, biases))
    return _lines(guide, biases.item, widths, keys, k, audience)


def bias_unit(model: Recommender) -> str:
    """What a bias of this model is measured in: "stars", or "logits", before the sigmoid."""
    return "stars" if _bias_model(model).is_in_stars else "logits"


# -- biases and their intervals ----------------------------------------------------------


def _bias_model(model: Recommender) -> _BiasModel:
    """The prediction without tastes, from whatever biases and factors the model has."""
    if not model.scale_.has_stars:
        raise UnsupportedError(
            f"{model.name} was trained on a table without ratings, so there are no biases; "
            "films differ only in how many people have them."
        )
    learned = model.learned_biases()
    if learned is None:
        raise UnsupportedError(f"{model.name} learns no biases; use mf, dot-product or baseline.")
    low, high = learned.sigmoid
    own = learned.item.astype(np.float64)
    user = learned.user.astype(np.float64)
    n = model.history_.counts
    active = n > 0
    if not n.any():
        active = np.ones(len(user), bool)
    if learned.is_in_stars:
        typical = float(np.median(user[active]))
        return _BiasModel(learned.mean, user - typical, own + typical, own, 0.0, low, high)
    item = own
    if learned.factors is not None:
        people, items = learned.factors[0].astype(np.float64), learned.factors[1]
        average_person = people[active].mean(axis=0)  # (F,)
        average_item = np.average(items, axis=0, weights=model.item_counts_)  # (F,)
        user = user + (people - average_person) @ average_item
        item = item + items @ average_person
    return _BiasModel(learned.mean, user, item, own, float(user[active].mean()), low, high)


def _blocks(n: int) -> Iterator[NDArray[np.int64]]:
    """The row numbers in blocks of limited size."""
    for start in range(0, n, BLOCK):
        yield np.arange(start, min(start + BLOCK, n))


def _user_sums(model: Recommender, biases: _BiasModel) -> _ResidualSums:
    """Over the ratings of each user; the file must have histories."""
    history = model.history_
    return _sums(model, biases, history.to_ratings().user_index, history.counts)


def _item_sums(model: Recommender, biases: _BiasModel) -> _ResidualSums:
    """Over the ratings of each item; assumed ones for a file without histories."""
    n = model.item_counts_
    if not model.history_.is_empty:
        return _sums(model, biases, model.history_.to_ratings().item_index, n)
    _, slope = biases.to_stars(biases.mean + float(biases.user.mean()) + biases.item)
    variance = ((model.scale_.highest - model.scale_.lowest) / 4) ** 2
    return _ResidualSums(n, n * slope**2, n * np.full(len(n), variance))


def _sums(
    model: Recommender, biases: _BiasModel, group: NDArray[np.int32], n: NDArray[np.int64]
) -> _ResidualSums:
    """Over the ratings of each group.

    Args:
        group: (N,) of each rating of the history.
        n: the number of ratings of each group.
    """
    ratings = model.history_.to_ratings()
    information, squares = np.zeros(len(n)), np.zeros(len(n))
    for rows in _blocks(len(ratings)):
        user, item = ratings.user_index[rows], ratings.item_index[rows]
        stars, slope = biases.to_stars(biases.mean + biases.user[user] + biases.item[item])
        information += np.bincount(group[rows], slope**2, len(n))
        squares += np.bincount(group[rows], (ratings.value[rows] - stars) ** 2, len(n))
    return _ResidualSums(n, information, squares)


def _half_widths(biases: Doubles, sums: _ResidualSums) -> Doubles:
    """Half the width of each 95% interval."""
    pooled = sums.squares.sum() / max(int(sums.n.sum()), 1)
    variance = (sums.squares + PRIOR_RATINGS * pooled) / (sums.n + PRIOR_RATINGS)
    counting = sums.n >= MIN_RATINGS
    if counting.sum() < 2:
        counting = sums.n > 0
    spread = 0.0
    if counting.sum() > 1:
        spread = float(biases[counting].var())
    shrinkage = 0.0
    if spread > 0:
        shrinkage = pooled / spread
    return np.asarray(WIDTH * np.sqrt(variance / np.maximum(sums.information + shrinkage, 1e-12)))


def _best(keys: Doubles, allowed: NDArray[np.bool_], k: int) -> NDArray[np.int64]:
    """The positions of the k largest keys among the allowed ones, largest first."""
    order = np.argsort(-keys, kind="stable")
    return order[allowed[order]][:k]


def _lines(
    guide: Guide,
    bias: Doubles,
    half: Doubles | None,
    keys: Doubles,
    k: int,
    audience: Doubles | None = None,
) -> list[BiasLine]:
    """The k items with the largest finite keys; without `half`, they have no intervals."""
    model = guide.model
    if half is None:
        half = np.full(len(bias), np.nan)
    lines = []
    for item in _best(keys, (model.item_counts_ > 0) & np.isfinite(keys), k).tolist():
        item_id = model.items_.id(item)
        line = BiasLine(
            item_id=item_id,
            film=guide.catalog[item_id],
            bias=float(bias[item]),
            low=float(bias[item] - half[item]),
            high=float(bias[item] + half[item]),
            mean=float(model.item_means_[item]),
            n_ratings=int(model.item_counts_[item]),
        )
        if audience is not None:
            line = replace(line, audience=float(audience[item]))
        lines.append(line)
    return lines


def _rounded(number: float | None) -> float | None:
    """The number for JSON; a missing interval is null."""
    if number is None or np.isnan(number):
        return None
    return round(number, 4)
