"""Figures of the quality of predictions: box plots, calibration, and error by activity."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from matinee._types import Doubles
from matinee.errors import DataError
from matinee.evaluation import metrics
from matinee.plots.binning import binned_means, checked_pairs, merged_bins
from matinee.plots.figure import (
    BLUE,
    GRAY,
    ORANGE,
    draw_diagonal,
    escape_math,
    label_beside,
    new_axes,
    new_panels,
)
from matinee.text import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_BOXES = 20
#: Test ratings in a bin, at least: fewer give no interval worth drawing.
MIN_PER_BIN = 50


def predicted_against_true(true: ArrayLike, predicted: ArrayLike) -> "Axes":
    """A box plot of the predictions for each true rating; the whiskers cover 90%.

    The area of a box grows with the number of its ratings. More than 20 different ratings are
    rounded to 20 groups.

    Args:
        true, predicted: (N,) in stars.

    Raises:
        DataError: there are none, some are not finite, or the lengths differ.
    """
    stars, predictions = checked_pairs(true, predicted, "true ratings", "predictions")
    groups = np.unique(stars)
    if len(groups) > MAX_BOXES:
        step = (stars.max() - stars.min()) / (MAX_BOXES - 1)
        stars = stars.min() + step * np.round((stars - stars.min()) / step)
        groups = np.unique(stars)
    parts = [predictions[stars == group] for group in groups]
    sizes = np.array([len(part) for part in parts])
    distance = 1.0
    if len(groups) > 1:
        distance = float(np.diff(groups).min())
    widths = 0.8 * distance * np.sqrt(sizes / sizes.max())
    axes = new_axes("true stars", "predicted stars")
    low = min(groups[0], predictions.min())
    high = max(groups[-1], predictions.max())
    draw_diagonal(axes, low, high, "predicted = true")
    axes.boxplot(
        parts,
        positions=groups,
        widths=widths,
        whis=(5, 95),
        showfliers=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": BLUE, "alpha": 0.35, "edgecolor": BLUE},
        medianprops={"color": "black", "linewidth": 2},
        whiskerprops={"color": BLUE},
        showcaps=False,
    )
    if len(groups) <= 11:
        axes.set_xticks(groups)
    rmse = metrics.rmse(np.asarray(true, np.float64), predictions)
    axes.set_title(f"{counted(len(predictions), 'prediction')}, RMSE {rmse:.3f} stars", fontsize=11)
    return axes


def calibration(true: ArrayLike, predicted: ArrayLike) -> "Axes":
    """A calibration plot: mean true rating by predicted stars, with 95% intervals, and a
    histogram.

    On the dashed line, films predicted at 4 stars are rated 4 on average. Bins with fewer than
    50 ratings are merged with their neighbors. The title gives the mean distance of the points
    from the line, weighted by the number of ratings.

    Args:
        true, predicted: (N,) in stars.

    Returns:
        The upper axes; the histogram of the predictions is the other axes of its figure.

    Raises:
        DataError: there are none, some are not finite, or the lengths differ.
    """
    stars, predictions = checked_pairs(true, predicted, "true ratings", "predictions")
    width = _bin_width(predictions)
    bins = np.round(predictions / width).astype(np.int64)
    points = binned_means(merged_bins(bins, MIN_PER_BIN), predictions, stars)
    upper, lower = new_panels("predicted stars", "mean true stars", "predictions", 4.8, 0.76)
    low = min(points.x.min(), points.mean.min())
    high = max(points.x.max(), points.mean.max())
    draw_diagonal(upper, low, high, "predicted = true", 12)
    _draw_intervals(upper, points.x, points.mean, points.half, points.half, "o")
    distance = np.sum(points.n * np.abs(points.mean - points.x)) / len(stars)
    upper.set_title(
        f"On average, mean true stars and prediction differ by {distance:.2f}", fontsize=11
    )
    centers, n = np.unique(bins, return_counts=True)
    lower.bar(centers * width, n / n.sum(), 0.9 * width, color=BLUE)
    lower.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return upper


def residuals(counts: ArrayLike, errors: ArrayLike, label: str) -> "Axes":
    """RMSE and mean error by the number of training ratings, with 95% intervals.

    Bins double in width: 0, 1, 2 to 3, 4 to 7 ratings and so on. Bins with fewer than 50 test
    ratings are merged with their neighbors. The horizontal axis is logarithmic, with 0 to the
    left of 1.

    Args:
        counts: (N,) number of training ratings of the user (or of the item) of each test
            rating.
        errors: (N,) predicted minus true, in stars.
        label: what is counted, for the horizontal axis, such as "ratings of the user".

    Returns:
        The upper axes; the lower ones are the other axes of its figure.

    Raises:
        DataError: there are none, some are not finite, a count is negative, or the lengths
            differ.
    """
    n_ratings, differences = checked_pairs(counts, errors, "counts", "errors")
    if n_ratings.min() < 0:
        raise DataError(f"The counts must not be negative, but one is {n_ratings.min():g}.")
    # 0 has no logarithm: it is drawn at one half
    position = np.log2(np.maximum(n_ratings, 0.5))
    bins = merged_bins(np.floor(position).astype(np.int64), MIN_PER_BIN)
    squares = binned_means(bins, position, differences**2)
    means = binned_means(bins, position, differences)
    rmse = np.sqrt(squares.mean)
    down = rmse - np.sqrt(np.maximum(squares.mean - squares.half, 0))
    up = np.sqrt(squares.mean + squares.half) - rmse
    upper, lower = new_panels(escape_math(label), "RMSE, stars", "mean error, stars", 4.8, 0.6)
    _draw_intervals(upper, 2**squares.x, rmse, down, up, "o-")
    _draw_intervals(lower, 2**means.x, means.mean, means.half, means.half, "s-")
    overall = float(np.sqrt(np.mean(differences**2)))
    upper.axhline(overall, color=GRAY, linestyle="--", linewidth=1, zorder=1)
    label_beside(upper, f"all {overall:.2f}", overall, "center", GRAY)
    lower.axhline(0, color=GRAY, linestyle="--", linewidth=1, zorder=1)
    label_beside(lower, "too high", 0, "bottom", GRAY)
    label_beside(lower, "too low", 0, "top", GRAY)
    _format_counts(upper, n_ratings)
    return upper


def _draw_intervals(
    axes: "Axes", x: Doubles, y: Doubles, down: Doubles, up: Doubles, style: str
) -> None:
    """Points, each with a vertical line for its interval if it has one.

    Args:
        down, up: how far the intervals extend from y, NaN where there is none.
        style: the marker, followed by a dash if a line joins the points.
    """
    color = BLUE if style.startswith("o") else ORANGE
    axes.plot(x, y, style, color=color, markersize=5, linewidth=1)
    known = np.isfinite(down)
    axes.vlines(x[known], (y - down)[known], (y + up)[known], color=color, linewidth=2, alpha=0.6)


def _bin_width(values: Doubles) -> float:
    """A round bin width: about 16 bins cover the middle 98% of the values; at least .05."""
    low, high = np.quantile(values, (0.01, 0.99))
    rough = max(float(high - low) / 16, 0.05)
    power = 10.0 ** np.floor(np.log10(rough))
    return float(
        power * min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda step: abs(np.log(step * power / rough)))
    )


def _format_counts(axes: "Axes", counts: Doubles) -> None:
    """A logarithmic axis with ticks at 1, 2, 5, 10 (if it is long: 1, 3, 10), and 0 at one
    half."""
    axes.set_xscale("log")
    least = float(counts.min())
    most = max(float(counts.max()), 1)
    digits: tuple[int, ...] = (1, 2, 5)
    if most >= 1e4 * max(least, 0.5):
        digits = (1, 3)
    ticks = []
    labels = []
    if least < 0.5:
        ticks.append(0.5)
        labels.append("0")
    for power in range(12):
        for digit in digits:
            tick = digit * 10.0**power
            if 0.8 * least <= tick <= 1.2 * most:
                ticks.append(tick)
                labels.append(f"{tick:,.0f}")
    axes.set_xticks(ticks, labels)
    axes.minorticks_off()
