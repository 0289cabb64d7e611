"""Answers consist of finite numbers: what a damaged model computes otherwise is an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from matinee.errors import DataError
from matinee.models.interface import Attribution

Numbers = TypeVar("Numbers", bound=NDArray[np.floating])


def finite(model: str, numbers: Numbers) -> Numbers:
    """The numbers that a model computed; raises DataError if one of them is not finite."""
    if not np.isfinite(numbers).all():
        raise _useless(model)
    return numbers


def finite_parts(model: str, attributions: list[Attribution]) -> list[Attribution]:
    """`finite` for all parts of some scores."""
    for parts in attributions:
        for part in parts:
            finite(model, np.asarray(part, np.float64))
    return attributions


@contextmanager
def solvable(model: str) -> Iterator[None]:
    """Raises DataError where equations of a model have no solution."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise _useless(model) from error


def _useless(model: str) -> DataError:
    return DataError(
        f"This {model} model computes numbers that are not finite: its file was altered, or its "
        "training diverged. Train it again."
    )
