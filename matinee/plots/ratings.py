"""Figures of a table of ratings: their distribution, and how unevenly they fall on the
films."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee._types import Doubles
from matinee.data.ratings import Scale
from matinee.errors import DataError
from matinee.plots.binning import checked_numbers
from matinee.plots.figure import BLUE, SMALL, draw_diagonal, new_axes
from matinee.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_BARS = 24
#: Bars of a scale without steps.
N_BARS = 20
#: Points of a curve, at most: more would not be visible.
MAX_POINTS = 300


def rating_histogram(values: ArrayLike, scale: Scale) -> "Axes":
    """The share of the ratings at each step of the scale, and their mean.

    A scale without steps is divided into 20 bars. On a scale with more than 24 steps, each bar
    covers the same number of steps, and the last bar also covers the steps left over.

    Args:
        values: (N,) ratings in stars.

    Raises:
        DataError: there are no ratings, some are not finite, or one is outside the scale.
    """
    stars = checked_numbers(values, "ratings")
    outside = stars[(stars < scale.lowest - 1e-6) | (stars > scale.highest + 1e-6)]
    if len(outside):
        raise DataError(
            f"A rating of {outside[0]:g} is outside the scale {scale}; use Scale.of(values)."
        )
    bars = _bars(stars, scale)
    n_bars = len(bars.centers)
    shares = np.bincount(bars.bar, minlength=n_bars) / len(stars)
    axes = new_axes("stars", "", 3.4)
    drawn = axes.bar(bars.centers, shares, 0.8 * bars.width, color=BLUE)
    fontsize = 9.0
    if n_bars > 12:
        fontsize = SMALL
    axes.bar_label(drawn, [_percent(share) for share in shares], padding=2, fontsize=fontsize)
    axes.margins(y=0.1)
    axes.set_title(
        f"{counted(len(stars), 'rating')}, {stars.mean():.2f} stars on average", fontsize=11
    )
    base = axes.get_xaxis_transform()  # x in stars, y as a share of the height
    axes.plot(
        stars.mean(), -0.025, marker="^", markersize=8, color="black", clip_on=False, transform=base
    )
    if n_bars <= 12:
        axes.set_xticks(bars.centers)
    axes.tick_params(axis="x", length=0, pad=11)
    axes.yaxis.set_visible(False)  # each bar is labeled with its share
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    return axes


class _Bars(NamedTuple):
    bar: NDArray[np.int64]  # (N,), of each rating
    centers: Doubles  # (B,)
    width: float


def _bars(stars: Doubles, scale: Scale) -> _Bars:
    lowest, highest, step = scale
    if step:
        n_steps = round((highest - lowest) / step) + 1
        fewest = -(-n_steps // MAX_BARS)
        # As few steps left over as possible.
        steps_per_bar = min(range(fewest, 2 * fewest), key=lambda number: n_steps % number)
        n_bars = n_steps // steps_per_bar
        bar = np.round((stars - lowest) / step) // steps_per_bar
        centers = lowest + (np.arange(n_bars) * steps_per_bar + (steps_per_bar - 1) / 2) * step
        width = steps_per_bar * step
    elif highest > lowest:
        n_bars = N_BARS
        width = (highest - lowest) / n_bars
        bar = np.floor((stars - lowest) / width)
        centers = lowest + (np.arange(n_bars) + 0.5) * width
    else:
        n_bars = 1
        bar = np.zeros(len(stars))
        centers = np.array([lowest])
        width = 1.0
    return _Bars(
        np.clip(bar, 0, n_bars - 1).astype(np.int64), np.asarray(centers, np.float64), width
    )


def long_tail(item_counts: ArrayLike) -> "Axes":
    """The cumulative share of the ratings, from the most to the least rated film (a Lorenz
    curve).

    The title gives the share of the most rated 20% of the films, or of the first one, two or
    three if there are few films.

    Args:
        item_counts: (I,) the number of ratings of each item, including items without ratings.

    Raises:
        DataError: there are no items, no ratings, or a count is negative or not finite.
    """
    counts = np.sort(checked_numbers(item_counts, "rating counts"))[::-1]
    if counts[-1] < 0:
        raise DataError(f"A film cannot have {counts[-1]:g} ratings.")
    if counts[0] == 0:
        raise DataError(f"None of the {len(counts):,} films has a rating.")
    n = len(counts)
    held = np.concatenate(
        [[0], np.cumsum(counts) / counts.sum()]
    )  # (I + 1,) by the first 0, 1, 2, ... films
    shown = np.arange(n + 1)
    if n > MAX_POINTS:  # denser where the curve is steep
        shown = np.unique(np.round(np.linspace(0, 1, MAX_POINTS + 1) ** 2 * n).astype(np.int64))
    axes = new_axes("share of the films, most rated first", "share of the ratings")
    axes.plot(shown / n, held[shown], color=BLUE, linewidth=2)
    draw_diagonal(axes, 0, 1, "if all films were rated equally often")
    top = max(1, round(n / 5))
    axes.plot(top / n, held[top], marker="o", color="black")
    axes.plot(
        [top / n, top / n, 0],
        [0, held[top], held[top]],
        color="black",
        linewidth=0.8,
        linestyle=":",
    )
    axes.set_title(_tail_sentence(n, top, held[top]), fontsize=11)
    if n >= 10:
        half = n - n // 2
        axes.plot(half / n, held[half], marker="s", markersize=5, color="black", clip_on=False)
        text = f"\u25a0 the least rated half holds {_percent(1 - held[half])}"
        # The curve never reaches this corner
        axes.text(0.98, 0.05, text, ha="right", fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    return axes


def _tail_sentence(n: int, top: int, held: float) -> str:
    if n >= 20:
        return f"{top / n:.0%} of the films hold {_percent(held)} of the ratings"
    if n == 1:
        return "One film holds all of the ratings"
    if top == 1:
        return f"Of {n} films, the most rated one holds {_percent(held)} of the ratings"
    return f"Of {n} films, the {top} most rated ones hold {_percent(held)} of the ratings"


def _percent(share: float) -> str:
    """A share as people read it: 27%, 0.4%, <0.1%, 0%."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0 < share < 0.0095:
        return f"{share:.1%}"
    return f"{share:.0%}"
