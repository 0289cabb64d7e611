"""What `evaluate` and `compare` measure on: splits, or ratings that are split here."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from matinee.data.arguments import RatingsLike, described, holds_ratings
from matinee.data.ratings import Ratings
from matinee.data.split import Split, splits, without_common
from matinee.errors import DataError

DEFAULT_SPLIT = "random:0.2"
"""How ratings are split if the caller does not split them."""

PartsLike: TypeAlias = "Iterable[Split] | Split | RatingsLike"
"""Whatever `parts_of` converts."""


class Parts(NamedTuple):
    """Splits, and the name of their data for reports."""

    splits: Iterable[Split]
    dataset: str


def parts_of(given: PartsLike, dataset: str | None, function: str) -> Parts:
    """One split or several, or those of ratings, a `Dataset`, a frame or a path.

    Test ratings that are in the training part as well are left out (see
    `data.split.without_common`).

    Args:
        dataset: the name of the data; None: that of the data set, frame or file.
        function: its name, for messages.

    Raises:
        DataError: it is none of these.
    """
    if isinstance(given, Split):
        return Parts([without_common(given)], dataset or "unnamed")
    if holds_ratings(given):
        table: Any = given
        name = _name(table) if dataset is None else dataset
        return Parts(map(without_common, splits(table, DEFAULT_SPLIT)), name)
    if isinstance(given, Iterable) and not hasattr(given, "dtype"):
        return Parts(_checked(given, function), dataset or "unnamed")
    raise DataError(f"{_expected(function)}, not {described(given)}.")


def _checked(given: Iterable[object], function: str) -> Iterator[Split]:
    n_splits = 0
    for part in given:
        if not isinstance(part, Split):
            raise DataError(f"{_expected(function)}, not a list with {described(part)}.")
        n_splits += 1
        yield without_common(part)
    if n_splits == 0:
        raise DataError(f"{_expected(function)}, not an empty list.")


def _expected(function: str) -> str:
    return (
        f"{function} takes splits, such as matinee.splits(ratings, '{DEFAULT_SPLIT}'), or Ratings, "
        "a Dataset, a frame or a path"
    )


def _name(table: object) -> str:
    """The name of a data set, the file name of a path, or the kind of a frame."""
    if isinstance(table, (str, os.PathLike)):
        return os.path.basename(os.fspath(table))
    if isinstance(table, Ratings):
        return "unnamed"
    name = getattr(table, "name", None)
    if isinstance(name, str):
        return name
    return type(table).__name__
