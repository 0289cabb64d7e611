"""Figures of a training: learning curves, schedules, and the learning rate range test."""

from typing import TYPE_CHECKING

import numpy as np

from matinee.errors import UnsupportedError
from matinee.models.base import Recommender
from matinee.plots.figure import BLUE, ORANGE, escape_math, label_beside, new_axes, new_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from matinee.training.lr_finder import LearningRates
    from matinee.training.schedules import Schedule


def learning_curves(model: Recommender) -> "Axes":
    """The error on the training and the validation part by epoch.

    A ring marks the epoch with the lowest validation error. The axis is scaled to the errors
    after the first tenth of the epochs, so that large initial errors do not hide the rest.

    Raises:
        UnsupportedError: the model does not train in epochs.
    """
    from matplotlib.ticker import MaxNLocator

    curve = model.curve_
    if curve is None:
        raise UnsupportedError(
            f"{model.name} does not train in epochs, so it has no learning curve; use mf or mlp."
        )
    axes = new_axes("epoch", curve.loss)
    losses = curve.rows
    epochs = np.arange(1, len(losses) + 1)
    axes.plot(epochs, losses[:, 1], color=BLUE, marker="o", markersize=3, label="training ratings")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    watched = np.flatnonzero(~np.isnan(losses[:, 2]))
    if len(watched) == 0:
        label_beside(axes, "training\nratings", losses[-1, 1], "center", BLUE)
        return axes
    axes.plot(
        epochs,
        losses[:, 2],
        color=ORANGE,
        linestyle="--",
        marker="s",
        markersize=3,
        label="test ratings",
    )
    best = int(np.nanargmin(losses[:, 2]))
    axes.plot(
        best + 1,
        losses[best, 2],
        marker="o",
        markersize=9,
        color="black",
        fillstyle="none",
        label="lowest",
    )
    test_label = f"test ratings\nlowest {losses[best, 2]:.4f}\nepoch {best + 1}"
    test_end, train_end = losses[watched[-1], 2], losses[-1, 1]
    if test_end >= train_end:
        label_beside(axes, test_label, test_end, "bottom", ORANGE)
        label_beside(axes, "training\nratings", train_end, "top", BLUE)
    else:
        label_beside(axes, test_label, test_end, "top", ORANGE)
        label_beside(axes, "training\nratings", train_end, "bottom", BLUE)
    top = np.nanmax(losses[len(losses) // 10 :, 1:])
    axes.set_ylim(top=top + 0.1 * (top - np.nanmin(losses[:, 1:])))
    return axes


def schedule(plan: "Schedule", steps_per_epoch: int, title: str) -> "Axes":
    """The learning rate of every step, above Adam's momentum if that changes."""
    epochs = np.arange(len(plan.rates)) / steps_per_epoch
    if np.ptp(plan.momenta) > 0:
        axes, lower = new_panels("epoch", "learning rate", "momentum")
        lower.plot(epochs, plan.momenta, color=ORANGE, linestyle="--")
    else:
        axes = new_axes("epoch", "learning rate", 3.2)
    axes.plot(epochs, plan.rates, color=BLUE)
    axes.set_ylim(bottom=0)
    axes.set_title(escape_math(title), fontsize=11)
    return axes


def learning_rates(found: "LearningRates") -> "Axes":
    """The learning rate range test: the smoothed loss by learning rate, and the suggested
    rate."""
    axes = new_axes("learning rate", "smoothed loss")
    axes.semilogx(found.rates, found.losses, color=BLUE)
    axes.xaxis.set_major_formatter(
        lambda rate, _: np.format_float_positional(rate, precision=3, fractional=False, trim="-")
    )
    axes.axvline(found.suggestion, color=ORANGE, linestyle="--")
    axes.annotate(
        f"suggestion {found.suggestion:.2g}",
        (found.suggestion, 0.98),
        (4, 0),
        xycoords=axes.get_xaxis_transform(),  # x is a rate, y a share of the height
        textcoords="offset points",
        va="top",
    )
    return axes
