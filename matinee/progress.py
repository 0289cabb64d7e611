"""How a long task reports its progress."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One report of a long task.

    Attributes:
        done, total: steps taken so far, and all steps.
        text: a few words for a progress bar, such as "RMSE 0.851".
        validation: RMSE in stars on the ratings passed as `valid`, for a model that measures
            it after each step; otherwise None.
    """

    done: int
    total: int
    text: str = ""
    validation: float | None = None


Progress = Callable[[Step], None]
"""Called after each step."""
