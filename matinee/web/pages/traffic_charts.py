"""SVG charts of the traffic over time, with what they show in sentences."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup

from matinee.text import counted
from matinee.web.api.operator_views import WINDOWS, TrafficPeriod, Window
from matinee.web.db.traffic import DAY, HOUR, MINUTE, TrafficCounts
from matinee.web.pages.rendering import milliseconds
from matinee.web.pages.texts_operator import OPERATOR

_HEIGHT = 100


class TrafficChart(NamedTuple):
    """A chart."""

    name: str
    """Unique on the page."""
    title: str
    drawing: Markup
    sentence: str
    """What it shows, for everybody."""
    keys: list[tuple[str, str]]
    """Class of the stylesheet and name of each series, if there are several."""


class TrafficRow(NamedTuple):
    """A line of the table."""

    label: str
    counts: TrafficCounts
    median: str
    p99: str


class TrafficView(NamedTuple):
    """All charts, and their numbers as a table."""

    charts: list[TrafficChart]
    rows: list[TrafficRow]
    """Periods in which something happened, latest first."""
    first: str
    """Where the time axis starts."""
    last: str


def traffic_view(periods: Sequence[TrafficPeriod], window: Window) -> TrafficView:
    """The charts of a window and its table."""
    counts = [period.counts for period in periods]
    total = TrafficCounts()
    for one in counts:
        total.add(one)
    period_name = _length(WINDOWS[window][0])
    t = OPERATOR
    requests = t["requests_said"].format(
        requests=counted(total.requests, "request"),
        errors=counted(total.errors, "error"),
        most=f"{max(one.requests for one in counts):,}",
        period=period_name,
    )
    charts = [
        TrafficChart(
            "requests",
            t["requests_chart"],
            bars([one.requests for one in counts], [one.errors for one in counts]),
            requests,
            [("everybody", t["all_requests"]), ("own", t["error_requests"])],
        ),
        _times(counts, total),
    ]
    for name in ("lists", "ratings", "people"):
        amounts: list[int] = [getattr(one, name) for one in counts]
        noun, plural = {"people": ("person", "people")}.get(name, (name[:-1], name))
        said = t["count_said"].format(
            n=counted(sum(amounts), noun, plural), most=f"{max(amounts):,}", period=period_name
        )
        charts.append(TrafficChart(name, t[f"{name}_chart"], bars(amounts), said, []))
    rows = [
        TrafficRow(_time(period.starts_at, window), one, *_milliseconds(one))
        for period, one in zip(periods, counts, strict=True)
        if one != TrafficCounts()
    ]
    first, last = (_time(periods[place].starts_at, window) for place in (0, -1))
    return TrafficView(charts, rows[::-1], first, last)


def _times(counts: Sequence[TrafficCounts], total: TrafficCounts) -> TrafficChart:
    """The chart of the response times."""
    t = OPERATOR
    sentence = t["times_none"]
    if total.requests:
        worst = [one.milliseconds(0.99) for one in counts if one.requests]
        known = [one for one in worst if one is not None]
        sentence = t["times_said"].format(
            median=_duration(total.milliseconds(0.5)),
            p99=_duration(total.milliseconds(0.99)),
            worst=_duration(max(known) if len(known) == len(worst) else None),
        )
    drawing = lines(
        {
            "median": [one.milliseconds(0.5) for one in counts],
            "p99": [one.milliseconds(0.99) for one in counts],
        }
    )
    keys = [("median", t["median"]), ("p99", t["p99"])]
    return TrafficChart("times", t["times_chart"], drawing, sentence, keys)


def bars(amounts: Sequence[int], parts: Sequence[int] = ()) -> Markup:
    """Bars, 10 units per period, up to 100 high; over each, the part of it that is marked."""
    most = max([1, *amounts])
    drawn = []
    for kind, values in (("everybody", amounts), ("own", parts)):
        for place, value in enumerate(values):
            if value:
                height = max(1.5, round(_HEIGHT * value / most, 2))
                top = round(_HEIGHT - height, 2)
                drawn.append(
                    f'<rect class="{kind}" x="{10 * place + 1}" y="{top:g}" width="8" '
                    f'height="{height:g}"/>'
                )
    return _svg(len(amounts), drawn)


def lines(series: dict[str, list[float | None]]) -> Markup:
    """Lines from 0 to the largest value, with gaps where there is none; the name of a series is
    its class."""
    given = [value for values in series.values() for value in values if value is not None]
    most = max([1e-9, *given])
    drawn = []
    for name, values in series.items():
        for run in _runs(values):
            points = " ".join(
                f"{x:g},{round(_HEIGHT - 0.97 * _HEIGHT * value / most, 2):g}"
                for place, value in run
                for x in ((10 * place + 5,) if len(run) > 1 else (10 * place + 2, 10 * place + 8))
            )
            drawn.append(f'<polyline class="{name}" points="{points}"/>')
    return _svg(max(map(len, series.values())), drawn)


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap, as (place, value)."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is not None:
            runs[-1].append((place, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _svg(n: int, drawn: Sequence[str]) -> Markup:
    box = f'viewBox="0 0 {10 * n} {_HEIGHT}" preserveAspectRatio="none"'
    return Markup(f'<svg class="histogram" {box} aria-hidden="true">{"".join(drawn)}</svg>')


def _milliseconds(counts: TrafficCounts) -> tuple[str, str]:
    """The median and the 99th percentile of a period for the table."""
    if not counts.requests:
        return "\u2013", "\u2013"
    found = [counts.milliseconds(share) for share in (0.5, 0.99)]
    median, p99 = (OPERATOR["above"] if one is None else milliseconds(one) for one in found)
    return median, p99


def _duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "more than 10 s"
    if milliseconds < 1000:
        return f"{milliseconds:.3g} ms"
    return f"{milliseconds / 1000:.2g} s"


def _time(seconds: int, window: Window) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    if WINDOWS[window][0] < HOUR:
        return f"{at:%H:%M}"
    if WINDOWS[window][0] < DAY:
        return f"{at:%b} {at.day}, {at:%H:%M}"
    return f"{at:%b} {at.day}"


def _length(seconds: int) -> str:
    """A length of time, such as "a minute" or "15 minutes"."""
    for unit, name, article in ((DAY, "day", "a"), (HOUR, "hour", "an"), (MINUTE, "minute", "a")):
        if seconds % unit == 0:
            n = seconds // unit
            return f"{article} {name}" if n == 1 else f"{n} {name}s"
    return f"{seconds} seconds"
