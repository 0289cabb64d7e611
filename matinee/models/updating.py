"""Updating: new ratings, users and items come into a fitted model, which is not trained again.

The *news* are ratings that the model has not seen. Ratings may also be *withdrawn*. The work is
divided by what the news touch:

- The users with news are solved for again, however few their news are.
- An item *changes* if it is new, or if its news are at least `SHARE` of its ratings. Thousands of
  others outweigh one more rating, so solving for the item again would cost much and change
  nothing.
- The users who rated an item that changes are solved for again at the end, so that every user has
  the vector that a new person with the same ratings would get.

So the work grows with the news: the ratings of the items that change are at most 1 / `SHARE` times
as many. All else keeps its numbers, as do the mean and the scale.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import NamedTuple, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats, Indices, Longs
from matinee.data.arguments import RatingsLike, ratings_of
from matinee.data.features import Features
from matinee.data.ratings import NO_TIME, PAIRS, Ratings, Scale
from matinee.data.vocabulary import Id, Vocabulary
from matinee.errors import DataError, UnsupportedError
from matinee.models.base import Recommender
from matinee.models.declarations import forget_cached
from matinee.models.history import History, item_means

SHARE = 0.005
"""An item changes if its news are at least this share of its ratings."""

Labels = Mapping[Id, Sequence[str]]
"""The features of items by id, such as ["genre: Comedy", "year: 1995"]."""
Number = TypeVar("Number", bound=np.generic)
Model = TypeVar("Model", bound=Recommender)


class NewsTally(NamedTuple):
    """What the news consist of."""

    n_added: int
    n_replaced: int
    n_withdrawn: int
    n_new_users: int
    n_new_items: int

    @property
    def n_ratings(self) -> int:
        """The number of ratings that were added, replaced or withdrawn."""
        return self.n_added + self.n_replaced + self.n_withdrawn


class Withdrawn(NamedTuple):
    """The ratings that were withdrawn, (n,) each, by the rows after the news."""

    user_index: NDArray[np.int32]
    item_index: NDArray[np.int32]
    value: Floats


class Change(NamedTuple):
    """The ratings after the news, and what the news touch."""

    history: History
    user_source: NDArray[np.int32]  # (U,) the row in the earlier model; -1 for a new user
    item_source: NDArray[np.int32]  # (I,)
    has_news: NDArray[np.bool_]  # (U,) the user gave or withdrew a rating
    item_news: Longs  # (I,) the number of ratings that are new, differ or were withdrawn
    items_change: NDArray[np.bool_]  # (I,) enough of the item's ratings are news
    earlier: Floats  # (N,) the values before the news, in the order of the history; NaN if new
    withdrawn: "Withdrawn"
    tally: NewsTally

    @property
    def affected_users(self) -> Longs:
        """The users who have news or rated an item that changes, ascending."""
        affected = self.has_news.copy()
        affected[self.history.user_index[self.items_change[self.history.item_index]]] = True
        return np.flatnonzero(affected)


@runtime_checkable
class Updatable(Protocol):
    """A model that can be updated, unless it has `can_absorb`, which is False."""

    def absorb(self, change: Change, n_threads: int | None) -> None:
        """Sets the learned arrays of the model after the news; `history_` and what follows from
        it are set already. The arrays of before are not changed in place."""


class Updated(NamedTuple):
    """A model after the news, and what they consisted of."""

    model: Recommender
    tally: NewsTally


def updated(
    model: Recommender,
    news: "RatingsLike | None",
    *,
    withdrawn: "RatingsLike | None" = None,
    labels: Labels | None = None,
    n_threads: int | None = None,
) -> Updated:
    """A model that also knows the news; the given one is not changed.

    The result does not depend on the number of threads.

    Args:
        news: new ratings. One of a pair of user and item that is known replaces the earlier
            rating, whatever its time; counts are added up. None: there are none.
        withdrawn: pairs of user and item whose ratings are removed; their values do not matter.
        labels: features of the new items, for a model that learned from features. Labels that
            the training data did not have are left out.
        n_threads: None means all cores.

    Raises:
        UnsupportedError: the model cannot be updated, or was saved without its ratings.
        DataError: the news do not fit the model, or a withdrawn rating is unknown.
    """
    model.check_fitted()
    refuse_model(model)
    parts = [None if part is None else ratings_of(part, "updated") for part in (news, withdrawn)]
    change = change_of(model.history_, parts[0], parts[1], labels or {})
    return Updated(after(model, change, n_threads), change.tally)


def after(model: Model, change: Change, n_threads: int | None) -> Model:
    """A copy of a fitted model after a change; trained again if the model is not `Updatable`."""
    history = change.history
    if not can_update(model):
        unfitted = type(model).from_settings(model.settings())
        return unfitted.fit(history.to_training_ratings(), n_threads=n_threads)
    result = copy(model)
    forget_cached(result)
    result.users_, result.items_, result.history_ = history.users, history.items, history
    result.item_counts_ = np.bincount(history.item_index, minlength=len(history.items))
    result.item_means_ = item_means(result.item_counts_, history.item_index, history.value)
    absorbing: object = result
    if isinstance(absorbing, Updatable):
        absorbing.absorb(change, n_threads)
    return result


def can_update(model: Recommender) -> bool:
    """Whether a model can be updated; any other must be trained again."""
    return isinstance(model, Updatable) and bool(getattr(model, "can_absorb", True))


def placed(array: NDArray[Number], source: NDArray[np.int32]) -> NDArray[Number]:
    """The rows of a learned array in their new places, zeros for new users or items.

    Args:
        source: (R,) the earlier row of each row; -1 for a new one.
    """
    rows: NDArray[Number] = array[source]
    rows[source < 0] = 0
    return rows


# -- the ratings after the news ----------------------------------------------------------


def change_of(
    history: History, news: Ratings | None, withdrawn: Ratings | None, labels: Labels
) -> Change:
    """The ratings after the news, and what the news touch.

    Raises:
        DataError: as for `updated`.
    """
    if news is None and withdrawn is None:
        raise DataError("There is nothing to update with: give new ratings or withdrawn ones.")
    users, items = history.users, history.items
    for part in (news, withdrawn):
        if part is not None:
            _refuse_other_ids(users, part.users)
            _refuse_other_ids(items, part.items)
    if news is not None:
        _refuse_other_scale(news, history.scale)
        users = users.merge(_rated(news.users, news.user_index))
        items = items.merge(_rated(news.items, news.item_index))
    table = _Table.of(history, users, items)
    is_news = np.zeros(0, np.int64)
    n_added = n_replaced = 0
    if news is not None:
        before = len(table.pair)
        table, is_news = _with_news(table, news, users, items, not history.scale.has_stars)
        n_added = len(table.pair) - before
        n_replaced = len(is_news) - n_added
    gone = table.subset(np.zeros(len(table.pair), bool))
    if withdrawn is not None:
        table, gone = _without(table, withdrawn, users, items, news)
    if len(table.pair) == 0:
        raise DataError("No rating would remain; a model needs some.")
    after_news = table.history(history, users, items, labels)
    touched = np.concatenate([is_news, gone.pair])
    has_news = np.zeros(len(users), bool)
    has_news[touched // len(items)] = True
    n_news = np.bincount(touched % len(items), minlength=len(items))
    counts = np.bincount(after_news.item_index, minlength=len(items))
    tally = NewsTally(
        n_added,
        n_replaced,
        len(gone.pair),
        len(users) - len(history.users),
        len(items) - len(history.items),
    )
    return Change(
        after_news,
        users.indices_in(history.users),
        items.indices_in(history.items),
        has_news,
        n_news,
        (n_news > 0) & (n_news >= SHARE * counts),
        table.earlier,
        gone.withdrawn(len(items)),
        tally,
    )


def _rated(known: Vocabulary, index: NDArray[np.int32]) -> Vocabulary:
    """The ids that occur in a column of indices."""
    return Vocabulary(known.ids[np.unique(index)], known.kind)


class _Table(NamedTuple):
    """Ratings in the order of their pairs."""

    pair: Longs  # (N,) the user times the number of items, plus the item
    value: Floats  # (N,)
    earlier: Floats  # (N,) the value before the news; NaN if there was none
    timestamp: Longs | None  # (N,)

    @classmethod
    def of(cls, history: History, users: Vocabulary, items: Vocabulary) -> Self:
        """The ratings of a history in larger vocabularies."""
        user_index = history.users.indices_in(users)[history.user_index]
        item_index = history.items.indices_in(items)[history.item_index]
        pair = _pairs(user_index, item_index, len(items))
        return cls(pair, history.value, history.value, history.timestamp)

    def subset(self, rows: NDArray[np.bool_]) -> "_Table":
        """Some ratings."""
        timestamp = None if self.timestamp is None else self.timestamp[rows]
        return _Table(self.pair[rows], self.value[rows], self.earlier[rows], timestamp)

    def with_inserted(self, place: Longs, new: "_Table") -> "_Table":
        """The table with further ratings, each before the rating at a place."""
        timestamp = None
        if self.timestamp is not None and new.timestamp is not None:
            timestamp = np.insert(self.timestamp, place, new.timestamp)
        return _Table(
            np.insert(self.pair, place, new.pair),
            np.insert(self.value, place, new.value),
            np.insert(self.earlier, place, new.earlier),
            timestamp,
        )

    def withdrawn(self, n_items: int) -> Withdrawn:
        """The ratings of the table as withdrawn ones."""
        user_index, item_index = np.divmod(self.pair, n_items)
        return Withdrawn(user_index.astype(np.int32), item_index.astype(np.int32), self.value)

    def find(self, pair: Longs) -> tuple[Longs, NDArray[np.bool_]]:
        """The place of each pair, and whether it is there."""
        place = np.searchsorted(self.pair, pair)
        there = np.minimum(place, len(self.pair) - 1)
        return place, self.pair[there] == pair

    def history(
        self, before: History, users: Vocabulary, items: Vocabulary, labels: Labels
    ) -> History:
        """The history of the table."""
        user_index, item_index = np.divmod(self.pair, len(items))
        indptr = np.zeros(len(users) + 1, np.int64)
        np.cumsum(np.bincount(user_index, minlength=len(users)), out=indptr[1:])
        user_features, item_features = before.user_features, before.item_features
        if user_features is not None:
            user_features = user_features.take(users.indices_in(before.users))
        if item_features is not None:
            item_features = _widened(item_features, before.items, items, labels)
        return replace(
            before,
            users=users,
            items=items,
            indptr=indptr,
            item_index=item_index.astype(np.int32),
            value=self.value,
            timestamp=self.timestamp,
            user_features=user_features,
            item_features=item_features,
        )


def _widened(features: Features, before: Vocabulary, items: Vocabulary, labels: Labels) -> Features:
    """The features of all items; those of new ones follow from their labels."""
    source = items.indices_in(before)
    table = features.take(source).table
    for item in np.flatnonzero(source < 0).tolist():
        table[item] = features.row_of(labels.get(items.id(item), ()))
    return Features(features.names, table)


def _with_news(
    table: _Table, news: Ratings, users: Vocabulary, items: Vocabulary, adds_up: bool
) -> tuple[_Table, Longs]:
    """The table with the news, and the pairs whose ratings are new or differ, ascending."""
    user_index = news.users.indices_in(users)[news.user_index]
    item_index = news.items.indices_in(items)[news.item_index]
    pair = _pairs(user_index, item_index, len(items))
    # Stable, so that of several ratings of one pair the last one comes last
    order = np.argsort(pair, kind="stable")
    order = order[np.append(pair[order[1:]] != pair[order[:-1]], True)]
    pair, value = pair[order], news.value[order]
    timestamp = np.full(len(pair), NO_TIME)
    if news.timestamp is not None:
        timestamp = news.timestamp[order]
    place, is_known = table.find(pair)
    known, new = place[is_known], ~is_known
    values, times = table.value.copy(), table.timestamp
    values[known] = value[is_known]
    if adds_up:
        values[known] += table.value[known]
    if times is not None:
        times = times.copy()
        times[known] = timestamp[is_known]
    is_news = new.copy()
    is_news[is_known] = values[known] != table.value[known]
    unknown = np.full(np.count_nonzero(new), np.nan, np.float32)
    added = _Table(pair[new], value[new], unknown, timestamp[new])
    merged = _Table(table.pair, values, table.value, times).with_inserted(place[new], added)
    return merged, pair[is_news]


def _without(
    table: _Table,
    withdrawn: Ratings,
    users: Vocabulary,
    items: Vocabulary,
    news: Ratings | None,
) -> tuple[_Table, _Table]:
    """The table without withdrawn ratings, and the withdrawn ones."""
    user = withdrawn.users.indices_in(users)[withdrawn.user_index]
    item = withdrawn.items.indices_in(items)[withdrawn.item_index]
    pair = _pairs(user, item, len(items))
    place, is_there = table.find(pair)
    is_there &= (user >= 0) & (item >= 0)
    if not is_there.all():
        row = int(np.flatnonzero(~is_there)[0])
        raise DataError(
            f"{_told(withdrawn, row)} is withdrawn, but the model has no such rating; remove the "
            "row."
        )
    if news is not None:
        user = news.users.indices_in(users)[news.user_index]
        item = news.items.indices_in(items)[news.item_index]
        given = _pairs(user, item, len(items))
        both = np.flatnonzero(np.isin(pair, given))
        if len(both):
            raise DataError(
                f"{_told(withdrawn, int(both[0]))} is both new and withdrawn; remove one of the "
                "two rows."
            )
    kept = np.ones(len(table.pair), bool)
    kept[place] = False
    return table.subset(kept), table.subset(~kept)


def _pairs(user_index: Indices, item_index: Indices, n_items: int) -> Longs:
    """A number for each pair of a user and an item, (N,)."""
    pair: Longs = np.multiply(user_index, n_items, dtype=np.int64)
    pair += item_index
    return pair


def _told(ratings: Ratings, row: int) -> str:
    user = ratings.users.id(int(ratings.user_index[row]))
    item = ratings.items.id(int(ratings.item_index[row]))
    return f"The rating of item '{item}' by user '{user}'"


# -- refusals ----------------------------------------------------------------------------


def refuse_model(model: Recommender) -> None:
    """Raises UnsupportedError if a model cannot be updated."""
    again = "Train it again on all ratings:  matinee train DATA MORE_DATA --out NEW"
    if not can_update(model):
        how = " with these settings" if isinstance(model, Updatable) else ""
        raise UnsupportedError(
            f"{model.name} cannot be updated{how}; hybrid, mf, bayes, ials and ease can. {again}"
        )
    if model.history_.is_empty:
        raise UnsupportedError(
            "This model was saved without histories, so it cannot be updated; train it without "
            "--no-history."
        )
    if any(each.half_life > 0 for each in (model, *model.members().values())):
        raise UnsupportedError(
            f"A model with a half-life cannot be updated, because each new rating makes all others "
            f"older. {again}"
        )
    if model.capabilities.uses_features and not model.history_.is_complete:
        raise UnsupportedError(
            "This file is from an earlier version, which did not save the features of items, so "
            f"the model cannot be updated. {again}"
        )


def _refuse_other_ids(known: Vocabulary, new: Vocabulary) -> None:
    """Raises DataError if the ids of one are numbers and those of the other are text."""
    if known.is_integer == new.is_integer or len(new) == 0:
        return
    kinds = ("text", "whole numbers")
    hint = "Read them with --text-ids." if new.is_integer else "Give the ids of the training data."
    raise DataError(
        f"The {known.kind} ids of the model are {kinds[known.is_integer]}, such as "
        f"'{known.id(0)}', but those of the new table are {kinds[new.is_integer]}, such as "
        f"'{new.id(0)}'. {hint}"
    )


def _refuse_other_scale(news: Ratings, scale: Scale) -> None:
    """Raises DataError if the news are not on the scale of the model."""
    if not scale.has_stars:
        if news.scale.has_stars:
            raise DataError(
                "The model learned from pairs of users and items, but the new table has ratings of "
                f"{news.scale}; read it with --pairs."
            )
        return
    if news.scale == PAIRS and scale.step:
        raise DataError(
            f"The model learned from ratings of {scale}, but the new table has none, only pairs of "
            "users and items; name their column with --rating-column."
        )
    value = news.value.astype(np.float64)
    fits = (value >= scale.lowest) & (value <= scale.highest)
    if scale.step:
        units = (value - scale.lowest) / scale.step
        fits &= np.abs(units - np.round(units)) < 1e-3
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise DataError(
            f"{_told(news, row)} is {value[row]:g}, but the scale of the model is {scale}. Convert "
            "the new ratings to this scale, or train a model on all ratings."
        )
