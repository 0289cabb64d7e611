"""What a model declares, each once: hyperparameters, fitted arrays and the curve of its training.

Checks, command line, docs, tuning and the saved header read the declaration of a hyperparameter; what is read from a
file is checked against that of the array (`state.py`).
"""

from collections.abc import Sequence
from dataclasses import field, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from matinee.errors import SettingError
from matinee.text import did_you_mean, joined


class Hyper(NamedTuple):
    """One hyperparameter, as `hyper` declared it."""

    name: str
    default: Any
    low: float | None
    high: float | None
    search: tuple[float, float] | None
    help: str
    choices: tuple[str, ...]

    @property
    def valid(self) -> str:
        """The valid values in words, such as "1 to 100" or "none, linear, log"; empty if there is no limit."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is None or self.high is None:
            return ""
        return f"{self.low:g} to {self.high:g}"


def hyper(
    default: Any,
    *,
    help: str,  # noqa: A002
    low: float | None = None,
    high: float | None = None,
    search: tuple[float, float] | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """A dataclass field that is a hyperparameter, declared once for checks, command line, docs and tuning.

    Args:
        default: also fixes the type: int, float, bool or str.
        help: one line for people.
        low, high: the range of valid values, ends included.
        search: the range that `tune` searches; on a log scale if it spans more than a factor of ten.
        choices: the only valid values, of a text.
    """
    declared = {"low": low, "high": high, "search": search, "help": help, "choices": tuple(choices)}
    return field(default=default, metadata=declared)


def redeclared(base: type[Any], name: str, default: Any, *, search: tuple[float, float] | None = None) -> Any:
    """A hyperparameter of a base class with another default and, if given, another search range."""
    (inherited,) = (f for f in fields(base) if f.name == name)
    metadata = dict(inherited.metadata)
    if search is not None:
        metadata["search"] = search
    return field(default=default, metadata=metadata)


def check_choice(name: str, value: str, choices: Sequence[str], remark: str = "") -> None:
    """Refuses a value that is not among the choices.

    Args:
        name: what is chosen, the subject of the message.
        remark: follows the value in the message.

    Raises:
        SettingError: names the choices, and suggests the nearest.
    """
    if value in choices:
        return
    hint = did_you_mean(value, choices)
    raise SettingError(f"{name} must be {joined(choices, 'or')}, not '{value}'{remark}.{hint}")


class Learned(NamedTuple):
    """What `learned` declared of one fitted array."""

    name: str
    shape: tuple[str | int, ...]
    dtype: np.dtype[Any]
    index_of: str = ""
    indptr_of: str = ""
    sizes_of: str = ""
    least: float | None = None
    allows_nan: bool = False


def learned(
    *shape: str | int,
    dtype: DTypeLike,
    index_of: str = "",
    indptr_of: str = "",
    sizes_of: str = "",
    least: float | None = None,
    allows_nan: bool = False,
) -> Any:
    """A dataclass field that `fit` sets to an array. A file that holds anything else is refused.

    Args:
        shape: numbers, names of hyperparameters or letters, each perhaps with +1 or -1. U is the
            number of users and I of items; any other letter is the same in all arrays of a model.
        index_of: "users" or "items": the values are their row numbers, from 0.
        indptr_of: a letter N: the values ascend from 0 to N, and cut arrays of length N into rows.
        sizes_of: a letter N: the values are the lengths of parts that make up N.
        least: the lowest value that is allowed.
        allows_nan: values may be NaN or infinite.
    """
    declared = Learned("", shape, np.dtype(dtype), index_of, indptr_of, sizes_of, least, allows_nan)
    return field(init=False, repr=False, metadata={"learned": declared})


class CurveNames(NamedTuple):
    """What `curve` declared: what is measured, and what the first column of the rows holds."""

    loss: str
    first: str


def curve(loss: str, first: str = "learning rate") -> Any:
    """The field `curve_` of a model that learns in epochs.

    Args:
        loss: what is measured after each epoch, for people: "RMSE, stars".
        first: what the first column of its rows holds; the others are the loss on the training
            and on the valid part.
    """
    return field(init=False, repr=False, metadata={"curve": CurveNames(loss, first)})


def checked(one: Hyper, value: Any, model: str) -> Any:
    """The value in the type of the default.

    Raises:
        SettingError: it has another type, is outside the range, or is not among the choices.
    """
    kind = type(one.default)
    value = value.item() if isinstance(value, np.generic) else value
    try:
        if kind is bool:
            value = {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        elif isinstance(value, str) or (kind is float and isinstance(value, int)):
            value = kind(value)
    except (KeyError, ValueError):
        value = str(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[kind]
        raise SettingError(f"{model}: {one.name} must be {wanted}, not '{value}' (default {one.default}).")
    too_low = one.low is not None and not value >= one.low
    too_high = one.high is not None and not value <= one.high
    if too_low or too_high:
        limits = f"at least {one.low:.10g}" if one.high is None else f"between {one.low:.10g} and {one.high:.10g}"
        raise SettingError(f"{model}: {one.name} must be {limits}, not {value} (default {one.default}).")
    if one.choices:
        check_choice(f"{model}: {one.name}", value, one.choices, f" (default {one.default})")
    return value
