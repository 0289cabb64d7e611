"""How a person's ratings changed over time: their number and mean per year, month or day."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup

from matinee.data.ratings import Scale
from matinee.web.db.people import StoredRating

MAX_PERIODS = 24
_MIN_PERIODS = 2
_DAYS_OF_MONTH, _DAYS_OF_MONTHS = 24, 700
_HEIGHT = 100


class Period(NamedTuple):
    """A year, month or day in which the person rated films."""

    label: str
    n: int
    mean: float


def periods_of(ratings: Sequence[StoredRating]) -> list[Period]:
    """The ratings by day if they were given within a month, by month within two years, otherwise
    by year; empty if all are of one period. Of more than `MAX_PERIODS`, the last ones."""
    times = sorted((datetime.fromtimestamp(one.rated_at, UTC), one.stars) for one in ratings)
    if not times:
        return []
    days = (times[-1][0] - times[0][0]).days
    groups: dict[str, list[float]] = {}
    for time, stars in times:
        name = f"{time.year}"
        if days < _DAYS_OF_MONTH:
            name = f"{time:%b} {time.day}, {time.year}"
        elif days < _DAYS_OF_MONTHS:
            name = f"{time:%b} {time.year}"
        groups.setdefault(name, []).append(stars)
    periods = [Period(name, len(own), sum(own) / len(own)) for name, own in groups.items()]
    return periods[-MAX_PERIODS:] if len(periods) >= _MIN_PERIODS else []


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
