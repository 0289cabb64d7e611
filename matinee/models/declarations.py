"""What models declare of themselves, checked: when a class is made, and when its arrays come from a file.

Compiled code trusts indices and shapes, so nothing from a file reaches it that was not checked here.
"""

import re
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matinee.errors import DataError
from matinee.models.history import History
from matinee.models.hyperparameters import CurveNames, Learned
from matinee.models.interface import Capabilities, TrainingCurve

if TYPE_CHECKING:
    from matinee.models.base import Recommender

CURVE = "losses_"
"""The name of the rows of `curve_` in a file."""

Arrays = dict[str, NDArray[Any]]
_SIZE = re.compile(r"([A-Za-z_]\w*?)([+-]1)?")


# -- what a class declares -------------------------------------------------------------------------


def check_class(model: "type[Recommender]", *, predicts: bool) -> None:
    """Raises TypeError if a model that can be made does not declare or write what it must.

    Args:
        predicts: whether it writes a method that predicts stars.
    """
    for name, value in vars(model).items():
        if isinstance(value, Field) and "learned" in value.metadata:
            _check_learned(model, name, value.metadata["learned"])
    if any(getattr(getattr(model, name, None), "__isabstractmethod__", 0) for name in dir(model)):
        return
    for name in ("name", "summary"):
        if not isinstance(getattr(model, name, None), str):
            raise TypeError(f"{model.__name__} must declare its {name}, a text.")
    capabilities = vars(model).get("capabilities", Capabilities())
    if not isinstance(capabilities, Capabilities):
        raise TypeError(f"{model.__name__}.capabilities must be a Capabilities.")
    if model.capabilities.predicts_stars and not predicts:
        raise TypeError(f"{model.__name__} predicts stars, so it must write _predict.")


def _check_learned(model: type, name: str, one: Learned) -> None:
    if not name.endswith("_"):
        raise TypeError(f"{model.__name__}.{name} is learned, so its name must end in _.")
    if one.index_of not in ("", "users", "items"):
        raise TypeError(f"{model.__name__}.{name}: index_of must be users or items.")
    if (one.index_of or one.indptr_of or one.sizes_of) and one.dtype.kind != "i":
        raise TypeError(f"{model.__name__}.{name} holds indices, so it must be of integers.")
    for size in one.shape:
        if isinstance(size, str) and not _SIZE.fullmatch(size):
            raise TypeError(f"{model.__name__}.{name}: a size must be such as I or F+1, not {size}.")


def learned_arrays(model: "type[Recommender]") -> list[Learned]:
    """All arrays that a model declares, in the order of declaration, those of every model first."""
    found = [one.metadata["learned"]._replace(name=one.name) for one in fields(model) if "learned" in one.metadata]
    if curve_names(model) is not None:
        found.append(Learned(CURVE, ("epochs of the curve", 3), np.dtype(np.float64), allows_nan=True))
    return found


def curve_names(model: "type[Recommender]") -> CurveNames | None:
    """What a model declares of its curve; None if it does not learn in epochs."""
    (one,) = (one for one in fields(model) if one.name == "curve_")
    return one.metadata.get("curve")


# -- what a fitted model holds ---------------------------------------------------------------------


def state_of(model: "Recommender") -> Arrays:
    """All that was learned but for the history and the members, by the names of a file."""
    names = [one.name for one in learned_arrays(type(model)) if one.name != CURVE]
    arrays = {name: np.asarray(getattr(model, name)) for name in names}
    if model.curve_ is not None:
        arrays[CURVE] = model.curve_.rows
    return arrays


