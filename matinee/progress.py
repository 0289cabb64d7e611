"""How a long task reports its progress."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass

LINES_VARIABLE = "MATINEE_PROGRESS_LINES"
"""An environment variable: if set, commands report their steps on standard error, as lines that
`parse_line` reads, for a program that has started them."""
_PREFIX = "step "


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


def wants_lines() -> bool:
    """Whether another program reads the progress."""
    return bool(os.environ.get(LINES_VARIABLE))


def line_of(step: Step) -> str:
    """A step as a line of text."""
    return _PREFIX + json.dumps(asdict(step))


def parse_line(line: str) -> Step | None:
    """The step that `line_of` wrote; None for other lines."""
    if not line.startswith(_PREFIX):
        return None
    try:
        return Step(**json.loads(line[len(_PREFIX) :]))
    except (TypeError, ValueError):
        return None
