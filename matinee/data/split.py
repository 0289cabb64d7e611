"""Cuts ratings into a part to learn from and a part to be tested on. The same seed makes the same cut.

Every part keeps the vocabularies of the whole, so a user or item that occurs only in the test part stays there: it is
counted (`Split.n_new_users`, `n_new_items`) and predicted by the model's fallback, never dropped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matinee.data.ratings import NO_TIME, Ratings, Scale
from matinee.errors import DataError, SettingError

PROTOCOLS = "random:0.2, kfold:5, leave-last-out, time:0.1 or rows:FILE.npy"


@dataclass(frozen=True, eq=False)
class Split:
    """Two parts of one table, with the same vocabularies.

    Attributes:
        protocol: how it was cut, such as "random:0.2".
        note: what must be known to read results on it rightly; usually empty.
    """

    train: Ratings
    test: Ratings
    protocol: str
    note: str = ""

    def __post_init__(self) -> None:
        for part, name in ((self.train, "train"), (self.test, "test")):
            if len(part) == 0:
                raise DataError(f"The split {self.protocol} leaves the {name} part without a single rating.")

    @property
    def n_new_users(self) -> int:
        """Users of the test part who have no rating in the train part."""
        return int(np.sum((self.test.user_counts > 0) & (self.train.user_counts == 0)))

    @property
    def n_new_items(self) -> int:
        """Items of the test part that have no rating in the train part."""
        return int(np.sum((self.test.item_counts > 0) & (self.train.item_counts == 0)))


def by_mask(ratings: Ratings, is_test: NDArray[np.bool_], protocol: str, note: str = "") -> Split:
    """The rows where the mask, (N,), is true are the test part."""
    return Split(ratings.subset(~is_test), ratings.subset(is_test), protocol, note)


def random_split(ratings: Ratings, fraction: float, seed: int = 0) -> Split:
    """A random fraction of all rows is the test part, whoever they belong to."""
    n_test = round(len(ratings) * _fraction(fraction, "random"))
    is_test = np.zeros(len(ratings), bool)
    is_test[np.random.default_rng(seed).permutation(len(ratings))[:n_test]] = True
    return by_mask(ratings, is_test, f"random:{fraction:g}")


def k_fold(ratings: Ratings, k: int, seed: int = 0) -> Iterator[Split]:
    """k splits; each row is in the test part of exactly one of them."""
    if not 2 <= k <= len(ratings):
        raise SettingError(f"kfold:{k} is impossible with {len(ratings):,} ratings; k is 2 or more, such as kfold:5.")
    fold = np.random.default_rng(seed).permutation(len(ratings)) % k
    for number in range(k):
        yield by_mask(ratings, fold == number, f"kfold:{k}")


def leave_last_out(ratings: Ratings) -> Split:
    """The last rating of each user who has at least two, by time; by row where there are no times or equal ones."""
    order = np.lexsort((np.arange(len(ratings)), _times(ratings), ratings.user_index))
    is_last = np.append(np.diff(ratings.user_index[order]) != 0, True)
    is_test = np.zeros(len(ratings), bool)
    is_test[order[is_last]] = True
    note = _without_times(ratings, "the last row of a user stands for the last rating in time")
    return by_mask(ratings, is_test & (ratings.user_counts[ratings.user_index] > 1), "leave-last-out", note)


def time_split(ratings: Ratings, fraction: float) -> Split:
    """The latest fraction of all rows is the test part: the past predicts the future."""
    if ratings.timestamp is None:
        raise DataError("The split by time needs timestamps, and this table has none; random:0.1 needs none.")
    n_test = round(len(ratings) * _fraction(fraction, "time"))
    order = np.argsort(ratings.timestamp, kind="stable")
    is_test = np.zeros(len(ratings), bool)
    is_test[order[len(ratings) - n_test :]] = True
    note = _without_times(ratings, "such rows count as the earliest")
    return by_mask(ratings, is_test, f"time:{fraction:g}", note)


def given_rows(ratings: Ratings, rows: NDArray[np.integer], source_rows: NDArray[np.int64] | None = None) -> Split:
    """The given rows of the file, numbered from 0, are the test part.

    Args:
        source_rows: (N,) the file's row of each rating where they differ (`Dataset.source_rows`).
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
        raise DataError(f"The test rows must be a list of whole numbers, not {rows.dtype} of shape {rows.shape}.")
    n_rows = len(ratings) if source_rows is None else int(source_rows.max()) + 1
    outside = rows[(rows < 0) | (rows >= n_rows)]
    if len(outside):
        raise DataError(f"Test row {outside[0]} does not exist: the rows of this table are 0 to {n_rows - 1}.")
    chosen = np.zeros(n_rows, bool)
    chosen[rows] = True
    return by_mask(ratings, chosen if source_rows is None else chosen[source_rows], "rows")


