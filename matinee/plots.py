"""One function per figure; each returns the matplotlib Axes it drew on, so that callers can add to it or save it.

Lines differ in dash and marker as well as in colour, so that the figures work in black and white.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matinee.errors import SettingError, UnsupportedError
from matinee.training.lr_finder import LearningRates
from matinee.training.schedules import Schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
BLUE, ORANGE, GREY = "#0a5a9c", "#d1600a", "#767676"


def learning_curves(model: Any) -> "Axes":
    """Error while training and on the valid part, by epoch, of any model that keeps its history."""
    losses = getattr(model, "losses_", None)
    if losses is None:
        raise UnsupportedError(f"{model.name} has no learning curve: it does not learn in epochs. mf and mlp do.")
    axes = _axes("epoch", "RMSE, stars" if model.name == "mf" else "mean squared error")
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
    axes = _axes("epoch", "learning rate")
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
    axes = _axes("learning rate", "smoothed loss")
    axes.semilogx(found.rates, found.losses, color=BLUE)
    axes.axvline(found.suggestion, color=ORANGE, linestyle="--")
    axes.annotate(
        f"suggestion {found.suggestion:.2g}",
        (found.suggestion, axes.get_ylim()[1]),
        (4, -12),
        textcoords="offset points",
    )
    return axes


def check_figure_name(path: Path) -> None:
    """Tells before a long training what `save_figure` would tell after it.

    Raises:
        SettingError: the name ends in no format that can be written, or its folder is not there.
    """
    if path.suffix not in FORMATS or not path.absolute().parent.is_dir():
        raise SettingError(
            f"Cannot write the figure '{path}': names end in {', '.join(FORMATS)}, and the folder is there."
        )


def save_figure(axes: "Axes", path: Path) -> None:
    """Writes the figure in the format that the name ends in.

    Raises:
        SettingError: matplotlib cannot write this format, or the place cannot be written.
    """
    try:
        figure = axes.get_figure(root=True)
        assert figure is not None  # `_axes` made it
        figure.savefig(path, dpi=120, bbox_inches="tight")
    except (ValueError, OSError) as error:
        raise SettingError(f"Cannot write the figure '{path}': {error}. Names end in .png, .svg or .pdf.") from error


def _axes(x: str, y: str) -> "Axes":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")  # not pyplot: no window, no global state
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.6)
    return axes