def check_state(model: "Recommender", history: History, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raises DataError if an array is missing or is not as declared, or the history is damaged."""
    sizes, declared = _sizes(model, history), learned_arrays(type(model))
    for one in declared:
        if one.name not in arrays:
            raise DataError(f"{model.name}: {one.name} is missing")
        _check_shape(model.name, one, arrays[one.name], sizes)
    for one in declared:
        _check_values(model.name, one, arrays[one.name], sizes)
    check_history(history, arrays["item_counts_"])


def restore(
    model: "Recommender",
    history: History,
    arrays: Mapping[str, NDArray[Any]],
    members: "Mapping[str, Recommender]",
) -> None:
    """Makes a model a fitted one, from what `state_of` gave.

    Raises:
        DataError: as for `check_state`.
    """
    check_state(model, history, arrays)
    model.users_, model.items_, model.scale_ = history.users, history.items, history.scale
    model.history_ = history
    for one in learned_arrays(type(model)):
        if one.name == CURVE:
            model.curve_ = curve_of(model, arrays[CURVE])
        else:
            setattr(model, one.name, arrays[one.name])
    model.set_members(members)
    model.check_arrays()


def curve_of(model: "Recommender", rows: NDArray[np.float64]) -> TrainingCurve:
    """The curve as the model declares it, from its rows, (epochs, 3)."""
    names = curve_names(type(model))
    if names is None:
        raise TypeError(f"{type(model).__name__} declares no curve_.")
    return TrainingCurve(names.loss, names.first, rows)


# -- checks ----------------------------------------------------------------------------------------


def _sizes(model: "Recommender", history: History) -> dict[str, int]:
    """The sizes that are known: of users, items, and the settings that are whole numbers."""
    settings = {name: size for name, size in model.settings().items() if type(size) is int}
    return settings | {"U": len(history.users), "I": len(history.items)}


def _check_shape(model: str, one: Learned, array: NDArray[Any], sizes: dict[str, int]) -> None:
    """Checks kind and shape; a letter that occurs for the first time gets its size."""
    if array.dtype != one.dtype:
        raise DataError(f"{model}: {one.name} is of {array.dtype}, not {one.dtype}")
    if array.ndim != len(one.shape):
        raise DataError(f"{model}: {one.name} has {array.ndim} dimensions, not {len(one.shape)}")
    expected = []
    for size, found in zip(one.shape, array.shape, strict=True):
        letter, offset = _parsed(size) if isinstance(size, str) else ("", size)
        known = sizes.setdefault(letter, max(0, found - offset)) if letter else 0
        expected.append(max(0, known + offset))
    if array.shape != tuple(expected):
        raise DataError(f"{model}: {one.name} has the shape {array.shape}, not {tuple(expected)}")


def _parsed(size: str) -> tuple[str, int]:
    """ "F+1" as F and 1."""
    for sign in ("+1", "-1"):
        if size.endswith(sign):
            return size.removesuffix(sign), int(sign)
    return size, 0


def _check_values(model: str, one: Learned, array: NDArray[Any], sizes: dict[str, int]) -> None:
    where = f"{model}: {one.name}"
    if one.index_of:
        check_indices(where, array, sizes["U" if one.index_of == "users" else "I"])
    if one.indptr_of:
        check_indptr(where, array, sizes[one.indptr_of])
    if one.sizes_of:
        check_indices(where, array, sizes[one.sizes_of] + 1)
        if array.sum() != sizes[one.sizes_of]:
            raise DataError(f"{where} does not add up to {sizes[one.sizes_of]}")
    if array.dtype.kind == "f" and not one.allows_nan and not np.isfinite(array).all():
        raise DataError(f"{where} holds a number that is not finite, as after a training that diverged")
    if one.least is not None and array.size and not array.min() >= one.least:
        raise DataError(f"{where} holds {array.min():g}, and must be at least {one.least:g}")


def check_indices(where: str, index: NDArray[Any], n: int) -> None:
    """Raises DataError unless all are row numbers from 0 to n - 1."""
    if index.size and not (index.min() >= 0 and index.max() < n):
        raise DataError(f"{where} holds an index outside 0 to {n - 1}")


def check_indptr(where: str, indptr: NDArray[Any], n: int) -> None:
    """Raises DataError unless the values ascend from 0 to n."""
    if indptr[0] != 0 or indptr[-1] != n or (indptr[1:] < indptr[:-1]).any():
        raise DataError(f"{where} does not ascend from 0 to {n}")


def check_history(history: History, item_counts: NDArray[np.int64]) -> None:
    """Raises DataError unless the training ratings fit each other, and the counts of the items."""
    n = len(history.value)
    columns: dict[str, tuple[NDArray[Any], Any, int]] = {
        "history_indptr_": (history.indptr, np.int64, len(history.users) + 1),
        "history_items_": (history.item_index, np.int32, n),
        "history_values_": (history.value, np.float32, n),
    }
    if history.timestamp is not None:
        columns["history_timestamps_"] = history.timestamp, np.int64, n
    for name, (array, dtype, size) in columns.items():
        if array.dtype != dtype or array.shape != (size,):
            raise DataError(f"{name} is of {array.dtype} and {array.shape}, not ({size},)")
    check_indptr("history_indptr_", history.indptr, n)
    check_indices("history_items_", history.item_index, len(history.items))
    if not np.isfinite(history.value).all():
        raise DataError("history_values_ holds a number that is not finite")
    if n and not np.array_equal(np.bincount(history.item_index, minlength=len(item_counts)), item_counts):
        raise DataError("item_counts_ are not the numbers of ratings in history_items_")
