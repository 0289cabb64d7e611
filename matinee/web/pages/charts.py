"""SVG charts without scripts. The pages repeat the numbers as text; the stylesheet sets the
colors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from matinee.analysis.taste import StarCount
from matinee.data.ratings import Scale

MAX_COLUMNS = 21
_N_BINS = 10
"""Number of columns for a scale with more than `MAX_COLUMNS` steps."""


class Column(NamedTuple):
    """One column of two histograms drawn side by side."""

    label: str
    n: int
    own: float
    """Share of the person's ratings, 0 to 1."""
    everyone: float | None
    """Share of everyone's ratings; None if unknown."""


def columns_of(
    own: Sequence[StarCount], everyone: Sequence[StarCount] | None, scale: Scale
) -> list[Column]:
    """Histograms of the person's and everyone's ratings: one column per step of the scale, or
    `_N_BINS` if it has many steps or none."""
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
    for index in range(n):
        start = lowest + index * step
        label = f"{start:.4g}"
        if is_binned:
            label = f"{start:.3g}\u2013{start + step:.3g}"
        everyone_share = None
        if everyone:
            everyone_share = float(shares[1, index])
        columns.append(
            Column(label, int(counts[0, index]), float(shares[0, index]), everyone_share)
        )
    return columns


def histogram(columns: Sequence[Column]) -> Markup:
    """The columns as SVG bars: 10 units per column, up to 100 high. The template adds the
    labels."""
    highest = max(
        [1e-9, *(column.own for column in columns), *(column.everyone or 0 for column in columns)]
    )
    bars = []
    for index, column in enumerate(columns):
        left = 10 * index
        bars.append(_bar("everybody", left + 5.1, (column.everyone or 0) / highest))
        bars.append(_bar("own", left + 2.0, column.own / highest))
    box = f'viewBox="0 0 {10 * len(columns)} 100" preserveAspectRatio="none"'
    return Markup(f'<svg class="histogram" {box} aria-hidden="true">{"".join(bars)}</svg>')


def _bar(kind: str, x: float, relative_height: float) -> str:
    """One bar; empty if it has no height.

    Args:
        relative_height: 0 to 1.
    """
    height = round(100 * relative_height, 2)
    if not height:
        return ""
    top = round(100 - height, 2)
    return f'<rect class="{kind}" x="{x:g}" y="{top:g}" width="2.9" height="{height:g}"/>'


def lean_bar(value: float, limit: float) -> Markup:
    """A bar that starts in the middle: it extends right for a positive value and left for a
    negative one, up to `limit`."""
    width = 0.0
    if limit:
        width = round(50 * min(abs(value) / limit, 1), 2)
    kind, left = "more", 50.0
    if value < 0:
        kind, left = "less", 50 - width
    bar = f'<rect class="{kind}" x="{left:g}" y="2" width="{width:g}" height="8"/>'
    if round(value, 1) == 0:  # the pages write 0.0
        bar = ""
    middle = '<rect class="middle" x="49.75" y="0" width="0.5" height="12"/>'
    box = 'viewBox="0 0 100 12" preserveAspectRatio="none"'
    return Markup(f'<svg class="lean" {box} aria-hidden="true">{bar}{middle}</svg>')
