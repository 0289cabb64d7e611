"""How a person's ratings changed over time: their number and mean per year, month or day."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup

from matinee.data.ratings import Scale
from matinee.web.db.people import StoredRating

MAX_PERIODS = 24
_MIN_PERIODS = 2
_HEIGHT = 100


class Period(NamedTuple):
    """A year, month or day in which the person rated films."""

    label: str
    n: int
    mean: float


def periods_of(ratings: Sequence[StoredRating]) -> list[Period]:
    """The ratings by year, by month or by day, whichever gives the most periods up to
    `MAX_PERIODS`; empty if all are of one period. Years may be merged to fit."""
    times = sorted((datetime.fromtimestamp(one.rated_at, UTC), one.stars) for one in ratings)
    for form in ("%b %-d, %Y", "%b %Y", "%Y"):
        groups: dict[str, list[float]] = {}
        for time, stars in times:
            groups.setdefault(time.strftime(form), []).append(stars)
        if len(groups) <= MAX_PERIODS:
            break
    periods = [Period(name, len(own), sum(own) / len(own)) for name, own in groups.items()]
    periods = periods[-MAX_PERIODS:]
    return periods if len(periods) >= _MIN_PERIODS else []


def chart_over_time(periods: Sequence[Period], scale: Scale) -> Markup:
    """The numbers as bars and the means as a line over them, as SVG; 10 units per period."""
    most = max((period.n for period in periods), default=1)
    bars, points = [], []
    for place, period in enumerate(periods):
        height = round(0.9 * _HEIGHT * period.n / most, 2)
        top = round(_HEIGHT - height, 2)
        bars.append(
            f'<rect class="everybody" x="{10 * place + 2}" y="{top:g}" width="6" '
            f'height="{height:g}"/>'
        )
        share = (period.mean - scale.lowest) / max(1e-9, scale.highest - scale.lowest)
        points.append(f"{10 * place + 5},{round(_HEIGHT - _HEIGHT * min(max(share, 0), 1), 2):g}")
    line = f'<polyline class="mean" points="{" ".join(points)}"/>' if scale.has_stars else ""
    box = f'viewBox="0 0 {10 * len(periods)} {_HEIGHT}" preserveAspectRatio="none"'
    return Markup(f'<svg class="histogram" {box} aria-hidden="true">{"".join(bars)}{line}</svg>')
