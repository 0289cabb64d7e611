"""What every figure shares: empty axes in one style, and writing a figure to a file."""

from pathlib import Path
from typing import TYPE_CHECKING

from matinee.errors import SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
BLUE, ORANGE, GREY = "#0a5a9c", "#d1600a", "#767676"


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
        assert figure is not None  # `new_axes` made it
        figure.savefig(path, dpi=120, bbox_inches="tight")
    except (ValueError, OSError) as error:
        raise SettingError(f"Cannot write the figure '{path}': {error}. Names end in .png, .svg or .pdf.") from error


def new_axes(x: str, y: str) -> "Axes":
    """Empty axes in a figure of their own, with labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), layout="constrained")  # not pyplot: no window, no global state
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.6)
    return axes
