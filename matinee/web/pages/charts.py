"""SVG charts that need no script. The page has the numbers in words; colors are in the
stylesheet."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from matinee.analysis.taste import StarCount
from matinee.data.ratings import Scale

MAX_COLUMNS = 21
_N_BINS = 10
"""For a scale with more steps than columns."""


class Column(NamedTuple):
    """One column of two histograms side by side."""

    label: str
    n: int
    own: float
    """Share of the person's ratings, 0 to 1."""
    everyone: float | None
    """Share of everyone's ratings; None if they are not known."""


def columns_of(
    own: Sequence[StarCount], everyone: Sequence[StarCount] | None, scale: Scale
) -> list[Column]:
    """Histograms of the person's and everyone's ratings: one column per step, or ten for a
    fine scale."""
    lowest, highest, step = scale
    if not scale.has_stars:
        return []
    n = _N_BINS
    if step:
        n = round((highest - lowest) / step) + 1
    is_binned = not step or n > MAX_COLUMNS
    if is_binned:
        n, step = _N_BINS, (highest - lowest) / _N_BINS
    counts = np.zeros((2, n))
    for row, bars in enumerate((own, everyone or ())):
        for bar in bars:
            position = (bar.stars - lowest) / step
            if not is_binned:
                position += 0.5  # to the nearest step
            counts[row, min(max(int(position), 0), n - 1)] += bar.n
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    columns = []
    for place in range(n):
        start = lowest + place * step
        label = f"{start:.4g}"
        if is_binned:
            label = f"{start:.3g}\u2013{start + step:.3g}"
        everyone_share = None
        if everyone:
            everyone_share = float(shares[1, place])
        columns.append(
            Column(label, int(counts[0, place]), float(shares[0, place]), everyone_share)
        )
    return columns


def histogram(columns: Sequence[Column]) -> Markup:
    """The bars of the columns, each 10 units wide and up to 100 high; the page writes the
    labels below."""
    highest = max(
        [1e-9, *(column.own for column in columns), *(column.everyone or 0 for column in columns)]
    )
    bars = []
    for place, column in enumerate(columns):
        left = 10 * place
        bars.append(_bar("everybody", left + 5.1, (column.everyone or 0) / highest))
        bars.append(_bar("own", left + 2.0, column.own / highest))
    box = f'viewBox="0 0 {10 * len(columns)} 100" preserveAspectRatio="none"'
    return Markup(f'<svg class="histogram" {box} aria-hidden="true">{"".join(bars)}</svg>')


def _bar(kind: str, x: float, part: float) -> str:
    """One bar; nothing if it has no height."""
    height = round(100 * part, 2)
    if not height:
        return ""
    top = round(100 - height, 2)
    return f'<rect class="{kind}" x="{x:g}" y="{top:g}" width="2.9" height="{height:g}"/>'


def lean_bar(value: float, limit: float) -> Markup:
    """A bar from the middle: to the right for more than others, to the left for less, up to
    `limit`."""
    width = 0.0
    if limit:
        width = round(50 * min(abs(value) / limit, 1), 2)
    kind, left = "more", 50.0
    if value < 0:
        kind, left = "less", 50 - width
    bar = f'<rect class="{kind}" x="{left:g}" y="2" width="{width:g}" height="8"/>'
    middle = '<rect class="middle" x="49.75" y="0" width="0.5" height="12"/>'
    box = 'viewBox="0 0 100 12" preserveAspectRatio="none"'
    return Markup(f'<svg class="lean" {box} aria-hidden="true">{bar}{middle}</svg>')
