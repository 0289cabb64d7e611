"""What every figure shares: empty axes in one style, words that are safe to draw, and writing a figure down."""

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from matinee.catalogue import year_of
from matinee.errors import SettingError
from matinee.files import check_output_name, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
BLUE, ORANGE, GREY, PAPER = "#0a5a9c", "#d1600a", "#767676", "#ffffff"
SMALL = 8.0
"""Points: the smallest text of a figure."""

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
"""Fonts with Chinese, Japanese and Korean letters that Linux, macOS or Windows may have."""

_ON_A_PAGE = {
    "#000000": "currentColor",
    BLUE: f"var(--plot-blue, {BLUE})",
    ORANGE: f"var(--plot-orange, {ORANGE})",
    GREY: f"var(--plot-grey, {GREY})",
    PAPER: f"var(--plot-paper, {PAPER})",
}


def check_figure_name(path: Path) -> None:
    """Tells before a long training what `save_figure` would tell after it.

    Raises:
        SettingError: the name ends in no format that can be written, or its folder is not there.
    """
    check_output_name(path, "figure", FORMATS)


def save_figure(axes: "Axes", path: str | Path) -> None:
    """Writes the figure in the format that the name ends in; the same figure gives the same bytes.

    Raises:
        SettingError: the name ends in no format that can be written, or the place cannot be written.
    """
    figure, place = _figure(axes), Path(path)
    check_figure_name(place)
    suffix = place.suffix.lower()
    try:
        if suffix == ".svg":
            text = _drawn_svg(figure, "matinee", dpi=120, bbox_inches="tight")
            write_atomically(place, text.encode())
            return
        undated = {"CreationDate": None} if suffix == ".pdf" else None
        drawn = io.BytesIO()
        with without_glyph_warnings():
            figure.savefig(drawn, format=suffix[1:], dpi=120, bbox_inches="tight", metadata=undated)
        write_atomically(place, drawn.getvalue())
    except (ValueError, OSError) as error:
        raise SettingError(f"Cannot write the figure '{path}': {error}.") from error


def as_svg(axes: "Axes", title: str) -> str:
    """The figure as an <svg> element to put into a page; the same figure and title give the same text.

    The background is transparent. What is black is drawn in the colour of the text around it (currentColor), in its
    font; the other colours are the page's variables --plot-blue, --plot-orange, --plot-grey and --plot-paper (what
    covers something else), where it sets them, as it should for dark pages. Ids fit into a page with other figures.

    Args:
        title: read out by screen readers in place of the figure, and shown when the pointer rests on it.
    """
    drawn = _drawn_svg(_figure(axes), title, transparent=True)
    width, height = (float(points) for points in re.findall(r' (?:width|height)="([\d.]+)pt"', drawn)[:2])
    inside = drawn[drawn.index("</metadata>") + len("</metadata>") : drawn.rindex("</svg>")]
    inside = re.sub(r"<style.*?</style>", "", inside, flags=re.DOTALL)  # its rule would hold for the whole page
    used = set(re.findall(r"[(\"]#([\w.-]+)", inside))
    own = f"p{_hash(title + inside)}-"  # what the ids of this figure begin with
    inside = re.sub(r"<[^>]+>", lambda tag: _for_a_page(tag[0], used, own), inside)
    inside = re.sub(r"\s*\n\s*", "\n", inside)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{own}title" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width / 0.75:.0f}" height="{height / 0.75:.0f}" '
        f'style="max-width: 100%; height: auto; fill: currentColor; stroke-linejoin: round">'
        f'<title id="{own}title">{escape(printable(title))}</title>{inside}</svg>'
    )


def new_axes(x: str, y: str, height: float = 4.0) -> "Axes":
    """Empty axes in a figure of their own, 6.4 inches wide, with labels."""
    axes = _new_figure(height).add_subplot()
    _dress(axes, x, y)
    return axes


def new_panels(x: str, y: tuple[str, str], height: float = 4.8, upper: float = 0.6) -> tuple["Axes", "Axes"]:
    """Two empty axes in a figure, one above the other, with one horizontal axis.

    Args:
        upper: the part of the height that the upper one takes.
    """
    figure = _new_figure(height)
    above, below = figure.subplots(2, sharex=True, height_ratios=(upper, 1 - upper))
    _dress(above, "", y[0])
    _dress(below, x, y[1])
    figure.align_ylabels([above, below])
    return above, below