def given_parts(train: Ratings, test: Ratings) -> Split:
    """Two tables as they are, in vocabularies that hold the ids of both; the scale is that of both together."""
    users, items = train.users.merge(test.users), train.items.merge(test.items)
    scale = train.scale
    if train.scale.has_stars != test.scale.has_stars:
        raise DataError("One of the two tables has ratings and the other has none; --pairs reads both without.")
    if test.scale != scale:
        ends = np.array([*train.scale[:2], *test.scale[:2]], np.float32)
        scale = Scale.of(np.concatenate([train.value, test.value, ends]))
    train, test = (replace(part.with_vocabularies(users, items), scale=scale) for part in (train, test))
    train = replace(
        train,
        user_features=train.user_features and train.user_features.filled_from(test.user_features),
        item_features=train.item_features and train.item_features.filled_from(test.item_features),
    )
    pairs = [part.user_index.astype(np.int64) * len(items) + part.item_index for part in (train, test)]
    n_common = int(np.isin(pairs[1], pairs[0]).sum())
    note = f"{n_common:,} of the {len(test):,} test ratings are in the training part as well." if n_common else ""
    if not np.any((train.user_counts > 0) & (test.user_counts > 0)):
        note = "The two parts have no user in common, so nothing can be known of the tastes of those tested."
    return Split(train, test, "given files", note)


def splits(ratings: Ratings, spec: str, seed: int = 0, source_rows: NDArray[np.int64] | None = None) -> Iterator[Split]:
    """The split or splits that a text names: random:0.2, kfold:5, leave-last-out, time:0.1 or rows:FILE.npy.

    Raises:
        SettingError: the text is none of these.
        DataError: the split is impossible with these ratings, or the file of rows cannot be read.
    """
    kind, _, argument = spec.partition(":")
    if kind == "kfold" and argument.isdecimal():
        yield from k_fold(ratings, int(argument), seed)
    elif kind in ("random", "time") and _is_number(argument):
        yield random_split(ratings, float(argument), seed) if kind == "random" else time_split(ratings, float(argument))
    elif spec == "leave-last-out":
        yield leave_last_out(ratings)
    elif kind == "rows" and argument:
        yield given_rows(ratings, _read_rows(argument), source_rows)
    else:
        raise SettingError(f"no split '{spec}'. Give one of {PROTOCOLS}.")


def _read_rows(path: str) -> NDArray[np.integer]:
    if not Path(path).is_file():
        raise DataError(f"There is no file '{path}' with the test rows.")
    try:
        with open(path, "rb") as file:
            rows: NDArray[np.integer] = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"'{path}' is not a NumPy file of row numbers; make one with numpy.save.") from error
    return rows


def _fraction(fraction: float, kind: str) -> float:
    if not 0 < fraction < 1:
        raise SettingError(f"{kind}:{fraction:g} is impossible: the fraction is between 0 and 1, such as {kind}:0.2.")
    return fraction


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _times(ratings: Ratings) -> NDArray[np.int64]:
    return np.full(len(ratings), NO_TIME) if ratings.timestamp is None else ratings.timestamp


def _without_times(ratings: Ratings, consequence: str) -> str:
    missing = len(ratings) if ratings.timestamp is None else int(np.sum(ratings.timestamp == NO_TIME))
    return f"{missing:,} of {len(ratings):,} {ratings.unit}s have no timestamp; {consequence}." if missing else ""
