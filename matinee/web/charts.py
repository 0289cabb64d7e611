"""Charts of the pages as SVG, without a script. Words stand in the page beside them; colours are in the stylesheet."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from matinee.data.ratings import Scale

MOST_COLUMNS = 21


class Column(NamedTuple):
    """Ratings of one height: what part of all of somebody's, and of everybody's, they are."""

    label: str
    n: int
    own: float
    everybody: float | None
    """0 to 1; None if nobody's ratings are known."""


def columns_of(
    own: Sequence[dict[str, float]], everybody: Sequence[dict[str, float]] | None, scale: Scale
) -> list[Column]:
    """Two histograms side by side: a column for each step of the scale, or for each tenth of it if it has too many.

    Args:
        own, everybody: as in `taste.taste`: {"stars", "n"} of each.
    """
    lowest, highest, step = scale
    if not scale.has_stars:
        return []
    n = round((highest - lowest) / step) + 1 if step else 10
    is_coarse = not step or n > MOST_COLUMNS
    if is_coarse:
        n, step = 10, (highest - lowest) / 10
    count = np.zeros((2, n))
    for row, lines in enumerate((own, everybody or ())):
        for line in lines:
            place = (line["stars"] - lowest) / step
            count[row, min(max(int(place if is_coarse else place + 0.5), 0), n - 1)] += line["n"]
    part = count / np.maximum(count.sum(axis=1, keepdims=True), 1)
    starts = [lowest + place * step for place in range(n)]
    labels = [f"{start:.3g}\u2013{start + step:.3g}" if is_coarse else f"{start:.4g}" for start in starts]
    return [
        Column(label, int(count[0, place]), float(part[0, place]), float(part[1, place]) if everybody else None)
        for place, label in enumerate(labels)
    ]


def histogram(columns: Sequence[Column]) -> Markup:
    """The bars of columns: 10 units of width each, 100 of height; the page writes the labels below."""
    most = max([1e-9, *(one.own for one in columns), *(one.everybody or 0 for one in columns)])
    drawn = []
    for place, one in enumerate(columns):
        left = 10 * place
        for kind, part, x, width in (("everybody", one.everybody, 5.1, 2.9), ("own", one.own, 2.0, 2.9)):
            height = round(100 * (part or 0) / most, 2)
            if height:
                top = round(100 - height, 2)
                drawn.append(f'<rect class="{kind}" x="{left + x:g}" y="{top:g}" width="{width}" height="{height:g}"/>')
    box = f'viewBox="0 0 {10 * len(columns)} 100" preserveAspectRatio="none"'
    return Markup(f'<svg class="histogram" {box} aria-hidden="true">{"".join(drawn)}</svg>')


def bar(value: float, most: float) -> Markup:
    """A bar to the right of the middle for more than others, to the left for less; the whole width is `most` twice."""
    width = round(50 * min(abs(value) / most, 1), 2) if most else 0
    left = 50 if value >= 0 else 50 - width
    kind = "more" if value >= 0 else "less"
    rect = f'<rect class="{kind}" x="{left:g}" y="2" width="{width:g}" height="8"/>'
    middle = '<rect class="middle" x="49.75" y="0" width="0.5" height="12"/>'
    box = 'viewBox="0 0 100 12" preserveAspectRatio="none"'
    return Markup(f'<svg class="lean" {box} aria-hidden="true">{rect}{middle}</svg>')
