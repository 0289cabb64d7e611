"""How good predictions are: against the true stars, on average, and where there is little to learn from."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from matinee import metrics
from matinee.errors import DataError
from matinee.plots.canvas import BLUE, GREY, ORANGE, beside, draw_diagonal, new_axes, new_panels, plain
from matinee.plots.numbers import Numbers, binned_means, checked_pairs, counted, merged_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAIR = ("true ratings", "predictions")
MOST_BOXES = 20
ENOUGH = 50
"""Ratings in a bin, at least, for an interval worth drawing."""


def predicted_against_true(true: ArrayLike, predicted: ArrayLike) -> "Axes":
    """The predictions for each true rating as a box: its line is the median, it holds half of them, its whiskers 90%.

    A wider box stands for more ratings. More than 20 different ratings are rounded into 20 groups.

    Args:
        true, predicted: (N,) in stars.

    Raises:
        DataError: there are none, some are not finite, or one array is longer than the other.
    """
    stars, guesses = checked_pairs(true, predicted, PAIR)
    groups = np.unique(stars)
    if len(groups) > MOST_BOXES:
        step = (stars.max() - stars.min()) / (MOST_BOXES - 1)
        stars = stars.min() + step * np.round((stars - stars.min()) / step)
        groups = np.unique(stars)
    parts = [guesses[stars == group] for group in groups]
    step = float(np.diff(groups).min()) if len(groups) > 1 else 1.0
    widths = 0.8 * step * np.sqrt([len(part) / max(map(len, parts)) for part in parts])
    axes = new_axes("true stars", "predicted stars")
    ends = min(groups[0], guesses.min()), max(groups[-1], guesses.max())
    draw_diagonal(axes, *ends, "predicted = true")
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
    axes.set_title(
        f"{counted(len(guesses), 'prediction')}, RMSE {metrics.rmse(np.asarray(true, np.float64), guesses):.3f} stars",
        fontsize=11,
    )
    return axes


def calibration(true: ArrayLike, predicted: ArrayLike) -> "Axes":
    """The mean true rating where about so many stars were predicted, with 95% intervals; the predictions below.

    On the dashed line, 4 stars predicted are 4 stars on average. Bins with fewer than 50 ratings join their
    neighbours. The title says how far the points lie from the line, weighted by the number of ratings.

    Args:
        true, predicted: (N,) in stars.

    Returns:
        The upper axes; the histogram of the predictions is the other axes of its figure.

    Raises:
        DataError: there are none, some are not finite, or one array is longer than the other.
    """
    stars, guesses = checked_pairs(true, predicted, PAIR)
    width = _bin_width(guesses)
    bins = np.round(guesses / width).astype(np.int64)
    points = binned_means(merged_bins(bins, ENOUGH), guesses, stars)
    above, below = new_panels("predicted stars", ("mean true stars", "predictions"), 4.8, 0.76)
    ends = min(points.x.min(), points.mean.min()), max(points.x.max(), points.mean.max())
    draw_diagonal(above, *ends, "predicted = true", 12)
    _draw_intervals(above, points.x, points.mean, (points.half, points.half), "o")
    off = np.sum(points.n * np.abs(points.mean - points.x)) / len(stars)
    above.set_title(f"Mean true stars are {off:.2f} from the prediction, on average", fontsize=11)
    middles, n = np.unique(bins, return_counts=True)
    below.bar(middles * width, n / n.sum(), 0.9 * width, color=BLUE)
    below.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    return above


def residuals(counts: ArrayLike, errors: ArrayLike, label: str) -> "Axes":
    """The error where there was little or much to learn from: RMSE above, mean error below, with 95% intervals.

    Bins double in width: 0, 1, 2 to 3, 4 to 7 ratings and so on; those with fewer than 50 test ratings join their
    neighbours. The axis is logarithmic; 0 stands to the left of 1.

    Args:
        counts: (N,) how many training ratings the user (or the item) of each test rating has.
        errors: (N,) predicted minus true, in stars.
        label: what the counts are, for the horizontal axis: "ratings of the user".

    Returns:
        The upper axes; the lower ones are the other axes of its figure.

    Raises:
        DataError: there are none, some are not finite, a count is negative, or one array is longer than the other.
    """
    activity, misses = checked_pairs(counts, errors, ("counts", "errors"))
    if activity.min() < 0:
        raise DataError(f"A number of ratings cannot be {activity.min():g}.")
    place = np.log2(np.maximum(activity, 0.5))  # 0 has no logarithm: it is drawn where a half is
    bins = merged_bins(np.floor(place).astype(np.int64), ENOUGH)
    squares, means = binned_means(bins, place, misses**2), binned_means(bins, place, misses)
    rmse = np.sqrt(squares.mean)
    reach = rmse - np.sqrt(np.maximum(squares.mean - squares.half, 0)), np.sqrt(squares.mean + squares.half) - rmse
    above, below = new_panels(plain(label), ("RMSE, stars", "mean error, stars"), 4.8, 0.6)
    _draw_intervals(above, 2**squares.x, rmse, reach, "o-")
    _draw_intervals(below, 2**means.x, means.mean, (means.half, means.half), "s-")
    overall = float(np.sqrt(np.mean(misses**2)))
    above.axhline(overall, color=GREY, linestyle="--", linewidth=1, zorder=1)
    beside(above, f"all {overall:.2f}", overall, "center", GREY)
    below.axhline(0, color=GREY, linestyle="--", linewidth=1, zorder=1)
    beside(below, "too high", 0, "bottom", GREY)
    beside(below, "too low", 0, "top", GREY)
    _counts_axis(above, activity)
    return above


def _draw_intervals(axes: "Axes", x: Numbers, y: Numbers, reach: tuple[Numbers, Numbers], form: str) -> None:
    """Points with a vertical line for each interval that there is.

    Args:
        reach: how far the intervals go down and up, NaN for none.
        form: the marker, and a dash if the points are joined.
    """
    colour = BLUE if form.startswith("o") else ORANGE
    axes.plot(x, y, form, color=colour, markersize=5, linewidth=1)
    known = np.isfinite(reach[0])
    axes.vlines(x[known], (y - reach[0])[known], (y + reach[1])[known], color=colour, linewidth=2, alpha=0.6)


def _bin_width(values: Numbers) -> float:
    """A round width of which about 16 make up the range of the middle 98% of the values; at least .05."""
    low, high = np.quantile(values, (0.01, 0.99))
    rough = max(float(high - low) / 16, 0.05)
    power = 10.0 ** np.floor(np.log10(rough))
    return float(power * min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda step: abs(np.log(step * power / rough))))


def _counts_axis(axes: "Axes", counts: Numbers) -> None:
    """A logarithmic axis of counts with 1, 2, 5, 10 (if it is long: 1, 3, 10) written out, and 0 where a half is."""
    axes.set_xscale("log")
    most = max(float(counts.max()), 1)
    steps = (1, 2, 5) if most < 1e4 * max(float(counts.min()), 0.5) else (1, 3)
    ticks = [step * 10.0**power for power in range(12) for step in steps if step * 10.0**power <= 1.2 * most]
    ticks = [0.5] * bool(counts.min() < 0.5) + [tick for tick in ticks if tick >= 0.8 * counts.min()]
    axes.set_xticks(ticks, ["0" if tick == 0.5 else f"{tick:,.0f}" for tick in ticks])
    axes.minorticks_off()