def beside(axes: "Axes", text: str, y: float, va: Literal["top", "center", "bottom"], colour: str = "black") -> None:
    """A label to the right of the axes, at the height y of the data."""
    axes.annotate(
        text,
        (1, y),
        (5, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va=va,
        color=colour,
        fontsize=9,
    )


def draw_diagonal(axes: "Axes", low: float, high: float, text: str, down: float = 3) -> None:
    """A dashed line from (low, low) to (high, high), and what it means, written so many points below it."""
    axes.plot([low, high], [low, high], color=GREY, linestyle="--", linewidth=1, zorder=1)
    place = low + 0.2 * (high - low)
    axes.annotate(text, (place, place), (2 * down, -down), textcoords="offset points", va="top", color=GREY, fontsize=9)


def printable(text: str) -> str:
    """A text in one line, without characters that cannot be drawn or written to an SVG file."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def plain(text: str) -> str:
    """A text that matplotlib draws as it is: a pair of dollar signs in it does not begin a formula."""
    return printable(text).replace("$", r"\$")


def short(title: str, length: int = 36) -> str:
    """A title of at most so many characters, the end cut off but for the year, ready to be drawn."""
    title = printable(title)
    if len(title) > length:
        tail = f" ({year})" if (year := year_of(title)) else ""
        title = title[: length - len(tail) - 1].rstrip(" ,.:;-(") + "\u2026" + tail
    return plain(title)


@cache
def font_families() -> list[str]:
    """The usual font, and after it those on this computer that have the letters of more scripts."""
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in FALLBACK_FONTS if name in there)]


def missing_letters(axes: "Axes") -> str:
    """A sentence if texts in the axes have letters that no font here has; empty otherwise."""
    from matplotlib.font_manager import fontManager, get_font

    fonts = [get_font(fontManager.findfont(name)) for name in font_families()]
    letters = {letter for text in axes.texts for letter in text.get_text() if not letter.isspace()}
    if all(any(font.get_char_index(ord(letter)) for font in fonts) for letter in letters):
        return ""
    return "Some titles have letters that no font here has, and so show boxes; install Noto Sans CJK, or write .html."


@contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """No warning for a title in a script that the font lacks."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def _drawn_svg(figure: "Figure", salt: str, **style: Any) -> str:
    """The figure as SVG with ids that do not depend on the run and text as text.

    A text with a halo is written twice, with a thick edge and without: as outlines it would take fifty times the room.
    """
    from matplotlib import rc_context
    from matplotlib.text import Text

    haloed = [(text, text.get_path_effects()) for text in figure.findobj(Text) if text.get_path_effects()]
    written = io.StringIO()
    try:
        for text, _ in haloed:
            text.set(path_effects=[], gid="halo")
        with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}), without_glyph_warnings():
            figure.savefig(written, format="svg", metadata={"Date": None}, **style)
    finally:
        for text, effects in haloed:
            text.set(path_effects=effects, gid=None)
    drawn = re.sub(r"(font-family: '[^']+')(?:, '[^']+')+", r"\1", written.getvalue())
    drawn = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), drawn)  # to .01 points
    return re.sub(r'<g id="halo">(.*?</g>)', lambda group: f"<g>{_edged(group[1])}", drawn, flags=re.DOTALL)


def _edged(texts: str) -> str:
    return re.sub(r'(<text style=")([^>]*>[^<]*</text>)', rf"\1stroke: {PAPER}; stroke-width: 2px; \2\n\1\2", texts)


def _new_figure(height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(6.4, height), layout="constrained")  # not pyplot: no window, no global state


def _dress(axes: "Axes", x: str, y: str) -> None:
    """Labels, a light grid behind the data, and no frame."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="black", alpha=0.13, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)


def _figure(axes: "Axes") -> "Figure":
    return axes.figure.canvas.figure  # the whole figure, of a part of one too


def _for_a_page(tag: str, used: set[str], own: str) -> str:
    """One tag with the colours and the font of the page, the ids that are referred to renamed, the others dropped."""
    tag = re.sub("(?<=: )#[0-9a-f]{6}", lambda colour: _ON_A_PAGE.get(colour[0], colour[0]), tag)
    # matplotlib before 3.10 writes "font: 700 9px 'DejaVu Sans', ...", later ones "font-size: 9px; font-family: ..."
    tag = re.sub(r"font: (?:(\d+|bold) )?([\d.]+px) [^;\"]+", r"font-weight: \1; font-size: \2", tag)
    tag = re.sub(r"(?: font-family: [^;\"]+;?|font-weight: ;)", "", tag)
    tag = re.sub(r' id="([\w.-]+)"', lambda one: f' id="{own}{one[1]}"' if one[1] in used else "", tag)
    return re.sub(r"(?:xlink:)?(url\(|href=\")#", rf"\1#{own}", tag).replace("xlink:", "")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
