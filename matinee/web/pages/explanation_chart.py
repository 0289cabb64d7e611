"""An explanation as a sum, drawn as a waterfall chart: each bar extends from the running total
before its part to the one after it.

The numbers as shown add up to the prediction as shown: what rounding would lose is spread over
the parts, less than half a unit of the last digit each where that is enough.
"""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from matinee.data.catalog import Film
from matinee.data.titles import display_title
from matinee.recommendation.explanation import Explanation, Line, Reason
from matinee.text import counted
from matinee.web.pages.texts_film import FILM

N_NAMED_RATINGS = 5
"""Number of ratings with their own bar; the others share one."""
_WIDTH = 100.0
_MIN_BAR_WIDTH = 0.6


class Bar(NamedTuple):
    """One part of the prediction; x and width are percentages of the drawing's width."""

    what: str
    amount: str
    x: float
    width: float
    kind: str
    """"start", "more", "less" or "total"."""


class Chart(NamedTuple):
    """The bars from top to bottom; the last is the prediction."""

    bars: list[Bar]
    is_exact: bool
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


def given_stars(stars: float) -> str:
    """Such as "4.5 stars"."""
    return f"{stars:g} {'star' if stars == 1 else 'stars'}"


def chart(explanation: Explanation, shown: float | None = None) -> Chart:
    """The chart of an explanation.

    Args:
        shown: the stars that the page shows; None: those of the explanation.
    """
    digits = explanation.digits
    is_score = explanation.stars is None
    total = _total(explanation, shown)
    parts = _rounded(_parts(explanation, shown), total, digits)
    axis = _axis_of([line.amount for line in parts], is_score)
    bars: list[Bar] = []
    running = 0.0
    for line in parts:
        before, running = running, running + line.amount
        is_start = not bars and not is_score
        if is_start:
            kind, amount, left, right = "start", f"{line.amount:.{digits}f}", 0.0, axis.x(running)
        else:
            kind, amount = "less" if line.amount < 0 else "more", f"{line.amount:+.{digits}f}"
            left, right = sorted((axis.x(before), axis.x(running)))
        bars.append(Bar(line.what, amount, left, max(right - left, _MIN_BAR_WIDTH), kind))
    left, right = sorted((axis.x(0.0) if is_score else 0.0, axis.x(total)))
    name = FILM["score"] if is_score else FILM["prediction_sum"]
    bars.append(Bar(name, f"{total:.{digits}f}", left, right - left, "total"))
    return Chart(bars, explanation.is_exact, f"{axis.low:.1f}", f"{axis.high:.1f}")


def _total(explanation: Explanation, shown: float | None) -> float:
    """The prediction with the digits of the parts; rounded further, it is what the page shows."""
    if explanation.stars is None:
        return round(explanation.score, explanation.digits)
    value = explanation.stars if shown is None else shown
    total = Decimal(f"{value:.2f}")
    if total.quantize(Decimal("0.1"), ROUND_HALF_UP) != Decimal(f"{value:.1f}"):
        total -= Decimal("0.01")  # 3.848 is shown as 3.8, so not as 3.85
    return float(total)


def _parts(explanation: Explanation, shown: float | None) -> list[Line]:
    """The parts of the prediction, one for each of the strongest ratings."""
    has_ratings, reasons = explanation.has_ratings, explanation.reasons
    lines = []
    if explanation.stars is None:
        amount = explanation.mean + explanation.item + explanation.user
        lines.append(Line(FILM["of_anybody"], amount))
    else:
        item = FILM["item"] if explanation.n_ratings else FILM["item_none"]
        how = "higher" if explanation.user > 0 else "lower"
        lines = [
            Line(FILM["mean"], explanation.mean),
            Line(item, explanation.item),
            Line(FILM["user"].format(how=how), explanation.user),
        ]
    lines += [
        Line(_name(reason, has_ratings), r)
        for reason in reasons[:N_NAMED_RATINGS]
        for r in [reason.contribution]
    ]
    others = reasons[N_NAMED_RATINGS:]
    n_others = len(others) + explanation.n_others
    rest = sum(reason.contribution for reason in others) + explanation.others_contribution
    things = "other rating" if has_ratings else "other film"
    lines.append(Line(FILM["others"].format(n=counted(n_others, things)), rest))
    lines.append(Line(FILM["rest"], explanation.rest))
    lines.append(Line(FILM["limit"], explanation.clipping))
    if shown is not None and explanation.stars is not None:
        lines.append(Line(FILM["shrunk"], shown - explanation.stars))
    return lines


def _name(reason: Reason, has_ratings: bool) -> str:
    if not has_ratings:
        return FILM["seen"].format(name=reason.film.title)
    return FILM["rating"].format(given=given_stars(reason.stars), name=reason.film.title)


def _rounded(lines: list[Line], total: float, digits: int) -> list[Line]:
    """The lines, rounded so that they add up to the total, without those that add nothing.

    The units that rounding loses go to the lines that were rounded farthest in that direction;
    the first line has room for what is left.
    """
    unit = 10.0**-digits
    units = [round(line.amount / unit) for line in lines]
    lost = round(total / unit) - sum(units)
    step = 1 if lost > 0 else -1
    errors = [step * (line.amount / unit - n) for line, n in zip(lines, units, strict=True)]
    by_error = sorted(range(len(lines)), key=lambda place: -errors[place])
    for place in [place for place in by_error if errors[place] > 0][: abs(lost)]:
        units[place] += step
        lost -= step
    units[0] += lost
    found = [
        line._replace(amount=round(n * unit, digits)) for line, n in zip(lines, units, strict=True)
    ]
    return [line for place, line in enumerate(found) if line.amount or place == 0]


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
