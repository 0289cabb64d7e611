"""How a training went: learning curves, schedules, and the range test of learning rates."""

from typing import TYPE_CHECKING, Any

import numpy as np

from matinee.errors import UnsupportedError
from matinee.plots.canvas import BLUE, ORANGE, new_axes
from matinee.training.lr_finder import LearningRates
from matinee.training.schedules import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def learning_curves(model: Any) -> "Axes":
    """Error while training and on the valid part, by epoch, of any model that keeps its history."""
    losses = getattr(model, "losses_", None)
    if losses is None:
        raise UnsupportedError(f"{model.name} has no learning curve: it does not learn in epochs. mf and mlp do.")
    axes = new_axes("epoch", "RMSE, stars" if model.name == "mf" else "mean squared error")
    epochs = np.arange(1, len(losses) + 1)
    axes.plot(epochs, losses[:, 1], color=BLUE, marker="o", markersize=3, label="training ratings")
    if not np.isnan(losses[:, 2]).all():
        axes.plot(epochs, losses[:, 2], color=ORANGE, linestyle="--", marker="s", markersize=3, label="test ratings")
        best = int(np.nanargmin(losses[:, 2]))
        axes.annotate(f"{losses[best, 2]:.4f}", (best + 1, losses[best, 2]), (0, 10), textcoords="offset points")
        top = np.nanmax(losses[len(losses) // 10 :, 1:])
        axes.set_ylim(top=top + 0.1 * (top - np.nanmin(losses[:, 1:])))  # a wild first epoch does not hide the rest
    axes.legend(frameon=False)
    return axes


def schedule(plan: Schedule, steps_per_epoch: int, title: str) -> "Axes":
    """The learning rate of every step; Adam's momentum beside it where it changes."""
    axes = new_axes("epoch", "learning rate")
    epochs = np.arange(len(plan.rates)) / steps_per_epoch
    axes.plot(epochs, plan.rates, color=BLUE, label="learning rate")
    axes.set_title(title)
    if np.ptp(plan.momenta) > 0:
        other = axes.twinx()
        other.plot(epochs, plan.momenta, color=ORANGE, linestyle="--", label="momentum (right)")
        other.set_ylabel("momentum")
        axes.plot([], [], color=ORANGE, linestyle="--", label="momentum (right)")
        axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 0.12))
    return axes


def learning_rates(found: LearningRates) -> "Axes":
    """The range test: loss against learning rate, and the suggested rate."""
    axes = new_axes("learning rate", "smoothed loss")
    axes.semilogx(found.rates, found.losses, color=BLUE)
    axes.axvline(found.suggestion, color=ORANGE, linestyle="--")
    axes.annotate(
        f"suggestion {found.suggestion:.2g}",
        (found.suggestion, axes.get_ylim()[1]),
        (4, -12),
        textcoords="offset points",
    )
    return axes
