"""Checks of declarations: when a model class is created, and when its arrays come from a file.

Compiled code trusts indices and shapes, so everything from a file is checked here first.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import Field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matinee._types import Arrays
from matinee.array_checks import check_indices, check_indptr, check_magnitude
from matinee.block_sums import BLOCK, counts_by
from matinee.data.ratings import NO_TIME, Scale
from matinee.errors import DataError
from matinee.models.history import History
from matinee.models.hyperparameters import CurveNames, Learned
from matinee.models.interface import Capabilities, TrainingCurve

if TYPE_CHECKING:
    from matinee.models.base import Recommender

CURVE = "losses_"
"""The name in a file of the rows of `curve_`."""

MOST_SECONDS = 2**40
"""The latest time of a rating in seconds before or after 1970, in the year 36812."""

_SIZE = re.compile(r"([A-Za-z_]\w*?)([+-]1)?")


# -- declarations of a class -------------------------------------------------------------


def forget_cached(model: "Recommender") -> None:
    """Removes what a model has computed from learned attributes that are about to change."""
    for kind in type(model).__mro__:
        for name, value in vars(kind).items():
            if isinstance(value, cached_property):
                vars(model).pop(name, None)


def check_class(model: "type[Recommender]", implemented: Set[str]) -> None:
    """Checks that a concrete model class declares and implements everything that is required.

    Args:
        implemented: the names of all attributes of the class and its bases, without those of
            `Recommender`.

    Raises:
        TypeError: something is missing or wrong.
    """
    for name, value in vars(model).items():
        if isinstance(value, Field) and "learned" in value.metadata:
            _check_learned(model, name, value.metadata["learned"])
    if any(getattr(getattr(model, name, None), "__isabstractmethod__", 0) for name in dir(model)):
        return
    for name in ("name", "summary"):
        if not isinstance(getattr(model, name, None), str):
            raise TypeError(f"{model.__name__} must declare its {name} as a string.")
    capabilities = vars(model).get("capabilities", Capabilities())
    if not isinstance(capabilities, Capabilities):
        raise TypeError(f"{model.__name__}.capabilities must be an instance of Capabilities.")
    if model.capabilities.predicts_stars:
        if implemented.isdisjoint({"_predict", "_predict_at"}):
            raise TypeError(f"{model.__name__} predicts stars, so it must implement _predict.")
        if "_predict_all" not in implemented:
            raise TypeError(f"{model.__name__} predicts stars, so it must implement _predict_all.")
    elif "_scores" not in implemented:
        raise TypeError(f"{model.__name__} only ranks, so it must implement _scores.")


def _check_learned(model: type, name: str, declared: Learned) -> None:
    if not name.endswith("_"):
        raise TypeError(f"{model.__name__}.{name} is learned, so its name must end in _.")
    if declared.index_of not in ("", "users", "items"):
        raise TypeError(f"{model.__name__}.{name}: index_of must be users or items.")
    holds_integers = declared.index_of or declared.indptr_of or declared.sizes_of
    if holds_integers and declared.dtype.kind != "i":
        raise TypeError(f"{model.__name__}.{name} holds indices, so its dtype must be an integer.")
    for size in declared.shape:
        if isinstance(size, str) and not _SIZE.fullmatch(size):
            raise TypeError(
                f"{model.__name__}.{name}: a size must look like I or F+1, unlike {size}."
            )


def learned_arrays(model: "type[Recommender]") -> list[Learned]:
    """All declared arrays in the order of declaration, beginning with those of the base
    class."""
    declared = [
        attribute.metadata["learned"]._replace(name=attribute.name)
        for attribute in fields(model)
        if "learned" in attribute.metadata
    ]
    if curve_names(model) is not None:
        shape = ("epochs of the curve", 3)
        declared.append(Learned(CURVE, shape, np.dtype(np.float64), allows_nan=True))
    return declared


def curve_names(model: "type[Recommender]") -> CurveNames | None:
    """The declared names of the curve; None for a model that does not learn in epochs."""
    declared = {attribute.name: attribute.metadata for attribute in fields(model)}
    return declared["curve_"].get("curve")


# -- state of a fitted model -------------------------------------------------------------


def state_of(model: "Recommender") -> Arrays:
    """The learned arrays by their names in a file, without the history and the members."""
    names = [array.name for array in learned_arrays(type(model)) if array.name != CURVE]
    arrays = {name: np.asarray(getattr(model, name)) for name in names}
    if model.curve_ is not None:
        arrays[CURVE] = model.curve_.rows
    return arrays


def check_state(model: "Recommender", history: History, arrays: Arrays) -> Arrays:
    """Checks the arrays against their declarations.

    Args:
        history: checked by `check_history`.

    Returns:
        The arrays, with an empty one for each that files of earlier versions lack.

    Raises:
        DataError: an array is missing or is not as declared.
    """
    sizes, declared = _sizes(model, history), learned_arrays(type(model))
    complete = dict(arrays)
    for array in declared:
        if array.name not in complete and array.may_be_missing:
            complete[array.name] = _empty(array, sizes)
        if array.name not in complete:
            raise DataError(f"{model.name}: {array.name} is missing")
        _check_shape(model.name, array, complete[array.name], sizes)
    for array in declared:
        _check_values(model.name, array, complete[array.name], sizes)
    return complete


def restore(
    model: "Recommender",
    history: History,
    arrays: Arrays,
    members: "Mapping[str, Recommender]",
) -> None:
    """Makes a model fitted by what was learned elsewhere: read from a file, kept by a checkpoint,
    or computed by an engine of its own, as on a cluster.

    The arrays are those that `fit` would leave and `state_of` gives.

    Args:
        history: checked by `check_history`, or made from ratings.
        members: by name, fitted or not, of a model that has some (`Recommender.set_members`).

    Raises:
        DataError: as for `check_state`.
    """
    forget_cached(model)
    arrays = check_state(model, history, arrays)
    model.users_, model.items_, model.scale_ = history.users, history.items, history.scale
    model.history_ = history
    for array in learned_arrays(type(model)):
        if array.name == CURVE:
            model.curve_ = curve_of(model, arrays[CURVE])
        else:
            setattr(model, array.name, arrays[array.name])
    model.set_members(members)
    model.check_arrays()


def curve_of(model: "Recommender", rows: NDArray[np.float64]) -> TrainingCurve:
    """The curve with its declared names, from its rows, (epochs, 3)."""
    names = curve_names(type(model))
    if names is None:
        raise TypeError(f"{type(model).__name__} does not declare curve_.")
    return TrainingCurve(names.loss, names.first, rows)


# -- checks ------------------------------------------------------------------------------


def _sizes(model: "Recommender", history: History) -> dict[str, int]:
    """The known sizes: the numbers of users and items, and the settings that are whole
    numbers."""
    settings = {name: size for name, size in model.settings().items() if type(size) is int}
    return settings | {"U": len(history.users), "I": len(history.items)}


def _check_shape(
    model: str, declared: Learned, array: NDArray[np.generic], sizes: dict[str, int]
) -> None:
    """Checks dtype and shape; a letter that occurs for the first time gets the size found."""
    name = f"{model}: {declared.name}"
    if array.dtype != declared.dtype:
        raise DataError(f"{name} has the dtype {array.dtype}, not {declared.dtype}")
    if array.ndim != len(declared.shape):
        raise DataError(f"{name} has {array.ndim} dimensions, not {len(declared.shape)}")
    expected = []
    for size, actual in zip(declared.shape, array.shape, strict=True):
        if isinstance(size, int):
            expected.append(max(0, size))
            continue
        letter, offset = _parsed(size)
        known = sizes.setdefault(letter, max(0, actual - offset))
        expected.append(max(0, known + offset))
    if array.shape != tuple(expected):
        raise DataError(f"{name} has the shape {array.shape}, not {tuple(expected)}")


def _empty(declared: Learned, sizes: dict[str, int]) -> NDArray[np.generic]:
    """The array that stands for a missing one."""
    shape = []
    for size in declared.shape:
        if isinstance(size, int):
            shape.append(size)
        else:
            letter, offset = _parsed(size)
            shape.append(max(0, sizes.get(letter, 0) + offset))
    return np.zeros(shape, declared.dtype)


def _parsed(size: str) -> tuple[str, int]:
    """The letter and the offset of a size: ("F", 1) of "F+1"."""
    for sign in ("+1", "-1"):
        if size.endswith(sign):
            return size.removesuffix(sign), int(sign)
    return size, 0


def _check_values(
    model: str, declared: Learned, array: NDArray[Any], sizes: dict[str, int]
) -> None:
    name = f"{model}: {declared.name}"
    if declared.index_of:
        letter = {"users": "U", "items": "I"}[declared.index_of]
        check_indices(name, array, sizes[letter])
    if declared.indptr_of:
        check_indptr(name, array, sizes[declared.indptr_of])
    if declared.sizes_of:
        total = sizes[declared.sizes_of]
        check_indices(name, array, total + 1)
        if array.sum() != total:
            raise DataError(f"{name} does not add up to {total}")
    if array.dtype.kind == "f" and not declared.allows_nan:
        check_magnitude(name, array, declared.most)
    if declared.least is not None and array.size and not array.min() >= declared.least:
        raise DataError(f"{name} holds {array.min():g}, but must be at least {declared.least:g}")


def check_history(
    history: History, item_counts: NDArray[np.int64], item_means: NDArray[np.float32]
) -> None:
    """Checks the training ratings, and what all models know of the items.

    Raises:
        DataError: they are inconsistent.
    """
    n, n_items = len(history.value), len(history.items)
    n_users = len(history.users)
    if not n_items or (n and not n_users):
        raise DataError("there are no users or no items")
    columns: dict[str, tuple[NDArray[np.generic], type[np.generic], int]] = {
        "item_counts_": (item_counts, np.int64, n_items),
        "item_means_": (item_means, np.float32, n_items),
        "history_indptr_": (history.indptr, np.int64, len(history.users) + 1),
        "history_items_": (history.item_index, np.int32, n),
        "history_values_": (history.value, np.float32, n),
    }
    if history.timestamp is not None:
        columns["history_timestamps_"] = history.timestamp, np.int64, n
    for name, (array, dtype, size) in columns.items():
        if array.dtype != dtype or array.shape != (size,):
            expected = f"{np.dtype(dtype)} and ({size},)"
            raise DataError(
                f"{name} has dtype and shape {array.dtype} and {array.shape}, not {expected}"
            )
    # Without users, everybody is served by their ratings (`matinee train --no-users`)
    if item_counts.min() < 0 or (n_users and item_counts.max() > n_users):
        raise DataError("item_counts_ holds a number that is no number of users")
    check_indptr("history_indptr_", history.indptr, n)
    check_indices("history_items_", history.item_index, n_items)
    if n:
        _check_items_ascend(history)
        _check_ratings(history)
        counts = counts_by(history.item_index, n_items)
        if not np.array_equal(counts, item_counts):
            raise DataError("item_counts_ does not match the numbers of ratings in history_items_")
    _check_means(history.scale, item_counts, item_means)


def _check_items_ascend(history: History) -> None:
    """Raises DataError unless the items of each user ascend, each only once."""
    n, ends = len(history), history.indptr[1:-1]
    for start in range(0, n, BLOCK):
        block = history.item_index[start : start + BLOCK + 1]  # with the first of the next block
        rises = block[1:] > block[:-1]
        within = ends[(ends > start) & (ends < start + len(block))]
        rises[within - start - 1] = True
        if not rises.all():
            raise DataError("history_items_ does not ascend for each user")


def _check_ratings(history: History) -> None:
    """Raises DataError unless values and times can be those of ratings on the scale."""
    check_magnitude("history_values_", history.value)
    scale, lowest, highest = history.scale, history.value.min(), history.value.max()
    if lowest < np.float32(scale.lowest) or (
        scale.has_stars and highest > np.float32(scale.highest)
    ):
        raise DataError(
            f"history_values_ holds {lowest:g} or {highest:g}, unlike the scale {scale}"
        )
    if history.timestamp is None:
        return
    for start in range(0, len(history), BLOCK):
        block = history.timestamp[start : start + BLOCK]
        known = block[block != NO_TIME]
        if known.size and not (known.min() >= -MOST_SECONDS and known.max() <= MOST_SECONDS):
            raise DataError("history_timestamps_ holds a time that is no time of a rating")


def _check_means(scale: Scale, counts: NDArray[np.int64], means: NDArray[np.float32]) -> None:
    """Raises DataError unless the rated items, and only these, have a mean rating on the scale."""
    rated = means[counts > 0]
    if np.isnan(means).sum() != len(means) - len(rated) or np.isnan(rated).any():
        raise DataError("item_means_ does not match item_counts_")
    check_magnitude("item_means_", rated)
    if rated.size and scale.has_stars:
        room = 1e-3 * max(1, abs(scale.lowest), abs(scale.highest))  # sums are rounded
        if rated.min() < scale.lowest - room or rated.max() > scale.highest + room:
            raise DataError(f"item_means_ holds a mean outside the scale {scale}")
