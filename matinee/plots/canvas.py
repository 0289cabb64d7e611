"""Shared by all figures: axes in one style, safe text, and output as files or SVG."""

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

from matinee.data.titles import year_of
from matinee.errors import SettingError
from matinee.files import check_output_name, write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# -- figure: axes, text and fonts ----------------------------------------------------------------

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

    return Figure(figsize=(6.4, height), layout="constrained")  # not pyplot: no window, no global state


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
    """The text in one line, without characters that cannot be drawn or written to an SVG file."""
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
    """A sentence if texts in the axes have letters that no installed font has; otherwise empty."""
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


# -- output: files and SVG for pages -------------------------------------------------------------

FORMATS = (".png", ".svg", ".pdf")

_PAGE_COLORS = {
    "#000000": "currentColor",
    BLUE: f"var(--plot-blue, {BLUE})",
    ORANGE: f"var(--plot-orange, {ORANGE})",
    GRAY: f"var(--plot-gray, {GRAY})",
    PAPER: f"var(--plot-paper, {PAPER})",
}


def check_figure_name(path: Path) -> None:
    """Raises, before a long training, the error that `save_figure` would raise after it.

    Raises:
        SettingError: the suffix is not a supported format, or the folder does not exist.
    """
    check_output_name(path, "figure", FORMATS)


def save_figure(axes: "Axes", path: str | Path) -> None:
    """Writes the figure in the format of the file name; the same figure gives the same bytes.

    Raises:
        SettingError: the suffix is not a supported format, or the file cannot be written.
    """
    path = Path(path)
    figure = figure_of(axes)
    check_figure_name(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ".svg":
            svg = _to_svg(figure, "matinee", dpi=120, bbox_inches="tight")
            write_atomically(path, svg.encode())
            return
        metadata = None
        if suffix == ".pdf":
            metadata = {"CreationDate": None}
        buffer = io.BytesIO()
        with without_glyph_warnings():
            figure.savefig(buffer, format=suffix[1:], dpi=120, bbox_inches="tight", metadata=metadata)
        write_atomically(path, buffer.getvalue())
    except (ValueError, OSError) as error:
        raise SettingError(f"Cannot write the figure '{path}': {error}.") from error


def as_svg(axes: "Axes", title: str) -> str:
    """The figure as an <svg> element for a page; the same figure and title give the same text.

    The background is transparent. Black is drawn in the color of the surrounding text
    (currentColor), and text in its font. The other colors are the page's variables --plot-blue,
    --plot-orange, --plot-gray and --plot-paper (what covers something else), so that dark pages
    can set their own. Ids are unique among the figures of a page.

    Args:
        title: read by screen readers in place of the figure, and shown when the pointer rests on it.
    """
    svg = _to_svg(figure_of(axes), title, transparent=True)
    width, height = (float(points) for points in re.findall(r' (?:width|height)="([\d.]+)pt"', svg)[:2])
    content = svg[svg.index("</metadata>") + len("</metadata>") : svg.rindex("</svg>")]
    content = re.sub(r"<style.*?</style>", "", content, flags=re.DOTALL)  # its rule would apply to the whole page
    used_ids = set(re.findall(r"[(\"]#([\w.-]+)", content))
    prefix = f"p{_short_hash(title + content)}-"  # of the ids of this figure
    content = re.sub(r"<[^<>]+>", lambda tag: _adapt_tag(tag[0], used_ids, prefix), content)
    content = "\n".join(line.strip() for line in content.split("\n"))
    content = re.sub(r"\n{2,}", "\n", content)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{prefix}title" '
        f'viewBox="0 0 {width:g} {height:g}" '
        f'width="{width / 0.75:.0f}" height="{height / 0.75:.0f}" '
        f'style="max-width: 100%; height: auto; fill: currentColor; stroke-linejoin: round">'
        f'<title id="{prefix}title">{escape(drawable(title))}</title>{content}</svg>'
    )


def _to_svg(figure: "Figure", salt: str, **options: Any) -> str:
    """The figure as SVG with text as text, and with ids that are the same in every run.

    A text with a halo is written twice, with a thick stroke and without: as outlines it would
    take fifty times the space.
    """
    from matplotlib import rc_context
    from matplotlib.text import Text

    effects = {text: text.get_path_effects() for text in figure.findobj(Text) if text.get_path_effects()}
    buffer = io.StringIO()
    try:
        for text in effects:
            text.set(path_effects=[], gid="halo")
        with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}), without_glyph_warnings():
            figure.savefig(buffer, format="svg", metadata={"Date": None}, **options)
    finally:
        for text, path_effects in effects.items():
            text.set(path_effects=path_effects, gid=None)
    svg = re.sub(r"(font-family: '[^']+')(?:, '[^']+')+", r"\1", buffer.getvalue())
    svg = re.sub(r"<[^<>]+>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), svg)  # to .01 points
    return re.sub(r'<g id="halo">(.*?</g>)', lambda group: f"<g>{_add_halo(group[1])}", svg, flags=re.DOTALL)


def _add_halo(texts: str) -> str:
    """Each text element twice: stroked in the color of the paper, and as it is above that."""
    stroked = rf"\1stroke: {PAPER}; stroke-width: 2px; \2\n\1\2"
    return re.sub(r'(<text style=")([^>]*>[^<]*</text>)', stroked, texts)


def _adapt_tag(tag: str, used_ids: set[str], prefix: str) -> str:
    """One tag in the colors and font of the page; used ids get the prefix, others are dropped."""

    def rename(match: re.Match[str]) -> str:
        if match[1] not in used_ids:
            return ""
        return f' id="{prefix}{match[1]}"'

    tag = re.sub("(?<=: )#[0-9a-f]{6}", lambda color: _PAGE_COLORS.get(color[0], color[0]), tag)
    # matplotlib before 3.10 writes "font: 700 9px 'DejaVu Sans', ...",
    # later versions "font-size: 9px; font-family: ...".
    tag = re.sub(r"font: (?:(\d+|bold) )?([\d.]+px) [^;\"]+", r"font-weight: \1; font-size: \2", tag)
    tag = re.sub(r"(?: font-family: [^;\"]+;?|font-weight: ;)", "", tag)
    tag = re.sub(r' id="([\w.-]+)"', rename, tag)
    return re.sub(r"(?:xlink:)?(url\(|href=\")#", rf"\1#{prefix}", tag).replace("xlink:", "")


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
