"""Figures of what a model learned: biases of films, and the films at the ends of a
component."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from matinee.plots.binning import checked_numbers
from matinee.plots.figure import (
    BLUE,
    GRAY,
    ORANGE,
    SMALL,
    escape_math,
    font_families,
    new_axes,
    shorten_title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from matinee.analysis import BiasLine, Component

#: Characters of a title in a figure, at most.
TITLE_LENGTH = 34
#: The space, in rows, between the films on the two sides of zero.
GAP = 0.7


def bias_ranking(lines: Sequence["BiasLine"], unit: str = "stars") -> "Axes":
    """Films by bias in the given order, with 95% intervals and numbers of ratings.

    To show both ends of a ranking in one figure, use `bias_ranking(highest + lowest)`. A film
    in both is drawn once, at its first position. A gap separates the films above zero from
    those below it if the latter follow the former.

    Args:
        unit: what the biases are measured in, `insight.bias_unit(model)`.

    Raises:
        DataError: there are no lines, or a bias is not finite.
    """
    distinct = list(
        {line.item_id: line for line in lines}.values()
    )  # a key keeps its first position
    bias = checked_numbers([line.bias for line in distinct], "biases")
    low = np.array([line.low for line in distinct])  # NaN is not drawn
    high = np.array([line.high for line in distinct])
    is_below = bias < 0
    n_changes = np.count_nonzero(is_below[1:] != is_below[:-1])
    gap = 0.0
    if n_changes == 1 and is_below[-1]:
        gap = GAP
    y = -np.arange(len(distinct)) - gap * is_below  # (n,)
    axes = new_axes(
        f"{unit} above or below the average rating", "", 1.0 + 0.25 * (len(distinct) + gap)
    )
    for rows, color, marker in ((~is_below, BLUE, "o"), (is_below, ORANGE, "s")):
        axes.plot(bias[rows], y[rows], linestyle="none", color=color, marker=marker, markersize=6)
        axes.hlines(y[rows], low[rows], high[rows], color=color, linewidth=2, alpha=0.6)
    for line, height in zip(distinct, y, strict=True):
        _write_count(axes, f"{line.n_ratings:,}", height)
    _write_count(axes, "ratings", 1)
    titles = [shorten_title(line.film.title, TITLE_LENGTH) for line in distinct]
    axes.set_yticks(y, titles, family=font_families())
    axes.set_ylim(y[-1] - 0.7, 0.7)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    return axes


def _write_count(axes: "Axes", text: str, y: float) -> None:
    """Writes a number, or the heading, into a column to the right of the axes."""
    axes.annotate(
        text,
        (1, y),
        (40, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="center",
        color=GRAY,
        fontsize=SMALL,
    )


def component_ends(component: "Component") -> "Axes":
    """The films at both ends of a principal component, at their positions on its axis.

    The films of the high end are above, the outermost first. The title says what the component
    separates.

    Raises:
        DataError: the component has no films, or a position is not finite.
    """
    ends = {end.item_id: end for end in (*component.high_end, *component.low_end)}
    films = sorted(ends.values(), key=lambda end: -end.position)
    x = checked_numbers([end.position for end in films], "films of this component")
    axes = new_axes(f"position on component {component.number}", "", 1.3 + 0.23 * len(films))
    middle = (x[0] + x[-1]) / 2
    is_high = x > middle
    y = -np.arange(len(films)) - GAP * ~is_high
    # Each title is on the side toward the other end, where there is room.
    for rows, color, marker, side, offset in (
        (is_high, BLUE, "o", "right", -8),
        (~is_high, ORANGE, "s", "left", 8),
    ):
        axes.plot(x[rows], y[rows], linestyle="none", color=color, marker=marker, markersize=6)
        for row in np.flatnonzero(rows):
            axes.annotate(
                shorten_title(films[row].film.title, TITLE_LENGTH),
                (x[row], y[row]),
                (offset, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=9,
                family=font_families(),
            )
    axes.set_title(textwrap.fill(escape_math(component.sentence()), 84), fontsize=10, loc="left")
    axes.set_ylim(y[-1] - 0.8, 0.8)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    return axes
