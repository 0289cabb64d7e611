"""Declarations of a model: hyperparameters, fitted arrays and the training curve.

A hyperparameter is declared once, for its checks, the command line, the docs, tuning and the
saved header. Arrays read from a file are checked against their declarations
(`declarations.py`).
"""

from collections.abc import Sequence
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from matinee.array_checks import LARGEST
from matinee.errors import SettingError
from matinee.text import did_you_mean, joined

if TYPE_CHECKING:
    from matinee.models.configurable import Configurable

SettingValue = bool | int | float | str
"""A value of a hyperparameter."""


class Hyper(NamedTuple):
    """One hyperparameter, as `hyper` declared it."""

    name: str
    default: Any
    low: float | None
    high: float | None
    search: tuple[float, float] | None
    help: str
    choices: tuple[str, ...]
    needs_times: bool = False

    @property
    def valid(self) -> str:
        """The valid values as text, such as "1 to 100" or "none, log"; empty without
        limits."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is None or self.high is None:
            return ""
        return f"{self.low:.10g} to {self.high:.10g}"


def hyper(
    default: SettingValue,
    *,
    help: str,  # noqa: A002
    low: float | None = None,
    high: float | None = None,
    search: tuple[float, float] | None = None,
    choices: Sequence[str] = (),
    needs_times: bool = False,
) -> Any:
    """A dataclass field that declares a hyperparameter.

    Args:
        default: also determines the type: int, float, bool or str.
        help: one line for people.
        low, high: the range of valid values, inclusive.
        search: the range that `tune` searches, on a log scale if it spans more than a factor
            of ten.
        choices: the valid values of a string.
        needs_times: `tune` searches it only if the ratings have times. 0, the default, means
            that times are ignored; the search reaches it beyond `high` of the range.
    """
    declared = {
        "low": low,
        "high": high,
        "search": search,
        "help": help,
        "choices": tuple(choices),
        "needs_times": needs_times,
    }
    return field(default=default, metadata=declared)


def redeclared(
    base: "type[Configurable]",
    name: str,
    default: SettingValue,
    *,
    search: tuple[float, float] | None = None,
) -> Any:
    """A hyperparameter of a base class with another default and, if given, another search
    range."""
    (inherited,) = (f for f in fields(base) if f.name == name)
    metadata = dict(inherited.metadata)
    if search is not None:
        metadata["search"] = search
    return field(default=default, metadata=metadata)


def check_choice(name: str, value: str, choices: Sequence[str], remark: str = "") -> None:
    """Checks that a value is one of the choices.

    Args:
        name: the name of the setting, the subject of the message.
        remark: text that follows the value in the message.

    Raises:
        SettingError: the value is not valid; the message lists the choices and suggests the
            nearest.
    """
    if value in choices:
        return
    hint = did_you_mean(value, choices)
    raise SettingError(f"{name} must be {joined(choices, 'or')}, not '{value}'{remark}.{hint}")


class Learned(NamedTuple):
    """One fitted array, as `learned` declared it."""

    name: str
    shape: tuple[str | int, ...]
    dtype: np.dtype[np.generic]
    index_of: str = ""
    indptr_of: str = ""
    sizes_of: str = ""
    least: float | None = None
    most: float = LARGEST
    allows_nan: bool = False
    may_be_missing: bool = False


def learned(
    *shape: str | int,
    dtype: DTypeLike,
    index_of: str = "",
    indptr_of: str = "",
    sizes_of: str = "",
    least: float | None = None,
    most: float = LARGEST,
    allows_nan: bool = False,
    may_be_missing: bool = False,
) -> Any:
    """A dataclass field that `fit` sets to an array. A file with any other array is rejected.

    Args:
        shape: numbers, names of hyperparameters or letters, optionally with +1 or -1. U is the
            number of users and I of items; any other letter has one value in all arrays of a
            model.
        index_of: "users" or "items": the values are row numbers of users or items, from 0.
        indptr_of: a letter N: the values ascend from 0 to N and split arrays of length N into
            rows.
        sizes_of: a letter N: the values are lengths that add up to N.
        least: the lowest valid value.
        most: the largest valid magnitude of numbers that are no integers.
        allows_nan: values may be NaN or infinite, and of any magnitude.
        may_be_missing: files of earlier versions lack the array; then it is empty, with a size
            of 0 for each letter that occurs in no array before it.
    """
    declared = Learned(
        name="",
        shape=shape,
        dtype=np.dtype(dtype),
        index_of=index_of,
        indptr_of=indptr_of,
        sizes_of=sizes_of,
        least=least,
        most=most,
        allows_nan=allows_nan,
        may_be_missing=may_be_missing,
    )
    return field(init=False, repr=False, metadata={"learned": declared})


class CurveNames(NamedTuple):
    """The names that `curve` declared: of the loss, and of the first column of the rows."""

    loss: str
    first: str


def curve(loss: str, first: str = "learning rate") -> Any:
    """The field `curve_` of a model that learns in epochs.

    Args:
        loss: the name of the loss after each epoch, for people, such as "RMSE, stars".
        first: the name of the first column of its rows; the others are the losses on the
            training part and on the validation part.
    """
    return field(init=False, repr=False, metadata={"curve": CurveNames(loss, first)})


def checked(setting: Hyper, value: Any, model: str) -> Any:
    """The value, converted to the type of the default.

    Raises:
        SettingError: it has the wrong type, is outside the range, or is not one of the
            choices.
    """
    name, remark = f"{model}: {setting.name}", f" (default {setting.default})"
    value = _converted(value, type(setting.default), name, remark)
    too_low = setting.low is not None and not value >= setting.low
    too_high = setting.high is not None and not value <= setting.high
    if too_low or too_high:
        limits = f"at least {setting.low:.10g}"
        if setting.high is not None:
            limits = f"between {setting.low:.10g} and {setting.high:.10g}"
        raise SettingError(f"{name} must be {limits}, not {value}{remark}.")
    if setting.choices:
        check_choice(name, value, setting.choices, remark)
    return value


def _converted(value: object, kind: type, name: str, remark: str) -> Any:
    """The value as an int, float, bool or str."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        if kind is bool:
            value = {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        elif isinstance(value, str) or (kind is float and isinstance(value, int)):
            value = kind(value)
    except (KeyError, ValueError):
        value = str(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
        raise SettingError(f"{name} must be {names[kind]}, not '{value}'{remark}.")
    return value
