"""An explanation as a drawing: a line for each part, with a bar from the running total before it to that after it."""

from typing import NamedTuple

from matinee.recommendation.explanation import Explanation
from matinee.web.pages_base import sentence

NAMED = 6
"""So many ratings have a line of their own."""
_WIDTH = 100.0


class Bar(NamedTuple):
    """One part; x and width are in hundredths of the drawing."""

    what: str
    amount: str
    without: str
    x: float
    width: float
    kind: str
    """start, more, less or total."""


class Chart(NamedTuple):
    """The bars from top to bottom; the last is the prediction."""

    bars: list[Bar]
    sentence: str
    about_without: str
    is_exact: bool
    prediction: str
    low: str
    high: str
    """What lies at the left and the right end: the bars are cut off on the left, or all but the first were short."""


def chart(told: Explanation) -> Chart:
    """The drawing of an explanation. What rounding loses is in it, so that what is read adds up."""
    lines = told.lines(NAMED)
    parts, total = lines[:-1], lines[-1]
    ends, at = [], 0.0
    for line in parts:
        ends.append((at, at + line.amount))
        at += line.amount
    is_score = told.stars is None
    inner = [end for start, end in ends] + ([0.0] if is_score else [])
    low, high = min(inner, default=0.0), max(inner, default=1.0)
    room = max(high - low, 1e-6)
    low, high = low - 0.15 * room, high + 0.05 * room

    def at_x(value: float) -> float:
        return round(_WIDTH * min(max((value - low) / (high - low), 0), 1), 2)

    bars = []
    for place, (line, (start, end)) in enumerate(zip(parts, ends, strict=True)):
        first = place == 0 and not is_score
        left, right = (0.0, at_x(end)) if first else sorted((at_x(start), at_x(end)))
        kind = "start" if first else "more" if line.amount >= 0 else "less"
        amount = f"{line.amount:.{told.digits}f}" if first else f"{line.amount:+.{told.digits}f}"
        without = "" if line.without is None else f"{line.without:.{told.digits}f}"
        bars.append(Bar(sentence(line.what), amount, without, left, max(right - left, 0.6), kind))
    shown = f"{total.amount:.{told.digits}f}"
    left, right = sorted((0.0 if not is_score else at_x(0.0), at_x(total.amount)))
    bars.append(Bar(sentence(total.what), shown, "", left, right - left, "total"))
    return Chart(bars, sentence(told.sentence()), told.about_without, told.is_exact, shown, f"{low:.1f}", f"{high:.1f}")
