"""What a table of ratings is like: how many stars people give, and how few films get most of the ratings."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matinee.errors import DataError
from matinee.plots.canvas import BLUE, SMALL, draw_diagonal, new_axes
from matinee.plots.numbers import Numbers, checked_numbers, counted
from matinee.ratings import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 24
POINTS = 300


def rating_histogram(values: ArrayLike, scale: Scale) -> "Axes":
    """The share of the ratings at each step of the scale, and their mean.

    A scale without steps is cut into 20 parts; of one with very many, each bar takes the same number of steps, the last
    one those left over too.

    Args:
        values: (N,) ratings in stars.

    Raises:
        DataError: there are no ratings, some are not finite, or one lies outside the scale.
    """
    stars = checked_numbers(values, "ratings")
    outside = stars[(stars < scale.lowest - 1e-6) | (stars > scale.highest + 1e-6)]
    if len(outside):
        raise DataError(
            f"A rating of {outside[0]:g} is outside the scale {scale}. Draw it on its own: Scale.of(values)."
        )
    bar, middles, width = _bars(stars, scale)
    shares = np.bincount(bar, minlength=len(middles)) / len(stars)
    axes = new_axes("stars", "", 3.4)
    drawn = axes.bar(middles, shares, 0.8 * width, color=BLUE)
    axes.bar_label(drawn, [_percent(share) for share in shares], padding=2, fontsize=9 if len(shares) <= 12 else SMALL)
    axes.margins(y=0.1)
    axes.set_title(f"{counted(len(stars), 'rating')}, {stars.mean():.2f} stars on average", fontsize=11)
    base = axes.get_xaxis_transform()  # x in stars, y in parts of the height
    axes.plot(stars.mean(), -0.025, marker="^", markersize=8, color="black", clip_on=False, transform=base)
    if len(middles) <= 12:
        axes.set_xticks(middles)
    axes.tick_params(axis="x", length=0, pad=11)
    axes.yaxis.set_visible(False)  # each bar says its share
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    return axes


def _bars(stars: Numbers, scale: Scale) -> tuple[NDArray[np.int64], Numbers, float]:
    """The bar of each rating, (N,), the middles of all bars, and their width."""
    lowest, highest, step = scale
    if not step:
        n_bars = 20 if highest > lowest else 1
        width = (highest - lowest) / n_bars or 1.0
        bar = np.floor((stars - lowest) / width)
        middles = lowest + (np.arange(n_bars) + 0.5) * width if highest > lowest else np.array([lowest])
    else:
        n_steps = round((highest - lowest) / step) + 1
        least = -(-n_steps // MOST_BARS)
        each = min(range(least, 2 * least), key=lambda number: n_steps % number)  # as few left over as can be
        n_bars, width = n_steps // each, each * step
        bar = np.round((stars - lowest) / step) // each
        middles = lowest + (np.arange(n_bars) * each + (each - 1) / 2) * step
    return np.clip(bar, 0, n_bars - 1).astype(np.int64), np.asarray(middles, np.float64), width


def long_tail(item_counts: ArrayLike) -> "Axes":
    """The share of all ratings that the most rated films hold, against their share of the films (a Lorenz curve).

    The title says what the first 20% of the films hold, or the first one, two or three where there are few films.

    Args:
        item_counts: (I,) the number of ratings of each item; items without any count as films.

    Raises:
        DataError: there are no items, no ratings, or a number is negative or not finite.
    """
    counts = np.sort(checked_numbers(item_counts, "numbers of ratings"))[::-1]
    if counts[-1] < 0:
        raise DataError(f"A film cannot have {counts[-1]:g} ratings.")
    if counts[0] == 0:
        raise DataError(f"None of the {len(counts):,} films has a rating.")
    n = len(counts)
    held = np.concatenate([[0], np.cumsum(counts) / counts.sum()])  # (I + 1,) by the first 0, 1, 2, ... films
    shown = np.arange(n + 1)
    if n > POINTS:
        shown = np.unique(np.round(np.linspace(0, 1, POINTS + 1) ** 2 * n).astype(np.int64))  # denser where it is steep
    axes = new_axes("share of the films, the most rated first", "share of the ratings")
    axes.plot(shown / n, held[shown], color=BLUE, linewidth=2)
    draw_diagonal(axes, 0, 1, "if all were rated equally often")
    top = max(1, round(n / 5))
    axes.plot(top / n, held[top], marker="o", color="black")
    axes.plot([top / n, top / n, 0], [0, held[top], held[top]], color="black", linewidth=0.8, linestyle=":")
    axes.set_title(_tail_sentence(n, top, held[top]), fontsize=11)
    if n >= 10:
        half = n - n // 2
        axes.plot(half / n, held[half], marker="s", markersize=5, color="black", clip_on=False)
        words = f"\u25a0 the least rated half hold {_percent(1 - held[half])}"  # the curve never comes to this corner
        axes.text(0.98, 0.05, words, ha="right", fontsize=9)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    return axes


def _tail_sentence(n: int, top: int, held: float) -> str:
    if n >= 20:
        return f"{top / n:.0%} of the films hold {_percent(held)} of the ratings"
    films = "the most rated film holds" if top == 1 else f"the {top} most rated films hold"
    return f"Of {n} films, {films} {_percent(held)} of the ratings" if n > 1 else "One film holds all of the ratings"


def _percent(share: float) -> str:
    """A share as people read it: 27%, 0.4%, <0.1%, 0%."""
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.1%}" if 0 < share < 0.0095 else f"{share:.0%}"
