"""Hyperparameters, declared once: checks, command line, docs, tuning and the saved header all read the declaration."""

from dataclasses import field
from typing import Any, NamedTuple

import numpy as np

from matinee.errors import SettingError


class Hyper(NamedTuple):
    """What `hyper` declared of one hyperparameter."""

    name: str
    default: Any
    low: float | None
    high: float | None
    search: tuple[float, float] | None
    help: str


def hyper(
    default: Any,
    *,
    help: str,  # noqa: A002
    low: float | None = None,
    high: float | None = None,
    search: tuple[float, float] | None = None,
) -> Any:
    """A dataclass field that is a hyperparameter, declared once for checks, command line, docs and tuning.

    Args:
        default: also fixes the type: int, float, bool or str.
        help: one line for people.
        low, high: the range of valid values, ends included.
        search: the range in which `tune` looks; on a log scale if it spans more than a factor of ten.
    """
    return field(default=default, metadata={"low": low, "high": high, "search": search, "help": help})


def checked(one: Hyper, value: Any, model: str) -> Any:
    """The value in the type of the default and inside its range, or a SettingError."""
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
    return value
