"""An explanation as a waterfall chart: each bar extends from the running total before its part
to the one after it."""

from dataclasses import replace
from typing import NamedTuple

from matinee.data.catalog import Film
from matinee.data.titles import display_title
from matinee.recommendation.explanation import Explanation
from matinee.web.pages.rendering import sentence

N_NAMED_RATINGS = 6
"""Number of ratings with their own bar; the others share one."""
_WIDTH = 100.0
_MIN_BAR_WIDTH = 0.6


class Bar(NamedTuple):
    """One part of the prediction; x and width are percentages of the drawing's width."""

    what: str
    amount: str
    without: str
    """The prediction without this part; empty if it was not computed."""
    x: float
    width: float
    kind: str
    """"start", "more", "less" or "total"."""


class Chart(NamedTuple):
    """The bars from top to bottom; the last is the prediction."""

    bars: list[Bar]
    sentence: str
    about_without: str
    is_exact: bool
    prediction: str
    low: str
    high: str
    """Values at the left and right end. The axis does not start at 0, because that would make
    most bars too short to compare."""


class _Axis(NamedTuple):
    """Values at the left and right end of the drawing."""

    low: float
    high: float

    def x(self, value: float) -> float:
        """Position of a value, clipped to the drawing."""
        position = (value - self.low) / (self.high - self.low)
        return round(_WIDTH * min(max(position, 0), 1), 2)


def with_display_titles(explanation: Explanation) -> Explanation:
    """The same explanation that names films as people say them."""
    return replace(
        explanation,
        film=_as_spoken(explanation.film),
        reasons=[reason._replace(film=_as_spoken(reason.film)) for reason in explanation.reasons],
        because=tuple(liked._replace(film=_as_spoken(liked.film)) for liked in explanation.because),
    )


def _as_spoken(film: Film) -> Film:
    return replace(film, title=display_title(film.title, film.year))


def chart(explanation: Explanation) -> Chart:
    """The chart of an explanation. A bar for the rounding error makes the bars add up."""
    lines = explanation.lines(N_NAMED_RATINGS)
    parts, total = lines[:-1], lines[-1]
    digits = explanation.digits
    is_score = explanation.stars is None
    axis = _axis_of([line.amount for line in parts], is_score)
    bars: list[Bar] = []
    running = 0.0
    for line in parts:
        before, running = running, running + line.amount
        is_start = not bars and not is_score
        if is_start:
            kind, amount, left, right = "start", f"{line.amount:.{digits}f}", 0.0, axis.x(running)
        else:
            kind, amount = "more", f"{line.amount:+.{digits}f}"
            if line.amount < 0:
                kind = "less"
            left, right = sorted((axis.x(before), axis.x(running)))
        without = ""
        if line.without is not None:
            without = f"{line.without:.{digits}f}"
        width = max(right - left, _MIN_BAR_WIDTH)
        bars.append(Bar(sentence(line.what), amount, without, left, width, kind))
    prediction = f"{total.amount:.{digits}f}"
    start = 0.0
    if is_score:
        start = axis.x(0.0)
    left, right = sorted((start, axis.x(total.amount)))
    bars.append(Bar(sentence(total.what), prediction, "", left, right - left, "total"))
    return Chart(
        bars=bars,
        sentence=sentence(explanation.sentence()),
        about_without=explanation.about_without,
        is_exact=explanation.is_exact,
        prediction=prediction,
        low=f"{axis.low:.1f}",
        high=f"{axis.high:.1f}",
    )


def _axis_of(amounts: list[float], is_score: bool) -> _Axis:
    """An axis that contains all running totals, and 0 for a score, with a margin."""
    totals = []
    running = 0.0
    for amount in amounts:
        running += amount
        totals.append(running)
    if is_score:
        totals.append(0.0)
    low, high = min(totals, default=0.0), max(totals, default=1.0)
    span = max(high - low, 1e-6)
    return _Axis(low - 0.15 * span, high + 0.05 * span)
