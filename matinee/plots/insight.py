"""What a model has learnt, for people: which films are loved or not once habits are taken out, and main directions."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from matinee.plots.canvas import BLUE, GREY, ORANGE, SMALL, font_families, new_axes, plain, short
from matinee.plots.numbers import checked_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from matinee.insight import BiasLine, Component

TITLE_LENGTH = 34


def bias_ranking(lines: Sequence["BiasLine"], unit: str = "stars") -> "Axes":
    """Films by bias in the order given, the first on top: a dot, its 95% interval if it has one, and beside it the
    number of ratings.

    Both ends of a ranking go into one figure: `bias_ranking(highest + lowest)`. A film in both stands once, where it
    comes first; a gap parts those above zero from those below, where these follow.

    Args:
        unit: what the biases are measured in, `insight.bias_unit(model)`.

    Raises:
        DataError: there are no lines, or a bias is not finite.
    """
    once = list({line.item_id: line for line in lines}.values())  # a key keeps its first place
    bias = checked_numbers([line.bias for line in once], "biases")
    low, high = np.array([(line.low, line.high) for line in once]).T  # NaN is not drawn
    is_below = bias < 0
    gap = 0.7 if (np.diff(is_below.astype(int)) != 0).sum() == 1 and is_below[-1] else 0.0
    y = -np.arange(len(once)) - gap * is_below  # (n,)
    axes = new_axes(f"{unit} above or below the average rating", "", 1.0 + 0.25 * (len(once) + gap))
    for which, colour, marker in ((~is_below, BLUE, "o"), (is_below, ORANGE, "s")):
        axes.plot(bias[which], y[which], linestyle="none", color=colour, marker=marker, markersize=6)
        axes.hlines(y[which], low[which], high[which], color=colour, linewidth=2, alpha=0.6)
    for line, place in zip(once, y, strict=True):
        _count(axes, f"{line.n_ratings:,}", place)
    _count(axes, "ratings", 1)
    axes.set_yticks(y, [short(line.film.title, TITLE_LENGTH) for line in once], family=font_families())
    axes.set_ylim(y[-1] - 0.7, 0.7)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    return axes


def _count(axes: "Axes", text: str, y: float) -> None:
    """A number in a column to the right of the axes."""
    axes.annotate(
        text,
        (1, y),
        (40, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="center",
        color=GREY,
        fontsize=SMALL,
    )


def component_ends(component: "Component") -> "Axes":
    """The films farthest out on both sides of a principal component, each where it lies on its axis.

    Above: the films of the high end, the outermost first. The title is what the component separates.

    Raises:
        DataError: the component has no films, or a position is not finite.
    """
    ends = {end.item_id: end for end in (*component.high_end, *component.low_end)}
    films = sorted(ends.values(), key=lambda end: -end.position)
    x = checked_numbers([end.position for end in films], "films of this component")
    axes = new_axes(f"position on component {component.number}", "", 1.3 + 0.23 * len(films))
    middle = (x[0] + x[-1]) / 2
    is_high = x > middle
    y = -np.arange(len(films)) - 0.7 * ~is_high
    for which, colour, marker in ((is_high, BLUE, "o"), (~is_high, ORANGE, "s")):
        axes.plot(x[which], y[which], linestyle="none", color=colour, marker=marker, markersize=6)
    for end, place, high in zip(films, y, is_high, strict=True):  # each title stands on the side of the other end
        axes.annotate(
            short(end.film.title, TITLE_LENGTH),
            (end.position, place),
            (-8 if high else 8, 0),
            textcoords="offset points",
            ha="right" if high else "left",
            va="center",
            fontsize=9,
            family=font_families(),
        )
    axes.set_title(textwrap.fill(plain(component.sentence()), 84), fontsize=10, loc="left")
    axes.set_ylim(y[-1] - 0.8, 0.8)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    return axes
