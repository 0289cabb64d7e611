"""Shared by all figures: axes in one style, safe text, and output as files or SVG."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal

from matinee.data.titles import year_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# -- figure: axes, text and fonts --------------------------------------------------------

BLUE = "#0a5a9c"
ORANGE = "#d1600a"
GRAY = "#767676"
PAPER = "#ffffff"
#: The smallest text of a figure, in points.
SMALL = 8.0

#: Fonts with Chinese, Japanese and Korean letters that Linux, macOS or Windows may have.
FALLBACK_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Source Han Sans",
    "IPAexGothic",
    "IPAGothic",
    "TakaoPGothic",
    "VL Gothic",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "MS Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
)


def new_axes(x_label: str, y_label: str, height: float = 4.0) -> "Axes":
    """Empty, labeled axes in a new figure, 6.4 inches wide and `height` inches high."""
    axes = _new_figure(height).add_subplot()
    _style_axes(axes, x_label, y_label)
    return axes


def new_panels(
    x_label: str, upper_label: str, lower_label: str, height: float = 4.8, upper_share: float = 0.6
) -> tuple["Axes", "Axes"]:
    """Two empty axes in a new figure, one above the other, with a common horizontal axis.

    Args:
        upper_label, lower_label: labels of the two vertical axes.
        upper_share: the share of the height that the upper axes take.
    """
    figure = _new_figure(height)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=(upper_share, 1 - upper_share))
    _style_axes(upper, "", upper_label)
    _style_axes(lower, x_label, lower_label)
    figure.align_ylabels([upper, lower])
    return upper, lower


def _new_figure(height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(
        figsize=(6.4, height), layout="constrained"
    )  # not pyplot: no window, no global state


def _style_axes(axes: "Axes", x_label: str, y_label: str) -> None:
    """Adds labels and a light grid behind the data, and removes half of the frame."""
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="black", alpha=0.13, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)


def figure_of(axes: "Axes") -> "Figure":
    """The whole figure, even if the axes lie in a part of it."""
    return axes.figure.canvas.figure


def label_beside(
    axes: "Axes",
    text: str,
    y: float,
    va: Literal["top", "center", "bottom"],
    color: str = "black",
) -> None:
    """Writes a label to the right of the axes, at the height y of the data."""
    axes.annotate(
        text,
        (1, y),
        (5, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va=va,
        color=color,
        fontsize=9,
    )


def draw_diagonal(axes: "Axes", low: float, high: float, text: str, down: float = 3) -> None:
    """A dashed line from (low, low) to (high, high), with a text `down` points below it."""
    axes.plot([low, high], [low, high], color=GRAY, linestyle="--", linewidth=1, zorder=1)
    position = low + 0.2 * (high - low)
    axes.annotate(
        text,
        (position, position),
        (2 * down, -down),
        textcoords="offset points",
        va="top",
        color=GRAY,
        fontsize=9,
    )


def drawable(text: str) -> str:
    """The text in one line, without characters that cannot be drawn or written to an SVG
    file."""
    drawn = [character if character.isprintable() else " " for character in text]
    return " ".join("".join(drawn).split())


def escape_math(text: str) -> str:
    """The text for matplotlib to draw literally: dollar signs do not enclose a formula."""
    return drawable(text).replace("$", r"\$")


def shorten_title(title: str, length: int = 36) -> str:
    """A title of at most `length` characters, ready to draw; a long one keeps its year."""
    title = drawable(title)
    if len(title) > length:
        ending = "\u2026"
        year = year_of(title)
        if year:
            ending += f" ({year})"
        title = title[: length - len(ending)].rstrip(" ,.:;-(") + ending
    return escape_math(title)


@cache
def font_families() -> list[str]:
    """The default font, followed by the installed fonts that cover more scripts."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in FALLBACK_FONTS if name in installed)]


def missing_letters(axes: "Axes") -> str:
    """A sentence if texts in the axes have letters that no installed font has; otherwise
    empty."""
    from matplotlib.font_manager import fontManager, get_font

    fonts = [get_font(fontManager.findfont(name)) for name in font_families()]
    letters = {letter for text in axes.texts for letter in text.get_text() if not letter.isspace()}
    for letter in letters:
        if not any(font.get_char_index(ord(letter)) for font in fonts):
            return (
                "Some letters of the titles are in no installed font and appear as boxes. "
                "Install Noto Sans CJK, or write .html instead."
            )
    return ""


@contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Suppresses the warning about a title in a script that the font lacks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield
