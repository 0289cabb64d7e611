"""A comparison of models as a self-contained HTML page."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matinee._version import __version__
from matinee.evaluation.comparison import ComparedModel, Comparison
from matinee.evaluation.paired_tests import MEASURES
from matinee.report.html import render, save_html

_MARGIN, _INSIDE = 4.0, 92.0


class IntervalBar(NamedTuple):
    """Where a value and the ends of its interval are drawn, in percent of the width of the cell."""

    low: float
    value: float
    high: float


def comparison_page(comparison: Comparison) -> str:
    """The table as an HTML page that needs no other file and no network."""
    bars = {measure: _bars(measure, comparison.entries) for measure in MEASURES}
    return render(
        "compare.html",
        found=comparison,
        bars=bars,
        measures=MEASURES,
        version=__version__,
    )


def save_comparison_page(comparison: Comparison, path: Path) -> None:
    """Writes the page.

    Raises:
        SettingError: the name is not that of a page, or the file cannot be written.
    """
    save_html(comparison_page(comparison), path, "--html")


def _bars(measure: str, entries: Sequence[ComparedModel]) -> dict[str, IntervalBar]:
    """The bars of one column, by the name of the model; a model without the measure has none.

    The lowest end of all intervals is drawn at 4% of the width and the highest at 96%.
    """
    bars = {}
    for entry in entries:
        value = getattr(entry.report, measure, None)
        if entry.report is not None and value is not None:
            low, high = entry.report.intervals.get(measure, (value, value))
            bars[entry.name] = IntervalBar(low, value, high)
    if not bars:
        return {}
    lowest = min(bar.low for bar in bars.values())
    width = max(bar.high for bar in bars.values()) - lowest
    if width == 0:
        width = 1.0
    drawn = {}
    for name, bar in bars.items():
        low, value, high = (_MARGIN + _INSIDE * (end - lowest) / width for end in bar)
        drawn[name] = IntervalBar(low, value, high)
    return drawn
