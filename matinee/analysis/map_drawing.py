"""A map of films as one SVG element, for notebooks: pointing at a film shows its title."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matinee._types import Floats

if TYPE_CHECKING:
    from matinee.analysis.film_map import FilmMap

WIDTH, HEIGHT, MARGIN = 720, 480, 24
N_LABELS = 20
_LETTER, _LINE = 6.5, 13  # pixels of a label
_COLORS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#e377c2")
_OTHER = "#8c8c8c"


def map_svg(film_map: "FilmMap") -> str:
    """Films as circles, larger with more ratings, in the color of their genre; the most rated
    ones have labels where there is room."""
    x = _scaled(film_map.x, WIDTH)
    y = HEIGHT - _scaled(film_map.y, HEIGHT)
    names, group = film_map.groups
    radius = 2 + 4 * np.sqrt(film_map.n_ratings / max(1, int(film_map.n_ratings.max(initial=1))))
    lines = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 24}" style="max-width:{WIDTH}px" role="img" '
        f'font-family="sans-serif" font-size="11" fill="currentColor">',
        f"<title>A map of {len(film_map):,} films</title>",
    ]
    for row in range(len(film_map)):
        color = _COLORS[group[row]] if group[row] >= 0 else _OTHER
        title = escape(film_map.films[row].title)
        told = f"{title}: {int(film_map.n_ratings[row]):,} ratings, mean {film_map.means[row]:.2f}"
        lines.append(
            f'<circle cx="{x[row]:.1f}" cy="{y[row]:.1f}" r="{radius[row]:.1f}" fill="{color}" '
            f'fill-opacity="0.7"><title>{told}</title></circle>'
        )
    for row in _labeled(film_map, x, y):
        title = escape(film_map.films[row].title)
        lines.append(f'<text x="{x[row] + 7:.1f}" y="{y[row] + 4:.1f}">{title}</text>')
    for number, name in enumerate(names):
        left = MARGIN + number * (WIDTH - 2 * MARGIN) / len(names)
        lines.append(
            f'<circle cx="{left:.0f}" cy="{HEIGHT + 10}" r="4" fill="{_COLORS[number]}"/>'
            f'<text x="{left + 8:.0f}" y="{HEIGHT + 14}">{escape(name)}</text>'
        )
    return "\n".join([*lines, "</svg>"])


def _scaled(position: Floats, length: int) -> NDArray[np.float64]:
    """Positions in pixels within the margins; in the middle if all are the same."""
    low, high = float(position.min(initial=0)), float(position.max(initial=0))
    if len(position):
        low, high = float(position.min()), float(position.max())
    if high == low:
        return np.full(len(position), length / 2)
    scaled = (position.astype(np.float64) - low) / (high - low)
    return MARGIN + scaled * (length - 2 * MARGIN)


def _labeled(film_map: "FilmMap", x: NDArray[np.float64], y: NDArray[np.float64]) -> list[int]:
    """The rows of the most rated films whose labels do not cover each other."""
    taken: list[tuple[float, float, float]] = []
    rows: list[int] = []
    for row in np.argsort(-film_map.n_ratings, kind="stable").tolist():
        if len(rows) == N_LABELS:
            break
        left, width = float(x[row]), _LETTER * len(film_map.films[row].title)
        is_free = all(
            abs(y[row] - other_y) > _LINE or left > other_end or left + width < other_left
            for other_left, other_end, other_y in taken
        )
        if is_free and left + width < WIDTH:
            taken.append((left, left + width, float(y[row])))
            rows.append(row)
    return rows
