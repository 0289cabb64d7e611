"""Several data sets as one."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from matinee.data.catalog import Catalog
from matinee.data.dataset import Dataset
from matinee.data.ratings import NO_TIME, Ratings
from matinee.data.repeats import last_of_each_pair, sums_of_pairs
from matinee.data.vocabulary import Vocabulary
from matinee.errors import DataError

_OTHER_SCALE = 1.5
"""Highest ratings that differ by this factor are of different scales, not chance in small
tables."""


def merge(datasets: Sequence[Dataset]) -> Dataset:
    """The ratings and titles of several data sets.

    Of several ratings by one user of one item, the last by time counts; without times, that of
    the last data set. Counts are added up. Of several titles of one item, the first counts. If
    the ids of one data set are text, all become text.

    Args:
        datasets: at least one.

    Raises:
        DataError: the scales differ.
    """
    for other in datasets[1:]:
        _refuse_other_scale(datasets[0], other)
    parts = [dataset.ratings for dataset in datasets]
    users = reduce(Vocabulary.merge, (part.users for part in parts))
    items = reduce(Vocabulary.merge, (part.items for part in parts))
    timestamp = None
    if any(part.timestamp is not None for part in parts):
        timestamp = np.concatenate([_times(part) for part in parts])
    value = np.concatenate([part.value for part in parts])
    scale = parts[0].scale
    if scale.has_stars:
        ends = [(part.scale.lowest, part.scale.highest) for part in parts]
        scale = scale.of(np.append(np.unique(value), np.array(ends, np.float32)))
    films = {}
    for dataset in reversed(datasets):
        for item_id, film in dataset.catalog.films.items():
            films[item_id if items.is_integer else str(item_id)] = film
    catalog = Catalog(films)
    ratings = Ratings(
        users=users,
        items=items,
        user_index=np.concatenate([_moved(part.users, users, part.user_index) for part in parts]),
        item_index=np.concatenate([_moved(part.items, items, part.item_index) for part in parts]),
        value=value,
        timestamp=timestamp,
        scale=scale,
        item_features=catalog.features(items),
    )
    kept = last_of_each_pair(ratings)
    if kept is not None:
        whole = ratings
        ratings = whole.subset(kept)
        if not scale.has_stars:
            ratings = replace(ratings, value=sums_of_pairs(whole, kept))
    return Dataset(
        name="+".join(dataset.name for dataset in datasets),
        ratings=ratings,
        catalog=catalog,
        n_duplicates=len(value) - len(ratings),
        note=" ".join(dict.fromkeys(dataset.note for dataset in datasets if dataset.note)),
    )


def _refuse_other_scale(first: Dataset, other: Dataset) -> None:
    ours, theirs = first.ratings.scale, other.ratings.scale
    if ours.has_stars != theirs.has_stars:
        with_stars, without = (first, other) if ours.has_stars else (other, first)
        raise DataError(
            f"{with_stars.name} has ratings and {without.name} has none; to merge them as pairs of "
            "users and items, give --pairs."
        )
    low, high = sorted((abs(ours.highest), abs(theirs.highest)))
    if high >= _OTHER_SCALE * low:
        raise DataError(
            f"The scales differ: {first.name} has ratings of {ours}, {other.name} of {theirs}. "
            "Convert one of them first, or give --scale LOW:HIGH if it is the scale of both."
        )


def _moved(known: Vocabulary, merged: Vocabulary, index: NDArray[np.int32]) -> NDArray[np.int32]:
    """Indices of one vocabulary as indices of a larger one."""
    moved: NDArray[np.int32] = known.indices_in(merged)[index]
    return moved


def _times(part: Ratings) -> NDArray[np.int64]:
    if part.timestamp is None:
        return np.full(len(part), NO_TIME)
    return part.timestamp
