"""Splits ratings into a part to train on and a part to test on. The same seed gives the same
split.

Every part keeps the vocabularies of the whole, so users and items that occur only in the test
part are never dropped: they are counted (`Split.n_new_users`, `n_new_items`), and a model
predicts them by its fallback.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matinee.data.arguments import RatingsLike, ratings_of
from matinee.data.ratings import NO_TIME, Ratings, Scale
from matinee.errors import DataError, SettingError
from matinee.scratch import BLOCK

PROTOCOLS = "random:0.2, kfold:5, leave-last-out, time:0.1, users:0.1 or rows:FILE.npy"
TO_FIND = 0.2
"""The share of the ratings of a held-out user that is to be predicted; the others are folded in."""
_BITMAP_CELLS = 1 << 27
_ENOUGH_RATINGS = 20  # to say that none is high by chance
_SLACK = 0.25  # of the scale


@dataclass(frozen=True, eq=False)
class Split:
    """Two parts of one table, with the same vocabularies.

    Attributes:
        train, test: the ratings to learn from, and those to predict.
        protocol: how it was split, such as "random:0.2".
        note: what to know when reading results on it; usually empty.
        folded_in: of the users held out whole, the ratings that a fitted model gets by
            `fold_in` before it predicts their test ratings; None if nobody is held out.

    Raises:
        DataError: a part has no ratings.

    Example:
        >>> split = next(matinee.splits(data.ratings, "leave-last-out"))
        >>> split.protocol, len(split.test), split.n_new_users
        ('leave-last-out', 2000, 0)
    """

    train: Ratings
    test: Ratings
    protocol: str
    note: str = ""
    folded_in: Ratings | None = None

    def __post_init__(self) -> None:
        for part, name in ((self.train, "train"), (self.test, "test")):
            if len(part) == 0:
                raise DataError(f"The split {self.protocol} leaves no ratings in the {name} part.")

    @property
    def n_new_users(self) -> int:
        """Number of users of the test part without a rating in the train part."""
        return int(np.sum((self.test.user_counts > 0) & (self.train.user_counts == 0)))

    @property
    def n_new_items(self) -> int:
        """Number of items of the test part without a rating in the train part."""
        return int(np.sum((self.test.item_counts > 0) & (self.train.item_counts == 0)))


def by_mask(ratings: Ratings, is_test: NDArray[np.bool_], protocol: str, note: str = "") -> Split:
    """The test part is the rows where the mask, (N,), is true."""
    return Split(ratings.subset(~is_test), ratings.subset(is_test), protocol, note)


def random_split(ratings: Ratings, fraction: float, seed: int = 0) -> Split:
    """The test part is a random fraction of all rows, regardless of users."""
    n_test = round(len(ratings) * _fraction(fraction, "random"))
    is_test = np.zeros(len(ratings), bool)
    is_test[np.random.default_rng(seed).permutation(len(ratings))[:n_test]] = True
    return by_mask(ratings, is_test, f"random:{fraction:g}")


def k_fold(ratings: Ratings, k: int, seed: int = 0) -> Iterator[Split]:
    """k splits; each row is in the test part of exactly one of them."""
    if not 2 <= k <= len(ratings):
        raise SettingError(
            f"The split kfold:{k} is impossible: "
            f"k must be from 2 to the number of ratings, {len(ratings):,}."
        )
    fold = np.random.default_rng(seed).permutation(len(ratings)) % k
    for number in range(k):
        yield by_mask(ratings, fold == number, f"kfold:{k}")


def leave_last_out(ratings: Ratings) -> Split:
    """The test part is the last rating of each user who has at least two.

    The last rating is the latest by time; without times, or at equal times, the last by row.
    """
    order = np.lexsort((np.arange(len(ratings)), _times(ratings), ratings.user_index))
    is_last = np.append(np.diff(ratings.user_index[order]) != 0, True)
    is_test = np.zeros(len(ratings), bool)
    is_test[order[is_last]] = True
    note = _without_times(ratings, "the last row of a user stands for the last rating in time")
    has_others = ratings.user_counts[ratings.user_index] > 1
    return by_mask(ratings, is_test & has_others, "leave-last-out", note)


def time_split(ratings: Ratings, fraction: float) -> Split:
    """The test part is the latest fraction of all rows: the past predicts the future."""
    if ratings.timestamp is None:
        raise DataError(
            "The split by time needs timestamps, and this table has none; random:0.1 needs none."
        )
    n_test = round(len(ratings) * _fraction(fraction, "time"))
    order = np.argsort(ratings.timestamp, kind="stable")
    is_test = np.zeros(len(ratings), bool)
    is_test[order[len(ratings) - n_test :]] = True
    note = _without_times(ratings, "such rows count as the earliest")
    return by_mask(ratings, is_test, f"time:{fraction:g}", note)


def users_split(ratings: Ratings, fraction: float, seed: int = 0) -> Split:
    """Holds out a random fraction of the users whole: strong generalization.

    No model is trained on anything of theirs. Of each one's ratings, a random fifth is the test
    part (`TO_FIND`, at least one), and the others are folded in (Marlin, "Collaborative
    filtering: a machine learning perspective", 2004; Liang et al., "Variational autoencoders
    for collaborative filtering", 2018, who find the same fifth). Users with a single rating
    stay in the training part.
    """
    enough = np.flatnonzero(ratings.user_counts > 1)
    n_held_out = max(1, round(len(enough) * _fraction(fraction, "users")))
    rng = np.random.default_rng(seed)
    is_held_out = np.zeros(ratings.n_users, bool)
    is_held_out[rng.permutation(enough)[:n_held_out]] = True
    of_held_out = is_held_out[ratings.user_index]  # (N,)
    order = np.lexsort((rng.random(len(ratings)), ratings.user_index))
    counts = ratings.user_counts
    first = np.cumsum(counts) - counts
    place = np.empty(len(ratings), np.int64)  # of each row in the random order of its user
    place[order] = np.arange(len(ratings)) - first[ratings.user_index[order]]
    n_to_find = np.maximum(1, np.round(counts * TO_FIND))
    is_test = of_held_out & (place < n_to_find[ratings.user_index])
    return Split(
        ratings.subset(~of_held_out),
        ratings.subset(is_test),
        f"users:{fraction:g}",
        folded_in=ratings.subset(of_held_out & ~is_test),
    )


def given_rows(
    ratings: Ratings, rows: NDArray[np.integer], source_rows: NDArray[np.int64] | None = None
) -> Split:
    """The test part is the given rows of the file, numbered from 0.

    Args:
        ratings: the whole.
        rows: of the test part.
        source_rows: (N,) the file's row of each rating where they differ
            (`Dataset.source_rows`).
    """
    rows = np.asarray(rows)
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
        raise DataError(
            "The test rows must be a list of whole numbers, "
            f"not {rows.dtype} of shape {rows.shape}."
        )
    if source_rows is None:
        source_rows = np.arange(len(ratings))
    n_rows = int(source_rows.max()) + 1
    outside = rows[(rows < 0) | (rows >= n_rows)]
    if len(outside):
        raise DataError(
            f"Test row {outside[0]} does not exist: the rows of this table are 0 to {n_rows - 1}."
        )
    is_chosen = np.zeros(n_rows, bool)
    is_chosen[rows] = True
    return by_mask(ratings, is_chosen[source_rows], "rows")


def given_parts(train: Ratings, test: Ratings) -> Split:
    """Two tables as they are, with the vocabularies and the scale of both together."""
    users, items = train.users.merge(test.users), train.items.merge(test.items)
    scale = train.scale
    if train.scale.has_stars != test.scale.has_stars:
        raise DataError(
            "One of the two tables has ratings and the other has none; "
            "--pairs reads both without ratings."
        )
    if test.scale != scale:
        ends = np.array([*train.scale[:2], *test.scale[:2]], np.float32)
        scale = Scale.of(np.concatenate([train.value, test.value, ends]))
    train = replace(train.with_vocabularies(users, items), scale=scale)
    test = replace(test.with_vocabularies(users, items), scale=scale)
    user_features, item_features = train.user_features, train.item_features
    if user_features is not None:
        user_features = user_features.filled_from(test.user_features)
    if item_features is not None:
        item_features = item_features.filled_from(test.item_features)
    train = replace(train, user_features=user_features, item_features=item_features)
    notes = [_about_scales(train, test), _about_users(train, test)]
    note = " ".join(note for note in notes if note)
    return without_common(Split(train, test, "given files", note))


def without_common(part: Split) -> Split:
    """The split without test ratings of pairs that are in the training part as well.

    Such a rating is known to the model, so its error says nothing, and no list of unseen items
    can hold its item. A note counts them.

    Raises:
        DataError: there are no others.
    """
    is_common = _is_common(part.train, part.test)
    n_common, n_test = int(is_common.sum()), len(part.test)
    if n_common == 0:
        return part
    if n_common == n_test:
        raise DataError(
            f"All {n_test:,} test {part.test.unit}s are in the training part as well, so nothing "
            "is left to test on; give others, or use a split such as random:0.2."
        )
    note = (
        f"{n_common:,} of the {n_test:,} test {part.test.unit}s are in the training part as well; "
        "they are left out."
    )
    return replace(
        part, test=part.test.subset(~is_common), note=" ".join(filter(None, (part.note, note)))
    )


def _is_common(train: Ratings, test: Ratings) -> NDArray[np.bool_]:
    """Whether the pair of user and item of each test rating is in the training part, (N,)."""
    wanted = test.user_index.astype(np.int64) * test.n_items + test.item_index
    distinct, place = np.unique(wanted, return_inverse=True)
    n_cells = train.n_users * train.n_items
    is_known = np.zeros(n_cells if n_cells <= _BITMAP_CELLS else len(distinct), bool)
    for start in range(0, len(train), BLOCK):
        at = slice(start, start + BLOCK)
        pairs = train.user_index[at].astype(np.int64) * train.n_items + train.item_index[at]
        if n_cells <= _BITMAP_CELLS:  # beats searching
            is_known[pairs] = True
            continue
        found = np.minimum(np.searchsorted(distinct, pairs), len(distinct) - 1)
        is_known[found[distinct[found] == pairs]] = True
    if n_cells <= _BITMAP_CELLS:
        return np.asarray(is_known[wanted])
    return np.asarray(is_known[place])


def _about_scales(train: Ratings, test: Ratings) -> str:
    """A note on parts whose ratings lie on different scales."""
    if not (train.scale.has_stars and test.scale.has_stars):
        return ""
    low, high = float(train.value.min()), float(train.value.max())
    test_low, test_high = float(test.value.min()), float(test.value.max())
    slack = _SLACK * (high - low)  # an end of the scale may be missing by chance
    is_beyond = test_high > high + slack or test_low < low - slack
    is_narrow = len(test) >= _ENOUGH_RATINGS and 2 * test_high <= high
    if not (is_beyond or is_narrow):
        return ""
    return (
        f"The test ratings are {test_low:g} to {test_high:g}, those of training {low:g} to "
        f"{high:g}; if the scales differ, convert one of them first."
    )


def _about_users(train: Ratings, test: Ratings) -> str:
    if np.any((train.user_counts > 0) & (test.user_counts > 0)):
        return ""
    return (
        "The two parts have no user in common, so nothing is known about the tastes of the "
        "test users."
    )


def splits(
    ratings: RatingsLike, spec: str, seed: int = 0, source_rows: NDArray[np.int64] | None = None
) -> Iterator[Split]:
    """The split or splits that a text names.

    Args:
        ratings: the whole; a `Dataset`, a frame or a path is read as `matinee.read` does.
        spec: random:0.2, kfold:5, leave-last-out, time:0.1, users:0.1 or rows:FILE.npy.
        seed: of a random split.
        source_rows: (N,) the data row of each rating in its source, for rows:FILE.npy; None: those
            of the `Dataset`, if it is one.

    Raises:
        SettingError: `spec` is none of these.
        DataError: the split is impossible with these ratings, or the file of rows cannot be
            read.

    Example:
        >>> (split,) = matinee.splits(data.ratings, "random:0.2")
        >>> len(split.train), len(split.test)
        (79309, 19827)
        >>> len(list(matinee.splits(data.ratings, "kfold:5")))
        5
    """
    if not isinstance(spec, str):
        raise SettingError(f"No split '{spec}'. Give one of {PROTOCOLS}.")
    if source_rows is None:
        source_rows = getattr(ratings, "source_rows", None)
    ratings = ratings_of(ratings, "splits")
    kind, _, argument = spec.partition(":")
    if kind == "kfold" and argument.isdecimal():
        yield from k_fold(ratings, int(argument), seed)
    elif kind == "random" and _is_number(argument):
        yield random_split(ratings, float(argument), seed)
    elif kind == "time" and _is_number(argument):
        yield time_split(ratings, float(argument))
    elif kind == "users" and _is_number(argument):
        yield users_split(ratings, float(argument), seed)
    elif spec == "leave-last-out":
        yield leave_last_out(ratings)
    elif kind == "rows" and argument:
        yield given_rows(ratings, _read_rows(argument), source_rows)
    else:
        raise SettingError(f"No split '{spec}'. Give one of {PROTOCOLS}.")


def _read_rows(path: str) -> NDArray[np.integer]:
    if not Path(path).is_file():
        raise DataError(f"There is no file '{path}' with the test rows.")
    try:
        with open(path, "rb") as file:
            rows: NDArray[np.integer] = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(
            f"'{path}' is not a NumPy file of row numbers; make one with numpy.save."
        ) from error
    return rows


def _fraction(fraction: float, kind: str) -> float:
    if not 0 < fraction < 1:
        raise SettingError(
            f"The split {kind}:{fraction:g} is impossible: "
            f"the fraction must be between 0 and 1, as in {kind}:0.2."
        )
    return fraction


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _times(ratings: Ratings) -> NDArray[np.int64]:
    if ratings.timestamp is None:
        return np.full(len(ratings), NO_TIME)
    return ratings.timestamp


def _without_times(ratings: Ratings, consequence: str) -> str:
    n_missing = int(np.sum(_times(ratings) == NO_TIME))
    if n_missing == 0:
        return ""
    return f"{n_missing:,} of {len(ratings):,} {ratings.unit}s have no timestamp; {consequence}."
